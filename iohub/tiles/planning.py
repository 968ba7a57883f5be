"""From registered tiles to the plan of an image: canvas, axes, chunks and levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, AxisError, DTypeError, ShapeError, TilingError
from iohub.pyramids.plan import max_levels
from iohub.storage.dtypes import pixel_type
from iohub.tiles.assemble import BLENDS, AssemblyPlan, Blend
from iohub.tiles.axes import CANONICAL_AXES
from iohub.tiles.layout import TileTable, check_no_hidden

if TYPE_CHECKING:
    from iohub.types import NDArray, PyramidMethod, Shape

_HUGE = 1 << 30  # bytes
_SPARSE = 10_000  # pixels for each that a tile fills


def plan_assembly(
    table: TileTable,
    *,
    axes: Sequence[str],
    dtype: Any,
    name: str = "",
    pixel_size: Mapping[str, float] | None = None,
    translation: Mapping[str, float] | None = None,
    chunks: Mapping[str, int] | None = None,
    shards: Mapping[str, int] | None = None,
    levels: int = 5,
    downscale: Mapping[str, int] | None = None,
    method: PyramidMethod = "mean",
    blend: Blend = "last",
    channels: int | None = None,
    casts: bool = False,
    level_names: Sequence[str] | None = None,
) -> AssemblyPlan:
    """Plan an image of registered tiles.

    Parameters
    ----------
    table : TileTable
        Tiles at whole pixels, as :func:`~iohub.tiles.register.register` returns them.
    axes : sequence of str
        Axes of the image, of t, c, z, y, x in this order.
    dtype : dtype-like
        Of the pixels.
    name : str
        Of the image, for messages.
    pixel_size, translation : mapping of str to float, optional
        Size of a pixel, 1 if not given, and centre of the first one, 0 if not given, by axis
        [micrometer, second].
    chunks : mapping of str to int, optional
        Chunk size by axis; one field of view along y and x, ten planes along z and one along t
        and c, where not given.
    shards : mapping of str to int, optional
        How many chunks a shard has, by axis; no shards if not given.
    levels : int
        Levels of the pyramid; fewer if nothing would be left to reduce.
    downscale : mapping of str to int, optional
        Factor of each axis that is reduced; y and x by 2 if not given.
    method : {"mean", "median", "mode", "min", "max", "stride"}
        How pixels are reduced.
    blend : {"last", "linear"}
        Where tiles overlap the last one is seen, or they fade into each other.
    channels : int, optional
        Number of channels, if some at the end have no tile.
    casts : bool
        Whether tiles of another type are converted, if none of their values changes.
    level_names : sequence of str, optional
        Name of each level's array; "0", "1" … if not given.

    Raises
    ------
    TilingError
        If two tiles lie at the same place, or so far apart that next to nothing of a huge canvas
        would be filled.
    AxisError
        If an axis that the image does not have is longer than one.
    ShapeError
        If a tile starts below 0, or chunks or shards are not positive.
    DTypeError
        If there are no pixels of such a type, or they cannot be blended.
    """
    check_no_hidden(table)
    starts, stops = (np.rint(values).astype(np.int64) for values in (table.starts, table.stops))
    size = stops.max(axis=0)
    if channels is not None:
        size[1] = max(size[1], channels)
    kept = _checked_axes(table, axes, starts, size)
    shape = tuple(int(n) for n in size[kept])
    pixels = pixel_type(dtype)
    _check_not_lost(table, name, axes, shape, pixels.itemsize)
    if blend not in BLENDS:
        raise ArgumentError(f"no blending {blend!r}; there are {', '.join(BLENDS)}")
    if blend == "linear" and pixels.kind not in "iuf":
        raise DTypeError(f"pixels of {pixels} cannot be blended; choose blend='last'")
    names = tuple(CANONICAL_AXES[number] for number in kept)
    inner, outer = _storage(names, shape, table, chunks, shards)
    wanted = downscale or {"y": 2, "x": 2}
    factors = {str(axis): wanted[axis] for axis in names if axis in wanted}
    most = (
        max_levels(shape, names, downscale=factors) if any(n > 1 for n in factors.values()) else 1
    )
    count = max(1, min(levels, most))
    return AssemblyPlan(
        name=name,
        axes=names,
        shape=shape,
        dtype=str(pixels),
        chunks=inner,
        shards=outer,
        scale=tuple(float((pixel_size or {}).get(a, 1.0)) for a in names),
        translation=tuple(float((translation or {}).get(a, 0.0)) for a in names),
        levels=count,
        downscale=tuple(factors.items()),
        method=method,
        blend=blend,
        casts=casts,
        level_names=tuple(level_names or map(str, range(count)))[:count],
        starts=starts[:, kept],
        stops=stops[:, kept],
        fov=table.fov,
        fov_names=table.fov_names,
        sources=table.sources,
    )


def of_labels(plan: AssemblyPlan, dtype: Any, there: NDArray | None = None) -> AssemblyPlan:
    """Return the plan by which label images of the same tiles are put together.

    Parameters
    ----------
    plan : AssemblyPlan
        Of the image; its channels become one.
    dtype : dtype-like
        Of the labels.
    there : ndarray of bool, optional
        Which tiles have labels; all if not given. Of tiles that only differ in their channel, the
        first of these is taken.
    """
    made = replace(plan, dtype=str(pixel_type(dtype)), method="mode", blend="last", casts=False)
    kept = np.arange(len(plan.fov)) if there is None else np.flatnonzero(there)
    starts, stops = np.array(plan.starts[kept]), np.array(plan.stops[kept])
    at = plan.axes.index("c") if "c" in plan.axes else None
    if at is not None:
        order = np.argsort(starts[:, at], kind="stable")
        starts[:, at], stops[:, at] = 0, 1
        places = np.concatenate([starts, stops, plan.fov[kept][:, None]], axis=1)[order]
        first = np.sort(order[np.unique(places, axis=0, return_index=True)[1]])
        kept, starts, stops = kept[first], starts[first], stops[first]

    def single(sizes: Shape | None) -> Shape | None:
        if sizes is None or at is None:
            return sizes
        return (*sizes[:at], 1, *sizes[at + 1 :])

    return replace(
        made,
        shape=single(plan.shape) or (),
        chunks=single(plan.chunks) or (),
        shards=single(plan.shards),
        starts=starts,
        stops=stops,
        fov=plan.fov[kept],
        sources=plan.sources[kept],
    )


def _check_not_lost(
    table: TileTable, name: str, axes: Sequence[str], shape: Shape, itemsize: int
) -> None:
    """Refuse a huge canvas with next to nothing on it: starts are in another unit than said."""
    held = float(np.prod(np.rint(table.lengths), axis=1).sum())
    if prod(shape) * itemsize > _HUGE and prod(shape) > _SPARSE * held:
        far = int(np.argmax(table.stops[:, 3:].max(axis=1)))
        raise TilingError(
            f"image {name!r} would be {shape} along {', '.join(axes)}, of which its tiles fill "
            f"only {held / prod(shape):.1g}; tile {table.name(far)} lies farthest out. Check the "
            "units of starts (micrometers or pixels) and the size of a pixel, or choose the "
            "tiling Snap to Corners or No Tiling"
        )


def _checked_axes(
    table: TileTable, axes: Sequence[str], starts: NDArray, size: NDArray
) -> list[int]:
    """Return which of the five axes the image has."""
    unknown = [axis for axis in axes if axis not in CANONICAL_AXES]
    if unknown or "y" not in axes or "x" not in axes:
        raise AxisError(
            f"an image of tiles has axes of t, c, z, y, x, y and x at least, not {axes}"
        )
    for number, axis in enumerate(CANONICAL_AXES):
        low = int(np.argmin(starts[:, number]))
        if starts[low, number] < 0:
            raise ShapeError(f"tile {table.name(low)} starts below 0 along {axis}")
        if axis not in axes and size[number] > 1:
            far = int(np.argmax(table.stops[:, number]))
            raise AxisError(
                f"the image has the axes {', '.join(axes)}, but tile {table.name(far)} reaches "
                f"{size[number]} along {axis}; add the axis"
            )
    return [number for number, axis in enumerate(CANONICAL_AXES) if axis in axes]


def _storage(
    axes: Sequence[str],
    shape: Shape,
    table: TileTable,
    chunks: Mapping[str, int] | None,
    shards: Mapping[str, int] | None,
) -> tuple[Shape, Shape | None]:
    first = table.lengths[0]
    usual = {"t": 1, "c": 1, "z": 10, "y": int(first[3]), "x": int(first[4])} | dict(chunks or {})
    for what, sizes in (("chunk", usual), ("shard", shards or {})):
        bad = [f"{axis}={n}" for axis, n in sizes.items() if n < 1]
        if bad:
            raise ShapeError(f"{what} sizes must be positive, not {', '.join(bad)}")
    inner = tuple(min(usual[axis], size) for axis, size in zip(axes, shape, strict=True))
    if shards is None:
        return inner, None
    most = [-(-size // chunk) for size, chunk in zip(shape, inner, strict=True)]
    counts = [min(shards.get(axis, 1), n) for axis, n in zip(axes, most, strict=True)]
    return inner, tuple(chunk * n for chunk, n in zip(inner, counts, strict=True))
