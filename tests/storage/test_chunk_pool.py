"""Decoded chunks that are kept: which, how many, and after a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from iohub.storage import chunk_pool, settings
from tests.storage.virtual_files import Reader


@pytest.fixture
def reader():
    reader = Reader(np.arange(400, dtype="u1").reshape(4, 100), (1, 100))
    yield reader
    chunk_pool.drop(reader)


@pytest.fixture(autouse=True)
def empty_pool():
    for source in {id(s): s for s, _ in chunk_pool._held.values()}.values():
        chunk_pool.drop(source)
    yield
    assert chunk_pool._size == [0]
    assert not chunk_pool._held


def test_a_chunk_is_decoded_once(reader):
    first = chunk_pool.get(reader, (1, 0))
    assert chunk_pool.get(reader, (1, 0)) is first
    assert reader.decoded == [(1, 0)]


def test_who_leaves_is_forgotten_at_the_next_call(reader):
    other = Reader(np.zeros((1, 10), "u1"), (1, 10))
    chunk_pool.get(other, (0, 0))
    chunk_pool.leave(other)
    chunk_pool.get(reader, (0, 0))
    assert [source for source, _ in chunk_pool._held.values()] == [reader]


def test_the_oldest_go_first(reader):
    with settings.set_options(pool_bytes=250):
        for t in (0, 1, 0, 2):  # 1 is the one not used for longest
            chunk_pool.get(reader, (t, 0))
        reader.decoded.clear()
        chunk_pool.get(reader, (0, 0))
        chunk_pool.get(reader, (2, 0))
        assert reader.decoded == []
        chunk_pool.get(reader, (1, 0))
        assert reader.decoded == [(1, 0)]
        assert chunk_pool._size == [200]


def test_a_chunk_larger_than_the_pool_is_not_kept(reader):
    with settings.set_options(pool_bytes=300):
        chunk_pool.get(reader, (0, 0))
        large = Reader(np.zeros((1, 301), "u1"), (1, 301))
        chunk_pool.get(large, (0, 0))
        chunk_pool.get(large, (0, 0))
        assert len(large.decoded) == 2
        chunk_pool.get(reader, (0, 0))
        assert len(reader.decoded) == 1


def test_sources_are_told_apart(reader):
    other = Reader(np.ones((4, 100), "u1"), (1, 100))
    chunk_pool.get(reader, (0, 0))
    assert (chunk_pool.get(other, (0, 0)) == 1).all()
    chunk_pool.drop(reader)
    chunk_pool.get(other, (0, 0))
    assert len(other.decoded) == 1
    chunk_pool.drop(other)


def test_many_threads(reader):
    with settings.set_options(pool_bytes=250), ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda i: chunk_pool.get(reader, (i % 4, 0)), range(400))
        for i, chunk in enumerate(found):
            np.testing.assert_array_equal(chunk, reader.pixels[[i % 4]])
        assert chunk_pool._size[0] <= 250


FORKING = """
import os, signal, threading, warnings
import numpy as np
from iohub.storage import chunk_pool
from tests.storage.virtual_files import Reader

warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
reader, stop = Reader(np.zeros((4, 100), "u1"), (1, 100)), threading.Event()

def work():
    while not stop.is_set():
        chunk_pool.get(reader, (0, 0))

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(60):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        chunk_pool.get(reader, (0, 0))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_other_threads_read(root):
    subprocess.run([sys.executable, "-c", FORKING], cwd=root, check=True, timeout=120)
