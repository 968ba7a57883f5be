"""The counting store counts what happens, and is a store like any other."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np

from iohub import open_ome_zarr
from iohub.storage.local import LocalBytes
from iohub.testing.counting import CountingBytes, Operation


def test_every_operation_is_noted(tmp_path: Path) -> None:
    store = CountingBytes(tmp_path)
    store.set("a/zarr.json", b"{}")
    store.set_many([("b", b"1"), ("c", b"2")])
    assert store.get("a/zarr.json") == b"{}"
    assert store.get_many(["b", "none"]) == [b"1", None]
    assert store.token("b") is not None
    assert store.size("c") == 1
    assert store.exists("a")
    assert store.list_dir("") == (["a"], ["b", "c"])
    store.move("b", "d")
    store.replace("c", "d")
    store.delete("d")
    store.delete_dir("a")
    assert [operation.kind for operation in store.operations] == [
        *("set", "set", "set", "get", "get", "get", "stat", "stat", "stat"),
        *("list", "move", "replace", "delete", "delete_dir"),
    ]
    assert (store.reads, store.writes) == (4, 7)
    assert store.keys("get") == ["a/zarr.json", "b", "none"]
    assert store.repeated("set", "get") == {"a/zarr.json": 2, "b": 2}
    assert Operation("get", "a/zarr.json").is_document
    assert not Operation("get", "a/c/0").is_document
    store.clear()
    assert store.operations == []


def test_it_is_the_directory(tmp_path: Path) -> None:
    store = CountingBytes(tmp_path / "s.zarr")
    with open_ome_zarr(store, layout="fov", mode="w-", channel_names=["a"]) as node:
        node["0"] = np.ones((1, 1, 1, 2, 2), "u1")
    assert open_ome_zarr(tmp_path / "s.zarr")["0"].shape == (1, 1, 1, 2, 2)
    assert store == LocalBytes(tmp_path / "s.zarr")
    assert store.writes > 0


def test_the_same_in_another_mode_counts_in_one_list(tmp_path: Path) -> None:
    store = CountingBytes(tmp_path)
    again = store.with_read_only()
    assert again.read_only
    again.get("x")
    assert store.reads == 1
    assert copy.copy(store).operations is store.operations
