"""Chunks of Blosc decoded from their files straight into the caller's memory, whole or in part.

A Blosc chunk is a header, a table of where each block begins, and blocks that are compressed each
by itself (c-blosc 1, README_CHUNK_FORMAT.rst). So a few blocks with a table of their own are a
chunk again, and a plane of a stack is decoded without the rest, by any number of threads. Measured
on stacks of 128 MiB: whole ones twice as fast as by a library that decodes a chunk in one thread
and copies it, windows of one plane several hundred times.

Only this file knows that format, and numcodecs does the decoding. What it does not understand it
leaves to the engine that asked.
"""

from __future__ import annotations

import os
import struct
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iohub.storage import grid, settings
from iohub.storage.codecs import chain_of_v2
from iohub.storage.keys import join

if TYPE_CHECKING:
    from iohub.storage.local import LocalBytes
    from iohub.storage.ozx import ArchiveBytes
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape

MIN_CHUNK = 1 << 20
"""Smaller chunks are left to the engine: its threads cost less than a Python call each [bytes]."""

PIECE = 4 << 20
"""What a thread decodes at a time: fits into caches, and is long against its overhead [bytes]."""

# Pixels between two parts of a region that are decoded too rather than being left out [bytes].
_GAP = 64 << 10
# Work of less than this is not worth starting a thread for [bytes].
_THREADED = 2 << 20
# Chunks that are open at a time; what waits for a thread holds no memory.
_OPEN = 32
# A region that falls into more pieces is left to the engine.
_MAX_PIECES = 4096

_HEADER = struct.Struct("<BBBBIII")  # version, its compressor's, flags, itemsize, sizes
_VERSION, _COPIED = 2, 0x02


class NotUnderstoodError(Exception):
    """A chunk that the engine has to read."""


class Piece(NamedTuple):
    """Consecutive pixels of a chunk, and which of them go where.

    Attributes
    ----------
    start, stop : int
        Bytes in the decoded chunk.
    box : tuple of slice
        Part of the chunk that is wanted of it.
    rest : tuple of int
        Shape of the last axes, all of which these pixels span.
    """

    start: int
    stop: int
    box: Region
    rest: Shape


def suits(spec: ArraySpec) -> bool:
    """Whether the chunks of an array are such that they may be decoded here.

    Parameters
    ----------
    spec : ArraySpec
        The array.
    """
    if spec.shards is not None or spec.big_endian or sys.byteorder != "little":
        return False
    if not hasattr(os, "preadv") or spec.unit_nbytes < MIN_CHUNK:
        return False
    chain = spec.metadata.get("codecs")
    if spec.zarr_format == 2:
        chain = chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian)
    return chain is not None and [codec["name"] for codec in chain] == ["bytes", "blosc"]


class BloscReader:
    """Reads regions of one array, see :func:`suits`.

    Parameters
    ----------
    store : LocalBytes or ArchiveBytes
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        The array.
    """

    def __init__(self, store: LocalBytes | ArchiveBytes, path: str, spec: ArraySpec):
        self._store, self._path, self._spec = store, path, spec
        self._decoded: dict[Shape, int] = {}

    def prefers(self, region: Region) -> bool:
        """Whether a region should be read here rather than through a pool of decoded chunks.

        Parts of a chunk are, until as much has been decoded as the whole chunk is; from then on
        keeping it is cheaper, if the pool can.

        Parameters
        ----------
        region : tuple of slice
            What is to be read.
        """
        spec, chunk = self._spec, self._spec.chunks
        pooled = settings.get_options().pool_bytes
        keeps = grid.count_units(region, chunk) * spec.unit_nbytes <= pooled
        paid = False
        for index, box, _ in self._boxes(region):
            axis = _run_axis(box, chunk, spec.dtype.itemsize)
            runs = prod(part.stop - part.start for part in box[:axis])
            if runs > _MAX_PIECES:
                return False
            if keeps and grid.region_shape(box) != chunk:
                size = box[axis].stop - box[axis].start
                cost = runs * (size * prod(chunk[axis + 1 :]) * spec.dtype.itemsize + _GAP)
                self._decoded[index] = self._decoded.get(index, 0) + cost
                paid = paid or self._decoded[index] > spec.unit_nbytes
        return not paid

    def read(self, region: Region, out: NDArray) -> None:
        """Read a region.

        Parameters
        ----------
        region : tuple of slice
            Unit-step slices within bounds.
        out : numpy.ndarray
            Where to; C-contiguous.

        Raises
        ------
        NotUnderstoodError
            If a chunk is not as it should be; `out` is partly written then.
        """
        spare: list[_Scratch] = []

        def run(frame: _Frame, piece: Piece, to: NDArray) -> None:
            scratch = spare.pop() if spare else _Scratch()
            frame.fill(to, piece, scratch)
            spare.append(scratch)

        workers = settings.get_options().workers if out.nbytes >= _THREADED else 1
        with ExitStack() as stack:
            # After an error threads end first, then the files that they read are closed.
            waiting: deque[tuple[_Frame, list[Future[None]]]] = deque()
            stack.callback(lambda: _close_all(waiting))
            pool = None
            if workers > 1:
                pool = ThreadPoolExecutor(workers, thread_name_prefix="iohub-blosc")
                stack.callback(pool.shutdown, cancel_futures=True)
            for frame, jobs in self._jobs(region, out):
                waiting.append((frame, []))
                for piece, to in jobs:
                    if pool is None:
                        run(frame, piece, to)
                    else:
                        waiting[-1][1].append(pool.submit(run, frame, piece, to))
                if len(waiting) > _OPEN:
                    _finish(*waiting[0])
                    waiting.popleft()
            while waiting:
                _finish(*waiting[0])
                waiting.popleft()

    def open_chunk(self, index: Shape) -> tuple[int, int] | None:
        """Open a chunk's file; where in it the chunk begins; None if it was never written."""
        return self._store.open_value(join(self._path, self._spec.unit_key(index)))

    def _boxes(self, region: Region) -> Iterator[tuple[Shape, Region, Region]]:
        """Index of each chunk, what is wanted of it, and where that is in the region."""
        chunk = self._spec.chunks
        for index in grid.units_of(region, chunk):
            start = tuple(i * size for i, size in zip(index, chunk, strict=True))
            part = grid.intersect(region, grid.region_at(start, chunk))
            if part is not None:
                yield (
                    index,
                    grid.relative(part, grid.region_at(start, chunk)),
                    grid.relative(part, region),
                )

    def _jobs(
        self, region: Region, out: NDArray
    ) -> Iterator[tuple[_Frame, Iterator[tuple[Piece, NDArray]]]]:
        spec = self._spec
        for index, box, where in self._boxes(region):
            to = out[where]
            if (found := self.open_chunk(index)) is None:
                to[...] = spec.fill_value
                continue
            frame = _Frame(*found)
            try:
                frame.open(spec.unit_nbytes)
            except NotUnderstoodError:
                frame.close()
                raise
            if grid.region_shape(box) == spec.chunks and to.flags.c_contiguous:
                yield frame, frame.whole(to)
            else:
                cut = pieces(box, spec.chunks, spec.dtype.itemsize)
                yield frame, ((piece, to[grid.relative(piece.box, box)]) for piece in cut)


def _close_all(waiting: Iterable[tuple[_Frame, object]]) -> None:
    for frame, _ in waiting:
        frame.close()


def _finish(frame: _Frame, jobs: list[Future[None]]) -> None:
    for job in jobs:
        job.result()
    frame.close()


def pieces(box: Region, chunk: Shape, itemsize: int) -> Iterator[Piece]:
    """Cut a part of a chunk into consecutive runs of pixels, each decoded at once.

    Parameters
    ----------
    box : tuple of slice
        What is wanted of the chunk.
    chunk : tuple of int
        Shape of the chunk.
    itemsize : int
        Size of a pixel [bytes].

    Yields
    ------
    Piece
        In C order.
    """
    axis = _run_axis(box, chunk, itemsize)
    strides = [prod(chunk[a + 1 :]) * itemsize for a in range(axis + 1)]
    span, stride = box[axis], strides[axis]
    step = max(1, PIECE // stride)
    for *lead, first in product(
        *(range(part.start, part.stop) for part in box[:axis]), range(span.start, span.stop, step)
    ):
        last = min(first + step, span.stop)
        base = sum(index * size for index, size in zip(lead, strides, strict=False))
        part = (*(slice(i, i + 1) for i in lead), slice(first, last), *box[axis + 1 :])
        yield Piece(base + first * stride, base + last * stride, part, chunk[axis + 1 :])


def _run_axis(box: Region, chunk: Shape, itemsize: int) -> int:
    """Return the axis along which a run of pixels goes on; what lies below is decoded wholly."""
    axis = len(chunk) - 1
    stride = itemsize
    while axis > 0:
        # What a row has outside the box is decoded too, if it is little; no row is above a piece.
        gap = (chunk[axis] - box[axis].stop + box[axis].start) * stride
        stride *= chunk[axis]
        if gap > _GAP or stride > PIECE:
            break
        axis -= 1
    return axis


class _Scratch:
    """Memory of one thread, used again for each piece: fresh pages cost as much as decoding."""

    def __init__(self) -> None:
        self._stored = self._decoded = np.empty(0, np.uint8)

    def stored(self, size: int) -> NDArray:
        """Memory for encoded bytes."""
        if self._stored.size < size:
            self._stored = np.empty(size + size // 8, np.uint8)
        return self._stored[:size]

    def decoded(self, size: int) -> NDArray:
        """Memory for decoded bytes."""
        if self._decoded.size < size:
            self._decoded = np.empty(size + size // 8, np.uint8)
        return self._decoded[:size]


class _Frame:
    """A chunk's file: where its blocks are, and their pixels."""

    def __init__(self, descriptor: int, offset: int = 0):
        self._descriptor, self._offset = descriptor, offset

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def open(self, nbytes: int) -> None:
        """Read the header and the table of blocks of a chunk of so many bytes."""
        head = os.pread(self._descriptor, _HEADER.size, self._offset)
        if len(head) < _HEADER.size:
            raise NotUnderstoodError
        self._head = _HEADER.unpack(head)
        version, _, flags, _, size, self._block, self._stored = self._head
        if version != _VERSION or size != nbytes or not 0 < self._block <= nbytes:
            raise NotUnderstoodError
        self._nbytes, self._copied = nbytes, bool(flags & _COPIED)
        if self._copied:
            return
        count = grid.ceil_div(nbytes, self._block)
        table = os.pread(self._descriptor, 4 * count, self._offset + _HEADER.size)
        if len(table) < 4 * count:
            raise NotUnderstoodError
        self._starts = np.frombuffer(table, "<i4").astype(np.int64)
        # Blocks that several threads encoded are not stored in their order.
        order = np.argsort(self._starts, kind="stable")
        self._ends = np.empty(count, np.int64)
        self._ends[order[:-1]], self._ends[order[-1]] = self._starts[order[1:]], self._stored

    def whole(self, out: NDArray) -> Iterator[tuple[Piece, NDArray]]:
        """Cut the whole chunk at the borders of its blocks; `out` is contiguous."""
        flat = out.reshape(-1).view(np.uint8)
        step = max(1, PIECE // self._block) * self._block
        start = 0
        while start < flat.size:
            # A shorter last block is no chunk by itself.
            stop = start + step if start + step + self._block <= flat.size else flat.size
            yield Piece(start, stop, (slice(start, stop),), ()), flat[start:stop]
            start = stop

    def fill(self, out: NDArray, piece: Piece, scratch: _Scratch) -> None:
        """Put the pixels of a piece where they belong."""
        start, stop = piece.start, piece.stop
        if out.nbytes == stop - start and out.flags.c_contiguous and self._aligned(start, stop):
            self._decode(start // self._block, out.reshape(-1).view(np.uint8), scratch, start)
            return
        first = 0 if self._copied else start // self._block
        last = grid.ceil_div(stop, self._block)
        if last * self._block > self._nbytes and last - first == 1:
            first = max(0, first - 1)
        origin = start if self._copied else first * self._block
        end = stop if self._copied else min(last * self._block, self._nbytes)
        decoded = scratch.decoded(end - origin)
        self._decode(first, decoded, scratch, start)
        wanted = decoded[start - origin : stop - origin].view(out.dtype).reshape(-1, *piece.rest)
        inner = piece.box[len(piece.box) - len(piece.rest) :]
        lead = (0,) * (out.ndim - 1 - len(inner))  # axes of length one
        out[lead] = wanted[(slice(None), *inner)]

    def _aligned(self, start: int, stop: int) -> bool:
        """Whether a range can be decoded without other blocks."""
        if self._copied:
            return True
        whole = stop % self._block == 0 or (stop == self._nbytes and stop - start >= self._block)
        return start % self._block == 0 and whole

    def _decode(self, first: int, out: NDArray, scratch: _Scratch, start: int) -> None:
        """Decode so many bytes, from a block on; from `start` on if the chunk is not compressed."""
        from numcodecs import blosc  # 50 ms, and only large chunks need it

        if self._copied:
            self._read(out, _HEADER.size + start)
            return
        last = first + grid.ceil_div(out.size, self._block)
        starts = self._starts[first:last]
        low, high = int(starts.min()), int(self._ends[first:last].max())
        table = _HEADER.size + starts.size * 4
        size = table + high - low
        # Blocks far apart would need most of the chunk.
        if not _HEADER.size <= low < high <= self._stored or size > 4 * out.size + (1 << 20):
            raise NotUnderstoodError
        chunk = scratch.stored(size)
        head = _HEADER.pack(*self._head[:4], out.size, self._block, size)
        chunk[: _HEADER.size] = np.frombuffer(head, np.uint8)
        chunk[_HEADER.size : table] = (starts - low + table).astype("<i4").view(np.uint8)
        self._read(chunk[table:], low)
        try:
            blosc.decompress(chunk, out)
        except (RuntimeError, ValueError) as error:
            raise NotUnderstoodError from error

    def _read(self, out: NDArray, offset: int) -> None:
        if os.preadv(self._descriptor, [out.data], self._offset + offset) != out.size:
            raise NotUnderstoodError
