"""``iohub info``."""

from __future__ import annotations

from iohub import open_ome_zarr


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
