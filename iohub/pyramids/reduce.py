"""Many pixels become one: a block in memory reduced by whole factors. No file, no level.

A block is cut into parts whose cells are all full or all cut short by the edge, and those into
slabs that stay in the processor's cache. A kernel sees one slab whose shape is a whole number of
cells, so none of them knows of edges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from iohub.errors import PyramidError
from iohub.pyramids.networks import middles, sorting
from iohub.pyramids.plan import check_method
from iohub.types import NDArray, PyramidMethod, Region, Shape

Kernel: TypeAlias = Callable[[NDArray, Shape], NDArray]

SLAB_BYTES: Final = 1 << 20
"""What a kernel gets at a time: with its temporaries about what a core's cache holds."""

NETWORK_PIXELS: Final = 64
"""Cells of up to so many pixels are sorted by a network, larger ones pixel by pixel."""


def reduce(
    block: NDArray,
    factors: Sequence[int],
    method: PyramidMethod = "mean",
    *,
    out: NDArray | None = None,
) -> NDArray:
    """Reduce a block by whole factors; cells at the far edge use the pixels that exist.

    Parameters
    ----------
    block : ndarray
        Pixels, such as ``(T, C, Z, Y, X)``; its first pixel is the first of a cell.
    factors : sequence of int
        Size of a cell by axis [pixels].
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How a cell becomes a pixel. For integers and booleans ``mean`` and ``median`` are exact and
        then rounded, half to even; ``mode`` is the most frequent value, the smallest of several;
        ``stride`` is the first pixel. A cell with a NaN gives NaN (``stride`` excepted).
    out : ndarray, optional
        Where to put the result; right shape and dtype.

    Returns
    -------
    ndarray
        Sizes divided by the factors and rounded up; dtype and byte order of `block`.

    Raises
    ------
    PyramidError
        If the method is unknown or has no meaning for the dtype (complex numbers have no order,
        text has no mean), a factor is below 1, there are not as many as axes, or `out` does not
        fit.

    Examples
    --------
    >>> reduce(np.array([1, 2, 2, 3, 9], "u1"), (2,))
    array([2, 2, 9], dtype=uint8)
    """
    check_dtype(block.dtype, method)
    cell = tuple(map(int, factors))
    if len(cell) != block.ndim or any(factor < 1 for factor in cell):
        raise PyramidError(f"factors {cell} do not fit a block of shape {block.shape}")
    shape = reduced_shape(block.shape, cell)
    if out is None:
        out = np.empty(shape, block.dtype)
    elif out.shape != shape or out.dtype != block.dtype:
        raise PyramidError(
            f"the result is {shape} {block.dtype}, which out {out.shape} {out.dtype} cannot hold"
        )
    if method == "stride" or all(factor == 1 for factor in cell):
        out[...] = block[tuple(slice(None, None, factor) for factor in cell)]
        return out
    kernel = _kernel(block.dtype, method)
    work = _work_dtype(block.dtype, method)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for source, target, size in _slabs(block.shape, cell, block.dtype.itemsize):
            slab = block[source]
            # The last cell may be a single pixel: kernels count on more.
            alone = math.prod(size) == 1
            out[target] = slab if alone else kernel(slab.astype(work, copy=False), size)
    return out


def reduced_shape(shape: Sequence[int], factors: Sequence[int]) -> Shape:
    """Shape of a block after reduction: divided by the factors and rounded up.

    Parameters
    ----------
    shape, factors : sequence of int
        Sizes and cell sizes by axis [pixels].
    """
    return tuple(-(-size // factor) for size, factor in zip(shape, factors, strict=True))


def check_dtype(dtype: np.dtype[Any], method: str) -> None:
    """Refuse a method that has no meaning for pixels of a dtype.

    Parameters
    ----------
    dtype : numpy.dtype
        Data type of the pixels.
    method : str
        Name of a method.

    Raises
    ------
    PyramidError
        If the method is unknown, would order complex numbers, or would calculate with text.
    """
    check_method(method)
    allowed = {"c": ("stride", "mean")}.get(dtype.kind, ("stride",))
    if dtype.kind not in "biuf" and method not in allowed:
        raise PyramidError(
            f"{method!r} has no meaning for {dtype} pixels; use {' or '.join(map(repr, allowed))}"
        )


def _kernel(dtype: np.dtype[Any], method: str) -> Kernel:
    if method == "min":
        return partial(_fold, np.minimum)
    if method == "max":
        return partial(_fold, np.maximum)
    if method == "median":
        return _median
    if method == "mode":
        return _mode
    if dtype.kind in "fc":
        return _mean_real
    return _mean_wide if dtype.itemsize == 8 else _mean_whole


def _work_dtype(dtype: np.dtype[Any], method: str) -> np.dtype[Any]:
    """Return the native dtype to compute in: every value of `dtype` is exact in it."""
    if dtype.kind == "b":
        return np.dtype("u1")
    if dtype == np.float16:
        return np.dtype("f4")
    return dtype.newbyteorder("=")


def _slabs(shape: Shape, cell: Shape, itemsize: int) -> Iterator[tuple[Region, Region, Shape]]:
    """Cut a block into slabs of equal cells: where from, where to, and the size of a cell."""
    # Whole axes from the last one on while they fit; then a run of cells; before that, one cell.
    room = SLAB_BYTES // itemsize
    runs = [1] * len(shape)
    for axis in reversed(range(len(shape))):
        others = math.prod(cell[:axis])
        runs[axis] = max(1, min(-(-shape[axis] // cell[axis]), room // (others * cell[axis])))
        room //= runs[axis] * cell[axis]
    axes = [
        list(_pieces(size, factor, run))
        for size, factor, run in zip(shape, cell, runs, strict=True)
    ]
    for pieces in itertools.product(*axes):
        yield (
            tuple(piece[0] for piece in pieces),
            tuple(piece[1] for piece in pieces),
            tuple(piece[2] for piece in pieces),
        )


def _pieces(size: int, factor: int, run: int) -> Iterator[tuple[slice, slice, int]]:
    """Cut one axis into runs of full cells and, at the end, one cell of what is left."""
    full = size // factor
    for start in range(0, full, run):
        stop = min(start + run, full)
        yield slice(start * factor, stop * factor), slice(start, stop), factor
    if rest := size % factor:
        yield slice(full * factor, size), slice(full, full + 1), rest


def _fold(
    ufunc: np.ufunc, slab: NDArray, cell: Shape, dtype: np.dtype[Any] | None = None
) -> NDArray:
    """Combine each cell's pixels with an associative ufunc, one axis after the other."""
    result = slab
    for axis, factor in enumerate(cell):
        if factor == 1:
            continue
        first, *others = (_every(result, axis, start, factor) for start in range(factor))
        result = ufunc(first, others[0], dtype=dtype)
        for other in others[1:]:
            ufunc(result, other, out=result)
    return result


def _every(slab: NDArray, axis: int, start: int, step: int) -> NDArray:
    return slab[(slice(None),) * axis + (slice(start, None, step),)]


def _mean_real(slab: NDArray, cell: Shape) -> NDArray:
    """Mean of floats and complex numbers, summed at twice the precision up to 64 bits a part."""
    wide = {"f": np.dtype("f8"), "c": np.dtype("c16")}[slab.dtype.kind]
    total = _fold(np.add, slab, cell, np.promote_types(slab.dtype, wide))
    total /= math.prod(cell)
    return total


def _mean_whole(slab: NDArray, cell: Shape) -> NDArray:
    """Exact mean of integers of up to 32 bits, half to even."""
    count = math.prod(cell)
    signed = slab.dtype.kind == "i"
    bits = slab.dtype.itemsize * 8 + count.bit_length() + 1
    if bits > 64:
        return _mean_wide(slab, cell)
    size = 2 if bits <= 16 else 4 if bits <= 32 else 8
    total = _fold(np.add, slab, cell, np.dtype(f"{'i' if signed else 'u'}{size}"))
    if count & (count - 1) == 0:
        # floor((s + n/2 - 1 + odd) / n), where odd says whether floor(s / n) is.
        shift = count.bit_length() - 1
        odd = total >> shift
        odd &= 1
        odd += count // 2 - 1
        total += odd
        total >>= shift
    elif count % 2:
        total += count // 2
        total //= count
    else:
        odd = total // count
        odd &= 1
        odd += count // 2 - 1
        total += odd
        total //= count
    return total


def _mean_wide(slab: NDArray, cell: Shape) -> NDArray:
    """Exact mean of 64-bit integers, half to even, without a wider type.

    With ``x = n q + r`` the sum is ``n * sum(q) + sum(r)``; sums of quotients may wrap around and
    come back, since the mean itself fits.
    """
    count = math.prod(cell)
    quotient, remainder = _divide(slab, count)
    mean, rest = _divide(_fold(np.add, remainder, cell), count)
    mean += _fold(np.add, quotient, cell)
    rest *= 2
    mean += (rest > count) | ((rest == count) & (mean & 1 == 1))
    return mean


def _divide(values: NDArray, count: int) -> tuple[NDArray, NDArray]:
    """Floor and remainder; by shifts where `count` is a power of two."""
    if count & (count - 1) == 0:
        return values >> (count.bit_length() - 1), values & (count - 1)
    return np.divmod(values, values.dtype.type(count))


def _wires(slab: NDArray, cell: Shape) -> list[NDArray]:
    """One contiguous array for each place within the cell; never a view, as networks sort it."""
    places = itertools.product(*(range(factor) for factor in cell))
    return [
        slab[tuple(slice(at, None, step) for at, step in zip(place, cell, strict=True))].copy()
        for place in places
    ]


def _columns(slab: NDArray, cell: Shape) -> NDArray:
    """Cells with their pixels along a new last axis."""
    split = [n for size, f in zip(slab.shape, cell, strict=True) for n in (size // f, f)]
    ndim = slab.ndim
    cells = slab.reshape(split).transpose(*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2))
    return cells.reshape(*cells.shape[:ndim], -1)


def _sort(wires: list[NDArray], steps: Sequence[tuple[int, int, bool, bool]]) -> None:
    """Run a network of comparators over arrays, in place; NaN spreads to all it meets."""
    spare = np.empty_like(wires[0])
    for low, high, need_low, need_high in steps:
        a, b = wires[low], wires[high]
        if need_low and need_high:
            np.minimum(a, b, out=spare)
            np.maximum(a, b, out=b)
            wires[low], spare = spare, a
        elif need_low:
            np.minimum(a, b, out=a)
        else:
            np.maximum(a, b, out=b)


def _median(slab: NDArray, cell: Shape) -> NDArray:
    """Median; of an even number the mean of the two in the middle, half to even."""
    count = math.prod(cell)
    low, high = (count - 1) // 2, count // 2
    if count <= NETWORK_PIXELS:
        wires = _wires(slab, cell)
        _sort(wires, middles(count))
        lower, upper = wires[low], wires[high]
    else:
        cells = np.partition(_columns(slab, cell), (low, high, count - 1), axis=-1)
        lower, upper = cells[..., low], cells[..., high]
        if slab.dtype.kind == "f":
            lower[np.isnan(cells[..., -1])] = np.nan  # NaN is sorted last; one is enough
    return lower if low == high else _between(lower, upper)


def _between(lower: NDArray, upper: NDArray) -> NDArray:
    """Mean of two ordered values without overflow; half to even for integers."""
    if lower.dtype.kind == "f":
        total = lower + upper
        return np.where(np.isinf(total), lower * 0.5 + upper * 0.5, total * 0.5)
    # The difference fits the unsigned type of the same width even where it overflows.
    unsigned = np.dtype(f"u{lower.dtype.itemsize}")
    gap = upper.view(unsigned) - lower.view(unsigned)
    mean = lower.view(unsigned) + (gap >> 1)
    mean += gap & mean & 1
    result: NDArray = mean.view(lower.dtype)
    return result


def _mode(slab: NDArray, cell: Shape) -> NDArray:
    """Most frequent value, the smallest of several."""
    result = _fold(np.minimum, slab, cell)
    mixed = result != _fold(np.maximum, slab, cell)
    if not mixed.any():
        return result
    count = math.prod(cell)
    if count <= NETWORK_PIXELS:
        wires = [wire[mixed] for wire in _wires(slab, cell)]
        _sort(wires, sorting(count))
    else:
        cells = _columns(slab, cell)[mixed]
        cells.sort(axis=-1)
        if slab.dtype.kind == "f":
            cells[np.isnan(cells[:, -1])] = np.nan
        wires = list(cells.T)
    result[mixed] = _most_frequent(wires)
    return result


def _most_frequent(wires: Sequence[NDArray]) -> NDArray:
    """Most frequent of sorted values: the first of the longest runs."""
    best = wires[0].copy()
    run = np.ones(best.shape, np.min_scalar_type(len(wires)))
    longest = run.copy()
    for before, here in itertools.pairwise(wires):
        run *= before == here
        run += 1
        longer = run > longest
        np.copyto(best, here, where=longer)
        np.maximum(longest, run, out=longest)
    return best
