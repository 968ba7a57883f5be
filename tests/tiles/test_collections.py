"""Where images go."""

import pytest
from pydantic import ValidationError

from iohub.errors import PathError
from iohub.tiles import ImageInPlate, SingleImage


def test_paths_in_a_plate() -> None:
    place = ImageInPlate(plate_name="P", row="A", column=3, acquisition=1)
    assert place.plate_path() == "P.zarr"
    assert place.well_path() == "A/03"
    assert place.well == "A03"
    assert place.path_in_well() == "1"
    assert place.image_in_well_path() == "A/03/1"
    assert place.path() == "P.zarr/A/03/1"
    place.set_suffix("_F0")
    assert place.path() == "P.zarr/A/03/1_F0"


def test_path_of_a_single_image() -> None:
    assert SingleImage(image_path="a b").path() == "a b.zarr"
    assert SingleImage(image_path="a.zarr").path() == "a.zarr"


@pytest.mark.parametrize(
    ("row", "name"), [(1, "A"), (26, "Z"), (2.0, "B"), ("AA", "AA"), ("b", "b")]
)
def test_rows(row, name: str) -> None:
    assert ImageInPlate(plate_name="P", row=row, column=1).row == name


@pytest.mark.parametrize("row", [0, 27, -1, 1.5, None, ""])
def test_no_row(row) -> None:
    with pytest.raises(ValidationError):
        ImageInPlate(plate_name="P", row=row, column=1)


@pytest.mark.parametrize("name", [" a", "a ", "__a", "..", ".", "a/b", "", "é", "a@b", "../x"])
def test_names_that_no_group_may_have(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a group"):
        SingleImage(image_path=name)
    with pytest.raises(ValueError, match="cannot name a group"):
        ImageInPlate(plate_name=name, row="A", column=1)


def test_a_suffix_cannot_lead_out() -> None:
    place = SingleImage(image_path="a")
    place.set_suffix("_../../b")
    with pytest.raises(PathError):
        place.path()


@pytest.mark.parametrize("values", [{"column": 0}, {"column": 1, "acquisition": -1}])
def test_numbers_count_from_their_first(values: dict) -> None:
    with pytest.raises(ValidationError):
        ImageInPlate(plate_name="P", row="A", **values)
