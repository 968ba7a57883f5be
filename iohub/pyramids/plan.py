"""What each level of a pyramid will be: shape, scale, translation, chunks. No pixel, no store.

Sizes are rounded up, so no pixel is lost at an odd edge; a scale is multiplied by what was truly
reduced, so an axis of one pixel keeps its scale; a translation keeps the *corner* of an image in
place, so its first pixel's centre moves by half of what the pixel grew (OME-Zarr: the centre of a
pixel is its integer coordinate).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, SupportsIndex, TypeAlias, get_args

from iohub.errors import AxisError, PyramidError
from iohub.types import PyramidMethod, Shape

METHODS: Final[tuple[str, ...]] = get_args(PyramidMethod)
"""The ways to make one pixel of many: mean, median, mode, min, max, stride."""

DOWNSCALE: Final = ("z", "y", "x")
"""Axes that are halved unless others are named."""

Downscale: TypeAlias = Sequence[str] | Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """One level of a pyramid.

    Attributes
    ----------
    index : int
        Position in the pyramid; 0 is the full resolution.
    shape : tuple of int
        Size by axis, such as ``(T, C, Z, Y, X)``.
    factors : tuple of int
        How many pixels of the level *above* (``index - 1``) make one pixel here, by axis.
    scale : tuple of float
        Size of a pixel by axis [unit of the axis].
    translation : tuple of float
        Where the centre of the first pixel is, by axis [unit of the axis].
    chunks : tuple of int or None
        Chunk shape; None leaves it to whoever makes the array.
    shards : tuple of int or None
        Shard shape, a multiple of `chunks`; None for an array without shards.
    """

    index: int
    shape: Shape
    factors: Shape
    scale: tuple[float, ...]
    translation: tuple[float, ...]
    chunks: Shape | None = None
    shards: Shape | None = None


def check_method(method: object) -> None:
    """Refuse a method that nothing here knows.

    Parameters
    ----------
    method : str
        Name of a method.

    Raises
    ------
    PyramidError
        If it is none of :data:`METHODS`.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise PyramidError(f"unknown pyramid method {method!r}; there are {', '.join(METHODS)}")


def plan_levels(
    shape: Sequence[int],
    axes: Sequence[str],
    scale: Sequence[float],
    translation: Sequence[float] | None,
    levels: int,
    *,
    downscale: Downscale = DOWNSCALE,
    method: PyramidMethod = "mean",
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
) -> tuple[LevelPlan, ...]:
    """Plan a pyramid of a number of levels, the full resolution included.

    An axis that has come down to one pixel stays as it is. Each level is smaller than the one
    above it; :func:`max_levels` says how many there can be.

    Parameters
    ----------
    shape : sequence of int
        Size of level 0 by axis.
    axes : sequence of str
        Name of each axis.
    scale : sequence of float
        Pixel size of level 0 by axis [unit of the axis].
    translation : sequence of float or None
        Centre of the first pixel of level 0 by axis [unit of the axis]; None for zeros.
    levels : int
        Number of levels, level 0 included; 1 plans no more than that.
    downscale : sequence of str or mapping of str to int
        Axes that are halved at each level (upper or lower case alike); a mapping gives the factor
        of each. Those of the default that the image does not have are left out.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels will be reduced. ``"stride"`` keeps the first pixel of each cell, so its levels
        are not translated.
    chunks, shards : sequence of int, optional
        Chunks and shards of level 0. Levels take them over, no larger than they are themselves
        along the reduced axes; the other axes keep them, since they may still grow.

    Returns
    -------
    tuple of LevelPlan
        One for each level, level 0 first.

    Raises
    ------
    AxisError
        If `downscale` names an axis that the image does not have.
    PyramidError
        If there is less than one level, or one in which nothing is reduced, a negative size, a
        factor below 1, an unknown method, a vector of another length, or shards that do not fit.

    Notes
    -----
    With ``S`` the scale and ``t`` the translation, binning gives ``t_n = t_0 + (S_n - S_0) / 2``
    (OME-Zarr 0.6, multiscales: "downsampling by binning").

    Examples
    --------
    >>> [level.shape for level in plan_levels((5, 1, 7), "zyx", (2, 1, 1), None, 3)]
    [(5, 1, 7), (3, 1, 4), (2, 1, 2)]
    """
    size = _sizes(shape)
    ndim = len(size)
    _check_length("axes", axes, ndim)
    base = _Base.of(ndim, scale, translation, method)
    count = _whole(levels, "levels")
    if count < 1:
        raise PyramidError(f"a pyramid has at least one level, not {count}; level 0 counts")
    asked = _factors(axes, downscale)
    if count > 1 and all(factor == 1 for factor in asked):
        raise PyramidError(
            f"none of the axes {', '.join(map(repr, axes))} is reduced; name some in downscale"
        )
    shapes = [size]
    for _ in range(count - 1):
        shapes.append(_ceil_div(shapes[-1], _true_factors(shapes[-1], asked)))
        if shapes[-1] == shapes[-2]:
            raise PyramidError(
                f"an image of shape {size} has at most {len(shapes) - 1} level(s), not {count}: "
                f"nothing is left to reduce after {shapes[-1]}"
            )
    steps = [_true_factors(above, asked) for above in shapes[:-1]]
    return _levels(shapes, steps, base, _Grid.of(ndim, chunks, shards))


def plan_existing(
    shapes: Sequence[Sequence[int]],
    scale: Sequence[float],
    translation: Sequence[float] | None = None,
    *,
    scales: Sequence[Sequence[float]] | None = None,
    method: PyramidMethod = "mean",
) -> tuple[LevelPlan, ...]:
    """Plan for the arrays of a pyramid that is there already, so that they can be filled.

    The factor of an axis is what the scales say (if they are given and say something), or else
    the smallest one by which the level above comes down to the size found.

    Parameters
    ----------
    shapes : sequence of sequence of int
        Shape of each level, level 0 first.
    scale, translation : sequence of float
        Pixel size and centre of the first pixel of level 0, by axis [unit of the axis].
    scales : sequence of sequence of float, optional
        Pixel size of each level as the document has it.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels will be reduced.

    Returns
    -------
    tuple of LevelPlan
        One for each level; scales and translations are the true ones for those factors.

    Raises
    ------
    PyramidError
        If a level is not the one above reduced by whole factors with its size rounded up, or if
        the numbers of axes or of levels differ.
    """
    sizes = [_sizes(shape) for shape in shapes]
    if not sizes:
        raise PyramidError("a pyramid has at least one level; no shape was given")
    ndim = len(sizes[0])
    for index, size in enumerate(sizes):
        _check_length(f"shape of level {index}", size, ndim)
    base = _Base.of(ndim, scale, translation, method)
    hints: Sequence[Sequence[float]] = [(1.0,) * ndim] * len(sizes) if scales is None else scales
    _check_length("scales", hints, len(sizes), "levels")
    for index, vector in enumerate(hints):
        _check_length(f"scale of level {index}", vector, ndim)
    steps = [
        _step(index, sizes[index - 1 : index + 1], hints[index - 1 : index + 1])
        for index in range(1, len(sizes))
    ]
    return _levels(sizes, steps, base, _Grid(None, None))


def max_levels(
    shape: Sequence[int], axes: Sequence[str], *, downscale: Downscale = DOWNSCALE
) -> int:
    """How many levels a pyramid can have until nothing is left to reduce.

    Parameters
    ----------
    shape : sequence of int
        Size of level 0 by axis.
    axes : sequence of str
        Name of each axis.
    downscale : sequence of str or mapping of str to int
        Axes that are reduced, as for :func:`plan_levels`.

    Returns
    -------
    int
        Number of levels that differ from each other, level 0 included.

    Raises
    ------
    AxisError
        If `downscale` names an axis that the image does not have.
    PyramidError
        If there is a negative size or a factor below 1, or `axes` has another length.
    """
    size = _sizes(shape)
    _check_length("axes", axes, len(size))
    asked = _factors(axes, downscale)
    count = 1
    while (below := _ceil_div(size, _true_factors(size, asked))) != size:
        size, count = below, count + 1
    return count


@dataclass(frozen=True, slots=True)
class _Base:
    """Where level 0 lies, and whether levels below start at the centre of their first cell."""

    scale: tuple[float, ...]
    translation: tuple[float, ...]
    centred: bool

    @classmethod
    def of(
        cls, ndim: int, scale: Sequence[float], translation: Sequence[float] | None, method: str
    ) -> _Base:
        check_method(method)
        _check_length("scale", scale, ndim)
        start = (0.0,) * ndim if translation is None else translation
        _check_length("translation", start, ndim)
        return cls(tuple(map(float, scale)), tuple(map(float, start)), method != "stride")

    def at(self, totals: Shape) -> tuple[tuple[float, ...], tuple[float, ...]]:
        scale = tuple(map(operator.mul, self.scale, totals))
        if not self.centred:
            return scale, self.translation
        # S_0 (F - 1) / 2 is (S_n - S_0) / 2 without cancelling digits.
        moved = zip(self.translation, self.scale, totals, strict=True)
        return scale, tuple(t + s * (f - 1) / 2 for t, s, f in moved)


def _levels(
    shapes: Sequence[Shape], steps: Sequence[Shape], base: _Base, grid: _Grid
) -> tuple[LevelPlan, ...]:
    ones = (1,) * len(shapes[0])
    totals, plans = ones, []
    for index, (shape, factors) in enumerate(zip(shapes, (ones, *steps), strict=True)):
        totals = tuple(map(operator.mul, totals, factors))
        plans.append(LevelPlan(index, shape, factors, *base.at(totals), *grid.at(shape, totals)))
    return tuple(plans)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Chunks and shards of level 0, and what becomes of them below."""

    chunks: Shape | None
    ratio: Shape | None

    @classmethod
    def of(cls, ndim: int, chunks: Sequence[int] | None, shards: Sequence[int] | None) -> _Grid:
        if chunks is None:
            if shards is not None:
                raise PyramidError("shards are multiples of chunks; give chunks as well")
            return cls(None, None)
        chunk = _sizes(chunks, "chunks", least=1)
        _check_length("chunks", chunk, ndim)
        if shards is None:
            return cls(chunk, None)
        shard = _sizes(shards, "shards", least=1)
        _check_length("shards", shard, ndim)
        if any(s % c for s, c in zip(shard, chunk, strict=True)):
            raise PyramidError(f"shards {shard} are no multiple of the chunks {chunk}")
        return cls(chunk, tuple(map(operator.floordiv, shard, chunk)))

    def at(self, shape: Shape, totals: Shape) -> tuple[Shape | None, Shape | None]:
        if self.chunks is None:
            return None, None
        chunks = tuple(
            c if f == 1 else max(1, min(c, n))
            for c, n, f in zip(self.chunks, shape, totals, strict=True)
        )
        if self.ratio is None:
            return chunks, None
        shards = tuple(
            c * (r if f == 1 else max(1, min(r, -(-n // c))))
            for c, r, n, f in zip(chunks, self.ratio, shape, totals, strict=True)
        )
        return chunks, shards


def _factors(axes: Sequence[str], downscale: Downscale) -> Shape:
    """Return the factor asked for, by axis."""
    asked = downscale if isinstance(downscale, Mapping) else dict.fromkeys(downscale, 2)
    factors = [1] * len(axes)
    folded = [name.casefold() for name in axes]
    for name, value in asked.items():
        factor = _whole(value, f"factor of {name!r}")
        if factor < 1:
            raise PyramidError(f"a factor is at least 1, not {factor} as for axis {name!r}")
        if name in axes:
            factors[list(axes).index(name)] = factor
        elif name.casefold() in folded:
            factors[folded.index(name.casefold())] = factor
        elif name.casefold() not in DOWNSCALE:
            raise AxisError(f"no axis {name!r} to reduce; there are {', '.join(map(repr, axes))}")
    return tuple(factors)


def _true_factors(shape: Shape, asked: Shape) -> Shape:
    """Return factors no larger than the axis: a cell cannot have more pixels than there are."""
    return tuple(max(1, min(factor, n)) for n, factor in zip(shape, asked, strict=True))


def _ceil_div(shape: Shape, factors: Shape) -> Shape:
    return tuple(-(-n // factor) for n, factor in zip(shape, factors, strict=True))


def _step(index: int, shapes: Sequence[Shape], scales: Sequence[Sequence[float]]) -> Shape:
    """Return the factors between two levels that are there."""
    above, below = shapes
    ratios = [b / a if a else 1.0 for a, b in zip(*scales, strict=True)]
    found = list(map(_factor_between, above, below, ratios))
    factors = tuple(factor for factor in found if factor is not None)
    if len(factors) < len(found):
        axis = found.index(None)
        raise PyramidError(
            f"level {index} has shape {below}, which is not level {index - 1} {above} reduced by "
            f"whole factors and rounded up (axis {axis}: {above[axis]} to {below[axis]}); delete "
            f"the pyramid and make it again"
        )
    return factors


def _factor_between(above: int, below: int, hint: float) -> int | None:
    """Return the whole factor that makes one size of another, None if there is none."""
    if above == below:
        return 1
    if below < 1 or above < below:
        return None
    if math.isfinite(hint) and round(hint) > 1:
        factor = min(round(hint), above)
        return factor if -(-above // factor) == below else None
    factor = -(-above // below)
    return factor if -(-above // factor) == below else None


def _sizes(shape: Sequence[int], what: str = "shape", least: int = 0) -> Shape:
    sizes = tuple(_whole(size, what) for size in shape)
    if any(size < least for size in sizes):
        raise PyramidError(f"{what} {sizes} has a size below {least}")
    return sizes


def _whole(value: SupportsIndex, what: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise PyramidError(f"{what} must be whole numbers, not {value!r}") from None


def _check_length(what: str, values: Sequence[object], expected: int, of: str = "axes") -> None:
    if len(values) != expected:
        raise PyramidError(f"{what} has {len(values)} entries for {expected} {of}: {values!r}")
