"""Which label image belongs to which tile, as the verbs of nodes are told it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError
from iohub.tiles.loaders import as_loader

if TYPE_CHECKING:
    from iohub.tiles.compose import TileLoader
    from iohub.tiles.tile import Tile
    from iohub.tiles.tiled_image import TiledImage

Labels = Mapping[str, Any]
"""By name of the label image a column of the table, or as many sources as there are tiles."""


def without_label_columns(table: Any, labels: Labels) -> tuple[Any, dict[str, list[Any]]]:
    """Return a table of tiles without the columns that name label images, and what these hold.

    Parameters
    ----------
    table : pandas.DataFrame or sequence of Tile
        The tiles; models are returned as they are.
    labels : mapping
        What was asked for.

    Raises
    ------
    ArgumentError
        If there is no such column, or there are not as many sources as tiles.
    """
    found: dict[str, list[Any]] = {}
    columns = getattr(table, "columns", None)
    for name, wanted in labels.items():
        if isinstance(wanted, str):
            if columns is None or wanted not in columns:
                known = "no table" if columns is None else f"the columns {list(columns)}"
                raise ArgumentError(
                    f"labels[{name!r}] is {wanted!r}, the name of a column, but there is {known}"
                )
            found[name] = [None if _is_nothing(each) else each for each in table[wanted].tolist()]
        else:
            found[name] = list(wanted)
        if len(found[name]) != len(table):
            raise ArgumentError(
                f"labels[{name!r}] has {len(found[name])} sources for {len(table)} tiles; give "
                "one for each, None where a tile has no labels"
            )
    used = {wanted for wanted in labels.values() if isinstance(wanted, str)}
    return (table.drop(columns=list(used)) if used else table), found


def labels_of_images(
    images: Iterable[TiledImage[Any, Any]],
    tiles: Sequence[Tile[Any, Any]],
    labels: Mapping[str, Sequence[Any]],
) -> list[dict[str, list[TileLoader | None]]]:
    """Return the label images of each image: a loader, or None, for each of its tiles.

    Parameters
    ----------
    images : iterable of TiledImage
        Images, made of some of the tiles.
    tiles : sequence of Tile
        The tiles.
    labels : mapping of str to sequence
        By name a source, or None, for each tile.

    Raises
    ------
    ArgumentError
        If it is not clear whose labels a source gives, as tiles share one loader.
    """
    # An image keeps the loaders of its tiles: these say which tile is which.
    number: dict[int, int] = {}
    for index, tile in enumerate(tiles if labels else ()):
        other = number.setdefault(id(tile.image_loader), index)
        if any(sources[other] is not sources[index] for sources in labels.values()):
            raise ArgumentError(
                f"{tiles[other].describe()} and {tile.describe()} have one and the same loader, "
                "so their labels cannot be told apart; give each a loader of its own"
            )
    loaders = {
        name: [None if each is None else as_loader(each) for each in sources]
        for name, sources in labels.items()
    }
    made = []
    for image in images:
        own: dict[str, list[TileLoader | None]] = {}
        for name, known in loaders.items():
            missing = [each for each in image.regions if id(each.image_loader) not in number]
            if missing:
                raise ArgumentError(
                    f"{missing[0].describe()} of image {image.path!r} is none of the tiles that "
                    "were given (a validator changed it?), so its labels are not known"
                )
            found = [known[number[id(region.image_loader)]] for region in image.regions]
            if any(each is not None for each in found):
                own[name] = found
        made.append(own)
    return made


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and isnan(value))
