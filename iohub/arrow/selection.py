"""Which part of an image a tensor shows: indices and regions of the page, checked and put together.

Numbers only; no pixel is read here.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from iohub.errors import ArgumentError, ShapeError
from iohub.formats.ome_arrow.records import Description

Index: TypeAlias = int | slice | Sequence[int] | None
Cut: TypeAlias = tuple[slice, slice, slice, slice, slice]
RoiType: TypeAlias = Literal["2d", "2d_timelapse", "3d", "4d"]

# Which axes have a lower and an upper bound in `roi_nd`, by its kind.
_BOUNDS = {"2d": "yx", "2d_timelapse": "tyx", "3d": "zyx", "4d": "tzyx"}


@dataclass(frozen=True)
class Request:
    """What is asked for, as the page has it; see :class:`.TensorView`."""

    t: Index = None
    z: Index = None
    c: Index = None
    roi: tuple[int, int, int, int] | None = None
    roi3d: tuple[int, int, int, int, int, int] | None = None
    roi_nd: tuple[int, ...] | None = None
    roi_type: RoiType | None = None
    tile: tuple[int, int] | None = None


@dataclass(frozen=True)
class Selection:
    """Part of an image.

    Attributes
    ----------
    t, c, z : sequence of int
        Indices, in order; some may be there twice.
    y, x : slice
        From where to where, without a step.
    """

    t: Sequence[int]
    c: Sequence[int]
    z: Sequence[int]
    y: slice
    x: slice

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Size (T, C, Z, Y, X)."""
        height, width = self.y.stop - self.y.start, self.x.stop - self.x.start
        return (len(self.t), len(self.c), len(self.z), height, width)

    def part(self, cut: Cut) -> Selection:
        """Return a part of this part; bounds are within it."""
        t, c, z, y, x = cut
        return Selection(self.t[t], self.c[c], self.z[z], _within(self.y, y), _within(self.x, x))


def select(asked: Request, said: Description) -> Selection:
    """Return the part of an image that is asked for.

    Parameters
    ----------
    asked : Request
        The indices and regions.
    said : Description
        Shape of the image and size of its chunks.

    Raises
    ------
    ArgumentError
        If several regions are given, or one of a wrong form; a TypeError and a ValueError.
    ShapeError
        If an index or a region is not within the image; a ValueError.
    """
    _check_one_region(asked)
    sizes = dict(zip("tczyx", said.shape, strict=True))
    given: dict[str, Index] = {"t": asked.t, "c": asked.c, "z": asked.z}
    bounds = _bounds(asked, said)
    for axis in "tz":
        if axis in bounds and given[axis] is not None:
            name = "roi3d" if asked.roi3d is not None else "roi_nd"
            raise ArgumentError(f"give either {axis} or the bounds of {name} along it, not both")
        if axis in bounds:
            given[axis] = slice(*bounds[axis])
    for axis, (low, high) in bounds.items():
        if not 0 <= low < high <= sizes[axis]:
            raise ShapeError(
                f"the region from {low} to {high} along {axis} is empty or out of bounds: "
                f"it has to be within 0 and {sizes[axis]}"
            )
    t, c, z = (indices(given[axis], sizes[axis], axis) for axis in "tcz")
    y, x = (slice(*bounds.get(axis, (0, sizes[axis]))) for axis in "yx")
    return Selection(t, c, z, y, x)


def indices(given: Index, size: int, axis: str) -> Sequence[int]:
    """Return an index of any form as one number each.

    Raises
    ------
    ArgumentError
        If it is no index.
    ShapeError
        If one of them is out of bounds.
    """
    if given is None:
        return range(size)
    if isinstance(given, slice):
        return range(size)[given]
    single = not isinstance(given, Sequence | np.ndarray) or isinstance(given, str | bytes)
    many: Any = [given] if single else given
    try:
        wanted = [operator.index(each) for each in many]
    except TypeError as error:
        raise ArgumentError(
            f"{axis} is a number, a slice or several numbers, not {given!r}"
        ) from error
    for each in wanted:
        if not -size <= each < size:
            raise ShapeError(f"{axis} index {each} is out of range: there are {size}")
    return tuple(each % size for each in wanted)


def _check_one_region(asked: Request) -> None:
    names = ("roi", "roi3d", "roi_nd", "tile")
    given = [name for name in names if getattr(asked, name) is not None]
    if len(given) > 1:
        raise ArgumentError(f"give one of roi, roi3d, roi_nd and tile, not {' and '.join(given)}")
    if asked.roi_type is not None and asked.roi_nd is None:
        raise ArgumentError("roi_type says what roi_nd is: give roi_nd too")


def _bounds(asked: Request, said: Description) -> dict[str, tuple[int, int]]:
    """Return lower and upper bounds by axis, of whichever region is given."""
    if asked.roi is not None:
        x, y, width, height = _numbers(asked.roi, "roi", "(x, y, w, h)")
        return {"y": (y, y + height), "x": (x, x + width)}
    if asked.roi3d is not None:
        x, y, z, width, height, depth = _numbers(asked.roi3d, "roi3d", "(x, y, z, w, h, d)")
        return {"z": (z, z + depth), "y": (y, y + height), "x": (x, x + width)}
    if asked.roi_nd is not None:
        return _bounds_nd(asked.roi_nd, asked.roi_type)
    if asked.tile is not None:
        return _tile(asked.tile, said)
    return {}


def _bounds_nd(given: Sequence[int], kind: str | None) -> dict[str, tuple[int, int]]:
    if kind is not None and kind not in _BOUNDS:
        raise ArgumentError(f"roi_type is one of {', '.join(_BOUNDS)}, not {kind!r}")
    if kind is None:
        if len(given) == 6:
            raise ArgumentError(
                "roi_nd of 6 values is ambiguous: give roi_type, '2d_timelapse' or '3d'"
            )
        kind = {4: "2d", 8: "4d"}.get(len(given))
        if kind is None:
            raise ArgumentError(f"roi_nd has 4, 6 or 8 values, not {len(given)}")
    axes = _BOUNDS[kind]
    form = f"({', '.join([f'{a}min' for a in axes] + [f'{a}max' for a in axes])})"
    numbers = _numbers(given, "roi_nd", form)
    half = len(axes)
    return dict(zip(axes, zip(numbers[:half], numbers[half:], strict=True), strict=True))


def _tile(given: Sequence[int], said: Description) -> dict[str, tuple[int, int]]:
    if said.chunk is None:
        raise ArgumentError("tile counts the chunks of a record, and this one has no chunk_grid")
    row, column = _numbers(given, "tile", "(tile_y, tile_x)")
    found = {}
    for axis, number, step in (("y", row, said.chunk[1]), ("x", column, said.chunk[2])):
        size = said.shape["tczyx".index(axis)]
        count = -(-size // step)
        if not 0 <= number < count:
            raise ShapeError(f"tile {number} along {axis} is out of bounds: there are {count}")
        found[axis] = (number * step, min((number + 1) * step, size))
    return found


def _numbers(given: Sequence[int], name: str, form: str) -> list[int]:
    try:
        found = [operator.index(each) for each in given]
    except TypeError as error:
        raise ArgumentError(f"{name} is {form} in whole pixels, not {given!r}") from error
    if len(found) != form.count(",") + 1:
        raise ArgumentError(f"{name} is {form}, not {given!r}")
    return found


def _within(outer: slice, inner: slice) -> slice:
    size = outer.stop - outer.start
    start, stop, _ = inner.indices(size)
    return slice(outer.start + start, outer.start + max(start, stop))
