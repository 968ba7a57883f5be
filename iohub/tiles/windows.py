"""Contrast limits from pixels that pass by while they are written; nothing is read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil, isqrt, prod
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from iohub.errors import MissingNodeError
from iohub.metadata import edits_image
from iohub.storage import grid

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.position import Position
    from iohub.storage.protocol import WritableArray
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape

PERCENTILES: Final = (0.1, 99.9)
"""Which pixels are shown darkest and brightest [%]."""

SAMPLE: Final = 1 << 20
"""About how many pixels of a channel are looked at; all of them where there are fewer."""


_COUNTED: Final = 1 << 16  # values of up to 16 bits


class Limits(NamedTuple):
    """Contrast limits of a channel.

    Attributes
    ----------
    start, end : float
        Pixel values at the percentiles.
    low, high : float
        Smallest and largest value that was seen.
    """

    start: float
    end: float
    low: float
    high: float


class _Values:
    """Pixels that were taken: how often each value came if there can be few, else themselves."""

    def __init__(self) -> None:
        self._parts: list[NDArray] = []
        self._waiting = 0
        self._counts: NDArray | None = None

    def append(self, values: NDArray) -> None:
        self._parts.append(values)
        self._waiting += values.size
        if self._waiting >= _COUNTED and values.dtype in (np.uint8, np.uint16):
            self._count()

    def _count(self) -> None:
        counts = np.bincount(np.concatenate(self._parts), minlength=_COUNTED)
        self._counts = counts if self._counts is None else self._counts + counts
        self._parts, self._waiting = [], 0

    def merge(self, other: _Values) -> None:
        for values in other._parts:
            self.append(values)
        if other._counts is not None:
            self._counts = other._counts + (0 if self._counts is None else self._counts)

    def limits(self) -> Limits | None:
        if self._counts is not None:
            if self._parts:
                self._count()
            return _limits_of_counts(self._counts)
        values = np.concatenate(self._parts) if self._parts else np.empty(0)
        if not values.size or values.dtype.kind not in "uif":
            return None
        ends = np.percentile(values, PERCENTILES)
        return Limits(float(ends[0]), float(ends[1]), float(values.min()), float(values.max()))


def _limits_of_counts(counts: NDArray) -> Limits:
    """Return the limits as ``numpy.percentile`` has them, by linear interpolation."""
    below = np.cumsum(counts)
    seen = np.flatnonzero(counts)
    ends = []
    for percent in PERCENTILES:
        at = (int(below[-1]) - 1) * (percent / 100)
        near = np.searchsorted(below, [int(at), int(at) + 1], "right")
        low, high = (float(value) for value in np.minimum(near, seen[-1]))
        part = at - int(at)
        # In the way that numpy rounds.
        ends.append(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))
    return Limits(ends[0], ends[1], float(seen[0]), float(seen[-1]))


class Sample:
    """Pixels of each channel, every n-th along y and x, wherever they come from in which order.

    Parameters
    ----------
    axes : sequence of str
        Of the image.
    shape : tuple of int
        Of the image.
    """

    def __init__(self, axes: Sequence[str], shape: Shape):
        self.axes = tuple(axes)
        self._channel = self.axes.index("c") if "c" in self.axes else None
        channels = 1 if self._channel is None else shape[self._channel]
        pixels = prod(shape) // max(1, channels)
        self.step = max(1, isqrt(ceil(pixels / SAMPLE) - 1) + 1) if pixels > SAMPLE else 1
        self._taken = [_Values() for _ in range(channels)]
        self._lock = Lock()

    def add(self, region: Region, pixels: NDArray) -> None:
        """Take what is wanted of some pixels.

        Parameters
        ----------
        region : tuple of slice
            Where in the image they are; each pixel is given once.
        pixels : ndarray
            Of the region's shape.
        """
        every = tuple(
            slice(-part.start % self.step, None, self.step) if axis in "yx" else slice(None)
            for axis, part in zip(self.axes, region, strict=True)
        )
        taken = pixels[every]
        if self._channel is None:
            self._append(0, taken)
            return
        first = region[self._channel].start
        for number in range(taken.shape[self._channel]):
            self._append(first + number, taken.take(number, self._channel))

    def _append(self, channel: int, values: NDArray) -> None:
        flat = values.flatten()
        if flat.dtype.kind == "f":
            flat = flat[np.isfinite(flat)]
        with self._lock:
            self._taken[channel].append(flat)

    def merge(self, other: Sample) -> None:
        """Take what another one, of other parts of the same image, has taken."""
        for own, more in zip(self._taken, other._taken, strict=True):
            own.merge(more)

    def limits(self) -> list[Limits | None]:
        """Return the limits of each channel; None for one without pixels that are numbers."""
        return [values.limits() for values in self._taken]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = Lock()


class Sampled:
    """An array to write to, of whose pixels a sample is taken on their way.

    Parameters
    ----------
    array : WritableArray
        The array; whole units are written to it, each once.
    sample : Sample
        Takes what it wants.
    """

    def __init__(self, array: WritableArray, sample: Sample):
        self._array, self._sample = array, sample
        self.path = array.path

    @property
    def spec(self) -> ArraySpec:
        """The array's document."""
        return self._array.spec

    def write(self, region: Region, value: NDArray) -> None:
        """Write pixels."""
        self._sample.add(grid.check_region(region, self.spec.shape), value)
        self._array.write(region, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._array, name)


def window(limits: Limits, dtype: np.dtype[Any]) -> dict[str, float]:
    """Return the window of a channel, for its metadata.

    Parameters
    ----------
    limits : Limits
        Of the channel; a single value is given a window of width one.
    dtype : numpy.dtype
        Of the pixels: integers of up to 16 bits can be moved over their whole range, others from
        the smallest to the largest value.
    """
    start, end = limits.start, limits.end
    if not end > start:
        end = start + 1.0
    low, high = limits.low, limits.high
    if dtype.kind in "ui" and dtype.itemsize <= 2:
        low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    return {"start": start, "end": end, "min": min(low, start), "max": max(high, end)}


def share_windows(positions: Iterable[Position]) -> dict[str, tuple[float, float]]:
    """Give channels of one name the same contrast limits in all images.

    From the lowest start to the highest end, so that in no image more is cut off than before.

    Parameters
    ----------
    positions : iterable of Position
        Images, such as those of a plate.

    Returns
    -------
    dict of str to (float, float)
        Start and end by name of channel.

    Raises
    ------
    MissingNodeError
        If a position has no image; a :class:`KeyError`.
    """
    nodes = list(positions)
    ends: dict[str, tuple[float, ...]] = {}
    for node in nodes:
        for name, shown in _windows(node).items():
            known = ends.get(name, shown)
            least, most = list(map(min, known, shown)), list(map(max, known, shown))
            ends[name] = (least[0], most[1], least[2], most[3])
    for node in nodes:
        before = _windows(node)
        for name in before:
            if before[name] != ends[name]:
                node._commit(partial(_with_window, name=name, shown=ends[name]))
    return {name: (values[0], values[1]) for name, values in ends.items()}


def _with_window(document: ImageMeta, name: str, shown: tuple[float, ...]) -> ImageMeta:
    new = dict(zip(("start", "end", "min", "max"), shown, strict=True))
    return edits_image.set_window(document, edits_image.channel_index(document, name), new)


def _windows(node: Position) -> dict[str, tuple[float, ...]]:
    document = node.metadata
    if document is None:
        raise MissingNodeError("0", f"position {node.url}", (), "It has no image yet.")
    channels = () if document.omero is None else document.omero.channels or ()
    return {
        str(channel.label): tuple(
            float(channel.window[key]) for key in ("start", "end", "min", "max")
        )
        for channel in channels
        if channel.window is not None
    }
