"""Files that are opened late, once per process, and closed."""

from __future__ import annotations

import gc
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from iohub.errors import ClosedError
from iohub.formats.handles import Handle


class File:
    def __init__(self, log):
        self.log = log
        log.append("open")

    def close(self):
        self.log.append("close")


@pytest.fixture
def log():
    return []


@pytest.fixture
def handle(log):
    return Handle(lambda: File(log), File.close, "x.tif")


def test_it_is_opened_when_needed_and_once(handle, log):
    assert log == []
    assert handle.get() is handle.get()
    handle.close()
    handle.close()
    assert log == ["open", "close"]


def test_many_threads_open_it_once(log):
    handle = Handle(lambda: time.sleep(0.05) or File(log), File.close)
    with ThreadPoolExecutor(8) as threads:
        files = list(threads.map(lambda _: handle.get(), range(64)))
    assert log == ["open"]
    assert all(file is files[0] for file in files)


def test_after_close(handle, log):
    handle.close()
    with pytest.raises(ClosedError, match=r"x\.tif is closed; open it again"):
        handle.get()
    assert log == []


def test_what_nobody_closes_is_closed_in_the_end(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    handle = Handle(lambda: (tmp_path / "a").open("rb"), lambda file: file.close())
    file = handle.get()
    assert file.read() == b"abc"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del handle
        gc.collect()
        assert file.closed
        del file
        gc.collect()
    assert caught == []


def test_an_error_while_opening_is_not_kept(log):
    fail = [True]

    def opens():
        if fail:
            raise OSError(fail.pop())
        return File(log)

    handle = Handle(opens, File.close)
    with pytest.raises(OSError, match="True"):
        handle.get()
    handle.get()
    handle.close()
    assert log == ["open", "close"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_it_anew(handle, log):
    handle.get()
    handle._lock.acquire()  # as another thread may hold it
    child = os.fork()
    if child == 0:
        try:
            fresh = handle.get()
            right = log == ["open", "open"] and handle.get() is fresh
            handle.close()
            os._exit(0 if right and log == ["open", "open", "close"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    handle._lock.release()
    handle.close()
    assert log == ["open", "close"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_does_not_close_its_parents_file(handle, log):
    handle.get()
    child = os.fork()
    if child == 0:
        try:
            handle.close()
            os._exit(0 if log == ["open"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    handle.close()
