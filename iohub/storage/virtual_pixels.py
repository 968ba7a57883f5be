"""Pixels of a file that is not Zarr, straight from its decoder; pages read in part are kept.

What is read whole goes past the pool: it is rarely wanted a second time, and would drive out what
is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from iohub.errors import EngineError
from iohub.storage import chunk_pool, grid, settings
from iohub.storage.damage import named_errors
from iohub.storage.index_values import by_unit, outer_lines
from iohub.storage.virtual import ChunkReader, RegionReader, VirtualBytes

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape

# Less than this is decoded in the calling thread [bytes].
_THREADED = 4 << 20


class VirtualPixels:
    """An array of a file, for reading.

    Parameters
    ----------
    reader : ChunkReader
        Who decodes.
    url : str
        Where it is, for messages.
    """

    def __init__(self, reader: ChunkReader, url: str):
        self._reader, self._url = reader, url
        self._regions = reader if isinstance(reader, RegionReader) else None

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""
        with named_errors(self._url):
            return self._read(region, out)

    def _read(self, region: Region, out: NDArray | None) -> NDArray:
        reader = self._reader
        shape = grid.region_shape(region)
        if 0 in shape:
            return np.empty(shape, reader.dtype) if out is None else out
        if self._regions is not None:
            found = self._regions.region(region, out)
            if found is not None:
                return found
        indexes = list(grid.units_of(region, reader.chunks))
        if out is None and len(indexes) == 1 and self._is_whole(indexes[0], region):
            return _own(reader.chunk(indexes[0]))
        target = np.empty(shape, reader.dtype) if out is None else out

        def fill(index: Shape) -> None:
            self._fill(index, region, target)

        self._each(fill, indexes)
        return target

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at an outer product: each chunk that it touches is decoded once."""
        lines = outer_lines(index)
        out = np.empty(tuple(line.size for line in lines), self._reader.dtype)
        if not out.size:
            return out
        parts = [by_unit(line, step) for line, step in zip(lines, self._reader.chunks, strict=True)]

        def fill(unit: Shape) -> None:
            chosen = [part[i] for part, i in zip(parts, unit, strict=True)]
            at = [line[which] for line, which in zip(lines, chosen, strict=True)]
            chunk, inside = self._locate(at)
            out[np.ix_(*chosen)] = chunk[np.ix_(*inside)]

        with named_errors(self._url):
            self._each(fill, list(np.ndindex(*(len(part) for part in parts))))
        return out

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        out = np.empty(coords[0].shape, self._reader.dtype)
        if not out.size:
            return out
        points = np.stack([c.ravel() for c in coords], axis=1)
        _, which = np.unique(points // np.array(self._reader.chunks), axis=0, return_inverse=True)
        flat = out.reshape(-1)
        with named_errors(self._url):
            for chosen in by_unit(which.ravel(), 1):
                chunk, inside = self._locate(list(points[chosen].T))
                flat[chosen] = chunk[tuple(inside)]
        return out

    def write(self, region: Region, value: NDArray) -> None:
        """Refuse: no adapter writes pixels in place."""
        raise EngineError(f"{self._url} can only be read")

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Refuse, as :meth:`write`."""
        raise EngineError(f"{self._url} can only be read")

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Refuse, as :meth:`write`."""
        raise EngineError(f"{self._url} can only be read")

    # steps

    def _each(self, fill: Callable[[Shape], None], indexes: Sequence[Shape]) -> None:
        """Fill an array chunk by chunk, in several threads if much is to be decoded."""
        workers = min(settings.get_options().workers, len(indexes))
        size = prod(self._reader.chunks) * self._reader.dtype.itemsize
        if workers > 1 and size * len(indexes) >= _THREADED:
            with ThreadPoolExecutor(workers, thread_name_prefix="iohub-read") as threads:
                list(threads.map(fill, indexes))
        else:
            for index in indexes:
                fill(index)

    def _is_whole(self, index: Shape, region: Region) -> bool:
        return grid.unit_region(index, self._reader.shape, self._reader.chunks) == region

    def _fill(self, index: Shape, region: Region, out: NDArray) -> None:
        reader = self._reader
        unit = grid.unit_region(index, reader.shape, reader.chunks)
        common = grid.intersect(unit, region)
        if common is None:
            return
        chunk = reader.chunk(index) if common == unit else chunk_pool.get(reader, index)
        out[grid.relative(common, region)] = chunk[grid.relative(common, unit)]

    def _locate(self, at: list[NDArray]) -> tuple[NDArray, list[NDArray]]:
        """Return the chunk that positions lie in, and the positions in it."""
        reader = self._reader
        index = tuple(int(line[0]) // step for line, step in zip(at, reader.chunks, strict=True))
        unit = grid.unit_region(index, reader.shape, reader.chunks)
        inside = [line - part.start for line, part in zip(at, unit, strict=True)]
        # As many positions along each axis as there are: the whole chunk, not wanted again soon.
        whole = all(len(line) == p.stop - p.start for line, p in zip(inside, unit, strict=True))
        return (reader.chunk(index) if whole else chunk_pool.get(reader, index)), inside


def _own(chunk: NDArray) -> NDArray:
    """Return memory that the caller may change."""
    return chunk if chunk.flags.writeable and chunk.flags.c_contiguous else chunk.copy()


@dataclass(frozen=True)
class VirtualEngine:
    """The decoder of the file itself as an engine; the only one that reads it without a detour."""

    name: str = "file"

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array; None if it can."""
        if not isinstance(store, VirtualBytes):
            return "it opens files of other formats than Zarr"
        return None

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> VirtualPixels:
        """Open an array."""
        reader = store.reader(path) if isinstance(store, VirtualBytes) else None
        if reader is None:
            raise EngineError(f"{store.url} has no pixels at {path!r}")
        return VirtualPixels(reader, f"{store.url}/{path}")


ENGINE = VirtualEngine()
