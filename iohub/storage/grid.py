"""Arithmetic of the chunk grid: shapes, regions and units, in plain integers; no arrays, no I/O.

A *region* is a tuple of unit-step slices, one per axis, within the bounds of a shape. A *unit* is
what is written as one object: a shard where there are shards, a chunk elsewhere. Units are named
by their index in the grid; the units at the far borders may stick out of the array.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, SupportsIndex

from iohub.errors import ShapeError

if TYPE_CHECKING:
    from iohub.types import Region, Shape

MAX_CHUNK_BYTES = 500_000_000
"""No default chunk is larger than this [bytes]."""


def as_shape(value: Sequence[SupportsIndex], what: str = "shape") -> Shape:
    """Sizes as plain integers.

    Parameters
    ----------
    value : sequence of int
        One size per axis; NumPy integers are fine.
    what : str
        What it is, for the message.

    Raises
    ------
    ShapeError
        If an entry is no integer, or is negative.
    """
    try:
        sizes = tuple(operator.index(size) for size in value)
    except TypeError as error:
        raise ShapeError(f"{what} must be a sequence of integers, not {value!r}") from error
    if any(size < 0 for size in sizes):
        raise ShapeError(f"{what} must not be negative, got {sizes}")
    return sizes


def check_chunks(chunks: Sequence[SupportsIndex], shape: Shape, what: str = "chunks") -> Shape:
    """Chunk sizes that fit a shape, as plain integers.

    Parameters
    ----------
    chunks : sequence of int
        One size per axis; may be larger than the array.
    shape : tuple of int
        Shape of the array.
    what : str
        ``"chunks"`` or ``"shards"``, for the message.

    Raises
    ------
    ShapeError
        If there is not one entry per axis, or an entry is not a positive integer.
    """
    sizes = as_shape(chunks, what)
    if len(sizes) != len(shape):
        raise ShapeError(
            f"{what} {sizes} have {len(sizes)} entries for an array of {len(shape)} axes {shape}"
        )
    if any(size < 1 for size in sizes):
        raise ShapeError(f"{what} must be at least 1 along each axis, got {sizes}")
    return sizes


def default_chunks(
    shape: Sequence[SupportsIndex],
    itemsize: int,
    *,
    axis_types: Sequence[str | None] | None = None,
    limit: int = MAX_CHUNK_BYTES,
) -> Shape:
    """Chunks that hold one whole stack: every spatial axis whole, the others 1.

    A stack of more than `limit` bytes is halved along its first spatial axis (z) until one plane
    is left, then along the longer of the remaining ones.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array, such as ``(T, C, Z, Y, X)``.
    itemsize : int
        Size of a pixel [bytes].
    axis_types : sequence of str or None, optional
        Type of each axis, as OME-Zarr names them; the last three are ``"space"`` by default.
    limit : int
        Largest chunk [bytes].

    Raises
    ------
    ShapeError
        If the types are not one per axis.
    """
    sizes = as_shape(shape)
    types = axis_types
    if types is None:
        types = [None] * (len(sizes) - 3) + ["space"] * min(3, len(sizes))
    if len(types) != len(sizes):
        raise ShapeError(f"{len(types)} axis types for an array of {len(sizes)} axes")
    space = [axis for axis, kind in enumerate(types) if kind == "space"]
    chunks = [max(1, size) if axis in space else 1 for axis, size in enumerate(sizes)]
    while prod(chunks) * itemsize > limit and max(chunks) > 1:
        stack = space[:-2]
        axis = next((a for a in stack if chunks[a] > 1), -1)
        if axis < 0:
            axis = max(space, key=lambda a: chunks[a])
        chunks[axis] = ceil_div(chunks[axis], 2)
    return tuple(chunks)


def shard_shape(
    shape: Sequence[SupportsIndex], chunks: Shape, ratio: Sequence[SupportsIndex]
) -> Shape:
    """Shape of the shards: chunks times ratio, but no more chunks than the array has.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    chunks : tuple of int
        Shape of the chunks inside a shard.
    ratio : sequence of int
        Chunks per shard along each axis.

    Raises
    ------
    ShapeError
        If there is not one ratio per axis, or a ratio is not a positive integer.
    """
    sizes = as_shape(shape)
    ratios = check_chunks(ratio, sizes, "shards_ratio")
    counts = grid_shape(sizes, chunks)
    return tuple(
        chunk * min(r, max(1, count))
        for chunk, r, count in zip(chunks, ratios, counts, strict=True)
    )


def ceil_div(a: int, b: int) -> int:
    """``ceil(a / b)`` in integers."""
    return -(-a // b)


def grid_shape(shape: Shape, unit: Shape) -> Shape:
    """Count the units along each axis."""
    return tuple(ceil_div(size, step) for size, step in zip(shape, unit, strict=True))


def full(shape: Shape) -> Region:
    """Return the region that is the whole array."""
    return tuple(slice(0, size) for size in shape)


def region_at(start: Shape, shape: Shape) -> Region:
    """Return the region of a shape at a start."""
    return tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))


def region_shape(region: Region) -> Shape:
    """Shape of what a region selects."""
    return tuple(s.stop - s.start for s in region)


def check_region(region: Sequence[slice], shape: Shape) -> Region:
    """Region with explicit integer bounds.

    Parameters
    ----------
    region : sequence of slice
        One slice per axis; a missing start or stop means the border of the array.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    ShapeError
        If there is not one slice per axis, a step is not 1, or a slice leaves the array.
    """
    if len(region) != len(shape):
        raise ShapeError(f"region {region} has {len(region)} axes, the array has {len(shape)}")
    checked = []
    for axis, (part, size) in enumerate(zip(region, shape, strict=True)):
        start = 0 if part.start is None else operator.index(part.start)
        stop = size if part.stop is None else operator.index(part.stop)
        if part.step not in (None, 1) or not 0 <= start <= stop <= size:
            raise ShapeError(f"{part} of axis {axis} is no unit-step slice within 0:{size}")
        checked.append(slice(start, stop))
    return tuple(checked)


def intersect(a: Region, b: Region) -> Region | None:
    """Return the part that two regions have in common, None if there is none."""
    common = tuple(
        slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(a, b, strict=True)
    )
    return common if all(s.start < s.stop for s in common) else None


def subtract(a: Region, b: Region) -> list[Region]:
    """Split what `a` has outside `b` into disjoint regions (at most two per axis)."""
    common = intersect(a, b)
    if common is None:
        return [a] if prod(region_shape(a)) else []
    rest = []
    left = list(a)
    for axis, (outer, inner) in enumerate(zip(a, common, strict=True)):
        for piece in (slice(outer.start, inner.start), slice(inner.stop, outer.stop)):
            if piece.start < piece.stop:
                rest.append((*left[:axis], piece, *left[axis + 1 :]))
        left[axis] = inner
    return rest


def relative(region: Region, origin: Region) -> Region:
    """Express a region in the coordinates of the region it lies in."""
    return tuple(
        slice(s.start - o.start, s.stop - o.start) for s, o in zip(region, origin, strict=True)
    )


def unit_region(index: Shape, shape: Shape, unit: Shape) -> Region:
    """Return the part of the array that a unit holds.

    Parameters
    ----------
    index : tuple of int
        Index of the unit in the grid.
    shape, unit : tuple of int
        Shape of the array and of a unit.
    """
    return tuple(
        slice(min(i * step, size), min((i + 1) * step, size))
        for i, size, step in zip(index, shape, unit, strict=True)
    )


def units_of(region: Region, unit: Shape) -> Iterator[Shape]:
    """Indexes of the units that a region touches, in C order; none for an empty region."""
    if any(s.start >= s.stop for s in region):
        return iter(())
    spans = (
        range(s.start // step, ceil_div(s.stop, step)) for s, step in zip(region, unit, strict=True)
    )
    return product(*spans)


def count_units(region: Region, unit: Shape) -> int:
    """Count the units that a region touches."""
    if any(s.start >= s.stop for s in region):
        return 0
    return prod(
        ceil_div(s.stop, step) - s.start // step for s, step in zip(region, unit, strict=True)
    )


def aligned(region: Region, shape: Shape, unit: Shape) -> bool:
    """Whether a region holds only whole units (cut at the border of the array)."""
    return all(
        s.start % step == 0 and (s.stop % step == 0 or s.stop == size)
        for s, size, step in zip(region, shape, unit, strict=True)
    )


def expand(region: Region, shape: Shape, unit: Shape) -> Region:
    """Smallest aligned region that contains a region."""
    return tuple(
        slice(s.start // step * step, min(size, ceil_div(s.stop, step) * step))
        for s, size, step in zip(region, shape, unit, strict=True)
    )


def share_unit(a: Region, b: Region, unit: Shape) -> bool:
    """Whether writing two regions touches a common unit, so that they need one writer."""
    return all(
        p.start < p.stop
        and q.start < q.stop
        and max(p.start // step, q.start // step)
        < min(ceil_div(p.stop, step), ceil_div(q.stop, step))
        for p, q, step in zip(a, b, unit, strict=True)
    )


def grouped_unit(shape: Shape, unit: Shape, itemsize: int, target: int) -> Shape:
    """Multiple of the unit that holds about `target` bytes, grown from the last axis.

    Parameters
    ----------
    shape, unit : tuple of int
        Shape of the array and of a unit.
    itemsize : int
        Size of a pixel [bytes].
    target : int
        Bytes not to pass; a single unit may be larger.
    """
    group = list(unit)
    for axis in range(len(shape) - 1, -1, -1):
        fit = target // max(1, prod(group) * itemsize)
        count = max(1, ceil_div(shape[axis], unit[axis]))
        if fit < count:
            group[axis] *= max(1, fit)
            break
        group[axis] *= count
    return tuple(group)


def split(region: Region, shape: Shape, step: Shape) -> Iterator[Region]:
    """Cut a region along the grid of a step, in C order; the pieces cover it exactly once."""
    for index in units_of(region, step):
        piece = intersect(region, unit_region(index, shape, step))
        if piece is not None:
            yield piece
