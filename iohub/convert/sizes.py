"""Sizes and ranges as people write them: ``"1 GiB"``, ``"0:10"``."""

from __future__ import annotations

import re
from operator import index
from typing import Any, Final, TypeAlias

from iohub.errors import ArgumentError

_UNITS: Final = {
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T"))},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(("", "K", "M", "G", "T"))},
}
_NAMES: Final = {name.lower(): size for name, size in _UNITS.items()}

Span: TypeAlias = "slice | range | int | str | tuple[int, int] | None"
"""What names some neighbours along an axis."""


def read_bytes(value: Any, what: str) -> int:
    """Return a size in bytes.

    Parameters
    ----------
    value : int or str
        Bytes, or a text such as ``"512 MiB"`` and ``"1 GB"``.
    what : str
        Name of the argument, for the message.

    Raises
    ------
    ArgumentError
        If it is no such size, or not positive.
    """
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
        unit = _NAMES.get((match[2] or "B").lower()) if match else None
        if match is None or unit is None:
            raise ArgumentError(f"{what} is a size such as '1 GiB' or '512 MB', not {value!r}")
        number = int(float(match[1]) * unit)
    else:
        try:
            number = index(value)
        except TypeError as error:
            says = f"{what} is a number of bytes or a text such as '1 GiB', not {value!r}"
            raise ArgumentError(says) from error
    if number < 1:
        raise ArgumentError(f"{what} is at least one byte, not {value!r}")
    return number


def show_bytes(size: float) -> str:
    """Return a size for people, such as ``"1.5 GiB"``."""
    for name in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {name}" if name == "B" or size >= 100 else f"{size:.3g} {name}"
        size /= 1024
    return f"{size:,.3g} TiB"


def read_span(value: Span, what: str) -> slice | None:
    """Return a slice with a step of 1; None stands for the whole axis.

    Parameters
    ----------
    value : slice, range, int, str, tuple of int, or None
        ``"0:10"``, ``"5"``, ``slice(0, 10)``, ``(0, 10)``, ``5`` …
    what : str
        Name of the argument, for the message.

    Raises
    ------
    ArgumentError
        If it is none of these, or has another step.
    """
    says = ArgumentError(f"{what} is a range such as '0:10' or slice(0, 10), not {value!r}")
    match value:
        case None:
            return None
        case str():
            found = re.fullmatch(r"\s*(-?\d+)?\s*(?:(:)\s*(-?\d+)?)?\s*", value)
            if found is None or not (found[1] or found[2]):
                raise says
            if not found[2]:
                return _one(int(found[1]))
            return slice(*(None if part is None else int(part) for part in (found[1], found[3])))
        case slice() | range():
            if value.step not in (None, 1):
                raise says
            return slice(value.start, value.stop)
        case (first, last):
            return read_span(slice(first, last), what)
    try:
        return _one(index(value))
    except TypeError as error:
        raise says from error


def _one(number: int) -> slice:
    return slice(number, number + 1 if number != -1 else None)


def taken(span: slice | None, size: int, what: str) -> range:
    """Return the indexes that a slice takes of an axis.

    Raises
    ------
    ArgumentError
        If it takes none, or reaches beyond the axis.
    """
    if span is None:
        return range(size)
    try:
        start, stop, _ = span.indices(size)
        ends = [index(end) for end in (span.start, span.stop) if end is not None]
    except TypeError as error:
        raise ArgumentError(f"{what} is a range of whole numbers, not {span!r}") from error
    if any(end > size or end < -size for end in ends) or start >= stop:
        said = ":".join("" if end is None else str(end) for end in (span.start, span.stop))
        raise ArgumentError(f"{what} has {size} indexes, from 0 to {size - 1}; {said} does not fit")
    return range(start, stop)
