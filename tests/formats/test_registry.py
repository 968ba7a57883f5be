"""Which format a location holds, and what is said where none is recognised."""

from __future__ import annotations

from pathlib import Path

import pytest
import zarr

from iohub.errors import DocumentError, LayoutError, NotFoundError
from iohub.formats import registry
from iohub.formats import zarr as zarr_format
from iohub.storage.location import locate


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_groups(tmp_path: Path, version: int) -> None:
    zarr.open_group(tmp_path / "g", mode="w", zarr_format=version).attrs["a"] = 1
    where = locate(tmp_path / "g", writable=False)
    assert zarr_format.sniff(where)
    assert registry.open_group(where).attrs() == {"a": 1}
    assert registry.open_group(where, engine="zarrs").engine == "zarrs"


def test_a_memory_store() -> None:
    store = zarr.storage.MemoryStore()
    zarr.open_group(store, path="in/side", mode="w")
    where = locate(zarr.storage.StorePath(store, "in/side"), writable=False)
    assert registry.open_group(where).path == "in/side"


def test_an_array_is_no_group(tmp_path: Path) -> None:
    for version in (2, 3):
        zarr.create_array(tmp_path / f"a{version}", shape=(1,), dtype="u1", zarr_format=version)
        with pytest.raises(LayoutError, match="array"):
            registry.open_group(locate(tmp_path / f"a{version}", writable=False))


def test_nothing_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    where = locate(tmp_path, writable=False)
    assert not zarr_format.sniff(where)
    with pytest.raises(NotFoundError, match=r"no image store at .*\(tried: .*zarr"):
        registry.open_group(where)


def test_a_corrupt_document_is_zarr_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(DocumentError, match=r"zarr\.json"):
        registry.open_group(locate(tmp_path, writable=False))


def test_every_adapter_keeps_the_protocol() -> None:
    for adapter in registry.adapters():
        assert isinstance(adapter.name, str)
        assert callable(adapter.sniff)
        assert callable(adapter.open_group)
