"""One suite for what every byte store promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore as ObstoreMemory
from zarr.storage import (
    FsspecStore,
    LocalStore,
    LoggingStore,
    MemoryStore,
    ObjectStore,
    WrapperStore,
)

from iohub.errors import ExistsError, NotFoundError, PathError, ReadOnlyError
from iohub.storage.journal import JournalStore
from iohub.storage.local import LocalBytes
from iohub.storage.objects import FsspecObjects, ObstoreObjects
from iohub.storage.protocol import ByteStore, WritableByteStore
from iohub.storage.remote import RemoteBytes
from iohub.storage.remote_store import RemoteStore
from iohub.storage.zarr_bytes import ZarrBytes

Store = LocalBytes | ZarrBytes


def remote_in_memory() -> RemoteBytes:
    """A store as on a server, without one."""
    objects = ObstoreObjects(ObjectStore(ObstoreMemory()))
    return RemoteBytes(RemoteStore(objects, "s3://bucket/x", read_only=False, listable=True))


@pytest.fixture(
    params=["local", "local-power", "memory", "logging", "wrapped-local", "remote", "fsspec"]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Every kind of store, empty."""
    match request.param:
        case "local":
            return LocalBytes(tmp_path / "s")
        case "local-power":
            return LocalBytes(tmp_path / "s", durability="power")
        case "memory":
            return ZarrBytes(MemoryStore())
        case "logging":
            return ZarrBytes(LoggingStore(MemoryStore()))
        case "remote":
            return remote_in_memory()
        case "fsspec":
            files = FsspecStore.from_url(f"memory://{tmp_path.name}")
            return RemoteBytes(
                RemoteStore(FsspecObjects(files), "x://y", read_only=False, listable=True)
            )
        case _:
            return ZarrBytes(WrapperStore(LocalStore(tmp_path / "s")))


def test_it_keeps_the_protocols(store: Store) -> None:
    assert isinstance(store, ByteStore)
    assert isinstance(store, WritableByteStore)
    assert isinstance(store, JournalStore)


def test_set_get_delete(store: Store) -> None:
    assert store.get("a/b") is None
    store.set("a/b", b"one")
    store.set("a/b", memoryview(b"two!"))
    store.set("empty", b"")
    assert store.get("a/b") == b"two!"
    assert store.size("a/b") == 4
    assert store.size("none") is None
    assert store.get("a") is None
    assert store.get("a/b/c") is None
    assert store.get_many(["empty", "a/b", "x"]) == [b"", b"two!", None]
    store.delete("a/b")
    store.delete("a/b")
    assert store.get("a/b") is None


def test_large_and_typed_values(store: Store) -> None:
    import numpy as np

    values = np.arange(1_000_000, dtype="<u2")
    store.set("big", values.data)
    assert store.get("big") == values.tobytes()


def test_set_many(store: Store) -> None:
    store.set_many([(f"{i}/zarr.json", str(i).encode()) for i in range(100)])
    assert store.get("42/zarr.json") == b"42"
    assert len(store.list_dir("")[0]) == 100


def test_list_dir_hides_our_own(store: Store) -> None:
    for key in ("b/x", "a/y", "zarr.json", "file", ".__iohub-edit/x", "a/.__iohub-temp-1"):
        store.set(key, b"1")
    assert store.list_dir("") == (["a", "b"], ["file", "zarr.json"])
    assert store.list_dir("a") == ([], ["y"])
    assert store.list_dir("none") == ([], [])
    assert store.list_dir("file") == ([], [])


def test_exists(store: Store) -> None:
    store.set("a/b", b"1")
    assert store.exists("a")
    assert store.exists("a/b")
    assert not store.exists("a/c")


def test_move(store: Store) -> None:
    for key in ("A/1/zarr.json", "A/1/0/c/0", "A/10/zarr.json", "file"):
        store.set(key, key.encode())
    store.move("A/1", "B/2")
    store.move("file", "deep/er/file")
    assert store.get("B/2/0/c/0") == b"A/1/0/c/0"
    assert store.get("A/1/zarr.json") is None
    assert store.get("A/10/zarr.json") == b"A/10/zarr.json"
    assert store.get("deep/er/file") == b"file"
    with pytest.raises(ExistsError, match="exists already"):
        store.move("A/10", "B/2")
    with pytest.raises(NotFoundError, match="nothing to move"):
        store.move("nothing", "C")


def test_replace(store: Store) -> None:
    store.set("new", b"new")
    store.set("old", b"old")
    store.replace("new", "old")
    assert (store.get("new"), store.get("old")) == (None, b"new")
    with pytest.raises(NotFoundError):
        store.replace("new", "old")


def test_delete_dir(store: Store) -> None:
    for key in ("A/1/x", "A/10/x", "zarr.json"):
        store.set(key, b"1")
    store.delete_dir("A/1")
    store.delete_dir("A/1")
    assert store.list_dir("A") == (["10"], [])
    store.delete_dir("")
    assert store.list_dir("") == ([], [])


@pytest.mark.parametrize("key", ["../x", "/x", "a/../../x", ""])
def test_no_key_leads_out(store: Store, key: str) -> None:
    for call in (store.get, store.delete, lambda k: store.set(k, b"1")):
        with pytest.raises((PathError, IsADirectoryError, PermissionError)):
            call(key) if key else call("..")


def test_read_only(store: Store) -> None:
    store.set("a", b"1")
    closed = store.with_read_only()
    assert closed.read_only
    assert closed.get("a") == b"1"
    for write in (
        lambda: closed.set("a", b"2"),
        lambda: closed.set_many([("a", b"2")]),
        lambda: closed.delete("a"),
        lambda: closed.delete_dir("a"),
        lambda: closed.move("a", "b"),
        lambda: closed.replace("a", "b"),
        lambda: closed.lock(""),
    ):
        with pytest.raises(ReadOnlyError, match="opened for reading"):
            write()
    assert store.get("a") == b"1"


def test_equal_stores(store: Store) -> None:
    assert store == store.with_read_only(False)
    assert store != store.with_read_only()
    assert hash(store) == hash(store.with_read_only(False))
    assert "read_only=True" in repr(store.with_read_only())
