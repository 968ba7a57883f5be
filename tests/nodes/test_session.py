"""What nodes of one store share: parsed documents above all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.nodes.session import Parsed
from iohub.testing.counting import CountingBytes


def test_documents_are_parsed_once_per_object_and_kind() -> None:
    parsed, calls = Parsed(), []

    def parse(attrs: dict[str, Any]) -> dict[str, Any]:
        calls.append(attrs)
        return {"of": attrs}

    one, other = {"a": 1}, {"a": 1}
    first = parsed.get("k", one, parse)
    assert parsed.get("k", one, parse) is first
    assert parsed.get("k", other, parse) is not first
    assert parsed.get("another", one, parse) is not first
    assert len(calls) == 3


def test_what_cannot_be_parsed_is_tried_again() -> None:
    parsed, attrs = Parsed(), {"a": 1}
    for _ in range(2):
        with pytest.raises(KeyError):
            parsed.get("k", attrs, lambda found: found["b"])


def test_few_documents_are_kept() -> None:
    parsed = Parsed()
    for i in range(3 * Parsed.SIZE):
        attrs = {"a": i}
        assert parsed.get("k", attrs, dict) == attrs
    assert len(parsed._held) <= Parsed.SIZE


def test_positions_with_equal_documents_stay_apart(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        for position in plate.create_positions([("A", "1", "0"), ("A", "2", "0")]):
            position.create_image("0", np.zeros((1, 1, 1, 4, 4), "u1"))
        one, other = (position for _, position in plate.positions())
        assert one.metadata is other.metadata  # parsed once
        assert one.zattrs == other.zattrs
        one.set_scale("0", "x", 3.0)
        one.zattrs["note"] = {"deep": [1]}
        one.zattrs["note"]["deep"] = [2]
        assert one.scale[-1] == 3.0
        assert other.scale[-1] == 1.0
        assert "note" not in other.zattrs
        assert plate["A/2/0"].scale[-1] == 1.0
        assert plate["A/1/0"].zattrs["note"]["deep"] == [2]


def test_closing_an_empty_plate_does_not_search_it(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a", "b"], version=version
    ) as plate:
        plate.create_positions([(f"R{i}", "1", "0") for i in range(200)])
    store = CountingBytes(tmp_path / "p.zarr")
    plate = open_ome_zarr(store)
    plate.close()
    assert store.reads < 60
    assert "200 wells" in repr(plate)


def test_the_first_position_is_looked_for_once(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        positions = plate.create_positions([("A", str(i), "0") for i in range(9)])
        positions[4].create_zeros("0", (1, 1, 1, 4, 4), "u1")
    store = CountingBytes(tmp_path / "p.zarr")
    plate = open_ome_zarr(store, mode="r+")
    assert plate.channel_names == ["a"]
    store.clear()
    assert plate.channel_names == ["a"]
    assert len(plate.axes) == 5
    assert store.reads == 0
    plate["A/4/0"].rename_channel("a", "b")
    assert plate.channel_names == ["b"]
    plate.remove_position("A/4/0")
    assert plate.channel_names == ["a"]  # what the plate notes for images to come


@pytest.mark.parametrize("layout", ["fov", "hcs"])
def test_a_store_in_memory_is_not_called_by_its_address(layout: str, version: str) -> None:
    """Images and plates were called by the address of the store, such as 140063221764288."""
    store = zarr.storage.MemoryStore()
    node = open_ome_zarr(store, layout=layout, mode="w-", channel_names=["a"], version=version)
    position = node if layout == "fov" else node.create_position("A", "1", "0")
    position.create_zeros("0", (1, 1, 1, 4, 4), "u1")
    if layout == "fov":
        assert node.metadata.multiscales[0].name == "image"
        assert node.metadata.omero.name == "image"
    else:
        assert node.metadata.name is None
    assert repr(node).startswith(f"<{type(node).__name__} 'memory'")
    assert str(id(store._store_dict)) not in json.dumps(node.zattrs.asdict())
    node.print_tree()


def test_a_named_store_in_memory_gives_its_name(version: str) -> None:
    node = open_ome_zarr(
        f"memory://named{version}/x.zarr", layout="hcs", mode="w-", channel_names=["a"]
    )
    node.create_position("A", "1", "0")
    assert node.metadata.name == "x.zarr"
