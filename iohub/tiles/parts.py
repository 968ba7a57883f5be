"""What one worker does: compose a part of a canvas and write all levels of it. Plain data in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import lcm
from typing import TYPE_CHECKING, Any

from iohub.pyramids.build import build
from iohub.pyramids.plan import LevelPlan
from iohub.storage import grid
from iohub.tiles.compose import Mosaic, TileLoader
from iohub.tiles.windows import Sample, Sampled

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.tiles.assemble import AssemblyPlan
    from iohub.types import Region, Shape


@dataclass(frozen=True)
class Part:
    """A part of an image, to be done by whoever gets it.

    Attributes
    ----------
    plan : AssemblyPlan
        Of the image.
    loaders : sequence of TileLoader
        What the plan's sources are.
    resource : object
        For the loaders.
    arrays : sequence of ZarrArray
        Where to: every level.
    region : tuple of slice
        Which part of level 0; no other part touches the same chunks of any level.
    keep : int or None
        Tiles that may be kept [bytes].
    memory : int
        Decoded pixels that may be held beside them [bytes].
    workers : int or None
        Threads.
    """

    plan: AssemblyPlan
    loaders: Sequence[TileLoader]
    resource: Any
    arrays: Sequence[ZarrArray]
    region: Region
    keep: int | None
    memory: int
    workers: int | None

    def run(self, progress: Callable[[int, int], None] | None = None) -> Sample:
        """Compose and write it.

        Parameters
        ----------
        progress : callable, optional
            Told pixels done and pixels in all.

        Returns
        -------
        Sample
            Pixels for the contrast limits.
        """
        plan, spec = self.plan, self.arrays[0].spec
        sample = Sample(plan.axes, plan.shape)
        mosaic = Mosaic(plan, self.loaders, spec, self.resource, keep=self.keep)
        ndim = len(plan.axes)
        # Level 0 is a level by a factor of one: composed once, all others made of it in memory.
        same = LevelPlan(1, plan.shape, (1,) * ndim, plan.scale, plan.translation)
        below = [
            LevelPlan(p.index + 1, p.shape, p.factors, p.scale, p.translation)
            for p in plan.level_plans[1:]
        ]
        build(
            mosaic,
            [Sampled(self.arrays[0], sample), *self.arrays[1:]],
            [same, *below],
            plan.method if below else "stride",
            region=self.region,
            memory=self.memory,
            workers=self.workers,
            progress=progress,
        )
        return sample


def run_part(part: Part) -> Sample:
    """Do a part; a function of the module, so that it can be sent to another process."""
    return part.run()


def independent_regions(plan: AssemblyPlan, units: Sequence[Shape]) -> list[Region]:
    """Cut level 0 so that no chunk, or shard, of any level belongs to two regions.

    Parameters
    ----------
    plan : AssemblyPlan
        The image.
    units : sequence of tuple of int
        Chunk, or shard, of each level.
    """
    totals = [(1,) * len(plan.axes)]
    for level in plan.level_plans[1:]:
        totals.append(tuple(total * f for total, f in zip(totals[-1], level.factors, strict=True)))
    cells = [
        tuple(unit * total for unit, total in zip(unit, factors, strict=True))
        for unit, factors in zip(units, totals, strict=True)
    ]
    step = reduce(lambda a, b: tuple(map(lcm, a, b)), cells)
    whole = tuple(min(n, size) for n, size in zip(step, plan.shape, strict=True))
    return list(grid.split(grid.full(plan.shape), plan.shape, whole))
