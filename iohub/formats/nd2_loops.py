"""Which frames of an ND2 file belong to which position, time point and plane.

A file says how its loops are nested; a frame's number counts through them. Every frame has all
channels. A loop that is neither of time, positions nor z multiplies the channels.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError, MissingFramesWarning
from iohub.formats.frame_grid import FrameGrid

if TYPE_CHECKING:
    from nd2 import ND2File

_LETTERS = {"TimeLoop": "t", "NETimeLoop": "t", "XYPosLoop": "p", "ZStackLoop": "z"}
_MORE = "c"
_MOST_NAMED = 5


def frames_of(file: ND2File, path: str) -> dict[int, FrameGrid[int]]:
    """Return the numbers of the frames of each position, of those that something was written of.

    Parameters
    ----------
    file : nd2.ND2File
        The file.
    path : str
        Its path, for messages.

    Raises
    ------
    FormatError
        If it has no frame.
    """
    loops = [(_LETTERS.get(loop.type, _MORE), loop.count) for loop in file.experiment]
    written = _written(file, path)
    if not loops and len(written) > 1:  # an experiment that nd2 does not understand
        loops = [("t", max(written) + 1)]
    total = prod(count for _, count in loops)
    numbers = [number for number in written if number < total]
    if len(numbers) < len(written):
        warnings.warn(
            f"{path}: {len(written) - len(numbers)} frames are in none of its loops "
            f"({', '.join(f'{letter}: {count}' for letter, count in loops)}) and are not shown",
            MissingFramesWarning,
            stacklevel=2,
        )
    if not numbers:
        raise FormatError(f"{path} has no frame; nothing was acquired, or it is damaged")
    indexes = _indexes(numbers, loops)
    found: dict[int, dict[tuple[int, int, int], int]] = {}
    for number, p, t, c, z in zip(numbers, *(indexes[name] for name in "ptcz"), strict=True):
        found.setdefault(p, {})[t, c, z] = number
    planned = prod(count for letter, count in loops if letter == "p")
    if len(found) < planned:
        absent = [str(p) for p in range(min(planned, _MOST_NAMED + len(found))) if p not in found]
        warnings.warn(
            f"{path}: nothing was written of {planned - len(found)} of {planned} positions (number "
            f"{', '.join(absent[:_MOST_NAMED])}{', …' if len(absent) > _MOST_NAMED else ''})",
            MissingFramesWarning,
            stacklevel=2,
        )
    return {p: FrameGrid(found[p]) for p in sorted(found)}


def _indexes(numbers: Sequence[int], loops: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """Return the indexes of frames along p, t, c and z; loops of one letter count as one."""
    found: dict[str, Any] = {letter: np.zeros(len(numbers), np.int64) for letter in "ptcz"}
    counts = [count for _, count in loops]
    if loops:
        along = np.unravel_index(np.array(numbers), counts)
        for (letter, count), index in zip(loops, along, strict=True):
            found[letter] = found[letter] * count + index
    return {letter: index.tolist() for letter, index in found.items()}


def _written(file: ND2File, path: str) -> list[int]:
    """Return the numbers of the frames that are in the file.

    nd2 returns zeros for a frame that is not, so that they have to be known before. It has no
    public list of them; without one, all that the file counts are taken to be there.
    """
    offsets = getattr(file._rdr, "_frame_offsets", None)
    attributes = file.attributes
    if offsets is None:
        return list(range(attributes.sequenceCount))
    size = attributes.heightPx * (attributes.widthBytes or 0)
    if attributes.compressionType is not None:
        size = 0
    with open(path, "rb") as stream:
        end = stream.seek(0, 2)
    there = sorted(number for number, offset in offsets.items() if offset + size <= end)
    if len(there) < len(offsets):
        warnings.warn(
            f"{path}: {len(offsets) - len(there)} of its {len(offsets)} frames are behind its end",
            MissingFramesWarning,
            stacklevel=2,
        )
    return there
