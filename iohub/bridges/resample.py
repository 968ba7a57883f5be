"""Images on the grid of another one: lazily on dask, block by block, through SciPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from iohub.errors import DTypeError, ShapeError, TransformError
from iohub.optional import need

if TYPE_CHECKING:
    from iohub.transforms.mapping import PointMap
    from iohub.types import NDArray

BLOCK_PIXELS = 1 << 21
"""Most pixels of a block: the coordinates of all of them are held [8 bytes per axis each]."""


@dataclass(frozen=True)
class Resampling:
    """What is to be put on which grid.

    Attributes
    ----------
    source : array-like
        Pixels: anything with ``shape``, ``dtype`` and ``__getitem__``.
    way : PointMap
        From pixel indexes of the grid to those of the source.
    shape : tuple of int
        Of the grid.
    passing : mapping of int to int
        Axes that are the same in both, by their index in the grid: not interpolated.
    order : int
        Of the splines: 0 nearest, 1 linear, up to 5.
    fill_value : float
        Of pixels that lie outside of the source.
    """

    source: Any
    way: PointMap
    shape: tuple[int, ...]
    passing: Mapping[int, int] = field(default_factory=dict)
    order: int = 1
    fill_value: float = 0

    def __post_init__(self) -> None:
        """Check what can be checked before pixels are computed.

        Raises
        ------
        TransformError
            If there are no splines of that order, or values of the type cannot be mixed.
        DTypeError
            If the type cannot hold the fill value.
        """
        dtype = np.dtype(self.source.dtype)
        if self.order not in range(6):
            raise TransformError(f"order={self.order!r}; there are 0 (nearest), 1 (linear) to 5")
        if dtype.kind not in "iuf" and self.order > 0:
            raise TransformError(f"pixels of type {dtype} cannot be mixed: give order=0")
        with np.errstate(all="ignore"):
            held = np.asarray(self.fill_value)
            fits = np.isfinite(held) or dtype.kind == "f"
            if not fits or (dtype.kind in "iu" and held.astype(dtype) != held):
                raise DTypeError(f"{dtype} cannot hold fill_value={self.fill_value!r}")

    def lazily(self, chunks: Sequence[int]) -> da.Array:
        """Return the image on the grid; nothing is read until it is computed.

        Parameters
        ----------
        chunks : sequence of int
            Size of the blocks along each axis; large blocks are divided.
        """
        blocks = _bounded([min(c, n) or 1 for c, n in zip(chunks, self.shape, strict=True)])
        dtype = np.dtype(self.source.dtype)
        pieces = da.core.normalize_chunks(tuple(blocks), self.shape, dtype=dtype)
        lazy: da.Array = da.map_blocks(
            self._block, chunks=pieces, dtype=dtype, meta=np.empty((0,) * len(self.shape), dtype)
        )
        return lazy

    def _block(self, block_info: Any = None) -> NDArray:
        where = block_info[None]["array-location"]
        return self.compute([slice(start, stop) for start, stop in where])

    def compute(self, region: Sequence[slice]) -> NDArray:
        """Return a region of the grid.

        Parameters
        ----------
        region : sequence of slice
            With start and stop for each axis of the grid.
        """
        mixed = [axis for axis in range(len(self.shape)) if axis not in self.passing]
        taken = set(self.passing.values())
        sources = [axis for axis in range(len(self.source.shape)) if axis not in taken]
        sizes = [region[axis].stop - region[axis].start for axis in mixed]
        points = self._points([region[axis] for axis in mixed], mixed, sources)
        limits = np.array([self.source.shape[axis] for axis in sources], dtype=float)
        with np.errstate(invalid="ignore"):
            # A pixel spans half an index to either side; NaN is nowhere.
            inside = np.all((points >= -0.5) & (points <= limits - 0.5), axis=1)
        shape = [part.stop - part.start for part in region]
        result = np.full(shape, self.fill_value, dtype=self.source.dtype)
        if not inside.any():
            return result
        box, wanted = self._box(points[inside], region, sources)
        pixels = np.asarray(self.source[tuple(box)])
        stack = np.moveaxis(
            pixels, [self.passing[a] for a in sorted(self.passing)], range(len(taken))
        )
        # `sorted` is the order of the grid's axes, as the result is filled.
        view = np.moveaxis(result, sorted(self.passing), range(len(self.passing)))
        for index in np.ndindex(view.shape[: len(self.passing)]):
            plane = view[index].reshape(-1)
            plane[inside] = self._interpolated(stack[index], wanted)
            view[index] = plane.reshape(sizes)
        return result

    def _points(
        self, region: Sequence[slice], mixed: Sequence[int], sources: Sequence[int]
    ) -> NDArray:
        """Return where in the source the pixels of a region lie, without the passing axes."""
        grids = np.meshgrid(*(np.arange(p.start, p.stop) for p in region), indexing="ij")
        points = np.zeros((grids[0].size if grids else 1, len(self.shape)))
        for axis, grid in zip(mixed, grids, strict=True):
            points[:, axis] = grid.reshape(-1)
        found = np.asarray(self.way(points))
        if found.shape[1] != len(self.source.shape):
            raise ShapeError(
                f"the way leads to {found.shape[1]} coordinates, the image has "
                f"{len(self.source.shape)} axes"
            )
        return found[:, list(sources)]

    def _box(
        self, points: NDArray, region: Sequence[slice], sources: Sequence[int]
    ) -> tuple[list[slice], NDArray]:
        """Return what must be read for some points, and where they are in it."""
        box = [slice(0, 0)] * len(self.source.shape)
        for axis, source in self.passing.items():
            box[source] = region[axis]
        margin = 1 if self.order < 2 else 12  # splines reach far, and fade
        wanted = points.copy()
        for index, axis in enumerate(sources):
            low = max(0, int(np.floor(points[:, index].min())) - margin)
            high = min(self.source.shape[axis], int(np.ceil(points[:, index].max())) + margin + 1)
            box[axis] = slice(low, high)
            wanted[:, index] -= low
        return box, wanted

    def _interpolated(self, pixels: NDArray, points: NDArray) -> NDArray:
        dtype = np.dtype(self.source.dtype)
        if self.order == 0:
            nearest = np.floor(points + 0.5).astype(np.intp)
            held = np.clip(nearest, 0, np.array(pixels.shape) - 1)
            return np.asarray(pixels[tuple(held.T)])
        ndimage = need("scipy.ndimage", why="resampling of images")
        exact = np.float64 if dtype.itemsize > 2 else np.float32
        values = ndimage.map_coordinates(
            pixels.astype(exact, copy=False), points.T, order=self.order, mode="nearest"
        )
        if dtype.kind == "f":
            return np.asarray(values.astype(dtype, copy=False))
        limits = np.iinfo(dtype)
        # Splines overshoot at edges: that is no value of the image's type.
        return np.asarray(np.clip(np.rint(values), limits.min, limits.max).astype(dtype))


def _bounded(blocks: list[int]) -> list[int]:
    """Halve the largest sizes until a block is small enough."""
    while np.prod(blocks, dtype=float) > BLOCK_PIXELS:
        largest = blocks.index(max(blocks))
        blocks[largest] = -(-blocks[largest] // 2)
    return blocks
