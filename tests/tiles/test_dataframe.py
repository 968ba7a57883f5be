"""Tiles from tables."""

import numpy as np
import pytest

from iohub.errors import TableError
from iohub.tiles import hcs_images_from_dataframe, single_images_from_dataframe
from iohub.tiles.dataframe import tiles_from_dataframe
from tests.tiles.making import acquired

pd = pytest.importorskip("pandas")


def table(**more):
    columns = {
        "file_path": ["a.npy", "b.npy"],
        "fov_name": ["F0", "F1"],
        "start_x": [0, 10.5],
        "start_y": [0, 1],
        "length_x": [4, 4],
        "length_y": [4, 4],
        "row": ["A", 2],
        "column": [1, 3],
        **more,
    }
    return pd.DataFrame({name: values for name, values in columns.items() if values is not None})


def plate(frame, **more):
    return hcs_images_from_dataframe(tiles_table=frame, acquisition_details=acquired(), **more)


def test_tiles_of_a_plate() -> None:
    first, second = plate(table(start_z=[0, 2], drug=["x", None], dose=[1.5, np.nan], n=[1, 2]))
    assert first.collection.path() == "Plate.zarr/A/01/0"
    assert second.collection.path() == "Plate.zarr/B/03/0"
    assert (second.start_x, second.start_z, second.length_z) == (10.5, 2, 1)
    assert first.attributes == {"drug": ["x"], "dose": [1.5], "n": [1]}
    assert second.attributes == {"drug": [None], "dose": [None], "n": [2]}
    assert first.image_loader.file_path == "a.npy"


def test_plate_and_acquisition() -> None:
    tiles = plate(table(), plate_name="P", acquisition_id=2)
    assert tiles[0].collection.path() == "P.zarr/A/01/2"


def test_tiles_of_single_images() -> None:
    frame = table(row=None, column=None, image_path=["i", "j"])
    tiles = single_images_from_dataframe(tiles_table=frame, acquisition_details=acquired())
    assert [tile.collection.path() for tile in tiles] == ["i.zarr", "j.zarr"]
    assert tiles == tiles_from_dataframe(frame, acquired())
    assert plate(table()) == tiles_from_dataframe(table(), acquired())


def test_other_columns_are_attributes() -> None:
    frame = table(image_path=["i", "j"])
    tiles = single_images_from_dataframe(tiles_table=frame, acquisition_details=acquired())
    assert tiles[0].attributes == {"row": ["A"], "column": [1]}


@pytest.mark.parametrize(
    "column", ["file_path", "row", "column", "fov_name", "start_x", "length_y"]
)
def test_missing_columns_are_named(column: str) -> None:
    with pytest.raises(TableError, match=f"'{column}' is missing; there are"):
        plate(table(**{column: None}))


def test_every_bad_row_is_named() -> None:
    frame = table(start_x=["zero", 1], length_y=[4, -4], fov_name=["F0", "F1"])
    with pytest.raises(ValueError, match="2 problems") as caught:
        plate(frame)
    text = str(caught.value)
    assert "row 0 ('a.npy'), start_x" in text
    assert "row 1 ('b.npy'), length_y" in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"file_path": ["a.npy", None]}, "file_path is None"),
        ({"row": ["A", "/"]}, "row 1 .*cannot name a group"),
        ({"column": [1, 0]}, "row 1 .*column"),
        ({"start_y": [0, np.nan]}, "row 1 .*start_y"),
    ],
)
def test_bad_values(more: dict, said: str) -> None:
    with pytest.raises(TableError, match=said):
        plate(table(**more))


def test_numbers_as_names_of_fields() -> None:
    assert [tile.fov_name for tile in plate(table(fov_name=[1, 2]))] == ["1", "2"]


def test_no_rows() -> None:
    assert plate(table().iloc[:0]) == []
