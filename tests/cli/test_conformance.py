"""``iohub conformance``: the contracts of the public suites, case by case and through a runner."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
CASES = DATA / "conformance"
POINTS = sorted((DATA / "transform-points").glob("*/zarr.json"))


def answer(run, *words, code=0):
    return json.loads(run("conformance", *words, code=code).stdout)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("0.4/valid/spec/image/custom_type_axes.json", True),
        ("0.4/invalid/spec/image/invalid_channels_window.json", False),
        ("0.5/valid/spec/plate/minimal_acquisitions.json", True),
        ("0.5/invalid/spec/plate/well_path_has_column_before_row.json", False),
        ("0.5/invalid/spec/well/duplicate_images.json", False),
        ("0.6/valid/spec/transforms/affine.json", True),
        ("0.6/invalid/spec/scene/scene_input_output_not_object.json", False),
    ],
)
def test_attributes(run, name, valid):
    said = answer(run, "attributes", CASES / name)
    assert said["valid"] is valid
    assert ("message" in said) is not valid


def test_the_format_can_be_said(run, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"plate": {}}')
    assert "/plate/rows" in answer(run, "attributes", path)["message"]
    assert answer(run, "attributes", path, "--zarr-format", "3")["valid"] is False


def test_strict(run):
    path = CASES / "0.4/invalid/strict/plate/missing_name.json"
    assert answer(run, "attributes", path)["valid"]
    assert not answer(run, "attributes", "--strict", path)["valid"]


@pytest.mark.parametrize("content", ["", "[]", '{"attributes": 3}', "{}"])
def test_files_that_are_no_attributes(run, tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    assert answer(run, "attributes", path)["valid"] is False
    assert answer(run, "attributes", tmp_path / "nothing")["valid"] is False


def groups(verdict):
    root = CASES / "0.6-groups" / verdict
    return sorted(root.glob("spec/*/*.json"))


@pytest.mark.parametrize("verdict", ["valid", "invalid"])
def test_zarr(run, tmp_path, verdict):
    assert groups(verdict)
    for case in groups(verdict):
        shutil.copy(case, tmp_path / "zarr.json")
        assert answer(run, "zarr", tmp_path)["valid"] is (verdict == "valid"), case
    assert answer(run, "zarr", tmp_path / "nothing")["valid"] is False


@pytest.mark.parametrize("path", POINTS, ids=lambda path: path.parent.name)
def test_transform(run, path):
    case = tomllib.loads(path.with_name("conformance.toml").read_text())
    source, target = case["source"], case["target"]
    coordinates = json.dumps(source.get("coordinates", [[1, 2]]))
    words = [path.parent, source["name"], target["name"], coordinates]
    if case["should_error"]:
        result = run("conformance", "transform", *words, code=1)
        assert result.stdout == ""
        return
    found = answer(run, "transform", *words)["coordinates"]
    for got, wanted in zip(found, target["coordinates"], strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("points", ["[1, 2]", '[["a", 2]]', "[[1, 2, 3]]", "[[1], [1, 2]]", "{}"])
def test_points_that_are_none(run, points):
    words = [DATA / "transform-points" / "scale", "input", "output", points]
    assert run("conformance", "transform", *words, code=1).stdout == ""


def test_transform_of_an_image(run, fov):
    """Of 0.4 and 0.5 too: pixel indexes to coordinates."""
    said = answer(run, "transform", fov, "0", "physical", "[[0, 0, 1, 2, 3]]")
    assert said == {"coordinates": [[0, 0, 1, 2, 3]]}


def test_the_public_runner():
    """The public suite of points runs unchanged."""
    why = "ome-zarr-transformations-conformance is for Python 3.12 and later"
    pytest.importorskip("transformation_conformance", reason=why)
    runner = Path(sys.executable).with_name("oztc")
    command = [sys.executable, "-m", "iohub.cli", "conformance", "transform"]
    done = subprocess.run(
        [runner, "--", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    assert len(lines) >= 24, done.stdout + done.stderr
    assert {line[1] for line in lines} == {"pass"}
    assert done.returncode == 0
