"""Records in Vortex files: one row each, in a column of structs; only pixels as lists of numbers.

Vortex has no place for the bytes of chunks: records of other data types than uint8 and uint16 are
refused rather than written without pixels.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from iohub import optional
from iohub.errors import (
    DTypeError,
    FormatError,
    IohubWarning,
    LayoutError,
    NotFoundError,
    ShapeError,
)
from iohub.formats.ome_arrow.parquet import choose_column
from iohub.formats.ome_arrow.placing import placed
from iohub.formats.ome_arrow.records import as_array, as_record, rebuild
from iohub.formats.ome_arrow.schema import (
    OME_ARROW_KNOWN_STRUCTS,
    OME_ARROW_STRUCT,
)


def read_row(
    path: str | os.PathLike[str], column: str | None, row: int, *, strict: bool = False
) -> pa.StructScalar:
    """Read one record; of the file, only its column and row are read.

    Parameters
    ----------
    path : path-like
        The file.
    column : str or None
        Name of the column; if there is no such one, that which holds records.
    row : int
        Number of the row.
    strict : bool
        Whether only a column with the fields of a record and no others is accepted. How numbers
        and texts are stored is not compared: Vortex gives back other types of the same values.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError
        If it is no Vortex file, or is damaged.
    ShapeError
        If there is no such row.
    LayoutError
        If no column holds records, or not as `strict` wants it.
    MissingDependencyError
        If vortex-data is not installed.
    """
    vortex = _package()
    where = os.fspath(path)
    if not os.path.isfile(where):
        raise NotFoundError(f"there is no file {where!r}")
    try:
        file = vortex.open(os.path.abspath(where))
        name = choose_column(file.dtype.to_arrow_schema(), column, where)
        count = len(file)
        if not 0 <= row < count:
            raise ShapeError(f"there is no row {row} in {where!r}, which has {count}")
        wanted = vortex.array(pa.array([row], pa.uint64()))
        table = file.to_arrow([name], indices=wanted).read_all()
    except RuntimeError as error:
        raise FormatError(f"{where!r} cannot be read as Vortex: {_first_line(error)}") from error
    record = table.column(0).combine_chunks()
    record = (record.chunk(0) if isinstance(record, pa.ChunkedArray) else record)[0]
    if not record.is_valid:
        raise FormatError(f"row {row} of column {name!r} in {where!r} is empty: it is null")
    if strict and not any(_names(record.type) == _names(t) for t in OME_ARROW_KNOWN_STRUCTS):
        raise LayoutError(f"column {name!r} in {where!r} has not the fields of a record")
    try:
        return rebuild(record)
    except (FormatError, KeyError) as error:
        raise FormatError(f"row {row} of column {name!r} in {where!r}: {error}") from error


def write_record(
    data: Any,
    path: str | os.PathLike[str],
    column: str,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write one record as a table of one row and one column; the file appears when complete.

    Parameters
    ----------
    data : pyarrow.StructScalar or dict
        The record; each pixel is written once, in planes.
    path : path-like
        The file; what is there is replaced.
    column : str
        Name of the column.
    metadata : mapping of str to str, optional
        More keys for the metadata of the table, of which Vortex keeps none.

    Raises
    ------
    DTypeError
        If its pixels are of another type than uint8 or uint16.
    MissingDependencyError
        If vortex-data is not installed.

    Warns
    -----
    IohubWarning
        If there are keys.
    """
    record = rebuild(as_record(data))
    if record.type != OME_ARROW_STRUCT:
        kind = record["pixels_meta"]["type"].as_py()
        raise DTypeError(
            f"pixels of type {kind} cannot be written to Vortex, which holds uint8 and uint16: "
            "write Parquet or OME-Zarr, or convert them first"
        )
    array = as_array(record)
    if metadata:
        warnings.warn(
            f"Vortex keeps no metadata of files: {', '.join(map(repr, metadata))} are not written",
            IohubWarning,
            stacklevel=3,
        )
    write_table(pa.table({column: array}), os.fspath(path))


def write_table(table: pa.Table, path: str) -> None:
    """Write a table of records in lists; the file appears when complete, and replaces another.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    path : str
        The file.

    Raises
    ------
    MissingDependencyError
        If vortex-data is not installed.
    """
    vortex = _package()
    with placed(path) as made:
        vortex.io.write(table, made)


def _package() -> Any:
    return optional.need("vortex", extra="vortex", why="Vortex files")


def _first_line(error: Exception) -> str:
    """Return what an error says without the addresses that Vortex adds."""
    return str(error).partition("\n")[0]


def _names(kind: pa.DataType) -> Any:
    """Return the names of the fields of a type, and of those within them."""
    if pa.types.is_struct(kind):
        return [(field.name, _names(field.type)) for field in kind]
    return _names(kind.value_type) if hasattr(kind, "value_type") else None
