"""The pixels in a record, read without a Python object per pixel; nothing is written here.

A record has planes, or chunks, or both; if it has chunks, they are what counts. Fields are found by
name, and numbers may be of any width, as other programs write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError, ShapeError
from iohub.formats.ome_arrow.pixel_values import Bytes, Numbers, take
from iohub.types import NDArray

Sizes: TypeAlias = tuple[int, int, int, int, int]

_PLACE = ("t", "c", "z", "y", "x", "shape_z", "shape_y", "shape_x")
_LISTS = (pa.types.is_list, pa.types.is_large_list)


class PartPixels(Protocol):
    """The pixels of all parts of an image."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """A type that holds all of them."""

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return the pixels of all parts in one array, which is no copy; None if they are not."""

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one part, which should have so many."""


@dataclass(frozen=True)
class Stored:
    """The parts of an image: where they are, and their pixels.

    Attributes
    ----------
    shape : tuple of int
        Of the image (T, C, Z, Y, X).
    places : ndarray
        Origin and size of each part (n, 8): t, c, z, y, x, depth, height, width.
    pixels : PartPixels or None
        None if there are no parts.
    """

    shape: Sizes
    places: NDArray
    pixels: PartPixels | None

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

    def region(
        self,
        t: Sequence[int],
        c: Sequence[int],
        z: Sequence[int],
        y: slice,
        x: slice,
        *,
        strict: bool = True,
    ) -> NDArray:
        """Return planes cut to a rectangle (T, C, Z, Y, X), 0 where nothing is stored.

        It is a view where that can be, and only parts that it needs are decoded.
        """
        if self.pixels is None:
            return np.zeros((len(t), len(c), len(z), y.stop - y.start, x.stop - x.start), np.uint16)
        dense = self._dense()
        if dense is not None:
            return take(dense[..., y, x], t, c, z)
        low, size = self.places[:, :5], self.places[:, [5, 6, 7]]
        wanted = np.isin(low[:, 0], t) & np.isin(low[:, 1], c)
        for axis, (start, stop) in enumerate(
            ((min(z, default=0), max(z, default=-1) + 1), (y.start, y.stop), (x.start, x.stop))
        ):
            first = low[:, 2 + axis]
            wanted &= (first < stop) & (first + size[:, axis] > start)
        parts = [int(index) for index in np.flatnonzero(wanted)]
        if len(parts) == 1:
            lone = self._lone(parts[0], t, c, z, y, x, strict=strict)
            if lone is not None:
                return lone
        places = [{index: at for at, index in enumerate(dict.fromkeys(each))} for each in (t, c, z)]
        shape = (*map(len, places), y.stop - y.start, x.stop - x.start)
        out = np.zeros(shape, self._dtype())
        for index in parts:
            block = self._block(index, strict=strict)
            at_t, at_c, z0, y0, x0, depth, height, width = map(int, self.places[index])
            rows = slice(max(y0, y.start), min(y0 + height, y.stop))
            columns = slice(max(x0, x.start), min(x0 + width, x.stop))
            there = (
                slice(rows.start - y.start, rows.stop - y.start),
                slice(columns.start - x.start, columns.stop - x.start),
            )
            here = (
                slice(rows.start - y0, rows.stop - y0),
                slice(columns.start - x0, columns.stop - x0),
            )
            for plane in range(z0, z0 + depth):
                if plane in places[2]:
                    target = out[places[0][at_t], places[1][at_c], places[2][plane]]
                    target[there] = block[(plane - z0, *here)]
        return take(
            out, *([at[n] for n in each] for at, each in zip(places, (t, c, z), strict=True))
        )

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
        out = np.zeros((1, 1, 1, *shape[3:]) if only else shape, self._dtype())
        for index in parts:
            t, c, z, y, x, depth, height, width = map(int, self.places[index])
            block = self._block(index, strict=strict)
            if only:
                out[0, 0, 0, y : y + height, x : x + width] = block[only[2] - z]
            else:
                out[t, c, z : z + depth, y : y + height, x : x + width] = block
        return out

    def _dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint16) if self.pixels is None else self.pixels.dtype

    def _block(self, index: int, *, strict: bool) -> NDArray:
        """Return the pixels of a part (Z, Y, X)."""
        assert self.pixels is not None
        t, c, z, _, _, depth, height, width = map(int, self.places[index])
        length = depth * height * width
        values = self.pixels.part(index, length)
        if values.size != length:
            if strict:
                raise ShapeError(
                    f"the part at t={t}, c={c}, z={z} has {values.size} pixels, not {length}"
                )
            fitting = np.zeros(length, values.dtype)
            fitting[: values.size] = values[:length]
            values = fitting
        return values.reshape(depth, height, width)

    def _lone(
        self,
        index: int,
        t: Sequence[int],
        c: Sequence[int],
        z: Sequence[int],
        y: slice,
        x: slice,
        *,
        strict: bool,
    ) -> NDArray | None:
        """Return a region as a view of the one part that has all of it; None if none has."""
        _, _, z0, y0, x0, depth, height, width = map(int, self.places[index])
        inside = len(t) == len(c) == 1 and all(z0 <= plane < z0 + depth for plane in z)
        inside = inside and y0 <= y.start and y.stop <= y0 + height
        if not (inside and x0 <= x.start and x.stop <= x0 + width):
            return None
        block = self._block(index, strict=strict)[
            None, None, :, y.start - y0 : y.stop - y0, x.start - x0 : x.stop - x0
        ]
        return take(block, [0], [0], [plane - z0 for plane in z])


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
    name, parts, places = find_parts(chunks, planes, shape)
    return Stored(shape, places, None if parts is None else _pixels(parts, name))


def find_parts(
    chunks: pa.ListScalar | None, planes: pa.ListScalar | None, shape: Sizes
) -> tuple[str, pa.StructArray | None, NDArray]:
    """Return which field has the pixels, its parts, and where each is; see :func:`stored`."""
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
        return name, parts, places
    return "planes", None, np.zeros((0, len(_PLACE)), np.int64)


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


def _pixels(parts: pa.StructArray, name: str) -> Numbers | Bytes:
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
    return Numbers(values.to_numpy(zero_copy_only=True), column.offsets.to_numpy())


def _byte_pixels(parts: pa.StructArray) -> Bytes:
    column = _column(parts, "pixel_bytes", "chunks")
    if not pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_binary())
    _, offsets, data = column.buffers()
    start, count = column.offset, len(column)
    dtypes = [known_dtype(text) for text in _column(parts, "dtype", "chunks").to_pylist()]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int64)[start : start + count + 1]
    return Bytes(raw, places, dtypes, codecs_of(parts))


def codecs_of(parts: pa.StructArray) -> list[str | None]:
    """Return how each chunk is compressed."""
    if parts.type.get_field_index("compression") < 0:
        return [None] * len(parts)
    found: list[str | None] = parts.field("compression").to_pylist()
    return found


def known_dtype(text: str | None) -> np.dtype[Any]:
    """Return the data type of a chunk.

    Raises
    ------
    FormatError
        If NumPy has none of that name.
    """
    dtype = dtype_of(text)
    if dtype is None:
        raise FormatError(f"a chunk is of data type {text!r}, which NumPy does not know")
    return dtype


def dtype_of(text: str | None) -> np.dtype[Any] | None:
    """Return the data type of numbers that a record names; None if NumPy has none of that name."""
    try:
        dtype = np.dtype(text) if text else None
    except TypeError:
        return None
    return dtype if dtype is not None and dtype.kind in "biufc" else None
