"""``iohub convert``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr


def test_converts_a_plate_and_says_what_it_did(run, plate, version, pixels):
    said = run("convert", plate, "out.zarr", "-l", 2, "--chunks", "plane").stdout
    assert "out.zarr: 4 positions" in said
    with open_ome_zarr("out.zarr") as made:
        assert made.version == version
        np.testing.assert_array_equal(made["A/2/0"]["0"][:], pixels + 2)
        assert made["A/2/0"]["1"].shape == (1, 2, 2, 8, 8)
        assert made["A/2/0"]["0"].chunks == (1, 1, 1, 16, 16)
    assert (
        "complete already: 4 of 4"
        in run("convert", plate, "out.zarr", "-l", 2, "--chunks", "plane").stdout
    )


def test_a_dry_run_writes_nothing(run, plate):
    said = run("convert", plate, "out.zarr", "-n", "-l", 2).stdout
    assert "as a plate in ome-zarr: 4 positions" in said
    assert "nothing was written" in said
    assert os.listdir() == ["plate.zarr"]


def test_selects(run, plate, pixels):
    run("convert", plate, "out.zarr", "-p", "A/1/*,B", "-c", "GFP", "-z", "1:3")
    with open_ome_zarr("out.zarr") as made:
        assert [key for key, _ in made.positions()] == ["A/1/0", "A/1/1", "B/10/0"]
        assert made.channel_names == ["GFP"]
        np.testing.assert_array_equal(made["A/1/1"]["0"][:], pixels[:, 1:, 1:3] + 1)


def test_part_of_a_plate_by_its_path(run, plate, pixels):
    run("convert", plate / "A" / "1" / "0", "fov.zarr")
    with open_ome_zarr("fov.zarr") as made:
        np.testing.assert_array_equal(made["0"][:], pixels)


def test_a_table_of_wells(run, plate):
    Path("map.csv").write_text("A/1/0,C/1\nA/1/1,C/2\nA/2/0,D/1\nB/10/0,D/2/7\n")
    run("convert", plate, "out.zarr", "--wells", "map.csv")
    with open_ome_zarr("out.zarr") as made:
        assert [key for key, _ in made.positions()] == ["C/1/0", "C/2/0", "D/1/0", "D/2/7"]


def test_one_file(run, plate, pixels):
    run("convert", plate, "out.ozx")
    assert Path("out.ozx").is_file()
    with open_ome_zarr("out.ozx") as made:
        np.testing.assert_array_equal(made["A/1/0"]["0"][:], pixels)
    assert "complete already" in run("convert", plate, "out.ozx").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--chunks", "cube"], "plane"),
        (["-t", "x"], "0:10"),
        (["--levels", "0"], "0"),
        (["-c", "none"], "DAPI"),
        (["-m", "magic"], "stride"),
        (["--grid-layout"], "stage position"),
    ],
)
def test_mistakes_are_said_in_one_line(run, plate, words, says):
    code = 2 if words[0] in ("--chunks", "--levels") else 1
    assert says in run("convert", plate, "out.zarr", *words, code=code).stderr
    assert sorted(p for p in os.listdir() if p.startswith((".out", "out"))) == []


def test_something_in_the_way(run, plate, fov):
    run("convert", plate, "fov.zarr", code=1)
    run("convert", plate, "fov.zarr", "--overwrite")
    with open_ome_zarr("fov.zarr") as made:
        assert len(list(made.positions())) == 4
