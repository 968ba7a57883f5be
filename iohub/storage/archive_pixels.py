"""Pixels of arrays in archives, decoded here chunk by chunk, also in shards.

TensorStore has a driver for archives, but refuses those with an entry twice, and a read through it
was once seen to wait for ever (0.1.86, cause not found). What is decoded here also works in forked
children. Chunks from 1 MiB on that Blosc compressed are read by :mod:`iohub.storage.blosc_chunks`;
what codecs are not known here is left to zarr-python.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from iohub.errors import EngineError, FormatError
from iohub.storage import blosc_chunks, chunk_pool, grid
from iohub.storage.codecs import chain_of_v2
from iohub.storage.keys import join
from iohub.storage.ozx import ArchiveBytes
from iohub.storage.virtual_pixels import VirtualPixels

if TYPE_CHECKING:
    from iohub.storage.ozx_draft_units import UnitsDraft
    from iohub.storage.protocol import ByteStore
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray, Region, Shape

_INDEXES = 64  # of shards, that are kept
_EMPTY = 2**64 - 1  # in the index of a shard: a chunk that is not there
_SHARDED = "sharding_indexed"


class ArchiveChunks:
    """Decodes the chunks of one array, as it is in one archive; a ``RegionReader``.

    Parameters
    ----------
    store : ArchiveBytes or UnitsDraft
        The archive.
    path : str
        Path in it.
    spec : ArraySpec
        The array.
    """

    def __init__(self, store: ArchiveBytes | UnitsDraft, path: str, spec: ArraySpec):
        self._store, self._path, self._spec = store, path, spec
        self.shape, self.dtype, self.chunks = spec.shape, spec.dtype, spec.chunks
        chain = _chain(spec)
        self._shards: JsonObject = {}
        self._ratio: Shape = ()
        if chain[0]["name"] == _SHARDED:
            self._shards = chain[0]["configuration"]
            self._ratio = tuple(u // c for u, c in zip(spec.unit, spec.chunks, strict=True))
            chain = self._shards["codecs"]
        self._stored, self._decoders = _decoders(chain, spec.dtype)
        self._size = prod(spec.chunks) * spec.dtype.itemsize
        self._index = lru_cache(_INDEXES)(self._read_index)
        self._blosc: blosc_chunks.BloscReader | None = None
        if isinstance(store, ArchiveBytes) and store.is_local:
            single = replace(spec, shards=None, metadata={**spec.metadata, "codecs": chain})
            if not self._ratio and blosc_chunks.suits(spec):
                self._blosc = blosc_chunks.BloscReader(store, path, spec)
            elif self._ratio and self._stored == spec.dtype and blosc_chunks.suits(single):
                self._blosc = _InShards(store, path, single, self._place)

    def chunk(self, index: Shape) -> NDArray:
        """Return a chunk, cut at the border of the array."""
        region = grid.unit_region(index, self.shape, self.chunks)
        key, raw = self._encoded(index)
        if raw is None:
            return np.full(grid.region_shape(region), self._spec.fill_value, self.dtype)
        raw = _decode(raw, self._decoders, f"{self._store.url}/{key}")
        if len(raw) != self._size:
            raise FormatError(
                f"{self._store.url}/{key} is damaged: a chunk of {len(raw)} bytes, not {self._size}"
            )
        whole = np.frombuffer(raw, self._stored).reshape(self.chunks)
        part = whole[tuple(map(slice, grid.region_shape(region)))]
        return part.astype(self.dtype, copy=False)

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Return a region of large chunks, block by block; None if that is not the way."""
        if self._blosc is None or not self._blosc.prefers(region):
            return None
        target = np.empty(grid.region_shape(region), self.dtype) if out is None else out
        try:
            self._blosc.read(region, target)
        except (blosc_chunks.NotUnderstoodError, FormatError):  # such as a deflated one
            return None
        return target

    def _encoded(self, index: Shape) -> tuple[str, bytes | None]:
        """Key and encoded bytes of a chunk, None if it was never written."""
        if not self._ratio:
            key = join(self._path, self._spec.unit_key(index))
            return key, self._store.get(key)
        key, place = self._place(index)
        if place is None:
            return key, None
        offset, size = place
        part = self._store.get_range(key, offset, offset + size)
        if part is None or len(part) != size:
            raise FormatError(f"{self._store.url}/{key} is damaged: a chunk lies outside the shard")
        return key, part

    def _place(self, index: Shape) -> tuple[str, tuple[int, int] | None]:
        """Key of the shard of a chunk, and where in it the chunk is, None if it is not there."""
        shard = tuple(i // n for i, n in zip(index, self._ratio, strict=True))
        inside = tuple(i % n for i, n in zip(index, self._ratio, strict=True))
        key = join(self._path, self._spec.unit_key(shard))
        places = self._index(key)
        if places is None:
            return key, None
        offset, size = (int(n) for n in places[inside])
        return key, None if offset == size == _EMPTY else (offset, size)

    def _read_index(self, key: str) -> NDArray | None:
        """Offset and size of each chunk of a shard; None if the shard was never written."""
        stored, decoders = _decoders(self._shards["index_codecs"], np.dtype("u8"))
        nbytes = prod(self._ratio) * 16
        size = nbytes + 4 * len(decoders)
        first = self._shards.get("index_location", "end") == "start"
        raw = self._store.get_range(key, *((0, size) if first else (-size, None)))
        if raw is None:
            return None
        if len(raw) != size:
            raise FormatError(f"{self._store.url}/{key} is damaged: smaller than its index")
        raw = _decode(raw, decoders, f"{self._store.url}/{key}")
        return np.frombuffer(raw, stored).reshape(*self._ratio, 2)


class _InShards(blosc_chunks.BloscReader):
    """Reads chunks in the shards of an archive; `place` is that of :class:`ArchiveChunks`."""

    def __init__(
        self,
        store: ArchiveBytes,
        path: str,
        spec: ArraySpec,
        place: Callable[[Shape], tuple[str, tuple[int, int] | None]],
    ):
        super().__init__(store, path, spec)
        self._place = place

    def open_chunk(self, index: Shape) -> tuple[int, int] | None:
        """Open the archive; where in it the chunk begins; None if it was never written."""
        key, place = self._place(index)
        if place is None:
            return None
        if sum(place) > (self._store.size(key) or 0):
            raise blosc_chunks.NotUnderstoodError  # reading it whole says what is wrong
        found = self._store.open_value(key)
        return None if found is None else (found[0], found[1] + place[0])


class ArchivePixels:
    """An array in an archive, for reading; read anew when the archive was replaced.

    Parameters
    ----------
    store : ArchiveBytes
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        The array.
    """

    def __init__(self, store: ArchiveBytes, path: str, spec: ArraySpec):
        self._store, self._path, self._spec = store, path, spec
        self._held: tuple[object, VirtualPixels] | None = None

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""
        return self._now().read(region, out)

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at an outer product."""
        return self._now().read_orthogonal(index)

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        return self._now().read_points(coords)

    def write(self, region: Region, value: NDArray) -> None:
        """Refuse: an archive is written as a whole."""
        self._now().write(region, value)

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Refuse, as :meth:`write`."""
        self._now().write_orthogonal(index, value)

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Refuse, as :meth:`write`."""
        self._now().write_points(coords, value)

    def __reduce__(self) -> tuple[object, ...]:
        return ArchivePixels, (self._store, self._path, self._spec)

    def _now(self) -> VirtualPixels:
        store = self._store
        directory = store.directory()
        state = (None if directory is None else directory.identity, self._spec)
        known = store.decoders.get(self._path)
        if known is None or known[0] != state:
            if known is not None:
                chunk_pool.drop(known[1])
            known = store.decoders[self._path] = state, ArchiveChunks(store, self._path, self._spec)
        held = self._held
        if held is None or held[0] is not known[1]:
            pixels = VirtualPixels(cast(ArchiveChunks, known[1]), join(store.url, self._path))
            held = self._held = known[1], pixels
        return held[1]


@dataclass(frozen=True)
class ArchiveEngine:
    """The engine that is chosen for archives."""

    name: str = "archive"

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array; None if it can."""
        if not isinstance(store, ArchiveBytes):
            return "it opens archives only"
        return self.refuses_codecs(spec)

    @staticmethod
    def refuses_codecs(spec: ArraySpec) -> str | None:
        """Why it cannot decode an array; None if it can.

        Parameters
        ----------
        spec : ArraySpec
            The array.
        """
        chain = _chain(spec)
        if chain and chain[0]["name"] == _SHARDED:
            inner = chain[0]["configuration"]
            names = [codec["name"] for codec in inner["index_codecs"]]
            if len(chain) > 1 or names not in (["bytes"], ["bytes", "crc32c"]):
                return "it knows no such shards"
            chain = inner["codecs"]
        names = [codec["name"] for codec in chain]
        if names[:1] != ["bytes"] or not set(names[1:]) <= _DECODERS.keys():
            return f"it has not the codecs {', '.join(names) or 'of this array'}"
        return None

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> ArchivePixels:
        """Open an array."""
        if not isinstance(store, ArchiveBytes):
            raise EngineError(f"{store.url} is no archive")
        return ArchivePixels(store, path, spec)


ENGINE = ArchiveEngine()


def _chain(spec: ArraySpec) -> list[JsonObject]:
    """Return the codecs as v3 says them; none if it cannot."""
    if spec.zarr_format == 2:
        return chain_of_v2(spec.metadata, spec.dtype.itemsize, spec.big_endian) or []
    chain: list[JsonObject] = spec.metadata["codecs"]
    return chain


def _decoders(
    chain: Sequence[JsonObject], dtype: np.dtype[Any]
) -> tuple[np.dtype[Any], list[Callable[[bytes], bytes]]]:
    """Return the type of pixels as they are stored, and what undoes the other codecs, in turn."""
    endian = (chain[0].get("configuration") or {}).get("endian", "little")
    stored = dtype.newbyteorder(">" if endian == "big" else "<")
    return stored, [_DECODERS[codec["name"]] for codec in chain[:0:-1]]


def _decode(raw: bytes, decoders: Sequence[Callable[[bytes], bytes]], url: str) -> bytes:
    for decoder in decoders:
        try:
            raw = decoder(raw)
        except (RuntimeError, ValueError, zlib.error) as error:
            raise FormatError(f"{url} is damaged: {error}") from error
    return raw


def _blosc(raw: bytes) -> bytes:
    from numcodecs import blosc  # 50 ms, and not every array needs it

    found: bytes = blosc.decompress(raw)
    return found


def _zstd(raw: bytes) -> bytes:
    from numcodecs import zstd

    found: bytes = zstd.decompress(raw)
    return found


def _gzip(raw: bytes) -> bytes:
    return zlib.decompress(raw, zlib.MAX_WBITS | 16)


def _crc32c(raw: bytes) -> bytes:
    import google_crc32c

    value, check = raw[:-4], raw[-4:]
    if google_crc32c.value(value) != int.from_bytes(check, "little"):
        raise ValueError("its checksum is wrong")
    return value


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "blosc": _blosc,
    "crc32c": _crc32c,
    "gzip": _gzip,
    "zstd": _zstd,
}
