"""``iohub rename-channel``."""

from __future__ import annotations

import pytest

from iohub import open_ome_zarr


def names(store):
    with open_ome_zarr(store) as node:
        nodes = dict(node.positions()) if hasattr(node, "positions") else {"": node}
        return {path: each.channel_names for path, each in nodes.items()}


def test_plate(run, plate):
    assert run("rename-channel", plate, "GFP", "EGFP 2").stdout == "plate.zarr: GFP → EGFP 2\n"
    assert set(map(tuple, names(plate).values())) == {("DAPI", "EGFP 2")}


def test_an_interrupted_plate_is_completed(run, plate):
    run("rename-channel", plate / "A/1/0", "GFP", "EGFP")
    assert names(plate)["A/1/0"] != names(plate)["A/2/0"]
    run("rename-channel", plate, "GFP", "EGFP")
    assert set(map(tuple, names(plate).values())) == {("DAPI", "EGFP")}


def test_positions_by_a_glob(run, plate, fov):
    run("rename-channel", "plate.zarr/A/*/*", plate / "B", fov, "GFP", "EGFP")
    assert set(map(tuple, names(plate).values())) == {("DAPI", "EGFP")}
    assert names(fov) == {"": ["DAPI", "EGFP"]}


def test_refusals(run, plate, fov):
    result = run("rename-channel", plate, fov, "RFP", "x", code=1)
    assert result.stdout == ""
    assert result.stderr.count("RFP") == 2
    assert "'DAPI'" in run("rename-channel", fov, "GFP", "DAPI", code=1).stderr
    assert names(fov) == {"": ["DAPI", "GFP"]}


@pytest.mark.parametrize("chosen", ["plate.zarr", "plate.zarr/A", "plate.zarr/A/1"])
def test_a_corrupt_position(run, plate, break_position, chosen):
    break_position(plate, "A/1/1")
    result = run("rename-channel", chosen, "GFP", "EGFP", code=1)
    assert "A/1/1" in result.stderr
    assert "nothing was changed" in result.stderr
    assert names(plate / "A/1/0") == {"": ["DAPI", "GFP"]}
    result = run("rename-channel", "--skip-unreadable", chosen, "GFP", "EGFP", code=1)
    assert "A/1/1" in result.stderr
    assert names(plate / "A/1/0") == {"": ["DAPI", "EGFP"]}
