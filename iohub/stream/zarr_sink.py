"""The default sink for OME-Zarr: frames become whole chunks and shards, each written once.

Why pixels do not pass through an engine where :mod:`iohub.storage.chunk_encoding` can encode them:
it copies each frame once more to cut it. Processor time per frame with the best one, TensorStore,
and without: 0.52 and 0.20 ms at 512², 4.6 and 3.1 ms at 2048², 5.1 and 4.2 ms in shards of 8 frames
of 2048² (``scripts/bench_stream.py`` compares them). A frame that is a chunk is written as it is,
by the caller if nothing speaks against it (:mod:`iohub.stream.prompt`). Else the caller's copy,
which lets the camera use its memory again, lies chunk by chunk, a shard with its index behind it.
What cannot be encoded so goes to the array's engine, a slab at a time.

What is not whole after the flush limit is written all the same, and once more when it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from iohub.storage import grid
from iohub.stream.level_sink import LevelSink
from iohub.stream.prompt import Prompt
from iohub.stream.sink import Frame
from iohub.stream.slabs import Slab

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.stream.buffer import FrameQueue
    from iohub.stream.sink import Written
    from iohub.types import NDArray, PyramidMethod, Shape


class ZarrSink:
    """All positions of a stream into OME-Zarr; a :class:`~iohub.stream.sink.Sink`.

    Parameters
    ----------
    arrays : sequence of sequence of ZarrArray
        For each position its levels, the full one first.
    queue : FrameQueue
        Memory and threads; closed with the sink.
    written : callable
        Told of frames that are in the file.
    growing : int, optional
        The axis whose size is not known.
    engine : bool
        Whether pixels go to the arrays' engine even if they could be encoded here.
    fsync : {"never", "close", "chunk"}
        When the disk is told to keep it over a power cut.
    method : str
        How pixels of lower levels are made.
    """

    def __init__(
        self,
        arrays: Sequence[Sequence[ZarrArray]],
        queue: FrameQueue,
        written: Written,
        *,
        growing: int | None = None,
        engine: bool = False,
        fsync: str = "close",
        method: PyramidMethod = "mean",
    ):
        self._queue, self._written, self._fsync = queue, written, fsync
        self._tops: list[LevelSink] = []
        self._open_bytes = 0
        for levels in arrays:
            sinks = [
                LevelSink(
                    array,
                    queue,
                    growing=growing,
                    engine=engine,
                    sync=fsync == "chunk",
                    urgent=number > 0,
                )
                for number, array in enumerate(levels)
            ]
            for above, below in pairwise(sinks):
                above.below, above.method = below, method
                above.factors = _factors(above.array.spec.shape, below.array.spec.shape)
            self._tops.append(sinks[0])
        largest = max(top.layout.nbytes for top in self._tops)
        direct = any(top.direct for top in self._tops)
        self._prompt = Prompt(queue, largest, direct and fsync != "chunk")
        if not self._prompt.always or not all(top.direct for top in self._tops):
            queue.warm()

    def write(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> None:
        """Take a frame (Y, X); see :class:`~iohub.stream.sink.Sink`."""
        top = self._tops[frame.position]
        if top.direct and self._prompt.ready() and pixels.flags.c_contiguous:
            self._prompt.write(top.store_frame, frame, pixels)
            self._written((frame,))
            return
        room = self._queue.max_bytes - top.layout.nbytes
        while self._open_bytes > room and self._evict():
            pass
        before = top.open_bytes
        slab = top.take(frame, pixels, copy=copy)
        self._open_bytes += top.open_bytes - before
        if slab is not None:
            self._queue.submit(self._finish, top, slab)

    def flush(self, older_than: float = 0.0) -> None:
        """Write what is not whole, if its first frame has waited for so long [s]."""
        before = time.monotonic() - older_than
        for top in self._tops:
            for slab in top.aged(before):
                slab.since = time.monotonic()
                self._queue.submit(self._store_part, top, slab)

    def wait(self) -> None:
        """Wait until what was handed over is in the file."""
        self._queue.flush()

    def close(self) -> None:
        """Write everything and wait for it."""
        try:
            for top in self._tops:
                while self._evict_of(top):
                    pass
            self._queue.flush()
            for top in self._tops:
                self._close_below(top)
        except BaseException as error:
            self._queue.fail(error)
            raise
        finally:
            self._queue.close()

    def settle(self, sizes: Sequence[int]) -> None:
        """Give the growing axis of each position its size, once closed."""
        for top, size in zip(self._tops, sizes, strict=True):
            level: LevelSink | None = top
            while level is not None:
                if level.growing is not None:
                    level.resize(size)
                if self._fsync == "close":
                    level.force()
                level = level.below

    @property
    def error(self) -> BaseException | None:
        """The first error of a thread."""
        return self._queue.error

    @property
    def waiting_bytes(self) -> int:
        """Memory that frames take which are not written [bytes]."""
        return self._queue.leased

    def _finish(self, level: LevelSink, slab: Slab) -> None:
        try:
            frames = level.store(slab, whole=True)
        finally:
            level.drop(slab)
        self._written(frames)

    def _store_part(self, level: LevelSink, slab: Slab) -> None:
        self._written(level.store(slab, whole=False))

    def _evict(self) -> bool:
        """Write the slab untouched for longest as it is, to have its memory back."""
        open_ones = [top for top in self._tops if top.open]
        if not open_ones:
            return False
        oldest = min(open_ones, key=lambda top: next(iter(top.open.values())).since)
        return self._evict_of(oldest)

    def _evict_of(self, top: LevelSink) -> bool:
        slab = top.evict()
        if slab is None:
            return False
        self._open_bytes -= top.layout.nbytes
        self._queue.submit(self._finish, top, slab)
        return True

    @staticmethod
    def _close_below(top: LevelSink) -> None:
        level = top.below
        while level is not None:
            while (slab := level.evict()) is not None:
                level.store(slab, whole=True)
                level.drop(slab)
            level = level.below


def _factors(above: Shape, below: Shape) -> Shape:
    return tuple(grid.ceil_div(a, b) if b else 1 for a, b in zip(above, below, strict=True))
