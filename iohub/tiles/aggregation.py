"""From tiles to images: tiles whose images have one path become one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from iohub.errors import TilingError
from iohub.tiles.collections import CollectionInterface
from iohub.tiles.filter_models import FilterModel
from iohub.tiles.filters import apply_filter_pipeline
from iohub.tiles.loader_interface import told_of
from iohub.tiles.many_objects import uncollected
from iohub.tiles.options import ConverterOptions
from iohub.tiles.tile import AttributeType, Tile
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.validators import ValidatorModel, ValidatorStep, apply_validator_pipeline

Images = list[TiledImage[Any, Any]]


@uncollected()
def tiled_image_from_tiles(
    *,
    tiles: Sequence[Tile[Any, Any]],
    converter_options: ConverterOptions | None = None,
    resource: Any | None = None,
    split_per_fov: bool | None = None,
) -> Images:
    """Return images made of tiles, in the order in which their paths first come.

    Each image has the data type of its first tile, unless the acquisition says one. Its attributes
    are those of its tiles: one value for each combination that differs.

    Parameters
    ----------
    tiles : sequence of Tile
        The tiles.
    converter_options : ConverterOptions, optional
        Whether each field of view becomes an image of its own.
    resource : object, optional
        What loaders are given.
    split_per_fov : bool, optional
        The same, without options: each field of view becomes an image, named after it, whose
        translation says where it lay on the stage.

    Raises
    ------
    TilingError
        If there is no tile; if tiles of one image differ in their acquisition, or belong to
        different collections; if two tiles of one field of view hold the same plane, or the
        attributes of a tile differ in length.
    """
    if not tiles:
        raise TilingError(
            "there are no tiles; if there are filters, they may have left out every one"
        )
    if split_per_fov is None:
        split_per_fov = converter_options is not None and converter_options.grouping.split_per_fov
    groups: dict[str, list[Tile[Any, Any]]] = {}
    places: dict[str, CollectionInterface] = {}
    known: dict[tuple[int, str], str] = {}
    for tile in tiles:
        suffix = f"_{tile.fov_name}" if split_per_fov else ""
        # Tiles mostly share one object, whose path is made once.
        path = known.get((id(tile.collection), suffix))
        if path is None:
            place = tile.collection.model_copy()
            place.set_suffix(suffix)
            path = known[id(tile.collection), suffix] = place.path()
            places.setdefault(path, place)
        groups.setdefault(path, []).append(tile)
    return [
        _image(path, places[path], group, split_per_fov, resource) for path, group in groups.items()
    ]


def _image(
    path: str,
    place: CollectionInterface,
    tiles: list[Tile[Any, Any]],
    per_fov: bool,
    resource: Any | None,
) -> TiledImage[Any, Any]:
    first = tiles[0]
    details = first.acquisition_details
    with told_of(f"{first.describe(resource)} of image {path!r}"):
        data_type = first.find_data_type(resource)
    image: TiledImage[Any, Any] = TiledImage[Any, Any].model_construct(
        path=path,
        regions=[],
        name=None,
        data_type=data_type,
        channels=details.channels,
        pixelsize=details.pixelsize,
        pixelsize_y=details.pixelsize_y,
        z_spacing=details.z_spacing,
        t_spacing=details.t_spacing,
        axes=details.axes,
        collection=place,
        translation=None,
        attributes=joined_attributes(tiles),
    )
    _check_one_place(path, tiles, per_fov, resource)
    image.add_tiles(tiles, add_translation=per_fov)
    return image


def _check_one_place(
    path: str, tiles: list[Tile[Any, Any]], per_fov: bool, resource: Any | None
) -> None:
    """Refuse tiles that would become one image, or one plane, by chance."""
    first = tiles[0]
    seen: dict[tuple[Any, ...], Tile[Any, Any]] = {}
    for tile in tiles:
        same = tile.collection is first.collection or tile.collection == first.collection
        if not same or (per_fov and tile.fov_name != first.fov_name):
            raise TilingError(
                f"{first.describe(resource)} and {tile.describe(resource)} would both become "
                f"{path!r}, but belong to {first.collection!r} and {tile.collection!r}; give them "
                "other names"
            )
        plane = (tile.fov_name, tile.start_t, tile.start_c, tile.start_z)
        if plane in seen:
            raise TilingError(
                f"image {path!r} has two tiles of field of view {tile.fov_name!r} for the same "
                f"plane (t={tile.start_t:g}, c={tile.start_c}, z={tile.start_z:g}): "
                f"{seen[plane].describe(resource)} and {tile.describe(resource)}; give each field "
                "of view a name of its own"
            )
        seen[plane] = tile


def joined_attributes(tiles: Iterable[Tile[Any, Any]]) -> dict[str, AttributeType]:
    """Return the attributes of an image: the combinations that its tiles have, each once.

    Parameters
    ----------
    tiles : iterable of Tile
        Its tiles; one that does not have an attribute has None.

    Returns
    -------
    dict of str to list
        Lists of one length.

    Raises
    ------
    TilingError
        If the lists of a tile differ in length.
    """
    # A tile may have a combination twice; the number of the occurrence tells them apart.
    rows: dict[tuple[tuple[tuple[str, Any], ...], int], None] = {}
    names: dict[str, None] = {}
    for tile in tiles:
        if not tile.attributes:
            continue
        lengths = {name: len(values) for name, values in tile.attributes.items()}
        if len(set(lengths.values())) > 1:
            raise TilingError(f"attributes of {tile.describe()} differ in length: {lengths}")
        names.update(dict.fromkeys(tile.attributes))
        times: Counter[tuple[tuple[str, Any], ...]] = Counter()
        for values in zip(*tile.attributes.values(), strict=True):
            row = tuple(zip(tile.attributes, values, strict=True))
            rows[row, times[row]] = None
            times[row] += 1
    table = [dict(row) for row, _ in rows]
    # Rows that only lack what another one has say nothing of their own.
    short = [row for row in table if len(row) < len(names)]
    less = [row for row in short if any(row.items() < other.items() for other in table)]
    kept = [row for row in table if row not in less]
    return {name: [row.get(name) for row in kept] for name in names}


def tiles_aggregation_pipeline(
    tiles: list[Tile[Any, Any]],
    *,
    converter_options: ConverterOptions,
    filters: Sequence[FilterModel] | None = None,
    validators: Sequence[ValidatorStep | ValidatorModel] | None = None,
    resource: Any | None = None,
) -> Images:
    """Return images made of those tiles that the filters keep, after the validators saw them.

    Parameters
    ----------
    tiles : list of Tile
        The tiles.
    converter_options : ConverterOptions
        Whether each field of view becomes an image of its own.
    filters : sequence of FilterModel, optional
        Which tiles are kept.
    validators : sequence of ValidatorStep or ValidatorModel, optional
        What the images must hold.
    resource : object, optional
        What loaders are given.

    Raises
    ------
    TilingError
        As :func:`tiled_image_from_tiles`.
    RegistryError
        If there is no filter or validator of a name; a :class:`ValueError`.
    """
    if filters is not None:
        tiles = apply_filter_pipeline(tiles, filters_config=filters)
    images = tiled_image_from_tiles(
        tiles=tiles, converter_options=converter_options, resource=resource
    )
    if validators is not None:
        images = apply_validator_pipeline(images, validators, resource)
    return images
