"""Wells and positions of a plate: created once, all checked first, with their names and indices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    ExistsError,
    NameWarning,
    PathError,
    ShapeError,
)
from iohub.ngff import Position, Well


def on_disk(plate: Any) -> set[str]:
    """Paths of the fields that lie on disk."""
    root = Path(plate.url)
    marks = [p for name in ("zarr.json", ".zgroup") for p in root.glob(f"*/*/*/{name}")]
    return {str(p.parent.relative_to(root)) for p in marks}


def attributes_file(folder: Path, version: str) -> Path:
    return folder / (".zattrs" if version == "0.4" else "zarr.json")


def test_create_well_and_position(empty_plate: Any) -> None:
    plate = empty_plate
    well = plate.create_well("A", "1")
    assert isinstance(well, Well)
    assert list(well) == []
    assert list(well.positions()) == []
    position = plate.create_position("A", "1", "fov0")
    assert isinstance(position, Position)
    assert list(position) == []
    assert position.channel_names == ["DAPI", "GFP"]
    assert plate["A/1"].create_position("fov1", acquisition=2).name == "fov1"
    assert [image.acquisition for image in plate["A/1"].metadata.images] == [0, 2]
    assert [a.id for a in plate.acquisitions] == [0, 2]
    plate.add_acquisition(5, "bleach", description="d", maximum_field_count=3)
    assert plate.acquisitions[-1].name == "bleach"
    with pytest.raises(ExistsError):
        plate.add_acquisition(5)


def test_indices(empty_plate: Any) -> None:
    plate = empty_plate
    plate.create_positions([("B", "3", "0", 1, 2), ("B", "3", "1", 1, 2), ("A", "1", "0", 0, 0)])
    assert [row.name for row in plate.metadata.rows] == ["A", "B"]
    assert [column.name for column in plate.metadata.columns] == ["1", "2", "3"]
    indexes = {w.path: (w.row_index, w.column_index) for w in plate.metadata.wells}
    assert indexes == {"B/3": (1, 2), "A/1": (0, 0)}
    plate.create_well("C", "2", row_index=2, col_index=1)
    with pytest.raises(ShapeError, match="index 0 is the place of row 'A'"):
        plate.create_well("D", "2", row_index=0)
    with pytest.raises(PathError, match="two different indices"):
        plate.create_positions([("E", "1", "0", 3, 0), ("E", "1", "1", 4, 0)])


def test_two_hundred_wells_keep_their_order(empty_plate: Any) -> None:
    places = [(row, str(column), "0") for row in "HGFE" for column in range(12, 0, -1)]
    made = empty_plate.create_positions(places)
    assert [position.path for position in made] == ["/".join(place) for place in places]
    assert {path for path, _ in empty_plate.positions()} == on_disk(empty_plate)


BAD_NAMES = ["", "..", ".", "A/1", "A B", "a-b", "Ä", "A\\1", "/A", "A.1", " A", "A\n"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_are_checked(empty_plate: Any, name: str, version: str) -> None:
    before = sorted(Path(empty_plate.url).rglob("*"))
    fields = [] if version == "0.6" and name in ("a-b", "A.1") else [("A", "1", name)]
    for place in ((name, "1", "0"), ("A", name, "0"), *fields):
        with pytest.raises(PathError):
            empty_plate.create_position(*place)
        with pytest.raises(PathError):
            empty_plate.create_positions([("A", "1", "0"), place])
    for place in ((name, "1"), ("A", name)):
        with pytest.raises(PathError):
            empty_plate.create_well(*place)
    assert sorted(Path(empty_plate.url).rglob("*")) == before
    assert list(empty_plate) == []


def test_names_that_differ_by_case_only(empty_plate: Any) -> None:
    empty_plate.create_position("A", "1", "x")
    with pytest.warns(NameWarning, match="'A' and 'a' differ by case only"):
        empty_plate.create_position("a", "1", "x")
    with pytest.warns(NameWarning, match="field"):
        empty_plate.create_position("A", "1", "X")


@pytest.mark.parametrize(
    "places",
    [
        [("A", "1")],
        [("A", "1", "0", 0, 0, 0, 0)],
        ["A10"],
        [("A", "1", "0"), ("A", "1", "0")],
        [("A", "1", "0", -1, 0)],
        [("A", "1", "0", "0", 0)],
        [("A", "1", "0", 0, 0, -1)],
        [("A", "1", "0", 0, 0, "x")],
    ],
)
def test_create_positions_checks_first(empty_plate: Any, places: Any) -> None:
    before = sorted(Path(empty_plate.url).rglob("*"))
    with pytest.raises((PathError, ShapeError, ExistsError, ValueError)):
        empty_plate.create_positions([("Z", "9", "0"), *places])
    assert sorted(Path(empty_plate.url).rglob("*")) == before


def test_nothing_is_created_twice(plate: Any, pixels: Callable[..., np.ndarray]) -> None:
    with pytest.raises(ExistsError, match=r"there is a position 'A/1/0' in .*remove_position"):
        plate.create_position("A", "1", "0")
    with pytest.raises(ExistsError):
        plate.create_positions([("C", "1", "0"), ("B", "2", "0")])
    with pytest.raises(ExistsError):
        plate.create_well("A", "1")
    assert "C" not in plate
    assert np.array_equal(plate["A/1/0/0"][...], pixels((1, 2, 2, 5, 4)))
    with open_ome_zarr(plate.url, mode="r+", overwriting_creation=True) as again:
        assert list(again.create_position("A", "1", "0")) == []
    assert list(plate["A/1/0"]) == []
    assert np.array_equal(plate["A/1/1/0"][...], pixels((1, 2, 2, 5, 4)) + 1)


def test_two_handles_both_add(empty_plate: Any) -> None:
    """With the public tool the last writer dropped the other's wells (iohub#141)."""
    other = open_ome_zarr(empty_plate.url, mode="r+")
    for i in range(5):
        empty_plate.create_position("A", str(i), "0")
        other.create_position("B", str(i), "0")
        other.create_position("A", str(i), "1")
    assert {p for p, _ in empty_plate.positions()} == {p for p, _ in other.positions()}
    assert len(list(other.positions())) == 15


def test_field_count(plate: Any, version: str) -> None:
    plate.dump_meta()
    assert plate.metadata.field_count is None
    plate.dump_meta(field_count=True)
    assert plate.metadata.field_count == 2
    stored = json.loads(attributes_file(Path(plate.url), version).read_text())
    holder = stored if version == "0.4" else stored["attributes"]["ome"]
    assert holder["plate"]["field_count"] == 2
