"""Images as dask arrays, and dask arrays into images in whole units."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from iohub.storage import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iohub.storage.protocol import WritableArray

# A shard up to this many bytes is one dask block; above it, blocks are the chunks inside.
BLOCK_BYTES = 64 << 20
# Small units are written together, up to this many bytes, to keep the task graph short.
WRITE_BYTES = 32 << 20


def is_dask(value: object) -> bool:
    """Whether a value is a dask array."""
    return isinstance(value, da.Array)


def as_dask(image: Any, chunks: Sequence[int], shards: Sequence[int] | None) -> da.Array:
    """Show an array as a dask array; nothing is read.

    Parameters
    ----------
    image : array-like
        Anything with ``shape``, ``dtype`` and ``__getitem__``.
    chunks, shards : sequence of int
        Chunk and shard shape of the array, the latter None if it is not sharded.

    Returns
    -------
    dask.array.Array
        One block per chunk, or per shard where shards are small.
    """
    blocks = tuple(chunks)
    if shards is not None and prod(shards) * image.dtype.itemsize <= BLOCK_BYTES:
        blocks = tuple(shards)
    meta = np.empty((0,) * len(image.shape), dtype=image.dtype)
    # A name of its own: two reads of a store that changed in between must not share results.
    lazy: da.Array = da.from_array(
        image, chunks=tuple(max(1, b) for b in blocks), name=False, lock=False, meta=meta
    )
    return lazy


class _Target:
    """Where dask stores its blocks: one write of whole units per block."""

    def __init__(self, array: WritableArray, offset: tuple[int, ...]):
        self.array, self.offset = array, offset
        self.shape, self.dtype = array.spec.shape, array.spec.dtype

    def __setitem__(self, key: tuple[slice, ...], value: Any) -> None:
        region = tuple(
            slice(k.start + o, k.stop + o) for k, o in zip(key, self.offset, strict=True)
        )
        self.array.write(region, np.asarray(value))


def write_dask(data: da.Array, array: WritableArray, region: Sequence[slice] | None = None) -> None:
    """Compute a dask array into a region of an image, each chunk or shard written once.

    Parameters
    ----------
    data : dask.array.Array
        Pixels, of the region's shape. Values are cast only if none changes.
    array : WritableArray
        Where they go.
    region : sequence of slice, optional
        Unit-step slices, the whole array if not given.
    """
    if 0 in data.shape:
        return
    spec = array.spec
    offset = tuple(s.start for s in region) if region is not None else (0,) * len(spec.shape)
    blocks = grid.grouped_unit(spec.shape, spec.unit, spec.dtype.itemsize, WRITE_BYTES)
    data = data.rechunk(
        tuple(
            _pieces(size, block, start)
            for size, block, start in zip(data.shape, blocks, offset, strict=True)
        )
    )
    target: Any = _Target(array, offset)
    da.store(data, target, lock=False, compute=True)


def _pieces(size: int, block: int, start: int) -> tuple[int, ...]:
    """Cut an axis at multiples of `block` counted from the array's own origin."""
    cuts = [0, *range(block - start % block, size, block), size]
    return tuple(b - a for a, b in pairwise(cuts) if b > a)
