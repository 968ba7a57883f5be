"""Drafts: prepared without the lock, taken by a transaction, swept if the writer died."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from zarr.storage import MemoryStore

from iohub.errors import ClosedError, ExistsError, LockTimeoutError, NotFoundError
from iohub.storage import leftovers, locks
from iohub.storage.drafts import Draft, draft_path, wait_for_writers
from iohub.storage.group import ZarrGroup, create_group, open_group
from iohub.storage.keys import DRAFT_PREFIX
from iohub.storage.local import LocalBytes
from iohub.storage.transaction import Transaction, moving, recover
from iohub.storage.zarr_bytes import ZarrBytes


@pytest.fixture(params=["local", "memory"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> ZarrGroup:
    store = (
        LocalBytes(tmp_path / "p.zarr") if request.param == "local" else ZarrBytes(MemoryStore())
    )
    group = create_group(store, "", 3, {"state": "old"})
    group.create_groups([("A/1", {"was": "A/1"}), ("A/2", {})])
    return group


def drafts(group: ZarrGroup) -> list[str]:
    """Names of the drafts in a group of a local store, or keys of those in a memory store."""
    store = group.store
    if isinstance(store, LocalBytes):
        return [n for n in os.listdir(store.path(group.path)) if n.startswith(DRAFT_PREFIX)]
    return [key for key in store.store._store_dict if DRAFT_PREFIX in key]


def test_a_draft_takes_its_place_and_leaves_nothing(group: ZarrGroup) -> None:
    well = group.group("A/1")
    with Draft(well) as draft:
        assert drafts(well) == []
        group.store.set(f"{draft.stage('x')}/note", b"x")
        group.store.set(f"{draft.stage('y/z')}/note", b"z")
        with pytest.raises(ExistsError, match="two things"):
            draft.stage("x")
        assert drafts(well) != []
        # The group is not locked, and this does not sweep what is being prepared.
        with Transaction(well) as edit:
            edit.put_attrs("", {"was": "changed"})
        with Transaction(well) as edit:
            edit.take(draft)
            with pytest.raises(ExistsError, match="two things"):
                edit.stage("x")
    assert group.store.get("A/1/x/note") == b"x"
    assert group.store.get("A/1/y/z/note") == b"z"
    assert well.attrs() == {"was": "changed"}
    assert drafts(well) == []


def test_what_is_not_taken_is_dropped(group: ZarrGroup) -> None:
    group.store.set("A/1/x/note", b"mine")

    def collide() -> None:
        with Draft(group.group("A/1")) as draft:
            group.store.set(f"{draft.stage('x')}/note", b"other")
            with Transaction(group.group("A/1")) as edit:
                edit.take(draft)

    with pytest.raises(ExistsError, match="already"):
        collide()
    with Draft(group.group("A/1")) as draft:
        group.store.set(f"{draft.stage('y')}/note", b"other")
    assert group.store.get("A/1/x/note") == b"mine"
    assert drafts(group.group("A/1")) == []
    with Draft(group.group("A/1")) as draft, Transaction(group.group("A/2")) as edit:
        draft.stage("y")
        with pytest.raises(ExistsError, match="cannot be taken"):
            edit.take(draft)
    with pytest.raises(ClosedError):
        edit.take(draft)


def test_a_decided_edit_keeps_its_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails once the edit is recorded: whoever comes next completes it."""
    group = create_group(LocalBytes(tmp_path), "", 3)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write() -> None:
        with Draft(group) as draft:
            group.store.set(f"{draft.stage('x')}/note", b"x")
            with Transaction(group) as edit:
                edit.take(draft)
                monkeypatch.setattr(LocalBytes, "move", fail)

    with pytest.raises(OSError, match="No space"):
        write()
    monkeypatch.undo()
    assert len(drafts(group)) == 1
    assert recover(group)
    assert group.store.get("x/note") == b"x"
    assert drafts(group) == []


def test_sweeping_spares_the_living(tmp_path: Path) -> None:
    group = create_group(LocalBytes(tmp_path), "", 3)
    (tmp_path / draft_path("")).mkdir()
    assert not leftovers.is_drafted(str(tmp_path))
    with Draft(group) as draft:
        staged = draft.stage("x")
        assert leftovers.is_drafted(str(tmp_path))
        group.store.sweep("")
        assert drafts(group) == [staged.partition("/")[0]]
    assert not leftovers.is_drafted(str(tmp_path / "none"))


def test_moves_wait_for_drafts_below(group: ZarrGroup) -> None:
    store = group.store
    with Draft(group.group("A/1")) as draft:
        draft.stage("x")
        with pytest.raises(LockTimeoutError, match="A/1 is being written"):
            wait_for_writers(store, ["A"], 0.0)
        wait_for_writers(store, ["A/2", "none"], 0.0)
    with moving(group, ["A"]) as edit:
        edit.move("A", "B")
    assert group.group("B/1").attrs() == {"was": "A/1"}


@pytest.mark.skipif(os.name == "nt", reason="open directories cannot be moved")
def test_a_draft_that_was_moved_away_is_not_taken(tmp_path: Path) -> None:
    group = create_group(LocalBytes(tmp_path), "", 3)
    group.create_groups([("A/1", {"was": "A/1"}), ("A/2", {"was": "A/2"})])
    well = group.group("A/1")

    def write() -> None:
        with Draft(well) as draft:
            staged = draft.stage("x")
            os.rename(tmp_path / "A/1", tmp_path / "A/3")
            os.rename(tmp_path / "A/2", tmp_path / "A/1")
            with pytest.raises(NotFoundError, match="was moved or removed"):
                group.store.set(f"{staged}/note", b"x")
            (tmp_path / staged).mkdir(parents=True)  # as an engine does
            with Transaction(open_group(group.store, "A/1")) as edit:
                edit.take(draft)

    with pytest.raises(NotFoundError, match="was moved or removed"):
        write()
    assert sorted(os.listdir(tmp_path / "A/1")) == ["zarr.json"]


def test_an_edit_of_a_group_that_is_gone_leaves_no_directory(tmp_path: Path) -> None:
    group = create_group(LocalBytes(tmp_path), "", 3)
    with pytest.raises(NotFoundError):
        group.group("A/1/0").edit_attrs(lambda attrs: {"x": 1})
    assert os.listdir(tmp_path) == ["zarr.json"]


def test_strays_go_but_not_what_came_back(tmp_path: Path) -> None:
    for name in ("gone", "back"):
        (tmp_path / name / "c").mkdir(parents=True)
    (tmp_path / "back" / "zarr.json").touch()
    for name in ("gone", "back", "never"):
        leftovers.drop_strays(str(tmp_path / name), "zarr.json")
    assert os.listdir(tmp_path) == ["back"]
    assert sorted(os.listdir(tmp_path / "back")) == ["c", "zarr.json"]


@pytest.mark.parametrize("way", ["directory", "file"])
def test_an_idle_lock_is_nobodys(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "file":
        monkeypatch.setattr(locks, "_lock_directory", lambda *_: None)
    path = str(tmp_path)
    with locks.idle_lock(path) as free:
        assert free
        with locks.idle_lock(path) as again:
            assert not again
    with locks.directory_lock(path), locks.idle_lock(path) as free:
        assert not free
