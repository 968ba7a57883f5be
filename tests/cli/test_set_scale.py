"""``iohub set-scale``."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.ngff.models import TransformationMeta


def scales(store, image="0"):
    with open_ome_zarr(store) as node:
        nodes = dict(node.positions()) if hasattr(node, "positions") else {"": node}
        return {path: each.get_effective_scale(image) for path, each in nodes.items()}


def test_plate(run, plate):
    said = run("set-scale", plate, "-z", "0.5", "-y", "0.325", "-x", "0.325").stdout
    assert set(map(tuple, scales(plate).values())) == {(1, 1, 0.5, 0.325, 0.325)}
    assert said.splitlines() == [
        "z: 1 → 0.5 micrometer  (4 positions)",
        "y: 1 → 0.325 micrometer  (4 positions)",
        "x: 1 → 0.325 micrometer  (4 positions)",
    ]


def test_the_same_again_says_so(run, fov):
    run("set-scale", fov, "-z", "0.5")
    assert run("set-scale", fov, "-z", "0.5").stdout == "z: 0.5 micrometer already  (fov.zarr)\n"
    with open_ome_zarr(fov) as node:
        assert len(node.zattrs["iohub"]["previous_transforms"]) == 1


@pytest.mark.parametrize(
    "words", [["-i", "plate.zarr/*/*/*"], ["plate.zarr/A*/*/*", "plate.zarr/B"]]
)
def test_globs(run, plate, words):
    run("set-scale", *words, "-t", "3")
    assert {scale[0] for scale in scales(plate).values()} == {3}


def test_what_a_shell_makes_of_a_glob(run, plate):
    """With Zarr 3 the shell's ``*`` also finds the documents that lie beside the nodes."""
    expanded = sorted(plate.glob("A/*/*"))
    said = run("set-scale", "-i", *expanded, "-z", "2", "--verbose").stdout
    changed = {path for path, scale in scales(plate).items() if scale[2] == 2}
    assert changed == {"A/1/0", "A/1/1", "A/2/0"}
    assert [line.split()[0] for line in said.splitlines()] == [
        f"plate.zarr/{path}" for path in sorted(changed)
    ]


def test_a_position_named_twice_is_changed_once(run, plate):
    said = run("set-scale", plate, plate / "A/1", plate / "A/1/0", "-z", "2", "-v").stdout
    assert len(said.splitlines()) == 4


def test_pyramid_stays_in_proportion(run, fov):
    run("compute-pyramid", fov, "-l", "2")
    run("set-scale", fov, "-x", "0.5")
    assert scales(fov, "1")[""] == [1, 1, 2, 2, 1]
    run("set-scale", fov, "--image", "1", "-x", "7")
    assert scales(fov)[""][4] == 0.5
    assert scales(fov, "1")[""][4] == 7


def test_whole_position(run, fov):
    run("set-scale", fov, "--image", "*", "-x", "4")
    assert scales(fov, "*")[""] == [1, 1, 1, 1, 4]
    run("set-scale", fov, "--image", "*", "-x", "4")
    assert scales(fov, "*")[""] == [1, 1, 1, 1, 4]


def test_what_results_is_what_was_asked_for(run, fov):
    """A scale of the whole position besides is taken into account."""
    with open_ome_zarr(fov, mode="r+") as node:
        node.set_transform("*", [TransformationMeta(type="scale", scale=[1, 1, 1, 1, 2])])
    said = run("set-scale", fov, "-x", "0.5").stdout
    assert said == "x: 2 → 0.5 micrometer  (fov.zarr)\n"
    assert scales(fov)[""][4] == 0.5


def test_dry_run(run, plate):
    result = run("set-scale", "--dry-run", plate, "-z", "0.5")
    assert result.stdout.splitlines() == [
        "z: 1 → 0.5 micrometer  (4 positions)",
        "nothing was written (dry run)",
    ]
    assert {scale[2] for scale in scales(plate).values()} == {1}


def test_axes_of_another_name(run, tmp_path, monkeypatch):
    from iohub.ngff.models import AxisMeta, SpaceAxisMeta

    monkeypatch.chdir(tmp_path)
    axes = [AxisMeta(name="angle"), SpaceAxisMeta(name="y"), SpaceAxisMeta(name="x")]
    with open_ome_zarr("a.zarr", layout="fov", mode="w-", axes=axes) as node:
        node["first"] = np.zeros((3, 4, 5), "u1")
    said = run("set-scale", "a.zarr", "--axis", "angle", "15", "-x", "2").stdout
    assert said == "x: 1 → 2 micrometer  (a.zarr)\nangle: 1 → 15  (a.zarr)\n"
    assert scales("a.zarr", "first")[""] == [15, 1, 2]


def test_nothing_changes_if_one_position_has_no_such_axis(run, plate, tmp_path):
    from iohub.ngff.models import SpaceAxisMeta

    with open_ome_zarr(
        "flat.zarr",
        layout="fov",
        mode="w-",
        axes=[SpaceAxisMeta(name="y"), SpaceAxisMeta(name="x")],
    ) as node:
        node["0"] = np.zeros((4, 5), "u1")
    result = run("set-scale", plate, "flat.zarr", "-z", "2", code=1)
    assert "flat.zarr" in result.stderr
    assert "nothing was changed" in result.stderr
    assert {scale[2] for scale in scales(plate).values()} == {1}


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_that_are_no_scale(run, fov, value):
    run("set-scale", fov, "-z", value, code=1)
    assert scales(fov)[""] == [1] * 5


def test_an_image_that_is_not_there(run, plate):
    assert "'7'" in run("set-scale", plate, "--image", "7", "-z", "2", code=1).stderr
    assert "is an image" in run("set-scale", plate / "A/1/0/0", "-z", "2", code=1).stderr


def test_a_corrupt_position_keeps_no_other_from_it(run, plate, break_position):
    break_position(plate, "A/1/1")
    result = run("set-scale", plate, "-z", "2", code=1)
    assert "A/1/1" in result.stderr
    assert "1 failed, 3 done" in result.stderr
    with pytest.warns(UserWarning, match="A/1/1"):
        assert {scale[2] for scale in scales(plate).values()} == {2}


def test_a_position_without_images_is_named(run, plate):
    with open_ome_zarr(plate, mode="r+") as node:
        node.create_position("B", "11", "0")
    result = run("set-scale", plate, "-z", "2")
    assert "warning: plate.zarr/B/11/0 has no image yet and is left out" in result.stderr
    assert "no positions with an image" in run("set-scale", plate / "B/11", "-z", 2, code=1).stderr
