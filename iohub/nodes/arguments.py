"""Arguments of public methods: the value as it is meant, or an error that names the argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import ValidationError

from iohub.errors import ArgumentError, BoundsError, DTypeError

if TYPE_CHECKING:
    from iohub.types import NDArray

T = TypeVar("T")


def shown(value: Any) -> str:
    """Return a value for a message: short, and arrays by what they are."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return "None" if value is None else f"{text} ({type(value).__name__})"


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def name(value: Any, what: str) -> str:
    """Return the name of a thing as text; a number is a name too, as in ``position[0]``."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral) and not _is_flag(value):
        return str(int(value))
    raise ArgumentError(f"{what} is a name, such as '0', not {shown(value)}")


def text(value: Any, what: str) -> str:
    """Return text."""
    if not isinstance(value, str):
        raise ArgumentError(f"{what} is a string, not {shown(value)}")
    return str(value)


def whole(value: Any, what: str, low: int | None = None) -> int:
    """Return an integer, NumPy's among them, that is at least `low`."""
    if _is_flag(value) or not isinstance(value, Integral):
        raise ArgumentError(f"{what} is a whole number, not {shown(value)}")
    if low is not None and value < low:
        raise ArgumentError(f"{what} is at least {low}, not {value}")
    return int(value)


def place(value: Any, size: int, what: str) -> int:
    """Return a place in a sequence, counted from the end if it is negative, as one from 0."""
    index = whole(value, what)
    if not -size <= index < size:
        raise BoundsError(f"{what} {index} is out of bounds: there are {size}")
    return index % size


def number(value: Any, what: str) -> float:
    """Return a finite number; text is none."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if _is_flag(value) or not isinstance(value, Real):
        raise ArgumentError(f"{what} is a number, not {shown(value)}")
    if not isfinite(value):
        raise ArgumentError(f"{what} is a finite number, not {value}")
    return float(value)


def flag(value: Any, what: str) -> bool:
    """Return a boolean; 0 and 1 are taken for one."""
    if not _is_flag(value) and not (isinstance(value, Integral) and value in (0, 1)):
        raise ArgumentError(f"{what} is True or False, not {shown(value)}")
    return bool(value)


def listed(value: Iterable[T], what: str, of: str) -> list[T]:
    """Return the items of a sequence; text, bytes and mappings are none."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise ArgumentError(f"{what} is a list of {of}, not {shown(value)}")
    if isinstance(value, np.ndarray) and value.ndim == 0:
        raise ArgumentError(f"{what} is a list of {of}, not {shown(value)}")
    return list(value)


def all_of(value: Iterable[T], kind: type[Any] | tuple[type[Any], ...], what: str) -> list[T]:
    """Return the items of a sequence, each of a type."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    of = " or ".join(each.__name__ for each in kinds)
    items = listed(value, what, of)
    for item in items:
        if not isinstance(item, kinds):
            raise ArgumentError(f"{what} is a list of {of}, with no {shown(item)} in it")
    return items


def one_of(value: T, kind: type[Any] | tuple[type[Any], ...], what: str) -> T:
    """Return a value of a type."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds):
        of = " or ".join(each.__name__ for each in kinds)
        raise ArgumentError(f"{what} is a {of}, not {shown(value)}")
    return value


def choice(value: Any, known: Iterable[str], what: str) -> str:
    """Return one of the words that there are."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{what} is one of {', '.join(map(repr, known))}, not {shown(value)}")
    return str(value)


@contextmanager
def checked(what: str) -> Iterator[None]:
    """Say which argument it was that a model refused."""
    try:
        yield
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".lstrip(": ")
            for fault in error.errors(include_url=False)
        )
        raise ArgumentError(f"{what}: {faults}") from error


def pixel_type(value: Any) -> np.dtype[Any]:
    """Return a NumPy data type."""
    if value is None:  # NumPy takes it for float64
        raise DTypeError("dtype is a data type such as 'uint16', not None")
    try:
        found: np.dtype[Any] = np.dtype(value)
    except (TypeError, ValueError, SyntaxError) as error:
        raise DTypeError(
            f"dtype is a data type such as 'uint16', not {shown(value)}: {error}"
        ) from error
    return found


def pixels(value: Any, what: str = "data") -> NDArray | Any:
    """Return an array, or what has a shape and a type of its own, such as a dask array."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise ArgumentError(f"{what} are no array of pixels: {error}") from error
