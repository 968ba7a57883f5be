"""Where a position of a plate is to be created: names, indices and acquisition, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from iohub.errors import PathError
from iohub.metadata.names import check_field, check_row_column
from iohub.nodes import arguments


class Place(NamedTuple):
    """Where a position is to be created; the public form is a tuple of the first 3 to 6."""

    row: str
    column: str
    field: str
    row_index: int | None = None
    column_index: int | None = None
    acquisition: int = 0

    @property
    def well(self) -> str:
        """Path of the well."""
        return f"{self.row}/{self.column}"

    @property
    def path(self) -> str:
        """Path of the position."""
        return f"{self.row}/{self.column}/{self.field}"

    @classmethod
    def of(cls, spec: Sequence[Any], check: Callable[[str], str] = check_field) -> Place:
        """Check one specification.

        Raises
        ------
        PathError
            If it has not 3 to 6 elements, or a name is not allowed.
        """
        if not isinstance(spec, tuple | list) or not 3 <= len(spec) <= len(cls._fields):
            raise PathError(
                f"{spec!r} is not (row, column, position[, row_index, column_index[, acquisition]])"
            )
        row, column, field = map(arguments.name, spec[:3], ("a row", "a column", "a position"))
        # Indices out of a table are NumPy's; JSON wants Python's.
        numbers = [each.item() if isinstance(each, np.integer) else each for each in spec[3:]]
        place = cls(row, column, field, *numbers)
        if type(place.acquisition) is not int or place.acquisition < 0:
            raise PathError(f"an acquisition must be an integer from 0, not {place.acquisition!r}")
        check_row_column(place.row)
        check_row_column(place.column)
        check(place.field)
        return place
