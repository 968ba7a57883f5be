"""Where in a plate an image goes, and what the plate notes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from iohub.errors import ExistsError, PathError, TilingError
from iohub.tiles.collections import ImageInPlate
from iohub.tiles.roi_tables import CONDITIONS, condition_table

if TYPE_CHECKING:
    from iohub.metadata.versions import Spelling
    from iohub.nodes.plate import Plate
    from iohub.nodes.position import Position
    from iohub.tiles.tiled_image import TiledImage


def place_in_plate(image: TiledImage[Any, Any], spelling: Spelling) -> str:
    """Return row, column and name of an image, as a path in its plate.

    Parameters
    ----------
    image : TiledImage
        The image.
    spelling : Spelling
        Of the plate's version: where a name may only have letters and digits, others are left out.

    Raises
    ------
    TilingError
        If the image does not go into a plate.
    """
    collection = image.collection
    if not isinstance(collection, ImageInPlate):
        raise TilingError(
            f"image {image.path!r} has no row and column, so it has no place in a plate; "
            "use Position.from_tiles, or the collection type SingleImage"
        )
    # The path ends with the name; the collection's suffix is lost in JSON.
    name = image.path.rpartition("/")[2]
    try:
        spelling.check_field(name)
    except PathError:
        name = re.sub("[^A-Za-z0-9]", "", name)  # of a field of view, behind an underscore
    return f"{collection.well_path()}/{name}"


def write_conditions(
    plate: Plate, places: Sequence[str], images: Sequence[TiledImage[Any, Any]]
) -> None:
    """Note in the plate what is known of each image; what is known of others stays.

    Parameters
    ----------
    plate : Plate
        The plate, open for writing.
    places : sequence of str
        Where each image is in it.
    images : sequence of TiledImage
        The images; their attributes become rows, one for each value.
    """
    if not any(image.attributes for image in images):
        return
    rows = [
        {
            "row": image.collection.row,
            "column": image.collection.column,  # a number, as CSV gives it back
            "acquisition": image.collection.acquisition,
            "path_in_well": place.rpartition("/")[2],
            **dict(zip(image.attributes, values, strict=True)),
        }
        for place, image in zip(places, images, strict=True)
        for values in (zip(*image.attributes.values(), strict=True) if image.attributes else [()])
    ]
    keys = ("row", "column", "acquisition", "path_in_well")
    if CONDITIONS in plate.tables:
        known = {tuple(str(row[key]) for key in keys) for row in rows}
        kept = plate.tables[CONDITIONS].to_dict("records")
        rows = [
            *(row for row in kept if tuple(str(row.get(key)) for key in keys) not in known),
            *rows,
        ]
    plate.tables.write(CONDITIONS, condition_table(rows), type="condition_table", overwrite=True)


def places_of(plate: Plate, images: Iterable[TiledImage[Any, Any]]) -> list[str]:
    """Return row, column and name of each image, as a path in the plate.

    Parameters
    ----------
    plate : Plate
        The plate.
    images : iterable of TiledImage
        The images.

    Raises
    ------
    TilingError
        If two would be at one place.
    """
    places: dict[str, str] = {}
    for image in images:
        place = place_in_plate(image, plate._spelling)
        if place in places:
            raise TilingError(f"images {places[place]!r} and {image.path!r} would both be {place}")
        places[place] = image.path
    return list(places)


def positions_at(
    plate: Plate, places: Sequence[str], images: Sequence[TiledImage[Any, Any]], when: str
) -> list[Position]:
    """Return a position for each place; those that are not there are made.

    Parameters
    ----------
    plate : Plate
        The plate, open for writing.
    places : sequence of str
        Paths in it.
    images : sequence of TiledImage
        What goes there.
    when : {"no", "extend", "overwrite"}
        What happens to images that are there.

    Raises
    ------
    ExistsError
        If there are some, and they are neither to be kept nor replaced.
    """
    there = {name for name, _ in plate.positions()}
    new = [number for number, place in enumerate(places) if place not in there]
    if when == "no":
        taken = [place for place in places if place in there and plate[place].metadata is not None]
        if taken:
            raise ExistsError(
                f"{plate.url} has an image at {', '.join(taken[:5])}; pass when='extend' to keep "
                "those that are complete, or when='overwrite' to replace them"
            )
    if new:
        # Axes and channels of a plate are those of its first image; each image brings its own.
        plate.create_positions(
            [
                (*places[number].split("/"), None, None, images[number].collection.acquisition)
                for number in new
            ]
        )
    return [plate[place] for place in places]
