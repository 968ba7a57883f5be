"""An array copied with the positions along one axis chosen anew: kept, moved, left out, added."""

from __future__ import annotations

from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

from iohub.errors import ShapeError
from iohub.storage import grid
from iohub.storage.copying import CopyJobs, HasEncoded, TakesEncoded
from iohub.storage.pieces import plan
from iohub.storage.shrinking import fill_block
from iohub.storage.unit_writer import UnitWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iohub.storage.protocol import Array, WritableArray
    from iohub.types import Region


def copy_axis(
    source: Array,
    target: WritableArray,
    axis: int,
    order: Sequence[int | None],
    *,
    writer: UnitWriter | None = None,
) -> None:
    """Copy an array, choosing the positions along one axis.

    Stored units are copied as they are where both arrays encode alike and a unit holds one
    position of the axis; else it goes unit by unit through memory.

    Parameters
    ----------
    source : Array
        Where from.
    target : WritableArray
        Where to; new, so that positions without a source are the fill value by not being
        written. Its shape is the source's but for the length of `order` along the axis.
    axis : int
        Number of the axis.
    order : sequence of (int or None)
        For each position in the target the one in the source; None leaves the fill value.
    writer : UnitWriter, optional
        Shared with others; then this returns before all is copied.

    Raises
    ------
    ShapeError
        If the shapes do not fit, or a position does not exist.
    DTypeError
        If the target cannot hold the values.
    """
    ours, theirs = source.spec.shape, target.spec.shape
    expected = (*ours[:axis], len(order), *ours[axis + 1 :])
    if theirs != expected:
        raise ShapeError(f"{target.path} is {theirs}; it has to be {expected}")
    if any(p is not None and not 0 <= p < ours[axis] for p in order):
        raise ShapeError(f"axis {axis} of {source.path} has {ours[axis]} positions, not {order}")
    if writer is None:
        with UnitWriter() as own:
            copy_axis(source, target, axis, order, writer=own)
        return
    if (
        source.spec.unit[axis] == 1
        and source.spec.same_encoding(target.spec)
        and isinstance(source, HasEncoded)
        and isinstance(target, TakesEncoded)
    ):
        _copy_units(source, target, axis, order, writer)
        return
    for piece in plan(target.spec, memory=writer.memory):
        nbytes = prod(piece.shape) * target.spec.dtype.itemsize
        writer.submit(2 * nbytes, _copy_piece, source, target, axis, order, piece.region)


def _copy_units(
    source: HasEncoded,
    target: TakesEncoded,
    axis: int,
    order: Sequence[int | None],
    writer: UnitWriter,
) -> None:
    jobs = CopyJobs(source, target, "copy")
    for position, origin in enumerate(order):
        if origin is None:
            continue
        region = list(grid.full(target.spec.shape))
        region[axis] = slice(position, position + 1)
        there = grid.units_of(tuple(region), target.spec.unit)
        jobs.submit(writer, (((*i[:axis], origin, *i[axis + 1 :]), i) for i in there))


def _copy_piece(
    source: Array, target: WritableArray, axis: int, order: Sequence[int | None], region: Region
) -> None:
    """Read what a piece of the target is made of, and write it at once."""
    block = fill_block(target.spec, region)
    part = region[axis]
    chosen = list(enumerate(order[part]))
    # Neighbours in the source are read together.
    for _, run in groupby(chosen, key=lambda pair: None if pair[1] is None else pair[1] - pair[0]):
        pairs = list(run)
        (first, origin), (last, _) = pairs[0], pairs[-1]
        if origin is None:
            continue
        inside = (slice(None),) * axis + (slice(first, last + 1),)
        origins = slice(origin, origin + len(pairs))
        block[inside] = source.read((*region[:axis], origins, *region[axis + 1 :]))
    target.write(region, block)
