"""Readable bytes shown to zarr as a store."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from iohub.storage.group import ZarrGroup
from iohub.storage.zarr_view import ByteStoreView
from tests.storage.virtual_files import Reader, reopened, store

PIXELS = np.arange(12, dtype="u2").reshape(3, 4)
PROTOTYPE = default_buffer_prototype()


@pytest.fixture
def view():
    return ByteStoreView(store(a=Reader(PIXELS, (2, 3)), deep__b=Reader(PIXELS, (3, 4))))


async def listed(names):
    return sorted([name async for name in names])


def test_zarr_reads_it(view):
    group = zarr.open_group(view, mode="r")
    assert group.attrs.asdict() == {"is": "root"}
    assert sorted(group.keys()) == ["a", "deep"]
    np.testing.assert_array_equal(group["a"][...], PIXELS)
    np.testing.assert_array_equal(group["deep/b"][1:, ::2], PIXELS[1:, ::2])
    assert group["a"].attrs.asdict() == {"of": "a"}
    assert "deep" in str(group.tree())
    assert "nothing" not in group


def test_it_is_what_a_node_gives():
    group = ZarrGroup(reopened(), "", 3).zarr_group()
    assert isinstance(group.store, ByteStoreView)
    assert group.read_only
    np.testing.assert_array_equal(group["a"][...], PIXELS)


def test_listing(view):
    everything = ["a/zarr.json", "deep/b/zarr.json", "deep/zarr.json", "zarr.json"]
    assert sync(listed(view.list())) == everything
    assert sync(listed(view.list_prefix("deep/"))) == ["deep/b/zarr.json", "deep/zarr.json"]
    assert sync(listed(view.list_dir(""))) == ["a", "deep", "zarr.json"]
    assert view.supports_listing


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (None, slice(None)),
        (RangeByteRequest(2, 5), slice(2, 5)),
        (OffsetByteRequest(7), slice(7, None)),
        (SuffixByteRequest(3), slice(-3, None)),
        (SuffixByteRequest(0), slice(0, 0)),
    ],
)
def test_parts_of_values(view, part, wanted):
    whole = view._bytes.get("a/c/0/0")
    found = sync(view.get("a/c/0/0", PROTOTYPE, part))
    assert found.to_bytes() == whole[wanted]
    assert sync(view.get("a/c/9/9", PROTOTYPE, part)) is None
    several = sync(view.get_partial_values(PROTOTYPE, [("a/c/0/0", part), ("no", part)]))
    assert [None if each is None else each.to_bytes() for each in several] == [whole[wanted], None]


def test_existence_decodes_nothing(view):
    assert sync(view.exists("a/c/0/0"))
    assert sync(view.exists("zarr.json"))
    assert not sync(view.exists("a/c/9/9"))
    assert view._bytes.reader("a").decoded == []


def test_nothing_is_written(view):
    assert view.read_only
    assert not view.supports_writes
    assert not view.supports_deletes
    value = PROTOTYPE.buffer.from_bytes(b"x")
    for write in (view.set("x", value), view.delete("x")):
        with pytest.raises(ValueError, match="read-only"):
            sync(write)
    with pytest.raises(ValueError, match=r"some\.file can only be read"):
        view.with_read_only(False)
    assert view.with_read_only(True) == view


def test_equality_and_pickling():
    view = ByteStoreView(reopened())
    again = pickle.loads(pickle.dumps(view))
    assert again == view
    assert hash(again) == hash(view)
    assert view != view._bytes
    assert (str(view), repr(view)) == ("some.file", "ByteStoreView(VirtualBytes('some.file'))")
    np.testing.assert_array_equal(zarr.open_array(again, path="a", mode="r")[...], PIXELS)
