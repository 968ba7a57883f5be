"""Where frames are taken, as a user says it: positions of the stage, and the plate they lie on."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]

STANDARD_PLATES: Mapping[int, tuple[int, int]] = {
    6: (2, 3),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}
"""Rows and columns of plates by their number of wells (ANSI/SLAS 4-2004)."""


class Setting(BaseModel):
    """Base of all settings: no unknown member, and each assignment is checked."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True)


def named(value: Any) -> Any:
    """Return a text or a number as the mapping that names a channel or a position."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"name": f"{value:g}"}
    return value


class Position(Setting):
    """A place where frames are taken; a text stands for a position of that name.

    Attributes
    ----------
    name : str
        Names the image in the file. Positions of one name differ in well or grid index.
    plate_row, plate_column : str or None
        Well of a plate; both or none.
    grid_row, grid_column : int or None
        Index in a grid of fields; both or none.
    x_coord, y_coord, z_coord : float or None
        Where the stage is, in the unit of the axes x, y and z; micrometers if they have none.

    Raises
    ------
    pydantic.ValidationError
        If only one member of a pair is given, or one has the wrong type; a :class:`ValueError`.
    """

    name: Name
    plate_row: str | None = None
    plate_column: str | None = None
    grid_row: int | None = None
    grid_column: int | None = None
    x_coord: float | None = None
    y_coord: float | None = None
    z_coord: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return named(value)

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        for one, other in (("plate_row", "plate_column"), ("grid_row", "grid_column")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{one} and {other} must both be set, or both be None")
        return self

    @property
    def key(self) -> tuple[object, ...]:
        """What no other position of an acquisition may have."""
        return self.name, self.plate_row, self.plate_column, self.grid_row, self.grid_column


class Plate(Setting):
    """A plate with wells: the names of all its rows and columns.

    Attributes
    ----------
    row_names, column_names : list of str
        In order; letters and digits.
    name : str or None
        Of the plate.
    """

    row_names: list[str]
    column_names: list[str]
    name: str | None = None

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        for what in ("row_names", "column_names"):
            names = getattr(self, what)
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} must be unique; {', '.join(twice)} is there twice")
        return self

    @classmethod
    def from_standard_wells(cls, num_wells_or_shape: int | tuple[int, int]) -> Self:
        """Return a plate of a usual size.

        Rows are A to Z, then AA, BB and so on; columns are numbers from 1.

        Parameters
        ----------
        num_wells_or_shape : int or (int, int)
            6, 12, 24, 48, 96, 384 or 1536 wells, or the numbers of rows and of columns.

        Raises
        ------
        ValueError
            If no usual plate has as many wells.
        """
        if isinstance(num_wells_or_shape, int):
            if num_wells_or_shape not in STANDARD_PLATES:
                raise ValueError(
                    f"no standard plate has {num_wells_or_shape} wells: give one of "
                    f"{', '.join(map(str, STANDARD_PLATES))}, or (rows, columns)"
                )
            rows, columns = STANDARD_PLATES[num_wells_or_shape]
        else:
            rows, columns = num_wells_or_shape
        letters = len(ascii_uppercase)
        names = [ascii_uppercase[i % letters] * (i // letters + 1) for i in range(rows)]
        return cls(row_names=names, column_names=[str(i + 1) for i in range(columns)])
