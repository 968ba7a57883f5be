"""Some indexes of an array, seen as an array of their own; nothing is copied before it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from iohub.storage import grid

if TYPE_CHECKING:
    from iohub.storage.array import ZarrArray
    from iohub.storage.protocol import Array
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape

Picks: TypeAlias = tuple[tuple[int, ...] | range, ...]
"""Indexes that are taken along each axis."""


def view(array: Array, picks: Picks) -> Array:
    """Return an array with some indexes of another along each axis; itself, if all are taken."""
    return array if is_whole(picks, array.spec.shape) else View(array, picks)


def stored(array: Array, region: Region) -> tuple[ZarrArray, Iterator[Region]]:
    """Return the stored array that is read for a region, and the regions of it that are read.

    Parameters
    ----------
    array : Array
        A stored array, or a view of one.
    region : tuple of slice
        Of `array`.
    """
    if isinstance(array, View):
        return cast("ZarrArray", array._array), array._pieces(region)
    return cast("ZarrArray", array), iter([region])


def is_whole(picks: Picks, shape: Shape) -> bool:
    """Whether all indexes are taken, in their order."""
    return all(
        len(indexes) == size and tuple(indexes) == tuple(range(size))
        for indexes, size in zip(picks, shape, strict=True)
    )


class View:
    """Some indexes of an array, for reading regions.

    Parameters
    ----------
    array : Array
        Whose pixels are read.
    picks : tuple of sequence of int
        Indexes along each axis, in their new order.
    """

    def __init__(self, array: Array, picks: Picks):
        self._array, self._picks = array, picks
        self._spec = array.spec.resized([len(indexes) for indexes in picks])

    @property
    def path(self) -> str:
        """Path of the array in its store."""
        return self._array.path

    @property
    def spec(self) -> ArraySpec:
        """The array, with the shape of what is taken."""
        return self._spec

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region, in `out` if that is given."""
        region = grid.check_region(region, self._spec.shape)
        runs = [_runs(picks[part]) for picks, part in zip(self._picks, region, strict=True)]
        if all(len(each) == 1 for each in runs):
            return self._array.read(tuple(each[0][1] for each in runs), out)
        made = np.empty(grid.region_shape(region), self._spec.dtype) if out is None else out
        self._fill(made, runs, (), ())
        return made

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at the outer product of per-axis slices and integer vectors."""
        return self._array.read_orthogonal(
            tuple(np.asarray(picks)[part] for picks, part in zip(self._picks, index, strict=True))
        )

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points."""
        return self._array.read_points(
            tuple(np.asarray(picks)[part] for picks, part in zip(self._picks, coords, strict=True))
        )

    def _pieces(self, region: Region) -> Iterator[Region]:
        runs = [_runs(picks[part]) for picks, part in zip(self._picks, region, strict=True)]
        for each in product(*runs):
            yield tuple(there for _, there in each)

    def _fill(
        self,
        made: NDArray,
        runs: Sequence[Sequence[tuple[slice, slice]]],
        here: Region,
        there: Region,
    ) -> None:
        if len(here) == len(runs):
            made[here] = self._array.read(there)
            return
        for mine, theirs in runs[len(here)]:
            self._fill(made, runs, (*here, mine), (*there, theirs))


def _runs(indexes: tuple[int, ...] | range) -> list[tuple[slice, slice]]:
    """Return neighbours that stay neighbours: where they are now, and where they were."""
    if isinstance(indexes, range) or not indexes:
        start = indexes[0] if indexes else 0
        return [(slice(0, len(indexes)), slice(start, start + len(indexes)))]
    breaks = [i + 1 for i, (a, b) in enumerate(pairwise(indexes)) if b != a + 1]
    return [
        (slice(start, stop), slice(indexes[start], indexes[stop - 1] + 1))
        for start, stop in pairwise([0, *breaks, len(indexes)])
    ]


def shape_of(picks: Picks) -> Shape:
    """Return how many indexes are taken along each axis."""
    return tuple(map(len, picks))
