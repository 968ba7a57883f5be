"""Files of Blosc chunks one after the other, read by ranges of what they decode to.

Only the blocks that a range lies in are decoded. Source of the layout: c-blosc 1,
README_CHUNK_FORMAT.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from iohub.errors import FormatError
from iohub.types import NDArray

_HEADER = struct.Struct("<4B3I")  # version, its compressor's, flags, itemsize, sizes
_COPIED = 0x02


class Chunk(NamedTuple):
    """A Blosc chunk.

    Attributes
    ----------
    start : int
        Where what it decodes to begins, in all that the file decodes to.
    offset : int
        Where it is in the file.
    flags : tuple of int
        The first four bytes.
    nbytes, block, stored : int
        Size of what it decodes to, of a block of that, and of itself.
    """

    start: int
    offset: int
    flags: tuple[int, ...]
    nbytes: int
    block: int
    stored: int


class BloscStacks:
    """Reads what files decode to.

    Parameters
    ----------
    read : callable
        ``read(file, offset, size)`` returns bytes of a file, fewer at its end.
    name : callable
        Returns the path of a file, for messages.
    """

    def __init__(self, read: Callable[[int, int, int], bytes], name: Callable[[int], str]):
        self._read, self._name = read, name
        self._chunks = lru_cache(256)(self._find)

    def nbytes(self, file: int) -> int:
        """Size of what a file decodes to."""
        return sum(chunk.nbytes for chunk in self._chunks(file))

    def read_into(self, file: int, start: int, out: NDArray) -> None:
        """Fill contiguous memory with what a file decodes to, from a byte of that on.

        Raises
        ------
        FormatError
            If the file ends before.
        """
        view = out.reshape(-1).view("u1")
        stop = start + view.size
        done = 0
        for chunk in self._chunks(file):
            low, high = max(start, chunk.start), min(stop, chunk.start + chunk.nbytes)
            if low < high:
                target = view[low - start : high - start]
                self._decode(file, chunk, low - chunk.start, target)
                done += high - low
        if done < view.size:
            raise FormatError(f"{self._name(file)} ends within its pixels; it was cut")

    def _find(self, file: int) -> list[Chunk]:
        found: list[Chunk] = []
        start = offset = 0
        while head := self._read(file, offset, _HEADER.size):
            if len(head) < _HEADER.size:
                break
            *flags, nbytes, block, stored = _HEADER.unpack(head)
            if stored < _HEADER.size or not block or not nbytes:
                raise FormatError(f"{self._name(file)} is damaged: no Blosc chunk at byte {offset}")
            found.append(Chunk(start, offset, tuple(flags), nbytes, block, stored))
            start, offset = start + nbytes, offset + stored
        return found

    def _take(self, file: int, offset: int, size: int) -> bytes:
        found = self._read(file, offset, size)
        if len(found) < size:
            raise FormatError(f"{self._name(file)} ends within its pixels; it was cut")
        return found

    def _decode(self, file: int, chunk: Chunk, start: int, out: NDArray) -> None:
        """Fill memory with a part of what a chunk decodes to."""
        from numcodecs import blosc

        stop, data = start + out.size, chunk.offset + _HEADER.size
        if chunk.flags[2] & _COPIED:
            out[:] = np.frombuffer(self._take(file, data + start, out.size), "u1")
            return
        count = -(-chunk.nbytes // chunk.block)
        first, last = start // chunk.block, -(-stop // chunk.block)
        # A shorter last block is no chunk by itself.
        if last == count and last - first == 1:
            first = max(0, first - 1)
        origin, end = first * chunk.block, min(last * chunk.block, chunk.nbytes)
        if (first, last) == (0, count):
            packed = self._take(file, chunk.offset, chunk.stored)
        else:
            packed = self._blocks(file, chunk, first, last, end - origin)
        try:
            if end - origin == out.size:
                blosc.decompress(packed, out)
            else:
                whole = np.frombuffer(blosc.decompress(packed), "u1")
                out[:] = whole[start - origin : stop - origin]
        except (RuntimeError, ValueError) as error:
            raise FormatError(f"{self._name(file)} is damaged: {error}") from error

    def _blocks(self, file: int, chunk: Chunk, first: int, last: int, nbytes: int) -> bytes:
        """Return some blocks of a chunk as a chunk of their own."""
        count = -(-chunk.nbytes // chunk.block)
        table = self._take(file, chunk.offset + _HEADER.size, 4 * count)
        starts = np.frombuffer(table, "<i4").astype(np.int64)
        # Blocks that several threads encoded are not stored in their order.
        order = np.argsort(starts, kind="stable")
        ends = np.empty_like(starts)
        ends[order[:-1]], ends[order[-1]] = starts[order[1:]], chunk.stored
        low, high = int(starts[first:last].min()), int(ends[first:last].max())
        if not _HEADER.size <= low < high <= chunk.stored:
            raise FormatError(f"{self._name(file)} is damaged: its blocks lie outside")
        begin = _HEADER.size + 4 * (last - first)
        head = _HEADER.pack(*chunk.flags, nbytes, chunk.block, begin + high - low)
        moved = (starts[first:last] - low + begin).astype("<i4").tobytes()
        return head + moved + self._take(file, chunk.offset + low, high - low)
