"""Where tiles lie, as arrays of numbers: one row per tile. No pixel, no file, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ShapeError, TilingError
from iohub.tiles.axes import CANONICAL_AXES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from iohub.types import NDArray

T, C, Z, Y, X = range(5)


@dataclass(frozen=True, eq=False)
class TileTable:
    """Tiles of one image: where each starts and how large it is, in pixels.

    Attributes
    ----------
    starts, lengths : ndarray
        ``(N, 5)``, float64, along t, c, z, y, x [pixels].
    fov : ndarray
        ``(N,)``, the field of view that each tile belongs to: an index into `fov_names`.
    fov_names : tuple of str
        Names of the fields of view, in the order in which they first came.
    sources : ndarray
        ``(N,)``, the pixels of each tile: an index into whatever list of sources goes with it.
    """

    starts: NDArray
    lengths: NDArray
    fov: NDArray
    fov_names: tuple[str, ...]
    sources: NDArray

    @classmethod
    def of(
        cls,
        fovs: Sequence[str],
        starts: ArrayLike,
        lengths: ArrayLike,
        sources: ArrayLike | None = None,
    ) -> TileTable:
        """Make a table from the name of each tile's field of view.

        Parameters
        ----------
        fovs : sequence of str
            N names; tiles of one name are planes of one field of view.
        starts, lengths : array-like
            ``(N, 5)``, along t, c, z, y, x [pixels].
        sources : array-like of int, optional
            ``(N,)``; the tile's own number if not given.

        Raises
        ------
        ShapeError
            If there is no tile, the numbers of rows differ, or a number is not finite or a length
            not positive; the first such tile is named.
        """
        names = tuple(dict.fromkeys(fovs))
        index = {name: number for number, name in enumerate(names)}
        count = len(fovs)
        numbers = np.arange(count) if sources is None else np.asarray(sources, np.int64)
        table = cls(
            np.array(starts, np.float64),
            np.array(lengths, np.float64),
            np.array([index[name] for name in fovs], np.int64),
            names,
            numbers,
        )
        table._check(count)
        return table

    def _check(self, count: int) -> None:
        if not count:
            raise ShapeError("there is no tile: an image needs at least one")
        for what, array in (("starts", self.starts), ("lengths", self.lengths)):
            if array.shape != (count, 5):
                raise ShapeError(
                    f"{what} of {count} tiles must be of shape ({count}, 5) for t, c, z, y, x, "
                    f"not {array.shape}"
                )
        if self.sources.shape != (count,):
            raise ShapeError(f"{count} tiles need {count} sources, not {self.sources.shape}")
        bad = ~np.isfinite(self.starts) | ~np.isfinite(self.lengths) | (self.lengths <= 0)
        if bad.any():
            tile, axis = (int(n) for n in np.argwhere(bad)[0])
            raise ShapeError(
                f"tile {self.name(tile)} cannot start at {self.starts[tile, axis]} with length "
                f"{self.lengths[tile, axis]} along {CANONICAL_AXES[axis]}"
            )

    def __len__(self) -> int:
        return len(self.fov)

    @property
    def stops(self) -> NDArray:
        """Where each tile ends, ``(N, 5)`` [pixels]."""
        stops: NDArray = self.starts + self.lengths
        return stops

    def name(self, tile: int) -> str:
        """Return what to call a tile: its field of view and where it starts.

        Parameters
        ----------
        tile : int
            Number of the tile.
        """
        where = ", ".join(
            f"{axis}={start:g}"
            for axis, start in zip(CANONICAL_AXES, self.starts[tile], strict=True)
        )
        return f"{self.fov_names[self.fov[tile]]!r} ({where})"

    def at(self, starts: NDArray, lengths: NDArray | None = None) -> TileTable:
        """Return the same tiles at other places.

        Parameters
        ----------
        starts, lengths : ndarray
            ``(N, 5)`` [pixels].
        """
        return replace(self, starts=starts, lengths=self.lengths if lengths is None else lengths)

    def first_of_fov(self) -> NDArray:
        """Return the number of the first tile of each field of view."""
        first: NDArray = np.unique(self.fov, return_index=True)[1]
        return first

    def per_fov(self, values: NDArray, function: Any = np.minimum) -> NDArray:
        """Fold values of tiles to one row per field of view.

        Parameters
        ----------
        values : ndarray
            ``(N, …)``.
        function : numpy.ufunc
            Such as ``numpy.minimum``.
        """
        order = np.argsort(self.fov, kind="stable")
        begins = np.searchsorted(self.fov[order], np.arange(len(self.fov_names)))
        folded: NDArray = function.reduceat(values[order], begins, axis=0)
        return folded


def check_no_duplicates(table: TileTable) -> None:
    """Refuse two tiles of one field of view that hold the same plane.

    Parameters
    ----------
    table : TileTable
        Tiles whose fields of view become one place each.

    Raises
    ------
    TilingError
        If one of the two would be lost; both are named.
    """
    keys = (table.starts[:, Z], table.starts[:, C], table.starts[:, T], table.fov)
    order = np.lexsort(keys)
    before, after = order[:-1], order[1:]
    same = (table.fov[before] == table.fov[after]) & (
        table.starts[before][:, [T, C]] == table.starts[after][:, [T, C]]
    ).all(axis=1)
    overlaps = same & (table.stops[before, Z] - table.starts[after, Z] > 1e-6)
    if overlaps.any():
        pair = int(np.flatnonzero(overlaps)[0])
        one, other = sorted((int(before[pair]), int(after[pair])))
        raise TilingError(
            f"two tiles of one field of view hold the same plane: {table.name(one)} and "
            f"{table.name(other)}; give each field of view a name of its own"
        )


def check_no_hidden(table: TileTable) -> None:
    """Refuse two tiles at one and the same place, of which the first would be lost.

    Parameters
    ----------
    table : TileTable
        Tiles where they will be.

    Raises
    ------
    TilingError
        Naming the first such pair.
    """
    rows = np.concatenate([table.starts, table.lengths], axis=1)
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    same = (ordered[1:] == ordered[:-1]).all(axis=1)
    if same.any():
        at = int(np.flatnonzero(same)[0])
        one, other = sorted((int(order[at]), int(order[at + 1])))
        raise TilingError(
            f"tiles {table.name(one)} and {table.name(other)} lie at the same place, so that one "
            "of them would be lost; remove one, or correct its position"
        )
