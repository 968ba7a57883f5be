"""Pixels of the parts of a record: lists of numbers, or bytes; where parts belong is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from iohub.errors import FormatError
from iohub.types import NDArray


@dataclass(frozen=True)
class Numbers:
    """Pixels of all parts as lists of numbers: part i is ``values[offsets[i]:offsets[i + 1]]``."""

    values: NDArray
    offsets: NDArray

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return self.values.dtype

    def dense(self, lengths: NDArray) -> NDArray | None:
        """Return the pixels of all parts in one array, which is no copy; None if they are not."""
        if not np.array_equal(np.diff(self.offsets), lengths):
            return None
        return self.values[self.offsets[0] : self.offsets[-1]]

    def part(self, index: int, length: int) -> NDArray:
        """Return the pixels of one part."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]


@dataclass(frozen=True)
class Bytes:
    """Pixels of all parts as bytes, each of a type and maybe compressed."""

    raw: NDArray
    offsets: NDArray
    dtypes: list[np.dtype[Any]]
    codecs: list[str | None]

    @property
    def dtype(self) -> np.dtype[Any]:
        """A type that holds those of all chunks."""
        return np.result_type(*self.dtypes)

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
        raw = self.raw[self.offsets[index] : self.offsets[index + 1]]
        return decoded(raw, length, self.dtypes[index], self.codecs[index], index)


def decoded(raw: Any, length: int, dtype: np.dtype[Any], codec: str | None, index: int) -> NDArray:
    """Return the pixels that the bytes of a chunk are.

    Parameters
    ----------
    raw : bytes-like
        The bytes.
    length : int
        How many pixels there should be.
    dtype : numpy dtype
        Of a pixel.
    codec : str or None
        How they are compressed.
    index : int
        Number of the chunk, for messages.

    Raises
    ------
    FormatError
        If they cannot be decompressed, or are no whole pixels.
    """
    if codec is not None:
        try:
            raw = pa.decompress(
                pa.py_buffer(raw), length * dtype.itemsize, codec=codec, asbytes=False
            )
        except (OSError, ValueError) as error:
            raise FormatError(f"chunk {index} cannot be decompressed: {error}") from error
    size = memoryview(raw).nbytes
    if size % dtype.itemsize:
        raise FormatError(f"chunk {index} has {size} bytes, which is no number of {dtype}")
    return np.frombuffer(raw, dtype)


def take(values: NDArray, *indices: Sequence[int]) -> NDArray:
    """Return what is at indices along the first axes, each for itself; a view where that can be."""
    for axis, index in enumerate(indices):
        count = len(index)
        step = index[1] - index[0] if count > 1 else 1
        even = step != 0 and all(b - a == step for a, b in pairwise(index))
        if even and count:
            stop = index[0] + count * step
            part: Any = slice(index[0], None if stop < 0 else stop, step)
        else:
            part = list(index)
        values = values[(slice(None),) * axis + (part,)]
    return values
