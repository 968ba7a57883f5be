"""Who writes a frame: the caller of append, or a thread."""

import threading

import numpy as np
import pytest

from iohub.storage.local import LocalBytes
from iohub.stream import AcquisitionSettings, Dimension, create_stream, prompt
from iohub.stream.buffer import FrameQueue
from iohub.stream.prompt import Prompt


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""
    now = [100.0]
    monkeypatch.setattr(prompt.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def queue():
    found = FrameQueue(1 << 20, workers=2)
    yield found
    found.close()


def _write(asked: Prompt, clock: list[float], seconds: float = 0.0002) -> bool:
    """Write a frame if it may be written here."""
    ready = asked.ready()
    if ready:
        asked.write(lambda: clock.__setitem__(0, clock[0] + seconds))
    return ready


def test_frames_one_upon_the_other_are_written_by_the_caller(clock, queue):
    asked = Prompt(queue, 100)
    assert all(_write(asked, clock) for _ in range(5))
    clock[0] += 0.05  # a camera that leaves time
    assert not _write(asked, clock)
    assert _write(asked, clock)


def test_threads_write_while_the_disk_does_not_keep_up(clock, queue):
    asked = Prompt(queue, 100)
    assert _write(asked, clock, 0.0002)
    assert _write(asked, clock, 0.5)
    for _ in range(4):
        assert not _write(asked, clock)
        clock[0] += 0.0002
    clock[0] += 10
    _write(asked, clock)
    assert _write(asked, clock)


def test_large_frames_go_to_idle_threads(clock, queue, monkeypatch):
    monkeypatch.setattr(prompt.os, "cpu_count", lambda: 2)
    asked, gate = Prompt(queue, 1 << 23), threading.Event()
    assert not asked.always
    assert not _write(asked, clock)
    queue.submit(gate.wait, 10)
    assert _write(asked, clock)
    gate.set()


def test_frames_that_take_long_to_encode_go_to_idle_threads(clock, queue):
    asked = Prompt(queue, 100)
    assert _write(asked, clock, 0.002)
    assert not _write(asked, clock)


def test_an_order_is_kept(clock, queue):
    asked, gate = Prompt(queue, 100, ordered=True), threading.Event()
    clock[0] += 1
    assert _write(asked, clock)
    queue.submit(gate.wait, 10)
    assert not _write(asked, clock)
    gate.set()
    queue.flush()
    assert _write(asked, clock)


def test_an_error_is_that_of_all_later_frames(queue):
    def full() -> None:
        raise OSError(28, "No space left on device")

    asked = Prompt(queue, 100)
    for put in (full, lambda: None):
        with pytest.raises(OSError, match="No space"):
            asked.write(put)
    assert isinstance(queue.error, OSError)


@pytest.mark.parametrize("on_full", ["block", "raise"])
def test_append_waits_for_the_disk_only_if_it_may(tmp_path, monkeypatch, on_full):
    writers, real = [], LocalBytes.set

    def noting(store, key, value):
        if "/c/" in key:
            writers.append(threading.current_thread() is threading.main_thread())
        real(store, key, value)

    monkeypatch.setattr(LocalBytes, "set", noting)
    settings = AcquisitionSettings(
        root_path=str(tmp_path / "a.ome.zarr"),
        dimensions=[
            Dimension(name="t", count=20, type="time"),
            Dimension(name="y", count=16, type="space"),
            Dimension(name="x", count=16, type="space"),
        ],
        dtype="uint16",
    )
    with create_stream(settings, on_full=on_full) as stream:
        for number in range(20):
            stream.append(np.full((16, 16), number, np.uint16))
    assert len(writers) == 20
    assert any(writers) is (on_full == "block")
    np.testing.assert_array_equal(stream.nodes[0]["0"][:, 0, 0], np.arange(20))
