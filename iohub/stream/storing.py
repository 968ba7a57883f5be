"""Chunks and shards of a stream, and how many frames stay open until one is whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from iohub.errors import ShapeError
from iohub.metadata.versions import spelling
from iohub.stream.dimensions import Dimension
from iohub.stream.formats import OmeZarrFormat
from iohub.stream.options import StreamOptions
from iohub.stream.settings import AcquisitionSettings
from iohub.types import Shape

TILE = 512
"""Longest side of a tile [pixels]."""

VOLUME_BYTES = 64 * 2**20
"""Largest chunk that holds a stack [bytes]."""


def chunk_shape(settings: AcquisitionSettings, options: StreamOptions) -> Shape:
    """Return the chunks of an array, as it is stored.

    What a dimension says itself holds; others follow the intent, by default one frame.
    """
    dims = settings.array_storage_dimensions
    chunks = []
    for place, dim in enumerate(dims):
        of_frame = place >= len(dims) - 2
        size = dim.chunk_size
        if size is None:
            size = (dim.count or 1) if of_frame else 1
            if of_frame and options.chunks == "tile":
                size = min(size, TILE)
        chunks.append(size if dim.count is None else min(size, dim.count))
    if options.chunks == "volume":
        _deepen(chunks, dims, np.dtype(settings.dtype).itemsize)
    return tuple(chunks)


def _deepen(chunks: list[int], dims: Sequence[Dimension], itemsize: int) -> None:
    """Take as many planes into a chunk as it may hold."""
    for place, dim in enumerate(dims[:-2]):
        if dim.type == "space" and dim.chunk_size is None and dim.count is not None:
            room = VOLUME_BYTES // max(1, prod(chunks) * itemsize)
            chunks[place] = max(1, min(dim.count, room))


def shard_shape(
    settings: AcquisitionSettings, chunks: Shape, *, always: bool = False
) -> Shape | None:
    """Return the shards of an array; None if no dimension asks for them, unless there are `always`.

    Raises
    ------
    ShapeError
        If the version of OME-Zarr has none.
    """
    dims = settings.array_storage_dimensions
    ratios = [dim.shard_size_chunks for dim in dims]
    if all(ratio is None for ratio in ratios) and not always:
        return None
    form = settings.format
    if isinstance(form, OmeZarrFormat) and spelling(form.spelled_version).zarr_format == 2:
        raise ShapeError(
            f"OME-Zarr {form.spelled_version} has no shards: leave shard_size_chunks out, or "
            "choose another version"
        )
    shards = []
    for dim, chunk, ratio in zip(dims, chunks, ratios, strict=True):
        most = ratio or 1
        if dim.count is not None:
            most = min(most, -(-dim.count // chunk))
        shards.append(chunk * most)
    return tuple(shards)


def open_frames(settings: AcquisitionSettings, unit: Shape) -> int:
    """Return how many frames at most belong to units that are begun and not whole.

    Of the dimensions along which a unit holds several frames, the slowest decides: until it has
    passed a unit's length, the units of all faster dimensions, and those of all positions if these
    are faster, are open.

    Parameters
    ----------
    settings : AcquisitionSettings
        With dimensions.
    unit : tuple of int
        Shape of a shard or a chunk, as it is stored.
    """
    stored = [dim.name for dim in settings.array_storage_dimensions]
    along = dict(zip(stored, unit, strict=True))
    dims = settings.dimensions[:-2]
    for place, dim in enumerate(dims):
        if dim.type != "position" and along[dim.name] > 1:
            faster = prod(other.count or 1 for other in dims[place + 1 :])
            return along[dim.name] * faster
    return 1


def layer_frames(settings: AcquisitionSettings, unit: Shape) -> int:
    """Return how many frames come until units along the first dimension are left behind."""
    stored = [dim.name for dim in settings.array_storage_dimensions]
    along = dict(zip(stored, unit, strict=True))
    first, *others = settings.dimensions[:-2]
    return along.get(first.name, first.count or 1) * prod(other.count or 1 for other in others)
