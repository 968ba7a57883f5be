"""The one rule for values of another type: cast when every value stays what it is, else refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import DTypeError

if TYPE_CHECKING:
    from iohub.types import NDArray


def cast_exactly(value: Any, dtype: np.dtype[Any], where: str = "") -> NDArray:
    """Values in the array's data type, if it can hold them.

    Integers and booleans are cast if each value fits; floats to integers if each value is whole
    and fits; floats to smaller floats if none becomes infinite (rounding is what floats do).

    Parameters
    ----------
    value : array-like
        What is to be stored.
    dtype : numpy.dtype
        Data type of the array.
    where : str
        Which array, for the message.

    Returns
    -------
    numpy.ndarray
        `value` itself if it has the data type already.

    Raises
    ------
    DTypeError
        If a value would change; the message names the range and how to cast on purpose.
    """
    given = np.asarray(value)
    if given.dtype == dtype:
        return given if given.dtype.isnative else given.astype(dtype)
    if given.dtype.kind not in "biufc":
        raise DTypeError(f"{where or 'the array'} holds {dtype}, not {given.dtype} values")
    if not given.size or _always_fits(given.dtype, dtype):
        return given.astype(dtype)
    if given.dtype.kind == "c" and dtype.kind != "c":
        if given.imag.any():
            raise _refusal(given, dtype, where, "complex values")
        given = given.real
    with np.errstate(all="ignore"):  # what overflows is refused below
        cast = given.astype(dtype)
    change = _change(given, cast)
    if change is not None:
        raise _refusal(given, dtype, where, change)
    return cast


def _change(given: NDArray, cast: NDArray) -> str | None:
    """Say which values are not what they were; None if all are."""
    to_float = cast.dtype.kind in "fc"
    if given.dtype.kind in "fc":
        if to_float:
            kept = np.array_equal(np.isfinite(given), np.isfinite(cast))
            return None if kept else "values too large for it"
        kept = _whole_and_within(given, cast.dtype)
        return None if kept else "values that are not whole or do not fit"
    if to_float:
        return None if _integers_kept(given, cast) else "integers that it cannot hold exactly"
    return None if _within(given, cast.dtype) else "values that do not fit"


def _always_fits(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    # NumPy calls int64 to float64 safe though large integers are rounded.
    if source.kind in "iu" and target.kind in "fc":
        part = target.itemsize // (2 if target.kind == "c" else 1)
        return source.itemsize * 8 <= np.finfo(f"f{part}").nmant + 1
    return np.can_cast(source, target, "safe")


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _within(given: NDArray, dtype: np.dtype[Any]) -> bool:
    low, high = _limits(dtype)
    return low <= int(given.min()) and int(given.max()) <= high


def _whole_and_within(given: NDArray, dtype: np.dtype[Any]) -> bool:
    if not np.isfinite(given).all() or not np.array_equal(np.trunc(given), given):
        return False
    return _within(given, dtype)


def _integers_kept(given: NDArray, cast: NDArray) -> bool:
    real = cast.real
    if not np.isfinite(real).all():
        return False
    digits = np.finfo(real.dtype).nmant + 1
    if max(abs(int(given.min())), abs(int(given.max()))) <= 2**digits:
        return True
    # Exact comparison of each value: through Python's integers, as 2**64 fits no NumPy type.
    return [int(v) for v in real.ravel().tolist()] == given.ravel().tolist()


def _refusal(given: NDArray, dtype: np.dtype[Any], where: str, what: str) -> DTypeError:
    target = where or "the array"
    span = "" if given.dtype.kind == "c" else f" (from {given.min()} to {given.max()})"
    return DTypeError(
        f"{target} holds {dtype} and was given {given.dtype} with {what}{span}; scale or clip them "
        f"and call .astype({str(dtype)!r}), or use an image of another data type"
    )
