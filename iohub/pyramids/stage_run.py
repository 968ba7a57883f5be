"""One stage of a pyramid carried out: regions read, reduced and written by several threads.

A region stays with one thread from reading to writing, in memory that is used again, so that it is
still in the processor's cache when it is compressed. What makes up whole chunks or shards is
written from where it lies; the rest is put together by :mod:`iohub.storage.units`.
"""

from __future__ import annotations

import math
import operator
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from iohub.pyramids.reduce import reduce, reduced_shape
from iohub.storage import grid
from iohub.storage.units import Composer, UnitWriter

if TYPE_CHECKING:
    from iohub.pyramids.plan import LevelPlan
    from iohub.storage.protocol import Array, WritableArray
    from iohub.types import NDArray, PyramidMethod, Region, Shape


class StageRun:
    """What makes some levels from one array.

    Parameters
    ----------
    source : Array
        What is read.
    targets : sequence of WritableArray
        The levels.
    plans : sequence of LevelPlan
        Each level's plan.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels become fewer.
    step : tuple of int
        Size of the largest region [pixels].
    writer : UnitWriter
        Takes units that are put together.
    memory : int
        Decoded pixels to hold at a time [bytes]; one region is held in any case.
    workers : int
        Threads.
    """

    def __init__(
        self,
        source: Array,
        targets: Sequence[WritableArray],
        plans: Sequence[LevelPlan],
        method: PyramidMethod,
        *,
        step: Shape,
        writer: UnitWriter,
        memory: int,
        workers: int,
    ):
        self._source, self._targets = source, targets
        self._plans, self._method = plans, method
        self._totals = totals_of(plans)
        self._composers = [Composer(writer, target) for target in targets]
        self._turn = threading.Lock()  # a composer is for one thread at a time
        self._pixels = math.prod(step)
        nbytes = self._pixels * source.spec.dtype.itemsize
        # Reading holds a chunk as it was decoded and the block that it is copied to.
        self._busy = max(1, min(workers, memory // max(1, 2 * nbytes)))
        self._pieces = workers // self._busy
        self._spare: list[NDArray] = []  # fresh memory costs as much as decoding into it

    def over(self, regions: Sequence[Region]) -> Generator[Region, None, None]:
        """Do all regions, in about this order, and give each when it is done.

        At the end all units are handed to the writer, which is not flushed.
        """
        with _threads(self._busy) as pool, _threads(self._pieces) as reducing:
            if len(regions) == 1:  # to start a thread takes longer than a small image
                self._do(regions[0], reducing)
                yield regions[0]
                regions = ()
            waiting = iter(regions)
            begun = deque(
                (here, pool.submit(self._do, here, reducing))
                for here in islice(waiting, self._busy + 1)
            )
            while begun:
                here, future = begun.popleft()
                future.result()
                begun.extend(
                    (after, pool.submit(self._do, after, reducing)) for after in islice(waiting, 1)
                )
                yield here
        for composer in self._composers:
            composer.finish()

    def _do(self, here: Region, reducing: ThreadPoolExecutor) -> None:
        """Read a region and write what is made of it."""
        try:
            flat = self._spare.pop()
        except IndexError:
            flat = np.empty(self._pixels, self._source.spec.dtype)
        shape = grid.region_shape(here)
        block = self._source.read(here, flat[: math.prod(shape)].reshape(shape))
        levels = self._cascade(block, self._plans, reducing)
        kept = False
        for target, composer, level, total in zip(
            self._targets, self._composers, levels, self._totals, strict=True
        ):
            region, spec = reduced_region(here, total), target.spec
            if grid.aligned(region, spec.shape, spec.unit):
                target.write(region, level)
                continue
            kept |= level is block  # the composer may hand it on as it is
            with self._turn:
                composer.add(region, level)
        if not kept:
            self._spare.append(flat)

    def _cascade(
        self, block: NDArray, plans: Sequence[LevelPlan], reducing: ThreadPoolExecutor
    ) -> list[NDArray]:
        """Reduce a block to all levels, some of its parts at the same time."""
        if all(factor == 1 for factor in plans[0].factors):
            return [block, *(self._cascade(block, plans[1:], reducing) if plans[1:] else ())]
        factors = [plan.factors for plan in plans]
        shapes = list(accumulate(factors, reduced_shape, initial=block.shape))
        levels = [block, *(np.empty(shape, block.dtype) for shape in shapes[1:])]
        # Parts are cut where a pixel of the last level begins, so none needs another.
        axis = max(range(block.ndim), key=lambda axis: shapes[-1][axis])
        totals = list(accumulate((each[axis] for each in factors), operator.mul, initial=1))

        def part(start: int, stop: int) -> None:
            views = [
                level[(slice(None),) * axis + (slice(start * cell, stop * cell),)]
                for level, cell in zip(
                    levels, (totals[-1] // total for total in totals), strict=True
                )
            ]
            for each, (above, below) in zip(factors, pairwise(views), strict=True):
                reduce(above, each, self._method, out=below)

        edges = [shapes[-1][axis] * i // self._pieces for i in range(self._pieces + 1)]
        parts = [(start, stop) for start, stop in pairwise(edges) if start < stop]
        if len(parts) == 1:
            part(*parts[0])
        else:
            for future in [reducing.submit(part, *ends) for ends in parts]:
                future.result()
        return levels[1:]


def totals_of(plans: Sequence[LevelPlan]) -> tuple[Shape, ...]:
    """Return the products of the factors down to each level."""

    def times(a: Shape, b: Shape) -> Shape:
        return tuple(map(operator.mul, a, b))

    return tuple(accumulate((plan.factors for plan in plans), times))


def reduced_region(region: Region, factors: Shape) -> Region:
    """Return the pixels of a level whose cells a region touches."""
    return tuple(
        slice(part.start // f, -(-part.stop // f)) for part, f in zip(region, factors, strict=True)
    )


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Run some threads; what has not begun when an error leaves the block is not begun."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="iohub-pyramid")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
