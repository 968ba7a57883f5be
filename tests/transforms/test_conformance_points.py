"""The official points: where transformations of scenes take them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from iohub.errors import IohubError
from iohub.metadata.versions import scene_spelling
from iohub.transforms.graphs import scene_graph
from iohub.transforms.points import apply

CASES = sorted((Path(__file__).parents[1] / "data" / "transform-points").glob("*/zarr.json"))


def test_all_cases_are_there():
    assert len(CASES) == 24


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_points(path):
    case = tomllib.loads(path.with_name("conformance.toml").read_text())
    attrs = json.loads(path.read_text())["attributes"]
    graph = scene_graph(scene_spelling("0.6").parse_scene(attrs))
    source, target = case["source"], case["target"]
    if case["should_error"]:
        with pytest.raises(IohubError):
            graph.get_transform(from_sys=source["name"], to_sys=target["name"])
        return
    transform = graph.get_transform(from_sys=source["name"], to_sys=target["name"])
    moved = apply(transform, source["coordinates"])
    wanted = np.asarray(target["coordinates"], dtype=float)
    assert moved.shape == wanted.shape
    difference = np.abs(moved - wanted).max()
    assert difference <= case["absolute_tolerance"]
    assert difference <= case["relative_tolerance"] * np.abs(wanted).max()
