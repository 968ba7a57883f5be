"""What has to hold for a new array before its document is written; see ArraySpec.create."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, SupportsIndex

from iohub.errors import ShapeError
from iohub.storage.codecs import BLOSC_MAX_BYTES
from iohub.storage.grid import check_chunks

if TYPE_CHECKING:
    import numpy as np

    from iohub.types import JsonObject, Shape


def check_shards(
    shards: Sequence[SupportsIndex] | None, chunks: Shape, shape: Shape, zarr_format: int
) -> Shape | None:
    """Return shards that fit chunks, None for none.

    Raises
    ------
    ShapeError
        If the Zarr format is unknown or has no shards, or they are no multiple of the chunks.
    """
    if zarr_format not in (2, 3):
        raise ShapeError(f"there is no Zarr format {zarr_format!r}, only 2 and 3")
    if shards is None:
        return None
    if zarr_format == 2:
        raise ShapeError("Zarr v2 (OME-Zarr 0.4) has no shards; leave them out or write 0.5")
    outer = check_chunks(shards, shape, "shards")
    if any(s % c for s, c in zip(outer, chunks, strict=True)):
        raise ShapeError(f"shards {outer} are no multiple of the chunks {chunks}")
    return outer


def check_names(names: Sequence[str | None] | None, shape: Shape) -> tuple[str | None, ...] | None:
    """Return dimension names, None for none.

    Raises
    ------
    ShapeError
        If there is not one per axis.
    """
    if names is not None and len(names) != len(shape):
        raise ShapeError(f"{len(names)} dimension names {tuple(names)} for {len(shape)} axes")
    return None if names is None else tuple(names)


def check_bytes(chunks: Shape, dtype: np.dtype[Any], compressor: JsonObject | None) -> None:
    """Check that the compressor can encode a chunk.

    Raises
    ------
    ShapeError
        If it is Blosc and the chunk larger than 2 GiB.
    """
    size = prod(chunks) * dtype.itemsize
    blosc = compressor is not None and "blosc" in (compressor.get("id"), compressor.get("name"))
    if blosc and size > BLOSC_MAX_BYTES:
        raise ShapeError(
            f"chunks {chunks} of {dtype} are {size:,} bytes; Blosc encodes at most"
            f" {BLOSC_MAX_BYTES:,}: choose smaller chunks"
        )
