"""The bounded queue: memory has a limit, errors arrive, nothing is waited for forever."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from iohub.errors import ArgumentError, ClosedError, QueueFullError
from iohub.stream.buffer import FrameQueue


def test_memory_is_limited_and_used_again():
    queue = FrameQueue(100)
    first, second = queue.lease(40), queue.lease(40)
    gate, got = threading.Event(), []

    def third():
        got.append(queue.lease(40))
        gate.set()

    thread = threading.Thread(target=third)
    thread.start()
    assert not gate.wait(0.05)
    queue.release(first)
    assert gate.wait(5)
    thread.join()
    assert queue.stalls == 1
    assert queue.most_leased == 80
    assert np.shares_memory(got[0], first)
    assert not np.shares_memory(got[0], second)
    queue.close()


def test_a_full_queue_may_refuse():
    queue = FrameQueue(100, "raise")
    memory = queue.lease(60)
    with pytest.raises(QueueFullError, match="60 of 100 bytes"):
        queue.lease(60)
    queue.release(memory)
    assert queue.lease(60).nbytes == 60
    queue.close()


def test_a_piece_larger_than_the_queue_is_leased_alone():
    queue = FrameQueue(10)
    assert queue.lease(1000).nbytes == 1000
    queue.close()


def test_an_error_of_a_job_arrives_and_later_jobs_are_dropped():
    queue, done = FrameQueue(100), []

    def fail():
        raise OSError(28, "No space left on device")

    queue.submit(fail)
    with pytest.raises(OSError, match="No space"):
        queue.flush()
    with pytest.raises(OSError, match="No space"):
        queue.submit(done.append, 1)
    with pytest.raises(OSError, match="No space"):
        queue.lease(10)
    queue.close()
    assert not done
    assert isinstance(queue.error, OSError)


def test_who_waits_for_memory_learns_of_an_error():
    queue, gate = FrameQueue(100), threading.Event()
    queue.lease(100)

    def fail():
        gate.wait(5)
        raise ValueError("broken")

    queue.submit(fail)
    threading.Timer(0.02, gate.set).start()
    with pytest.raises(ValueError, match="broken"):
        queue.lease(100)
    queue.close()


def test_one_worker_keeps_the_order_and_closing_waits():
    queue, done = FrameQueue(100), []
    for number in range(50):
        queue.submit(done.append, number)
    queue.close()
    assert done == list(range(50))
    with pytest.raises(ClosedError):
        queue.submit(done.append, 51)
    queue.close()


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"workers": 0}, {"on_full": "drop"}])
def test_impossible_queues_are_refused(options):
    with pytest.raises(ArgumentError):
        FrameQueue(**{"max_bytes": 10, **options})
