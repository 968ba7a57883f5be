"""Chunks and shards encoded as they are stored: the counterpart of what ``archive_pixels`` decodes.

For values that no engine writes to a file of their own. What codecs are not known here is left to
an engine.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from iohub.storage import grid
from iohub.storage.codecs import chain_of_v2

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray

Step: TypeAlias = Callable[[bytes | memoryview], bytes]
Encode: TypeAlias = Callable[["NDArray"], bytes | None]
"""Takes the pixels of a unit, cut at the border of the array; None: all are the fill value."""

_EMPTY = (1 << 64) - 1  # in the index of a shard: a chunk that is not there
_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


def unit_encoder(spec: ArraySpec) -> Encode | None:
    """Return what encodes units of an array, None if its codecs are not known here.

    Parameters
    ----------
    spec : ArraySpec
        The array; one whose fill value is zero.
    """
    if spec.dtype.kind not in "biufc" or np.any(np.frombuffer(spec.fill_value.tobytes(), "u1")):
        return None
    chain = spec.metadata.get("codecs")
    if spec.zarr_format == 2:
        chain = chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian)
        for codec in chain or ():
            if codec["name"] == "blosc":  # v2 does not say by what it shuffles: by pixels
                codec["configuration"].setdefault("typesize", spec.dtype.itemsize)
    if not chain:
        return None
    if chain[0]["name"] == "sharding_indexed":
        return _shards(spec, chain)
    steps = codec_steps(chain)
    return None if steps is None else partial(_chunk, spec, _stored(spec, chain), steps)


def _shards(spec: ArraySpec, chain: Sequence[JsonObject]) -> Encode | None:
    said = chain[0]["configuration"]
    steps, index_steps = codec_steps(said["codecs"]), codec_steps(said["index_codecs"])
    last = said.get("index_location", "end") == "end"
    if len(chain) > 1 or steps is None or index_steps is None or not last:
        return None
    one = partial(_chunk, spec, _stored(spec, said["codecs"]), steps)
    return partial(_shard, spec, one, index_steps)


def _shard(
    spec: ArraySpec, encode: Encode, index_steps: Sequence[Step], pixels: NDArray
) -> bytes | None:
    """Encode the chunks of a shard, one behind the other, and where each is."""
    counts = tuple(u // c for u, c in zip(spec.unit, spec.chunks, strict=True))
    places, parts, at = [(_EMPTY, _EMPTY)] * prod(counts), [], 0
    for number, index in enumerate(np.ndindex(counts)):
        part = pixels[
            tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, spec.chunks, strict=True))
        ]
        value = encode(part) if part.size else None
        if value is not None:
            parts.append(value)
            places[number] = at, len(value)
            at += len(value)
    if not parts:
        return None
    table = struct.pack(f"<{2 * len(places)}Q", *(n for place in places for n in place))
    for step in index_steps:
        table = step(table)
    return b"".join([*parts, table])


def _chunk(
    spec: ArraySpec, dtype: np.dtype[np.generic], steps: Sequence[Step], pixels: NDArray
) -> bytes | None:
    whole = np.ascontiguousarray(pixels, dtype)
    raw = whole.reshape(-1).view("u1")  # also tells -0.0 from 0.0
    if not (raw[:4096].any() or raw.any()):  # what is not empty is seldom so at its start
        return None
    if whole.shape != spec.chunks:
        padded = np.zeros(spec.chunks, dtype)
        padded[grid.region_at((0,) * whole.ndim, whole.shape)] = whole
        whole = padded
    value: bytes | memoryview = whole.reshape(-1).view("u1").data
    for step in steps:
        value = step(value)
    return bytes(value)


def _stored(spec: ArraySpec, chain: Sequence[JsonObject]) -> np.dtype[np.generic]:
    endian = (chain[0].get("configuration") or {}).get("endian", "little")
    return spec.dtype.newbyteorder(">" if endian == "big" else "<")


def codec_steps(chain: Sequence[JsonObject]) -> list[Step] | None:
    """Return what each codec behind the first, which is ``bytes``, does; None if one is not known.

    Parameters
    ----------
    chain : sequence of dict
        Codecs of Zarr v3, as they stand in a document.
    """
    if chain[0]["name"] != "bytes":
        return None
    found = []
    for codec in chain[1:]:
        make = _CODECS.get(codec["name"])
        if make is None:
            return None
        found.append(make(codec.get("configuration") or {}))
    return found


def _blosc(said: JsonObject) -> Step:
    from numcodecs import blosc  # 50 ms, and not every array needs it

    name, level, size = said["cname"].encode(), int(said["clevel"]), int(said.get("typesize") or 1)
    shuffle, block = _SHUFFLES[said["shuffle"]], int(said.get("blocksize") or 0)

    def step(value: bytes | memoryview) -> bytes:
        found: bytes = blosc.compress(value, name, level, shuffle, block, typesize=size)
        return found

    return step


def _zstd(said: JsonObject) -> Step:
    from numcodecs import zstd

    return partial(_call_zstd, zstd.compress, int(said["level"]), bool(said.get("checksum")))


def _call_zstd(
    compress: Callable[..., bytes], level: int, checksum: bool, value: bytes | memoryview
) -> bytes:
    return compress(value, level, checksum)


def _gzip(said: JsonObject) -> Step:
    def step(value: bytes | memoryview) -> bytes:
        packer = zlib.compressobj(int(said["level"]), zlib.DEFLATED, zlib.MAX_WBITS | 16)
        return packer.compress(value) + packer.flush()

    return step


def _crc32c(_: JsonObject) -> Step:
    import google_crc32c

    def step(value: bytes | memoryview) -> bytes:
        raw = bytes(value)
        return raw + int(google_crc32c.value(raw)).to_bytes(4, "little")

    return step


_CODECS: dict[str, Callable[[JsonObject], Step]] = {
    "blosc": _blosc,
    "crc32c": _crc32c,
    "gzip": _gzip,
    "zstd": _zstd,
}
