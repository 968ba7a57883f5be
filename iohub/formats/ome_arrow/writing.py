"""Tables of records written to Parquet, row by row, with no more than some planes in memory.

All columns but that of the pixels are written by pyarrow, as small files in memory that have
everything but pixels; their bytes are put together with the pages of pixels, and one footer is
made for all. A reader sees an ordinary Parquet file.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from iohub.errors import ArgumentError
from iohub.formats.ome_arrow import pages, thrift
from iohub.formats.ome_arrow.columns import COLUMN
from iohub.formats.ome_arrow.placing import placed
from iohub.formats.ome_arrow.rows_to_write import (
    Row,
    check_row,
    part_lines,
    without_pixels,
)
from iohub.formats.ome_arrow.schema import (
    OME_ARROW_BYTE_STRUCT,
    OME_ARROW_STRUCT,
    OME_ARROW_TAG_TYPE,
)
from iohub.formats.ome_arrow.thrift import BINARY, I16, I32, I64, LIST, STRUCT
from iohub.storage import settings
from iohub.types import NDArray

TYPE_KEY: Final = "ome.arrow.type"
"""Says in a file's metadata that it holds such records. That of the version is left out: readers
of other releases would warn of it, and each record says its own."""

GROUP_BYTES: Final = 8 << 20
"""Rows are put together in a group until they have so many pixels [bytes]."""

_SMALL: Final = 1 << 15
"""Columns without pixels that are not compressed [bytes in a group]."""

_MAGIC: Final = b"PAR1"
_INT32_TYPE, _BYTES_TYPE = 1, 6


def write_table(
    path: str,
    rows: Iterable[Row],
    *,
    listed: bool,
    column: str = COLUMN,
    siblings: pa.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
    codec: str = "zstd",
    replace: bool = True,
    group_rows: int | None = None,
    workers: int | None = None,
) -> int:
    """Write rows to a Parquet file, which appears when complete.

    Parameters
    ----------
    path : str
        The file.
    rows : iterable of Row
        They are asked for one after the other.
    listed : bool
        Whether pixels are lists of numbers, for 8 and 16 bits without sign; else bytes.
    column : str
        Name of the column of records.
    siblings : pyarrow.Schema, optional
        The other columns, after that of the records.
    metadata : mapping of str to str, optional
        More keys for the file's metadata.
    codec : {"zstd", "lz4", "snappy", "gzip", "brotli", "none"}
        How each part is compressed.
    replace : bool
        Whether a file that is there is replaced.
    group_rows : int, optional
        Rows in a group; by default as many as have 8 MiB of pixels.
    workers : int, optional
        Threads that compress.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    ArgumentError
        If there are no rows, or there is no such codec.
    ShapeError
        If a row has more pixels than readers hold.
    ExistsError
        If there is a file that is not to be replaced.
    """
    if codec not in pages.CODECS:
        raise ArgumentError(f"no compression {codec!r}; there are {', '.join(pages.CODECS)}")
    count = settings.get_options().workers if workers is None else workers
    said = {TYPE_KEY: OME_ARROW_TAG_TYPE, **(metadata or {})}
    struct = OME_ARROW_STRUCT if listed else OME_ARROW_BYTE_STRUCT
    schema = pa.schema([pa.field(column, struct), *(siblings or ())], metadata=said)
    with (
        placed(path, replace=replace) as made,
        open(made, "wb") as file,
        ThreadPoolExecutor(count) as threads,
    ):
        writer = _Writer(file, schema, listed, codec, group_rows, threads, count)
        for row in rows:
            check_row(row, listed)
            writer.add(row)
        writer.finish()
    return writer.rows


class _Writer:
    """Puts pages, other columns and a footer into a file."""

    def __init__(
        self,
        file: IO[bytes],
        schema: pa.Schema,
        listed: bool,
        codec: str,
        group_rows: int | None,
        threads: ThreadPoolExecutor,
        workers: int,
    ):
        self._file, self._schema, self._listed = file, schema, listed
        self._codec, self._group_rows = codec, group_rows
        self._threads, self._workers = threads, workers
        self._levels = pages.LISTED if listed else pages.HELD
        self._at = file.write(_MAGIC)
        self._groups: list[thrift.Struct] = []
        self._footer: thrift.Struct = {}
        self._pending: list[Row] = []
        self._pages: list[tuple[int, int, int]] = []
        self.rows = 0

    def add(self, row: Row) -> None:
        """Write the pixels of a row; its group too, if that is large enough."""
        self._pending.append(row)
        before = len(self._pages)
        waiting: deque[Future[tuple[list[Any], int, int]]] = deque()
        for lines, start in self._parts(row):
            waiting.append(self._threads.submit(self._encode, lines, start))
            while len(waiting) > self._workers:
                self._put(waiting.popleft().result())
        while waiting:
            self._put(waiting.popleft().result())
        if len(self._pages) == before:
            page, size, count = pages.empty_page(self._levels, self._codec)
            self._put(([page], size, count))
        size = sum(each.pixels * each.dtype.itemsize for each in self._pending)
        full = len(self._pending) == self._group_rows
        if full or (self._group_rows is None and size >= GROUP_BYTES):
            self._end_group()

    def finish(self) -> None:
        """Write what is left, and the footer."""
        if self._pending:
            self._end_group()
        if not self._groups:
            raise ArgumentError("there is no image to write")
        self._footer[3] = (I64, self.rows)
        self._footer[4] = (LIST, (STRUCT, self._groups))
        footer = thrift.write(self._footer)
        self._file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)

    # steps

    def _parts(self, row: Row) -> Iterator[tuple[NDArray, int]]:
        """Return parts of planes, and the level of repetition where each begins."""
        begun = False
        for plane in row.planes():
            kind = np.uint16 if self._listed else row.dtype.newbyteorder("=")
            lines = np.ascontiguousarray(plane, kind)
            step = part_lines(row.said.shape[3:], row.dtype.itemsize)
            for first in range(0, len(lines), step):
                # Chunks begin with each part; a plane goes on.
                inner = self._levels.repetition if self._listed and first else 1
                yield lines[first : first + step], inner if begun else 0
                begun = True

    def _encode(self, lines: NDArray, start: int) -> tuple[list[Any], int, int]:
        if self._listed:
            page, size, count = pages.number_page(lines.reshape(-1), start, self._codec)
            return [page], size, count
        raw: Any = lines.reshape(-1).view(np.uint8)
        if self._codec != "none":
            raw = pa.Codec(self._codec).compress(raw, asbytes=False)
        return pages.bytes_page(raw, start)

    def _put(self, made: tuple[list[Any], int, int]) -> None:
        pieces, size, count = made
        stored = sum(self._file.write(piece) for piece in pieces)
        self._pages.append((stored, size + stored - _content(pieces, size, self._listed), count))

    def _end_group(self) -> None:
        rows, self._pending = self._pending, []
        table = without_pixels(rows, self._schema, self._listed, self._codec)
        held = io.BytesIO()
        names = self._schema.names[1:]
        # Of what is small, readers would spend most of their time on beginning to decompress.
        small = table.nbytes <= _SMALL
        parquet.write_table(
            table,
            held,
            row_group_size=len(rows),
            compression="none" if small else "zstd",
            use_dictionary=False if small else names,
            write_statistics=names,
        )
        raw = held.getvalue()
        footer = _footer_of(raw)
        group = footer[4][1][1][0]
        begin = self._at
        self._at += sum(stored for stored, _, _ in self._pages)
        for chunk in group[1][1][1]:
            path = [name.decode() for name in chunk[3][1][3][1][1]]
            if path == pixel_path(self._schema.names[0], self._listed):
                chunk[3] = (STRUCT, self._pixel_meta(chunk[3][1], begin))
            else:
                self._copy(raw, chunk[3][1])
            chunk[2] = (I64, 0)
        sizes = [chunk[3][1] for chunk in group[1][1][1]]
        group[2] = (I64, sum(meta[6][1] for meta in sizes))
        group[5] = (I64, begin)
        group[6] = (I64, sum(meta[7][1] for meta in sizes))
        group[7] = (I16, min(len(self._groups), 2**15 - 1))
        self._groups.append(group)
        self._footer = self._footer or footer
        self._pages = []
        self.rows += len(rows)

    def _copy(self, raw: bytes, meta: thrift.Struct) -> None:
        """Write the bytes of a column that pyarrow has made, and note where they are."""
        places = [meta[number][1] for number in (9, 11) if number in meta]
        start = min(place for place in places if place > 0)
        self._file.write(raw[start : start + meta[7][1]])
        for number in (9, 11):
            if number in meta:
                meta[number] = (I64, meta[number][1] - start + self._at)
        self._at += meta[7][1]

    def _pixel_meta(self, meta: thrift.Struct, begin: int) -> thrift.Struct:
        coded = pages.STREAMS if self._listed else pages.PLAIN
        codec = pages.CODECS[self._codec] if self._listed else 0
        notes = [(pages.SIZES_KEY, [stored for stored, _, _ in self._pages])]
        if self._listed:
            notes.append((pages.COUNTS_KEY, [count for _, _, count in self._pages]))
        noted = [
            {1: (BINARY, key), 2: (BINARY, ",".join(map(str, values)).encode())}
            for key, values in notes
        ]
        return {
            1: (I32, _INT32_TYPE if self._listed else _BYTES_TYPE),
            2: (LIST, (I32, [pages.RLE, coded])),
            3: meta[3],
            4: (I32, codec),
            5: (I64, sum(count for _, _, count in self._pages)),
            6: (I64, sum(size for _, size, _ in self._pages)),
            7: (I64, sum(stored for stored, _, _ in self._pages)),
            8: (LIST, (STRUCT, noted)),
            9: (I64, begin),
        }


def _content(pieces: list[Any], size: int, listed: bool) -> int:
    """Return how long the content of a page is in the file, without its header."""
    if not listed:
        return size
    header = pages.read_header(bytes(memoryview(pieces[0])[: pages.HEADER]), 0)
    return size if header is None else header.stored


def pixel_path(column: str, listed: bool) -> list[str]:
    """Return the names of the fields on the way to the pixels, as Parquet has them."""
    if listed:
        return [column, "planes", "list", "element", "pixels", "list", "element"]
    return [column, "chunks", "list", "element", "pixel_bytes"]


def _footer_of(raw: bytes) -> thrift.Struct:
    size = int.from_bytes(raw[-8:-4], "little")
    return thrift.Reader(raw[-8 - size : -8]).struct()
