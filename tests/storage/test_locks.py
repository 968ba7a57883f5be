"""Locks: one writer at a time, across threads, processes and forks, without strays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from iohub.errors import LockTimeoutError, ReadOnlyError
from iohub.storage import locks
from iohub.storage.group import create_group, open_group
from iohub.storage.local import LocalBytes
from iohub.storage.locks import LOCK_NAME, directory_lock, thread_lock


def in_thread(work: object) -> list[BaseException]:
    """Run a function in another thread; return what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()  # type: ignore[operator]
        except LockTimeoutError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


@pytest.fixture(params=["directory", "file"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of locking, as if directories could not be locked here."""
    if request.param == "file":
        monkeypatch.setattr(locks, "_lock_directory", lambda *_: None)
    return str(request.param)


def test_it_leaves_nothing_behind(tmp_path: Path, way: str) -> None:
    with directory_lock(str(tmp_path)), directory_lock(str(tmp_path)):
        assert os.listdir(tmp_path) == ([LOCK_NAME] if way == "file" else [])
    assert os.listdir(tmp_path) == []
    assert not locks._locked
    with directory_lock(str(tmp_path / "new" / "dir")):
        assert (tmp_path / "new" / "dir").is_dir()
    assert not (tmp_path / "new" / "dir").exists()
    with directory_lock(str(tmp_path / "kept")):
        (tmp_path / "kept" / "x").touch()
    assert os.listdir(tmp_path / "kept") == ["x"]


def test_a_directory_that_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert locks._lock_directory(str(tmp_path), 0.0) is None


@pytest.mark.usefixtures("way")
def test_a_directory_that_goes_while_it_is_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "group"
    order = []

    def other() -> None:
        with directory_lock(str(place)):
            order.append(place.is_dir())

    thread = threading.Thread(target=other)
    with directory_lock(str(place)):
        thread.start()
        time.sleep(0.05)
        for name in os.listdir(place):
            (place / name).unlink()
        place.rmdir()
    thread.join()
    assert order == [True]


@pytest.mark.usefixtures("way")
def test_threads_wait_for_each_other(tmp_path: Path) -> None:
    def other() -> None:
        with directory_lock(str(tmp_path), timeout=0.05):
            pass

    with directory_lock(str(tmp_path)):
        (error,) = in_thread(other)
        assert str(tmp_path) in str(error)
    assert in_thread(other) == []


def test_thread_locks() -> None:
    def other() -> None:
        with thread_lock("k", where="memory://x", timeout=0.01):
            pass

    with thread_lock("k"), thread_lock("k"):
        (error,) = in_thread(other)
        assert "memory://x" in str(error)
    assert in_thread(other) == []


def test_two_paths_to_one_directory_are_one_lock(tmp_path: Path) -> None:
    (tmp_path / "plate" / "A").mkdir(parents=True)
    os.symlink(tmp_path / "plate", tmp_path / "link")

    def other() -> None:
        with LocalBytes(tmp_path / "link" / "A").lock("", timeout=0.01):
            pass

    with LocalBytes(tmp_path / "plate").lock("A"):
        assert len(in_thread(other)) == 1


HOLD = """
import sys, time
from iohub.storage.locks import directory_lock
with directory_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_processes_wait_for_each_other_and_death_frees(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    try:
        with (
            pytest.raises(LockTimeoutError, match="another process"),
            directory_lock(str(tmp_path), timeout=0.05),
        ):
            pass
    finally:
        child.kill()
        child.communicate()
    with directory_lock(str(tmp_path), timeout=10):
        pass
    assert os.listdir(tmp_path) == []


COUNT = """
import sys
from iohub.storage.group import open_group
from iohub.storage.local import LocalBytes
group = open_group(LocalBytes(sys.argv[1]))
for i in range(40):
    group.edit_attrs(lambda attrs: {**attrs, f"{sys.argv[2]}-{i}": i, "n": attrs["n"] + 1})
"""


def test_no_edit_of_four_processes_is_lost(tmp_path: Path) -> None:
    group = create_group(LocalBytes(tmp_path), "", 3, {"n": 0})
    children = [
        subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), str(i)]) for i in range(4)
    ]
    assert [child.wait() for child in children] == [0] * 4
    assert group.attrs()["n"] == 160
    assert len(group.attrs()) == 161
    assert os.listdir(tmp_path) == ["zarr.json"]


def test_no_edit_of_threads_is_lost(tmp_path: Path) -> None:
    create_group(LocalBytes(tmp_path), "", 2, {"n": 0})

    def edit() -> None:
        group = open_group(LocalBytes(tmp_path))
        for _ in range(20):
            group.edit_attrs(lambda attrs: {"n": attrs["n"] + 1})

    threads = [threading.Thread(target=edit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_group(LocalBytes(tmp_path)).attrs() == {"n": 80}


FORK = """
import os, sys
from iohub.storage.locks import directory_lock
from iohub.errors import LockTimeoutError
read, write = os.pipe()
with directory_lock(sys.argv[1]):
    pid = os.fork()
    if pid == 0:
        try:
            with directory_lock(sys.argv[1], timeout=0.1):
                os._exit(1)
        except LockTimeoutError:
            pass
        os.write(write, b"x")
        with directory_lock(sys.argv[1], timeout=30):
            os._exit(0)
    os.read(read, 1)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_hold_its_parents_lock(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == 0


FORK_INSIDE = '''
import os, subprocess, sys
from iohub.storage import locks
if sys.argv[2] == "file":
    locks._lock_directory = lambda *_: None
TRY = """
from iohub.storage import locks
if {way!r} == "file":
    locks._lock_directory = lambda *_: None
with locks.directory_lock({path!r}, timeout=0.05):
    pass
""".format(path=sys.argv[1], way=sys.argv[2])
with locks.directory_lock(sys.argv[1]):
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True)
        assert "LockTimeoutError" in done.stderr, done.stderr
if pid:
    subprocess.run([sys.executable, "-c", TRY], check=True)
    assert os.listdir(sys.argv[1]) == []
'''


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("way", ["directory", "file"])
def test_a_child_forked_inside_leaves_the_lock_to_its_parent(tmp_path: Path, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK_INSIDE, str(tmp_path), way], timeout=60, check=False
    )
    assert done.returncode == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReadOnlyError, match="cannot write"), directory_lock(str(tmp_path)):
        pass


def test_no_directory_can_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), directory_lock(str(tmp_path / "file" / "x")):
        pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such place")
def test_a_place_where_nothing_can_be_made_is_an_error() -> None:
    with (
        pytest.raises(ReadOnlyError, match="cannot make the directory /proc/iohub"),
        locks.directory_lock("/proc/iohub", timeout=0.0),
    ):
        pass
