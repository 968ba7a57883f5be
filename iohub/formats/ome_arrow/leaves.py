"""The pages of pixels in an open Parquet file: where each is, and what it holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, Final, Protocol

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from iohub.errors import FormatError, IohubError
from iohub.formats.ome_arrow import pages
from iohub.formats.ome_arrow.pages import Page
from iohub.storage.remote_file import RemoteFile, RemoteName
from iohub.types import NDArray

_LENGTH: Final = 4
_PIXELS = ("pixels", "pixel_bytes")
# What pyarrow calls codecs; its LZ4 is that of Parquet's LZ4_RAW.
_CODECS: Final = {"UNCOMPRESSED": "none"}


class _Bytes(Protocol):
    """Something that has ranges of a file."""

    def read(self, start: int, size: int) -> Any:
        """Return a range of the file."""


@dataclass(frozen=True)
class Opened:
    """An open file: for pyarrow, and for ranges of bytes."""

    table: parquet.ParquetFile
    raw: IO[bytes] | RemoteFile

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self.table.schema_arrow

    @cached_property
    def leaves(self) -> list[str]:
        """Names of all columns, those within structs and lists too."""
        schema = self.table.schema
        return [schema.column(i).path for i in range(len(schema.names))]

    def read(self, start: int, size: int) -> bytes:
        """Return a range of the file.

        Raises
        ------
        FormatError
            If the file ends before.
        NotFoundError, AccessError, UnreachableError
            If it is on a server that says so, or nothing.
        """
        if isinstance(self.raw, RemoteFile):
            found = self.raw.read(start, size)
        else:
            found = os.pread(self.raw.fileno(), size, start)
        if len(found) != size:
            raise FormatError(f"the file ends at byte {start + len(found)}, within its pixels")
        return found

    def close(self) -> None:
        """Close both; what was read of a file on a server is kept with its name."""
        self.table.close()
        if not isinstance(self.raw, RemoteFile):
            self.raw.close()


@dataclass(frozen=True)
class _Span:
    """A range of a file that was read."""

    data: memoryview
    at: int

    def read(self, start: int, size: int) -> memoryview:
        """Return a range of the file that lies in it."""
        return self.data[start - self.at : start - self.at + size]


def open_file(path: str) -> Opened:
    """Open a Parquet file, or one on a server, of which ranges are then asked for.

    Raises
    ------
    FormatError
        If it is none, or its footer is damaged.
    NotFoundError, AccessError, UnreachableError
        If it is on a server that says so, or nothing.
    """
    try:
        if isinstance(path, RemoteName):
            remote = path.open()
            # Not buffered: that would ask for the same bytes twice.
            source = pa.PythonFile(remote.as_file().detach(), mode="r")
            return Opened(parquet.ParquetFile(source, pre_buffer=False), remote)
        with ExitStack() as undo:
            raw = undo.enter_context(open(path, "rb"))
            opened = Opened(parquet.ParquetFile(path, pre_buffer=False), raw)
            undo.pop_all()
            return opened
    except IohubError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"{str(path)!r} cannot be read as Parquet: {error}") from error


@dataclass(frozen=True)
class Leaf:
    """The pages of the column of pixels in a group of rows, each with its place in the file.

    Attributes
    ----------
    listed : bool
        Whether they hold numbers, else bytes.
    found : sequence of Page
        In their order.
    codec : int
        As Parquet numbers them.
    firsts : ndarray
        Number of the first value in each page, and of the one after the last.
    """

    listed: bool
    found: Sequence[Page]
    codec: int
    firsts: NDArray

    def content(self, opened: Opened, index: int) -> tuple[Page, Any]:
        """Return a page, or the value that is alone in one, and its bytes as they are stored."""
        if isinstance(self.found, Values):
            return self.found.content(index)
        page = self.found[index]
        return page, opened.read(page.start, page.stored)


class Values(Sequence[Page]):
    """Pages whose places the file notes; the header of each is read when it is needed.

    Parameters
    ----------
    opened : Opened
        The file.
    ends : list of int
        Where pages begin, and the last one ends [bytes].
    listed : bool
        Whether they are pages of numbers; else each has the bytes of one chunk, which are given
        in its place.
    """

    def __init__(self, opened: Opened, ends: list[int], listed: bool):
        self._opened, self._ends, self._listed = opened, ends, listed

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: Any) -> Any:
        return self._found(self._opened, index)

    def content(self, index: int) -> tuple[Page, memoryview]:
        """Return a page, or the bytes in it, with what it holds: one range is read for both."""
        start, end = self._ends[index], self._ends[index + 1]
        span = _Span(memoryview(self._opened.read(start, end - start)), start)
        page = self._found(span, index)
        return page, span.read(page.start, page.stored)

    def _found(self, source: _Bytes, index: int) -> Page:
        start, end = self._ends[index], self._ends[index + 1]
        page = pages.read_header(source.read(start, min(pages.HEADER, end - start)), start)
        if page is not None and page.start + page.stored == end:
            if self._listed:
                return page
            found = _values(source, page)
            if len(found) == 1:
                return found[0]
        raise FormatError(f"page {index} of the pixels is not as the file notes it")


class Group:
    """Where the parts of the images are in a group of rows."""

    def __init__(self, opened: Opened, number: int, column: str, shapes: NDArray):
        self._number, self._column = number, column
        self._schema = opened.schema.field(column).type
        heads = [f"{column}.{name}." for name in ("chunks", "planes")]
        self._indexes = {path: i for i, path in enumerate(opened.leaves)}
        mine = [path for path in self._indexes if path.startswith(tuple(heads))]
        wanted = [path for path in mine if not any(f".{name}" in path for name in _PIXELS)]
        self._pixels = {
            name: [path for path in mine if path.startswith(head) and path not in wanted]
            for head, name in zip(heads, ("chunks", "planes"), strict=True)
        }
        self._struct: Any = None
        if wanted:
            table = opened.table.read_row_group(number, columns=wanted, use_threads=False)
            array = table.column(0).combine_chunks()
            self._struct = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        self._shapes = shapes
        self._leaves: dict[str, Leaf | None] = {}
        self._counted: dict[str, NDArray] = {}

    def field(self, name: str, row: int) -> Any:
        """Return the parts of a row, without pixels; None if there is no such field."""
        if self._struct is None or self._struct.type.get_field_index(name) < 0:
            return None
        return self._struct.field(name)[row]

    def pixel_type(self, name: str) -> pa.DataType | None:
        """Return the type of the pixels of parts."""
        item = self._schema.field(name).type.value_type
        found = [item.field(each).type for each in _PIXELS if item.get_field_index(each) >= 0]
        return found[-1] if found else None

    def first_value(self, name: str, row: int) -> int:
        """Return how many values the rows before have."""
        counts = self._counted.get(name)
        if counts is None:
            lists = self._struct.field(name)
            counts = np.asarray(lists.value_lengths().fill_null(0), np.int64)
            if pa.types.is_list(self.pixel_type(name)):
                # A row without parts has no value, but stands in the count of its page.
                sizes = counts * self._shapes[:, 3] * self._shapes[:, 4]
                if name == "chunks":
                    sizes = _list_sizes(lists)
                counts = np.where(counts > 0, sizes, 1)
            counts = np.concatenate([[0], np.cumsum(counts)])
            self._counted[name] = counts
        return int(counts[row])

    def leaf(self, opened: Opened, name: str) -> Leaf | None:
        """Return the pages of pixels; None if they are of a kind that is not read alone."""
        if name not in self._leaves:
            paths = self._pixels[name]
            made = None if len(paths) != 1 else self._noted(opened, paths[0], name)
            if made is None and len(paths) == 1:
                made = self._walk(opened, paths[0])
            self._leaves[name] = made
        return self._leaves[name]

    def _noted(self, opened: Opened, path: str, name: str) -> Leaf | None:
        """Return pages of one part each by the lengths that iohub notes; none is read."""
        meta = opened.table.metadata.row_group(self._number).column(self._indexes[path])
        notes = meta.metadata or {}
        sizes = _whole_numbers(notes.get(pages.SIZES_KEY))
        if sizes is None:
            return None
        ends = meta.data_page_offset + np.cumsum([0, *sizes])
        if ends[-1] != meta.data_page_offset + meta.total_compressed_size:
            return None
        if meta.physical_type == "INT32":
            codec, counts = _codec_of(meta), _whole_numbers(notes.get(pages.COUNTS_KEY))
            if counts is None or codec is None or len(counts) != len(sizes):
                return None
            firsts = np.cumsum([0, *counts])
            right = firsts[-1] == meta.num_values
            return Leaf(True, Values(opened, ends.tolist(), True), codec, firsts) if right else None
        parts = np.asarray(self._struct.field(name).value_lengths().fill_null(0), np.int64)
        whole = (parts > 0).all() and len(sizes) == parts.sum()
        if meta.physical_type != "BYTE_ARRAY" or meta.compression != "UNCOMPRESSED" or not whole:
            return None
        return Leaf(False, Values(opened, ends.tolist(), False), 0, np.arange(len(sizes) + 1))

    def _walk(self, opened: Opened, path: str) -> Leaf | None:
        meta = opened.table.metadata.row_group(self._number).column(self._indexes[path])
        codec = _codec_of(meta)
        listed = meta.physical_type == "INT32"
        if codec is None or meta.has_dictionary_page or not (listed or codec == 0):
            return None
        found: list[Page] = []
        at, end = meta.data_page_offset, meta.data_page_offset + meta.total_compressed_size
        while at < end:
            page = pages.read_header(opened.read(at, min(pages.HEADER, end - at)), at)
            if page is None or page.start + page.stored > end:
                return None
            if page.encoding not in ((pages.PLAIN, pages.STREAMS) if listed else (pages.PLAIN,)):
                return None
            found.append(page)
            at = page.start + page.stored
        if not listed:
            values = [value for page in found for value in _values(opened, page)]
            return Leaf(False, values, codec, np.arange(len(values) + 1))
        counts = [page.count for page in found]
        return Leaf(True, found, codec, np.concatenate([[0], np.cumsum(counts)]))


def _codec_of(meta: Any) -> int | None:
    return pages.CODECS.get(_CODECS.get(meta.compression, meta.compression.lower()))


def _whole_numbers(noted: bytes | None) -> list[int] | None:
    """Return the numbers that are noted; None if there are none, or others."""
    parts = (noted or b"").split(b",")
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else None


def _values(source: _Bytes, page: Page) -> list[Page]:
    """Return where the values in a page of bytes are; they follow each other with their lengths."""
    head = source.read(page.start, min(page.stored, pages.HEADER))
    at = 0
    for _ in range(2):
        at += _LENGTH + int.from_bytes(head[at : at + _LENGTH], "little")
    found = []
    while at < page.stored:
        length = head[at : at + _LENGTH]
        if len(length) < _LENGTH:
            length = source.read(page.start + at, min(_LENGTH, page.stored - at))
        size = int.from_bytes(length, "little")
        at += _LENGTH
        if at + size > page.stored:
            raise FormatError("a page of pixels is damaged: a chunk is longer than its page")
        found.append(Page(page.start + at, size, size, 1, pages.PLAIN))
        at += size
    return found


def _list_sizes(lists: pa.Array) -> NDArray:
    """Return how many pixels the chunks of each row have, by the sizes that they say."""
    parts = lists.flatten()
    sizes = np.ones(len(parts), np.int64)
    for axis in "zyx":
        sizes *= np.asarray(parts.field(f"shape_{axis}").fill_null(0), np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    counts = np.asarray(lists.value_lengths().fill_null(0), np.int64)
    rows = np.concatenate([[0], np.cumsum(counts)])
    found: NDArray = ends[rows[1:]] - ends[rows[:-1]]
    return found
