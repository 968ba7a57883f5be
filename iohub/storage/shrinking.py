"""What has to go when an array shrinks, so that it does not come back when it grows again."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from iohub.storage import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Region, Shape


def cut_off_edges(spec: ArraySpec, kept: Shape) -> Iterator[tuple[Shape, Region]]:
    """Pixels that are cut off from units that stay.

    Parameters
    ----------
    spec : ArraySpec
        The array before.
    kept : tuple of int
        What is left of its shape.

    Yields
    ------
    index : tuple of int
        A unit.
    region : tuple of slice
        A part of it that has to become the fill value.
    """
    stays = grid.full(kept)
    for outside in grid.subtract(grid.expand(stays, spec.shape, spec.unit), stays):
        for piece in grid.split(outside, spec.shape, spec.unit):
            yield next(grid.units_of(piece, spec.unit)), piece


def cut_off_units(spec: ArraySpec, kept: Shape) -> Iterator[Shape]:
    """Units that hold no pixel of a smaller shape.

    Parameters
    ----------
    spec : ArraySpec
        The array before.
    kept : tuple of int
        What is left of its shape.

    Yields
    ------
    index : tuple of int
        A unit that has to be removed.
    """
    whole = grid.full(spec.shape)
    stays = grid.expand(grid.full(kept), spec.shape, spec.unit)
    for region in grid.subtract(whole, stays) if prod(kept) else [whole]:
        yield from grid.units_of(region, spec.unit)


def fill_block(spec: ArraySpec, region: Region) -> NDArray:
    """Pixels of a region that was never written.

    Parameters
    ----------
    spec : ArraySpec
        The array.
    region : tuple of slice
        With explicit bounds.
    """
    return np.full(grid.region_shape(region), spec.fill_value, spec.dtype)
