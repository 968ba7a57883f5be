"""Parts of an array that are converted one after the other, and how one is known to be done.

A part is a block of level 0 from which whole pixels of all levels are made. What it has written is
told by a *stamp* of the sizes and times of its chunks, so that a conversion that was interrupted
goes on after the parts that are as they were left.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from iohub.storage import grid

if TYPE_CHECKING:
    from iohub.convert.plan import Job
    from iohub.storage.array import ZarrArray
    from iohub.storage.spec import ArraySpec
    from iohub.types import Region, Shape

PART_BYTES: Final = 256 * 2**20
"""How much is lost at most when a conversion is interrupted, unless chunks are larger [bytes]."""


@dataclass(frozen=True)
class Parts:
    """How a job is cut into parts.

    Attributes
    ----------
    shape : tuple of int
        Of level 0.
    step : tuple of int
        Size of a part.
    totals : tuple of tuple of int
        For each target how many pixels of level 0 make one of its pixels.
    """

    shape: Shape
    step: Shape
    totals: tuple[Shape, ...]

    @classmethod
    def of(cls, job: Job, size: int = PART_BYTES) -> Parts:
        """Cut a job: at chunks of level 0, and where a pixel of the lowest level begins."""
        spec = job.targets[0][1]
        ones = (1,) * spec.ndim
        totals = tuple(accumulate((p.factors for p in job.plans), _times, initial=ones))
        cell = tuple(map(math.lcm, spec.unit, totals[-1]))
        return cls(
            spec.shape, grid.grouped_unit(spec.shape, cell, spec.dtype.itemsize, size), totals
        )

    def regions(self) -> list[Region]:
        """Return the parts of level 0, in order."""
        return list(grid.split(grid.full(self.shape), self.shape, self.step))

    def units(self, level: int, part: Region, spec: ArraySpec) -> Iterator[Shape]:
        """Return the chunks (or shards) of a target that are complete after a part.

        Parameters
        ----------
        level : int
            Number of the target.
        part : tuple of slice
            The part.
        spec : ArraySpec
            What the target is like.
        """
        total = self.totals[level]
        below = tuple(
            slice(piece.start // n, -(-piece.stop // n))
            for piece, n in zip(part, total, strict=True)
        )
        for index in grid.units_of(below, spec.unit):
            unit = grid.unit_region(index, spec.shape, spec.unit)
            ends = [
                min(axis.stop * n, size)
                for axis, n, size in zip(unit, total, self.shape, strict=True)
            ]
            # The last part that reaches into it is the one that holds its last pixel.
            if all(piece.start < end <= piece.stop for piece, end in zip(part, ends, strict=True)):
                yield index


def stamp(parts: Parts, part: Region, targets: Sequence[ZarrArray]) -> str:
    """Return a text that changes when a chunk that a part has completed changes.

    Parameters
    ----------
    parts : Parts
        How the job is cut.
    part : tuple of slice
        The part.
    targets : sequence of ZarrArray
        The arrays, level 0 first.
    """
    digest = hashlib.blake2b(digest_size=12)
    for level, array in enumerate(targets):
        store = array.store
        if not store.has_tokens:
            continue
        for index in parts.units(level, part, array.spec):
            token = store.token(array.unit_key(index))
            # The last member of a local token is the inode, which a copy of the folder changes.
            said = token[:2] if isinstance(token, tuple) else token
            digest.update(repr((level, index, said)).encode())
    return digest.hexdigest()


def _times(a: Shape, b: Shape) -> Shape:
    return tuple(x * y for x, y in zip(a, b, strict=True))
