"""``iohub tiles``: from a table to a plate, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from iohub import open_ome_zarr
from iohub.cli import main

SCENE = np.random.default_rng(0).integers(0, 900, (40, 52), np.uint16)


def _run(*arguments):
    return CliRunner().invoke(main, ["tiles", *map(str, arguments)])


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = ["file_path,row,column,fov_name,start_x,start_y,length_x,length_y,drug"]
    for y in (0, 20):
        for x in (0, 24):
            tifffile.imwrite(f"{y}-{x}.tif", SCENE[y : y + 20, x : x + 28])
            lines.append(f"{y}-{x}.tif,B,3,F{y}-{x},{x * 0.5},{y * 0.5},28,20,taxol")
    Path("tiles.csv").write_text("\n".join(lines))
    return Path("tiles.csv")


WAY = ("--pixel-size", "0.5", "--axes", "cyx", "--tiling", "Inplace")


def test_a_table_becomes_a_plate(table):
    done = _run(table, "plate.zarr", *WAY, "-c", "DAPI")
    assert done.exit_code == 0, done.output
    assert "B/03/0" in done.output
    with open_ome_zarr("plate.zarr") as plate:
        image = plate["B/03/0"]
        assert (image["0"][0] == SCENE).all()
        assert image.scale == [1, 0.5, 0.5]
        assert image.channel_names == ["DAPI"]
        assert plate.tables["condition_table"]["drug"].tolist() == ["taxol"]
    again = _run(table, "plate.zarr", *WAY, "-c", "DAPI")
    assert again.exit_code == 1
    assert "B/03/0" in again.stderr
    assert _run(table, "plate.zarr", *WAY, "-c", "DAPI", "--extend").exit_code == 0
    assert _run(table, "plate.zarr", *WAY, "-c", "DAPI", "--overwrite").exit_code == 0


def test_label_images_of_a_column(table):
    lines = table.read_text().splitlines()
    for y in (0, 20):
        for x in (0, 24):
            tifffile.imwrite(f"ids-{y}-{x}.tif", (SCENE[y : y + 20, x : x + 28] > 500).astype("u1"))
    rows = [f"{line},ids-{line.split(',')[0]}" for line in lines[1:]]
    table.write_text("\n".join([lines[0] + ",mask", *rows]))
    wrong = _run(table, "plate.zarr", *WAY, "-c", "DAPI", "--labels", "cells")
    assert "NAME=COLUMN" in wrong.stderr
    done = _run(table, "plate.zarr", *WAY, "-c", "DAPI", "--labels", "cells=mask")
    assert done.exit_code == 0, done.output
    with open_ome_zarr("plate.zarr") as plate:
        assert ((plate["B/03/0"].labels["cells"]["0"][0] > 0) == (SCENE > 500)).all()
        assert "mask" not in plate.tables["condition_table"]


def test_a_plan_writes_nothing(table):
    done = _run(table, "plate.zarr", *WAY, "--plan")
    assert done.exit_code == 0, done.output
    assert "4 tiles, 4 fields of view" in done.output
    assert "nothing was written" in done.output
    found = json.loads(_run(table, "plate.zarr", *WAY, "--plan", "--json").output)
    assert found["shape"] == [1, 40, 52]
    assert not Path("plate.zarr").exists()


def test_options_come_from_a_file_and_a_table_without_wells_is_one_image(table):
    lines = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join([*line[:1], *line[3:-1]]) for line in lines))
    options = {
        "acquisition_details": {"pixelsize": 0.5, "axes": ["y", "x"]},
        "tiling_mode": "Inplace",
        "omezarr_options": {"num_levels": 2},
    }
    Path("opts.json").write_text(json.dumps(options))
    done = _run(table, "scan.zarr", "--options", "opts.json", "--version", "0.5")
    assert done.exit_code == 0, done.output
    with open_ome_zarr("scan.zarr") as image:
        assert list(image) == ["0", "1"]
        assert (image["0"][...] == SCENE).all()
        assert image.version == "0.5"


def test_what_is_wrong_is_said(table):
    Path("bad.json").write_text("[]")
    assert "no JSON object" in _run(table, "a.zarr", "--options", "bad.json").output
    assert _run(table, "a.zarr", "--extend", "--overwrite").exit_code == 2
    Path("0-0.tif").write_bytes(b"no")
    done = _run(table, "a.zarr", *WAY)
    assert done.exit_code == 1
    assert "0-0.tif" in done.stderr
    table.write_text("file_path,row,column\na.tif,A,1")
    done = _run(table, "b.zarr", *WAY)
    assert done.exit_code == 1
    assert "fov_name" in done.stderr
    assert not Path("b.zarr").exists()
