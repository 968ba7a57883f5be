"""TensorStore's door: pixels of arrays in local directories; the only file that imports it.

Two contexts are shared by all arrays. Small regions are read through a bounded pool of decoded
chunks, each revalidated against its file, so that another process's write is seen. Whole chunks,
and what the pool cannot hold, pass by it straight into the caller's memory.

Some it leaves to others. Chunks from 1 MiB on that Blosc compressed are read by
:mod:`iohub.storage.blosc_chunks`, as TensorStore decodes a chunk in one thread, wholly, and copies
it: whole stacks are read about twice as fast that way, and a window of one without the rest. Whole
chunks from 8 MiB on are encoded by :mod:`iohub.storage.unit_encoding`: a conversion to chunks of
32 MiB reaches 0.80 of the raw limit that way, and 0.71 through TensorStore.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from iohub.errors import ReadOnlyError
from iohub.storage import blosc_chunks, forks, grid, settings
from iohub.storage.blosc_chunks import BloscReader
from iohub.storage.damage import chunk_errors
from iohub.storage.keys import DRAFT_PREFIX, join
from iohub.storage.local import LocalBytes
from iohub.storage.unit_encoding import unit_encoder

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore, Pixels
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray, Region

_CODECS = {"blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd"}
_V2_COMPRESSORS = {"blosc", "bz2", "gzip", "zlib", "zstd"}
# From here on fresh memory for what is encoded costs TensorStore much [bytes].
_LARGE_CHUNK = 8 << 20
_OS_ERROR = re.compile(r"os_error_code='(\d+)'")
_MEMBERS = {
    "attributes",
    "chunk_grid",
    "chunk_key_encoding",
    "codecs",
    "consolidated_metadata",
    "data_type",
    "dimension_names",
    "fill_value",
    "node_type",
    "shape",
    "storage_transformers",
    "zarr_format",
}


@lru_cache(maxsize=4)
def _context(pool_bytes: int, durable: bool) -> ts.Context:
    # Locking protects writers of one chunk from each other and stays on.
    return ts.Context({"cache_pool": {"total_bytes_limit": pool_bytes}, "file_io_sync": durable})


def open_tensorstore(
    store: LocalBytes, path: str, spec: ArraySpec, *, pooled: bool = False, **kwargs: Any
) -> ts.TensorStore:
    """Open an array as a ``tensorstore.TensorStore``.

    Parameters
    ----------
    store : LocalBytes
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        The array.
    pooled : bool
        Whether decoded chunks are kept in the process's pool.
    **kwargs
        For ``tensorstore.open``; `context` replaces the process's own.

    Raises
    ------
    ForkError
        If TensorStore was used before this process was forked.
    """
    forks.mark_used("tensorstore")
    size = settings.get_options().pool_bytes if pooled else 0
    options: dict[str, Any] = {
        "open": True,
        "read": True,
        "write": not store.read_only,
        "context": _context(size, store.durability == "power"),
    }
    location = {
        "driver": "zarr3" if spec.zarr_format == 3 else "zarr",
        "kvstore": {"driver": "file", "path": store.path(path) + "/"},
        "recheck_cached_data": True,
        "recheck_cached_metadata": "open",
    }
    return ts.open(location, **{**options, **kwargs}).result()


def view_tensorstore(pixels: Pixels, spec: ArraySpec, **kwargs: Any) -> ts.TensorStore:
    """Show pixels that another decoder reads as a ``tensorstore.TensorStore``, for reading.

    Parameters
    ----------
    pixels : Pixels
        Who reads them.
    spec : ArraySpec
        The array.
    **kwargs
        For ``tensorstore.virtual_chunked``, such as `context`.

    Raises
    ------
    ForkError
        If TensorStore was used before this process was forked.
    """
    forks.mark_used("tensorstore")

    def read(domain: ts.IndexDomain, chunk: NDArray, _: object) -> None:
        chunk[...] = pixels.read(domain.index_exp)

    names = spec.metadata.get("dimension_names")
    options: dict[str, Any] = {
        "domain": ts.IndexDomain(shape=spec.shape, labels=names),
        "dtype": spec.dtype,
        "chunk_layout": ts.ChunkLayout(read_chunk_shape=spec.chunks),
        "context": _context(0, False),
    }
    return ts.virtual_chunked(read, **{**options, **kwargs})


class TensorStorePixels:
    """An array held open by TensorStore.

    Parameters
    ----------
    store : LocalBytes
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        The array.
    """

    def __init__(self, store: LocalBytes, path: str, spec: ArraySpec):
        self._store, self._path, self._spec = store, path, spec
        self._handles: dict[bool, tuple[settings.Options, ts.TensorStore]] = {}
        self._blosc: BloscReader | None = None
        if blosc_chunks.suits(spec):
            self._blosc = BloscReader(store, path, spec)
        large = self._blosc is not None and spec.unit_nbytes >= _LARGE_CHUNK
        self._encode = unit_encoder(spec) if large else None
        self._alone = any(part.startswith(DRAFT_PREFIX) for part in path.split("/"))

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""
        if out is None:
            out = np.empty(grid.region_shape(region), self._spec.dtype)
        if out.size and not self._read_blosc(region, out):
            # Into memory that is there already: half the page faults of TensorStore's own read.
            ts.array(out).write(self._handle(self._prefers_pool(region))[region]).result()
        return out

    def _read_blosc(self, region: Region, out: NDArray) -> bool:
        """Read a region past TensorStore, if its chunks allow it and it is faster."""
        if self._blosc is None or not self._blosc.prefers(region):
            return False
        try:
            self._blosc.read(region, out)
        except blosc_chunks.NotUnderstoodError:
            return False
        return True

    def _write_blosc(self, region: Region, value: NDArray) -> bool:
        """Write whole chunks past TensorStore, if they are such; it takes fresh memory for each."""
        spec = self._spec
        if self._encode is None or not grid.aligned(region, spec.shape, spec.unit):
            return False
        files = self._handle(pooled=False).kvstore
        if files is None:
            return False
        for index in grid.units_of(region, spec.unit):
            whole = grid.unit_region(index, spec.shape, spec.unit)
            encoded = self._encode(value[grid.relative(whole, region)])
            key = spec.unit_key(index)
            if self._alone and encoded is not None:
                # In a draft each unit is written once, by one: without TensorStore's copy of it.
                self._store.set(join(self._path, key), encoded)
                continue
            # Under TensorStore's lock of this chunk, or who changes a part of it at the same time
            # could put the old rest back. None: there is no such file then.
            with self._system_errors():
                files.write(key, encoded).result()
        return True

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels of an outer product."""
        view = self._outer(self._handle(pooled=settings.get_options().pool_bytes > 0), index)
        return self._read(view)

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        if not coords[0].size:
            return np.empty(coords[0].shape, self._spec.dtype)
        return self._read(self._handle(pooled=True).vindex[coords])

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region."""
        if value.size and not self._write_blosc(region, value):
            target = self._handle(pooled=False)[region]
            # It is waited for, so whole chunks may be encoded from the caller's memory, not a copy.
            referenced = _encodes_views(self._spec, region, value)
            with self._system_errors():
                target.write(value, can_reference_source_data_indefinitely=referenced).result()

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write an outer product."""
        if value.size:
            with self._system_errors():
                self._outer(self._handle(pooled=False), index).write(value).result()

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write points."""
        if value.size:
            with self._system_errors():
                self._handle(pooled=False).vindex[coords].write(value).result()

    def _handle(self, pooled: bool) -> ts.TensorStore:
        now = settings.get_options()
        held = self._handles.get(pooled)
        if held is None or held[0] is not now:
            handle = open_tensorstore(self._store, self._path, self._spec, pooled=pooled)
            held = self._handles[pooled] = (now, handle)
        return held[1]

    def _prefers_pool(self, region: Region) -> bool:
        """Whether a region needs only parts of chunks, and the pool can hold these."""
        spec = self._spec
        if grid.aligned(region, spec.shape, spec.chunks):
            return False
        chunks = grid.count_units(region, spec.chunks)
        size = int(np.prod(spec.chunks, dtype=object)) * spec.dtype.itemsize
        return chunks * size <= settings.get_options().pool_bytes

    def _read(self, view: ts.TensorStore) -> NDArray:
        out = np.empty(view.shape, self._spec.dtype)
        if out.size:
            ts.array(out).write(view).result()
        return out

    @contextmanager
    def _system_errors(self) -> Iterator[None]:
        """Raise what the system refused as the OSError that it is; TensorStore says ValueError."""
        try:
            yield
        except ValueError as error:
            where = self._store.path(self._path)
            if "Error reading" in str(error) and "FAILED_PRECONDITION" in str(error):
                with chunk_errors(where):  # a part of a chunk was written, and the rest is damaged
                    raise
            said = _OS_ERROR.search(str(error))
            if said is None:
                raise
            code = int(said[1])
            if code in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise ReadOnlyError(
                    f"cannot write in {where}: {os.strerror(code)}; open it with mode='r'"
                ) from error
            raise OSError(code, os.strerror(code), where) from error

    @staticmethod
    def _outer(handle: ts.TensorStore, index: tuple[slice | NDArray, ...]) -> ts.TensorStore:
        # Strided domains of TensorStore start elsewhere than at 0.
        return handle.oindex[index].translate_to[0]


@dataclass(frozen=True)
class TensorStoreEngine:
    """TensorStore as an engine."""

    name: str = "tensorstore"

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array; None if it can."""
        if not isinstance(store, LocalBytes):
            return "it opens local directories only"
        if spec.zarr_format == 2:
            if spec.metadata.get("filters"):
                return "it has no filters for Zarr v2"
            compressor = spec.metadata.get("compressor")
            if compressor is not None and compressor["id"] not in _V2_COMPRESSORS:
                return f"it has no codec {compressor['id']!r}"
            if compressor is not None and "checksum" in compressor:
                return "it has no checksums for Zarr v2"
            return None
        unknown = _unknown_codecs(spec.metadata["codecs"])
        if unknown:
            return f"it has no codec {', '.join(map(repr, unknown))}"
        extra = [m for m in spec.metadata if m not in _MEMBERS]
        return f"it refuses documents with the members {extra}" if extra else None

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> TensorStorePixels:
        """Open an array."""
        if not isinstance(store, LocalBytes):
            raise TypeError(f"{store.url} is no local directory")
        return TensorStorePixels(store, path, spec)


ENGINE = TensorStoreEngine()


def _encodes_views(spec: ArraySpec, region: Region, value: NDArray) -> bool:
    """Whether TensorStore may encode chunks from where a value lies.

    TensorStore 0.1.86 compares a chunk that is no contiguous part of the value with the fill value
    wrongly, takes it for empty and drops it.
    """
    if spec.shards is not None or not value.flags.c_contiguous:
        return False
    split = [
        part.start // chunk != (part.stop - 1) // chunk
        for part, chunk in zip(region, spec.chunks, strict=True)
    ]
    single = [chunk == 1 or size == 1 for size, chunk in zip(value.shape, spec.chunks, strict=True)]
    # Behind the first axis along which a chunk is thick, a chunk must have all of the value.
    thick = single.index(False) if False in single else len(single)
    return not any(split[thick + 1 :])


def _unknown_codecs(codecs: list[JsonObject]) -> list[str]:
    found = []
    for codec in codecs:
        if codec["name"] not in _CODECS:
            found.append(codec["name"])
        settings_of = codec.get("configuration") or {}
        for member in ("codecs", "index_codecs"):
            found += _unknown_codecs(settings_of.get(member, []))
    return found
