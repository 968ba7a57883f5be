"""Pixels of images whose pages can be read by a range of their bytes: raw files, Blosc frames.

A page is a plane, or a plane of interleaved samples. Where the pages are, and how bytes of one are
read, is said by the format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from iohub.storage import grid

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.types import NDArray, Region, Shape

P = TypeVar("P")


class PagePixels(Generic[P]):
    """An image of axes t, c, z, y and x; a chunk is a page, pages that are missing are zero.

    Parameters
    ----------
    shape : tuple of int
        ``(T, C, Z, Y, X)``; C counts samples.
    dtype : data type
        Type of the pixels.
    place : callable
        Of the indexes ``(t, page along c, z)``: where the page is; None if it was not written.
    read : callable
        ``read(place, start, out)`` fills contiguous memory with the bytes of a page from `start`
        on.
    samples : int
        How many channels are interleaved in a page.
    """

    def __init__(
        self,
        shape: Shape,
        dtype: DTypeLike,
        place: Callable[[int, int, int], P | None],
        read: Callable[[P, int, NDArray], None],
        samples: int = 1,
    ):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.chunks = (1, samples, 1, max(1, shape[3]), max(1, shape[4]))
        self._place, self._read = place, read

    def chunk(self, index: Shape) -> NDArray:
        """Read a page."""
        samples, plane = self.chunks[1], self.shape[3:]
        out = np.empty((1, samples, 1, *plane), self.dtype)
        rows, columns = (slice(0, size) for size in plane)
        self._fill(out[0, :, 0], index[:3], slice(0, samples), rows, columns)
        return out

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Read parts of pages, or one page; None if it is several whole pages."""
        *_, rows, columns = region
        whole = (rows, columns) == tuple(slice(0, size) for size in self.shape[3:])
        units = list(grid.units_of(region, self.chunks))
        if whole and len(units) > 1:
            return None  # by threads
        found = np.empty(grid.region_shape(region), self.dtype) if out is None else out
        samples = self.chunks[1]
        times, channels, depths = region[:3]
        for t, page, z, *_ in units:
            first = max(channels.start, page * samples)
            last = min(channels.stop, (page + 1) * samples)
            target = found[t - times.start, first - channels.start : last - channels.start]
            inside = slice(first - page * samples, last - page * samples)
            self._fill(target[:, z - depths.start], (t, page, z), inside, rows, columns)
        return found

    def _fill(
        self, target: NDArray, index: Shape, samples: slice, rows: slice, columns: slice
    ) -> None:
        """Fill planes of samples, ``(S, Y, X)``, with a part of a page."""
        t, page, z = index
        place = self._place(t, page, z)
        if place is None:
            target[...] = 0
            return
        width, count = self.shape[4], self.chunks[1]
        start = rows.start * width * count * self.dtype.itemsize
        lines = (rows.stop - rows.start, width, count)
        fits = target.flags.c_contiguous and target.dtype == self.dtype
        if count == 1 and fits and target.shape[2] == width:
            self._read(place, start, target)
            return
        strip = np.empty(lines, self.dtype)
        self._read(place, start, strip)
        target[...] = np.moveaxis(strip[:, columns, samples], -1, 0)
