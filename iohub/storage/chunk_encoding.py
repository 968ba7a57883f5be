"""Encodes units whose pixels lie in memory chunk by chunk; writes nothing.

An engine, and :mod:`iohub.storage.unit_encoding`, take pixels as they lie in an image and copy them
once more to cut them. Who puts an image together anyway, such as a stream, can do so chunk by
chunk: then a chunk without compression is its own bytes, and a shard its chunks and an index.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from iohub.storage.codecs import chain_of_v2
from iohub.storage.unit_encoding import codec_steps

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.storage.unit_encoding import Step
    from iohub.types import NDArray, Shape


class ChunkEncoder:
    """Encodes the units of one array; see :func:`chunk_encoder`.

    Parameters
    ----------
    spec : ArraySpec
        The array.
    steps : sequence of callable
        What each codec of a chunk does to its bytes.
    index_steps : sequence of callable
        The same for the index of a shard.

    Attributes
    ----------
    counts : tuple of int
        Chunks in a unit along each axis.
    tail : bytes or None
        What follows the pixels of a unit that is not compressed; None if it is.
    """

    def __init__(self, spec: ArraySpec, steps: Sequence[Step], index_steps: Sequence[Step]):
        self._steps, self._index_steps = steps, index_steps
        self._sharded = spec.shards is not None
        self.counts: Shape = tuple(u // c for u, c in zip(spec.unit, spec.chunks, strict=True))
        self.tail: bytes | None = None
        if not self._steps:
            nbytes = prod(spec.chunks) * spec.dtype.itemsize
            sizes = np.full(prod(self.counts), nbytes, np.uint64)
            self.tail = bytes(self._index(sizes)) if self._sharded else b""

    def encode(self, chunks: NDArray) -> bytes | memoryview:
        """Return the bytes of a unit.

        Parameters
        ----------
        chunks : numpy.ndarray
            All pixels of the unit, C-contiguous: axes of :attr:`counts`, then of a chunk. The
            result may refer to them.
        """
        raw = chunks.reshape(-1).view(np.uint8).data
        if self.tail == b"":
            return raw
        count = prod(self.counts)
        size = len(raw) // count
        parts: list[bytes | memoryview] = [raw]
        sizes = np.full(count, size, np.uint64)
        if self._steps:
            parts = [self._chunk(raw[i : i + size]) for i in range(0, len(raw), size)]
            sizes = np.fromiter(map(len, parts), np.uint64, count)
        if not self._sharded:
            return parts[0]
        return b"".join([*parts, self._index(sizes)])

    def _chunk(self, value: bytes | memoryview) -> bytes | memoryview:
        for step in self._steps:
            value = step(value)
        return value

    def _index(self, sizes: NDArray) -> bytes | memoryview:
        """Return the index of a shard: offset and size of each chunk [bytes]."""
        index = np.zeros((len(sizes), 2), "<u8")
        index[:, 1] = sizes
        np.cumsum(sizes[:-1], out=index[1:, 0])
        value: bytes | memoryview = index.tobytes()
        for step in self._index_steps:
            value = step(value)
        return value


def chunk_encoder(spec: ArraySpec) -> ChunkEncoder | None:
    """Return an encoder for the units of an array; None if only an engine can.

    Parameters
    ----------
    spec : ArraySpec
        Little-endian pixels, with codecs that :mod:`iohub.storage.unit_encoding` knows.
    """
    if spec.big_endian or sys.byteorder != "little":
        return None
    chain = spec.metadata.get("codecs")
    if spec.zarr_format == 2:
        chain = chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian)
    if not chain:
        return None
    index_steps: Sequence[Step] | None = ()
    if chain[0]["name"] == "sharding_indexed":
        said = chain[0]["configuration"]
        if len(chain) > 1 or said.get("index_location", "end") != "end":
            return None
        chain, index_steps = said["codecs"], codec_steps(said["index_codecs"])
    steps = codec_steps(chain)
    if steps is None or index_steps is None:
        return None
    return ChunkEncoder(spec, steps, index_steps)
