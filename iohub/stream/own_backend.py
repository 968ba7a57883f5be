"""Streams through a backend of one's own: a sink and a target over :class:`ArrayBackend`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import UnsupportedError
from iohub.stream.backends import ArrayBackend
from iohub.stream.ending import PositionState
from iohub.stream.options import StreamOptions
from iohub.stream.plan import plan_stream
from iohub.stream.running import StreamRun
from iohub.stream.stream import OMEStream

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.stream.route import FrameRouter
    from iohub.stream.settings import AcquisitionSettings
    from iohub.stream.sink import Frame, Written
    from iohub.stream.view import Readable
    from iohub.types import NDArray


def stream_through(
    backend: ArrayBackend, settings: AcquisitionSettings, **options: Any
) -> OMEStream:
    """Return a stream whose frames go to a backend of one's own.

    Frames are routed, checked and counted as in any stream; each is given to ``backend.write`` by
    ``append`` itself, so its errors are those of ``append``.

    Parameters
    ----------
    backend : ArrayBackend
        Who writes.
    settings : AcquisitionSettings
        What is to be written; copied.
    **options
        Those of :class:`iohub.stream.StreamOptions` that concern no file.

    Raises
    ------
    UnsupportedError
        If the backend says that it cannot write these settings; a :class:`NotImplementedError`.
    """
    plan = plan_stream(settings, StreamOptions(**options))
    if why := backend.is_incompatible(plan.settings):
        raise UnsupportedError(f"{type(backend).__name__} does not support settings: {why}")
    backend.prepare(plan.settings, plan.route)
    total = plan.num_frames
    each = None if total is None else total // len(plan.arrays)
    states = [
        PositionState(array.path, array.shape[:-2], array.unbounded, each) for array in plan.arrays
    ]
    target = BackendTarget(backend)
    run = StreamRun(plan.options, states, total, None, target.finish)
    run.sink = BackendSink(backend, plan.route, run.written)
    return OMEStream(plan, target, run)


class BackendSink:
    """Gives frames to a backend at once; a :class:`~iohub.stream.sink.Sink`.

    Parameters
    ----------
    backend : ArrayBackend
        Who writes.
    router : FrameRouter
        Tells where frames that were left out belong.
    written : callable
        Told of frames that are in the file.
    """

    def __init__(self, backend: ArrayBackend, router: FrameRouter, written: Written):
        self._backend, self._router, self._written = backend, router, written
        self._next = router.first
        self.error: BaseException | None = None
        self.waiting_bytes = 0

    def write(self, frame: Frame, pixels: NDArray, *, copy: bool = True) -> None:
        """Take a frame (Y, X), after those that were left out before it."""
        if frame.number > self._next:
            left_out = range(self._next, frame.number)
            self._backend.advance([self._router.at(number) for number in left_out])
        given = np.array(pixels) if copy else pixels
        self._backend.write(
            frame.position, frame.index, given, frame_metadata=frame.metadata or None
        )
        self._next = max(self._next, frame.number + 1)
        self._written([frame])

    def flush(self, older_than: float = 0.0) -> None:
        """Nothing waits."""

    def wait(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Let the backend finish."""
        try:
            self._backend.finalize()
        except BaseException as error:
            self.error = error
            raise

    def settle(self, sizes: Sequence[int]) -> None:
        """Do nothing: the backend knows its sizes."""


class BackendTarget:
    """What a backend says of itself; a :class:`~iohub.stream.target.Target`."""

    nodes: tuple[Position, ...] = ()

    def __init__(self, backend: ArrayBackend):
        self._backend = backend

    def readable(self, position: int) -> Readable:
        """Return what the pixels of a position are read from."""
        return self._backend.get_arrays()[position]

    def get_metadata(self) -> Any:
        """Return what the file says."""
        return self._backend.get_metadata()

    def update_metadata(self, metadata: Any) -> None:
        """Replace what the file says."""
        self._backend.update_metadata(metadata)

    def set_global_metadata(self, namespace: str, metadata: Mapping[str, Any]) -> None:
        """Note something of the whole acquisition."""
        self._backend.set_global_metadata(namespace, metadata)

    def finish(self, run: StreamRun) -> None:
        """Do nothing: the backend finished with its sink."""
