"""``iohub convert``."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

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
    assert "--overwrite" in run("convert", plate, "out.ozx", code=1).stderr
    assert run("info", "out.ozx/A/1/0").stdout.startswith("Position A/1/0")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--chunks", "cube"], "plane"),
        (["-t", "x"], "0:10"),
        (["-t", "0:99"], "0:99 does not fit"),
        (["--levels", "0"], "0"),
        (["-c", "none"], "DAPI"),
        (["-m", "magic"], "stride"),
        (["--grid-layout"], "stage position"),
        (["--max-memory", "1"], "bytes at least"),
        (["--tile", "16"], "no option 'tile'"),
        (["--compression", "foo"], "'gzip'"),
        (["-p", "nope"], "there are 4"),
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


def test_options_of_ome_tiff(run, plate):
    words = ("-f", "ome-tiff", "--split", "--tile", 16, "--compression", "zlib:2", "--bigtiff")
    run("convert", plate, "set", *words)
    names = sorted(os.listdir("set"))
    assert len(names) == 5
    with tifffile.TiffFile(Path("set", names[0])) as file:
        assert file.is_bigtiff
        assert file.pages[0].tile == (16, 16)
    assert run("info", "set").stdout.startswith("Plate set")
    run("convert", plate, "plain.ome.tif", "--compression", "none", "--no-rgb")
    with tifffile.TiffFile("plain.ome.tif") as file:
        assert file.pages[0].compression == 1


def test_compression_by_name(run, plate):
    run("convert", plate, "out.zarr", "--compression", "gzip:7", "--version", "0.5")
    with open_ome_zarr("out.zarr") as made:
        settings = made["A/1/0"]["0"].spec.compressor
        assert (settings["name"], settings["configuration"]["level"]) == ("gzip", 7)
    run("convert", plate, "none.zarr", "--compression", "none")
    with open_ome_zarr("none.zarr") as made:
        assert made["A/1/0"]["0"].spec.compressor is None


def test_one_image_has_no_positions_to_choose_from(run, fov):
    assert "is one image" in run("convert", fov, "out.zarr", "-p", "nope", code=1).stderr


def test_what_is_missing_in_an_archive_is_named(run, plate):
    run("convert", plate, "out.ozx", "--version", "0.5")
    with zipfile.ZipFile("out.ozx") as whole, zipfile.ZipFile("part.ozx", "w") as part:
        for name in whole.namelist():
            if name != "A/1/0/0/zarr.json":
                part.writestr(name, whole.read(name))
    said = run("convert", "part.ozx", "out.zarr", code=1).stderr
    assert "name an array '0', and there is none" in said
    assert "A/1/0" in said


def test_no_bar_is_drawn_where_there_is_no_terminal(run, plate):
    done = run("convert", plate, "out.zarr", "-l", 2)
    assert "%" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("target", ["0.4", "0.5", "0.6"])
def test_every_version(run, plate, pixels, target):
    run("convert", plate / "A" / "1" / "0", "out.zarr", "--version", target)
    with open_ome_zarr("out.zarr") as made:
        assert made.version == target
        np.testing.assert_array_equal(made["0"][:], pixels)
    assert run("validate", "out.zarr").stdout


def test_an_array_is_converted_with_its_image(run, plate):
    assert "level of" in run("convert", plate / "A" / "1" / "0" / "0", "o.zarr", code=1).stderr


def test_a_store_is_rewritten_in_place(run, plate, pixels):
    run("convert", plate, plate, code=1)
    run("convert", plate, plate, "--overwrite", "--chunks", "plane")
    with open_ome_zarr(plate) as made:
        assert made["A/1/0"]["0"].chunks[:3] == (1, 1, 1)
        for index, (_, position) in enumerate(made.positions()):
            np.testing.assert_array_equal(position["0"][:], pixels + index)
    assert os.listdir() == ["plate.zarr"]
