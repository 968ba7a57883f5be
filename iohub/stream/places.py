"""Where the image of each position lies in an OME-Zarr store; no two share a place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from iohub.errors import PathError
from iohub.metadata.names import check_image_path, check_row_column, warn_case_collisions
from iohub.metadata.versions import spelling
from iohub.stream.formats import OmeZarrFormat
from iohub.stream.plates import Position
from iohub.stream.settings import AcquisitionSettings


class PositionPath(NamedTuple):
    """Where an image lies.

    Attributes
    ----------
    path : str
        Of its group in the store; empty if it is the store's only image.
    row, column, field : str
        Names in a plate; empty if it is none.
    """

    path: str
    row: str = ""
    column: str = ""
    field: str = ""


def paths_of(settings: AcquisitionSettings) -> tuple[PositionPath, ...]:
    """Return where the image of each position lies.

    A plate has row/column/name; where a well has two positions of one name, their grid index is
    added. Else the name is the path, with the grid index if there is one (``name_row_column``),
    and the only image of an acquisition is the store itself.

    Parameters
    ----------
    settings : AcquisitionSettings
        With dimensions.

    Raises
    ------
    PathError
        If a name cannot be that of a group, or two positions would share one.
    """
    positions = settings.positions
    if not isinstance(settings.format, OmeZarrFormat):
        return tuple(PositionPath(position.name) for position in positions)
    if settings.plate is None and len(positions) == 1:
        return (PositionPath(""),)
    version = settings.format.spelled_version
    on_plate = settings.plate is not None
    places = _of_plate(settings, version) if on_plate else _of_series(positions)
    _check_distinct(positions, places)
    return places


def _of_plate(settings: AcquisitionSettings, version: str) -> tuple[PositionPath, ...]:
    check = spelling(version).check_field
    shared = Counter((p.plate_row, p.plate_column, p.name) for p in settings.positions)
    places = []
    for position in settings.positions:
        row = check_row_column(position.plate_row or "")
        column = check_row_column(position.plate_column or "")
        name = position.name
        if shared[position.plate_row, position.plate_column, name] > 1:
            name += f"r{position.grid_row}c{position.grid_column}"
        field = check(name)
        places.append(PositionPath(f"{row}/{column}/{field}", row, column, field))
    return tuple(places)


def _of_series(positions: Sequence[Position]) -> tuple[PositionPath, ...]:
    places = []
    for position in positions:
        name = position.name
        if position.grid_row is not None:
            name += f"_{position.grid_row}_{position.grid_column}"
        if "/" in name:
            raise PathError(f"a position cannot be called {name!r}: a slash begins a new group")
        places.append(PositionPath(check_image_path(name)))
    return tuple(places)


def _check_distinct(positions: Sequence[Position], places: Sequence[PositionPath]) -> None:
    first: dict[str, Position] = {}
    for position, place in zip(positions, places, strict=True):
        other = first.setdefault(place.path, position)
        if other is not position:
            raise PathError(
                f"positions {other.name!r} and {position.name!r} would both lie in "
                f"{place.path!r}: give them other names"
            )
    names = [place.path for place in places]
    warn_case_collisions(names, names, "position")
