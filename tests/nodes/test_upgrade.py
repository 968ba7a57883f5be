"""In place from one OME-Zarr version to another: documents change, chunks do not."""

from __future__ import annotations

import hashlib
import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import DocumentError, EngineError, LayoutError, PathError, VersionError
from iohub.nodes.upgrade import upgrade
from iohub.storage import journal

VERSIONS = ("0.4", "0.5", "0.6")
DATA = np.arange(2 * 3 * 20 * 20, dtype="u2").reshape(1, 2, 3, 20, 20)


def make(where: Any, version: str, **kwargs: Any) -> Any:
    with open_ome_zarr(where, "hcs", "w-", ["a", "b"], version=version) as plate:
        for place in (("A", "1", "0"), ("B", "2", "1")):
            position = plate.create_position(*place)
            position.create_image("0", DATA, chunks=(1, 1, 1, 8, 8), **kwargs)
            position.set_scale("0", "x", 0.25)
            position.compute_pyramid(2)
            position.zattrs["foreign"] = {"x": [1, None]}
        plate.create_position("C", "1", "0")
    return where


def check(where: Any, version: str) -> None:
    with open_ome_zarr(where, mode="r+") as plate:
        assert plate.version == version
        assert list(plate)
        position = plate["B/2/1"]
        assert position.version == version
        assert np.array_equal(position["0"][:], DATA)
        assert position.zattrs["foreign"] == {"x": [1, None]}
        assert position.channel_names == ["a", "b"]
        assert position.scale[-1] == 0.25
        assert list(position) == ["0", "1"]
        position["0"][0, 0, 0] = 7
        assert (position["0"][0, 0, 0] == 7).all()
        position["0"][:] = DATA
        plate["C/1/0"].create_image("0", np.zeros((1, 2, 1, 4, 4), "u1"))


def contents(path: Path) -> list[str]:
    """Digest of every chunk, wherever it is."""
    documents = {"zarr.json", ".zattrs", ".zarray", ".zgroup"}
    files = [p for p in path.rglob("*") if p.is_file() and p.name not in documents]
    return sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in files)


def inodes(path: Path) -> set[int]:
    documents = {"zarr.json", ".zattrs", ".zarray", ".zgroup"}
    return {p.stat().st_ino for p in path.rglob("*") if p.is_file() and p.name not in documents}


@pytest.mark.parametrize(("found", "to"), list(permutations(VERSIONS, 2)))
def test_every_way(tmp_path: Path, found: str, to: str) -> None:
    path = make(tmp_path / "s.zarr", found)
    before, chunks, numbers = snapshot(path), contents(path), inodes(path)
    planned = upgrade(path, to, dry_run=True)
    assert snapshot(path) == before
    assert upgrade(path, to) == planned
    assert (contents(path), inodes(path)) == (chunks, numbers)
    assert not upgrade(path, to)
    assert not [p for p in path.rglob("*") if p.is_dir() and not any(p.iterdir())]
    stale = {"0.4": ["zarr.json"]}.get(to, [".zattrs", ".zarray", ".zgroup"])
    assert not [p for p in path.rglob("*") if p.name in stale]
    check(path, to)
    # What zarr itself reads.
    assert np.array_equal(zarr.open_group(path, mode="r")["B/2/1/0"][:], DATA)


def snapshot(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("to", ["0.5", "0.6"])
def test_round_trip(tmp_path: Path, to: str) -> None:
    path = make(tmp_path / "s.zarr", "0.4")
    before = snapshot(path)
    upgrade(path, to)
    upgrade(path, "0.4")
    after = snapshot(path)
    assert after.keys() == before.keys()
    for key, raw in before.items():
        if key.rpartition("/")[2].startswith(".z"):
            assert json.loads(after[key]) == json.loads(raw), key
        else:
            assert after[key] == raw


def test_in_memory(version: str) -> None:
    for to in VERSIONS:
        where = make(f"memory://upgrade{version}{to}/s", version)
        upgrade(where, to)
        check(where, to)


def test_labels_and_noted_defaults(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a", "b"], version="0.4") as node:
        node.create_image("0", DATA)
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    attrs = dict(group.attrs)
    attrs["multiscales"] = [{**attrs["multiscales"][0], "metadata": {"kept": True}}]
    label = group.create_group("labels/cells")
    label.create_array("0", data=DATA, chunk_key_encoding={"name": "v2", "separator": "/"})
    label.attrs.update(
        multiscales=attrs["multiscales"], **{"image-label": {"version": "0.4", "colors": []}}
    )
    label.attrs["image-label"] = {"version": "0.4", "colors": [{"label-value": 1}]}
    group["labels"].attrs["labels"] = ["cells"]
    upgrade(path, "0.6")
    labels = json.loads((path / "labels" / "zarr.json").read_text())["attributes"]
    assert labels["ome"]["labels"] == ["cells"]
    cells = json.loads((path / "labels" / "cells" / "zarr.json").read_text())["attributes"]
    assert cells["ome"]["version"] == "0.6"
    assert cells["ome"]["image-label"] == {"colors": [{"label-value": 1}]}
    assert cells["ome"]["multiscales"][0]["metadata"] == {"kept": True}
    array = json.loads((path / "labels" / "cells" / "0" / "zarr.json").read_text())
    assert array["dimension_names"] == ["t", "c", "z", "y", "x"]


def test_what_would_be_lost_is_named(tmp_path: Path) -> None:
    path = make(tmp_path / "s.zarr", "0.6")
    document = path / "A" / "1" / "0" / "zarr.json"
    content = json.loads(document.read_text())
    image = content["attributes"]["ome"]["multiscales"][0]
    axes = image["coordinateSystems"][0]["axes"]
    image["coordinateSystems"].append({"name": "atlas", "axes": axes})
    image["coordinateTransformations"] = [
        {
            "type": "translation",
            "name": "to the atlas",
            "translation": [0, 0, 1, 2, 3],
            "input": {"name": image["coordinateSystems"][0]["name"]},
            "output": {"name": "atlas"},
        }
    ]
    document.write_text(json.dumps(content))
    before = snapshot(path)
    with pytest.raises(DocumentError, match="'atlas'") as error:
        upgrade(path, "0.5")
    assert "to the atlas" in str(error.value)
    assert "A/1/0" in str(error.value)
    assert snapshot(path) == before


def test_shards_are_not_of_zarr_v2(tmp_path: Path) -> None:
    path = make(tmp_path / "s.zarr", "0.5", shards_ratio=(1, 1, 1, 2, 2))
    before = snapshot(path)
    with pytest.raises(EngineError, match=r"'A/1/0/0': it has shards"):
        upgrade(path, "0.4")
    assert snapshot(path) == before
    upgrade(path, "0.6")
    check(path, "0.6")


def test_filters_are_not_of_zarr_v3(tmp_path: Path) -> None:
    path = make(tmp_path / "s.zarr", "0.4")
    document = path / "A" / "1" / "0" / "0" / ".zarray"
    content = json.loads(document.read_text())
    document.write_text(json.dumps({**content, "order": "F"}))
    with pytest.raises(EngineError, match="order F"):
        upgrade(path, "0.5")


def test_only_a_whole_store(tmp_path: Path) -> None:
    path = make(tmp_path / "s.zarr", "0.4")
    with pytest.raises(LayoutError, match="is part of"):
        upgrade(path / "A" / "1" / "0", "0.5")
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(LayoutError, match="no OME-Zarr metadata"):
        upgrade(tmp_path / "other.zarr", "0.5")
    with pytest.raises(VersionError, match="newer"):
        upgrade(path, "0.9")


@pytest.mark.parametrize(("found", "to"), [("0.4", "0.6"), ("0.6", "0.4"), ("0.5", "0.6")])
@pytest.mark.parametrize("steps", range(0, 40, 6))
def test_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str, to: str, steps: int
) -> None:
    """A failing step leaves the old version, or what the next writer completes."""
    path = make(tmp_path / "s.zarr", found)
    left = [steps]

    def failing(function: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError("the disk is gone")
            return function(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("move", "replace"):
            patch.setattr(journal.LocalBytes, name, failing(getattr(journal.LocalBytes, name)))
        try:
            upgrade(path, to)
        except OSError:
            assert left[0] < 0
    # The next writer finds one version or the other, and can go all the way.
    upgrade(path, to)
    check(path, to)


def test_dry_run_shows_documents(tmp_path: Path) -> None:
    path = make(tmp_path / "s.zarr", "0.5")
    said = upgrade(path, "0.6", dry_run=True).describe()
    assert "--- a/A/1/0/zarr.json" in said
    assert "+++ b/A/1/0/zarr.json" in said
    assert '+      "version": "0.6"' in said.replace(",", "")


def test_names_of_fields(tmp_path: Path) -> None:
    """From 0.6 on fields may have more names; before they may not."""
    for version in VERSIONS[:2]:
        with (
            open_ome_zarr(tmp_path / version, "hcs", "w-", ["a"], version=version) as plate,
            pytest.raises(PathError),
        ):
            plate.create_position("A", "1", "fov_1.b")
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "hcs", "w-", ["a"], version="0.6") as plate:
        plate.create_position("A", "1", "fov_1.b")["0"] = np.zeros((1, 1, 1, 4, 4), "u1")
        for wrong in ("..", "__a", "a b", ""):
            with pytest.raises(PathError):
                plate.create_position("A", "1", wrong)
    with open_ome_zarr(path) as plate:
        assert plate["A/1/fov_1.b/0"].shape == (1, 1, 1, 4, 4)
    with pytest.raises(DocumentError, match=r"A/1/zarr\.json#.*fov_1\.b"):
        upgrade(path, "0.5")
