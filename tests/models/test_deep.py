"""Chunks and shards that cannot be decoded are found, by name; the others count."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.models import validate

SHAPE = (1, 2, 2, 8, 8)


@pytest.fixture(params=["0.4", "0.5", "sharded"])
def store(tmp_path, request):
    path = tmp_path / "a.zarr"
    version = "0.4" if request.param == "0.4" else "0.5"
    ratio = (1, 1, 1, 2, 2) if request.param == "sharded" else None
    pixels = np.random.default_rng(0).integers(1, 99, SHAPE).astype("u2")
    with open_ome_zarr(path, "fov", "w-", ["a", "b"], version=version) as node:
        node.create_image("0", pixels, chunks=(1, 1, 2, 4, 4), shards_ratio=ratio)
    return path


def units(path):
    return sorted(
        file for file in (path / "0").rglob("*") if file.is_file() and file.name.isdecimal()
    )


def test_all_is_well(store):
    report = validate(store, deep=True)
    assert report.errors == ()
    assert report.chunks == len(units(store))


@pytest.mark.parametrize("how", ["empty", "half", "noise"])
@pytest.mark.parametrize("engine", ["local", "remote"])
def test_broken_units_are_named(store, how, engine):
    file = units(store)[1]
    raw = file.read_bytes()
    damaged = {"empty": b"", "half": raw[: len(raw) // 2], "noise": bytes(255 - b for b in raw)}
    file.write_bytes(damaged[how])
    assert validate(store).errors == ()
    source = store if engine == "local" else wrapped(store)
    found = [each for each in validate(source, deep=True).errors if each.code == "chunk-corrupt"]
    assert [each.path for each in found] == ["0"]
    key = file.relative_to(store / "0").as_posix()
    assert found[0].message.startswith(f"{key} cannot be decoded: ")


def wrapped(path):
    """A store that iohub does not take for a folder."""
    return zarr.storage.WrapperStore(zarr.storage.LocalStore(path))


def test_many_broken_units_are_not_all_told(tmp_path):
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as node:
        node.create_image("0", np.ones((1, 1, 1, 8, 8), "u1"), chunks=(1, 1, 1, 1, 1))
    for file in units(path):
        file.write_bytes(b"?")
    messages = [e.message for e in validate(path, deep=True).errors]
    assert len(messages) == 21
    assert messages[-1] == "44 more chunks cannot be decoded"


def test_sparse_arrays_are_no_fault(store):
    units(store)[0].unlink()
    assert validate(store, deep=True).errors == ()


def test_files_that_are_no_chunks(store):
    prefix = "c/" if (store / "0" / "c").exists() else ""
    (store / "0" / f"{prefix}0/0/0/0/99").write_bytes(b"")
    (store / "0" / "notes.txt").write_text("hello")
    [found] = [each for each in validate(store, deep=True) if each.code == "chunk-outside"]
    assert found.severity == "warning"
    assert "notes.txt" in found.message
    assert "/99" in found.message


def test_codecs_that_are_not_known(tmp_path):
    import json

    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version="0.5") as node:
        node.create_image("0", np.ones((1, 1, 1, 8, 8), "u1"))
    document = json.loads((path / "0" / "zarr.json").read_text())
    document["codecs"] = [{"name": "bytes"}, {"name": "nobody-knows-this"}]
    (path / "0" / "zarr.json").write_text(json.dumps(document))
    assert "chunk-corrupt" in validate(path, deep=True).codes()
