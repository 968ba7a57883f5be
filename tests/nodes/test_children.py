"""Nodes as mappings: keys, values, items, get, in, len; and del, whatever is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, MissingNodeError, TransformError
from iohub.ngff import ImageArray


@pytest.fixture
def nodes(plate: Any, tmp_path: Path) -> dict[str, Any]:
    """Return one node of each kind that has children, and a key that it has."""
    position = plate["A/1/0"]
    position.labels.create("cells", position["0"][0, 0])
    position.tables.write("sizes", _frame())
    series = open_ome_zarr(tmp_path / "s.zarr", layout="series", mode="w-", channel_names=["a"])
    series.create_position("one")
    return {
        "A": plate,
        "1": plate["A"],
        "0": plate["A/1"],
        "0 ": position,
        "cells": position.labels,
        "sizes": position.tables,
        "one": series,
    }


def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame({"area": [1, 2]})


def test_every_node_is_a_mapping(nodes: dict[str, Any]) -> None:
    for name, node in nodes.items():
        key = name.strip()
        assert key in node
        assert list(node) == list(node.keys())
        assert len(node) == len(node.keys())
        assert [k for k, _ in node.items()] == list(node.keys())
        assert len(list(node.values())) == len(node)
        assert set(dict(node)) == set(node)
        assert type(node.get(key)) is type(node[key])
        assert node.get("nothing") is None
        assert node.get("nothing", 3) == 3
        assert node.get("../x", 3) == 3
        assert "nothing" not in node
        assert None not in node
        with pytest.raises(ArgumentError):
            node.get(1.5)
        assert node  # also where it is empty
        assert key in node._ipython_key_completions_()


def test_get_of_a_path(plate: Any) -> None:
    assert plate.get("A/1/0") == plate["A/1/0"]
    assert plate.get(("A", 1, 0, 0)).shape == plate["A/1/0/0"].shape
    assert plate.get("A/1/7") is None
    assert plate.get("C/1/0", "none") == "none"


def test_get_does_not_hide_what_is_broken(plate: Any) -> None:
    for name in (".zattrs", "zarr.json"):
        path = Path(plate.url, "A/1/0", name)
        if path.exists():
            path.write_text("{")
    fresh = open_ome_zarr(plate.url)
    with pytest.raises(ValueError, match="A/1/0"):
        fresh["A/1"].get("0").metadata  # noqa: B018 - reading is what is tested


def test_del_of_a_row(plate: Any) -> None:
    del plate["A"]
    assert plate.keys() == ["B"]
    assert not Path(plate.url, "A").exists()
    assert [path for path, _ in open_ome_zarr(plate.url).positions()] == ["B/2/0"]
    with pytest.raises(MissingNodeError, match="no 'A' in plate"):
        del plate["A"]


@pytest.mark.parametrize("key", ["A/1/0/0", ("A", 1, 0, 0)])
def test_del_of_an_image_by_its_path(plate: Any, key: Any) -> None:
    del plate[key]
    assert plate["A/1/0"].keys() == []
    assert "A/1/0" in plate


def test_del_below_a_row_and_a_well(plate: Any) -> None:
    del plate["A"]["1/1"]
    assert plate["A/1"].keys() == ["0"]
    del plate["A/1"]["0/0"]
    assert plate["A/1/0"].keys() == []
    del plate["A"]["1"]
    assert plate["A"].keys() == ["2"]


def test_del_of_an_image_of_a_scene(tmp_path: Path) -> None:
    from iohub.models.v06 import Translation

    with open_ome_zarr(tmp_path / "s.zarr", layout="scene", mode="w-", version="0.6") as scene:
        for name in ("a", "b", "c"):
            image = scene.create_image(name, axes=_yx())
            image.create_zeros("0", (4, 4), "uint8")
        move = Translation(translation=(1.0, 2.0))
        scene.add_transform(move, ("physical", "a"), ("physical", "b"))
        with pytest.raises(TransformError, match="of 'a' to"):
            del scene["a"]
        del scene["c"]
        assert "c" not in scene
        assert "a" in scene
        with pytest.raises(MissingNodeError):
            del scene["c"]


def _yx() -> list[Any]:
    from iohub.ngff.models import SpaceAxisMeta

    return [SpaceAxisMeta(name="y"), SpaceAxisMeta(name="x")]


def test_another_set_of_channels_per_position(empty_plate: Any, pixels: Any) -> None:
    bright = empty_plate.create_position("A", "1", "0", channel_names=["phase"])
    assert bright.channel_names == ["phase"]
    bright.create_image("0", pixels((1, 1, 1, 4, 4)))
    both = empty_plate.create_positions([("A", "1", "1"), ("A", "2", "0")])
    assert [position.channel_names for position in both]
    stained = empty_plate.create_positions(
        [("B", "1", "0"), ("B", "1", "1")], channel_names=["a", "b", "c"]
    )
    for position in stained:
        image = position.create_image("0", pixels((1, 3, 1, 4, 4)))
        assert isinstance(image, ImageArray)
    again = open_ome_zarr(empty_plate.url)
    assert again["A/1/0"].channel_names == ["phase"]
    assert again["B/1/1"].channel_names == ["a", "b", "c"]
    for names in (["a", "a"], "abc", [""], [3]):
        with pytest.raises(ValueError, match="channel"):
            empty_plate.create_position("C", "1", "0", channel_names=names)
    assert "C" not in empty_plate
