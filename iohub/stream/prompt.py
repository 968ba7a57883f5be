"""Whether the caller of ``append`` writes a frame himself, or leaves it to a thread.

To hand a small frame to a thread costs more processor time than to write it: a copy, two changes of
thread, and memory that the other processor does not have at hand. Measured with frames of 512²:
0.20 ms of processor time when the caller writes, 0.34 ms by a queue, 0.16 ms for the system's calls
alone. So the caller writes frames that come one upon the other. A camera that leaves time between
its frames wants ``append`` to be short, not the processor to be spared: its frames go to threads;
so do all while the disk does not keep up. Large frames are worth a copy: the caller writes those
only that come while the other processors are busy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from iohub.errors import IohubError

if TYPE_CHECKING:
    from iohub.stream.buffer import FrameQueue

_SLOW, _PATIENCE = 0.02, 10
"""A write that takes longer [s], and for how many times as long threads write then."""

_OFTEN = 4.0
"""Frames follow one upon the other if the next comes after as many times what a write takes."""

_LARGE = 2 * 2**20
"""Frames of so many bytes are given to a thread if one is idle."""

_DEAR = 5e-4
"""So are those that take so long to encode and write [s]."""


class Prompt:
    """Writes in the thread of the caller as long as that is quick.

    Parameters
    ----------
    queue : FrameQueue
        For frames that the caller does not write. If it refuses what it has no room for, ``append``
        must not wait for the disk, and the caller writes nothing.
    nbytes : int
        Size of a frame [bytes].
    allowed : bool
        Whether the caller may write at all.
    ordered : bool
        Whether frames are written in their order: the caller waits for no thread then.
    """

    def __init__(
        self, queue: FrameQueue, nbytes: int, allowed: bool = True, *, ordered: bool = False
    ):
        self.allowed = allowed and queue.on_full == "block"
        self._others = min(queue.workers, (os.cpu_count() or 1) - 1)
        self._large = nbytes >= _LARGE and not ordered
        self._queue, self._ordered, self._slow_until = queue, ordered, 0.0
        self._last, self._cost = 0.0, inf

    @property
    def always(self) -> bool:
        """Whether threads write only while the disk does not keep up."""
        return self.allowed and not self._large

    def ready(self) -> bool:
        """Whether the frame that has come may be written here; asked once for each."""
        if not self.allowed:
            return False
        now = time.monotonic()
        gap, self._last = now - self._last, now
        if now < self._slow_until:
            return False
        if self._ordered:
            return not self._queue.waiting
        least = self._others if self._large or _DEAR < self._cost < inf else 0
        return gap < _OFTEN * self._cost and self._queue.waiting >= least

    def write(self, put: Callable[..., object], *arguments: Any) -> None:
        """Write a frame, and see how long it takes.

        Raises
        ------
        Exception
            The error of an earlier frame, or of this one, which later ones then have too.
        """
        self._queue.check()
        began = time.monotonic()
        try:
            put(*arguments)
        except (OSError, IohubError) as error:
            self._queue.fail(error)
            raise
        took = time.monotonic() - began
        self._cost = min(self._cost, took)
        if took > _SLOW:
            self._slow_until = began + _PATIENCE * took
