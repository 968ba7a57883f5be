"""What the local store promises beyond the suite: atomic, tokens, links, no strays."""

from __future__ import annotations

import errno
import os
import pickle
import sys
import threading
import time
from pathlib import Path

import pytest

from iohub.errors import NotFoundError
from iohub.storage import files
from iohub.storage.leftovers import TEMP_PREFIX, TRASH_PREFIX
from iohub.storage.local import LocalBytes


@pytest.fixture
def store(tmp_path: Path) -> LocalBytes:
    """An empty directory."""
    return LocalBytes(tmp_path / "s")


def test_construction_touches_nothing(tmp_path: Path) -> None:
    LocalBytes(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_later_chdir_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalBytes("s")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    store.set("a", b"1")
    assert (tmp_path / "s" / "a").read_bytes() == b"1"


def test_a_failed_write_leaves_the_old_value(
    store: LocalBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set("a", b"old")

    def full(descriptor: int, value: bytes) -> None:
        os.write(descriptor, value[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(OSError, match="No space left") as caught:
        store.set("a", b"new")
    assert caught.value.filename == store.path("a")
    assert store.get("a") == b"old"
    assert os.listdir(store.root) == ["a"]


def test_readers_never_see_a_part(store: LocalBytes) -> None:
    values = {bytes([c]) * (1000 + 5000 * (c % 2)) for c in b"abcd"}
    store.set("k", min(values))
    stop = threading.Event()
    seen: set[bytes | None] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(store.get("k"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        for value in values:
            store.set("k", value)
    stop.set()
    reader.join()
    assert seen <= values


def test_tokens_tell_every_write_apart(store: LocalBytes) -> None:
    """Also writes of one size, within one tick of the file system's clock, on reused inodes."""
    tokens = set()
    for index in range(200):
        store.set("k", b"%03d" % index)
        tokens.add(store.token("k"))
    assert len(tokens) == 200
    assert store.token("none") is None
    found = store.get_with_token("k")
    assert found == (b"199", store.token("k"))


def test_writing_tells_the_token(store: LocalBytes) -> None:
    token = store.set_with_token("a/k", b"one")
    assert token == store.token("a/k")
    assert store.set_with_token("a/k", b"two") != token
    assert store.get_with_token("a/k") == (b"two", store.token("a/k"))


def test_no_two_directories_have_tokens(store: LocalBytes) -> None:
    store.set("a/b", b"1")
    assert store.token("a") is None
    assert store.get_with_token("a") is None


@pytest.mark.parametrize("how", ["copy", "hardlink"])
def test_copy_file(store: LocalBytes, tmp_path: Path, how: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"pixels")
    for _ in range(2):  # the second time over the same link
        store.copy_file(source, "c/0", how)  # type: ignore[arg-type]
    assert store.get("c/0") == b"pixels"
    assert os.listdir(store.path("c")) == ["0"]
    assert os.path.samefile(source, store.path("c/0")) == (how == "hardlink")
    store.set("c/0", b"other")
    assert source.read_bytes() == b"pixels"
    with pytest.raises(NotFoundError):
        store.copy_file(tmp_path / "none", "x", how)  # type: ignore[arg-type]


def test_reflink_is_made_or_refused_with_advice(store: LocalBytes, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"pixels")
    refused = ""
    try:
        store.copy_file(tmp_path / "source", "a", "reflink")
    except OSError as error:
        refused = str(error)
    if refused:
        assert "how='copy'" in refused
        assert os.listdir(store.root) == []
    else:
        assert store.get("a") == b"pixels"


def test_delete_dir_of_a_link_spares_its_target(store: LocalBytes, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_bytes(b"1")
    store.set("a", b"1")
    os.symlink(tmp_path / "elsewhere", store.path("link"))
    assert store.list_dir("") == (["link"], ["a"])
    store.delete_dir("link")
    assert (tmp_path / "elsewhere" / "x").exists()
    assert store.list_dir("") == ([], ["a"])


def test_sweep_removes_what_is_abandoned_only(store: LocalBytes) -> None:
    store.set("a", b"1")
    for name in (f"{TRASH_PREFIX}1/x", f"{TEMP_PREFIX}old", f"{TEMP_PREFIX}new"):
        store.set(name, b"1")
    past = time.time() - 7200
    os.utime(store.path(f"{TEMP_PREFIX}old"), (past, past))
    store.sweep("")
    assert sorted(os.listdir(store.root)) == [f"{TEMP_PREFIX}new", "a"]
    store.sweep("none")


@pytest.mark.skipif(sys.platform != "linux", reason="case-sensitive file systems")
def test_names_that_differ_by_case(store: LocalBytes) -> None:
    store.set("a/x", b"1")
    store.move("a", "A")
    assert store.list_dir("") == (["A"], [])


def test_pickle(store: LocalBytes) -> None:
    store.set("a", b"1")
    copy = pickle.loads(pickle.dumps(store))
    assert copy == store
    assert copy.get("a") == b"1"
