"""Which well a position goes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from iohub import open_ome_zarr
from iohub.convert.wells import Labelled, place, read_map
from iohub.errors import ArgumentError, DocumentError, NotFoundError, PathError
from tests.convert.sources import image_source, stack


def check(name: str) -> str:
    if not name.isalnum():
        raise PathError(name)
    return name


def at(*labels: str) -> list[Labelled]:
    return [Labelled(str(i), label) for i, label in enumerate(labels)]


def test_labels_name_wells_and_fields_are_counted():
    made = place(at("A1-Site_0", "A1-Site_1", "B12-Site_0"), "labels", check)
    assert made == ["A/1/0", "A/1/1", "B/12/0"]
    with pytest.raises(ArgumentError, match="'left'"):
        place(at("A1", "left"), "labels", check)


def test_a_grid_is_about_as_wide_as_high():
    made = place(at(*"abcde"), "grid", check)
    assert made == ["A/1/0", "A/2/0", "A/3/0", "B/1/0", "B/2/0"]


def test_the_stage_says_rows_and_columns():
    found = [
        Labelled(str(i), str(i), stage, (100.0, 100.0))
        for i, stage in enumerate([(0, 0), (3.0, 90), (95, 1.0), (94, 91), (94, 93)])
    ]
    assert place(found, "stage", check) == ["A/1/0", "A/2/0", "B/1/0", "B/2/0", "B/2/1"]
    with pytest.raises(ArgumentError, match="stage position"):
        place(at("a"), "stage", check)


def test_a_line_of_positions_is_one_row():
    found = [Labelled(str(i), "", (7.0, 10.0 * i), (8.0, 8.0)) for i in (2, 0, 1)]
    assert place(found, "stage", check) == ["A/3/0", "A/1/0", "A/2/0"]


@pytest.mark.parametrize("text", ["position,well\na,A/1\nb,B/2/7\n", "﻿a;A/1\nb;B/2;7\n"])
def test_a_table_maps_labels_or_keys(tmp_path: Path, text: str):
    path = tmp_path / "map.csv"
    path.write_text(text, "utf-8")
    assert place(at("a", "b"), path, check) == ["A/1/0", "B/2/7"]
    assert place(at("a", "b"), {"0": "C/1", "b": "C/1"}, check) == ["C/1/0", "C/1/1"]


@pytest.mark.parametrize(
    ("wells", "error", "says"),
    [
        ({"a": "A/1"}, ArgumentError, "no well is given for 'b'"),
        ({"a": "A/1", "b": "A/2", "x": "A/3"}, ArgumentError, "'x'"),
        ({"a": "A/1/0", "b": "A/1/0"}, PathError, "'A/1/0'"),
        ({"a": "A", "b": "A/1"}, PathError, "'A'"),
        ({"a": "../1", "b": "A/1"}, PathError, r"\.\."),
        ("nowhere.csv", NotFoundError, "labels, grid, stage"),
    ],
)
def test_what_is_wrong_with_a_map_is_said(wells, error, says):
    with pytest.raises(error, match=says):
        place(at("a", "b"), wells, check)


def test_all_broken_lines_of_a_table_are_named(tmp_path: Path):
    path = tmp_path / "map.csv"
    path.write_text("a,A/1\na,A/2\nb\n")
    with pytest.raises(DocumentError) as caught:
        read_map(str(path))
    assert [problem.where for problem in caught.value.problems] == ["line 2", "line 3"]


def test_a_series_becomes_a_plate_where_the_stage_was(show, tmp_path):
    images = [
        image_source(f"Pos{i}", stack(i, (1, 2, 1, 8, 8)), where)
        for i, where in enumerate([(0, 0), (0, 4), (4, 0)])
    ]
    node = show(*images)
    node.export(tmp_path / "out.zarr", grid_layout=True)
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        assert [key for key, _ in made.positions()] == ["A/1/0", "A/2/0", "B/1/0"]
        assert made["B/1/0"].acquisition.name == "Pos2"
        assert (made["B/1/0"]["0"][:] == images[2].levels[0].pixels).all()
    # Part of them go to the same places.
    node.export(tmp_path / "part.zarr", grid_layout=True, positions="Pos2")
    with open_ome_zarr(tmp_path / "part.zarr") as made:
        assert [key for key, _ in made.positions()] == ["B/1/0"]


def test_a_series_stays_a_series(show, tmp_path):
    images = [image_source(name, stack(i, (1, 2, 1, 8, 8)), (0, 0)) for i, name in enumerate("xy")]
    show(*images).export(tmp_path / "out.zarr")
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        assert [key for key, _ in made.positions()] == ["x", "y"]
        assert (made["y"]["0"][:] == images[1].levels[0].pixels).all()
    show(*images).export(tmp_path / "plate.zarr", layout="hcs")
    with open_ome_zarr(tmp_path / "plate.zarr") as made:
        assert [key for key, _ in made.positions()] == ["A/1/0", "A/2/0"]
