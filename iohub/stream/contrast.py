"""Display limits from pixels that pass by: a running histogram of each channel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from iohub.types import NDArray

_BINS = 4096
_SAMPLES = 4096  # pixels of a frame
_PAUSE = 0.05  # [s] between two looks at a channel: what a look costs stays small
_LOW, _HIGH = 0.001, 0.999


class Contrast:
    """Looks at a sample of the pixels and says between which values nearly all of them lie.

    The range of the bins grows by whole factors as larger values come, so what was counted stays
    right within a bin.
    """

    def __init__(self) -> None:
        self._low = self._width = 0.0
        self._counts = np.zeros(_BINS, np.int64)
        self._empty = True
        self._last = -np.inf

    def look(self, frame: NDArray) -> None:
        """Take a frame (Y, X) into account, unless the last one was just now."""
        now = time.monotonic()
        if now - self._last < _PAUSE:
            return
        self._last = now
        step = max(1, int(np.sqrt(frame.size / _SAMPLES)))
        values = frame[::step, ::step].astype(np.float64).ravel()
        values = values[np.isfinite(values)]
        if not values.size:
            return
        self._reach(float(values.min()), float(values.max()))
        places = np.minimum((values - self._low) / self._width, _BINS - 1).astype(np.int64)
        self._counts += np.bincount(places, minlength=_BINS)

    def limits(self, dtype: np.dtype[Any]) -> tuple[float, float] | None:
        """Return where 0.1 and 99.9 % of the pixels lie; None if there were none."""
        total = int(self._counts.sum())
        if not total:
            return None
        sums = np.cumsum(self._counts)
        first = int(np.searchsorted(sums, _LOW * total, side="right"))
        last = int(np.searchsorted(sums, _HIGH * total))
        low, high = self._low + first * self._width, self._low + (last + 1) * self._width
        if dtype.kind in "iu":
            low, high = np.floor(low), max(np.ceil(high), np.floor(low) + 1)
        return float(low), float(high)

    def _reach(self, low: float, high: float) -> None:
        if self._empty:
            self._low, self._width = low, max((high - low) / (_BINS // 2), 1e-12, abs(high) * 1e-9)
            self._empty = False
        while low < self._low or high >= self._low + self._width * _BINS:
            down = low < self._low
            halved = self._counts.reshape(-1, 2).sum(1)
            self._counts[:] = 0
            half = _BINS // 2
            if down:
                self._counts[half:] = halved
                self._low -= self._width * _BINS
            else:
                self._counts[:half] = halved
            self._width *= 2
