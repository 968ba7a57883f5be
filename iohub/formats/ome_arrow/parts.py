"""Planes and chunks of an image as Arrow arrays, over the image's own memory where that can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from iohub.errors import ShapeError
from iohub.formats.ome_arrow.schema import OME_ARROW_BYTE_STRUCT, OME_ARROW_STRUCT
from iohub.types import NDArray

_PLACE = ("t", "c", "z", "y", "x", "shape_z", "shape_y", "shape_x")
_MOST = 2**31 - 1
_MOST_PIXELS = "lists of a record hold at most 2**31 - 1 pixels; write the image in parts"


def chunk_places(shape: Sequence[int], chunk: Sequence[int], keep: NDArray | None) -> NDArray:
    """Return origin and size of each chunk (n, 8): t, c, z, y, x, depth, height, width.

    Parameters
    ----------
    shape : sequence of int
        Of the image (T, C, Z, Y, X).
    chunk : sequence of int
        Of a chunk (Z, Y, X); those at the border are smaller.
    keep : ndarray, optional
        Which planes there are (T, C, Z); then a chunk has one plane.
    """
    size = np.minimum(chunk, shape[2:])
    if keep is not None:
        size[0] = 1
    steps = (1, 1, *size.tolist())
    starts = [np.arange(0, whole, step) for whole, step in zip(shape, steps, strict=True)]
    origins = np.stack([axis.ravel() for axis in np.meshgrid(*starts, indexing="ij")], axis=1)
    if keep is not None:
        origins = origins[keep[tuple(origins[:, :3].T)]]
    sizes = np.minimum(size, np.array(shape[2:]) - origins[:, 2:])
    return np.concatenate([origins, sizes], axis=1)


def list_planes(values: NDArray, keep: NDArray | None) -> pa.StructArray:
    """Return the planes of 16-bit pixels (T, C, Z, Y, X), of which `keep` says which there are."""
    kind = OME_ARROW_STRUCT.field("planes").type.value_type
    t, c, z = np.indices(values.shape[:3]).reshape(3, -1)
    if keep is not None:
        t, c, z = np.nonzero(keep)
        values = values[keep]
    lengths = np.full(len(t), values.shape[-2] * values.shape[-1])
    columns = {"t": t, "c": c, "z": z, "pixels": _lists(values.reshape(-1), lengths)}
    return _structs(kind, columns)


def list_chunks(values: NDArray, places: NDArray) -> pa.StructArray:
    """Return the chunks of 16-bit pixels (T, C, Z, Y, X)."""
    columns = dict(zip(_PLACE, places.T, strict=True))
    pixels = _lists(_in_order(values, places), places[:, 5:].prod(axis=1))
    return _structs(OME_ARROW_STRUCT.field("chunks").type.value_type, {**columns, "pixels": pixels})


def byte_chunks(values: NDArray, places: NDArray, codec: str | None) -> pa.StructArray:
    """Return the chunks of pixels (T, C, Z, Y, X) of any type, maybe compressed."""
    flat = _in_order(values, places)
    ends = np.cumsum(places[:, 5:].prod(axis=1)) * values.dtype.itemsize
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    buffer = pa.py_buffer(flat.view(np.uint8))
    if codec is None:
        buffers = [None, pa.py_buffer(offsets), buffer]
        raw = pa.Array.from_buffers(pa.large_binary(), len(places), buffers)
    else:
        pieces = [
            pa.compress(buffer[start:stop], codec=codec, asbytes=True)
            for start, stop in pairwise(offsets.tolist())
        ]
        raw = pa.array(pieces, pa.large_binary())
    columns = dict(zip(_PLACE, places.T, strict=True))
    count = len(places)
    kind = OME_ARROW_BYTE_STRUCT.field("chunks").type.value_type
    names = {"dtype": [values.dtype.name] * count, "compression": [codec] * count}
    return _structs(kind, {**columns, **names, "pixel_bytes": raw})


def _in_order(values: NDArray, places: NDArray) -> NDArray:
    """Return all pixels, chunk by chunk: those of the array itself if they lie so already."""
    shape = values.shape
    starts = places[:, :5] @ np.array([int(np.prod(shape[axis + 1 :])) for axis in range(5)])
    lengths = places[:, 5:].prod(axis=1)
    rows = (places[:, 7] == shape[4]) | (lengths == places[:, 7])
    planes = (places[:, 6] == shape[3]) | (places[:, 5] == 1)
    whole = rows & planes
    ordered = np.array_equal(starts, np.cumsum(lengths) - lengths)
    if whole.all() and ordered and int(lengths.sum()) == values.size:
        return values.reshape(-1)
    pieces = [
        values[t, c, z : z + depth, y : y + height, x : x + width].reshape(-1)
        for t, c, z, y, x, depth, height, width in places.tolist()
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, values.dtype)


def _lists(flat: NDArray, lengths: NDArray) -> pa.ListArray:
    if flat.size > _MOST:
        raise ShapeError(f"the image has {flat.size} pixels: {_MOST_PIXELS}")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    numbers = pa.Array.from_buffers(pa.uint16(), flat.size, [None, pa.py_buffer(flat)])
    return pa.ListArray.from_arrays(pa.array(offsets), numbers)


def _structs(kind: pa.StructType, columns: dict[str, object]) -> pa.StructArray:
    made = []
    for field in kind:
        column = columns[field.name]
        made.append(column if isinstance(column, pa.Array) else pa.array(column, field.type))
    return pa.StructArray.from_arrays(made, fields=list(kind))
