"""Records in Parquet files: one row each, in a column of structs; other columns are not touched."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from iohub.errors import FormatError, IohubWarning, LayoutError, NotFoundError, ShapeError
from iohub.formats.ome_arrow.records import as_array, as_record, rebuild
from iohub.formats.ome_arrow.schema import (
    OME_ARROW_BYTE_STRUCT,
    OME_ARROW_KNOWN_STRUCTS,
    OME_ARROW_TAG_TYPE,
)
from iohub.storage import files, settings
from iohub.storage.leftovers import TEMP_PREFIX, own_name

COLUMN = "ome_arrow"
"""What the column is called unless told otherwise."""

TYPE_KEY = "ome.arrow.type"
"""Says in a file's metadata that it holds such records. That of the version is left out: readers
of other releases would warn of it, and each record says its own."""

_NEEDED = frozenset({"pixels_meta", "planes"})
_BYTES_NEEDED = frozenset({"pixels_meta", "chunks"})
_PACKED = "DELTA_BINARY_PACKED"
# Which codecs of Parquet there are for single chunks too.
_CHUNK_CODECS = frozenset({"zstd", "lz4", "gzip", "brotli"})


def read_row(
    path: str | os.PathLike[str], column: str | None, row: int, *, strict: bool = False
) -> pa.StructScalar:
    """Read one record; of the file, only its column in its row group is read.

    Parameters
    ----------
    path : path-like
        The file.
    column : str or None
        Name of the column; if there is no such one, that which holds records.
    row : int
        Number of the row.
    strict : bool
        Whether only the exact types of a record are accepted.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError
        If it is no Parquet file, or is damaged.
    ShapeError
        If there is no such row.
    LayoutError
        If no column holds records, or not as `strict` wants it.
    """
    where = os.fspath(path)
    if not os.path.isfile(where):
        raise NotFoundError(f"there is no file {where!r}")
    try:
        with parquet.ParquetFile(where, memory_map=True) as file:
            name = _choose(file.schema_arrow, column, where)
            group, first = _find_row(file, row, where)
            table = file.read_row_group(group, columns=[name])
    except pa.ArrowInvalid as error:
        raise FormatError(f"{where!r} cannot be read as Parquet: {error}") from error
    array = table.column(name).slice(row - first, 1).combine_chunks()
    record = (array.chunk(0) if isinstance(array, pa.ChunkedArray) else array)[0]
    if not record.is_valid:
        raise FormatError(f"row {row} of column {name!r} in {where!r} is empty: it is null")
    if record.type in OME_ARROW_KNOWN_STRUCTS:
        return record
    if strict:
        raise LayoutError(f"column {name!r} in {where!r} is not of a record's exact type")
    try:
        return rebuild(record)
    except (FormatError, KeyError) as error:
        raise FormatError(f"row {row} of column {name!r} in {where!r}: {error}") from error


def write_record(
    data: Any,
    path: str | os.PathLike[str],
    column: str,
    *,
    metadata: Mapping[str, str] | None,
    compression: str | None,
    row_group_size: int | None = None,
) -> None:
    """Write one record as a table of one row and one column; the file appears when complete.

    Each pixel is written once: as planes, or in bytes as chunks, which then are compressed one by
    one so that a reader may decode only some.

    Parameters
    ----------
    data : pyarrow.StructScalar or dict
        The record.
    path : path-like
        The file; what is there is replaced.
    column : str
        Name of the column.
    metadata : mapping of str to str, optional
        More keys for the file's metadata.
    compression : str or None
        A codec of Parquet.
    row_group_size : int, optional
        Rows in a group.
    """
    record = as_record(data)
    codec = (compression or "").lower()
    small = rebuild(record)
    in_bytes = small.type == OME_ARROW_BYTE_STRUCT
    if in_bytes and codec in _CHUNK_CODECS:
        small, compression = rebuild(record, codec=codec), None
    array = as_array(small)
    said = {TYPE_KEY: OME_ARROW_TAG_TYPE, **(metadata or {})}
    schema = pa.schema([pa.field(column, array.type)], metadata=said)
    table = pa.Table.from_arrays([array], schema=schema)
    options: dict[str, Any] = {}
    if not in_bytes:
        options["column_encoding"] = {f"{column}.planes.list.element.pixels.list.element": _PACKED}
    target = os.path.abspath(path)
    folder = os.path.dirname(target)
    files.make_folder(folder)
    temporary = os.path.join(folder, own_name(TEMP_PREFIX))
    try:
        parquet.write_table(
            table,
            temporary,
            compression=compression or "none",
            use_dictionary=False,
            write_statistics=False,
            row_group_size=row_group_size,
            **options,
        )
        if settings.get_options().durability == "power":
            files.sync(temporary)
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _choose(schema: pa.Schema, wanted: str | None, where: str) -> str:
    """Return the name of the column to read."""
    if wanted is not None and wanted in schema.names:
        if not _holds_records(schema.field(wanted).type):
            raise LayoutError(f"column {wanted!r} in {where!r} holds no OME-Arrow records")
        return wanted
    found: list[str] = [each.name for each in schema if _holds_records(each.type)]
    if not found:
        names = ", ".join(map(repr, schema.names[:8]))
        raise LayoutError(f"no column in {where!r} holds OME-Arrow records; there are {names}")
    if wanted is not None and (wanted != COLUMN or len(found) > 1):
        warnings.warn(
            f"{where!r} has no column {wanted!r}; {found[0]!r} of {found} is read",
            IohubWarning,
            stacklevel=4,
        )
    return found[0]


def _holds_records(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return False
    names = {kind.field(index).name for index in range(kind.num_fields)}
    return names >= _NEEDED or names >= _BYTES_NEEDED


def _find_row(file: parquet.ParquetFile, row: int, where: str) -> tuple[int, int]:
    """Return the row group of a row, and the number of the group's first row."""
    first = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if 0 <= row < first + count:
            return group, first
        first += count
    raise ShapeError(f"there is no row {row} in {where!r}, which has {first}; the first is 0")
