"""``iohub compute-pyramid``."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr


def levels(store):
    with open_ome_zarr(store) as node:
        nodes = dict(node.positions()) if hasattr(node, "positions") else {"": node}
        return {
            path: [image.shape[2:] for _, image in each.images()] for path, each in nodes.items()
        }


def test_plate(run, plate):
    result = run("compute-pyramid", plate, "--levels", "3")
    assert (result.stdout, result.stderr) == ("computed 4 pyramids\n", "")
    assert set(map(tuple, levels(plate).values())) == {((4, 16, 16), (2, 8, 8), (1, 4, 4))}


@pytest.mark.parametrize("method", ["mean", "median", "mode", "min", "max", "stride"])
def test_methods_are_those_of_the_node(run, fov, pixels, method):
    run("compute-pyramid", fov, "-l", "2", "-m", method)
    with open_ome_zarr(
        "memory://reference", layout="fov", mode="w", channel_names=["a", "b"]
    ) as node:
        node["0"] = pixels
        node.compute_pyramid(2, method)
        expected = node["1"][:]
    with open_ome_zarr(fov) as node:
        np.testing.assert_array_equal(node["1"][:], expected)


@pytest.mark.parametrize(
    ("downscale", "shape"),
    [("y,x", (4, 8, 8)), ("z=1,y=4,x=2", (4, 4, 8)), ("y,x=4", (4, 8, 4)), (" z ", (2, 16, 16))],
)
def test_downscale(run, fov, downscale, shape):
    run("compute-pyramid", fov, "-l", "2", "--downscale", downscale)
    assert levels(fov)[""][1] == shape


def test_the_levels_that_are_there_again(run, plate):
    run("compute-pyramid", plate, "-l", "2")
    with open_ome_zarr(plate / "A/2/0", mode="r+") as node:
        node["0"][...] = 7
    assert run("compute-pyramid", "plate.zarr/A/*/*").stdout == "computed 3 pyramids\n"
    with open_ome_zarr(plate / "A/2/0") as node:
        assert (node["1"][:] == 7).all()


def test_positions_that_fail_are_named_and_the_others_go_on(run, plate, break_position):
    break_position(plate, "A/1/1")
    run("compute-pyramid", plate / "A/2/0", "-l", "3")
    result = run("compute-pyramid", plate, "-l", "2", code=1)
    assert result.stdout == ""
    failed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert ["A/1/1" in failed[0], "A/2/0" in failed[1]] == [True, True]
    assert len(failed) == 2
    assert "Error: 2 failed, computed 2 pyramids" in result.stderr
    assert len(levels(plate / "B/10/0")[""]) == 2


def test_replace(run, fov):
    run("compute-pyramid", fov, "-l", "3")
    assert "need --replace" in run("compute-pyramid", fov, "-l", "2", code=1).stderr
    assert "need --replace" in run("compute-pyramid", fov, "-l", "3", "-d", "y", code=1).stderr
    assert "needs --levels" in run("compute-pyramid", fov, "-d", "y", "--replace", code=1).stderr
    assert len(levels(fov)[""]) == 3
    run("compute-pyramid", fov, "-l", "2", "-d", "y,x", "--replace")
    assert levels(fov)[""] == [(4, 16, 16), (4, 8, 8)]


def test_no_pyramid_yet(run, fov):
    assert "say how many levels with --levels" in run("compute-pyramid", fov, code=1).stderr


def test_an_axis_that_is_not_there(run, fov):
    assert "'q'" in run("compute-pyramid", fov, "-l", "2", "-d", "q", code=1).stderr
    assert levels(fov)[""] == [(4, 16, 16)]


def test_workers(run, fov):
    run("compute-pyramid", fov, "-l", "2", "--workers", "1")
    assert len(levels(fov)[""]) == 2
