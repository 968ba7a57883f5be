"""Images of a scene: their names, and that they need no transformation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import MissingNodeError, PathError
from iohub.metadata.transform_types import Identity
from iohub.models import validate

EM = ("physical", "em")
LIGHT = ("physical", "raw/light")


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    with open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version="0.6") as node:
        for path in ("raw/light", "em"):
            node.create_image(path, ["E"])["0"] = np.zeros((1, 1, 1, 4, 4), "u2")
        node.add_transform(Identity(), EM, LIGHT)
        yield node


@pytest.mark.parametrize("path", ["labels", "tables", "OME", "raw/labels", "zarr.json"])
def test_names_that_hold_something_else(scene: Any, path: str) -> None:
    with pytest.raises(PathError, match="cannot name an image"):
        scene.create_image(path)
    assert list(scene) == ["em", "raw/light"]


def test_images_without_transformations(tmp_path: Path) -> None:
    """They disappeared from the scene, and a scene without any was invalid."""
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "scene", "w-", version="0.6") as node:
        for name in "abc":
            node.create_image(name, ["E"])
            assert list(node)[-1] == name
            if name != "c":
                node[name]["0"] = np.zeros((1, 1, 1, 4, 4), "u2")
        assert node.transform_graph().subgraphs.keys() == {"a", "b"}
        assert node.channel_names == ["E"]
        assert (validate(path).valid, validate(path, strict=True).valid) == (True, False)
        node["c"]["0"] = np.zeros((1, 1, 1, 4, 4), "u2")
        node.add_transform(Identity(), ("physical", "a"), ("physical", "b"))
        node.add_transform(Identity(), ("physical", "b"), ("physical", "c"))
        node.remove_transform(("physical", "b"), ("physical", "c"))
        assert list(node) == ["a", "b", "c"]
        node.remove_transform(("physical", "a"), ("physical", "b"))
        del node["b"]
        assert "2 images" in repr(node)
        assert "a, c" in node._repr_html_()
    assert list(open_ome_zarr(path)) == ["a", "c"]
    (path / "c" / "0" / "zarr.json").unlink()
    assert not validate(path).valid


def test_images_that_only_transformations_named(scene: Any) -> None:
    """Images of a scene that other programs wrote are not lost with their transformations."""
    del scene.zattrs["iohub"]
    assert list(scene) == ["em", "raw/light"]
    scene.remove_transform(EM, LIGHT)
    assert list(open_ome_zarr(scene.url)) == list(scene) == ["em", "raw/light"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("physicl", r"Did you mean \('physical', '.*'\), \('physical', '.*'\)\?"),
        ("qqq", r"There are 4: \('physical', '.*'\)"),
        (("qqq", "em"), r"There are 4: .*'em/0'"),
    ],
)
def test_ways_from_nowhere(scene: Any, asked: Any, said: str) -> None:
    """Nodes were named in a way in which nobody asks for them."""
    with pytest.raises(MissingNodeError, match=said):
        scene.get_transform(asked, LIGHT)
