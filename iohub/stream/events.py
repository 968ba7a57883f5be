"""How far a stream has come, told to those who asked: coordinates that are there, and the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from iohub.errors import ArgumentError
from iohub.stream.dimensions import Channel, Dimension
from iohub.stream.plates import Position
from iohub.stream.route import FrameRouter
from iohub.stream.settings import AcquisitionSettings

Event: TypeAlias = Literal["coords_expanded", "coords_changed"]
Coords: TypeAlias = Mapping[str, Sequence[object]]

_THREADS = 2


@dataclass(frozen=True, slots=True)
class CoordUpdate:
    """Which coordinates there are since a frame was appended.

    Attributes
    ----------
    max_coords : mapping of str to sequence
        For each dimension, as frames come, what has been seen of it: names, or a range.
    current_indices : mapping of str to int
        Index of the frame along each dimension; 0 along those of a frame.
    frame_number : int
        Of the frame, from 0.
    is_high_water_mark : bool
        Whether there are coordinates that were not there before.
    """

    max_coords: Coords
    current_indices: Mapping[str, int]
    frame_number: int
    is_high_water_mark: bool


def coords_of(dim: Dimension, count: int) -> Sequence[object]:
    """Return the first coordinates along a dimension: names or numbers, else a range."""
    if not dim.coords:
        return range(count)
    found = dim.coords[:count]
    return [item.name if isinstance(item, Channel | Position) else item for item in found]


@dataclass
class CoordTracker:
    """Follows the frames of a stream, and calls those who want to know; nothing if there are none.

    Callbacks run in two threads of their own, so that they do not stop the camera; they may be
    called out of order. An error of one goes to ``threading.excepthook``; frames go on.

    Parameters
    ----------
    settings : AcquisitionSettings
        Of the stream.
    """

    settings: AcquisitionSettings
    _callbacks: dict[str, list[Callable[[CoordUpdate], object]]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor | None = None
    _seen: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._router = FrameRouter(self.settings)
        self._dims = self.settings.dimensions
        self._seen = [0] * (len(self._dims) - 2)

    @property
    def active(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self._callbacks)

    def on(self, event: str, callback: Callable[[CoordUpdate], object]) -> None:
        """Have something called after frames.

        Parameters
        ----------
        event : {"coords_expanded", "coords_changed"}
            When there are new coordinates, or after every frame.
        callback : callable
            Takes a :class:`CoordUpdate`.

        Raises
        ------
        ArgumentError
            If there is no such event; a :class:`ValueError`.
        """
        if event not in get_args(Event):
            raise ArgumentError(f"there is no event {event!r}; there are {get_args(Event)}")
        if not callable(callback):
            raise ArgumentError(f"a callback must be callable, not {callback!r}")
        with self._lock:
            self._callbacks.setdefault(event, []).append(callback)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_THREADS, "iohub-stream-events")

    def update(self, number: int, previous: int = 0) -> None:
        """Tell that a frame was appended.

        Parameters
        ----------
        number : int
            Of the frame, as frames come.
        previous : int
            How many frames came before anybody asked; their coordinates are no news.
        """
        if self._pool is None:
            return
        if previous and not any(self._seen):
            self._note(reached(self._router, previous, len(self._seen)))
        indices = self._router.indices(number)
        is_new = self._note([index + 1 for index in indices])
        events = ["coords_changed", *(["coords_expanded"] if is_new else [])]
        wanted = [call for event in events for call in self._callbacks.get(event, ())]
        if not wanted:
            return
        names = [dim.name for dim in self._dims]
        frame = [dim.count or 0 for dim in self._dims[-2:]]
        sizes = zip(self._dims, [*self._seen, *frame], strict=True)
        update = CoordUpdate(
            {dim.name: coords_of(dim, size) for dim, size in sizes},
            dict(zip(names, (*indices, 0, 0), strict=True)),
            number,
            is_new,
        )
        for call in wanted:
            self._pool.submit(call, update).add_done_callback(_tell)

    def _note(self, sizes: Sequence[int]) -> bool:
        larger = [max(pair) for pair in zip(sizes, self._seen, strict=True)]
        is_new, self._seen = larger != self._seen, larger
        return is_new

    def close(self) -> None:
        """Wait for callbacks that were begun, and call none any more."""
        pool, self._pool = self._pool, None
        self._callbacks.clear()
        if pool is not None:
            pool.shutdown()


def reached(router: FrameRouter, frames: int, ndim: int) -> list[int]:
    """Return the size along each dimension, as frames come, that some first frames fill.

    Parameters
    ----------
    router : FrameRouter
        Of the acquisition.
    frames : int
        How many have come.
    ndim : int
        Number of dimensions but those of a frame.
    """
    if frames < 1:
        return [0] * ndim
    last = router.indices(frames - 1)
    sizes = []
    for place, index in enumerate(last):
        # A faster dimension was gone through if a slower one has moved on.
        whole = any(last[:place])
        sizes.append(router.sizes[place] or 0 if whole else index + 1)
    return sizes


def tell_error(error: BaseException) -> None:
    """Tell the error of a callback as those of threads are told; frames go on."""
    threading.excepthook(
        threading.ExceptHookArgs(
            (type(error), error, error.__traceback__, threading.current_thread())
        )
    )


def _tell(done: Future[object]) -> None:
    error = done.exception()
    if error is not None:
        tell_error(error)
