"""Sequences of image files as one data set: what their pattern and one of them say, put together.

A pattern is a path such as ``"dir/img_t<0-9>_<a-c>.tif"``, or a file ``.pattern`` with one in it,
as Bio-Formats reads them. The axis p tells positions apart.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from iohub.errors import MissingFramesWarning, NotFoundError
from iohub.formats.file_pattern import PatternFiles, find_files, is_pattern
from iohub.formats.images import Channel, ImageSource, well_of
from iohub.formats.tiff_pages import PageTable
from iohub.metadata.acquisition import AcquisitionRecord

if TYPE_CHECKING:
    from iohub.storage.virtual import ChunkReader
    from iohub.types import Shape

AXES = "tczyx"
SUFFIX = ".pattern"

_LONGEST = 1 << 16


@dataclass(frozen=True)
class FileImage:
    """What one file of a sequence is; the others are like it.

    Attributes
    ----------
    page : ndarray of int
        Numbers of its pages, by t, c and z.
    channels : sequence of Channel
        One for each of its channels; empty if it does not say.
    scale, units : mapping
        Pixel sizes and units.
    record : AcquisitionRecord
        What else it says.
    """

    page: np.ndarray
    channels: Sequence[Channel] = ()
    scale: Mapping[str, float] | None = None
    units: Mapping[str, str | None] | None = None
    record: AcquisitionRecord = field(default_factory=AcquisitionRecord)


def pattern_of(path: str | None) -> str | None:
    """Return the pattern that a path is, or that the file there has; None if it is none."""
    if path is None:
        return None
    if path.lower().endswith(SUFFIX) and os.path.isfile(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                line = file.read(_LONGEST).strip()
        except OSError:
            return None
        inside = os.path.join(os.path.dirname(path), line)
        return inside if "\n" not in line and is_pattern(line) else None
    return path if is_pattern(path) and not os.path.lexists(path) else None


def named_files(path: str | None) -> list[str]:
    """Return the files of a pattern, the first one first; none if a path is no pattern."""
    pattern = pattern_of(path)
    if pattern is None:
        return []
    try:
        found = find_files(pattern).paths
    except (OSError, ValueError):
        return []
    return [found[at] for at in sorted(found)]


def first_file(path: str | None) -> str | None:
    """Return the first file of a pattern; None if a path is no pattern, or there is none."""
    found = named_files(path)
    return found[0] if found else None


def sequence_files(path: str) -> PatternFiles:
    """Find the files of a pattern; those that are missing are warned of.

    Raises
    ------
    NotFoundError
        If there is none.
    FormatError
        If it is no pattern.
    """
    found = find_files(pattern_of(path) or path)
    if not found.paths:
        raise NotFoundError(f"no file matches {path}")
    count = 1
    for values in found.values:
        count *= len(values)
    if count > len(found.paths):
        warnings.warn(
            f"{path}: {len(found.paths)} of {count} files are there; the others are read as zeros",
            MissingFramesWarning,
            stacklevel=2,
        )
    return found


def sequence_images(
    path: str,
    found: PatternFiles,
    image: FileImage,
    reader: Callable[[PageTable], ChunkReader],
    source: str,
) -> list[ImageSource]:
    """Put files together to images: one for each position.

    Parameters
    ----------
    path : str
        The pattern, for people.
    found : PatternFiles
        The files; their numbers are those of their order.
    image : FileImage
        What each of them is.
    reader : callable
        Reads planes, given which of which file each of them is.
    source : str
        What files they are.
    """
    numbers = {at: number for number, at in enumerate(found.paths)}
    names = found.names("p") if "p" in found.axes else [os.path.basename(path)]
    wells = [well_of(name) if "p" in found.axes else None for name in names]
    images = []
    for position, name in enumerate(names):
        files = np.full([found.sizes(axis) for axis in "tcz"], -1, np.int32)
        for at, number in numbers.items():
            if found.index(at, "p") == position:
                t, c, z = (found.index(at, axis) for axis in "tcz")
                files[t, c, z] = number
        if (files < 0).all():
            continue
        table = _spread(files, image.page)
        pixels = reader(table)
        samples = pixels.shape[1] // table.file.shape[1]
        missing = int(np.count_nonzero(table.file < 0))
        images.append(
            ImageSource(
                name,
                AXES,
                [pixels],
                scale=image.scale or {},
                units={**_no_units(pixels.shape, image.scale or {}), **(image.units or {})},
                channels=_channels(found, image, samples),
                acquisition=image.record.replace(
                    name=name if "p" in found.axes else None, source=source, missing=missing or None
                ),
                well=wells[position] if None not in wells else None,
            )
        )
    return images


def _no_units(shape: Shape, scale: Mapping[str, float]) -> dict[str, str | None]:
    """Axes of several pixels without a size have no unit."""
    sizes = zip(AXES, shape, strict=True)
    return {axis: None for axis, size in sizes if size > 1 and axis != "c" and axis not in scale}


def _spread(files: np.ndarray, page: np.ndarray) -> PageTable:
    """Lay the pages of each file side by side, along all axes."""
    shape = [outer * inner for outer, inner in zip(files.shape, page.shape, strict=True)]
    whole = [size for pair in zip(files.shape, page.shape, strict=True) for size in pair]
    outer = files[:, None, :, None, :, None]
    inner = page[None, :, None, :, None, :]
    return PageTable(
        np.broadcast_to(outer, whole).reshape(shape), np.broadcast_to(inner, whole).reshape(shape)
    )


def _channels(found: PatternFiles, image: FileImage, samples: int) -> list[Channel]:
    """Name channels by the pattern, and by what a file says of its own."""
    own = list(image.channels) or [Channel("")] * (samples * image.page.shape[1])
    if "c" not in found.axes:
        return own if image.channels else []
    if len(own) == 1:
        return [Channel(name, own[0].color, own[0].window) for name in found.names("c")]
    return [
        Channel(" ".join(filter(None, [name, each.name])), each.color, each.window)
        for name in found.names("c")
        for each in own
    ]
