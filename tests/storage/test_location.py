"""Places: what a user may pass, and what may be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore, StorePath

from iohub.errors import PathError, ReadOnlyError
from iohub.storage.local import LocalBytes
from iohub.storage.location import exists, has_zarr_document, is_empty, locate, wipe
from iohub.storage.zarr_bytes import ZarrBytes, memory_store, zarr_store


def test_local_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    target = str(tmp_path / "a b.zarr")
    for given in (target, Path(target), "a b.zarr", "~/a b.zarr", "./x/../a b.zarr"):
        found = locate(given, writable=False)
        assert (found.url, found.path, found.zarr_store) == (target, "", None)
        assert found.store.read_only
        assert found.local_path == target
        assert found.name == "a b.zarr"
    uri = Path(target).as_uri()
    assert locate(uri, writable=True).url == target
    assert locate(uri.replace("file://", "file://localhost"), writable=True).url == target
    assert not locate(target, writable=True).store.read_only


def test_memory_urls_name_one_store() -> None:
    one = locate("memory://test-location/a/b", writable=True)
    two = locate("memory://test-location", writable=False)
    assert (one.path, two.path) == ("a/b", "")
    assert one.zarr_store is two.zarr_store is memory_store("test-location")
    assert one.local_path is None
    one.store.set("k", b"1")  # type: ignore[attr-defined]
    assert two.store.get("k") == b"1"
    assert two.store.read_only


def test_zarr_stores(tmp_path: Path) -> None:
    memory = MemoryStore()
    found = locate(StorePath(memory, "sub/plate"), writable=True)
    assert isinstance(found.store, ZarrBytes)
    assert (found.path, found.zarr_store) == ("sub/plate", memory)
    assert found.url.endswith("/sub/plate")
    local = LocalStore(tmp_path / "x.zarr")
    found = locate(local, writable=True)
    assert isinstance(found.store, LocalBytes)
    assert found.url == str(tmp_path / "x.zarr")
    assert found.zarr_store is local
    assert locate(zarr.create_group(local, path="g"), writable=True).path == "g"
    with pytest.raises(ReadOnlyError, match="read-only zarr store"):
        locate(local.with_read_only(True), writable=True)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("s3:///x.zarr", "names no bucket"),
        ("https://host/x.zarr?signed=1", "names one object"),
        ("file://host/x.zarr", "another host"),
        ("memory://", "name"),
        ("memory://a/../b", "no key"),
        ("", "no path"),
        (b"bytes", "no place"),
        (3, "no place"),
        (None, "no place"),
    ],
)
def test_what_is_no_place(bad: object, what: str) -> None:
    with pytest.raises(PathError, match=what):
        locate(bad, writable=True)  # type: ignore[arg-type]


def test_has_zarr_document(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    place = locate(photos, writable=True)
    assert exists(place)
    assert is_empty(place)
    assert not has_zarr_document(place)
    (photos / "cat.jpg").write_bytes(b"1")
    assert not is_empty(place)
    assert not has_zarr_document(place)
    (photos / "zarr.json").write_bytes(b"{}")
    assert has_zarr_document(place)
    (tmp_path / "file.zarr").write_bytes(b"a file")
    assert not has_zarr_document(locate(tmp_path / "file.zarr", writable=True))
    assert not is_empty(locate(tmp_path / "file.zarr", writable=True))
    nothing = locate(tmp_path / "none.zarr", writable=True)
    assert not exists(nothing)
    assert not has_zarr_document(nothing)


@pytest.mark.parametrize("where", ["local", "memory"])
def test_wipe(tmp_path: Path, where: str) -> None:
    url = str(tmp_path / "x.zarr") if where == "local" else "memory://test-wipe/sub"
    place = locate(url, writable=True)
    zarr.create_group(zarr_store(place.store), path=place.path).create_group("a")
    assert has_zarr_document(place)
    with pytest.raises(ReadOnlyError):
        wipe(locate(url, writable=False))
    assert not is_empty(place)
    wipe(place)
    assert is_empty(place)
    assert not has_zarr_document(place)
