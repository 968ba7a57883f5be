"""The record of an edit: read strictly, never trusted, repeated without harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from iohub.errors import DocumentError, InterruptedEditWarning, PathError
from iohub.storage import journal
from iohub.storage.group import create_group, open_group
from iohub.storage.journal import COMMIT, STAGE, Record, apply, attend, recover
from iohub.storage.local import LocalBytes

RECORD = Record(
    out=(("A/1", "out0"), ("B/1", "out1")),
    into=((f"{STAGE}/out0", "B/1"), (f"{STAGE}/out1", "A/1")),
    put=(("put0", "zarr.json"),),
)


@pytest.fixture
def store(tmp_path: Path) -> LocalBytes:
    """A plate with two wells and a staged swap of them."""
    store = LocalBytes(tmp_path / "p.zarr")
    group = create_group(store, "", 3, {"state": "old"})
    group.create_groups([("A/1", {"was": "A/1"}), ("B/1", {"was": "B/1"})])
    new = json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"state": "new"}})
    store.set(f"{STAGE}/put0", new.encode())
    return store


def check_new(store: LocalBytes) -> None:
    """The swap is complete and nothing is left of it."""
    group = open_group(store)
    assert group.load_many(["", "A/1", "B/1"]) == [
        {"state": "new"},
        {"was": "B/1"},
        {"was": "A/1"},
    ]
    assert not store.exists(STAGE)


def test_record_round_trip() -> None:
    assert Record.parse(RECORD.encode(), "x") == RECORD


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"[]",
        b'{"version": 1, "out": [["a"]], "into": [], "put": []}',
        b'{"version": 1, "out": [[1, 2]], "into": [], "put": []}',
        b'{"version": 2, "out": [], "into": [], "put": []}',
    ],
)
def test_bad_records(raw: bytes) -> None:
    with pytest.raises(DocumentError):
        Record.parse(raw, "x")


def test_a_record_cannot_lead_out() -> None:
    with pytest.raises(PathError):
        Record.parse(b'{"version": 1, "out": [["../x", "y"]], "into": [], "put": []}', "x")


def test_what_is_deleted_last(store: LocalBytes) -> None:
    """It is there until all else is done, and a record without it is one of before."""
    record = RECORD._replace(last=(("old/x", "out2"),))
    assert Record.parse(record.encode(), "x") == record
    older = {name: value for name, value in json.loads(RECORD.encode()).items() if name != "last"}
    assert Record.parse(json.dumps(older).encode(), "x") == RECORD
    store.set("old/x", b"1")
    moved = []
    move = store.move
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "move", lambda *way: (moved.append(way[0]), move(*way)))
        apply(store, "", record)
    assert moved[-1] == "old/x"
    assert store.get("old/x") is None
    check_new(store)
    apply(store, "", record._replace(out=()))  # once more does no harm


def test_apply(store: LocalBytes) -> None:
    apply(store, "", RECORD)
    check_new(store)


class DeathError(Exception):
    """Stands for the death of the process."""


def test_an_interruption_after_any_step_is_completed(
    store: LocalBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted before step after step, each time resumed from what is on disk."""
    store.set(f"{STAGE}/{COMMIT}", RECORD.encode())
    done = 0
    allowed = [1]  # one step, then the end

    def limited(real: Callable[..., None]) -> Callable[..., None]:
        def step(*args: str) -> None:
            if not allowed:
                raise DeathError
            allowed.clear()
            real(*args)

        return step

    with monkeypatch.context() as patched:
        for name in ("set", "move", "replace", "delete", "delete_dir"):
            patched.setattr(LocalBytes, name, limited(getattr(LocalBytes, name)))
        while store.exists(STAGE):
            allowed[:] = [1]
            with suppress(DeathError):
                recover(store, "")
            done += 1
    assert done >= 6
    check_new(store)


def test_an_edit_without_a_record_is_dropped(store: LocalBytes) -> None:
    assert recover(store, "") is False
    assert not store.exists(STAGE)
    assert open_group(store).attrs() == {"state": "old"}


def test_opening_for_writing_completes_and_for_reading_warns(
    store: LocalBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0.01)
    store.set(f"{STAGE}/{COMMIT}", RECORD.encode())
    with pytest.warns(InterruptedEditWarning, match="open it for writing"):
        assert open_group(store.with_read_only()).attrs() == {"state": "old"}
    open_group(store)
    check_new(store)


def test_a_reader_waits_for_a_living_writer(
    store: LocalBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set(f"{STAGE}/{COMMIT}", RECORD.encode())
    monkeypatch.setattr(journal.time, "sleep", lambda seconds: apply(store, "", RECORD))
    attend(store.with_read_only(), "")
    check_new(store)
