"""Plate.from_positions: pixels and metadata arrive, from any store, and nothing is half-made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import (
    AxisError,
    ChannelError,
    DocumentError,
    ExistsError,
    PathError,
    ReadOnlyError,
    ShapeError,
)
from iohub.ngff import AxisMeta, Plate
from iohub.nodes.upgrade import upgrade


@pytest.fixture
def position(tmp_path: Path, version: str) -> Any:
    """Open a position with a pyramid, contrast limits and attributes of its own."""
    node = open_ome_zarr(
        tmp_path / "fov.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version=version
    )
    node["0"] = np.arange(2 * 2 * 3 * 8 * 8, dtype="u2").reshape(2, 2, 3, 8, 8)
    node.compute_pyramid(2)
    node.set_scale("0", "x", 0.5)
    node.set_contrast_limits("a", {"start": 1, "end": 2, "min": 0, "max": 9})
    node.zattrs["note"] = {"by": "me"}
    node["0"].attrs["of the array"] = 1
    return node


def with_nan(document: Path) -> None:
    """Write what Python's json writes, which is no JSON."""
    stored = json.loads(document.read_text())
    attrs = stored if document.name == ".zattrs" else stored["attributes"]
    attrs["mean"] = [float("nan"), float("-inf")]
    document.write_text(json.dumps(stored))


@pytest.mark.parametrize("to", ["0.4", "0.5"])
def test_attributes_that_are_no_json(tmp_path: Path, position: Any, version: str, to: str) -> None:
    """Other tools write NaN; a copy of it was refused."""
    for folder in ("fov.zarr", "fov.zarr/0"):
        with_nan(tmp_path / folder / (".zattrs" if version == "0.4" else "zarr.json"))
    position = open_ome_zarr(position.url, mode="r+")
    position.append_channel("c")
    with Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": position}, version=to) as plate:
        for node in (plate["A/1/0"].zattrs, plate["A/1/0/0"].attrs):
            assert np.isnan(node["mean"][0])
            assert node["mean"][1] == -np.inf
    assert np.isnan(position["0"].attrs["mean"][0])
    position["0"].attrs["note"] = 1
    upgrade(position.url, to="0.5" if version == "0.4" else "0.4")
    upgraded = open_ome_zarr(position.url, mode="r+")
    assert np.isnan(upgraded.zattrs["mean"][0])
    assert np.isnan(upgraded["0"].attrs["mean"][0])
    assert upgraded["0"].attrs["note"] == 1


def test_new_attributes_are_json(position: Any) -> None:
    with pytest.raises(DocumentError):
        position["0"].attrs["mean"] = float("nan")
    assert "mean" not in position["0"].attrs


@pytest.mark.parametrize("how", ["copy", "hardlink", "reflink"])
def test_everything_arrives(tmp_path: Path, position: Any, how: str) -> None:
    try:
        made = Plate.from_positions(
            tmp_path / "p.zarr", {"A/1/0": position, "B/12/fov1": position}, how=how
        )
    except OSError:
        assert how != "copy"
        assert not (tmp_path / "p.zarr").exists()
        assert [name for name in os.listdir(tmp_path) if "partial" in name] == []
        return
    with made as plate:
        assert type(plate) is Plate
        plate.create_position("C", "1", "0")
    with open_ome_zarr(tmp_path / "p.zarr") as plate:
        assert [path for path, _ in plate.positions()] == ["A/1/0", "B/12/fov1", "C/1/0"]
        for key in ("A/1/0", "B/12/fov1"):
            copy = plate[key]
            assert list(copy) == ["0", "1"]
            for name in copy:
                assert np.array_equal(copy[name][...], position[name][...])
                assert copy[name].chunks == position[name].chunks
            assert copy.scale == position.scale
            assert copy.metadata.omero.channels == position.metadata.omero.channels
            assert copy.zattrs["note"] == {"by": "me"}
            assert copy["0"].attrs["of the array"] == 1
        assert plate.channel_names == ["a", "b"]


def test_hard_links_are_not_written_through(tmp_path: Path, position: Any) -> None:
    before = position["0"][...]
    plate = Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": position}, how="hardlink")
    plate["A/1/0/0"][...] = 5
    plate["A/1/0"].zattrs["x"] = 1
    assert np.array_equal(position["0"][...], before)
    assert "x" not in position.zattrs


def test_from_a_plate_and_from_memory(tmp_path: Path, plate: Any, version: str) -> None:
    source = open_ome_zarr(
        zarr.storage.MemoryStore(),
        layout="fov",
        mode="w-",
        channel_names=["DAPI", "GFP"],
        version=version,
    )
    source["0"] = np.full((1, 2, 2, 5, 4), 7, "u2")
    made = Plate.from_positions(
        tmp_path / "combined.zarr", {"A/1/0": plate["B/2/0"], "A/2/0": source}
    )
    assert np.array_equal(made["A/1/0/0"][...], plate["B/2/0/0"][...])
    assert (made["A/2/0/0"][...] == 7).all()


def test_into_memory(position: Any) -> None:
    store = zarr.storage.MemoryStore()
    made = Plate.from_positions(store, {"A/1/0": position})
    assert np.array_equal(made["A/1/0/0"][...], position["0"][...])
    assert np.array_equal(open_ome_zarr(store)["A/1/0/1"][...], position["1"][...])


def test_into_another_version(tmp_path: Path, position: Any, version: str) -> None:
    for other in ("0.4", "0.5"):
        if other == version:
            continue
        made = Plate.from_positions(tmp_path / f"{other}.zarr", {"A/1/0": position}, version=other)
        assert made.version == made["A/1/0"].version == other
        copy = open_ome_zarr(tmp_path / f"{other}.zarr")["A/1/0"]
        for name in ("0", "1"):
            assert np.array_equal(copy[name][...], position[name][...])
        assert copy.scale == position.scale
        assert copy.channel_names == ["a", "b"]
        assert copy.zattrs["note"] == {"by": "me"}
        assert dict(copy.metadata.omero.channels[0].window)["end"] == 2


def test_sharded(tmp_path: Path) -> None:
    node = open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version="0.5"
    )
    data = np.random.default_rng(0).integers(0, 9, (1, 1, 8, 16, 16)).astype("u1")
    node.create_image("0", data, chunks=(1, 1, 2, 8, 8), shards_ratio=(1, 1, 2, 2, 1))
    made = Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": node})
    assert made["A/1/0/0"].shards == node["0"].shards
    assert np.array_equal(made["A/1/0/0"][...], data)


def test_a_position_without_images(tmp_path: Path, empty_plate: Any) -> None:
    empty = empty_plate.create_position("A", "1", "0")
    made = Plate.from_positions(tmp_path / "p2.zarr", {"B/1/0": empty})
    assert list(made["B/1/0"]) == []


def refused(
    tmp_path: Path, error: type[Exception], text: str | None, *args: Any, **kwargs: Any
) -> None:
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(error, match=text):
        Plate.from_positions(*args, **kwargs)
    assert sorted(os.listdir(tmp_path)) == before


def test_refusals(tmp_path: Path, position: Any, version: str) -> None:
    target = tmp_path / "p.zarr"
    for key in ("A/1", "A", "A/1/0/0", "A/../0", "/A/1/0", "A/1/", "A b/1/0", ""):
        refused(tmp_path, PathError, None, target, {key: position})
    refused(tmp_path, ShapeError, "at least one position", target, {})
    refused(tmp_path, ValueError, "'copy', 'reflink'", target, {"A/1/0": position}, how="move")
    refused(tmp_path, ValueError, "version", target, {"A/1/0": position}, version="9.9")
    other = open_ome_zarr(
        tmp_path / "other.zarr",
        layout="fov",
        mode="w-",
        channel_names=["x", "b"],
        version=version,
    )
    other["0"] = np.zeros((1, 2, 1, 2, 2), "u1")
    refused(
        tmp_path,
        ChannelError,
        r"'A/2/0' has channels \['x', 'b'\], 'A/1/0' has \['a', 'b'\]",
        target,
        {"A/1/0": position, "A/2/0": other},
    )
    flat = open_ome_zarr(
        tmp_path / "flat.zarr",
        layout="fov",
        mode="w-",
        channel_names=["a", "b"],
        axes=[AxisMeta(name="c", type="channel"), *(AxisMeta(name=n, type="space") for n in "yx")],
        version=version,
    )
    flat["0"] = np.zeros((2, 4, 4), "u1")
    refused(tmp_path, AxisError, "has axes", target, {"A/1/0": position, "A/2/0": flat})


def test_what_is_there_is_kept(tmp_path: Path, position: Any) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "x.txt").write_text("years")
    for path in (tmp_path / "thesis", tmp_path / "fov.zarr"):
        refused(tmp_path, ExistsError, None, path, {"A/1/0": position})
    refused(tmp_path, ExistsError, "not", tmp_path / "thesis", {"A/1/0": position}, overwrite=True)
    assert (tmp_path / "thesis" / "x.txt").read_text() == "years"
    first = Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": position})
    first["A/1/0/0"][...] = 9
    second = Plate.from_positions(tmp_path / "p.zarr", {"B/1/0": first["A/1/0"]}, overwrite=True)
    assert list(second) == ["B"]
    assert (second["B/1/0/0"][...] == 9).all()


def test_into_its_own_source_is_refused_or_right(tmp_path: Path, position: Any) -> None:
    """The same input and output once destroyed an image elsewhere (ngff-zarr#219)."""
    expected = position["0"][...]
    made = Plate.from_positions(tmp_path / "fov.zarr", {"A/1/0": position}, overwrite=True)
    assert np.array_equal(made["A/1/0/0"][...], expected)


def test_a_failure_leaves_nothing(
    tmp_path: Path, position: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.nodes import assembly

    def fail(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr(assembly, "copy_tree", fail)
    with pytest.raises(KeyboardInterrupt):
        Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": position})
    assert sorted(os.listdir(tmp_path)) == before


def test_a_read_only_store(position: Any) -> None:
    store = zarr.storage.MemoryStore().with_read_only(True)
    with pytest.raises((ReadOnlyError, ValueError)):
        Plate.from_positions(store, {"A/1/0": position})
