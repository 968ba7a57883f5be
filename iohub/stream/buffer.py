"""The bounded queue in front of a sink: pooled memory, threads, and their errors.

All memory that frames take while they wait is leased here, so its sum has a limit. Memory is used
again: to get fresh pages from the system costs as much as writing them.
"""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, ClosedError, QueueFullError

if TYPE_CHECKING:
    from iohub.stream.options import OnFull
    from iohub.types import NDArray


WARM_BYTES, WARM_MOST, WARM_FRAMES = 16 * 2**20, 64 * 2**20, 6
"""Memory that is got from the system at once, at least; it is preferred as long as it lasts."""

_PAUSE_PER_BYTE, _LONGEST_PAUSE = 3e-10, 25e-3
"""How long it is waited for warm memory: as long as new pages take [s]."""


class FrameQueue:
    """Jobs for threads, and the memory that they use, in bytes, with a limit.

    Parameters
    ----------
    max_bytes : int
        Memory that may be leased at a time [bytes]; a single larger piece is still leased, alone.
    on_full : {"block", "raise"}
        What :meth:`lease` does when there is no more: wait, or refuse.
    workers : int
        Threads; with one, jobs are done in their order.
    piece : int
        What is leased at a time, usually [bytes].

    Attributes
    ----------
    error : BaseException or None
        The first one of a job; later jobs are dropped.
    leased, most_leased : int
        Memory in use, and the most there was [bytes].
    stalls : int
        How many times memory had to be waited for.
    """

    def __init__(self, max_bytes: int, on_full: OnFull = "block", workers: int = 1, piece: int = 1):
        if max_bytes < 1 or workers < 1:
            raise ArgumentError("a queue needs at least one byte of memory and one worker")
        if on_full not in ("block", "raise"):
            raise ArgumentError(f"on_full is 'block' or 'raise', not {on_full!r}")
        self.max_bytes, self.on_full, self.workers = max_bytes, on_full, workers
        self.error: BaseException | None = None
        self.leased = self.most_leased = self.stalls = 0
        self._jobs: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None]
        self._jobs = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._unfinished = 0
        self._spare: defaultdict[int, list[NDArray]] = defaultdict(list)
        self._spare_bytes = 0
        self._closed = False
        self._piece = piece
        self._arena, self._fresh = np.empty(0, np.uint8), 4 * piece
        self._cut = 0
        self._threads: list[threading.Thread] = []

    def warm(self) -> None:
        """Get memory from the system now, not while frames come, unless it is too much."""
        if 2 * self._piece > WARM_MOST:
            self._fresh = 3 * self._piece
            return
        size = min(self.max_bytes, max(WARM_BYTES, min(WARM_MOST, WARM_FRAMES * self._piece)))
        self._arena = np.empty(size, np.uint8)
        self._arena[::4096] = 0  # makes the pages

    @property
    def waiting(self) -> int:
        """How many jobs are not done."""
        return self._unfinished

    def lease(self, nbytes: int, *, urgent: bool = False) -> NDArray:
        """Return memory, uint8 (nbytes,); what is in it is left over from before.

        Parameters
        ----------
        nbytes : int
            How much [bytes].
        urgent : bool
            Take it even if there is none; for what a job needs to go on.

        Raises
        ------
        QueueFullError
            If the limit is reached and `on_full` says so; a :class:`BufferError`.
        Exception
            The error of a job.
        """
        with self._changed:
            if not urgent and not self._fits(nbytes):
                if self.on_full == "raise":
                    raise QueueFullError(
                        f"the queue is full: {self.leased} of {self.max_bytes} bytes wait to be "
                        "written and the disk does not keep up; give queue_bytes a larger number, "
                        "or on_full='block' to wait"
                    )
                self.stalls += 1
                self._changed.wait_for(lambda: self.error or self._fits(nbytes))
            elif not urgent and self.on_full == "block" and not self._has_warm(nbytes):
                pause = min(nbytes * _PAUSE_PER_BYTE, _LONGEST_PAUSE)
                self._changed.wait_for(lambda: self.error or self._has_warm(nbytes), pause)
            self.check()
            self.leased += nbytes
            self.most_leased = max(self.most_leased, self.leased)
            return self._memory(nbytes)

    def release(self, memory: NDArray) -> None:
        """Give memory back that was leased."""
        with self._changed:
            self.leased -= memory.nbytes
            if self._spare_bytes + self.leased + memory.nbytes <= self.max_bytes:
                self._spare[memory.nbytes].append(memory)
                self._spare_bytes += memory.nbytes
            self._changed.notify_all()

    def submit(self, job: Callable[..., object], *arguments: Any) -> None:
        """Have a job done by a thread.

        Raises
        ------
        ClosedError
            After :meth:`close`; a :class:`ValueError`.
        Exception
            The error of an earlier job.
        """
        with self._changed:
            self.check()
            if self._closed:
                raise ClosedError("the queue is closed")
            self._unfinished += 1
            if not self._threads:
                self._start()
        self._jobs.put((job, arguments))

    def check(self) -> None:
        """Raise the error of a job, if there was one."""
        if self.error is not None:
            raise self.error

    def fail(self, error: BaseException) -> None:
        """Note an error of somebody else's, as if a job had had it."""
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all jobs are done.

        Raises
        ------
        Exception
            The first error of a job.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._unfinished)
            self.check()

    def close(self) -> None:
        """Wait until all jobs are done, and end the threads; errors stay in :attr:`error`."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.wait_for(lambda: not self._unfinished)
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._spare.clear()
        self._spare_bytes = 0

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"iohub-stream-{i}", daemon=True)
            for i in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()

    def _fits(self, nbytes: int) -> bool:
        return self.leased == 0 or self.leased + nbytes <= self.max_bytes

    def _has_warm(self, nbytes: int) -> bool:
        return (
            bool(self._spare[nbytes])
            or self._cut + nbytes <= self._arena.nbytes
            or self.leased + nbytes <= self._fresh
        )

    def _memory(self, nbytes: int) -> NDArray:
        if spare := self._spare[nbytes]:
            self._spare_bytes -= nbytes
            return spare.pop()
        if self._cut + nbytes <= self._arena.nbytes:
            self._cut += nbytes
            return self._arena[self._cut - nbytes : self._cut]
        while self._spare_bytes and self._spare_bytes + self.leased > self.max_bytes:
            self._drop_spare()
        return np.empty(nbytes, np.uint8)

    def _drop_spare(self) -> None:
        size = next(size for size, kept in self._spare.items() if kept)
        self._spare[size].pop()
        self._spare_bytes -= size

    def _work(self) -> None:
        while (found := self._jobs.get()) is not None:
            job, arguments = found
            try:
                if self.error is None:
                    job(*arguments)
            except BaseException as error:  # noqa: BLE001 - of whatever kind: the caller gets it
                self.fail(error)
            finally:
                del job, arguments, found
                with self._changed:
                    self._unfinished -= 1
                    self._changed.notify_all()
