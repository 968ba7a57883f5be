"""Tables of records in memory: made of rows, and shown as the store that they could be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from iohub.errors import ArgumentError, FormatError
from iohub.formats.ome_arrow.columns import COLUMN
from iohub.formats.ome_arrow.records import as_array, build
from iohub.formats.ome_arrow.rows import from_table
from iohub.formats.ome_arrow.rows_to_write import Row
from iohub.formats.ome_arrow.schema import (
    OME_ARROW_BYTE_STRUCT,
    OME_ARROW_STRUCT,
    OME_ARROW_TAG_TYPE,
)
from iohub.formats.ome_arrow.store import table_store
from iohub.formats.ome_arrow.writing import TYPE_KEY
from iohub.storage.virtual import VirtualBytes


def make_table(
    rows: Iterable[Row],
    *,
    listed: bool,
    column: str = COLUMN,
    siblings: pa.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
) -> pa.Table:
    """Put rows into a table in memory.

    Parameters
    ----------
    rows : iterable of Row
        They are asked for one after the other.
    listed : bool
        Whether pixels are lists of numbers, for 8 and 16 bits without sign; else bytes.
    column : str
        Name of the column of records.
    siblings : pyarrow.Schema, optional
        The other columns, after that of the records.
    metadata : mapping of str to str, optional
        More keys for the table's metadata.

    Returns
    -------
    pyarrow.Table
        Each row is a chunk of its own, so that no pixel is copied to put them together.
    """
    struct = OME_ARROW_STRUCT if listed else OME_ARROW_BYTE_STRUCT
    kinds = list(siblings or ())
    made: list[pa.StructArray] = []
    others: list[list[Any]] = [[] for _ in kinds]
    for row in rows:
        planes = list(row.planes())
        whole = _whole(planes, row)
        made.append(as_array(build(row.said, whole, keep=row.keep, listed=listed)))
        for values, field in zip(others, kinds, strict=True):
            values.append(row.beside(field.name))
    if not made:
        raise ArgumentError("there is no image")
    said = {TYPE_KEY: OME_ARROW_TAG_TYPE, **(metadata or {})}
    schema = pa.schema([pa.field(column, struct), *kinds], metadata=said)
    columns = [pa.array(v, f.type) for v, f in zip(others, kinds, strict=True)]
    return pa.Table.from_arrays([pa.chunked_array(made), *columns], schema=schema)


def _whole(planes: list[Any], row: Row) -> Any:
    """Return planes as one array (T, C, Z, Y, X), which is no copy if they are parts of one."""
    shape = row.said.shape
    base = planes[0].base if planes else None
    size = int(np.prod(shape))
    if row.keep is None and base is not None and base.size == size and base.flags.c_contiguous:
        same = base.dtype == planes[0].dtype and isinstance(base, np.ndarray)
        first, last = planes[0].ctypes.data, planes[-1].ctypes.data
        if same and first == base.ctypes.data and last - first == base.nbytes - planes[-1].nbytes:
            return base.reshape(shape)
    made = np.zeros(shape, row.dtype)
    there = np.ones(shape[:3], bool) if row.keep is None else row.keep
    made[there] = np.stack(planes)
    return made


def as_table(data: Any) -> pa.Table:
    """Return what Arrow's protocols give as a table; nothing of it is copied.

    Parameters
    ----------
    data : object
        A table, a record batch, a reader, whatever has ``__arrow_c_stream__`` or
        ``__arrow_c_array__``, such as results of DuckDB and frames of polars; or records.

    Raises
    ------
    ArgumentError
        If it is none of them.
    FormatError
        If a record is missing.
    """
    if isinstance(data, pa.StructScalar):
        if not data.is_valid:
            raise FormatError("the record is missing: this row of the column is null")
        return pa.table({COLUMN: as_array(data)})
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return pa.table({COLUMN: data})
    if isinstance(data, pa.Table):
        return data
    try:
        return pa.table(data)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{type(data).__name__} is no table of Arrow: {error}") from error


def is_arrow(data: Any) -> bool:
    """Whether something is a table for Arrow, or may be one."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def open_table(data: Any, url: str = "table") -> VirtualBytes:
    """Show a table in memory as the store that it could be; pixels stay where they are.

    Parameters
    ----------
    data : object
        As for :func:`as_table`.
    url : str
        What it is called.

    Raises
    ------
    LayoutError, FormatError, ArgumentError
        If it is no table with records.
    """
    table = as_table(data)
    store = table_store(from_table(table, url), reopen=(open_table, (table, url)))
    store.format = "OME-Arrow table"
    return store
