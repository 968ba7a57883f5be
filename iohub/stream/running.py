"""A stream while it runs, without what a user holds: sink, journal, counts and the clock.

The user's object may be dropped while this goes on, so it does not know that object.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.display.quantities import human_bytes
from iohub.errors import DTypeError, ShapeError
from iohub.stream.contrast import Contrast
from iohub.stream.events import tell_error
from iohub.stream.tally import Tally

if TYPE_CHECKING:
    from iohub.stream.ending import PositionState
    from iohub.stream.journal import Journal
    from iohub.stream.options import Progress, StreamOptions
    from iohub.stream.sink import Frame, Sink
    from iohub.types import NDArray

_TICK = 1.0  # [s], at most


class StreamRun:
    """Takes frames, keeps count of those that are in the file, and ends the stream.

    Parameters
    ----------
    options : StreamOptions
        How it works.
    states : sequence of PositionState
        One for each position.
    total : int or None
        How many frames are to come.
    journal : Journal or None
        Where to note what is written; None where the place has no directory.
    finish : callable
        Called when all is written, with this object: writes the documents.
    channel_axis : int, optional
        Which of the axes before (Y, X) is that of the channels.

    Attributes
    ----------
    sink : Sink
        To be set before the first frame.
    taken : Tally
        Numbers of frames that were appended.
    skipped : Tally
        Numbers of frames that were left out on purpose.
    error : BaseException or None
        Of the clock, such as that of a journal on a full disk; frames that were taken are written
        all the same.
    """

    sink: Sink

    def __init__(
        self,
        options: StreamOptions,
        states: Sequence[PositionState],
        total: int | None,
        journal: Journal | None,
        finish: Callable[[StreamRun], None],
        channel_axis: int | None = None,
    ):
        self.options, self.states, self.total, self.journal = options, states, total, journal
        self.taken, self.skipped = Tally(), Tally()
        self.frames_written = 0
        self.closed = False
        self.contrast: dict[int, Contrast] = {}
        self._finish, self._channel_axis = finish, channel_axis
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._clock: threading.Thread | None = None
        self._began = 0.0
        self.error: BaseException | None = None

    # ---- frames -------------------------------------------------------------------------------

    def put(self, frame: Frame, pixels: NDArray, copy: bool) -> None:
        """Hand a frame to the sink.

        Raises
        ------
        Exception
            The error of an earlier frame, or of the journal; this one is not taken then.
        """
        if self._clock is None:
            self._start()
        if self.error is not None:
            raise self.error
        self.sink.write(frame, pixels, copy=copy)
        self.taken.add(frame.number)
        if self.options.contrast:
            axis = self._channel_axis
            channel = 0 if axis is None else frame.index[axis]
            self.contrast.setdefault(channel, Contrast()).look(pixels)

    def skip(self, number: int, place: tuple[int, tuple[int, ...]]) -> None:
        """Note a frame that is left out on purpose."""
        self.skipped.add(number)
        with self._lock:
            self.states[place[0]].skip(place[1])
        if self.journal is not None:
            self.journal.note("skipped", [number, *place])

    def written(self, frames: Sequence[Frame]) -> None:
        """Note frames whose pixels are in the file; the sink calls this from its threads."""
        with self._lock:
            for frame in frames:
                self.frames_written += self.states[frame.position].add(frame)
            if self.journal is not None:
                self.journal.add(frames)

    # ---- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """Wait until everything is in the file, and write the documents.

        Raises
        ------
        Exception
            The first error of a thread; what could be written, documents too, is there then.
        """
        if self.closed:
            return
        self.closed = True
        self._stop.set()
        if self._clock is not None and self._clock is not threading.current_thread():
            self._clock.join()
        done = False
        try:
            try:
                self.sink.close()
            finally:
                self._finish(self)
            done = True
        finally:
            if self.journal is not None:
                self.journal.close(remove=done and self.sink.error is None)
        self._tell(last=True)
        if self.sink.error is not None:
            raise self.sink.error

    def settle(self) -> None:
        """Write what has come, also chunks that are not whole, wait for it, and note it.

        Raises
        ------
        Exception
            The error of a frame.
        """
        if not self.closed:
            self.sink.flush()
            self.sink.wait()
            if self.journal is not None:
                self.journal.flush()

    # ---- the clock ----------------------------------------------------------------------------

    def _start(self) -> None:
        self._began = time.monotonic()
        self._clock = threading.Thread(target=self._tick, name="iohub-stream-clock", daemon=True)
        self._clock.start()

    def _tick(self) -> None:
        limit = self.options.flush_seconds
        pause = min(_TICK, limit / 5)
        while not self._stop.wait(pause):
            if self.sink.error is not None:
                return  # the next append tells it
            try:
                self.sink.flush(limit / 2)
                if self.journal is not None:
                    self.journal.flush()
            except BaseException as error:  # noqa: BLE001 - of whatever kind: append tells it
                self.error = error
                return
            self._tell()

    def _tell(self, *, last: bool = False) -> None:
        progress: Progress = self.options.progress
        if not progress:
            return
        if progress is not True:
            try:
                progress(self.frames_written, self.total)
            except Exception as error:  # noqa: BLE001 - of a user's; frames go on
                tell_error(error)
            return
        seconds = max(time.monotonic() - self._began, 1e-3)
        line = progress_line(
            self.frames_written, self.total, self.frames_written / seconds, self.sink.waiting_bytes
        )
        live = sys.stderr.isatty()
        if live or last:
            sys.stderr.write(("\r" if live else "") + line + ("\n" if last else "\x1b[K"))
            sys.stderr.flush()


def progress_line(done: int, total: int | None, rate: float, waiting: int) -> str:
    """Return a line: frames, rate, queue and, if it is known, time left.

    Parameters
    ----------
    done, total : int
        Frames in the file, and in all.
    rate : float
        Frames per second.
    waiting : int
        Memory of frames that wait [bytes].
    """
    parts = [f"{done} frames" if total is None else f"{done} of {total} frames"]
    parts += [f"{rate:.1f}/s", f"queue {human_bytes(waiting)}"]
    if total is not None and rate > 0 and done < total:
        minutes, seconds = divmod(round((total - done) / rate), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return ", ".join(parts)


def check_frame(pixels: Any, shape: tuple[int, int], dtype: np.dtype[Any], number: int) -> NDArray:
    """Return the pixels of a frame; nothing is cast.

    Raises
    ------
    ShapeError, DTypeError
        If they are of another shape or type than was declared.
    """
    frame = np.asarray(pixels)
    if frame.shape != shape:
        raise ShapeError(
            f"frame {number} has the shape {frame.shape}, and (y, x) = {shape} was declared"
        )
    if frame.dtype != dtype:
        raise DTypeError(
            f"frame {number} is of type {frame.dtype}, and {dtype} was declared: cast it, or "
            "declare its type"
        )
    return frame
