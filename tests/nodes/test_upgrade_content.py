"""What lies in a store beside OME metadata, and chunks of one Zarr format, in an upgrade."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import EngineError
from iohub.nodes.upgrade import upgrade
from iohub.storage import journal

VERSIONS = ("0.4", "0.5", "0.6")
DATA = np.arange(2 * 3 * 20 * 20, dtype="u2").reshape(1, 2, 3, 20, 20)
FRAME = pd.DataFrame(
    {"area": [1.5, 2.5], "kind": ["a", "ß"], "good": [True, False]},
    index=pd.Index(["1", "2"], name="label"),
)


def documents(path: Path) -> dict[str, dict[str, Any]]:
    names = {"zarr.json", ".zattrs", ".zarray", ".zgroup"}
    files = [p for p in path.rglob("*") if p.name in names]
    return {str(p.relative_to(path)): json.loads(p.read_text()) for p in files}


def attributes(path: Path) -> dict[str, Any]:
    """Attributes of all groups and arrays, whatever their format."""
    found = {}
    for key, document in documents(path).items():
        where, _, name = key.rpartition("/")
        if name == "zarr.json" and document["attributes"]:
            found[where] = document["attributes"]
        elif name == ".zattrs":
            found[where] = document
    return found


@pytest.mark.parametrize(("found", "to"), list(permutations(VERSIONS, 2)))
def test_tables_stay_as_they_are(tmp_path: Path, found: str, to: str) -> None:
    path = tmp_path / "s.zarr"
    backends = ("csv", "json", "anndata")
    # Words of OME-Zarr mean nothing in a table.
    words = {"plate": {"a": 1}, "series": [1], "labels": "b", "well": 3, "multiscales": []}
    with open_ome_zarr(path, "hcs", "w-", ["a", "b"], version=found) as plate:
        position = plate.create_position("A", "1", "0")
        position["0"] = DATA
        for owner in (plate, position):
            for backend in backends:
                owner.tables.write(backend, FRAME, backend=backend, **words)
    before = {part: attributes(path / part / "tables") for part in ("", "A/1/0")}
    raw = {part: documents(path / part / "tables") for part in ("", "A/1/0")}
    upgrade(path, to)
    assert {part: attributes(path / part / "tables") for part in before} == before
    if found != "0.4" and to != "0.4":
        assert {part: documents(path / part / "tables") for part in raw} == raw
    with open_ome_zarr(path, mode="r+") as plate:
        for owner in (plate, plate["A/1/0"]):
            assert list(owner.tables) == list(backends)
            for backend in backends:
                table = owner.tables[backend]
                table.index = table.index.astype(str)
                pd.testing.assert_frame_equal(
                    table[list(FRAME)], FRAME, check_dtype=False, check_index_type=False
                )
            owner.tables.write("more", FRAME, backend="anndata")
    upgrade(path, found)
    assert attributes(path / "tables")["anndata"] == before[""]["anndata"]


@pytest.mark.filterwarnings("ignore:The data type")
@pytest.mark.parametrize("compressors", [None, "zstd", "blosc"])
def test_text_of_others(tmp_path: Path, compressors: str | None) -> None:
    """Compressed, of any number of axes, with dots in the keys; there and back."""
    from zarr.codecs import BloscCodec, ZstdCodec

    path = tmp_path / "s.zarr"
    open_ome_zarr(path, "fov", "w-", ["a", "b"], version="0.5").create_image("0", DATA)
    root = zarr.open_group(path, mode="r+")
    table = root.create_group("tables/t", attributes={"type": "x"})
    codecs = {"zstd": ZstdCodec(level=3), "blosc": BloscCodec(typesize=8)}
    used = [codecs[compressors]] if compressors else None
    texts = np.array([["a", "bß", ""], ["日本", "e", "f"]], dtype=object)
    values: dict[str, np.ndarray[Any, Any]] = {
        "line": texts[0], "plane": texts, "one": texts[1, 0], "number": np.array(7.5)
    }  # fmt: skip
    for name, value in values.items():
        array = table.create_array(
            name,
            shape=value.shape if hasattr(value, "shape") else (),
            dtype=str if name != "number" else "f8",
            chunks=(2,) * np.ndim(value) if np.ndim(value) else (),
            compressors=used,
            chunk_key_encoding={"name": "default", "separator": "." if name == "plane" else "/"},
        )
        array[...] = value
    for to in ("0.4", "0.6", "0.4", "0.5"):
        upgrade(path, to)
        root = zarr.open_group(path, mode="r")["tables/t"]
        for name, value in values.items():
            assert np.asarray(root[name][...]).tolist() == np.asarray(value).tolist()
        assert dict(root.attrs) == {"type": "x"}


def test_what_no_other_format_holds_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    open_ome_zarr(path, "fov", "w-", ["a", "b"], version="0.4").create_image("0", DATA)
    group = zarr.open_group(path, mode="r+")
    group.create_array("tables/t/when", shape=(2,), dtype="M8[s]", chunks=(2,))
    before = documents(path)
    for rewrite in (False, True):
        with pytest.raises(TypeError, match=r"tables/t/when.*datetime64"):
            upgrade(path, "0.5", rewrite=rewrite)
        assert documents(path) == before


@pytest.mark.filterwarnings("ignore:The data type")
def test_shards_of_text_are_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    open_ome_zarr(path, "fov", "w-", ["a", "b"], version="0.6").create_image("0", DATA)
    table = zarr.open_group(path, mode="r+").create_group("tables/t")
    texts = [["a", "bß", ""], ["日本", "e", "f"]]
    array = table.create_array("x", shape=(2, 3), dtype=str, chunks=(1, 1), shards=(2, 2))
    array.attrs["encoding-type"] = "string-array"
    array[...] = np.array(texts, dtype=object)
    table.create_array("none", shape=(0,), dtype=str, chunks=(1,), shards=(2,))
    with pytest.raises(EngineError, match=r"'tables/t/none': its text.*; array 'tables/t/x'"):
        upgrade(path, "0.4")
    upgrade(path, "0.4", rewrite=True)
    table = zarr.open_group(path, mode="r")["tables/t"]
    assert np.asarray(table["x"][...]).tolist() == texts
    assert dict(table["x"].attrs) == {"encoding-type": "string-array"}
    assert table["none"].shape == (0,)


def sharded(path: Path) -> Path:
    with open_ome_zarr(path, "hcs", "w-", ["a", "b"], version="0.5") as plate:
        position = plate.create_position("A", "1", "0")
        position.create_image("0", DATA, chunks=(1, 1, 1, 8, 8), shards_ratio=(1, 1, 1, 2, 2))
        position.labels.create("cells", (DATA[0, 0] % 7).astype("u1"))
        plate.create_position("B", "2", "0").create_image("0", DATA)
    return path


def check(path: Path) -> None:
    with open_ome_zarr(path) as plate:
        assert plate.version == "0.4"
        image = plate["A/1/0/0"]
        assert (image.chunks, image.shards) == ((1, 1, 1, 8, 8), None)
        assert np.array_equal(image[:], DATA)
        assert np.array_equal(plate["A/1/0"].labels["cells/0"][:], DATA[0, 0] % 7)
        assert np.array_equal(plate["B/2/0/0"][:], DATA)
    assert not list(path.rglob("zarr.json"))
    assert not list(path.rglob(".__iohub*"))
    assert np.array_equal(zarr.open_group(path, mode="r")["A/1/0/0"][:], DATA)


def test_shards_are_rewritten(tmp_path: Path) -> None:
    path = sharded(tmp_path / "s.zarr")
    before = documents(path)
    with pytest.raises(EngineError, match=r"'A/1/0/0': it has shards.*--rewrite"):
        upgrade(path, "0.4")
    planned = upgrade(path, "0.4", dry_run=True, rewrite=True)
    assert [rewrite.path for rewrite in planned.rewrites] == ["A/1/0/0", "A/1/0/labels/cells/0"]
    assert "encode A/1/0/0 anew" in planned.describe()
    assert "sharding_indexed" in planned.describe()
    assert documents(path) == before
    inode = (path / "B/2/0/0/c/0/0/0/0/0").stat().st_ino
    assert upgrade(path, "0.4", rewrite=True) == planned
    check(path)
    assert (path / "B/2/0/0/0/0/0/0/0").stat().st_ino == inode


@pytest.mark.parametrize("where", ["local", "memory"])
def test_chunks_of_old_codecs_are_rewritten(tmp_path: Path, where: str) -> None:
    """Column order, filters and compressors that only Zarr v2 has."""
    from numcodecs import LZ4, Delta

    place: Any = tmp_path / "s.zarr" if where == "local" else "memory://rewritten/s"
    with open_ome_zarr(place, "fov", "w-", ["a", "b"], version="0.4") as position:
        position["0"] = DATA
        root = position.zgroup
        del root["0"]
        root.create_array(
            "0", data=DATA, chunks=(1, 1, 1, 8, 8), order="F", overwrite=True,
            filters=[Delta("<u2")], compressors=[LZ4()],
        )  # fmt: skip
    with pytest.raises(EngineError, match="rewrite"):
        upgrade(place, "0.6")
    upgrade(place, "0.6", rewrite=True)
    with open_ome_zarr(place) as position:
        assert position.version == "0.6"
        assert np.array_equal(position["0"][:], DATA)
        document = position["0"].spec.metadata
        assert document["dimension_names"] == ["t", "c", "z", "y", "x"]
        assert [codec["name"] for codec in document["codecs"]] == ["bytes", "blosc"]


@pytest.mark.parametrize("steps", range(0, 44, 4))
def test_rewriting_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    path = sharded(tmp_path / "s.zarr")
    left = [steps]

    def failing(function: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError("the disk is gone")
            return function(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("set", "move", "replace"):
            patch.setattr(journal.LocalBytes, name, failing(getattr(journal.LocalBytes, name)))
        try:
            upgrade(path, "0.4", rewrite=True)
        except OSError:
            assert left[0] < 0
    upgrade(path, "0.4", rewrite=True)
    check(path)


@pytest.mark.parametrize("where", ["local", "memory"])
def test_consolidated_metadata(tmp_path: Path, where: str) -> None:
    place: Any = tmp_path / "s.zarr" if where == "local" else zarr.storage.MemoryStore()
    with open_ome_zarr(place, "hcs", "w-", ["a", "b"], version="0.4") as plate:
        plate.create_position("A", "1", "0").create_image("0", DATA)
        plate.create_position("B", "1", "0")
    zarr.consolidate_metadata(place if where == "memory" else str(place), zarr_format=2)
    zarr.consolidate_metadata(
        place if where == "memory" else str(place), path="A/1/0", zarr_format=2
    )
    for to in ("0.6", "0.4", "0.5"):
        upgrade(place, to)
        assert not upgrade(place, to)
        with open_ome_zarr(place) as plate:
            assert plate.version == to
            assert np.array_equal(plate["A/1/0/0"][:], DATA)
    if where == "local":
        assert not list(place.rglob(".zmetadata"))


@pytest.mark.parametrize(("found", "to"), [("0.4", "0.6"), ("0.6", "0.4")])
def test_the_edit_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str, to: str
) -> None:
    """Wherever it stops, who next opens the store for writing finds one version, and all of it."""
    path = tmp_path / "s.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a", "b"], version=found) as position:
        position.create_image("0", DATA)
    stale = {"0.4": "zarr.json"}.get(to, ".z*")
    steps = 0
    while True:
        steps += 1
        left = [steps]

        def failing(function: Any, left: list[int] = left) -> Any:
            def step(*args: Any, **kwargs: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    raise OSError("the disk is gone")
                return function(*args, **kwargs)

            return step

        with monkeypatch.context() as patch:
            for name in ("set", "move", "replace", "delete", "delete_dir"):
                patch.setattr(journal.LocalBytes, name, failing(getattr(journal.LocalBytes, name)))
            try:
                upgrade(path, to)
            except OSError:
                assert left[0] < 0
        with open_ome_zarr(path, mode="r+") as position:
            version = position.version
            assert np.array_equal(position["0"][:], DATA)
        assert version in (found, to)
        assert bool(list(path.rglob(stale))) == (version == found)
        if version == to:
            upgrade(path, found)
        if left[0] >= 0:
            break
    assert steps > 8


SCRIPT = """
import os, signal, sys
from iohub.nodes.upgrade import upgrade
from iohub.storage.local import LocalBytes
left = [int(sys.argv[2])]
def dying(function):
    def step(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return step
for name in ("set", "move", "replace", "delete_dir"):
    setattr(LocalBytes, name, dying(getattr(LocalBytes, name)))
upgrade(sys.argv[1], "0.4", rewrite=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("steps", [2, 12, 24, 40])
def test_rewriting_that_is_killed(tmp_path: Path, steps: int) -> None:
    path = sharded(tmp_path / "s.zarr")
    command = [sys.executable, "-c", SCRIPT, str(path), str(steps)]
    done = subprocess.run(command, check=False, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    assert done.returncode == -signal.SIGKILL
    with open_ome_zarr(path, mode="r+") as plate:
        # One version or the other, whole.
        assert np.array_equal(plate["A/1/0/0"][:], DATA)
        assert np.array_equal(plate["A/1/0"].labels["cells/0"][:], DATA[0, 0] % 7)
    upgrade(path, "0.4", rewrite=True)
    check(path)
