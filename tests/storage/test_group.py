"""Groups: documents read and written once, revalidated, checked before anything is changed."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Hashable
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from iohub.errors import (
    CorruptNodeWarning,
    DocumentError,
    ExistsError,
    LayoutError,
    MissingNodeError,
    NotFoundError,
    PathError,
    ReadOnlyError,
    VersionError,
)
from iohub.storage.group import ZarrGroup, adopt_group, create_group, open_group
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.zarr_bytes import ZarrBytes, zarr_store

Store = LocalBytes | ZarrBytes


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def version(request: pytest.FixtureRequest) -> int:
    """Zarr format."""
    return int(request.param)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store."""
    return LocalBytes(tmp_path / "s.zarr") if request.param == "local" else ZarrBytes(MemoryStore())


@pytest.fixture
def group(store: Store, version: int) -> ZarrGroup:
    """An empty root group."""
    return create_group(store, "", version, {"name": "root"})


@pytest.fixture
def spec(version: int) -> ArraySpec:
    """A small image."""
    return ArraySpec.create((2, 4, 4), "uint16", zarr_format=version, chunks=(1, 4, 4))


def document(group: ZarrGroup, path: str, what: str = "group") -> str:
    """Key of the document of a group or an array below a group."""
    name = "zarr.json" if group.zarr_format == 3 else {"group": ".zgroup", "array": ".zarray"}[what]
    return f"{path}/{name}" if path else name


def test_create_and_open(group: ZarrGroup, store: Store, version: int) -> None:
    opened = open_group(store)
    assert opened == group
    assert opened.zarr_format == version
    assert opened.attrs() == {"name": "root"}
    assert opened.exists()
    assert not opened.group("none").exists()
    assert str(version) in repr(opened)


def test_zarr_reads_what_we_write(group: ZarrGroup, spec: ArraySpec, version: int) -> None:
    group.create_groups([("A/1/0", {"µ": [1, {"x": None}]})])
    group.create_array("A/1/0/0", spec)
    theirs = zarr.open_group(zarr_store(group.store), mode="r", zarr_format=version)
    assert dict(theirs["A/1/0"].attrs) == {"µ": [1, {"x": None}]}
    assert theirs["A/1/0/0"].shape == (2, 4, 4)
    assert dict(theirs.attrs) == {"name": "root"}


def test_we_read_what_zarr_writes(store: Store, version: int) -> None:
    theirs = zarr.create_group(zarr_store(store), zarr_format=version, attributes={"a": 1})
    theirs.create_group("g").attrs["b"] = 2
    theirs["g"].create_array("x", shape=(3,), dtype="int8", chunks=(3,))
    ours = open_group(store)
    assert ours.attrs() == {"a": 1}
    assert ours.group("g").attrs() == {"b": 2}
    assert ours.group("g").array("x").spec.shape == (3,)
    assert (ours.group_names(), ours.group("g").array_names()) == (["g"], ["x"])


def test_a_group_with_its_zarr_object(group: ZarrGroup) -> None:
    group.zarr_group().attrs["b"] = 2
    assert group.attrs() == {"name": "root", "b": 2}
    assert adopt_group(group.zarr_group()) == group
    assert adopt_group(group) is group
    with pytest.raises(PathError, match="open_ome_zarr"):
        adopt_group("path")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        group.group("none").zarr_group()


def test_what_cannot_be_opened(
    group: ZarrGroup, store: Store, spec: ArraySpec, version: int
) -> None:
    group.create_array("a", spec)
    with pytest.raises(NotFoundError, match="no Zarr group"):
        open_group(store, "none")
    with pytest.raises(NotFoundError):
        open_group(store, zarr_format=5 - version)
    with pytest.raises(LayoutError, match="array"):
        open_group(store, "a")
    with pytest.raises(VersionError, match="4"):
        open_group(store, zarr_format=4)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'{"zarr_format": 3, "node_type": "thing"}'])
def test_a_corrupt_document_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "zarr.json").write_bytes(raw)
    with pytest.raises(DocumentError) as caught:
        open_group(LocalBytes(tmp_path))
    assert str(tmp_path / "zarr.json") in str(caught.value)


# attributes


def test_attrs_are_one_object_until_they_change(group: ZarrGroup, store: Store) -> None:
    first = group.attrs()
    assert group.attrs() is first
    other = open_group(store)
    other.edit_attrs(lambda attrs: {**attrs, "name": "toor"})
    assert group.attrs() == {"name": "toor"}
    empty = group.create_group("empty")
    assert empty.attrs() == {}
    assert empty.attrs() is empty.attrs()


def test_edit_gets_its_own_copy_and_may_change_it(group: ZarrGroup) -> None:
    before = group.attrs()

    def edit(attrs: dict[str, object]) -> dict[str, object]:
        attrs["list"] = (1, 2)
        return attrs

    assert group.edit_attrs(edit) == {"name": "root", "list": [1, 2]}
    assert before == {"name": "root"}
    assert group.attrs() == {"name": "root", "list": [1, 2]}


def test_an_edit_without_effect_writes_nothing(tmp_path: Path, version: int) -> None:
    store = LocalBytes(tmp_path)
    group = create_group(store, "", version, {"a": 1})
    key = "zarr.json" if version == 3 else ".zattrs"
    token = store.token(key)
    group.edit_attrs(lambda attrs: attrs)
    assert store.token(key) == token
    group.edit_attrs(lambda attrs: {"a": 1.0})
    assert store.token(key) != token


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda attrs: None, DocumentError),
        (lambda attrs: {"a": object()}, DocumentError),
        (lambda attrs: 1 / 0, ZeroDivisionError),
    ],
)
def test_a_failed_edit_changes_nothing(
    group: ZarrGroup, edit: Callable[..., object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        group.edit_attrs(edit)  # type: ignore[arg-type]
    assert group.attrs() == {"name": "root"}
    with group.lock():
        pass


def test_unknown_members_survive_and_consolidated_ones_do_not(tmp_path: Path) -> None:
    raw = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"a": 1},
        "x-vendor": {"must_understand": False},
        "consolidated_metadata": {"kind": "inline", "metadata": {}},
    }
    (tmp_path / "zarr.json").write_text(json.dumps(raw))
    group = open_group(LocalBytes(tmp_path))
    group.edit_attrs(lambda attrs: {"a": 2})
    written = json.loads((tmp_path / "zarr.json").read_text())
    del raw["consolidated_metadata"]
    assert written == {**raw, "attributes": {"a": 2}}


def test_stale_consolidated_metadata_is_dropped_above(group: ZarrGroup, version: int) -> None:
    group.create_groups([("A/1", {"old": True})])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # v3 has no specification of it yet
        zarr.consolidate_metadata(zarr_store(group.store), zarr_format=version)
    group.group("A/1").edit_attrs(lambda attrs: {"old": False})
    theirs = zarr.open_group(zarr_store(group.store), mode="r", zarr_format=version)
    assert theirs.metadata.consolidated_metadata is None
    assert theirs["A/1"].attrs["old"] is False


def test_load_many(group: ZarrGroup, store: Store) -> None:
    group.create_groups([("a", {"n": 1}), ("b", {}), ("c", {"n": 3})])
    key = "c/zarr.json" if group.zarr_format == 3 else "c/.zattrs"
    store.set(key, b"{")
    good, empty, corrupt, missing = group.load_many(["a", "b", "c", "d"])
    assert (good, empty) == ({"n": 1}, {})
    assert isinstance(corrupt, DocumentError)
    assert key in str(corrupt)
    assert isinstance(missing, NotFoundError)


# arrays and listing


def test_arrays(group: ZarrGroup, spec: ArraySpec) -> None:
    array = group.create_array("img/0", spec)
    array.write((slice(0, 1), slice(0, 4), slice(0, 4)), np.ones((1, 4, 4), "uint16"))
    again = group.array("img/0")
    assert again.spec.shape == (2, 4, 4)
    assert again.read((slice(0, 2), slice(0, 4), slice(0, 4))).sum() == 16
    assert group.group("img").array_names() == ["0"]
    found = group.load_arrays(["img/0", "none"])
    assert isinstance(found[1], MissingNodeError)
    with pytest.raises(MissingNodeError, match="did you mean '0'"):
        group.group("img").array("00")
    with pytest.raises(KeyError):
        group.array("img")
    with pytest.raises(PathError):
        group.array("../x")


def test_a_corrupt_array_is_named(group: ZarrGroup, store: Store, spec: ArraySpec) -> None:
    group.create_array("0", spec)
    key = document(group, "0", "array")
    store.set(key, b'{"zarr_format": 3, "node_type": "array"}')
    with pytest.raises(DocumentError) as caught:
        group.array("0")
    assert key in str(caught.value)


def test_listing_goes_on_past_a_corrupt_child(tmp_path: Path) -> None:
    group = create_group(LocalBytes(tmp_path), "", 3)
    group.create_groups([("a", {}), ("b", {}), ("c", {})])
    (tmp_path / "b" / "zarr.json").write_bytes(b"{")
    (tmp_path / "not-zarr").mkdir()
    with pytest.warns(CorruptNodeWarning, match="b/zarr.json"):
        assert group.group_names() == ["a", "c"]


# creating


def test_create_groups_makes_those_in_between(group: ZarrGroup) -> None:
    group.create_groups([("A/1/0", {"n": 0}), ("A/1", {"well": 1}), ("B/2/0", {})])
    attrs = group.load_many(["A", "A/1", "A/1/0", "B", "B/2", "B/2/0"])
    assert attrs == [{}, {"well": 1}, {"n": 0}, {}, {}, {}]


def test_creation_is_checked_first(group: ZarrGroup, spec: ArraySpec) -> None:
    group.create_groups([("A/1", {"n": 1})])
    group.create_array("img", spec)
    for items, error in (
        ([("new", {}), ("A/1", {})], ExistsError),
        ([("new", {}), ("new", {})], ExistsError),
        ([("new", {}), ("img/0", {})], ExistsError),
        ([("new", {}), ("img", {})], ExistsError),
        ([("new", {}), ("../x", {})], PathError),
        ([("new", {}), ("b", {"x": object()})], DocumentError),
    ):
        with pytest.raises(error):
            group.create_groups(items)  # type: ignore[arg-type]
        assert not group.group("new").exists()
    group.create_groups([("new", {}), ("A/1", {"n": 2})], exist_ok=True)
    assert group.load_many(["A/1", "new"]) == [{"n": 1}, {}]
    with pytest.raises(ExistsError):
        group.create_groups([("img", {})], exist_ok=True)
    for path in ("A/1", "img", "img/x"):
        with pytest.raises(ExistsError):
            group.create_arrays([("free", spec), (path, spec)])
    with pytest.raises(ExistsError, match="to be an array"):
        group.create_arrays([("free", spec), ("free/x", spec)])
    assert group.array_names() == ["img"]
    with pytest.raises(NotFoundError):
        group.group("none").create_groups([("x", {})])


def test_no_v2_beside_v3(group: ZarrGroup, store: Store, version: int) -> None:
    with pytest.raises(ExistsError, match=f"v{version}"):
        create_group(store, "", 5 - version)
    assert open_group(store).zarr_format == version


def test_delete(group: ZarrGroup, spec: ArraySpec) -> None:
    group.create_array("a/0", spec)
    group.delete("a/0")
    assert group.group("a").array_names() == []
    group.delete("a")
    with pytest.raises(MissingNodeError):
        group.delete("a")


def test_read_only(group: ZarrGroup, store: Store, spec: ArraySpec) -> None:
    closed = open_group(store.with_read_only())
    assert closed.read_only
    for write in (
        lambda: closed.edit_attrs(lambda attrs: {}),
        lambda: closed.create_groups([("a", {})]),
        lambda: closed.create_array("a", spec),
        lambda: closed.delete("a"),
        closed.lock,
        lambda: create_group(closed.store, "b", 3),
    ):
        with pytest.raises(ReadOnlyError, match="mode='r"):
            write()


def test_pickle(tmp_path: Path, version: int) -> None:
    group = create_group(LocalBytes(tmp_path), "", version, {"a": 1}).group("")
    copy = pickle.loads(pickle.dumps(group))
    assert copy == group
    assert copy.attrs() == {"a": 1}


# counting


class Counting(LocalBytes):
    """A local store that counts."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.calls: list[str] = []

    def get_with_token(self, key: str) -> object:  # type: ignore[override]
        self.calls.append(f"get {key}")
        return super().get_with_token(key)

    def set_with_token(self, key: str, value: bytes | memoryview) -> Hashable:
        self.calls.append(f"set {key}")
        return super().set_with_token(key, value)


def test_each_document_is_read_and_written_once(tmp_path: Path) -> None:
    store = Counting(tmp_path)
    group = create_group(store, "", 3)
    store.calls.clear()
    spec = ArraySpec.create((4,), "uint8", zarr_format=3, chunks=(4,))
    group.create_groups([(f"A/{i}/0", {}) for i in range(10)])
    group.create_arrays([(f"A/{i}/0/0", spec) for i in range(10)])
    writes = [call for call in store.calls if call.startswith("set")]
    assert len(writes) == len(set(writes)) == 1 + 10 + 10 + 10
    store.calls.clear()
    for i in range(10):
        position = group.group(f"A/{i}/0")
        position.attrs()
        position.attrs()
        position.array("0")
    assert len(store.calls) == 20
