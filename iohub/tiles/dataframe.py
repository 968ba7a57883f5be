"""Tiles from the rows of a table: one row per tile, read by the names of its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from iohub.errors import ArgumentError, Problem, TableError
from iohub.tiles.acquisition import AcquisitionDetails
from iohub.tiles.collections import CollectionInterface, ImageInPlate, SingleImage
from iohub.tiles.file_loaders import DefaultImageLoader
from iohub.tiles.tile import Tile

if TYPE_CHECKING:
    import pandas as pd

Row: TypeAlias = dict[str, Any]

_TILE_FIELDS = frozenset(
    name
    for name in Tile.model_fields
    if name not in {"collection", "image_loader", "acquisition_details", "attributes"}
)
_NEEDED = ("fov_name", "start_x", "start_y", "length_x", "length_y", "file_path")


def hcs_images_from_dataframe(
    *,
    tiles_table: pd.DataFrame,
    acquisition_details: AcquisitionDetails,
    plate_name: str | None = None,
    acquisition_id: int = 0,
) -> list[Tile[Any, Any]]:
    """Return the tiles of a plate.

    Parameters
    ----------
    tiles_table : pandas.DataFrame
        One row per tile, with the columns ``file_path``, ``row``, ``column``, ``fov_name``,
        ``start_x``, ``start_y``, ``length_x``, ``length_y``, and if need be ``start_z``,
        ``start_c``, ``start_t``, ``length_z``, ``length_c``, ``length_t``. Every other column is
        an attribute.
    acquisition_details : AcquisitionDetails
        What holds for every tile.
    plate_name : str, optional
        Name of the plate, "Plate" if not given.
    acquisition_id : int
        Number of the acquisition.

    Raises
    ------
    TableError
        If a column is missing, or a row does not make a tile: rows, columns and files are named;
        a :class:`ValueError`.
    """

    def collection(row: Row) -> CollectionInterface:
        return ImageInPlate(
            plate_name=plate_name or "Plate",
            row=row.pop("row"),
            column=row.pop("column"),
            acquisition=acquisition_id,
        )

    return _tiles(tiles_table, acquisition_details, collection, ("row", "column"))


def single_images_from_dataframe(
    *, tiles_table: pd.DataFrame, acquisition_details: AcquisitionDetails
) -> list[Tile[Any, Any]]:
    """Return the tiles of images that stand alone.

    Parameters
    ----------
    tiles_table : pandas.DataFrame
        As for :func:`hcs_images_from_dataframe`, but with ``image_path`` instead of ``row`` and
        ``column``.
    acquisition_details : AcquisitionDetails
        What holds for every tile.

    Raises
    ------
    TableError
        If a column is missing, or a row does not make a tile: rows, columns and files are named;
        a :class:`ValueError`.
    """

    def collection(row: Row) -> CollectionInterface:
        return SingleImage(image_path=row.pop("image_path"))

    return _tiles(tiles_table, acquisition_details, collection, ("image_path",))


def _tiles(
    table: Any, details: AcquisitionDetails, collection: Any, places: tuple[str, ...]
) -> list[Tile[Any, Any]]:
    columns = [str(column) for column in table.columns]
    missing = [name for name in (*_NEEDED, *places) if name not in columns]
    if missing:
        raise TableError(
            [Problem("columns", f"{name!r} is missing; there are {columns}") for name in missing],
            "the table of tiles",
        )
    tiles, problems = [], []
    for number, values in enumerate(zip(*(_plain(table[name]) for name in table), strict=True)):
        row = dict(zip(columns, values, strict=True))
        where = f"row {number} ({row['file_path']!r})"
        try:
            tiles.append(_tile(row, details, collection))
        except ValidationError as error:
            problems += [
                Problem(f"{where}, {'.'.join(map(str, each['loc'])) or 'tile'}", each["msg"])
                for each in error.errors()
            ]
        except ValueError as error:
            problems.append(Problem(where, str(error)))
    if problems:
        raise TableError(problems, "the table of tiles")
    return tiles


def _tile(row: Row, details: AcquisitionDetails, collection: Any) -> Tile[Any, Any]:
    path = row.pop("file_path")
    if not isinstance(path, str) or not path:
        raise ArgumentError(f"file_path is {path!r}, not the path of a file")
    place = collection(row)
    if isinstance(row.get("fov_name"), int):
        row["fov_name"] = str(row["fov_name"])
    fields = {
        name: row.pop(name) for name in list(row) if name in _TILE_FIELDS and row[name] is not None
    }
    attributes = {name: [value] for name, value in row.items() if name not in _TILE_FIELDS}
    return Tile[Any, Any].model_validate(
        {
            **fields,
            "collection": place,
            "image_loader": DefaultImageLoader(file_path=path),
            "acquisition_details": details,
            "attributes": attributes,
        }
    )


def _plain(column: Any) -> list[Any]:
    """Return the values of a column as Python has them; what is missing is None."""
    return [_nothing_to_none(value) for value in column.tolist()]


def _nothing_to_none(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if type(value).__name__ in {"NAType", "NaTType"} else value


def tiles_from_dataframe(
    table: pd.DataFrame, details: AcquisitionDetails, **plate: Any
) -> list[Tile[Any, Any]]:
    """Return the tiles of a table: of a plate if it has ``row`` and ``column``, else of images.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per tile.
    details : AcquisitionDetails
        What holds for every tile.
    **plate
        ``plate_name`` and ``acquisition_id``, for plates.

    Raises
    ------
    TableError
        As :func:`hcs_images_from_dataframe`.
    """
    kind: Mapping[str, Any] = {"tiles_table": table, "acquisition_details": details}
    if "image_path" in table.columns and "row" not in table.columns:
        return single_images_from_dataframe(**kind)
    return hcs_images_from_dataframe(**kind, **plate)
