"""A row of a table of records that is to be written, and all of it but its pixels as Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iohub.errors import ShapeError
from iohub.formats.ome_arrow.parts import chunk_places
from iohub.formats.ome_arrow.records import Description, members
from iohub.types import NDArray

PART_BYTES: Final = 1 << 20
"""Planes are cut into parts of whole lines of about this size, each compressed alone [bytes]."""

MOST: Final = 2**31 - 1
"""Pixels, or bytes, that readers of a row of Parquet can hold."""

_LISTABLE = (np.dtype(np.uint8), np.dtype(np.uint16))
_PLACE = ("t", "c", "z", "y", "x", "shape_z", "shape_y", "shape_x")


@dataclass(frozen=True)
class Row:
    """A row to write.

    Attributes
    ----------
    said : Description
        What the record says of its image.
    planes : callable
        Returns the planes that there are (Y, X), in the order of t, c and z.
    siblings : mapping
        Values of the other columns, or what returns them when they are written.
    keep : ndarray, optional
        Which planes there are (T, C, Z); by default all.
    """

    said: Description
    planes: Callable[[], Iterable[NDArray]]
    siblings: Mapping[str, Any] = field(default_factory=dict)
    keep: NDArray | None = None

    def beside(self, column: str) -> Any:
        """Return its value in another column; None if it has none."""
        value = self.siblings.get(column)
        return value() if callable(value) else value

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its pixels."""
        return np.dtype(self.said.dtype)

    @property
    def pixels(self) -> int:
        """How many pixels are written."""
        t, c, z, y, x = self.said.shape
        count = t * c * z if self.keep is None else int(self.keep.sum())
        return count * y * x


def is_listable(dtype: np.dtype[Any]) -> bool:
    """Whether pixels of a type can be lists of numbers of 16 bits."""
    return dtype.newbyteorder("=") in _LISTABLE


def check_row(row: Row, listed: bool) -> None:
    """Refuse a row that readers of Parquet could not hold.

    Raises
    ------
    ShapeError
        If it has too many pixels; the form that holds it is named.
    """
    size = row.pixels if listed else row.pixels * row.dtype.itemsize
    if size > MOST:
        what = "pixels as lists" if listed else "bytes of pixels"
        raise ShapeError(
            f"{row.said.image_id!r} has {size:,} {what}; a row of Parquet holds {MOST:,}: write "
            "the directory form, format='ome-arrow-dataset', or OME-Zarr"
        )


def part_lines(shape: tuple[int, int], itemsize: int) -> int:
    """Return how many lines of a plane (Y, X) are a part."""
    return min(shape[0], max(1, PART_BYTES // (shape[1] * itemsize)))


def without_pixels(rows: list[Row], schema: pa.Schema, listed: bool, codec: str) -> pa.Table:
    """Return rows in which the pixels of every plane or chunk are empty.

    Parameters
    ----------
    rows : list of Row
        The rows.
    schema : pyarrow.Schema
        Of the table; the first column is that of the records.
    listed : bool
        Whether pixels are lists.
    codec : str
        How chunks say that they are compressed.
    """
    struct: pa.StructType = schema.field(0).type
    name = "planes" if listed else "chunks"
    item = struct.field(name).type.value_type
    places, ends, plain = [], [0], []
    for row in rows:
        shape = row.said.shape
        lines = shape[3] if listed else part_lines(shape[3:], row.dtype.itemsize)
        found = chunk_places(shape, (1, lines, shape[4]), row.keep)
        places.append(found)
        ends.append(ends[-1] + len(found))
        plain.append(members(row.said, None if listed else (1, lines, shape[4])))
    where = dict(zip(_PLACE, np.concatenate(places).T, strict=True))
    parts = _empty_parts(item, rows, where, ends, codec)
    columns = []
    for each in struct:
        if each.name == name:
            columns.append(
                pa.ListArray.from_arrays(pa.array(ends, pa.int32()), parts, type=each.type)
            )
        elif each.name in ("planes", "chunks"):
            absent: list[Any] | None = None if each.name == "chunks" else []
            columns.append(pa.array([absent] * len(rows), each.type))
        else:
            columns.append(pa.array([said[each.name] for said in plain], each.type))
    records = pa.StructArray.from_arrays(columns, fields=list(struct))
    others = [pa.array([row.beside(f.name) for row in rows], f.type) for f in list(schema)[1:]]
    return pa.Table.from_arrays([records, *others], schema=schema)


def _empty_parts(
    item: pa.StructType,
    rows: Sequence[Row],
    where: Mapping[str, NDArray],
    ends: Sequence[int],
    codec: str,
) -> pa.StructArray:
    """Return planes or chunks of rows, whose pixels are empty."""
    count = ends[-1]
    names = np.repeat([row.dtype.name for row in rows], np.diff(ends)).tolist()
    made: dict[str, list[Any]] = {
        "pixels": [[]] * count,
        "pixel_bytes": [b""] * count,
        "dtype": names,
        "compression": [None if codec == "none" else codec] * count,
    }
    columns = [pa.array(made.get(each.name, where.get(each.name)), each.type) for each in item]
    return pa.StructArray.from_arrays(columns, fields=list(item))
