"""Zarr stores as bytes, and bytes as zarr objects."""

from __future__ import annotations

from pathlib import Path

import pytest
import zarr
from zarr.storage import LocalStore, LoggingStore, MemoryStore, WrapperStore, ZipStore

from iohub.errors import LockTimeoutError, NotFoundError, PathError, ReadOnlyError
from iohub.storage.local import LocalBytes
from iohub.storage.zarr_bytes import (
    ZarrBytes,
    byte_store,
    memory_store,
    unwrap_zarr,
    zarr_group,
    zarr_store,
)


class Unlisted(MemoryStore):
    """A store like a plain web server."""

    supports_listing = False


class Other:
    """Bytes of a kind that zarr knows nothing of."""

    def __init__(self, path: Path):
        self.url = str(path)
        self.read_only = False


def test_a_local_store_is_taken_for_its_directory(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "x")
    assert byte_store(store) == LocalBytes(tmp_path / "x")
    assert byte_store(store, read_only=True) == LocalBytes(tmp_path / "x", True)
    assert isinstance(byte_store(WrapperStore(store)), ZarrBytes)
    with pytest.raises(ReadOnlyError):
        byte_store(LocalStore(tmp_path, read_only=True), read_only=False)


def test_zarr_store_of_bytes(tmp_path: Path) -> None:
    memory = MemoryStore()
    assert zarr_store(ZarrBytes(memory)) is memory
    assert zarr_store(ZarrBytes(memory, True)).read_only
    local = zarr_store(LocalBytes(tmp_path, True))
    assert isinstance(local, LocalStore)
    assert local.read_only
    with pytest.raises(PathError, match="no store"):
        zarr_store(Other(tmp_path))  # type: ignore[arg-type]


def test_objects_on_the_same_bytes_share_a_lock() -> None:
    memory = MemoryStore()
    one = ZarrBytes(memory)
    two = ZarrBytes(LoggingStore(memory.with_read_only(False)))
    assert one == two

    import threading

    raised: list[BaseException] = []

    def other() -> None:
        try:
            with two.lock("a", timeout=0.01):
                pass
        except LockTimeoutError as error:
            raised.append(error)

    with one.lock("a"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "memory://" in str(raised[0])


def test_a_store_that_cannot_be_listed_says_so() -> None:
    store = ZarrBytes(Unlisted())
    store.set("a/zarr.json", b"{}")
    assert store.get("a/zarr.json") == b"{}"
    with pytest.raises(NotFoundError, match="cannot be listed"):
        store.list_dir("")


def test_zip(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "x.zip", mode="w") as archive:
        store = ZarrBytes(archive)
        store.set("a/zarr.json", b"{}")
        with pytest.raises(ReadOnlyError, match="removed"):
            store.delete("a/zarr.json")
    with ZipStore(tmp_path / "x.zip", mode="r") as archive:
        store = ZarrBytes(archive)
        assert store.read_only
        assert store.get_many(["a/zarr.json", "b"]) == [b"{}", None]
        assert store.list_dir("") == (["a"], [])


def test_zarr_group_and_unwrap() -> None:
    memory = MemoryStore()
    store = ZarrBytes(memory)
    with pytest.raises(NotFoundError, match="v3 group"):
        zarr_group(store, "g", 3)
    made = zarr.create_group(memory, path="g")
    made.create_array("x", shape=(1,), dtype="u1")
    group = zarr_group(store, "g", 3)
    assert group == made
    assert zarr_group(ZarrBytes(memory, True), "g", 3).read_only
    assert unwrap_zarr(group) == (memory, "g")
    assert unwrap_zarr(group["x"]) == (memory, "g/x")
    assert unwrap_zarr("x") is None


def test_memory_stores_by_name() -> None:
    assert memory_store("test-zarr-bytes") is memory_store("test-zarr-bytes")
    assert memory_store("test-zarr-bytes") is not memory_store("test-zarr-other")
