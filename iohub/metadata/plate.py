"""Documents of high-content screening: plates with rows, columns, wells, and fields of view."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from iohub.metadata.documents import NONE, Document, Int, Many, Str
from iohub.metadata.names import ALPHANUMERIC, FIELD_READ
from iohub.types import JsonObject

REQUIRED = ("rows", "columns", "wells")
"""Members that a stored plate must have."""

_Name = Annotated[Str, Field(pattern=ALPHANUMERIC)]
_Natural = Annotated[Int, Field(ge=0)]
_Positive = Annotated[Int, Field(gt=0)]
_WELL_PATH = f"{ALPHANUMERIC[:-1]}/{ALPHANUMERIC[1:]}"


class AcquisitionMeta(Document):
    """One run of a microscope over a plate.

    Attributes
    ----------
    id : int
        Unique in the plate.
    name : str or None
        For people.
    maximum_field_count : int or None
        Fields of view of the well that has most.
    description : str or None
        For people.
    start_time, end_time : int or None
        In seconds since 1970.
    """

    id: _Natural
    name: Str | None = None
    maximum_field_count: _Positive | None = None
    description: Str | None = None
    start_time: _Natural | None = None
    end_time: _Natural | None = None


class PlateAxisMeta(Document):
    """A row or a column of a plate.

    Attributes
    ----------
    name : str
        Letters A-Z, a-z and digits only.
    """

    name: _Name


class WellIndexMeta(Document):
    """A well, as its plate lists it.

    Attributes
    ----------
    path : str
        Row name and column name, such as ``"A/1"``.
    row_index, column_index : int
        Where these names are in the plate's rows and columns.
    """

    path: Annotated[Str, Field(pattern=_WELL_PATH)]
    row_index: _Natural
    column_index: _Natural


class PlateMeta(Document):
    """A plate.

    Attributes
    ----------
    version : str or None
        As read from OME-Zarr 0.4.
    name : str or None
        For people.
    acquisitions : tuple of AcquisitionMeta
        Runs of the microscope; empty if none are told apart.
    rows, columns : tuple of PlateAxisMeta
        In the order that wells refer to.
    field_count : int or None
        Fields of view of the well that has most.
    wells : tuple of WellIndexMeta
        Those that have data.
    """

    version: Str | None = None
    name: Str | None = None
    acquisitions: Many[AcquisitionMeta] = NONE
    rows: Many[PlateAxisMeta] = NONE
    columns: Many[PlateAxisMeta] = NONE
    field_count: _Positive | None = None
    wells: Many[WellIndexMeta] = NONE

    def to_json(self) -> JsonObject:
        """Return the JSON object that is written, with its rows, columns and wells if empty."""
        return {**super().to_json(), **{name: [] for name in REQUIRED if not getattr(self, name)}}

    def get_well_paths(self) -> list[str]:
        """Return the paths of the wells, in the order of the document."""
        return [well.path for well in self.wells]

    def get_row_names(self) -> list[str]:
        """Return the names of the rows."""
        return [row.name for row in self.rows]

    def get_column_names(self) -> list[str]:
        """Return the names of the columns."""
        return [column.name for column in self.columns]


class WellImageMeta(Document):
    """A field of view, as its well lists it.

    Attributes
    ----------
    acquisition : int or None
        ``id`` of the run of the microscope.
    path : str
        Name of its group.
    """

    acquisition: Int | None = None
    path: Annotated[Str, Field(pattern=FIELD_READ)]


FieldMeta = WellImageMeta
"""Another name of :class:`WellImageMeta`."""


class WellGroupMeta(Document):
    """A well.

    Attributes
    ----------
    version : str or None
        As read from OME-Zarr 0.4.
    images : tuple of WellImageMeta
        Its fields of view.
    """

    version: Str | None = None
    images: Many[WellImageMeta] = NONE

    def get_image_paths(self) -> list[str]:
        """Return the names of the fields of view, in the order of the document."""
        return [image.path for image in self.images]
