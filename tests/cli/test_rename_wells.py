"""``iohub rename-wells``."""

from __future__ import annotations

import os
import threading

import pytest

from iohub import open_ome_zarr


def first_pixels(plate):
    with open_ome_zarr(plate) as node:
        return {path: int(each["0"][0, 0, 0, 0, 0]) for path, each in node.positions()}


def test_swap(run, plate, tmp_path):
    before = first_pixels(plate)
    table = tmp_path / "names.csv"
    table.write_bytes(b"\xef\xbb\xbfold,new\r\nA/1,B/10\r\nB/10,A/1\r\n")
    said = run("rename-wells", plate, table).stdout
    assert said.splitlines() == ["A/1 → B/10", "B/10 → A/1", "renamed 2 wells"]
    assert first_pixels(plate) == {
        "A/1/0": before["B/10/0"],
        "A/2/0": before["A/2/0"],
        "B/10/0": before["A/1/0"],
        "B/10/1": before["A/1/1"],
    }


def test_circle_and_new_places(run, plate):
    before = first_pixels(plate)
    said = run("rename-wells", plate, "-", stdin="A/1,A/2\nA/2,B/10\nB/10,C/3\n").stdout
    assert said.endswith("renamed 3 wells\n")
    assert first_pixels(plate) == {
        "A/2/0": before["A/1/0"],
        "A/2/1": before["A/1/1"],
        "B/10/0": before["A/2/0"],
        "C/3/0": before["B/10/0"],
    }
    with open_ome_zarr(plate) as node:
        assert node.metadata.get_row_names() == ["A", "B", "C"]


def test_a_row_that_is_left_is_gone(run, plate):
    run("rename-wells", plate, "-", stdin="B/10,A/3\n")
    assert not (plate / "B").exists()
    assert sorted(first_pixels(plate)) == ["A/1/0", "A/1/1", "A/2/0", "A/3/0"]


def test_to_itself(run, plate):
    assert run("rename-wells", plate, "-", stdin="A/1,A/1\n").stdout == "renamed 0 wells\n"


def test_dry_run(run, plate):
    before = first_pixels(plate)
    said = run("rename-wells", plate, "-", "-n", stdin="A/1,C/1\n").stdout
    assert said.splitlines() == ["A/1 → C/1", "nothing was written (dry run): 1 well"]
    assert first_pixels(plate) == before


def test_all_that_is_wrong_is_told_before_the_first_move(run, plate):
    before = first_pixels(plate)
    table = "A/1,C/1\nZ/9,C/2\nA/2,B/10\nB/1,C-1/x\nA/1,C/1\n"
    result = run("rename-wells", plate, "-", stdin=table, code=1)
    assert result.stdout == ""
    for says in (
        "line 2: there is no well 'Z/9'",
        "line 3: there is a well 'B/10', which keeps its name",
        "line 4: 'C-1' cannot name",
        "line 5: well 'A/1' is renamed in line 1 already",
        "line 5: the name 'C/1' is given in line 1 already",
    ):
        assert says in result.stderr
    assert first_pixels(plate) == before


def test_not_a_plate(run, fov):
    assert (
        "is a position, not a plate"
        in run("rename-wells", fov, "-", stdin="A/1,B/1", code=1).stderr
    )


def test_a_folder_in_the_way(run, plate):
    """What the plate does not list is not overwritten, and no other well moves."""
    before = first_pixels(plate)
    (plate / "C/1/mine").mkdir(parents=True)
    run("rename-wells", plate, "-", stdin="A/1,A/2\nA/2,C/1\n", code=1)
    assert first_pixels(plate) == before
    assert (plate / "C/1/mine").is_dir()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe(run, plate, tmp_path):
    """As ``<(…)`` of a shell gives it: readable once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("A/1,C/1\n",))
    writer.start()
    assert "renamed 1 well" in run("rename-wells", plate, pipe).stdout
    writer.join()


def test_rename_many_by_the_node(plate):
    before = first_pixels(plate)
    with open_ome_zarr(plate, mode="r+") as node:
        node.rename_wells({"A/1": "A/2", "A/2": "A/1"})
        node.rename_wells({})
        with pytest.raises(KeyError):
            node.rename_wells({"A/1": "C/1", "Z/1": "Z/1"})
    assert first_pixels(plate)["A/2/1"] == before["A/1/1"]
