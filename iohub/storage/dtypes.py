"""Pixel types and fill values as Zarr v2 and v3 documents spell them; no document is read here."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import DTypeError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.types import Json

# Both formats name these by NumPy's own names; iohub holds images, so there is nothing else.
_NAMES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]

_FLOAT_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def pixel_type(dtype: DTypeLike) -> np.dtype[Any]:
    """Give the data type of pixels in memory: the given one in native byte order.

    Parameters
    ----------
    dtype : dtype-like
        Booleans, integers, floats or complex numbers.

    Raises
    ------
    DTypeError
        If it is another type, such as text, dates, objects or a record.
    """
    try:
        given = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(f"{dtype!r} is no data type") from error
    if given.name not in _NAMES:
        raise DTypeError(f"images hold {', '.join(_NAMES)}; not {given}")
    return given.newbyteorder("=")


def is_big_endian(dtype: DTypeLike) -> bool:
    """Whether a data type has its most significant byte first."""
    order = np.dtype(dtype).byteorder
    return order == ">" or (order == "=" and sys.byteorder == "big")


def type_of_v3(name: Json) -> np.dtype[Any]:
    """Give the data type that a ``zarr.json`` names.

    Parameters
    ----------
    name : str
        Member ``data_type``.

    Raises
    ------
    DTypeError
        If pixels of that type cannot be read.
    """
    if not isinstance(name, str) or name not in _NAMES:
        raise DTypeError(f"data_type {name!r} is none of {', '.join(_NAMES)}")
    return np.dtype(name)


def type_of_v2(text: Json) -> tuple[np.dtype[Any], bool]:
    """Give the data type that a ``.zarray`` names, and whether it is stored big-endian.

    Parameters
    ----------
    text : str
        Member ``dtype``, such as ``"<u2"``.

    Raises
    ------
    DTypeError
        If pixels of that type cannot be read.
    """
    if not isinstance(text, str):
        raise DTypeError(f"dtype {text!r} is no pixel type")
    return pixel_type(text), is_big_endian(text)


def v2_text(dtype: np.dtype[Any], big_endian: bool) -> str:
    """Return the member ``dtype`` of a ``.zarray``."""
    return dtype.newbyteorder(">" if big_endian else "<").str


def fill_json(value: object, dtype: np.dtype[Any]) -> Json:
    """Return the member ``fill_value`` of a document, the same in both formats.

    Parameters
    ----------
    value : scalar
        Value of pixels that were never written.
    dtype : numpy.dtype
        Data type of the array.

    Raises
    ------
    DTypeError
        If the data type cannot hold the value.
    """
    if not isinstance(value, int | float | complex | np.generic):
        raise DTypeError(f"fill value {value!r} is no number")
    given = np.asarray(value)
    if given.dtype.kind == "c" and dtype.kind != "c":
        raise DTypeError(f"fill value {value!r} does not fit {dtype}")
    if dtype.kind == "c":
        number = complex(given)
        return [_float_json(number.real), _float_json(number.imag)]
    if dtype.kind == "f":
        return _float_json(float(dtype.type(float(given))))
    number = float(given) if given.dtype.kind == "f" else int(given)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if not low <= number <= high or number != int(number):
        raise DTypeError(f"fill value {value!r} does not fit {dtype}")
    return bool(number) if dtype.kind == "b" else int(number)


def fill_scalar(text: Json, dtype: np.dtype[Any]) -> np.generic:
    """Value of a document's ``fill_value``; ``null`` is zero.

    Parameters
    ----------
    text : JSON value
        A number, a boolean, ``"NaN"``, ``"Infinity"``, ``"-Infinity"``, the bits of a float as
        ``"0x…"``, or a pair of these for complex numbers.
    dtype : numpy.dtype
        Data type of the array.

    Raises
    ------
    DTypeError
        If it is no value of that type.
    """
    if text is None:
        return _scalar(0, dtype)
    try:
        if dtype.kind == "c":
            part = np.dtype(f"f{dtype.itemsize // 2}")
            real, imaginary = text if isinstance(text, list) else (text, 0.0)
            number = complex(float(_float_of(real, part)), float(_float_of(imaginary, part)))
            return _scalar(number, dtype)
        if dtype.kind == "f":
            return _float_of(text, dtype)
        if isinstance(text, str) or int(text) != text:
            raise ValueError(text)
        return _scalar(bool(text) if dtype.kind == "b" else int(text), dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise DTypeError(f"fill_value {text!r} is no {dtype}") from error


def _scalar(value: object, dtype: np.dtype[Any]) -> np.generic:
    scalar: np.generic = dtype.type(value)
    return scalar


def _float_json(value: float) -> Json:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float_of(text: Json, dtype: np.dtype[Any]) -> np.generic:
    if isinstance(text, str) and text.startswith("0x"):
        bits = int(text, 16).to_bytes(dtype.itemsize, sys.byteorder)
        return _scalar(np.frombuffer(bits, dtype)[0], dtype)
    if isinstance(text, str):
        if text not in _FLOAT_WORDS:
            raise ValueError(text)
        return _scalar(_FLOAT_WORDS[text], dtype)
    return _scalar(float(text), dtype)
