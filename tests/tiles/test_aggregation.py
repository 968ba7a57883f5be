"""Tiles become images: which go together, and what is refused."""

import pytest

from iohub.errors import TilingError
from iohub.tiles import (
    ChannelInfo,
    ConverterOptions,
    ImageInPlate,
    PerFovGrouping,
    RegexIncludeFilter,
    ShapeDtypeProbeValidator,
    SingleImage,
    tiled_image_from_tiles,
    tiles_aggregation_pipeline,
)
from tests.tiles.making import acquired, tile


def place(column: int, **more) -> ImageInPlate:
    return ImageInPlate(plate_name="P", row="A", column=column, **more)


def test_one_image_per_path_in_the_order_of_the_tiles() -> None:
    tiles = [tile(f"F{n}", 40 * n, collection=place(1 + n % 2)) for n in range(4)]
    images = tiled_image_from_tiles(tiles=tiles, converter_options=ConverterOptions())
    assert [image.path for image in images] == ["P.zarr/A/01/0", "P.zarr/A/02/0"]
    assert [[r.roi.name for r in image.regions] for image in images] == [["F0", "F2"], ["F1", "F3"]]


@pytest.mark.parametrize(
    "how",
    [
        {"converter_options": ConverterOptions(tiling_mode="No Tiling")},
        {"converter_options": ConverterOptions(grouping=PerFovGrouping())},
        {"split_per_fov": True},
    ],
)
def test_one_image_per_field_of_view(how: dict) -> None:
    tiles = [tile(x=10, y=20), tile(x=10, y=20, start_z=-1), tile("F1", 42, 20)]
    images = tiled_image_from_tiles(tiles=tiles, **how)
    assert [image.path for image in images] == ["img_F0.zarr", "img_F1.zarr"]
    assert [image.translation for image in images] == [[0, -1, 20, 10], [0, 0, 20, 42]]
    assert [image.collection.path() for image in images] == ["img_F0.zarr", "img_F1.zarr"]
    assert tiles[0].collection.path() == "img.zarr"


def test_no_tiles() -> None:
    with pytest.raises(TilingError, match="there are no tiles"):
        tiled_image_from_tiles(tiles=[], converter_options=ConverterOptions())


def test_two_collections_with_one_path() -> None:
    """T11: not one image by chance."""
    tiles = [
        tile("c", collection=SingleImage(image_path="a_b")),
        tile("b_c", collection=SingleImage(image_path="a")),
    ]
    with pytest.raises(TilingError, match=r"tile 'c' .* and tile 'b_c' .*'a_b_c.zarr'"):
        tiled_image_from_tiles(tiles=tiles, split_per_fov=True)


def test_one_name_for_two_places() -> None:
    """T13: the second tile would be stacked on the first."""
    with pytest.raises(
        TilingError, match=r"'img.zarr' has two tiles of field of view 'F0'.*a.npy.*b.npy"
    ):
        tiled_image_from_tiles(tiles=[tile(loader="a.npy"), tile(x=28, loader="b.npy")])


def test_attributes_of_every_tile() -> None:
    """T16."""
    tiles = [
        tile("F0", attributes={"drug": ["x"]}),
        tile("F1", 40, attributes={"drug": ["y"], "dose": [1]}),
        tile("F2", 80, attributes={"drug": ["y"]}),
        tile("F3", 120),
    ]
    (image,) = tiled_image_from_tiles(tiles=tiles)
    assert image.attributes == {"drug": ["x", "y"], "dose": [None, 1]}
    again = [tile(f"F{n}", 40 * n, attributes={"drug": ["x", "y", "x"]}) for n in range(2)]
    assert tiled_image_from_tiles(tiles=again)[0].attributes == {"drug": ["x", "y", "x"]}


def test_attributes_of_different_length() -> None:
    with pytest.raises(TilingError, match=r"attributes of tile 'F0'.*differ in length.*'b': 2"):
        tiled_image_from_tiles(tiles=[tile(attributes={"a": [1], "b": [1, 2]})])


def test_image_has_what_its_first_tile_says() -> None:
    channels = [ChannelInfo(channel_label="a")]
    details = acquired(channels=channels, pixelsize=0.5, pixelsize_y=0.6, t_spacing=3)
    (image,) = tiled_image_from_tiles(tiles=[tile(details=details)])
    assert image.channels == channels
    size = image.pixel_size
    assert (size.x, size.y, size.t) == (0.5, 0.6, 3)


def test_pipeline_filters_and_validates() -> None:
    tiles = [tile("F0", collection=place(1)), tile("F0", collection=place(2))]
    images = tiles_aggregation_pipeline(
        tiles,
        converter_options=ConverterOptions(),
        filters=[RegexIncludeFilter(regex="A/02")],
        validators=[ShapeDtypeProbeValidator()],
    )
    assert [image.path for image in images] == ["P.zarr/A/02/0"]
    with pytest.raises(TilingError, match="filters"):
        tiles_aggregation_pipeline(
            tiles, converter_options=ConverterOptions(), filters=[RegexIncludeFilter(regex="Z")]
        )
