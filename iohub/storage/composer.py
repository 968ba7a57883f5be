"""Blocks that arrive in any order and shape, put together to units that are written once."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ShapeError
from iohub.storage import grid
from iohub.storage.casting import cast_exactly

if TYPE_CHECKING:
    from iohub.storage.protocol import WritableArray
    from iohub.storage.spec import ArraySpec
    from iohub.storage.unit_writer import UnitWriter
    from iohub.types import NDArray, Region, Shape


class _Pending:
    """A unit of which some pixels have arrived."""

    def __init__(self, region: Region, dtype: np.dtype[Any]):
        self.region = region
        self.buffer = np.empty(grid.region_shape(region), dtype)
        self.missing = [region]

    def add(self, part: Region, data: NDArray) -> None:
        self.buffer[grid.relative(part, self.region)] = data
        self.missing = [rest for hole in self.missing for rest in grid.subtract(hole, part)]


class Composer:
    """Collects blocks of one array, in any order and shape, and writes each unit once.

    A unit goes to the writer when its last pixel has arrived. What is incomplete at the end is
    filled from the store (or with the fill value). Pixels that arrive twice: the last stay.
    Not to be shared between threads; the writer may be.

    Parameters
    ----------
    writer : UnitWriter
        Takes the units; several composers may share one.
    array : WritableArray
        Where to.
    memory : int, optional
        Incomplete units that may be held [bytes]; half of the writer's budget by default. Beyond
        it the unit untouched for longest is completed from the store and written.

    Examples
    --------
    >>> with UnitWriter() as writer, Composer(writer, array) as composer:
    ...     for t, plane in enumerate(planes):
    ...         composer.add((slice(t, t + 1), slice(0, 512), slice(0, 512)), plane[None])
    """

    def __init__(self, writer: UnitWriter, array: WritableArray, memory: int | None = None):
        self.writer, self.array = writer, array
        self.memory = writer.memory // 2 if memory is None else memory
        self._spec = array.spec
        self._pending: dict[Shape, _Pending] = {}  # in the order of their last block
        self._pending_bytes = 0
        self._handed: set[Shape] = set()  # perhaps still in flight

    @property
    def pending_bytes(self) -> int:
        """Memory of the units that are incomplete [bytes]."""
        return self._pending_bytes

    def add(self, region: Region, data: NDArray) -> None:
        """Take a block.

        A block that is a whole unit by itself is not copied: it must stay as it is until the
        writer is flushed. Of others the pixels are copied now.

        Parameters
        ----------
        region : tuple of slice
            Where; may cross any number of units and hold parts of them.
        data : numpy.ndarray
            Of the region's shape; values are cast only if none changes.

        Raises
        ------
        ShapeError
            If the region leaves the array, or the data has another shape.
        DTypeError
            If the array cannot hold the values.
        """
        if any(
            s.stop is not None and s.stop > n
            for s, n in zip(region, self._spec.shape, strict=False)
        ):
            self._spec = self._grown()
        spec = self._spec
        region = grid.check_region(region, spec.shape)
        if data.shape != grid.region_shape(region):
            raise ShapeError(f"data of shape {data.shape} for {region}")
        data = cast_exactly(data, spec.dtype, self.array.path)
        for index in grid.units_of(region, spec.unit):
            whole = grid.unit_region(index, spec.shape, spec.unit)
            part = grid.intersect(region, whole)
            if part is not None:
                self._add_part(index, whole, part, data[grid.relative(part, region)])
        while self._pending_bytes > self.memory and len(self._pending) > 1:
            self._complete(next(iter(self._pending)))

    def add_all(self, blocks: Iterable[tuple[Region, NDArray]]) -> None:
        """Take many blocks; see :meth:`add`.

        Parameters
        ----------
        blocks : iterable of (region, data)
            In any order.
        """
        for region, data in blocks:
            self.add(region, data)

    def finish(self) -> None:
        """Complete from the store what is incomplete, and hand it over.

        The writer is not flushed.
        """
        for index in list(self._pending):
            self._complete(index)

    def __enter__(self) -> Composer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()

    def _add_part(self, index: Shape, whole: Region, part: Region, data: NDArray) -> None:
        held = self._pending.pop(index, None)
        if held is None and part == whole:
            self._hand_over(index, whole, data)
            return
        if held is None:
            held = _Pending(whole, self._spec.dtype)
            self._pending_bytes += held.buffer.nbytes
        held.add(part, data)
        self._pending[index] = held
        if not held.missing:
            self._release(index)
            self._hand_over(index, held.region, held.buffer)

    def _complete(self, index: Shape) -> None:
        held = self._release(index)
        if index in self._handed:
            self._settle()  # the store has to have what was handed over before
        for hole in held.missing:
            held.buffer[grid.relative(hole, held.region)] = self.array.read(hole)
        self._hand_over(index, held.region, held.buffer)

    def _release(self, index: Shape) -> _Pending:
        held = self._pending.pop(index)
        self._pending_bytes -= held.buffer.nbytes
        return held

    def _hand_over(self, index: Shape, region: Region, data: NDArray) -> None:
        if index in self._handed:
            self._settle()  # two writes of one unit keep their order
        self._handed.add(index)
        self.writer.put(self.array, region, data)

    def _settle(self) -> None:
        self.writer.flush()
        self._handed.clear()

    def _grown(self) -> ArraySpec:
        """Take up a new shape; incomplete units at the old border may have become larger."""
        spec = self.array.spec
        for index, held in list(self._pending.items()):
            region = grid.unit_region(index, spec.shape, spec.unit)
            if region != held.region:
                larger = _Pending(region, spec.dtype)
                arrived = [held.region]
                for hole in held.missing:
                    arrived = [rest for part in arrived for rest in grid.subtract(part, hole)]
                for part in arrived:
                    larger.add(part, held.buffer[grid.relative(part, held.region)])
                self._pending_bytes += larger.buffer.nbytes - held.buffer.nbytes
                self._pending[index] = larger
        return spec
