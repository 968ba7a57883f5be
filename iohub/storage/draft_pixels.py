"""Pixels of arrays in an archive that is being written: whole chunks and shards go straight in.

Everything else, such as a part of a chunk, goes through files and the engine that is chosen for
files; from then on all does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iohub.errors import EngineError
from iohub.storage import chunk_pool, engines, grid
from iohub.storage.archive_pixels import ENGINE as ARCHIVES
from iohub.storage.archive_pixels import ArchiveChunks
from iohub.storage.ozx_draft_units import UnitsDraft
from iohub.storage.unit_encoding import unit_encoder
from iohub.storage.virtual_pixels import VirtualPixels

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore, Pixels
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region


class DraftPixels:
    """An array in an archive that is being written.

    Parameters
    ----------
    store : UnitsDraft
        The archive.
    path : str
        Path in it.
    spec : ArraySpec
        The array.
    """

    def __init__(self, store: UnitsDraft, path: str, spec: ArraySpec):
        self._store, self._path, self._spec = store, path, spec
        self._encode = unit_encoder(spec)
        self._files: Pixels | None = None
        self._held: tuple[int, ArchiveChunks] | None = None

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region."""
        if not self._append(region, value):
            self._in_files().write(region, value)

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write an outer product."""
        self._in_files().write_orthogonal(index, value)

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write points."""
        self._in_files().write_points(coords, value)

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""
        return self._now().read(region, out)

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels of an outer product."""
        return self._now().read_orthogonal(index)

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        return self._now().read_points(coords)

    def _append(self, region: Region, value: NDArray) -> bool:
        """Append whole units; whether that was possible."""
        spec, units, encode = self._spec, self._store.units, self._encode
        if encode is None or not units.open or self._files is not None:
            return False
        if not grid.aligned(region, spec.shape, spec.unit):
            return False
        for index in grid.units_of(region, spec.unit):
            key = f"{self._path}/{spec.unit_key(index)}"
            whole = grid.unit_region(index, spec.shape, spec.unit)
            encoded = encode(value[grid.relative(whole, region)])
            if encoded is None:
                if self._store.exists(key):  # the fill value, where there was something else
                    return False
            elif not units.append(self._path, key, encoded):
                return False
        return True

    def _now(self) -> Pixels:
        units = self._store.units
        if not units.open or self._files is not None:
            return self._in_files()
        held = self._held
        if held is None or held[0] != units.count:
            if held is not None:
                chunk_pool.drop(held[1])
            held = self._held = units.count, ArchiveChunks(self._store, self._path, self._spec)
        return VirtualPixels(held[1], f"{self._store.url}/{self._path}")

    def _in_files(self) -> Pixels:
        if self._files is None:
            self._store.units.settle()
            engine = engines.for_files(self._store, self._spec)
            self._files = engine.open(self._store, self._path, self._spec)
        return self._files


@dataclass(frozen=True)
class DraftEngine:
    """The engine that is chosen for archives that are being written."""

    name: str = "archive"

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array; None if it can."""
        if not isinstance(store, UnitsDraft) or not store.units.open:
            return "it opens archives that are being written only"
        if unit_encoder(spec) is None:
            return "it does not know how such chunks are encoded"
        return ARCHIVES.refuses_codecs(spec)

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> DraftPixels:
        """Open an array."""
        if not isinstance(store, UnitsDraft):
            raise EngineError(f"{store.url} is no archive that is being written")
        return DraftPixels(store, path, spec)


ENGINE = DraftEngine()
