"""ND2 files of NIS-Elements, read through the package nd2; pixels straight from its memory map.

How its loops become positions, channels, time points and planes is in ``nd2_loops.py``, what it
notes beside pixels in ``nd2_notes.py``.
"""

from __future__ import annotations

import os
from functools import partial
from math import prod
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError
from iohub.formats import nd2_loops, nd2_notes
from iohub.formats.frame_grid import FrameGrid, warn_missing
from iohub.formats.handles import Handle
from iohub.formats.images import ImageSource, virtual_store, well_of
from iohub.formats.opening import closed_on_error, local_group
from iohub.optional import need
from iohub.storage import grid
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from nd2 import ND2File

    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes
    from iohub.types import NDArray, Region, Shape

name = "nd2"
title = "ND2"
suffixes: tuple[str, ...] = (".nd2",)
packages: tuple[str, ...] = ("nd2",)
extra = "nd2"

_BEGINNING = b"\xda\xce\xbe\x0a"
# JPEG 2000: before 2010.
_LEGACY = b"\x00\x00\x00\x0cjP  "


def sniff(location: Location) -> bool:
    """Whether it is a file that begins as ND2 files do."""
    path = location.local_path
    if path is None or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(8)
    except OSError:
        return False
    return head[:4] == _BEGINNING or (head == _LEGACY and path.lower().endswith(suffixes))


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a file as a position, a series of positions or a plate.

    Raises
    ------
    MissingDependencyError
        If nd2 is not installed.
    FormatError
        If the file is truncated, damaged, or of before 2010.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a file as a Zarr store.

    Parameters
    ----------
    path : str
        The file.
    """
    handle = Handle(partial(_open, path), _close, path)
    with closed_on_error(handle.close):
        images, grids = _images(handle, path)
    warn_missing(path, grids)
    return virtual_store(
        path,
        images,
        reopen=(open_store, (path,)),
        close=handle.close,
        plate_name=PurePath(path).stem,
    )


def _open(path: str) -> ND2File:
    with open(path, "rb") as file:
        if file.read(8) == _LEGACY:
            raise FormatError(
                f"{path} is an ND2 file of the kind before 2010 (JPEG 2000), which is not read; "
                "save it with a newer NIS-Elements"
            )
    file_of: type[ND2File] = need("nd2", extra="nd2").ND2File
    return file_of(path)


def _close(file: ND2File) -> None:
    file.close()


def _images(
    handle: Handle[ND2File], path: str
) -> tuple[list[ImageSource], dict[str, FrameGrid[int]]]:
    file = handle.get()
    frames = nd2_loops.frames_of(file, path)
    notes = nd2_notes.Notes(file, path)
    images: list[ImageSource] = []
    grids: dict[str, FrameGrid[int]] = {}
    for position, found in frames.items():
        label = notes.label(position)
        image_name = label or str(position)
        images.append(
            ImageSource(
                image_name,
                "tczyx",
                [ND2Pixels(handle, found.frames, found.shape)],
                scale=notes.scale,
                units=notes.units,
                channels=notes.channels(found.shape[1]),
                acquisition=notes.record(position, found),
                frames=partial(nd2_notes.frame_rows, handle, path, found),
                well=well_of(label),
            )
        )
        grids[image_name if image_name not in grids else f"{image_name} {position}"] = found
    return images, grids


class ND2Pixels:
    """Pixels of a position, ``(T, C, Z, Y, X)``; a chunk is a frame, which has all channels.

    Parameters
    ----------
    handle : Handle
        The file.
    frames : mapping of (int, int, int) to int
        Number of each frame, by its indexes along time, what multiplies channels, and z.
    counts : tuple of int
        How many there are along these.
    """

    def __init__(self, handle: Handle[ND2File], frames: Any, counts: tuple[int, int, int]):
        attributes = handle.get().attributes
        self._handle, self._frames = handle, frames
        components = attributes.componentCount
        self._planes = attributes.channelCount or 1
        times, more, depths = counts
        plane = (attributes.heightPx, attributes.widthPx or 1)
        self.shape: Shape = (times, more * components, depths, *plane)
        self.dtype = np.dtype(handle.get().dtype)
        self.chunks: Shape = (1, components, 1, *plane)
        self._packed = attributes.compressionType is not None

    def chunk(self, index: Shape) -> NDArray:
        """Copy a frame."""
        frame = self._frame(*index[:3])
        out = np.empty(self.chunks, self.dtype)
        out[0, :, 0] = 0 if frame is None else frame
        return out

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Copy parts of frames; None if they are compressed, or several of them whole."""
        if self._packed:
            return None
        times, channels, depths, rows, columns = region
        units = list(grid.units_of(region, self.chunks))
        shape = grid.region_shape(region)
        if len(units) > 1 and prod(shape) == len(units) * prod(self.chunks):
            return None  # by threads
        found = np.empty(shape, self.dtype) if out is None else out
        count = self.chunks[1]
        for t, more, z, *_ in units:
            first = max(channels.start, more * count)
            last = min(channels.stop, (more + 1) * count)
            frame = self._frame(t, more, z)
            target = found[
                t - times.start, first - channels.start : last - channels.start, z - depths.start
            ]
            here = slice(first - more * count, last - more * count)
            target[...] = 0 if frame is None else frame[here, rows, columns]
        return found

    def _frame(self, t: int, more: int, z: int) -> NDArray | None:
        """Return a frame as ``(C, Y, X)``, a view if it is not compressed."""
        number = self._frames.get((t, more, z))
        if number is None:
            return None
        _, count, _, height, width = self.chunks
        planes = self._planes
        # nd2 returns channel, y, x, sample, without axes of length 1.
        frame = self._handle.get().read_frame(number).reshape(planes, height, width, -1)
        return frame.transpose(0, 3, 1, 2).reshape(count, height, width)
