"""zarr-python's door to pixels, with its own codec pipeline or with the Rust one of zarrs."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zarr
from zarr.storage import StorePath

from iohub.errors import PathError
from iohub.storage import forks, grid
from iohub.storage.index_values import by_unit, outer_lines
from iohub.storage.protocol import ReadsEach, WritableByteStore
from iohub.storage.zarr_bytes import zarr_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from iohub.storage.protocol import ByteStore
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape

_ZARRS = "zarrs.ZarrsCodecPipeline"
_PYTHON = "zarr.core.codec_pipeline.BatchedCodecPipeline"
_AT_ONCE = 10  # chunks that zarr asks for at a time
_STRIPS = 6
_config_lock = threading.RLock()  # zarr's configuration is one per process


def is_array_attribute(name: str) -> bool:
    """Whether a ``zarr.Array`` has an attribute of this name; none is opened."""
    return hasattr(zarr.Array, name) or name in zarr.Array.__dataclass_fields__


# Ways to other arrays, which are of no use on one that is there, and what asks before it answers.
_OF_THE_CLASS = frozenset({"create", "from_dict", "open", "compressor"})


def array_attributes() -> set[str]:
    """Return the public names that a ``zarr.Array`` has, for completion."""
    names = {*dir(zarr.Array), *zarr.Array.__dataclass_fields__} - _OF_THE_CLASS
    return {name for name in names if not name.startswith("_")}


def open_array(
    store: ByteStore,
    path: str,
    spec: ArraySpec,
    *,
    mode: Literal["r", "r+"],
    pipeline: str | None = None,
) -> zarr.Array[Any]:
    """Return an array as zarr's own object, made from its document; nothing is read.

    So it also works inside zarr's event loop, where its functions ask for it.

    Parameters
    ----------
    store : ByteStore
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        Its document.
    mode : {"r", "r+"}
        For reading, or for writing too.
    pipeline : str, optional
        zarr's name of the codec pipeline; None leaves the choice to zarr's configuration.
    """
    settings = {} if pipeline is None else {"codec_pipeline.path": pipeline}
    # A copy: zarr changes attributes in place.
    document = deepcopy({**spec.metadata, "attributes": spec.attributes})
    place = StorePath(zarr_store(store, read_only=True if mode == "r" else None), path)
    with _config_lock, zarr.config.set(settings):
        return zarr.Array.from_dict(place, document)


class ZarrPixels:
    """An array held open by zarr-python.

    Parameters
    ----------
    reader : zarr.Array
        What is read through.
    writer : zarr.Array
        What is written through.
    spec : ArraySpec
        The array.
    lock : callable
        Makes the lock that writers of the array hold while they change a part of a unit.
    distant : bool
        Whether a request takes long, so that more of them are worth to be on the way at once.
    """

    def __init__(
        self,
        reader: zarr.Array[Any],
        writer: zarr.Array[Any],
        spec: ArraySpec,
        lock: Callable[[], AbstractContextManager[None]],
        *,
        distant: bool = False,
    ):
        self._distant = distant
        self._reader, self._writer, self._spec, self._lock = reader, writer, spec, lock

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region."""
        if out is None:
            out = np.empty(grid.region_shape(region), self._spec.dtype)
        if not out.size:
            return out
        parts = _strips(region, self._spec.unit) if self._distant else [region]
        if len(parts) == 1:
            out[...] = self._native(self._reader[region])
            return out

        def fill(part: Region) -> None:
            inside = tuple(
                slice(p.start - whole.start, p.stop - whole.start)
                for p, whole in zip(part, region, strict=True)
            )
            out[inside] = self._native(self._reader[part])

        # zarr asks for ten chunks at a time in each.
        with ThreadPoolExecutor(len(parts)) as threads:
            for _ in threads.map(fill, parts):
                pass
        return out

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels of an outer product."""
        sizes = _sizes(index)
        if 0 in sizes:
            return np.empty(sizes, self._spec.dtype)
        # zarr fetches a chunk once per call and axis, in any order of the positions.
        return self._native(self._reader.oindex[index]).reshape(sizes)

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        if not coords[0].size:
            return np.empty(coords[0].shape, self._spec.dtype)
        flat = tuple(c.ravel() for c in coords)
        return self._native(self._reader.vindex[flat]).reshape(coords[0].shape)

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region; a unit that is written in part has one writer at a time."""
        if not value.size:
            return
        if grid.aligned(region, self._spec.shape, self._spec.unit):
            self._writer[region] = value
            return
        # zarr reads, changes and writes such a unit; two at a time would lose one's pixels.
        with self._lock():
            self._writer[region] = value

    # zarr-python 3.1 fails to write some outer products into shards; regions it writes well. So
    # the bounding box of what each unit gets is read, changed in memory and written.

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write an outer product."""
        if not value.size:
            return
        lines = outer_lines(index)
        parts = [by_unit(line, step) for line, step in zip(lines, self._spec.unit, strict=True)]
        for chosen in product(*parts):
            at = [line[part] for line, part in zip(lines, chosen, strict=True)]
            self._change(at, np.ix_, value[np.ix_(*chosen)])

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write points."""
        if not value.size:
            return
        points = np.stack([c.ravel() for c in coords], axis=1)
        _, which = np.unique(points // np.array(self._spec.unit), axis=0, return_inverse=True)
        for chosen in by_unit(which.ravel(), 1):
            self._change(list(points[chosen].T), lambda *at: at, value.ravel()[chosen])

    def _change(
        self, at: list[NDArray], pick: Callable[..., tuple[NDArray, ...]], value: NDArray
    ) -> None:
        box = tuple(slice(int(p.min()), int(p.max()) + 1) for p in at)
        inside = [p - part.start for p, part in zip(at, box, strict=True)]
        with self._lock():
            block = self.read(box)
            block[pick(*inside)] = value
            self._writer[box] = block

    def _native(self, values: Any) -> NDArray:
        return np.asarray(values, dtype=self._spec.dtype)


@dataclass(frozen=True)
class ZarrEngine:
    """zarr-python as an engine.

    Attributes
    ----------
    name : str
        ``"zarr-python"`` or ``"zarrs"``.
    """

    name: str

    def refuses(self, store: ByteStore, spec: ArraySpec) -> str | None:
        """Why it cannot open such an array; None if it can."""
        try:
            zarr_store(store)
        except PathError as error:
            return str(error)
        if self.name == "zarrs":
            if not hasattr(store, "path"):
                return "it reads local directories only"
            if spec.zarr_format == 2 and spec.metadata.get("order", "C") != "C":
                return "it does not read Fortran order"
            if spec.zarr_format == 2 and spec.big_endian:
                return "it does not read big-endian pixels of Zarr v2"
        return None

    def open(self, store: ByteStore, path: str, spec: ArraySpec) -> ZarrPixels:
        """Open an array."""
        mode: Literal["r", "r+"] = "r" if store.read_only else "r+"
        plain = open_array(store, path, spec, mode=mode, pipeline=_PYTHON)
        lock = _lock_of(store, path)
        if self.name != "zarrs":
            return ZarrPixels(plain, plain, spec, lock, distant=isinstance(store, ReadsEach))
        forks.mark_used("zarrs")
        import zarrs  # noqa: F401 - registers its pipeline with zarr

        fast = open_array(store, path, spec, mode="r", pipeline=_ZARRS)
        # zarrs writes a chunk in place, so that a killed process leaves a torn one; zarr-python
        # writes it to another name and renames.
        return ZarrPixels(fast, plain, spec, lock)


ZARR_PYTHON = ZarrEngine("zarr-python")
ZARRS = ZarrEngine("zarrs")


def _lock_of(store: ByteStore, path: str) -> Callable[[], AbstractContextManager[None]]:
    if isinstance(store, WritableByteStore):
        return lambda: store.lock(path)
    return nullcontext


def _strips(region: Region, unit: Shape) -> list[Region]:
    """Cut a region of many units along units, into as many parts as are read at once."""
    counts = [
        -(-part.stop // size) - part.start // size for part, size in zip(region, unit, strict=True)
    ]
    if math.prod(counts) <= _AT_ONCE:
        return [region]
    axis = counts.index(max(counts))
    whole, size = region[axis], unit[axis]
    first, number = whole.start // size, min(_STRIPS, counts[axis])
    edges = [(first + counts[axis] * i // number) * size for i in range(number + 1)]
    edges[0], edges[-1] = whole.start, whole.stop
    return [
        (*region[:axis], slice(start, stop), *region[axis + 1 :]) for start, stop in pairwise(edges)
    ]


def _sizes(index: tuple[slice | NDArray, ...]) -> Shape:
    return tuple(
        len(range(p.start, p.stop, p.step or 1)) if isinstance(p, slice) else p.size for p in index
    )
