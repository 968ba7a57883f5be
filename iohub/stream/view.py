"""All frames of a stream as one array, in the order of the acquisition; read while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import index as as_integer
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from iohub.errors import BoundsError
from iohub.stream.events import Coords, coords_of
from iohub.stream.settings import AcquisitionSettings

if TYPE_CHECKING:
    from iohub.types import NDArray, Shape

Reached: TypeAlias = Callable[[], Sequence[int]]
"""Tells the size along each dimension but those of a frame, as frames come, that was reached."""


class Readable(Protocol):
    """What pixels are read from, such as an :class:`ImageArray`."""

    @property
    def shape(self) -> Shape:
        """Size along each axis, now."""

    def __getitem__(self, key: Any) -> Any:
        """Return pixels as NumPy indexing says."""


@dataclass
class CoordsSignal:
    """Those who want to know when coordinates of a view change."""

    _callbacks: list[Callable[[Coords], object]] = field(default_factory=list)

    def connect(self, callback: Callable[[Coords], object]) -> Callable[[Coords], object]:
        """Call something with the new coordinates at each change; returns it."""
        self._callbacks.append(callback)
        return callback

    def disconnect(self, callback: Callable[[Coords], object] | None = None) -> None:
        """Call it no more; None takes away all.

        Raises
        ------
        ValueError
            If it was not connected.
        """
        if callback is None:
            self._callbacks.clear()
        else:
            self._callbacks.remove(callback)

    def emit(self, coords: Coords) -> None:
        """Call all with these coordinates."""
        for callback in list(self._callbacks):
            callback(coords)


class StreamView:
    """Frames of a stream as one array in the order of the acquisition, positions included.

    Integers and slices are taken; what was not written yet is zero. It works on after the stream
    was closed.

    Parameters
    ----------
    settings : AcquisitionSettings
        Of the stream.
    arrays : callable
        Takes the index of a position, gives what its pixels are read from, as they are stored.
    reached : callable
        How far the stream has come.
    dynamic_shape : bool
        Whether the shape grows with the frames; else it is that of the settings, but along a
        dimension whose size is not known.
    strict : bool
        Whether an index beyond what was reached is an error; else it reads zeros within the shape
        of the settings.
    """

    def __init__(
        self,
        settings: AcquisitionSettings,
        arrays: Callable[[int], Readable],
        reached: Reached,
        *,
        dynamic_shape: bool = True,
        strict: bool = False,
    ):
        self._settings, self._arrays, self._reached = settings, arrays, reached
        self._dynamic, self._strict = dynamic_shape, strict
        self._permutation = settings.storage_places
        self._place = settings.position_dimension_index
        self.coords_changed = CoordsSignal()

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions, as frames come."""
        return tuple(dim.name for dim in self._settings.dimensions)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return np.dtype(self._settings.dtype)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._settings.dimensions)

    @property
    def _live(self) -> tuple[int, ...]:
        frame = [dim.count or 0 for dim in self._settings.dimensions[-2:]]
        return (*self._reached(), *frame)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each dimension, now."""
        live = self._live
        if self._dynamic:
            return live
        return tuple(
            size if count is None else count
            for count, size in zip(self._settings.shape, live, strict=True)
        )

    @property
    def coords(self) -> Coords:
        """What each index stands for along each dimension: names, or a range."""
        sizes = zip(self._settings.dimensions, self.shape, strict=True)
        return {dim.name: coords_of(dim, size) for dim, size in sizes}

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{n} {s}" for n, s in zip(self.dims, self.shape, strict=True))
        return f"<{type(self).__name__} ({sizes}), {self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        if copy is False:
            raise ValueError("a stream on disk cannot become an array without a copy")
        whole: NDArray = self[()]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    # ---- reading ------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        """Return pixels.

        Raises
        ------
        TypeError
            If an index is neither an integer nor a slice.
        BoundsError
            If an integer is out of bounds; an :class:`IndexError`.
        """
        picks, dropped = self._picks(key)
        result = np.zeros([len(pick) for pick in picks], self.dtype)
        if result.size:
            place = self._place
            for row, position in enumerate([0] if place is None else picks[place]):
                inner = [pick for i, pick in enumerate(picks) if i != place]
                part = result if place is None else result[(slice(None),) * place + (row,)]
                self._read(position, inner, part)
        return result[tuple(0 if drop else slice(None) for drop in dropped)]

    def _read(self, position: int, picks: Sequence[range], out: NDArray) -> None:
        """Read pixels of one position; `picks` and `out` are in the order of the acquisition."""
        array = self._arrays(position)
        order = (*self._permutation, *range(len(picks) - 2, len(picks)))
        stored = array.shape
        # What lies beyond the array was never written, and is zero already.
        there = [_within(picks[axis], size) for axis, size in zip(order, stored, strict=True)]
        if any(len(pick) == 0 for pick in there):
            return
        pixels = np.asarray(array[tuple(_as_slice(pick) for pick in there)])
        for axis, pick in enumerate(there):
            if pick.step < 0:
                pixels = np.flip(pixels, axis)
        counts = [0] * len(picks)
        starts = [0] * len(picks)
        for axis, pick in zip(order, there, strict=True):
            counts[axis], starts[axis] = len(pick), picks[axis].index(pick[0])
        region = tuple(slice(s, s + n) for s, n in zip(starts, counts, strict=True))
        out[region] = np.transpose(pixels, np.argsort(order))

    def _picks(self, key: Any) -> tuple[list[range], list[bool]]:
        """Return which indexes are read along each dimension, and which of these are dropped."""
        items = key if isinstance(key, tuple) else (key,)
        if len(items) > self.ndim:
            raise BoundsError(f"{len(items)} indexes for {self.ndim} dimensions {self.dims}")
        limits, shape = self._limits(), self.shape
        picks, dropped = [], []
        for place in range(self.ndim):
            item = items[place] if place < len(items) else slice(None)
            if isinstance(item, slice):
                picks.append(range(*item.indices(shape[place])))
                dropped.append(False)
                continue
            if isinstance(item, bool | np.bool_) or not hasattr(item, "__index__"):
                raise TypeError(
                    f"a stream is indexed by integers and slices, not {type(item).__name__}"
                )
            picks.append(self._one(as_integer(item), limits[place], shape[place], place))
            dropped.append(True)
        return picks, dropped

    def _one(self, item: int, limit: int, size: int, place: int) -> range:
        found = item + size if item < 0 else item
        if not 0 <= found < limit:
            live = "live " if self._strict else ""
            raise BoundsError(
                f"index {item} is out of bounds for the {live}dimension {self.dims[place]!r} of "
                f"size {limit}"
            )
        return range(found, found + 1)

    def _limits(self) -> tuple[int, ...]:
        """Return below which integers may be asked for along each dimension."""
        live = self._live
        if self._strict:
            return live
        known = zip(self._settings.shape, live, strict=True)
        return tuple(size if count is None else count for count, size in known)


def _within(pick: range, size: int) -> range:
    """Return the part of an arithmetic series that lies below a size."""
    if pick.step > 0:
        return range(pick.start, min(pick.stop, size), pick.step)
    over = max(0, -(-(pick.start - size + 1) // -pick.step)) if len(pick) else 0
    return range(pick.start + over * pick.step, pick.stop, pick.step)


def _as_slice(pick: range) -> slice:
    if pick.step < 0:
        pick = pick[::-1]
    return slice(pick.start, pick[-1] + 1, pick.step)
