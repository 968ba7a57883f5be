"""All levels of a pyramid from one reading of its source, in memory, region by region.

A region is cut so that no cell of any level lies across two of them and no chunk of the source is
decoded twice. Where the cells of the lowest levels are too large for that, those levels are a
later stage with the last level made as its source: little is read again, since it is small.

Whole chunks and shards are composed and written by :mod:`iohub.storage.units`. Regions are visited
so that the chunks of each level fill up one after the other, and few of them wait in memory.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from iohub.errors import PyramidError
from iohub.pyramids.plan import LevelPlan
from iohub.pyramids.reduce import check_dtype, reduced_shape
from iohub.pyramids.stage_run import StageRun, reduced_region, totals_of
from iohub.storage import grid
from iohub.storage.units import UnitWriter

if TYPE_CHECKING:
    from iohub.storage.protocol import Array, WritableArray
    from iohub.storage.spec import ArraySpec
    from iohub.types import PyramidMethod, Region, Shape

Progress: TypeAlias = Callable[[int, int], None]

MEMORY: Final = 256 << 20
"""Bytes of decoded pixels that are held at a time, unless said otherwise."""

REGION_BYTES: Final = 32 << 20
"""Small chunks are read together up to so many bytes."""

LARGE_BYTES: Final = 8 << 20
"""Chunks from here on are read one by one, unless units of the level below hold more of them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Levels that are made from one reading of one array; plain data.

    Attributes
    ----------
    source : int
        Number of the level that is read.
    plans : tuple of LevelPlan
        Levels that are made of it, each from the one before.
    step : tuple of int
        Size of a region of the source by axis [pixels].
    """

    source: int
    plans: tuple[LevelPlan, ...]
    step: Shape

    @property
    def totals(self) -> tuple[Shape, ...]:
        """How many pixels of the source make one pixel of each level, by axis."""
        return totals_of(self.plans)

    def regions(self, shape: Shape, units: Sequence[Shape], within: Region) -> list[Region]:
        """List the source's regions, in the order in which the levels' units fill up.

        Parameters
        ----------
        shape : tuple of int
            Shape of the source.
        units : sequence of tuple of int
            Chunk, or shard, of each level.
        within : tuple of slice
            Part of the source that is asked for.
        """
        cells = [_map(operator.mul, f, u) for f, u in zip(self.totals, units, strict=True)][::-1]

        def key(region: Region) -> list[Shape]:
            start = tuple(part.start for part in region)
            return [*(_map(operator.floordiv, start, cell) for cell in cells), start]

        needed = grid.expand(within, shape, self.totals[-1])
        return sorted(grid.split(needed, shape, self.step), key=key)


def plan_stages(
    specs: Sequence[ArraySpec], plans: Sequence[LevelPlan], memory: int = MEMORY
) -> tuple[Stage, ...]:
    """Decide which level is made from which, and in regions of what size.

    Parameters
    ----------
    specs : sequence of ArraySpec
        The source and then every level.
    plans : sequence of LevelPlan
        Plan of every level, the source left out.
    memory : int
        Decoded pixels to hold at a time [bytes]; one chunk of a source is held in any case.

    Returns
    -------
    tuple of Stage
        In the order in which they have to run; one, unless the cells of the lowest levels are
        larger than the memory.
    """
    stages = []
    done = 0
    while done < len(plans):
        whole = max(LARGE_BYTES, specs[done + 1].unit_nbytes)
        count, step = _first_stage(specs[done], plans[done:], memory // 2, whole)
        stages.append(Stage(done, tuple(plans[done : done + count]), step))
        done += count
    return tuple(stages)


def build(
    source: Array,
    targets: Sequence[WritableArray],
    plans: Sequence[LevelPlan],
    method: PyramidMethod = "mean",
    *,
    region: Region | None = None,
    memory: int = MEMORY,
    workers: int | None = None,
    writer: UnitWriter | None = None,
    progress: Progress | None = None,
) -> None:
    """Fill the levels of a pyramid; each is made of the one before.

    Parameters
    ----------
    source : Array
        Level 0.
    targets : sequence of WritableArray
        The other levels, highest resolution first; they exist and have the planned shapes.
    plans : sequence of LevelPlan
        Plans of the targets. A plan of level 0 in front, as :func:`plan_levels` gives it, is fine.
        A first level by factors of one is a copy of the source, made from the same reading.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels become fewer, see :func:`iohub.pyramids.reduce.reduce`.
    region : tuple of slice, optional
        Part of level 0 that has changed; only what depends on it is made again. Everything if
        None.
    memory : int
        Decoded pixels to hold at a time [bytes]; one chunk of the source is held in any case.
    workers : int, optional
        Threads that reduce and read; by default one per processor, at most 8.
    writer : UnitWriter, optional
        What writes the units; one is made for this call if None. It is flushed, not closed.
    progress : callable, optional
        Called with pixels done and pixels in all, after each region.

    Raises
    ------
    PyramidError
        If arrays and plans do not match in number, shape or dtype, or the method has no meaning
        for the dtype. Nothing has been written then.
    ShapeError
        If `region` leaves the source. Nothing has been written then.

    Notes
    -----
    An error of reading or writing ends the work and reaches the caller; levels are then partly
    made, unit by unit.

    Examples
    --------
    >>> plans = plan_levels(image.spec.shape, "tczyx", scale, None, 3, chunks=image.spec.chunks)
    >>> build(image, [level_1, level_2], plans)
    """
    plans = [plan for plan in plans if plan.index > 0]
    specs = [source.spec, *(target.spec for target in targets)]
    _check(specs, plans, method)
    changed = grid.check_region(region or grid.full(specs[0].shape), specs[0].shape)
    work = _work(specs, plans, changed, memory)
    total = sum(_size(here) for _, regions in work for here in regions)
    threads = workers or min(os.cpu_count() or 1, 8)
    arrays: list[Array] = [source, *targets]
    done = 0
    with ExitStack() as stack:
        if writer is None:
            writer = stack.enter_context(UnitWriter(workers=threads, memory=max(1, memory // 4)))
        for stage, regions in work:
            run = StageRun(
                arrays[stage.source],
                targets[stage.source : stage.source + len(stage.plans)],
                stage.plans,
                method,
                step=stage.step,
                writer=writer,
                memory=memory,
                workers=threads,
            )
            with closing(run.over(regions)) as finished:
                for here in finished:
                    done += _size(here)
                    if progress is not None:
                        progress(done, total)
            # The next stage reads what this one wrote.
            writer.flush()


def _work(
    specs: Sequence[ArraySpec], plans: Sequence[LevelPlan], changed: Region, memory: int
) -> list[tuple[Stage, list[Region]]]:
    """Return the stages with the regions that each reads."""
    work = []
    for stage in plan_stages(specs, plans, memory):
        shape = specs[stage.source].shape
        units = [spec.unit for spec in specs[stage.source + 1 :][: len(stage.plans)]]
        work.append((stage, stage.regions(shape, units, changed)))
        changed = reduced_region(changed, stage.totals[-1])
    return work


def _first_stage(
    spec: ArraySpec, plans: Sequence[LevelPlan], room: int, whole: int
) -> tuple[int, Shape]:
    """Return how many levels can be made at once, and in regions of what size.

    A single chunk of `whole` bytes is a region: a chunk is written from where such a region lies,
    while those of a wider one are copied to be encoded.
    """
    itemsize = spec.dtype.itemsize
    chunk = _map(min, spec.chunks, spec.shape)
    limit = max(room, math.prod(chunk) * itemsize)
    totals = totals_of(plans)
    for count in range(len(plans), 0, -1):
        step = _map(min, _map(math.lcm, chunk, totals[count - 1]), spec.shape)
        if whole <= math.prod(step) * itemsize <= limit:
            return count, step
        if math.prod(step) * itemsize <= limit:
            return count, _grow(spec, step, min(limit, REGION_BYTES))
    # Cells straddle large chunks: regions of about a chunk, some chunks are decoded again.
    step = _map(lambda c, f: -(-c // f) * f, chunk, totals[0])
    return 1, _map(min, step, spec.shape)


def _grow(spec: ArraySpec, step: Shape, target: int) -> Shape:
    step = _map(lambda n: max(1, n), step)
    return _map(min, grid.grouped_unit(spec.shape, step, spec.dtype.itemsize, target), spec.shape)


def _check(specs: Sequence[ArraySpec], plans: Sequence[LevelPlan], method: PyramidMethod) -> None:
    if len(specs) != len(plans) + 1:
        raise PyramidError(f"{len(specs) - 1} arrays were given for {len(plans)} planned levels")
    check_dtype(specs[0].dtype, method)
    above = specs[0]
    for plan, spec in zip(plans, specs[1:], strict=True):
        made = reduced_shape(above.shape, plan.factors)
        if not made == plan.shape == spec.shape:
            raise PyramidError(
                f"level {plan.index} is planned as {plan.shape} and its array is {spec.shape}, "
                f"but {above.shape} reduced by {plan.factors} is {made}"
            )
        if spec.dtype != above.dtype:
            raise PyramidError(
                f"level {plan.index} is {spec.dtype} below {above.dtype}; levels share a dtype"
            )
        above = spec


def _size(region: Region) -> int:
    return math.prod(grid.region_shape(region))


def _map(function: Callable[..., int], *vectors: Iterable[int]) -> Shape:
    return tuple(map(function, *vectors))
