"""A tile: its place in the world, and what it may be made from."""

import numpy as np
import pytest
from pydantic import ValidationError

from iohub.tiles import (
    ArrayImageLoader,
    ChannelInfo,
    DefaultImageLoader,
    ImageInPlate,
    SingleImage,
    Tile,
)
from tests.tiles.making import acquired, tile


def edges(made: Tile, axis: str) -> tuple[float, float]:
    return made.to_roi().edges(axis)


def test_place_in_micrometers() -> None:
    made = tile(x=10, y=3, details=acquired(pixelsize=0.5, z_spacing=2), start_z=4, start_c=1)
    roi = made.to_roi()
    assert roi.name == "F0"
    assert [each.axis_name for each in roi.slices] == ["c", "z", "y", "x"]
    assert [roi.edges(axis) for axis in "czyx"] == [(1, 2), (4, 6), (3, 19), (10, 26)]
    assert roi.model_extra == {
        f"{a}_micrometer_original": v for a, v in zip("zyx", (4, 3, 10), strict=True)
    }


def test_place_in_pixels_and_lengths_in_micrometers() -> None:
    details = acquired(
        pixelsize=0.5,
        pixelsize_y=0.25,
        start_x_coo="pixel",
        start_y_space="pixel",
        length_x_coo="world",
    )
    made = tile(x=10, y=8, size=(4, 16), details=details)
    assert edges(made, "x") == (5, 21)
    assert edges(made, "y") == (2, 3)


@pytest.mark.parametrize(
    ("stage", "x", "y"),
    [
        ({}, 10, 3),
        ({"flip_x": True}, -10, 3),
        ({"flip_y": True}, 10, -3),
        ({"swap_xy": True}, 3, 10),
        ({"swap_xy": True, "flip_x": True}, -3, 10),
    ],
)
def test_stage_orientation_moves_positions_only(stage: dict, x: float, y: float) -> None:
    """T3: swapping the axes of the stage does something; the picture lies as it was taken."""
    made = tile(x=10, y=3, size=(32, 64), details=acquired(stage_corrections=stage))
    assert edges(made, "x") == (x, x + 64)
    assert edges(made, "y") == (y, y + 32)


def test_swapped_axes_take_the_spacing_of_their_source() -> None:
    details = acquired(
        pixelsize=0.5, pixelsize_y=0.25, start_x_coo="pixel", stage_corrections={"swap_xy": True}
    )
    made = tile(x=8, y=3, details=details)
    assert edges(made, "y")[0] == 4
    assert edges(made, "x")[0] == 3


def test_two_axes() -> None:
    made = tile(details=acquired(axes=["y", "x"]))
    assert [each.axis_name for each in made.to_roi().slices] == ["y", "x"]


def test_loader_of_anything() -> None:
    assert isinstance(tile(loader="a.tif").image_loader, DefaultImageLoader)
    assert isinstance(tile(loader=np.zeros((2, 2))).image_loader, ArrayImageLoader)
    assert tile(loader={"file_path": "b.npy"}).image_loader.file_path == "b.npy"
    with pytest.raises(ValidationError, match="image_loader"):
        tile(loader=3)


def test_collection_of_a_mapping() -> None:
    place = {"plate_name": "P", "row": "A", "column": 1}
    assert isinstance(tile(collection=place).collection, ImageInPlate)
    assert isinstance(tile(collection={"image_path": "i"}).collection, SingleImage)


def test_json_round_trip_with_stated_kinds() -> None:
    made = tile(loader="a.tif", attributes={"drug": ["x", None], "dose": [1.5]})
    kind = Tile[SingleImage, DefaultImageLoader]
    back = kind.model_validate_json(made.model_dump_json())
    assert back.model_dump() == made.model_dump()
    assert Tile.model_validate_json(made.model_dump_json()).model_dump() == made.model_dump()
    with pytest.raises(ValidationError, match="collection"):
        Tile[ImageInPlate, DefaultImageLoader].model_validate_json(made.model_dump_json())


def test_data_type_as_stated_or_as_found() -> None:
    pixels = np.zeros((32, 32), np.float32)
    assert tile(loader=pixels, details=acquired(data_type=None)).find_data_type() == "float32"
    assert (
        tile(loader=pixels, details=acquired(data_type="autodetect")).find_data_type() == "float32"
    )
    assert tile(loader=pixels).find_data_type() == "uint16"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"start_c": -1}, "channels count from 0"),
        ({"start_c": 1, "length_c": 2}, r"tile 'F0' \(.*\) has channel 2, but .* has 2"),
        ({"start_z": float("nan")}, "finite"),
        ({"length_z": 0}, "greater than 0"),
        ({"colour": 1}, "Extra inputs"),
    ],
)
def test_bad_values_are_refused(values: dict, said: str) -> None:
    details = acquired(channels=[ChannelInfo(channel_label=name) for name in "ab"])
    with pytest.raises(ValidationError, match=said):
        tile(details=details, **values)
