"""The pixels in a record, read without a Python object per pixel; nothing is written here.

A record has planes, or chunks, or both; if it has chunks, they are what counts. Fields are found by
name, and numbers may be of any width, as other programs write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError, ShapeError
from iohub.types import NDArray

Sizes: TypeAlias = tuple[int, int, int, int, int]

_PLACE = ("t", "c", "z", "y", "x", "shape_z", "shape_y", "shape_x")
_LISTS = (pa.types.is_list, pa.types.is_large_list)


@dataclass(frozen=True)
class _Numbers:
    """Pixels of all parts as lists of numbers: part i is ``values[offsets[i]:offsets[i + 1]]``."""

    values: NDArray
    offsets: NDArray

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return the pixels of all parts in one array, which is no copy; None if they are not."""
        if not np.array_equal(np.diff(self.offsets), lengths):
            return None
        return self.values[self.offsets[0] : self.offsets[-1]]

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one part."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]


@dataclass(frozen=True)
class _Bytes:
    """Pixels of all parts as bytes, each of a type and maybe compressed."""

    raw: NDArray
    offsets: NDArray
    dtypes: list[np.dtype[Any]]
    codecs: list[str | None]

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return the pixels of all parts in one array, which is no copy; None if they are not."""
        dtype = self.dtypes[0]
        if any(self.codecs) or any(each != dtype for each in self.dtypes):
            return None
        if not np.array_equal(np.diff(self.offsets), lengths * dtype.itemsize):
            return None
        return self.raw[self.offsets[0] : self.offsets[-1]].view(dtype)

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one part."""
        raw: Any = self.raw[self.offsets[index] : self.offsets[index + 1]]
        codec, dtype = self.codecs[index], self.dtypes[index]
        if codec is not None:
            try:
                raw = pa.decompress(
                    pa.py_buffer(raw), length * dtype.itemsize, codec=codec, asbytes=False
                )
            except (OSError, ValueError) as error:
                raise FormatError(f"chunk {index} cannot be decompressed: {error}") from error
        if len(raw) % dtype.itemsize:
            raise FormatError(f"chunk {index} has {len(raw)} bytes, which is no number of {dtype}")
        return np.frombuffer(raw, dtype)


@dataclass(frozen=True)
class Stored:
    """The parts of an image: where they are, and their pixels.

    Attributes
    ----------
    shape : tuple of int
        Of the image (T, C, Z, Y, X).
    places : ndarray
        Origin and size of each part (n, 8): t, c, z, y, x, depth, height, width.
    pixels : _Numbers or _Bytes or None
        None if there are no parts.
    """

    shape: Sizes
    places: NDArray
    pixels: _Numbers | _Bytes | None

    def read(self, *, strict: bool = True) -> NDArray:
        """Return the image (T, C, Z, Y, X), 0 where there is no plane; a view where that can be."""
        if self.pixels is None:
            return np.zeros(self.shape, np.uint16)
        dense = self._dense()
        if dense is not None:
            return dense
        return self._gather(self.shape, range(len(self.places)), strict=strict)

    def plane(self, t: int, c: int, z: int, *, strict: bool = True) -> NDArray:
        """Return a plane (Y, X), 0 where nothing is stored; no other part is decoded."""
        if self.pixels is None:
            return np.zeros(self.shape[3:], np.uint16)
        dense = self._dense()
        if dense is not None:
            here: NDArray = dense[t, c, z]
            return here
        place = self.places
        inside = (place[:, 0] == t) & (place[:, 1] == c)
        inside &= (place[:, 2] <= z) & (z < place[:, 2] + place[:, 5])
        parts = [int(index) for index in np.flatnonzero(inside)]
        made: NDArray = self._gather(self.shape, parts, strict=strict, only=(t, c, z))[0, 0, 0]
        return made

    def present(self) -> NDArray:
        """Return which planes there are (T, C, Z), as booleans."""
        found = np.zeros(self.shape[:3], bool)
        for t, c, z, _, _, depth, _, _ in self.places:
            found[t, c, z : z + depth] = True
        return found

    def _dense(self) -> NDArray | None:
        t, c, z, y, x, depth, height, width = self.places.T
        _, channels, planes, rows, columns = self.shape
        first = (t * channels + c) * planes + z
        last = first + depth
        whole = (y == 0) & (x == 0) & (height == rows) & (width == columns)
        ordered = first[0] == 0 and np.array_equal(first[1:], last[:-1])
        if self.pixels is None or not whole.all() or not ordered:
            return None
        if last[-1] != np.prod(self.shape[:3], dtype=np.int64):
            return None
        dense = self.pixels.dense(depth * rows * columns)
        return None if dense is None else dense.reshape(self.shape)

    def _gather(
        self,
        shape: Sizes,
        parts: range | list[int],
        *,
        strict: bool,
        only: tuple[int, int, int] | None = None,
    ) -> NDArray:
        pixels = self.pixels
        assert pixels is not None
        if isinstance(pixels, _Bytes):
            dtype = np.result_type(*pixels.dtypes)
        else:
            dtype = pixels.values.dtype
        out = np.zeros((1, 1, 1, *shape[3:]) if only else shape, dtype)
        for index in parts:
            t, c, z, y, x, depth, height, width = map(int, self.places[index])
            length = depth * height * width
            values = pixels.part(index, length)
            if values.size != length:
                if strict:
                    raise ShapeError(
                        f"the part at t={t}, c={c}, z={z} has {values.size} pixels, not {length}"
                    )
                fitting = np.zeros(length, values.dtype)
                fitting[: values.size] = values[:length]
                values = fitting
            block = values.reshape(depth, height, width)
            if only:
                out[0, 0, 0, y : y + height, x : x + width] = block[only[2] - z]
            else:
                out[t, c, z : z + depth, y : y + height, x : x + width] = block
        return out


def stored(chunks: pa.ListScalar | None, planes: pa.ListScalar | None, shape: Sizes) -> Stored:
    """Find the pixels of a record.

    Parameters
    ----------
    chunks, planes : pyarrow.ListScalar or None
        The fields of these names.
    shape : tuple of int
        What the record says of the image (T, C, Z, Y, X).

    Raises
    ------
    FormatError
        If fields are missing or of a wrong type, or a part is out of the image.
    """
    for field, name in ((chunks, "chunks"), (planes, "planes")):
        if field is None or not field.is_valid or not len(field.values):
            continue
        parts = field.values
        if not pa.types.is_struct(parts.type):
            raise FormatError(f"{name!r} is a list of {parts.type}, not of structs")
        if name == "chunks":
            places = np.stack([_integers(parts, key, name) for key in _PLACE], axis=1)
        else:
            places = np.zeros((len(parts), len(_PLACE)), np.int64)
            for column, key in enumerate(_PLACE[:3]):
                places[:, column] = _integers(parts, key, name)
            places[:, 5:] = 1, shape[3], shape[4]
        _check_places(places, shape, name)
        return Stored(shape, places, _pixels(parts, name))
    return Stored(shape, np.zeros((0, len(_PLACE)), np.int64), None)


def _check_places(places: NDArray, shape: Sizes, name: str) -> None:
    sizes = np.concatenate([np.ones((len(places), 2), np.int64), places[:, 5:]], axis=1)
    outside = (places[:, :5] < 0) | (sizes < 1) | (places[:, :5] + sizes > np.array(shape))
    wrong = np.flatnonzero(outside.any(axis=1))
    if wrong.size:
        index = int(wrong[0])
        raise FormatError(
            f"number {index} of {name!r}, at t, c, z, y, x = {places[index, :5].tolist()} of size "
            f"{places[index, 5:].tolist()}, is not within the image of shape {shape}"
        )


def _column(parts: pa.StructArray, key: str, name: str) -> pa.Array:
    index = parts.type.get_field_index(key)
    if index < 0:
        raise FormatError(f"{name!r} has no field {key!r}")
    column = parts.field(index)
    if column.null_count:
        raise FormatError(f"{key!r} in {name!r} has missing values")
    return column


def _integers(parts: pa.StructArray, key: str, name: str) -> NDArray:
    column = _column(parts, key, name)
    values: NDArray = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "iuf" or not np.array_equal(values.astype(np.int64), values):
        raise FormatError(f"{key!r} in {name!r} is of type {column.type}, not whole numbers")
    return values.astype(np.int64)


def _pixels(parts: pa.StructArray, name: str) -> _Numbers | _Bytes:
    if name == "chunks" and parts.type.get_field_index("pixel_bytes") >= 0:
        return _byte_pixels(parts)
    column = _column(parts, "pixels", name)
    if pa.types.is_fixed_size_list(column.type):
        column = column.cast(pa.large_list(column.type.value_type))
    if not any(check(column.type) for check in _LISTS):
        raise FormatError(f"'pixels' in {name!r} is of type {column.type}, not a list")
    values = column.values
    if values.null_count or not (
        pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    ):
        raise FormatError(f"'pixels' in {name!r} are of type {values.type}, or some are missing")
    return _Numbers(values.to_numpy(zero_copy_only=True), column.offsets.to_numpy())


def _byte_pixels(parts: pa.StructArray) -> _Bytes:
    column = _column(parts, "pixel_bytes", "chunks")
    if not pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_binary())
    _, offsets, data = column.buffers()
    start, count = column.offset, len(column)
    dtypes = []
    for text in _column(parts, "dtype", "chunks").to_pylist():
        dtypes.append(dtype_of(text))
        if dtypes[-1] is None:
            raise FormatError(f"a chunk is of data type {text!r}, which NumPy does not know")
    codecs: list[str | None] = [None] * count
    if parts.type.get_field_index("compression") >= 0:
        codecs = parts.field("compression").to_pylist()
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int64)[start : start + count + 1]
    return _Bytes(raw, places, [each for each in dtypes if each is not None], codecs)


def dtype_of(text: str | None) -> np.dtype[Any] | None:
    """Return the data type of numbers that a record names; None if NumPy has none of that name."""
    try:
        dtype = np.dtype(text) if text else None
    except TypeError:
        return None
    return dtype if dtype is not None and dtype.kind in "biufc" else None
