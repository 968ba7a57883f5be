"""What a user holds while frames come: ``OMEStream``. It routes and checks; a sink writes."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, BoundsError, StreamClosedError, UnclosedStreamWarning
from iohub.stream.events import CoordTracker, CoordUpdate, reached
from iohub.stream.notes import frame_note
from iohub.stream.running import StreamRun, check_frame
from iohub.stream.sink import Frame
from iohub.stream.view import Readable, StreamView

if TYPE_CHECKING:
    from typing import Self

    from iohub.nodes.position import Position
    from iohub.stream.plan import StreamPlan
    from iohub.stream.target import Target
    from iohub.types import JsonObject, NDArray


class OMEStream:
    """Takes frames one by one and writes them where they belong; a context manager.

    Made by :func:`iohub.stream.create_stream`, ``Position.create_stream``, ``Plate.create_stream``
    and ``ImageArray.stream``. Frames may come from any thread, one at a time.

    Parameters
    ----------
    plan : StreamPlan
        What is made.
    target : Target
        Where it is made, and who writes it.
    run : StreamRun
        With its sink.

    Examples
    --------
    >>> with create_stream(settings) as stream:
    ...     for frame in camera:
    ...         stream.append(frame, frame_metadata={"exposure_time": 0.01})
    """

    def __init__(self, plan: StreamPlan, target: Target, run: StreamRun):
        self._plan, self._target, self._run = plan, target, run
        self._router = plan.route
        self._number = self._router.first
        self._next: tuple[int, tuple[int, ...]] | None = None
        self._frame, self._dtype = plan.arrays[0].frame_shape, plan.arrays[0].dtype
        self._events = CoordTracker(plan.settings)
        self._reached = [0] * (len(plan.settings.dimensions) - 2)
        self._ordered = True
        self._lock = threading.RLock()
        self._finalizer = weakref.finalize(self, _close_dropped, run, plan.output_path)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        where = self._plan.output_path or "memory"
        return f"<OMEStream {where}, {state}, {self.frames_appended} frames>"

    # ---- frames -------------------------------------------------------------------------------

    def append(
        self,
        frame: Any,
        *,
        frame_metadata: Mapping[str, Any] | None = None,
        at: Mapping[str, int] | None = None,
    ) -> None:
        """Write the next frame, or the one at a place.

        Parameters
        ----------
        frame : array-like
            Pixels (Y, X) of the declared shape and type. They are copied, so the camera may use
            its memory again at once, unless the stream was made with ``copy=False``.
        frame_metadata : mapping, optional
            What is known of the frame. ``delta_t`` and ``exposure_time`` [s] and ``position_x``,
            ``position_y``, ``position_z`` [micrometer] have a place in OME-TIFF; all else is kept
            beside them.
        at : mapping of str to int, optional
            Index along each dimension of more than one, by name: frames out of order. The order of
            others is not changed by it.

        Raises
        ------
        BoundsError
            If there is no further frame, or no such place; an :class:`IndexError`.
        ShapeError, DTypeError
            If the frame is of another shape or type; a :class:`ValueError`, a :class:`TypeError`.
        QueueFullError
            If the queue is full and ``on_full="raise"``; the same frame may be appended again.
        StreamClosedError
            After :meth:`close`; a :class:`ValueError` and a :class:`RuntimeError`.
        Exception
            The error of an earlier frame, such as an OSError of a full disk.
        """
        with self._lock:
            self._check_open()
            number = self._number
            if at is None:
                place = self._peek()
            else:
                number, place = self._router.locate(at)
            pixels = check_frame(frame, self._frame, self._dtype, number)
            note = frame_note(frame_metadata, place[1]) if frame_metadata else {}
            note.pop("storage_index", None)
            if number in self._run.taken:
                self._run.settle()  # two writes of one frame keep their order
            self._run.put(Frame(number, *place, note), pixels, self._plan.options.copy)
            before = len(self._run.taken) - 1
            if at is None:
                self._advance(1)
            else:
                self._reach(number)
            if self._events.active:
                self._events.update(number, before)

    def skip(self, *, frames: int = 1) -> None:
        """Leave out frames: their pixels are zero, and the record names them.

        Parameters
        ----------
        frames : int
            How many.

        Raises
        ------
        ArgumentError
            If it is less than one; a :class:`ValueError`.
        BoundsError
            If there are not as many left; an :class:`IndexError`.
        StreamClosedError
            After :meth:`close`; a :class:`ValueError` and a :class:`RuntimeError`.
        """
        with self._lock:
            self._check_open()
            if frames < 1:
                raise ArgumentError(f"frames must be positive, not {frames}")
            total = self._router.num_frames
            if total is not None and frames > total - self._number:
                left = total - self._number
                raise BoundsError(f"{frames} frames cannot be skipped: only {left} are left")
            self._peek()  # is the first of them
            if frames != 1:
                self._router.skip(frames - 1)
            for number in range(self._number, self._number + frames):
                self._run.skip(number, self._router.at(number))
            self._advance(frames)

    def _peek(self) -> tuple[int, tuple[int, ...]]:
        if self._next is None:
            try:
                self._next = next(self._router)
            except StopIteration:
                total = self._router.num_frames
                raise BoundsError(
                    f"all {total} frames were appended; for more, make the first dimension "
                    "unbounded with count=None"
                ) from None
        return self._next

    def _advance(self, frames: int) -> None:
        self._number += frames
        self._next = None

    def _reach(self, number: int) -> None:
        self._ordered = False
        sizes = [index + 1 for index in self._router.indices(number)]
        self._reached = [max(pair) for pair in zip(sizes, self._reached, strict=True)]

    def _check_open(self) -> None:
        if self.closed:
            raise StreamClosedError(f"the stream to {self._plan.output_path or 'memory'} is closed")

    # ---- how far it is ------------------------------------------------------------------------

    @property
    def frames_appended(self) -> int:
        """How many frames were taken, each counted once."""
        return len(self._run.taken)

    @property
    def frames_written(self) -> int:
        """How many frames are in the file, each counted once."""
        return self._run.frames_written

    @property
    def skipped(self) -> Sequence[tuple[int, int]]:
        """Ranges (start, stop) of frames that were left out with :meth:`skip`."""
        return self._run.skipped.ranges

    @property
    def closed(self) -> bool:
        """Whether it takes no more frames."""
        return self._run.closed

    @property
    def path(self) -> str:
        """Where it is written; empty for memory."""
        return self._plan.output_path

    @property
    def plan(self) -> StreamPlan:
        """What is made: shapes, chunks, memory."""
        return self._plan

    @property
    def nodes(self) -> tuple[Position, ...]:
        """The positions, usable at once; empty if what is written is not OME-Zarr."""
        return self._target.nodes

    def flush(self) -> None:
        """Write what has come, also chunks that are not whole, and wait for it.

        Raises
        ------
        Exception
            The error of a frame.
        """
        with self._lock:
            if not self.closed:
                self._run.settle()

    def close(self) -> None:
        """Wait until everything is in the file, and complete the documents.

        Raises
        ------
        Exception
            The first error of a frame. What could be written is there all the same.
        """
        with self._lock:
            self._finalizer.detach()
            try:
                self._run.close()
            finally:
                self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except Exception as late:  # noqa: BLE001 - the error that ended the block comes first
            warnings.warn(f"the stream could not be closed: {late}", RuntimeWarning, stacklevel=2)

    # ---- what is said of it -------------------------------------------------------------------

    def on(self, event: str, callback: Callable[[CoordUpdate], object]) -> None:
        """Have something called after frames: see :class:`iohub.stream.CoordUpdate`.

        Parameters
        ----------
        event : {"coords_expanded", "coords_changed"}
            When there are new coordinates, or after every frame.
        callback : callable
            Called in a thread of its own.

        Raises
        ------
        ArgumentError
            If there is no such event; a :class:`ValueError`.
        """
        self._events.on(event, callback)

    def get_metadata(self) -> Any:
        """Return what the file says, by position, as a copy that may be changed.

        For OME-TIFF it is an object of ome-types.
        """
        return self._target.get_metadata()

    def update_metadata(self, metadata: Any) -> None:
        """Replace what the file says; takes what :meth:`get_metadata` gives, also after closing.

        Parameters
        ----------
        metadata : mapping of str to mapping
            For OME-Zarr, by path of the position; for OME-TIFF an object of ome-types.

        Raises
        ------
        MissingNodeError
            If there is no such position; a :class:`KeyError`.
        DocumentError
            If it breaks the rules of OME-Zarr; a :class:`ValueError`.
        """
        with self._lock:
            self._target.update_metadata(metadata)

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition, also after closing.

        Parameters
        ----------
        namespace : str
            Its name; the same name replaces, others stay.
        metadata : mapping
            What JSON can say.

        Raises
        ------
        ArgumentError
            If the name is empty or reserved; a :class:`ValueError`.
        """
        with self._lock:
            self._target.set_global_metadata(namespace, metadata)

    def view(self, *, dynamic_shape: bool = True, strict: bool = False) -> StreamView:
        """Return all frames as one array in the order of the acquisition.

        Parameters
        ----------
        dynamic_shape : bool
            Whether the shape grows with the frames.
        strict : bool
            Whether an index beyond what was appended is an error.
        """
        view = StreamView(
            self._plan.settings,
            lambda position: _Settled(self._run, self._target.readable(position)),
            self._sizes,
            dynamic_shape=dynamic_shape,
            strict=strict,
        )
        self._events.on(
            "coords_expanded", lambda update: view.coords_changed.emit(update.max_coords)
        )
        return view

    def record(self) -> JsonObject:
        """Return, by position, how many frames are in the file and which are missing."""
        return {state.path: state.record() for state in self._run.states}

    def _sizes(self) -> list[int]:
        sizes = reached(self._router, self._number, len(self._reached))
        return [max(pair) for pair in zip(sizes, self._reached, strict=True)]


class _Settled:
    """Pixels of a stream that runs: what was appended is written before it is read."""

    def __init__(self, run: StreamRun, array: Readable):
        self._run, self._array = run, array

    @property
    def shape(self) -> tuple[int, ...]:
        self._run.settle()
        return tuple(self._array.shape)

    def __getitem__(self, key: Any) -> NDArray:
        found: NDArray = self._array[key]
        return found


def _close_dropped(run: StreamRun, path: str) -> None:
    if run.closed:
        return
    if len(run.taken):
        warnings.warn(
            f"a stream to {path or 'memory'} was dropped without close(); what it had taken is "
            "written now. Use it in a with block",
            UnclosedStreamWarning,
            stacklevel=2,
        )
    run.close()
