"""Records in Parquet files: one row each, in a column of structs; other columns are not touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from iohub.errors import FormatError, LayoutError, ShapeError
from iohub.formats.ome_arrow import rows
from iohub.formats.ome_arrow.columns import COLUMN, choose_column, holds_records
from iohub.formats.ome_arrow.pixels import Stored
from iohub.formats.ome_arrow.records import as_record, build, describe, native, stored
from iohub.formats.ome_arrow.rows_to_write import Row, is_listable
from iohub.formats.ome_arrow.schema import OME_ARROW_KNOWN_STRUCTS
from iohub.formats.ome_arrow.writing import TYPE_KEY, write_table

__all__ = [
    "COLUMN",
    "TYPE_KEY",
    "choose_column",
    "holds_records",
    "read_plain",
    "read_row",
    "write_record",
]


def read_row(
    path: str | os.PathLike[str], column: str | None, row: int, *, strict: bool = False
) -> pa.StructScalar:
    """Read one record; of the file, only its column in its row group is read.

    Parameters
    ----------
    path : path-like
        The file, or a URL.
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
    where = rows.existing(os.fspath(path))
    table = rows.from_file(where)
    try:
        name = choose_column(table.schema, column, where)
        if strict and table.schema.field(name).type not in OME_ARROW_KNOWN_STRUCTS:
            raise LayoutError(f"column {name!r} in {where!r} is not of a record's exact type")
        return _record(table, name, row, where)
    finally:
        table.close()


def read_plain(path: str | os.PathLike[str], column: str | None, row: int) -> pa.StructScalar:
    """Read what a record says, without its pixels; arguments and errors as :func:`read_row`."""
    where = rows.existing(os.fspath(path))
    table = rows.from_file(where)
    try:
        name = choose_column(table.schema, column, where)
        return _plain(table, name, row, where)
    finally:
        table.close()


def _plain(table: rows.Rows, name: str, row: int, where: str) -> pa.StructScalar:
    count = table.plain.num_rows
    if not 0 <= row < count:
        raise ShapeError(f"there is no row {row} in {where!r}, which has {count}; the first is 0")
    record = table.record(name, row)
    if not record.is_valid:
        raise FormatError(f"row {row} of column {name!r} in {where!r} is empty: it is null")
    return record


def _record(table: rows.Rows, name: str, row: int, where: str) -> pa.StructScalar:
    """Return a record with its pixels, each once."""
    plain = _plain(table, name, row, where)
    try:
        said = describe(plain)
        found = table.stored(name, row)
        assert isinstance(found, Stored)  # all but datasets have parts
        values = native(found.read(), said.dtype)
        here = found.present()
        named = values.dtype.name if values.dtype.kind in "biufc" else said.dtype
        keep = None if here.all() else here
        return build(replace(said, chunk=None, dtype=named), values, keep=keep)
    except (FormatError, KeyError, pa.ArrowException, OSError) as error:
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

    Raises
    ------
    ArgumentError
        If Parquet has no such codec.
    ShapeError
        If there are more pixels than readers of Parquet hold.
    """
    record = as_record(data)
    said = describe(record)
    found = stored(record, said.shape)
    values = native(found.read(), said.dtype)
    here = found.present()
    keep = None if here.all() else here
    named = values.dtype.name if values.dtype.kind in "biufc" else said.dtype
    kept = values.reshape(-1, *said.shape[3:]) if keep is None else values[keep]
    write_table(
        os.fspath(path),
        [Row(replace(said, dtype=named), lambda: kept, keep=keep)],
        listed=is_listable(values.dtype),
        column=column,
        metadata=metadata,
        codec=(compression or "none").lower(),
        group_rows=row_group_size,
    )
