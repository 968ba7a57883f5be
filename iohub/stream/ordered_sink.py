"""A sink that writes frames one after the other in one thread; what writes them is handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from iohub.stream.prompt import Prompt
from iohub.stream.sink import Frame

if TYPE_CHECKING:
    from iohub.stream.buffer import FrameQueue
    from iohub.stream.sink import Written
    from iohub.types import NDArray

_NOTHING = np.empty(0, np.uint8)


class OrderedSink:
    """Copies frames into a queue of one worker; a :class:`~iohub.stream.sink.Sink`.

    Parameters
    ----------
    put : callable
        Writes a frame: ``put(frame, pixels)``; called in the queue's thread.
    queue : FrameQueue
        With one worker.
    written : callable
        Told of frames that are in the file.
    end : callable
        Called once when all is written.
    nbytes : int
        Size of a frame [bytes].
    slow : bool
        Whether to write a frame takes longer than to copy its bytes.
    """

    def __init__(
        self,
        put: Callable[[Frame, NDArray], None],
        queue: FrameQueue,
        written: Written,
        end: Callable[[], None],
        *,
        nbytes: int,
        slow: bool = False,
    ):
        self._put, self._queue, self._written, self._end = put, queue, written, end
        self._prompt = Prompt(queue, nbytes, not slow, ordered=True)
        if not self._prompt.always:
            queue.warm()

    def write(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> None:
        """Take a frame (Y, X); see :class:`~iohub.stream.sink.Sink`."""
        if self._prompt.ready():
            self._prompt.write(self._put, frame, pixels)
            self._written((frame,))
            return
        memory = _NOTHING
        if copy:
            memory = self._queue.lease(pixels.nbytes)
            kept = memory.view(pixels.dtype).reshape(pixels.shape)
            kept[...] = pixels
            pixels = kept
        self._queue.submit(self._job, frame, pixels, memory)

    def _job(self, frame: Frame, pixels: NDArray, memory: NDArray) -> None:
        try:
            self._put(frame, pixels)
        finally:
            if memory is not _NOTHING:
                self._queue.release(memory)
        self._written([frame])

    def flush(self, older_than: float = 0.0) -> None:
        """Nothing waits to be complete here."""

    def wait(self) -> None:
        """Wait until what was handed over is in the file."""
        self._queue.flush()

    def close(self) -> None:
        """Write everything and wait for it."""
        self._queue.close()
        self._end()

    def settle(self, sizes: Sequence[int]) -> None:
        """Nothing has a size of its own here."""

    @property
    def error(self) -> BaseException | None:
        """The first error of the thread."""
        return self._queue.error

    @property
    def waiting_bytes(self) -> int:
        """Memory that frames take which are not written [bytes]."""
        return self._queue.leased
