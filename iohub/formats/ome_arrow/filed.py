"""Pixels of records in a Parquet file, of which only the parts that are asked for are read.

Where the pages of the pixels can be read alone, the bytes of one part are; else the column of
pixels of one group of rows is read by pyarrow, and kept in the pool of decoded chunks.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError
from iohub.formats.handles import Handle
from iohub.formats.ome_arrow import pages, pixel_values, pixels
from iohub.formats.ome_arrow.leaves import Group, Leaf, Opened
from iohub.formats.ome_arrow.pages import Page
from iohub.formats.ome_arrow.pixels import Sizes, Stored
from iohub.storage import chunk_pool, settings
from iohub.types import NDArray, Shape

_GROUPS_KEPT: Final = 64
_FIELDS: Final = ("chunks", "planes")


class ColumnPixels:
    """The pixels in one column of records of a Parquet file.

    Parameters
    ----------
    file : Handle of Opened
        The file.
    column : str
        Name of the column.
    shapes : ndarray
        Of the images (rows, 5): t, c, z, y, x; 0 where there is no record.
    """

    def __init__(self, file: Handle[Opened], column: str, shapes: NDArray):
        self._file, self._column, self._shapes = file, column, shapes
        self._groups: OrderedDict[int, Group] = OrderedDict()
        self._large: tuple[Shape, pa.Array] | None = None
        self._lock = threading.RLock()
        self._columns = _Columns(weakref.ref(self))
        weakref.finalize(self, chunk_pool.leave, self._columns).atexit = False
        counts = self._metadata_counts()
        self._firsts = np.concatenate([[0], np.cumsum(counts)])

    def stored(self, row: int) -> Stored:
        """Find the pixels of a row; only where its parts are is read.

        Raises
        ------
        FormatError
            If the file is damaged.
        """
        number = int(np.searchsorted(self._firsts, row, side="right")) - 1
        group = self._group(number)
        inside = row - int(self._firsts[number])
        chunks, planes = (group.field(name, inside) for name in _FIELDS)
        t, c, z, y, x = map(int, self._shapes[row])
        shape: Sizes = (t, c, z, y, x)
        name, parts, places = pixels.find_parts(chunks, planes, shape)
        if parts is None:
            return Stored(shape, places, None)
        found = self._paged(number, group, name, inside, parts, places)
        if found is not None:
            return Stored(shape, places, found)
        whole = self._decode(number, name)[inside]
        chunks, planes = (whole, None) if name == "chunks" else (None, whole)
        return pixels.stored(chunks, planes, shape)

    # steps

    def _metadata_counts(self) -> list[int]:
        metadata = self._file.get().table.metadata
        return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    def _group(self, number: int) -> Group:
        with self._lock:
            found = self._groups.get(number)
            if found is None:
                shapes = self._shapes[self._firsts[number] : self._firsts[number + 1]]
                found = Group(self._file.get(), number, self._column, shapes)
                self._groups[number] = found
                if len(self._groups) > _GROUPS_KEPT:
                    self._groups.popitem(last=False)
            return found

    def _paged(
        self,
        number: int,
        group: Group,
        name: str,
        row: int,
        parts: pa.StructArray,
        places: NDArray,
    ) -> pixels.PartPixels | None:
        """Return pixels that are read page by page; None if the pages do not allow it."""
        kind = group.pixel_type(name)
        if kind is None:
            return None
        leaf = group.leaf(self._file.get(), name)
        if leaf is None or leaf.listed != pa.types.is_list(kind):
            return None
        first = group.first_value(name, row)
        if leaf.listed:
            if kind.value_type not in (pa.uint8(), pa.uint16()):
                return None
            size = int(places[:, 5:].prod(axis=1).sum())
            fits = first + size <= leaf.firsts[-1]
            return _Paged(self._file, leaf, first, places) if fits else None
        if first + len(places) > leaf.firsts[-1]:
            return None
        return _Ranges(
            self._file,
            leaf,
            first,
            [pixels.known_dtype(text) for text in parts.field("dtype").to_pylist()],
            pixels.codecs_of(parts),
        )

    def _decode(self, number: int, name: str) -> pa.Array:
        """Return the column of a field with all its pixels, of one group of rows."""
        with self._lock:
            found: pa.Array = chunk_pool.get(self._columns, (number, _FIELDS.index(name)))
            return found

    def decode(self, index: Shape) -> pa.Array:
        """Decode the pixels of a field in a group of rows, past the pool: (group, field)."""
        if self._large is not None and self._large[0] == index:
            return self._large[1]
        self._large = None  # let go of the last one before the next is read
        opened, name = self._file.get(), _FIELDS[index[1]]
        names = [path for path in opened.leaves if path.startswith(f"{self._column}.{name}.")]
        table = opened.table.read_row_group(index[0], columns=names)
        array = table.column(0).combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        found = array.field(name)
        if found.nbytes > settings.get_options().pool_bytes:
            self._large = (index, found)  # each of its parts would be a reading of all of them
        return found

    def forget(self) -> None:
        """Let go of decoded pixels."""
        self._large = None
        chunk_pool.drop(self._columns)


@dataclass(frozen=True, eq=False)
class _Columns:
    """What the pool knows decoded columns by; it keeps no file open."""

    owner: weakref.ref[ColumnPixels]

    def chunk(self, index: Shape) -> Any:
        """Decode the pixels of a field in a group of rows: (group, field)."""
        owner = self.owner()
        assert owner is not None  # it is who asks
        return owner.decode(index)


@dataclass(frozen=True)
class _Paged:
    """Pixels as numbers in pages."""

    file: Handle[Opened]
    leaf: Leaf
    first: int
    places: NDArray
    raw: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return np.dtype(np.uint16)

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return None: they are not in memory."""
        return None

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one part; the pages that it is in are read."""
        sizes = self.places[:index, 5:].prod(axis=1)
        return self.values(self.first + int(sizes.sum()), length)

    def lines(self, index: int, width: int, start: int, stop: int) -> NDArray:
        """Return some lines of a part of one plane."""
        first = self.first + int(self.places[:index, 5:].prod(axis=1).sum())
        return self.values(first + start * width, (stop - start) * width).reshape(-1, width)

    def values(self, first: int, count: int) -> NDArray:
        """Return some of all numbers of the group of rows."""
        leaf, opened = self.leaf, self.file.get()
        begin = int(np.searchsorted(leaf.firsts, first, side="right")) - 1
        end = int(np.searchsorted(leaf.firsts, first + count, side="left"))
        found = [_numbers(*leaf.content(opened, index), leaf.codec) for index in range(begin, end)]
        whole = found[0] if len(found) == 1 else np.concatenate(found)
        shift = first - int(leaf.firsts[begin])
        return whole[shift : shift + count]


@dataclass(frozen=True)
class _Ranges:
    """Pixels as the bytes of chunks, of which each is somewhere in the file."""

    file: Handle[Opened]
    leaf: Leaf
    first: int
    dtypes: list[np.dtype[Any]]
    codecs: list[str | None]

    @property
    def raw(self) -> bool:
        """Whether no chunk is compressed."""
        return not any(self.codecs)

    @property
    def dtype(self) -> np.dtype[Any]:
        """A type that holds those of all chunks."""
        return np.result_type(*self.dtypes)

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return None: they are not in memory."""
        return None

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one chunk."""
        _, raw = self.leaf.content(self.file.get(), self.first + index)
        return pixel_values.decoded(raw, length, self.dtypes[index], self.codecs[index], index)

    def lines(self, index: int, width: int, start: int, stop: int) -> NDArray | None:
        """Return some lines of a chunk of one plane; None if it has to be decoded as a whole."""
        if self.codecs[index] is not None:
            return None
        value, dtype = self.leaf.found[self.first + index], self.dtypes[index]
        size = width * dtype.itemsize
        if stop * size > value.stored:
            raise FormatError(f"chunk {index} has only {value.stored} bytes")
        raw = self.file.get().read(value.start + start * size, (stop - start) * size)
        return np.frombuffer(raw, dtype).reshape(-1, width)


def _numbers(page: Page, raw: Any, codec: int) -> NDArray:
    if page.encoding not in (pages.PLAIN, pages.STREAMS):
        raise FormatError(f"a page of pixels has the encoding {page.encoding}, of no numbers")
    data = pages.content(raw, page, codec)
    at = pages.skip_levels(data, page.count, pages.LISTED)
    if at is None:
        raise FormatError("a page of pixels has missing values")
    return pages.numbers(data[at:], page.count, page.encoding)
