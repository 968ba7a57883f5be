"""Groups, reading: each document once, equal ones parsed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from iohub.errors import DocumentError, LayoutError, NotFoundError
from iohub.storage import group_reading
from iohub.storage.group import create_group, open_group
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.testing.counting import CountingBytes


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_opening_reads_the_attributes_once(tmp_path: Path, zarr_format: int) -> None:
    create_group(LocalBytes(tmp_path), "", zarr_format, {"a": 1})
    store = CountingBytes(tmp_path)
    group = open_group(store, zarr_format=zarr_format)
    assert group.attrs() == {"a": 1}
    assert store.repeated("get") == {}
    assert store.reads == {2: 2, 3: 1}[zarr_format]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_equal_documents_are_one_object_until_one_changes(tmp_path: Path, zarr_format: int) -> None:
    root = create_group(LocalBytes(tmp_path), "", zarr_format)
    root.create_groups([("a", {"x": [1]}), ("b", {"x": [1]})])
    a, b = root.load_groups(["a", "b"])
    assert not isinstance(a, Exception)
    assert not isinstance(b, Exception)
    assert a.attrs() is b.attrs()
    a.edit_attrs(lambda attrs: {**attrs, "x": attrs["x"] + [2]})
    assert a.attrs() == {"x": [1, 2]}
    assert b.attrs() == root.group("b").attrs() == {"x": [1]}
    # An edit gets attributes of its own, which it may change.
    b.edit_attrs(lambda attrs: attrs["x"].append(3) or attrs)
    assert b.attrs() == {"x": [1, 3]}
    root.group("b").edit_attrs(lambda attrs: {"x": [1]})
    assert root.group("b").attrs() == {"x": [1]}


def test_few_documents_are_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_reading, "_shared", {})
    root = create_group(LocalBytes(tmp_path), "", 3)
    count = group_reading._SHARED + 20
    root.create_groups([(f"g{i}", {"i": i}) for i in range(count)])
    found = root.load_groups([f"g{i}" for i in range(count)])
    assert [group.attrs()["i"] for group in found if not isinstance(group, Exception)] == list(
        range(count)
    )
    assert len(group_reading._shared) <= group_reading._SHARED
    large = {"text": "x" * group_reading._SHARED_BYTES}
    root.create_groups([("l1", large), ("l2", large)])
    one, other = root.group("l1").attrs(), root.group("l2").attrs()
    assert one == other == large
    assert one is not other


def test_what_was_read_last(tmp_path: Path) -> None:
    root = create_group(LocalBytes(tmp_path), "", 3, {"a": 1})
    store = CountingBytes(tmp_path)
    group = open_group(store)
    root.edit_attrs(lambda attrs: {"a": 2})
    store.clear()
    assert group.last_attrs() == {"a": 1}
    assert store.operations == []
    assert group.attrs() == {"a": 2}
    assert open_group(store).group("").last_attrs() == {"a": 2}


def test_existence(tmp_path: Path) -> None:
    root = create_group(LocalBytes(tmp_path), "", 3)
    root.create_group("g")
    root.create_array("a", ArraySpec.create((2,), "u1", zarr_format=3, chunks=(2,)))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "zarr.json").write_text("{")
    assert root.group("g").exists()
    assert not root.group("a").exists()
    assert not root.group("nothing").exists()
    assert root.group("broken").exists()  # there is something, and it says what is wrong
    assert root.group("g").load()
    assert not root.group("nothing").load()
    with pytest.raises(DocumentError):
        root.group("broken").load()
    with pytest.raises(LayoutError):
        root.group("a").load()
    with pytest.raises(NotFoundError):
        open_group(LocalBytes(tmp_path), "nothing")
