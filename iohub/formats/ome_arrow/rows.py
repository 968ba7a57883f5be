"""Tables with columns of records, in a file or in memory: what rows say, and their pixels apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError, IohubError, LayoutError, NotFoundError
from iohub.formats.handles import Handle
from iohub.formats.ome_arrow import records
from iohub.formats.ome_arrow.columns import holds_records
from iohub.formats.ome_arrow.filed import ColumnPixels
from iohub.formats.ome_arrow.image import Gathers
from iohub.formats.ome_arrow.leaves import Opened, open_file
from iohub.formats.ome_arrow.pixels import Stored
from iohub.formats.ome_arrow.siblings import own_names
from iohub.storage.remote_file import RemoteName
from iohub.types import NDArray

_PIXELS: Final = ("chunks", "planes", "masks")
_SIZES: Final = tuple(f"size_{letter}" for letter in "tczyx")


@dataclass(frozen=True)
class Rows:
    """A table with columns of records.

    Attributes
    ----------
    url : str
        Where it is, for people.
    schema : pyarrow.Schema
        Of all of it.
    plain : pyarrow.Table
        Its records without pixels, and the columns that say where they belong.
    others : callable
        Returns the other columns of some rows.
    columns : tuple of str
        Names of the columns of records.
    stored : callable
        Finds the pixels of a column in a row.
    close : callable
        Lets go of the file.
    resident : bool
        Whether pixels are in memory.
    """

    url: str
    schema: pa.Schema
    plain: pa.Table
    others: Callable[[Sequence[int]], pa.Table]
    columns: tuple[str, ...]
    stored: Callable[[str, int], Stored | Gathers]
    close: Callable[[], None]
    resident: bool = False

    @property
    def metadata(self) -> Mapping[bytes, bytes]:
        """What the table says of itself."""
        return self.schema.metadata or {}

    def texts(self, name: str) -> list[str | None]:
        """Return a column of texts; None for each row if there is none."""
        if name not in self.plain.column_names or name in self.columns:
            return [None] * self.plain.num_rows
        column = self.plain.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return [None if value is None else str(value) for value in column.to_pylist()]

    def record(self, column: str, row: int) -> pa.StructScalar:
        """Return what a record says, without its pixels."""
        return self.plain.column(column)[row]

    def shapes(self, column: str) -> NDArray:
        """Return the sizes of the images (rows, 5), 0 where there is no record."""
        return shapes_of(self.plain.column(column))


def shapes_of(column: pa.ChunkedArray) -> NDArray:
    """Return the sizes that records say (rows, 5): t, c, z, y, x; 0 where there are none."""
    made = np.zeros((len(column), len(_SIZES)), np.int64)
    at = 0
    for chunk in column.chunks:
        meta = chunk.field("pixels_meta") if _has(chunk.type, "pixels_meta") else None
        there = _valid(chunk) & _valid(meta) if meta is not None else None
        for number, name in enumerate(_SIZES):
            if meta is not None and _has(meta.type, name):
                values = meta.field(name)
                filled = values.fill_null(0) if values.null_count else values
                sizes = np.asarray(filled).astype(np.int64)
                made[at : at + len(chunk), number] = np.where(there & _valid(values), sizes, 0)
        at += len(chunk)
    return made


def _valid(values: pa.Array) -> Any:
    return np.asarray(values.is_valid()) if values.null_count else True


def from_table(table: pa.Table, url: str = "table") -> Rows:
    """Show a table in memory; its pixels stay where they are.

    Raises
    ------
    LayoutError
        If no column has records.
    """
    names = record_columns(table.schema, url)
    plain = table
    for name in names:
        kept = pa.chunked_array(
            [_without(chunk) for chunk in table.column(name).chunks],
            type=without_pixels(table.schema.field(name).type),
        )
        plain = plain.set_column(table.column_names.index(name), name, kept)
    more = table.select(other_names(table.schema, names))

    def stored(column: str, row: int) -> Stored:
        record = table.column(column)[row]
        return records.stored(record, records.describe(record).shape)

    return Rows(url, table.schema, plain, more.take, names, stored, lambda: None, resident=True)


def existing(path: str) -> str:
    """Return the path of a file, or the name of one on a server; one that is there.

    Raises
    ------
    NotFoundError
        If there is none.
    AccessError, UnreachableError
        If a server says so, or nothing.
    """
    if "://" not in path:
        if not os.path.isfile(path):
            raise NotFoundError(f"there is no file {path!r}")
        return path
    name = RemoteName(path)
    name.open().read(0, 1)  # asks the server
    return name


def from_file(path: str) -> Rows:
    """Show a Parquet file; of its columns of records, only what is no pixel is read.

    Parameters
    ----------
    path : str
        The file; a RemoteName for one on a server.

    Raises
    ------
    FormatError
        If it is no Parquet file, or damaged.
    LayoutError
        If no column has records.
    """
    handle: Handle[Opened] = Handle(lambda: open_file(path), Opened.close, path)
    try:
        schema = handle.get().schema
        names = record_columns(schema, path)
        plain = _read_plain(handle.get(), names)
    except IohubError:
        handle.close()
        raise
    except (pa.ArrowException, OSError) as error:
        handle.close()
        raise FormatError(f"{str(path)!r} cannot be read as Parquet: {error}") from error
    found: dict[str, ColumnPixels] = {}

    def stored(column: str, row: int) -> Stored:
        if column not in found:
            found[column] = ColumnPixels(handle, column, shapes_of(plain.column(column)))
        return found[column].stored(row)

    def others(numbers: Sequence[int]) -> pa.Table:
        return handle.get().table.read(columns=other_names(schema, names)).take(numbers)

    def close() -> None:
        for pixels in found.values():
            pixels.forget()
        handle.close()

    where = path if isinstance(path, RemoteName) else os.path.abspath(path)
    return Rows(where, schema, plain, others, names, stored, close)


def _read_plain(opened: Opened, names: Sequence[str]) -> pa.Table:
    exact = tuple(f"{name}.{field}" for name in names for field in _PIXELS)
    hidden = tuple(f"{each}." for each in exact)
    heads = tuple(f"{name}." for name in names)
    mine = own_names(opened.schema)
    wanted = [
        leaf
        for leaf in opened.leaves
        if leaf in mine
        or (leaf.startswith(heads) and leaf not in exact and not leaf.startswith(hidden))
    ]
    return opened.table.read(columns=wanted, use_threads=False)


def other_names(schema: pa.Schema, records: Sequence[str]) -> list[str]:
    """Return the names of the columns that say nothing of where images belong."""
    known = {*records, *own_names(schema)}
    return [name for name in schema.names if name not in known]


def record_columns(schema: pa.Schema, where: str) -> tuple[str, ...]:
    """Return the names of the columns that hold records.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    where : str
        Where it is, for people.

    Raises
    ------
    LayoutError
        If there is none, or columns have the same name.
    """
    names = tuple(field.name for field in schema if holds_records(field.type))
    if not names:
        shown = ", ".join(map(repr, schema.names[:8]))
        raise LayoutError(f"no column in {where!r} holds OME-Arrow records; there are {shown}")
    if len(set(schema.names)) != len(schema.names):
        raise LayoutError(f"columns in {where!r} have the same name: {schema.names}")
    return names


def _has(kind: pa.StructType, name: str) -> bool:
    return bool(kind.get_field_index(name) >= 0)


def without_pixels(kind: pa.StructType) -> pa.StructType:
    """Return the type of a record without its pixels."""
    fields = (kind.field(i) for i in range(kind.num_fields))
    return pa.struct([field for field in fields if field.name not in _PIXELS])


def _without(chunk: pa.StructArray) -> pa.StructArray:
    kind = without_pixels(chunk.type)
    fields = list(kind)
    mask = None if not chunk.null_count else chunk.is_null()
    return pa.StructArray.from_arrays(
        [chunk.field(field.name) for field in fields], fields=fields, mask=mask
    )
