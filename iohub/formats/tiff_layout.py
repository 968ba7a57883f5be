"""How the pixels of a TIFF page lie in its file, and how a strip or a tile of it is decoded.

What tifffile knows of decoding is asked once for all pages that are made alike; where the pixels
of a page are is read from its directory alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iohub.errors import FormatError, MissingDependencyError
from iohub.formats.tiff_header import SUB_IFDS
from iohub.optional import have, need
from iohub.storage.damage import named_errors
from iohub.storage.grid import ceil_div

if TYPE_CHECKING:
    from iohub.formats.tiff_files import TiffFiles
    from iohub.formats.tiff_header import Directory, Entry, TiffStructure
    from iohub.types import NDArray, Region, Shape

_JPEG_TABLES, _IMAGEJ = 347, 50839
_OFFSETS, _COUNTS = (324, 273), (325, 279)

# Size, bits, compression, colours, bit order, strips, planes, prediction, tiles, extra samples,
# sample format, subsampling, depth: what decides how pixels are decoded.
_DECIDING = (256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 338, 339, 530, 32997)

_COMPLEX_INTEGERS = 5

# No compression has more pixels in a byte [bytes]; small pages are not looked at.
_MOST_RATIO, _LARGE = 1 << 16, 1 << 30

# Strips and tiles whose places are remembered, of all pages together.
_REMEMBERED = 1 << 20


@dataclass(frozen=True, eq=False)
class PageLayout:
    """What pages that are made alike have in common.

    Attributes
    ----------
    shape : tuple of int
        Samples, height and width.
    dtype : numpy.dtype
        Of the pixels, in native byte order.
    segment : tuple of int
        Height and width of a strip or a tile.
    separate : bool
        Whether each sample has strips or tiles of its own.
    tiled : bool
        Whether there are tiles.
    plain : bool
        Whether the bytes of the file are the pixels, row by row.
    stored : numpy.dtype
        Of the pixels, in the byte order of the file.
    decode : callable
        tifffile's, for a strip or a tile.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    segment: tuple[int, int]
    separate: bool
    tiled: bool
    plain: bool
    stored: np.dtype[Any]
    decode: Callable[..., Any]

    @property
    def page_bytes(self) -> int:
        """Size of the pixels of a page [bytes]."""
        samples, height, width = self.shape
        return samples * height * width * self.dtype.itemsize

    def segments(self, window: Region) -> Iterator[int]:
        """Numbers of the strips or tiles that a window of samples, rows and columns touches."""
        samples, rows, columns = window
        (_, height, width), (high, wide) = self.shape, self.segment
        down, across = ceil_div(height, high), ceil_div(width, wide)
        for sample in range(samples.start, samples.stop) if self.separate else (0,):
            for row in range(rows.start // high, ceil_div(rows.stop, high)):
                for column in range(columns.start // wide, ceil_div(columns.stop, wide)):
                    yield (sample * down + row) * across + column


class Page(NamedTuple):
    """A page: how it is made, and where its strips or tiles are.

    Attributes
    ----------
    layout : PageLayout
        How it is made.
    file : int
        Number of its file.
    offsets, counts : ndarray
        Where each strip or tile is, and how long.
    tables : bytes or None
        Tables that the page's JPEG streams share.
    start : int or None
        Where the pixels begin, if they are plain and in one piece.
    """

    layout: PageLayout
    file: int
    offsets: NDArray
    counts: NDArray
    tables: bytes | None
    start: int | None


class TiffPages:
    """The pages of files, found by number; the last ones are remembered.

    Parameters
    ----------
    files : TiffFiles
        The files.
    """

    def __init__(self, files: TiffFiles):
        self.files = files
        self._layouts: dict[tuple[Any, ...], PageLayout] = {}
        self._last: tuple[dict[int, Entry | None], str, PageLayout] | None = None
        self._pages: OrderedDict[tuple[int, int, int], Page] = OrderedDict()
        self._held = 0

    def page(self, file: int, number: int, level: int = 0) -> Page:
        """Find a page.

        Parameters
        ----------
        file, number : int
            Numbers of the file, and of the page in it.
        level : int
            0 for the page, 1 for its first lower resolution (SubIFD), and so on.

        Raises
        ------
        FormatError
            If there is no such page, or its pixels are in no form that can be read.
        NotFoundError, UnreadableError, ClosedError
            If the file cannot be read.
        """
        key = (file, number, level)
        found = self._pages.get(key)
        if found is None:
            found = self._read(file, number, level)
            self._remember(key, found)
        return found

    def levels(self, file: int, number: int) -> int:
        """Count the resolutions of a page: one more than it has SubIFDs."""
        entry = self.files.structure(file).page(number).entries.get(SUB_IFDS)
        return 1 if entry is None else 1 + entry.count

    # steps

    def _remember(self, key: tuple[int, int, int], page: Page) -> None:
        self._pages[key] = page
        self._held += len(page.offsets)
        while self._held > _REMEMBERED and len(self._pages) > 1:
            try:
                _, oldest = self._pages.popitem(last=False)
            except KeyError:  # another thread was here
                return
            self._held -= len(oldest.offsets)

    def _read(self, file: int, number: int, level: int) -> Page:
        structure = self.files.structure(file)
        directory = structure.page(number)
        if level:
            directory = structure.below(directory, level - 1)
        layout = self._layout(file, structure, directory)
        offsets, counts = (_numbers(structure, directory, tags) for tags in (_OFFSETS, _COUNTS))
        samples, height, width = layout.shape
        expected = ceil_div(height, layout.segment[0]) * ceil_div(width, layout.segment[1])
        expected *= samples if layout.separate else 1
        if offsets is None or len(offsets) < expected:
            raise FormatError(
                f"page {number + 1} of {structure.name} does not say where all its pixels are"
            )
        if layout.page_bytes > max(_LARGE, _MOST_RATIO * self.files.size(file)):
            raise FormatError(
                f"page {number + 1} of {structure.name} says that it has {width} × {height} "
                "pixels, more than a file of its size can hold; it is damaged"
            )
        if counts is None or len(counts) < expected:
            counts = np.full(len(offsets), layout.page_bytes // expected)
        tables = directory.entries.get(_JPEG_TABLES)
        raw = None if tables is None else structure.raw(tables)
        return Page(layout, file, offsets, counts, raw, _start(layout, offsets))

    def _layout(self, file: int, structure: TiffStructure, directory: Directory) -> PageLayout:
        deciding = {tag: directory.entries.get(tag) for tag in _DECIDING}
        last = self._last
        if last is not None and last[0] == deciding and last[1] == structure.order:
            return last[2]
        values = tuple(
            None if entry is None else tuple(structure.numbers(entry).tolist())
            for entry in deciding.values()
        )
        key = (structure.order, *values)
        layout = self._layouts.get(key)
        if layout is None:
            decode = _Decoding(self.files, file, directory.offset)
            if _IMAGEJ in directory.entries:
                layout = _simple_layout(structure.order, values, decode)
            layout = self._layouts[key] = layout or decode.layout()
        # Values out of line are named by their place, which says nothing of them.
        if all(entry is None or structure.is_inline(entry) for entry in deciding.values()):
            self._last = deciding, structure.order, layout
        return layout


def read_segment(files: TiffFiles, page: Page, number: int) -> tuple[Shape, NDArray | None]:
    """Decode a strip or a tile.

    Parameters
    ----------
    files : TiffFiles
        The files.
    page : Page
        The page.
    number : int
        Which strip or tile.

    Returns
    -------
    tuple of (tuple of int, ndarray or None)
        Its first sample, row and column, and its pixels (sample, row, column), cut at the border of
        the page; None if the file leaves it out.

    Raises
    ------
    FormatError
        If it is damaged.
    MissingDependencyError
        If its compression needs a package that is not installed.
    NotFoundError, UnreadableError, ClosedError
        If the file cannot be read.
    """
    offset, count = int(page.offsets[number]), int(page.counts[number])
    name = files.paths[page.file]
    raw = files.read(page.file, offset, count) if offset and count else None
    if raw is not None and len(raw) < count:
        raise FormatError(f"{name} ends within its pixels; it was cut")
    extra = {} if page.tables is None else {"jpegtables": page.tables}
    with named_errors(name):
        try:
            pixels, at, _ = page.layout.decode(raw, number, **extra)
        except ValueError as error:
            if "imagecodecs" not in str(error) or have("imagecodecs"):
                raise
            raise MissingDependencyError(
                f"'imagecodecs' is needed for the compression of {name} and is not installed: "
                'pip install "iohub[tiff]"',
                name="imagecodecs",
            ) from error
    sample, _, row, column, _ = at
    if pixels is None:
        return (sample, row, column), None
    _, height, width = page.layout.shape
    return (sample, row, column), pixels[0, : height - row, : width - column].transpose(2, 0, 1)


def _numbers(
    structure: TiffStructure, directory: Directory, tags: tuple[int, ...]
) -> NDArray | None:
    found = next((entry for tag in tags if (entry := directory.entries.get(tag))), None)
    return None if found is None else structure.numbers(found)


def _start(layout: PageLayout, offsets: NDArray) -> int | None:
    """Return where the pixels of a page begin, if they are plain and in one piece."""
    if not layout.plain or not offsets[0]:
        return None
    samples, height, width = layout.shape
    high = layout.segment[0]
    row = width * layout.dtype.itemsize * (1 if layout.separate else samples)
    strips = np.arange(ceil_div(height, high), dtype="u8") * (high * row)
    if layout.separate:
        strips = (np.arange(samples, dtype="u8")[:, None] * (height * row) + strips).ravel()
    same = np.array_equal(offsets[: len(strips)], offsets[0] + strips)
    return int(offsets[0]) if same else None


class _Decoding:
    """Decodes strips and tiles as tifffile does for the page at an offset, asked when needed."""

    def __init__(self, files: TiffFiles, file: int, offset: int):
        self._place = files, file, offset
        self._decode: Callable[..., Any] | None = None

    def layout(self) -> PageLayout:
        """Ask tifffile how the page is made."""
        files, file, offset = self._place
        with files.library(file) as tiff:
            return _layout_of(tiff, offset, files.paths[file])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._decode = self._decode or self.layout().decode
        return self._decode(*args, **kwargs)


def _simple_layout(
    order: str, values: Sequence[tuple[Any, ...] | None], decode: Callable[..., Any]
) -> PageLayout | None:
    """Tell how a page of ImageJ is made if its bytes are pixels; else None.

    tifffile would read what ImageJ says of all planes first, longer than all else takes.
    """
    said = dict(zip(_DECIDING, values, strict=True))
    bits, kinds = set(said[258] or (1,)), set(said[339] or (1,))
    kind = {1: "u", 2: "i", 3: "f"}.get(kinds.pop())
    usual = all(said[tag] in (None, (1,)) for tag in (259, 266, 317))
    absent = all(said[tag] is None for tag in (322, 323, 530, 32997))
    size, samples = bits.pop(), (said[277] or (1,))[0]
    if kinds or bits or kind is None or not (usual and absent and said[256] and said[257]):
        return None
    if size not in ((32,) if kind == "f" else (8, 16, 32)):
        return None
    (width, *_), (height, *_), (rows, *_) = said[256], said[257], said[278] or said[257]
    good = all(isinstance(n, int) and n > 0 for n in (size, width, height, rows, samples))
    if not good or len(said[258] or ()) not in (1, samples):
        return None
    stored = np.dtype(f"{order}{kind}{size // 8}")
    return PageLayout(
        shape=(samples, height, width),
        dtype=stored.newbyteorder("="),
        segment=(min(rows, height), width),
        separate=said[284] == (2,) and samples > 1,
        tiled=False,
        plain=True,
        stored=stored,
        decode=decode,
    )


def _layout_of(tiff: Any, offset: int, name: str) -> PageLayout:
    """Ask tifffile how the page at an offset is made."""
    tifffile = need("tifffile", extra="tiff")
    first = tiff.pages.first
    if first.offset == offset:
        page = first
    else:
        tiff.filehandle.seek(offset)
        page = tifffile.TiffPage(tiff, 0)
    if page.dtype is None or 0 in page.shaped:
        raise FormatError(f"{name} has pixels of {page.bitspersample} bits that cannot be read")
    if page.imagedepth > 1:
        raise FormatError(f"{name} has pages that are volumes, which cannot be read")
    separate = page.planarconfig == 2 and page.samplesperpixel > 1
    dtype = np.dtype(page.dtype)
    segment = (min(page.rowsperstrip, page.imagelength), page.imagewidth)
    if page.is_tiled:
        segment = (page.tilelength, page.tilewidth)
    plain = (
        page.compression == 1
        and page.predictor == 1
        and page.fillorder == 1
        and not page.is_tiled
        and not page.is_subsampled
        and page.bitspersample == 8 * dtype.itemsize
        and page.sampleformat != _COMPLEX_INTEGERS
    )
    return PageLayout(
        shape=(page.samplesperpixel, page.imagelength, page.imagewidth),
        dtype=dtype.newbyteorder("="),
        segment=segment,
        separate=separate,
        tiled=bool(page.is_tiled),
        plain=plain,
        stored=dtype.newbyteorder(tiff.byteorder),
        decode=page.decode,
    )


def resolutions(layouts: Sequence[PageLayout]) -> list[PageLayout]:
    """Return the first layouts that are resolutions of one image, not thumbnails of another kind.

    Parameters
    ----------
    layouts : sequence of PageLayout
        Of a page and its SubIFDs, the highest resolution first.
    """
    kept = list(layouts[:1])
    for layout in layouts[1:]:
        (samples, *size), (_, *above) = layout.shape, kept[-1].shape
        alike = samples == kept[0].shape[0] and layout.dtype == kept[0].dtype
        if not alike or size == above or any(a > b for a, b in zip(size, above, strict=True)):
            break
        kept.append(layout)
    return kept
