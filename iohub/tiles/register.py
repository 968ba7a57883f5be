"""Where each tile goes on the canvas: corrections of stage positions, one function for each.

Every function takes a table and returns another one; positions are in pixels. What the steps do
is described in the documentation page about tiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from iohub.errors import ArgumentError, NotAGridError, NotTilableError, TilingError
from iohub.tiles.axes import CANONICAL_AXES
from iohub.tiles.layout import Y, check_no_duplicates

if TYPE_CHECKING:
    from iohub.tiles.layout import TileTable
    from iohub.types import NDArray

Rounding: TypeAlias = Literal["round", "floor", "ceil"]
Offset: TypeAlias = Literal["keep", "global", "per-fov"]
Tiling: TypeAlias = Literal["auto", "grid", "corners", "inplace"]

TILINGS: Final = ("auto", "grid", "corners", "inplace")

_ROUND: Final = {"round": np.rint, "floor": np.floor, "ceil": np.ceil}
# A pixel edge that is nearer to a whole number is that number: what dividing micrometers leaves.
_NEAR = 1e-6
_CLOSE = 1e-9


def remove_offset(table: TileTable, axes: Sequence[str], how: Offset = "global") -> TileTable:
    """Let positions along some axes begin at 0.

    Parameters
    ----------
    table : TileTable
        The tiles.
    axes : sequence of str
        Of "t", "z", "y" and "x".
    how : {"global", "per-fov", "keep"}
        Whether the smallest position of all tiles becomes 0, that of each field of view, or none.
        Positions that are kept leave an empty border, and may not be negative.

    Raises
    ------
    TilingError
        If positions are kept and one is negative.
    ArgumentError
        If there is no such way.
    """
    columns = [CANONICAL_AXES.index(axis) for axis in axes]
    starts = table.starts.copy()
    if how == "global":
        starts[:, columns] -= starts[:, columns].min(axis=0)
    elif how == "per-fov":
        starts[:, columns] -= table.per_fov(starts[:, columns])[table.fov]
    elif how == "keep":
        below = starts[:, columns] < -_NEAR
        if below.any():
            tile, column = (int(n) for n in np.argwhere(below)[0])
            raise TilingError(
                f"tile {table.name(tile)} starts below 0 along {axes[column]}, so its position "
                "cannot be kept: remove the offset"
            )
    else:
        raise ArgumentError(f"no way {how!r} to remove offsets; there are global, per-fov, keep")
    return table.at(starts)


def align_to_pixel_grid(table: TileTable, mode: Rounding = "round") -> TileTable:
    """Let every tile begin and end at whole pixels; what touched before touches afterwards.

    Parameters
    ----------
    table : TileTable
        The tiles.
    mode : {"round", "floor", "ceil"}
        How ends are made whole; half a pixel is rounded to the even one.

    Raises
    ------
    ArgumentError
        If there is no such mode.
    """
    if mode not in _ROUND:
        raise ArgumentError(f"no rounding {mode!r}; there are {', '.join(_ROUND)}")
    starts, stops = _whole(table.starts, mode), _whole(table.stops, mode)
    return table.at(starts, np.maximum(stops - starts, 1))


def _whole(values: NDArray, mode: str) -> NDArray:
    nearest = np.rint(values)
    whole: NDArray = np.where(np.abs(values - nearest) < _NEAR, nearest, _ROUND[mode](values))
    return whole


def remove_xy_jitter(table: TileTable) -> TileTable:
    """Move every tile of a field of view to where its first one is, along y and x.

    Parameters
    ----------
    table : TileTable
        The tiles.

    Raises
    ------
    TilingError
        If two tiles of a field of view hold the same plane: one of them would be lost.
    """
    check_no_duplicates(table)
    starts = table.starts.copy()
    starts[:, Y:] = starts[table.first_of_fov()][table.fov, Y:]
    return table.at(starts)


def reindex_channels(table: TileTable) -> tuple[TileTable, tuple[int, ...]]:
    """Let the numbers of those channels that there are begin at 0 and have no gap.

    Parameters
    ----------
    table : TileTable
        The tiles.

    Returns
    -------
    table : TileTable
        The tiles.
    kept : tuple of int
        Former number of each channel.
    """
    starts, stops = np.rint(table.starts[:, 1]), np.rint(table.stops[:, 1])
    used = sorted(
        {c for a, b in set(zip(starts, stops, strict=True)) for c in range(int(a), int(b))}
    )
    new = table.starts.copy()
    new[:, 1] = np.searchsorted(used, starts)
    return table.at(new), tuple(used)


# ---- tiling -----------------------------------------------------------------------------------


def tile(table: TileTable, how: Tiling = "auto", tolerance: float = 1.0) -> TileTable:
    """Put fields of view side by side.

    Parameters
    ----------
    table : TileTable
        The tiles, at whole pixels.
    how : {"auto", "grid", "corners", "inplace"}
        On the cell of a regular grid that their positions lie on; at the nearest free corner; a
        grid if there is one, else corners; or where they are.
    tolerance : float
        How much steps of a grid may differ [pixels].

    Raises
    ------
    NotTilableError
        If fields of view differ in size; use "inplace" then.
    NotAGridError
        With "grid", if positions are not regular.
    TilingError
        If two fields of view fall on one cell of the grid; both are named.
    ArgumentError
        If there is no such way.
    """
    if how not in TILINGS:
        raise ArgumentError(f"no tiling {how!r}; there are {', '.join(TILINGS)}")
    if how == "inplace" or len(table.fov_names) == 1:
        return table
    corners = table.per_fov(table.starts[:, Y:])
    size = _common_size(table)
    if how == "corners":
        new = _on_corners(corners, size)
    else:
        try:
            new = _on_grid(table, corners, size, tolerance)
        except NotAGridError:
            if how == "grid":
                raise
            new = _on_corners(corners, size)
    starts = table.starts.copy()
    starts[:, Y:] += (new - corners)[table.fov]
    return table.at(starts)


def _common_size(table: TileTable) -> NDArray:
    """Return height and width of all fields of view."""
    sizes = table.lengths[:, Y:]
    other = ~np.isclose(sizes, sizes[0]).all(axis=1)
    if other.any():
        worst = int(np.flatnonzero(other)[0])
        shown = [" × ".join(f"{n:g}" for n in sizes[i]) for i in (0, worst)]
        raise NotTilableError(
            f"tile {table.name(0)} is {shown[0]} pixels and {table.name(worst)} is {shown[1]}: "
            "tiles of different size can only stay where they are; choose the tiling Inplace"
        )
    first: NDArray = sizes[0]
    return first


def _on_grid(table: TileTable, corners: NDArray, size: NDArray, tolerance: float) -> NDArray:
    """Return corners on the cells of a regular grid, one beside the other.

    The step along an axis is the median of those differences between neighbouring positions that
    exceed the tolerance; all of them have to be within the tolerance of it.
    """
    cells = np.zeros(corners.shape, np.int64)
    for axis in range(2):
        order = np.argsort(corners[:, axis], kind="stable")
        differences = np.diff(corners[order, axis])
        steps = differences[differences > tolerance]
        if not steps.size:
            continue
        step = float(np.median(steps))
        if (np.abs(steps - step) > tolerance).any():
            worst = float(steps[np.argmax(np.abs(steps - step))])
            raise NotAGridError(
                f"positions along {'yx'[axis]} lie on no regular grid: their steps are "
                f"{step:g} pixels and {worst:g} pixels, which differ by more than the tolerance of "
                f"{tolerance:g}"
            )
        # Counted from neighbour to neighbour, so that errors of the step do not add up.
        cells[order[1:], axis] = np.cumsum(differences > tolerance)
    order = np.lexsort(cells.T)
    same = (np.diff(cells[order], axis=0) == 0).all(axis=1)
    if same.any():
        at = int(np.flatnonzero(same)[0])
        one, other = sorted((int(order[at]), int(order[at + 1])))
        names = [
            f"{table.fov_names[i]!r} (x={corners[i, 1]:g}, y={corners[i, 0]:g})"
            for i in (one, other)
        ]
        raise TilingError(
            f"fields of view {names[0]} and {names[1]} fall on one cell of the grid, so that one "
            "would hide the other; correct their positions, or choose the tiling Inplace"
        )
    placed: NDArray = corners.min(axis=0) + cells * size
    return placed


def _on_corners(corners: NDArray, size: NDArray) -> NDArray:
    """Return for one field of view after the other the nearest corner that is still free.

    Corners lie a tile apart from the smallest x and y on; of several equally near the one with
    the smallest x, then y.
    """
    origin = corners.min(axis=0)
    at = (corners - origin) / size
    counts = [math.ceil(span) + 2 for span in at.max(axis=0)]
    while math.prod(counts) < len(at):
        counts = [count + 1 for count in counts]
    free = np.ones((counts[1], counts[0]), bool)  # x first: ties are decided in that order
    cells = np.empty(at.shape, np.int64)
    points = corners - origin
    for number, (y, x) in enumerate(at.tolist()):
        row, column = round(y), round(x)
        clear = abs(abs(y - row) - 0.5) > _CLOSE and abs(abs(x - column) - 0.5) > _CLOSE
        if not (clear and free[column, row]):
            row, column = _nearest_free(free, points[number], size)
        free[column, row] = False
        cells[number] = row, column
    placed: NDArray = origin + cells * size
    return placed


def _nearest_free(free: NDArray, point: NDArray, size: NDArray) -> tuple[int, int]:
    """Return row and column of the free corner nearest to a point, looking around it first."""
    y, x = (float(p) for p in point)
    middle = round(y / size[0]), round(x / size[1])
    reach = 2
    while True:
        first = [max(0, m - reach) for m in middle]
        part = free[first[1] : middle[1] + reach + 1, first[0] : middle[0] + reach + 1]
        columns, rows = np.nonzero(part)
        if columns.size:
            dx = (columns + first[1]) * size[1] - x
            dy = (rows + first[0]) * size[0] - y
            distance = np.sqrt(dx * dx + dy * dy)
            best = int(np.argmin(distance))
            # Beyond what was looked at, all is farther away than this.
            if distance[best] < reach * min(size) or part.shape == free.shape:
                return int(rows[best]) + first[0], int(columns[best]) + first[1]
        reach *= 2


# ---- all of it --------------------------------------------------------------------------------


def register(
    table: TileTable,
    *,
    remove_xy_offset: Offset = "global",
    remove_z_offset: Offset = "global",
    remove_t_offset: Offset = "global",
    remove_jitter: bool = True,
    tiling: Tiling = "auto",
    tolerance: float = 1.0,
) -> TileTable:
    """Correct positions and put tiles side by side, in the usual order of steps.

    Parameters
    ----------
    table : TileTable
        The tiles as the stage had them.
    remove_xy_offset, remove_z_offset, remove_t_offset : {"global", "per-fov", "keep"}
        See :func:`remove_offset`.
    remove_jitter : bool
        See :func:`remove_xy_jitter`.
    tiling, tolerance
        See :func:`tile`.

    Raises
    ------
    TilingError
        If tiles would be lost, or cannot be put side by side.
    """
    table = remove_offset(table, "yx", remove_xy_offset)
    table = remove_offset(table, "z", remove_z_offset)
    table = remove_offset(table, "t", remove_t_offset)
    table = align_to_pixel_grid(table)
    if remove_jitter:
        table = remove_xy_jitter(table)
    return tile(table, tiling, tolerance)
