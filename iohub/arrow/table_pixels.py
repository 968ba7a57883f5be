"""Pixels of one record in a Parquet or Vortex file, of which only what is asked for is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from iohub.arrow.pixel_sources import RecordPixels
from iohub.errors import FormatError, NotFoundError, ShapeError
from iohub.formats.ome_arrow.columns import choose_column
from iohub.formats.ome_arrow.image import RecordReader
from iohub.formats.ome_arrow.pixels import Stored, dtype_of
from iohub.formats.ome_arrow.records import Description, describe
from iohub.formats.ome_arrow.rows import Rows, existing, from_file
from iohub.formats.ome_arrow.vortex_rows import from_vortex

if TYPE_CHECKING:
    from iohub.arrow.selection import Selection
    from iohub.types import NDArray


@dataclass(frozen=True)
class TablePixels:
    """Pixels of a record in a file.

    Attributes
    ----------
    said : Description
        What the record says.
    rows : Rows
        The file.
    column : str
        Name of the column.
    row : int
        Number of the record.
    """

    said: Description
    rows: Rows
    column: str
    row: int
    by_region: ClassVar[bool] = False

    def read(self, part: Selection) -> NDArray:
        """Return the pixels of a part: lines of planes where these can be read alone.

        Raises
        ------
        FormatError
            If the record does not have all its planes, or is damaged; the file, column and row are
            named.
        """
        where = f"row {self.row} of column {self.column!r} in {self.rows.url!r}"
        try:
            found = self.rows.stored(self.column, self.row)
            if not isinstance(found, Stored):
                raise FormatError("it is no record of parts")
            whole = RecordPixels(self.said, found)
            whole.check(part)
            lists = (part.t, part.c, part.z)
            dtype = dtype_of(self.said.dtype)
            if dtype is not None and all(_is_run(each) for each in lists):
                reader = RecordReader(
                    lambda: found, self.said.shape, dtype, "tczyx", (1, *self.said.shape[3:]), where
                )
                bounds = tuple(slice(each[0], each[-1] + 1) for each in lists)
                lines = reader.region((*bounds, part.y, part.x), None)
                if lines is not None:
                    return lines
            return whole.read(part)
        except (FormatError, pa.ArrowException, OSError) as error:
            # Of damaged pages pyarrow raises either of the latter.
            raise FormatError(f"{where}: {error}") from error


def open_record(path: str, column: str, row: int) -> TablePixels:
    """Open a table to read one of its records; no pixel is read yet.

    Parameters
    ----------
    path : str
        A Parquet or Vortex file; the first may be a URL.
    column : str
        Name of the column; if there is no such one, that which holds records.
    row : int
        Number of the row.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError, LayoutError, ShapeError
        If it is damaged, has no column of records, or no such row.
    """
    if path.lower().endswith(".vortex"):
        if not os.path.isfile(path):
            raise NotFoundError(f"there is no file {path!r}")
        rows = from_vortex(path)
    else:
        rows = from_file(existing(path))
    name = choose_column(rows.schema, column, path)
    count = rows.plain.num_rows
    if not 0 <= row < count:
        raise ShapeError(f"there is no row {row} in {path!r}, which has {count}; the first is 0")
    record = rows.record(name, row)
    if not record.is_valid:
        raise FormatError(f"row {row} of column {name!r} in {path!r} is empty: it is null")
    return TablePixels(describe(record), rows, name, row)


def _is_run(indices: Sequence[int]) -> bool:
    return bool(indices) and list(indices) == list(range(indices[0], indices[0] + len(indices)))
