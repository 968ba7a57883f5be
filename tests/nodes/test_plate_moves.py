"""Wells and positions of a plate: renamed and removed, on disk and in the metadata alike."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    ExistsError,
    PathError,
)


def well_names(plate: Any) -> list[str]:
    return [path for path, _ in plate.wells()]


def on_disk(plate: Any) -> set[str]:
    """Paths of the fields that lie on disk."""
    root = Path(plate.url)
    marks = [p for name in ("zarr.json", ".zgroup") for p in root.glob(f"*/*/*/{name}")]
    return {str(p.parent.relative_to(root)) for p in marks}


def contents(plate: Any) -> dict[str, int]:
    return {path: int(position["0"][0, 0, 0, 0, 0]) for path, position in plate.positions()}


def test_rename_well_moves_exactly_that_well(plate: Any) -> None:
    """The public tool moved the whole row, while the metadata still named the old place."""
    before = contents(plate)
    plate.rename_well("A/1", "B/1")
    expected = {
        "A/2/0": before["A/2/0"],
        "B/1/0": before["A/1/0"],
        "B/1/1": before["A/1/1"],
        "B/2/0": before["B/2/0"],
    }
    assert contents(plate) == expected
    assert on_disk(plate) == set(expected)
    assert contents(open_ome_zarr(plate.url)) == expected


@pytest.mark.parametrize("new", ["A/3", "C/2", "C/9", "B/1", "B/3", "AA/11"])
def test_rename_well_to_anywhere_and_back(plate: Any, new: str) -> None:
    before = contents(plate)
    plate.rename_well("B/2", new)
    assert plate[f"{new}/0/0"][0, 0, 0, 0, 0] == before["B/2/0"]
    assert "B/2" not in plate
    plate.rename_well(new, "B/2")
    assert contents(plate) == before
    assert sorted(well_names(plate)) == ["A/1", "A/2", "B/2"]
    assert [row.name for row in plate.metadata.rows] == ["A", "B"]
    assert sorted(c.name for c in plate.metadata.columns) == ["1", "2"]
    assert on_disk(plate) == set(before)
    plate.rename_well("A/1", "A/1")
    assert contents(plate) == before


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("A/1", "A/2", ExistsError),
        ("A/7", "A/8", KeyError),
        ("A/1", "A", PathError),
        ("A/1", "A/1/0", PathError),
        ("A/1", "../x", PathError),
        ("A/1", "A/..", PathError),
        ("A/1", "/A/3", PathError),
        ("A/1", "A/ 3", PathError),
    ],
)
def test_rename_well_checks_first(plate: Any, old: str, new: str, error: type[Exception]) -> None:
    before, disk = contents(plate), on_disk(plate)
    with pytest.raises(error):
        plate.rename_well(old, new)
    assert contents(plate) == before
    assert on_disk(plate) == disk


def test_rename_onto_something_that_no_metadata_name(plate: Any) -> None:
    stranger = Path(plate.url) / "C" / "5"
    stranger.mkdir(parents=True)
    (stranger / "notes.txt").write_text("mine")
    before = contents(plate)
    with pytest.raises(ExistsError):
        plate.rename_well("A/1", "C/5")
    assert contents(plate) == before
    assert (stranger / "notes.txt").read_text() == "mine"


def test_rename_a_listed_well_that_is_not_there(plate: Any) -> None:
    shutil.rmtree(Path(plate.url) / "A" / "2")
    plate.rename_well("A/2", "A/3")
    assert well_names(plate) == ["A/1", "A/3", "B/2"] or set(well_names(plate)) == {
        *("A/1", "A/3", "B/2")
    }


def test_remove_position_and_well(plate: Any) -> None:
    plate.remove_position("A/1/0")
    assert list(plate["A/1"]) == ["1"]
    plate.remove_position("A/1/1")
    assert "A/1" not in plate
    assert on_disk(plate) == {"A/2/0", "B/2/0"}
    plate.remove_well("A/2")
    assert list(plate) == ["B"]
    assert not (Path(plate.url) / "A").exists()
    assert [column.name for column in plate.metadata.columns] == ["2"]
    plate.remove_well(("B", 2))
    assert list(plate) == []
    plate.create_position("A", "1", "0")
    assert on_disk(plate) == {"A/1/0"}


@pytest.mark.parametrize("how", ["plate", "row and well"])
def test_del_keeps_the_metadata_in_step(plate: Any, how: str) -> None:
    if how == "plate":
        del plate["A/1/0"]
        del plate["A", "2"]
        with pytest.raises(KeyError):
            del plate["C"]
    else:
        del plate["A/1"]["0"]
        del plate["A"]["2"]
    assert [path for path, _ in plate.positions()] == ["A/1/1", "B/2/0"]
    assert on_disk(plate) == {"A/1/1", "B/2/0"}
    for call in (
        lambda: plate.__delitem__("A/7"),
        lambda: plate.remove_well("Q/1"),
        lambda: plate.remove_position("A/1/9"),
    ):
        with pytest.raises(KeyError):
            call()
    with pytest.raises(PathError):
        plate.remove_position("A/1")


def test_del_in_a_well_opened_on_its_own(plate: Any) -> None:
    well = open_ome_zarr(Path(plate.url) / "A" / "1", mode="r+")
    with pytest.raises(KeyError, match="Open the plate"):
        del well["0"]
    with pytest.raises(KeyError, match="Open the plate"):
        well.create_position("9")
    assert len(plate["A/1"]) == 2
