"""Whole arrays written: from anything that can be sliced, or from another array.

Between arrays of equal encoding the stored bytes are copied; else it goes unit by unit.
"""

from __future__ import annotations

from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from iohub.errors import EngineError, NotFoundError, ShapeError
from iohub.storage import grid
from iohub.storage.casting import cast_exactly
from iohub.storage.local import LocalBytes
from iohub.storage.pieces import plan
from iohub.storage.unit_writer import UnitWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from iohub.storage.protocol import Array, ByteStore, WritableArray
    from iohub.storage.spec import ArraySpec
    from iohub.types import Region, Shape

_BATCH = 64  # stored units to a job

How: TypeAlias = Literal["auto", "never", "copy", "hardlink", "reflink"]


class Source(Protocol):
    """Anything that gives pixels for a tuple of slices: NumPy, dask, h5py, zarr, memory maps."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis."""

    def __getitem__(self, key: Any, /) -> Any:
        """Pixels of a tuple of unit-step slices; anything that ``numpy.asarray`` takes."""


@runtime_checkable
class HasEncoded(Protocol):
    """An array whose units can be had as stored."""

    @property
    def store(self) -> ByteStore:
        """The bytes below."""

    @property
    def spec(self) -> ArraySpec:
        """The array."""

    def unit_key(self, index: Sequence[int]) -> str:
        """Key of a unit in the store."""

    def encoded(self, index: Sequence[int]) -> bytes | None:
        """Bytes of a unit."""


@runtime_checkable
class TakesEncoded(HasEncoded, Protocol):
    """An array that takes units as they are to be stored."""

    def write_encoded(self, index: Sequence[int], value: bytes | None) -> None:
        """Store the bytes of a unit; None removes it."""


def write_array(
    array: WritableArray,
    data: Source,
    *,
    region: Region | None = None,
    writer: UnitWriter | None = None,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Write anything that can be sliced, unit by unit.

    The source is asked for one piece at a time, in C order, in the calling thread. Each piece
    is whole units of the array, so a source with other chunks may compute some of its own
    several times; hand their blocks to a :class:`Composer` instead if that is dear.

    Parameters
    ----------
    array : WritableArray
        Where to.
    data : array-like with shape and slicing
        NumPy, dask, h5py, zarr, a memory map … Values are cast only if none changes.
    region : tuple of slice, optional
        Where in the array; all of it by default. Units at a border that is not aligned keep
        their other pixels.
    writer : UnitWriter, optional
        Shared with others; then this returns before all is written, and `data` must stay as it
        is until the writer is flushed.
    progress : callable, optional
        Called with the number of pixels of each piece handed over.

    Raises
    ------
    ShapeError
        If the data has another shape than the region, before anything is written.
    DTypeError
        If the array cannot hold the values; for a NumPy array before anything is written.
    """
    spec = array.spec
    where = grid.check_region(region or grid.full(spec.shape), spec.shape)
    if tuple(data.shape) != grid.region_shape(where):
        raise ShapeError(f"data of shape {tuple(data.shape)} for {grid.region_shape(where)}")
    if writer is None:
        with UnitWriter() as own:
            write_array(array, data, region=where, writer=own, progress=progress)
        return
    pieces = plan(spec, where, memory=writer.memory)
    if isinstance(data, np.ndarray) and data.dtype != spec.dtype:
        for piece in pieces:
            cast_exactly(data[grid.relative(piece.region, where)], spec.dtype, array.path)
    for piece in pieces:
        block = np.asarray(data[grid.relative(piece.region, where)])
        if block.shape != piece.shape:
            raise ShapeError(f"the source gave {block.shape} where {piece.shape} was asked for")
        block = cast_exactly(block, spec.dtype, array.path)
        # Pieces share no unit, so a part of a unit has one writer here, too.
        writer.submit(block.nbytes, array.write, piece.region, block)
        if progress is not None:
            progress(block.size)


def copy(
    source: Array,
    target: WritableArray,
    *,
    writer: UnitWriter | None = None,
    region: Region | None = None,
    encoded: How = "auto",
    progress: Callable[[int], object] | None = None,
) -> None:
    """Copy an array, or a region of it, to the same place in another array.

    Parameters
    ----------
    source : Array
        Where from.
    target : WritableArray
        Where to; of the source's shape, unless a region is given.
    writer : UnitWriter, optional
        Shared with others; then this returns before all is copied.
    region : tuple of slice, optional
        What to copy; all by default.
    encoded : {"auto", "never", "copy", "hardlink", "reflink"}
        ``"auto"`` copies the stored bytes if they mean the same in both arrays and only whole
        units are copied, else decodes and encodes. ``"copy"`` demands it. ``"hardlink"`` and
        ``"reflink"`` demand it too and share the files on disk; both arrays have to be local.
        iohub replaces files and never changes them, so linked arrays do not change together;
        a program that writes in place would change both.
    progress : callable, optional
        Called with the number of pixels of each piece handed over.

    Raises
    ------
    ShapeError
        If the shapes differ, or the region leaves one of them.
    EngineError
        If the bytes are to be copied and do not mean the same in both.
    DTypeError
        If the target cannot hold the values.
    """
    if region is None and source.spec.shape != target.spec.shape:
        raise ShapeError(
            f"{source.path} is {source.spec.shape} and {target.path} is {target.spec.shape}"
        )
    if writer is None:
        with UnitWriter() as own:
            copy(source, target, writer=own, region=region, encoded=encoded, progress=progress)
        return
    where = grid.check_region(region or grid.full(source.spec.shape), source.spec.shape)
    grid.check_region(where, target.spec.shape)
    reason = _not_encoded(source, target, where)
    if encoded == "never" or (encoded == "auto" and reason is not None):
        _copy_decoded(source, target, where, writer, progress)
        return
    if reason is not None or not (
        isinstance(source, HasEncoded) and isinstance(target, TakesEncoded)
    ):
        raise EngineError(f"cannot copy {source.path} to {target.path} as stored: {reason}")
    how: Literal["copy", "hardlink", "reflink"] = "copy" if encoded == "auto" else encoded
    if how != "copy" and not _both_local(source, target):
        raise EngineError(f"cannot {how} {source.path} to {target.path}: both must be local")
    units = grid.units_of(where, source.spec.unit)
    CopyJobs(source, target, how).submit(writer, ((index, index) for index in units))
    if progress is not None:
        progress(prod(grid.region_shape(where)))


def _both_local(source: HasEncoded, target: TakesEncoded) -> bool:
    return isinstance(source.store, LocalBytes) and isinstance(target.store, LocalBytes)


def _not_encoded(source: Array, target: WritableArray, region: Region) -> str | None:
    """Why the stored bytes cannot be copied; None if they can."""
    if not isinstance(source, HasEncoded) or not isinstance(target, TakesEncoded):
        return "one of them has no stored units"
    ours, theirs = source.spec, target.spec
    if not ours.same_encoding(theirs):
        return "they differ in data type, chunks, shards, codecs or fill value"
    for spec in (ours, theirs):
        if not grid.aligned(region, spec.shape, spec.unit):
            return f"{region} does not hold whole units of {spec.unit}"
    return None


class CopyJobs:
    """Copies stored units between two arrays; a unit that is absent becomes absent.

    Parameters
    ----------
    source : HasEncoded
        Where from.
    target : TakesEncoded
        Where to; of the same encoding.
    how : {"copy", "hardlink", "reflink"}
        The last two only between local stores.
    """

    def __init__(
        self,
        source: HasEncoded,
        target: TakesEncoded,
        how: Literal["copy", "hardlink", "reflink"],
    ):
        self._source, self._target, self._how = source, target, how
        here, there = source.store, target.store
        self._files: tuple[LocalBytes, LocalBytes] | None = None
        if isinstance(here, LocalBytes) and isinstance(there, LocalBytes):
            self._files = (here, there)

    def submit(self, writer: UnitWriter, pairs: Iterable[tuple[Shape, Shape]]) -> None:
        """Hand the copying of units to a writer, many to a job as most are small.

        Parameters
        ----------
        writer : UnitWriter
            Runs the jobs.
        pairs : iterable of (index, index)
            Unit in the source, unit in the target.
        """
        # From file to file the system copies; else one unit at a time passes through memory.
        nbytes = 0 if self._files else self._source.spec.unit_nbytes
        rest = iter(pairs)
        while batch := list(islice(rest, _BATCH)):
            writer.submit(nbytes, self._run, batch)

    def _run(self, batch: list[tuple[Shape, Shape]]) -> None:
        for origin, index in batch:
            if self._files is None:
                self._target.write_encoded(index, self._source.encoded(origin))
                continue
            here, there = self._files
            key = self._target.unit_key(index)
            try:
                there.copy_file(here.path(self._source.unit_key(origin)), key, self._how)
            except NotFoundError:
                there.delete(key)


def _copy_decoded(
    source: Array,
    target: WritableArray,
    region: Region,
    writer: UnitWriter,
    progress: Callable[[int], object] | None,
) -> None:
    spec = target.spec

    def job(part: Region) -> None:
        target.write(part, cast_exactly(source.read(part), spec.dtype, target.path))

    itemsize = source.spec.dtype.itemsize + spec.dtype.itemsize
    for piece in plan(spec, region, memory=writer.memory):
        writer.submit(prod(piece.shape) * itemsize, job, piece.region)
        if progress is not None:
            progress(prod(piece.shape))
