"""Change the data type of pixels as the page's functions do, and warn when that changes a value."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import IohubWarning

if TYPE_CHECKING:
    from iohub.types import NDArray


def cast(values: NDArray, dtype: np.dtype[Any], *, clamp: bool, why: str) -> NDArray:
    """Return pixels in another data type; the array itself if it has it.

    Parameters
    ----------
    values : ndarray
        The pixels.
    dtype : numpy dtype
        What they become.
    clamp : bool
        Whether values out of the range become the nearest in it; else integers wrap around.
    why : str
        What asks for it and how to avoid it, for the warning.

    Warns
    -----
    IohubWarning
        If a value changes.
    """
    if values.dtype == dtype:
        return values
    if np.can_cast(values.dtype, dtype, "safe"):
        return values.astype(dtype)
    source = values.real if dtype.kind != "c" else values
    if clamp and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if source.dtype.kind == "f":
            # 32-bit floats cannot say the limits of 32-bit integers: clip in 64 bits.
            source = np.nan_to_num(source.astype(np.float64), nan=0.0)
        source = _clipped(source, limits.min, limits.max)
    with np.errstate(invalid="ignore", over="ignore"):
        made: NDArray = source.astype(dtype)
    changed = int(np.count_nonzero(made != values))
    if changed:
        warnings.warn(
            f"{changed} of {values.size} pixels changed from {values.dtype} to {dtype}: {why}",
            IohubWarning,
            stacklevel=3,
        )
    return made


def holds(values: NDArray, dtype: np.dtype[Any]) -> bool:
    """Whether a data type can say every value."""
    if np.can_cast(values.dtype, dtype, "safe") or not values.size:
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.array_equal(values.astype(dtype), values))


def _clipped(values: NDArray, low: int, high: int) -> NDArray:
    """Clip to limits, of which those that the type of the values cannot say are no limits."""
    if values.dtype.kind == "f":
        # The largest 64-bit integers are no floats; the next float below is.
        top = np.float64(high)
        top = np.nextafter(top, 0.0) if int(top) > high else top
        return np.clip(values, float(low), top)
    if values.dtype.kind == "b":
        return values
    own = np.iinfo(values.dtype)
    return np.clip(values, max(low, int(own.min)), min(high, int(own.max)))
