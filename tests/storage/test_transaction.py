"""Edits of several things: together or not at all, also when the process is killed."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from zarr.storage import MemoryStore

from iohub.errors import ClosedError, ExistsError, MissingNodeError, PathError, ReadOnlyError
from iohub.storage import journal
from iohub.storage.array import ZarrArray
from iohub.storage.group import ZarrGroup, create_group, open_group
from iohub.storage.journal import COMMIT, STAGE
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.transaction import Transaction, recover
from iohub.storage.zarr_bytes import ZarrBytes

ALL = (slice(0, 2), slice(0, 3))


@pytest.fixture(params=["local-v2", "local-v3", "memory-v2", "memory-v3"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> ZarrGroup:
    """Two wells and an image with pixels of 1."""
    where, version = request.param.split("-v")
    store = LocalBytes(tmp_path / "p.zarr") if where == "local" else ZarrBytes(MemoryStore())
    group = create_group(store, "", int(version), {"state": "old"})
    group.create_groups([("A/1", {"was": "A/1"}), ("A/2", {"was": "A/2"}), ("B/1", {})])
    group.create_array("img/0", spec(group)).write(ALL, np.ones((2, 3), "uint8"))
    return group


def spec(group: ZarrGroup, columns: int = 3) -> ArraySpec:
    """A small image."""
    return ArraySpec.create((2, columns), "uint8", zarr_format=group.zarr_format, chunks=(1, 3))


def snapshot(group: ZarrGroup) -> dict[str, bytes | None]:
    """Every key of a store with its value, also our own."""
    store = group.store
    found: dict[str, bytes | None] = {}
    todo = ["", STAGE]
    while todo:
        prefix = todo.pop()
        folders, files = store.list_dir(prefix)
        todo += [f"{prefix}/{name}".strip("/") for name in folders]
        for name in files:
            key = f"{prefix}/{name}".strip("/")
            found[key] = store.get(key)
    return found


def test_documents_change_together(group: ZarrGroup) -> None:
    with Transaction(group) as edit:
        edit.put_attrs("", {"state": "new"})
        edit.put_attrs("A/1", {"n": 1})
        edit.put_attrs("C", {"created": True})
        edit.put("img/note.json", b"{}")
        assert group.attrs() == {"state": "old"}
    assert group.load_many(["", "A/1", "C"]) == [{"state": "new"}, {"n": 1}, {"created": True}]
    assert group.store.get("img/note.json") == b"{}"
    assert not any(key.startswith(STAGE) for key in snapshot(group))


def test_one_document_needs_no_journal(group: ZarrGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "apply", None)
    with Transaction(group) as edit:
        edit.put_attrs("", {"state": "first"})
        edit.put_attrs("", {"state": "new"})
    assert group.attrs() == {"state": "new"}
    with Transaction(group):
        pass


def test_move_swap_and_delete(group: ZarrGroup) -> None:
    with Transaction(group) as edit:
        edit.move("A/1", "A/2")
        edit.move("A/2", "A/1")
        edit.delete("B")
        edit.put_attrs("A/1", {"was": "A/2", "now": "A/1"}, source="A/2")
    assert group.load_many(["A/1", "A/2"]) == [{"was": "A/2", "now": "A/1"}, {"was": "A/1"}]
    assert group.group_names() == ["A", "img"]


def test_an_array_is_replaced_with_its_pixels(group: ZarrGroup) -> None:
    old = group.array("img/0")
    with Transaction(group.group("img")) as edit:
        path = edit.stage_array("0", spec(group, 5))
        staged = ZarrArray(group.store, path, spec(group, 5))
        staged.write((slice(0, 2), slice(0, 5)), np.full((2, 5), 7, "uint8"))
        edit.replace("0")
        edit.put_attrs("", {"columns": 5})
        assert old.read(ALL).sum() == 6
    assert group.array("img/0").read((slice(0, 2), slice(0, 5))).sum() == 70
    assert group.group("img").attrs() == {"columns": 5}
    with Transaction(group) as edit:
        edit.stage_array("img/1", spec(group))
    assert group.group("img").array_names() == ["0", "1"]


def test_an_error_inside_changes_nothing(group: ZarrGroup) -> None:
    before = snapshot(group)
    edit = Transaction(group)

    def fail() -> None:
        with edit:
            edit.delete("A/1")
            edit.move("A/2", "C/1")
            edit.stage_array("img/1", spec(group))
            edit.put("zarr.json", b"{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert snapshot(group) == before
    with pytest.raises(ClosedError):
        edit.put("x", b"1")


@pytest.mark.parametrize("kind", ["occupied", "staged over"])
def test_what_is_in_the_way_is_found_before_anything_changes(group: ZarrGroup, kind: str) -> None:
    before = snapshot(group)

    def collide() -> None:
        with Transaction(group) as edit:
            edit.put_attrs("", {"state": "new"})
            if kind == "occupied":
                edit.move("A/1", "B/1")
            else:
                edit.stage_array("img/0", spec(group))

    with pytest.raises(ExistsError, match="already"):
        collide()
    assert snapshot(group) == before


def test_bad_steps_are_refused_at_once(group: ZarrGroup) -> None:
    with Transaction(group) as edit:
        for call, error in (
            (lambda: edit.delete("none"), MissingNodeError),
            (lambda: edit.move("none", "x"), MissingNodeError),
            (lambda: edit.delete("../x"), PathError),
            (lambda: edit.put("/x", b""), PathError),
            (lambda: edit.delete(STAGE), PathError),
        ):
            with pytest.raises(error):
                call()
        edit.move("A/1", "X")
        with pytest.raises(ExistsError, match="cannot both"):
            edit.delete("A")
        with pytest.raises(ExistsError, match="two things"):
            edit.move("A/2", "X")
        with pytest.raises(ExistsError, match="two things"):
            edit.stage("X")
        with pytest.raises(ExistsError, match="open already"), Transaction(group):
            pass
        with Transaction(group.group("img")) as inner:
            inner.put_attrs("", {"other group": True})
    assert group.group("X").attrs() == {"was": "A/1"}
    assert group.group("img").attrs() == {"other group": True}


def test_read_only(tmp_path: Path) -> None:
    create_group(LocalBytes(tmp_path), "", 3)
    group = open_group(LocalBytes(tmp_path, True))
    with pytest.raises(ReadOnlyError), Transaction(group):
        pass
    with pytest.raises(ReadOnlyError):
        recover(group)


@pytest.mark.parametrize("fail_at", range(12))
def test_a_full_disk_leaves_the_old_or_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
) -> None:
    """Any one operation fails: the previous state, or the new one once it is next changed."""
    group = create_group(LocalBytes(tmp_path), "", 3, {"state": "old"})
    group.create_groups([("A/1", {"was": "A/1"}), ("A/2", {})])
    before = snapshot(group)
    count = iter(range(100))
    with monkeypatch.context() as patched:
        for name in ("set", "move", "replace", "delete", "delete_dir"):

            def step(*args: str, _real: object = getattr(LocalBytes, name)) -> None:
                if next(count) == fail_at:
                    raise OSError(errno.ENOSPC, "No space left on device")
                _real(*args)  # type: ignore[operator]

            patched.setattr(LocalBytes, name, step)
        try:
            swap(group, 1)
        except OSError as error:
            failed = error
        else:
            failed = None
    if failed is not None:
        recorded = (tmp_path / STAGE / COMMIT).exists()
        assert recover(group) is recorded
        if not getattr(failed, "__notes__", []):
            assert not recorded
            assert snapshot(group) == before
            return
    assert group.attrs() == {"state": 1}
    assert group.group("A/2").attrs() == {"was": "A/1"}
    assert not (tmp_path / STAGE).exists()


def swap(group: ZarrGroup, number: int) -> None:
    """Swap two wells and count in the root."""
    with Transaction(group) as edit:
        edit.move("A/1", "A/2")
        edit.move("A/2", "A/1")
        edit.put_attrs("", {"state": number})
        edit.put_attrs("A", {"state": number})


# kill -9

EDIT = """
import os, shutil, signal, sys
from iohub.storage.group import open_group
from iohub.storage.local import LocalBytes
from iohub.storage.transaction import Transaction

def edit_once(group, number):
    with Transaction(group) as edit:
        edit.move("A/1", "A/2")
        edit.move("A/2", "A/1")
        edit.put_attrs("", {"n": number})
        edit.put_attrs("A", {"n": number})
        edit.put_attrs("A/1", {"n": number, "id": number % 2}, source="A/2")
        edit.put_attrs("A/2", {"n": number, "id": (number + 1) % 2}, source="A/1")
        staged = edit.stage("img")
        group.store.set(f"{staged}/zarr.json", b"%d" % number)
        edit.replace("img")
"""

FOR_EVER = f"""{EDIT}
group = open_group(LocalBytes(sys.argv[1]))
number = group.attrs()["n"]
while True:
    number += 1
    edit_once(group, number)
    print("done", flush=True)
"""

# A child per operation that is to be the last one, each on its own copy.
EACH_STEP = f"""{EDIT}
import filelock

STEPS = ("set", "move", "replace", "delete", "delete_dir", "_rename_over", "_rename", "_discard")

def edit_until(path, kill_at):
    count = 0
    def counted(real):
        def step(*args):
            nonlocal count
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return real(*args)
        return step
    for name in STEPS:
        setattr(LocalBytes, name, counted(getattr(LocalBytes, name)))
    edit_once(open_group(LocalBytes(path)), 1)

for kill_at in range(200):
    path = os.path.join(os.path.dirname(sys.argv[1]), str(kill_at))
    shutil.copytree(sys.argv[1], path)
    pid = os.fork()
    if pid == 0:
        edit_until(path, kill_at)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(status, flush=True)
    if status != -9:
        break
"""


def plate(path: Path) -> LocalBytes:
    """Return a store in state 0 of the child's edits."""
    store = LocalBytes(path)
    group = create_group(store, "", 3, {"n": 0})
    group.create_groups([("A", {"n": 0})])
    group.create_groups([(f"A/{i + 1}", {"n": 0, "id": i}) for i in range(2)])
    store.set("A/1/mark", b"0")
    store.set("A/2/mark", b"1")
    store.set("img/zarr.json", b"0")
    return store


def check_whole(store: LocalBytes) -> int:
    """Everything is of one edit; return its number."""
    group = open_group(store)
    recover(group)
    number = group.attrs()["n"]
    one, two = group.group("A/1").attrs(), group.group("A/2").attrs()
    assert group.group("A").attrs() == {"n": number}
    assert (one["n"], two["n"]) == (number, number)
    assert (one["id"], two["id"]) == (number % 2, (number + 1) % 2)
    assert store.get("A/1/mark") == b"%d" % (number % 2)
    assert store.get("A/2/mark") == b"%d" % ((number + 1) % 2)
    assert store.get("img/zarr.json") == b"%d" % number
    assert not store.exists(STAGE)
    return int(number)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_before_any_step_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Every operation on the store in turn is the last; until the edit gets through."""
    store = plate(tmp_path / "template")
    done = subprocess.run(
        [sys.executable, "-c", EACH_STEP, store.root], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *killed, last = map(int, done.stdout.split())
    assert last == 0, done.stderr
    states = [check_whole(LocalBytes(tmp_path / str(k))) for k in range(len(killed) + 1)]
    assert states == sorted(states)  # once decided, it happens
    assert states.count(0) >= 10
    assert states.count(1) >= 10


def test_kills_at_random_moments(tmp_path: Path) -> None:
    store = plate(tmp_path)
    moments = random.Random(8)
    last = 0
    for _ in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", FOR_EVER, store.root], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        time.sleep(moments.uniform(0, 0.05))
        child.kill()
        child.communicate()
        number = check_whole(store)
        assert number > last
        last = number
    # What was being written when a child died is not seen, and goes when it is old; the lock of
    # the dead goes with the next one.
    store.sweep("", older_than=-1)
    with store.lock(""):
        pass
    assert sorted(os.listdir(store.root)) == ["A", "img", "zarr.json"]
