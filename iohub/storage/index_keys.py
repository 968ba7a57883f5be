"""The parts of an index: what stands in the brackets, checked and made one item per axis.

Rules: https://numpy.org/doc/stable/user/basics.indexing.html
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from iohub.errors import BoundsError

if TYPE_CHECKING:
    from iohub.types import NDArray, Shape


@dataclass(frozen=True)
class Int:
    """One position: the axis is dropped."""

    at: int


@dataclass(frozen=True)
class Span:
    """Evenly spaced positions ``start, start + step, …`` (ascending), perhaps reversed."""

    start: int
    step: int
    count: int
    reverse: bool

    @property
    def part(self) -> slice:
        """Slice with these positions, ascending."""
        stop = self.start + (self.count - 1) * self.step + 1 if self.count else self.start
        return slice(self.start, stop, self.step)


@dataclass(frozen=True, eq=False)
class Many:
    """Positions from an integer array."""

    at: NDArray


class New:
    """A new axis of size 1."""


class Gap:
    """Where ``...`` stood: it parts advanced indexes even if it stands for no axis."""


Item: TypeAlias = Int | Span | Many | New | Gap

# What reshaping asks of the items of plain keys: whether an axis is dropped or kept.
_WHOLE = slice(None)
_DROPPED, _KEPT = Int(0), Span(0, 1, 0, reverse=False)


def plain(key: Any, shape: Shape) -> tuple[tuple[slice, ...], Shape, tuple[Item, ...]] | None:
    """Give region, shape of the result and items of a key of integers and whole axes.

    Planes are read by such keys one after the other: nothing else is looked at here. None if the
    key has anything else, or does not fit.
    """
    parts = key if type(key) is tuple else (key,)
    rest = len(shape) - len(parts)
    if rest < 0:
        return None
    region: list[slice] = []
    items: list[Item] = []
    result: list[int] = []
    for part, size in zip((*parts, *(_WHOLE,) * rest), shape, strict=True):
        if type(part) is int and -size <= part < size:
            at = part + size if part < 0 else part
            region.append(slice(at, at + 1, 1))
            items.append(_DROPPED)
        elif type(part) is slice and _is_whole(part):
            region.append(slice(0, size, 1))
            items.append(_KEPT)
            result.append(size)
        else:
            return None
    return tuple(region), tuple(result), tuple(items)


def normalise(key: Any, shape: Shape) -> tuple[tuple[Item, ...], bool]:
    """Give the items of a key, and whether the axes of its advanced indexes come first."""
    parts, advanced = expand(key, shape, masks_consume_axes=True)
    items: list[Item] = []
    axis = 0
    for part in parts:
        if part is None:
            items.append(New())
        elif isinstance(part, Gap):
            items.append(part)
        else:
            items.append(item_of(part, axis, shape))
            axis += 1
    if not advanced:
        return tuple(items), False
    places = [n for n, item in enumerate(items) if isinstance(item, Int | Many)]
    front = places[-1] - places[0] + 1 > len(places)
    return tuple(items), front


def expand(key: Any, shape: Shape, *, masks_consume_axes: bool) -> tuple[list[Any], bool]:
    """Make one part per axis (plus None and gaps), and say whether there is an array."""
    parts: list[Any] = []
    advanced = False
    for part in key if isinstance(key, tuple) else (key,):
        if part is Ellipsis or part is None or isinstance(part, slice):
            parts.append(part)
            continue
        if not isinstance(part, np.ndarray) and hasattr(part, "__index__"):
            if isinstance(part, bool | np.bool_):
                raise BoundsError("a single boolean is no index here; use a mask or an integer")
            parts.append(operator.index(part))
            continue
        array = np.asarray(part)
        if array.size == 0 and not isinstance(part, np.ndarray):
            array = array.astype(np.intp)
        if array.dtype.kind not in "iub" or (array.dtype.kind == "b" and not array.ndim):
            raise BoundsError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer "
                f"or boolean arrays are valid indices, not {part!r}"
            )
        advanced = True
        if array.dtype.kind == "b" and masks_consume_axes:
            parts.extend(Mask(vector, array.shape[n]) for n, vector in enumerate(array.nonzero()))
        else:
            parts.append(array)
    dots = sum(part is Ellipsis for part in parts)
    if dots > 1:
        raise BoundsError("an index can only have a single ellipsis ('...')")
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used > len(shape):
        raise BoundsError(
            f"too many indices for array: array is {len(shape)}-dimensional, "
            f"but {used} were indexed"
        )
    rest: list[Any] = [slice(None)] * (len(shape) - used)
    if dots:
        at = next(n for n, part in enumerate(parts) if part is Ellipsis)
        parts[at : at + 1] = [Gap(), *rest]
    else:
        parts += rest
    return parts, advanced


def _is_whole(part: slice) -> bool:
    return part.start is None and part.stop is None and part.step is None


@dataclass(frozen=True, eq=False)
class Mask:
    """Positions along one axis of a boolean array, whose size has to match."""

    at: NDArray
    size: int


def item_of(part: Any, axis: int, shape: Shape) -> Int | Span | Many:
    """Check one part of a key against its axis.

    Parameters
    ----------
    part : int, slice, integer array, vector of bool or Mask
        What was asked for.
    axis : int
        Number of the axis.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    IndexError
        If it is out of bounds, a mask has another size, or a slice is no slice of integers.
    """
    size = shape[axis]
    if isinstance(part, int):
        if not -size <= part < size:
            raise BoundsError(f"index {part} is out of bounds for axis {axis} with size {size}")
        return Int(part % size)
    if isinstance(part, slice):
        if _is_whole(part):
            return Span(0, 1, size, reverse=False)
        try:
            steps = range(*part.indices(size))
        except (TypeError, ValueError) as error:
            raise BoundsError(f"slice of axis {axis}: {error}") from error
        if not steps:
            return Span(min(max(steps.start, 0), size), 1, 0, reverse=False)
        if len(steps) == 1:
            return Span(steps[0], 1, 1, reverse=False)
        low = steps[0] if steps.step > 0 else steps[-1]
        return Span(low, abs(steps.step), len(steps), reverse=steps.step < 0)
    if isinstance(part, Mask):
        mask_size, vector = part.size, part.at
    elif part.dtype.kind == "b":
        if part.ndim != 1:
            raise BoundsError(f"axis {axis}: a mask of one axis is needed, not of {part.ndim}")
        mask_size, vector = part.size, part.nonzero()[0]
    else:
        mask_size, vector = size, part
    if mask_size != size:
        raise BoundsError(
            f"boolean index did not match indexed array along axis {axis}; size of axis is {size} "
            f"but size of corresponding boolean axis is {mask_size}"
        )
    return Many(_within(vector, axis, size))


def _within(vector: NDArray, axis: int, size: int) -> NDArray:
    """Non-negative positions, checked against the size of the axis."""
    if not vector.size:
        return vector.astype(np.intp)
    low, high = int(vector.min()), int(vector.max())
    if low < -size or high >= size:
        bad = high if high >= size else low
        raise BoundsError(f"index {bad} is out of bounds for axis {axis} with size {size}")
    vector = vector.astype(np.intp)
    return np.where(vector < 0, vector + size, vector) if low < 0 else vector
