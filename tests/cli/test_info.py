"""``iohub info``."""

from __future__ import annotations

import numpy as np
import tifffile

from iohub import open_ome_zarr
from iohub.display import human_bytes
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition


def test_plate(run, plate, version):
    said = run("info", plate).stdout
    assert said.startswith("Plate plate.zarr\n")
    assert f"OME-Zarr {version}" in said
    assert "GFP" in said
    assert "A/1/0" not in said
    assert "\x1b" not in said


def test_plate_verbose(run, plate):
    with open_ome_zarr(plate, mode="r+") as node:
        node.create_position("B", "11", "0")
    said = run("info", "--verbose", plate).stdout
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert "1, 2, 4, 16, 16" in lines["A/1/0"]
    assert "DAPI, GFP" in lines["B/10/0"]
    assert "no images" in lines["B/11/0"]


def test_position(run, plate):
    said = run("info", plate / "A/1/0").stdout
    assert said.startswith("Position 0\n")
    assert "uint16" in said
    more = run("info", "-v", plate / "A/1/0").stdout
    assert more.startswith(said)
    assert "ImageArray 0" in more


def test_every_kind_of_node(run, plate):
    for path, kind in (("A", "Row"), ("A/1", "Well"), ("A/1/0", "Position"), ("A/1/0/0", "Image")):
        assert run("info", plate / path).stdout.startswith(kind)


def test_a_position_without_images(run, plate):
    with open_ome_zarr(plate, mode="r+") as node:
        node.create_position("B", "11", "0")
    assert run("info", plate / "B/11/0").stdout.startswith("Position 0\n")


def test_several_paths_and_one_that_fails(run, plate, fov):
    result = run("info", plate, "nowhere.zarr", fov, code=1)
    assert "Plate plate.zarr" in result.stdout
    assert "Position fov.zarr" in result.stdout
    assert "nowhere.zarr" in result.stderr


def test_a_folder_that_is_no_zarr(run, tmp_path):
    (tmp_path / "notes").mkdir()
    result = run("info", tmp_path / "notes", code=1)
    assert str(tmp_path / "notes") in result.stderr


def test_an_array_that_is_unreadable(run, plate):
    (document,) = [*(plate / "A/2/0/0").glob("zarr.json"), *(plate / "A/2/0/0").glob(".zarray")]
    document.write_text("{", encoding="utf-8")
    result = run("info", "-v", plate, code=1)
    assert "A/2/0/0" in result.stderr
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("    A/2/0")]
    assert "DAPI, GFP" in line


def test_a_corrupt_position(run, plate, break_position):
    break_position(plate, "A/1/1")
    assert run("info", plate).stdout
    result = run("info", "-v", plate, code=1)
    assert "A/1/1" in result.stderr
    assert "B/10/0" in result.stdout
    assert "A/1/1" in run("info", plate / "A/1/1", code=1).stderr


def test_nothing_is_written(run, plate):
    def stamps():
        return {path: path.stat().st_mtime_ns for path in plate.rglob("*")}

    before = stamps()
    run("info", "-v", plate, plate / "A/1/0")
    run("tree", plate)
    run("set-scale", "-n", "-z", "2", plate)
    run("rename-wells", "-n", plate, "-", stdin="A/1,C/3\n")
    assert stamps() == before


def test_signs_that_steer_a_terminal_are_not_printed(run, fov):
    run("rename-channel", fov, "GFP", "a\x1b[31mb")
    assert "\x1b" not in run("info", fov).stdout


def test_size_and_call(run, plate):
    files = [path for path in plate.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    said = " ".join(run("info", plate).stdout.split())
    assert f"on disk {human_bytes(size)} in {len(files)} files" in said
    assert 'in Python open_ome_zarr("plate.zarr") ' in said
    # Positions know themselves what they are; rows are asked of the plate.
    for path, call in [
        ("A/1/0", '("plate.zarr/A/1/0")'),
        ("A", '("plate.zarr")["A"]'),
        ("A/1/0/0", '("plate.zarr/A/1/0")["0"]'),
    ]:
        said = run("info", f"{plate}/{path}/").stdout
        assert f"open_ome_zarr{call}" in said
        code = said.partition("in Python")[2].splitlines()[0].strip()
        assert eval(code, {"open_ome_zarr": open_ome_zarr}) is not None


def test_many_files_are_counted_if_asked_for(run, plate, monkeypatch):
    from iohub.cli import info

    monkeypatch.setattr(info, "_COUNTED", 3)
    assert "in 3 files; --verbose counts all" in run("info", plate).stdout
    assert "counts all" not in run("info", "-v", plate).stdout


def test_a_file_of_another_format(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.zeros((3, 2, 64, 48), "u2")
    about = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}, "PhysicalSizeX": 0.5}
    tifffile.imwrite("scan.ome.tif", pixels, metadata=about)
    said = run("info", "-v", "*.tif").stdout
    assert said.startswith("Position scan.ome.tif\n")
    words = " ".join(said.split())
    assert "format OME-TIFF" in words
    assert "OME-Zarr" not in words
    assert f"on disk {human_bytes((tmp_path / 'scan.ome.tif').stat().st_size)} in 1 file" in words
    assert 'open_ome_zarr("scan.ome.tif")' in said
    for known in ("DAPI", "GFP", "uint16", "0.5 µm", "3, 2, 1, 64, 48"):
        assert known in said
    assert "scan.ome.tif" in run("tree", "scan.ome.tif").stdout


def test_a_series_shows_scale_stage_and_channels(run, plate):
    with open_ome_zarr(plate, mode="r+") as node:
        for index, (_, position) in enumerate(node.positions()):
            position.acquisition = AcquisitionRecord(
                name=f"P{index}", stage=StagePosition(x=2.5 * index, y=0.0, unit="micrometer")
            )
    run("convert", plate, "series.zarr", "--layout", "series", "--version", "0.5")
    said = run("info", "series.zarr").stdout
    assert "y 0 µm, x 2.5 µm" in said
    assert "DAPI" in said
    assert "4 positions" in run("info", "-v", "series.zarr").stdout
    with open_ome_zarr("series.zarr", mode="r+") as node:
        node[next(iter(node))].rename_channel("DAPI", "other")
    assert "other, GFP" in run("info", "series.zarr").stdout
