"""Corrections of stage positions from the pixels that tiles share, by phase correlation.

Two neighbours show the same in their overlap. How far it is shifted says how far the stage was
off; what all pairs say together is solved for one correction per field of view (least squares).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, TilingError
from iohub.optional import need
from iohub.tiles.layout import C, T, Y, Z

if TYPE_CHECKING:
    from iohub.tiles.compose import TileLoader
    from iohub.tiles.layout import TileTable
    from iohub.types import NDArray

_LEAST = 8  # pixels along each side of an overlap that says anything


@dataclass(frozen=True)
class Pair:
    """What the overlap of two fields of view says.

    Attributes
    ----------
    first, second : str
        Their names.
    shift : (float, float)
        By how much the second lies farther along y and x, against the first, than the stage said
        [pixels].
    similarity : float
        How alike the overlap is after the correction, from -1 to 1 (Pearson's correlation).
    used : bool
        Whether it was believed: within the bound, and alike enough.
    """

    first: str
    second: str
    shift: tuple[float, float]
    similarity: float
    used: bool


@dataclass(frozen=True, eq=False)
class Refinement:
    """Corrected positions, and how they came about; print it.

    Attributes
    ----------
    table : TileTable
        The tiles at their corrected places.
    corrections : dict of str to (float, float)
        By field of view, along y and x [pixels].
    pairs : tuple of Pair
        Every overlap that was looked at.
    """

    table: TileTable
    corrections: dict[str, tuple[float, float]]
    pairs: tuple[Pair, ...]

    def __str__(self) -> str:
        used = [pair for pair in self.pairs if pair.used]
        most = max((max(map(abs, c)) for c in self.corrections.values()), default=0.0)
        return (
            f"{len(used)} of {len(self.pairs)} overlaps used; "
            f"the largest correction is {most:g} pixels"
        )


def refine(
    table: TileTable,
    loaders: Sequence[TileLoader],
    resource: Any = None,
    *,
    max_shift: float = 20.0,
    min_similarity: float = 0.5,
    channel: int = 0,
) -> Refinement:
    """Correct positions of fields of view by what their overlaps show.

    Parameters
    ----------
    table : TileTable
        Tiles at whole pixels, where the stage had them.
    loaders : sequence of TileLoader
        What the table's sources are.
    resource : object, optional
        For the loaders.
    max_shift : float
        Larger shifts of two neighbours against each other are not believed [pixels].
    min_similarity : float
        Overlaps that are less alike after the correction are not believed (Pearson's correlation).
    channel : int
        The channel that is looked at, in its first time point and its middle plane.

    Returns
    -------
    Refinement
        Corrected positions; a field of view without an overlap that is believed stays.

    Raises
    ------
    ArgumentError
        If a bound makes no sense.
    TilingError
        If no tile has that channel.
    """
    if max_shift <= 0 or not -1 <= min_similarity <= 1:
        raise ArgumentError("max_shift must be positive and min_similarity between -1 and 1")
    seen = _planes(table, channel)
    kept: dict[int, NDArray] = {}

    def plane(tile: int) -> NDArray:
        if tile not in kept:
            data = np.asarray(loaders[table.sources[tile]].load_data(resource))
            sizes = np.rint(table.lengths[tile]).astype(int)
            whole = data.reshape((*(1,) * (5 - data.ndim), *data.shape)[-5:])
            at = min(max(channel - round(table.starts[tile, C]), 0), whole.shape[1] - 1)
            kept[tile] = whole[0, at, int(sizes[Z]) // 2].astype(np.float32)
        return kept[tile]

    pairs, rows = [], []
    neighbours = list(_neighbours(table, seen))
    last = dict(neighbours)
    for one, other in neighbours:
        pair = _compare(table, one, other, plane, max_shift, min_similarity)
        if pair is not None:
            pairs.append(pair)
            rows.append((table.fov[one], table.fov[other], *pair.shift, pair.used))
        if last.get(one) == other:
            kept.pop(one, None)  # pairs come in the order of their first tile
    shifts = _solve(len(table.fov_names), rows)
    starts = table.starts.copy()
    starts[:, Y:] += np.rint(shifts)[table.fov]
    starts[:, Y:] -= starts[:, Y:].min(axis=0) - table.starts[:, Y:].min(axis=0)
    found = {n: (float(y), float(x)) for n, (y, x) in zip(table.fov_names, shifts, strict=True)}
    return Refinement(table.at(starts), found, tuple(pairs))


def _planes(table: TileTable, channel: int) -> NDArray:
    """Return one tile of each field of view: in the channel, the first time, the middle plane."""
    has = (table.starts[:, C] <= channel) & (table.stops[:, C] > channel)
    if not has.any():
        raise TilingError(f"no tile has channel {channel}, so positions cannot be refined by it")
    chosen = []
    for fov in range(len(table.fov_names)):
        tiles = np.flatnonzero(has & (table.fov == fov))
        if tiles.size:
            tiles = tiles[table.starts[tiles, T] == table.starts[tiles, T].min()]
            order = tiles[np.argsort(table.starts[tiles, Z], kind="stable")]
            chosen.append(int(order[len(order) // 2]))
    return np.array(chosen)


def _neighbours(table: TileTable, tiles: NDArray) -> Iterator[tuple[int, int]]:
    """Return pairs of tiles that overlap by more than a rim."""
    for number, one in enumerate(tiles):
        others = tiles[number + 1 :]
        low = np.maximum(table.starts[one, Y:], table.starts[others, Y:])
        high = np.minimum(table.stops[one, Y:], table.stops[others, Y:])
        for other in others[((high - low) >= _LEAST).all(axis=1)]:
            yield int(one), int(other)


def _compare(
    table: TileTable,
    one: int,
    other: int,
    plane: Any,
    max_shift: float,
    min_similarity: float,
) -> Pair | None:
    """Return what an overlap says; None if both are of one value, which says nothing."""
    registration = need("skimage.registration", why="refining positions")
    low = np.maximum(table.starts[one, Y:], table.starts[other, Y:])
    high = np.minimum(table.stops[one, Y:], table.stops[other, Y:])
    a, b = (
        plane(tile)[
            tuple(
                slice(int(lo - start), int(hi - start))
                for lo, hi, start in zip(low, high, table.starts[tile, Y:], strict=True)
            )
        ]
        for tile in (one, other)
    )
    if a.std() == 0 or b.std() == 0:
        return None
    shift = registration.phase_cross_correlation(a - a.mean(), b - b.mean(), normalization=None)[0]
    similarity = _similarity(a, b, shift)
    far = bool(np.abs(shift).max() > max_shift)
    names = table.fov_names[table.fov[one]], table.fov_names[table.fov[other]]
    return Pair(
        *names,
        (float(shift[0]), float(shift[1])),
        similarity,
        not far and similarity >= min_similarity,
    )


def _similarity(a: NDArray, b: NDArray, shift: NDArray) -> float:
    """Return the correlation of two pictures where they overlap after moving the second."""
    parts = []
    for picture, sign in ((a, 1), (b, -1)):
        cuts = []
        for move, size in zip(np.rint(shift).astype(int) * sign, picture.shape, strict=True):
            cuts.append(slice(max(0, move), size + min(0, move)))
        parts.append(picture[tuple(cuts)].ravel())
    if parts[0].size < _LEAST * _LEAST or parts[0].std() == 0 or parts[1].std() == 0:
        return -1.0
    return float(np.corrcoef(parts[0], parts[1])[0, 1])


def _solve(count: int, rows: Sequence[tuple[Any, ...]]) -> NDArray:
    """Return corrections that fit all shifts of pairs best; each connected part keeps its mean."""
    used = [row for row in rows if row[4]]
    matrix = np.zeros((len(used) + count, count))
    wanted = np.zeros((len(used) + count, 2))
    for number, (one, other, y, x, _) in enumerate(used):
        matrix[number, [one, other]] = -1, 1
        wanted[number] = y, x
    # A weak pull to where the stage was settles what no pair says.
    matrix[len(used) :] = np.eye(count) * 1e-4
    solved: NDArray = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    return np.round(solved, 3)
