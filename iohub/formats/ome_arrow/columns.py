"""Which columns of a table hold records; values are not looked at."""

from __future__ import annotations

import warnings
from typing import Final

import pyarrow as pa

from iohub.errors import IohubWarning, LayoutError

COLUMN: Final = "ome_arrow"
"""What the column is called unless told otherwise."""

_NEEDED = frozenset({"pixels_meta", "planes"})
_BYTES_NEEDED = frozenset({"pixels_meta", "chunks"})


def choose_column(schema: pa.Schema, wanted: str | None, where: str) -> str:
    """Return the name of the column to read.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    wanted : str or None
        Its name; if there is no such one, that which holds records.
    where : str
        The file, for people.

    Raises
    ------
    LayoutError
        If it, or every column, holds other values than records.
    """
    if wanted is not None and wanted in schema.names:
        if not holds_records(schema.field(wanted).type):
            raise LayoutError(f"column {wanted!r} in {where!r} holds no OME-Arrow records")
        return wanted
    found: list[str] = [each.name for each in schema if holds_records(each.type)]
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


def holds_records(kind: pa.DataType) -> bool:
    """Whether the values of a type are records, by the names of their fields."""
    if not pa.types.is_struct(kind):
        return False
    names = {kind.field(index).name for index in range(kind.num_fields)}
    return names >= _NEEDED or names >= _BYTES_NEEDED
