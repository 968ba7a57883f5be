"""Stacks of TIFF pages as arrays, for every format whose pixels lie in TIFF files.

Pages that are not compressed are read straight into place, rows of a region at a time. Of the
others, only the strips or tiles that a region touches are decoded.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError
from iohub.formats.tiff_layout import Page, TiffPages, read_segment
from iohub.storage import grid, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iohub.formats.tiff_layout import PageLayout
    from iohub.types import NDArray, Region, Shape

# A compressed page of strips up to this many bytes is a chunk; of larger ones, some strips are.
_CHUNK = 16 << 20
# Pages that are not compressed are cut for dask only.
_PLAIN_CHUNK = 64 << 20
# Below this, a page is decoded in the calling thread [bytes].
_THREADED = 1 << 20
# Narrower parts of rows than this are read one by one, rather than with all between them [bytes].
_GAP = 1 << 15


@dataclass(frozen=True, eq=False)
class PageTable:
    """Which page holds which plane: arrays of one shape, that of the axes above the plane.

    Attributes
    ----------
    file : ndarray of int
        Number of the file; -1 where nothing was written.
    page : ndarray of int
        Number of the page in its file.
    behind : ndarray of int, optional
        How many pages' pixels lie between that page's and the plane, in files that have one
        directory for a stack (ImageJ's larger than 4 GiB, tifffile's truncated ones).
    """

    file: NDArray
    page: NDArray
    behind: NDArray | None = None

    @classmethod
    def of_file(cls, shape: Shape, first: int = 0, file: int = 0) -> PageTable:
        """Return the table of consecutive pages of a file, in C order."""
        count = int(np.prod(shape))
        return cls(np.full(shape, file, np.int32), np.arange(first, first + count).reshape(shape))

    def first(self) -> Shape | None:
        """Return the index of the first plane that was written, None if none was."""
        there = np.argwhere(self.file >= 0)
        return tuple(map(int, there[0])) if len(there) else None


class PageReader:
    """Pixels of a stack of pages; a :class:`~iohub.storage.virtual.RegionReader`.

    The axes are those of the table, then rows and columns. Several samples of a pixel, as in RGB,
    lie along `sample_axis`, those of the first page first.

    Parameters
    ----------
    pages : TiffPages
        The files.
    table : PageTable
        Which page is where.
    level : int
        Number of the resolution, 0 the highest.
    sample_axis : int, optional
        Axis of the table that samples multiply; needed if pages have several.
    layout : PageLayout, optional
        How the pages are made; by default that of the first that was written.
    fill : float
        Value of the planes that were not written.

    Raises
    ------
    FormatError
        If no page was written and no layout is given, pages have several samples and there is no
        axis for them, or the first page is damaged.
    NotFoundError, UnreadableError
        If the file of the first page cannot be read.
    """

    def __init__(
        self,
        pages: TiffPages,
        table: PageTable,
        *,
        level: int = 0,
        sample_axis: int | None = None,
        layout: PageLayout | None = None,
        fill: float = 0,
    ):
        self._pages, self._table, self._level, self._fill = pages, table, level, fill
        if layout is None:
            layout = self._first_layout()
        samples, height, width = layout.shape
        if samples > 1 and sample_axis is None:
            raise FormatError(f"{pages.files.url} has {samples} samples per pixel, and no axis")
        self._axis = 0 if sample_axis is None else sample_axis
        self._layout, self._samples = layout, samples
        above = list(table.file.shape)
        units = [1] * len(above)
        if samples > 1:
            above[self._axis] *= samples
            units[self._axis] = 1 if layout.separate else samples
        self.shape: Shape = (*above, height, width)
        self.dtype: np.dtype[Any] = layout.dtype
        self.chunks: Shape = (*units, *_unit(layout))

    def chunk(self, index: Shape) -> NDArray:
        """Decode a chunk."""
        region = grid.unit_region(index, self.shape, self.chunks)
        out = np.empty(grid.region_shape(region), self.dtype)
        for page, window, target in self._planes(region, out):
            self._read(page, window, target)
        return out

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Read a region of plain pages, or a whole page; None for others."""
        plain = self._layout.plain
        if not plain and not self._is_page(region):
            return None
        target = np.empty(grid.region_shape(region), self.dtype) if out is None else out
        for page, window, part in self._planes(region, target):
            self._read(page, window, part, threads=not plain)
        return target

    # steps

    def _first_layout(self) -> PageLayout:
        first = self._table.first()
        if first is None:
            raise FormatError(f"{self._pages.files.url} has no page of this image")
        file, number = int(self._table.file[first]), int(self._table.page[first])
        return self._pages.page(file, number, self._level).layout

    def _is_page(self, region: Region) -> bool:
        """Whether a region is one page, whole."""
        whole = (*(1,) * self._table.file.ndim, *self.shape[-2:])
        shape = list(grid.region_shape(region))
        if self._samples > 1:
            part = region[self._axis]
            if part.start % self._samples or shape[self._axis] != self._samples:
                return False
            shape[self._axis] = 1
        return tuple(shape) == whole

    def _planes(
        self, region: Region, out: NDArray
    ) -> Iterator[tuple[tuple[Page, int] | None, Region, NDArray]]:
        """Pages that a region touches: the page, its window, and where that goes in `out`.

        A window is samples, rows and columns, and what it goes to is a view of these axes.
        """
        count, axis, samples = self._table.file.ndim, self._axis, self._samples
        rows, columns = region[count:]
        spans = [range(part.start, part.stop) for part in region[:count]]
        if samples > 1:
            part = region[axis]
            spans[axis] = range(part.start // samples, grid.ceil_div(part.stop, samples))
        for at in np.ndindex(*map(len, spans)):
            index = tuple(span[i] for span, i in zip(spans, at, strict=True))
            page = self._page(index)
            if samples == 1:
                yield page, (slice(0, 1), rows, columns), out[at][None]
                continue
            part, first = region[axis], index[axis] * samples
            start, stop = max(part.start, first), min(part.stop, first + samples)
            place: tuple[int | slice, ...] = (
                *at[:axis],
                slice(start - part.start, stop - part.start),
                *at[axis + 1 :],
            )
            yield page, (slice(start - first, stop - first), rows, columns), out[place]

    def _page(self, index: Shape) -> tuple[Page, int] | None:
        """Find a page, and where its pixels begin (-1: in pieces); None if it was not written."""
        table = self._table
        file = int(table.file[index])
        if file < 0:
            return None
        number = int(table.page[index])
        page = self._pages.page(file, number, self._level)
        layout = page.layout
        if (layout.shape, layout.dtype) != (self._layout.shape, self.dtype):
            raise FormatError(
                f"page {number + 1} of {self._pages.files.paths[file]} has "
                f"{_described(layout)}, the others of the image have {_described(self._layout)}"
            )
        start = -1 if page.start is None else page.start
        if table.behind is not None and (behind := int(table.behind[index])):
            if start < 0:
                raise FormatError(
                    f"{self._pages.files.paths[file]} has fewer pages than it says, and they are "
                    "not in one piece"
                )
            start += behind * layout.page_bytes
        return page, start

    def _read(
        self, found: tuple[Page, int] | None, window: Region, out: NDArray, threads: bool = False
    ) -> None:
        """Read a window of a page."""
        if found is None:
            out[...] = self._fill
            return
        page, start = found
        if start >= 0:
            self._read_plain(page, start, window, out)
            return

        numbers = list(page.layout.segments(window))
        workers = min(settings.get_options().workers, len(numbers))
        if threads and workers > 1 and out.nbytes >= _THREADED:
            size = grid.ceil_div(len(numbers), 4 * workers)
            parts = [numbers[i : i + size] for i in range(0, len(numbers), size)]
            with ThreadPoolExecutor(workers, thread_name_prefix="iohub-tiff") as pool:
                list(pool.map(lambda part: self._decode(page, part, window, out), parts))
        else:
            self._decode(page, numbers, window, out)

    def _decode(self, page: Page, numbers: Sequence[int], window: Region, out: NDArray) -> None:
        """Decode strips or tiles, and put what they have of a window in place."""
        samples, rows, columns = window
        high, wide = page.layout.segment
        together = 1 if page.layout.separate else self._samples
        for number in numbers:
            (sample, row, column), pixels = read_segment(self._pages.files, page, number)
            s0, s1 = max(sample, samples.start), min(sample + together, samples.stop)
            y0, y1 = max(row, rows.start), min(row + high, rows.stop)
            x0, x1 = max(column, columns.start), min(column + wide, columns.stop)
            target = out[
                s0 - samples.start : s1 - samples.start,
                y0 - rows.start : y1 - rows.start,
                x0 - columns.start : x1 - columns.start,
            ]
            if pixels is None:
                target[...] = self._fill
            else:
                target[...] = pixels[
                    s0 - sample : s1 - sample, y0 - row : y1 - row, x0 - column : x1 - column
                ]

    def _read_plain(self, page: Page, start: int, window: Region, out: NDArray) -> None:
        """Read a window of pixels that lie in the file row by row."""
        layout, (samples, rows, columns) = page.layout, window
        if layout.separate or self._samples == 1:
            _, height, width = layout.shape
            for sample in range(samples.start, samples.stop):
                place = start + sample * height * width * layout.dtype.itemsize
                target = out[sample - samples.start]
                if layout.stored == self.dtype and target.flags.c_contiguous:
                    self._read_rows(page, place, rows, columns, target[..., None])
                else:
                    target[...] = self._read_rows(page, place, rows, columns)[..., 0]
        else:
            block = self._read_rows(page, start, rows, columns)
            out[...] = block[..., samples].transpose(2, 0, 1)

    def _read_rows(
        self, page: Page, start: int, rows: slice, columns: slice, out: NDArray | None = None
    ) -> NDArray:
        """Read rows, columns and the samples that lie together, in `out` if that is given."""
        layout, files = page.layout, self._pages.files
        width = layout.shape[2]
        together = 1 if layout.separate else self._samples
        pixel = layout.dtype.itemsize * together
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        start += (rows.start * width + columns.start) * pixel
        gap = (width - wide) * pixel
        if 0 < gap < _GAP:
            # From the first pixel to the last, with what lies between the rows.
            line = np.empty((high * width, together), layout.stored)
            files.read_into(page.file, start, line[: (high - 1) * width + wide])
            block = line.reshape(high, width, together)[:, :wide]
            if out is not None:
                out[...] = block
            return block
        block = np.empty((high, wide, together), layout.stored) if out is None else out
        step = 1 if gap else high
        for row in range(0, high, step):
            files.read_into(page.file, start + row * width * pixel, block[row : row + step])
        return block


def _unit(layout: PageLayout) -> tuple[int, int]:
    """Rows and columns of a chunk."""
    _, height, width = layout.shape
    high, wide = layout.segment
    if layout.tiled:
        return min(high, height), min(wide, width)
    limit = _PLAIN_CHUNK if layout.plain else _CHUNK
    if layout.page_bytes <= limit:
        return height, width
    strips = max(1, limit // (layout.page_bytes // height * high))
    return min(height, strips * high), width


def _described(layout: PageLayout) -> str:
    samples, height, width = layout.shape
    return f"{height} × {width} × {samples} {layout.dtype}"
