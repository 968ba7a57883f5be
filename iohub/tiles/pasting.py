"""Tiles put together in memory, as ``load_data`` returns them; images are written elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from iohub.errors import ShapeError
from iohub.storage.casting import cast_exactly
from iohub.tiles.axes import CanonicalAxis
from iohub.tiles.regions import PixelSize, Roi
from iohub.types import NDArray

if TYPE_CHECKING:
    import dask.array as da

_NEAR = 1e-6


class Region(Protocol):
    """Pixels with a place: a :class:`~iohub.tiles.tile_groups.TileSlice`."""

    roi: Roi

    def describe(self, resource: Any | None = None) -> str:
        """Return what messages call it."""

    def load_data(self, *, axes: Sequence[CanonicalAxis], resource: Any | None = None) -> NDArray:
        """Return the pixels with all axes."""


class Pasted:
    """An array to read from: the smallest box around tiles, 0 where there is none.

    Of tiles that overlap, the last is seen.

    Parameters
    ----------
    regions : sequence of Region
        The tiles.
    axes : sequence of str
        Axes of the image.
    pixel_size : PixelSize
        Sizes of a pixel.
    dtype : str or numpy.dtype
        Data type.
    resource : object, optional
        What loaders are given.

    Attributes
    ----------
    shape : tuple of int
        Of the box.
    origin : tuple of int
        Where it starts [pixels].
    """

    def __init__(
        self,
        regions: Sequence[Region],
        axes: Sequence[CanonicalAxis],
        pixel_size: PixelSize,
        dtype: Any = "uint8",
        resource: Any | None = None,
    ):
        self._regions, self._axes, self._resource = regions, axes, resource
        self.dtype = np.dtype(dtype)
        starts, lengths = boxes([region.roi for region in regions], axes, pixel_size)
        least = starts.min(axis=0)
        self._starts = np.rint(starts - least).astype(np.int64)
        self._stops = self._starts + np.maximum(np.rint(lengths), 1).astype(np.int64)
        self.shape = tuple(int(stop) for stop in self._stops.max(axis=0))
        self.origin = tuple(int(start) for start in np.rint(least))
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> NDArray:
        key = (*key, *[slice(None)] * (self.ndim - len(key))) if isinstance(key, tuple) else ()
        wanted = key or (slice(None),) * self.ndim
        ranges = [part.indices(size) for part, size in zip(wanted, self.shape, strict=True)]
        low = np.array([start for start, _, _ in ranges])
        high = np.array([stop for _, stop, _ in ranges])
        out = np.zeros(np.maximum(high - low, 0), self.dtype)
        touched = ((self._starts < high) & (self._stops > low)).all(axis=1)
        for tile in np.flatnonzero(touched):
            first, last = self._starts[tile], self._stops[tile]
            a, b = np.maximum(first, low), np.minimum(last, high)
            source = tuple(slice(*edge) for edge in zip(a - first, b - first, strict=True))
            target = tuple(slice(*edge) for edge in zip(a - low, b - low, strict=True))
            out[target] = self._pixels(int(tile))[source]
        return out

    def _pixels(self, tile: int) -> NDArray:
        region = self._regions[tile]
        data = region.load_data(axes=self._axes, resource=self._resource)
        expected = tuple(int(n) for n in self._stops[tile] - self._starts[tile])
        if data.shape != expected:
            raise ShapeError(
                f"{region.describe(self._resource)} has the shape {data.shape}, but its lengths "
                f"along {', '.join(self._axes)} say {expected}"
            )
        return cast_exactly(data, self.dtype, region.describe(self._resource))


def boxes(
    rois: Sequence[Roi], axes: Sequence[CanonicalAxis], pixel_size: PixelSize
) -> tuple[NDArray, NDArray]:
    """Return where boxes start and how long they are, in pixels.

    Parameters
    ----------
    rois : sequence of Roi
        N boxes, at least one.
    axes : sequence of str
        Which axes, in which order.
    pixel_size : PixelSize
        Sizes of a pixel, for boxes that are in micrometers.

    Returns
    -------
    starts, lengths : numpy.ndarray
        ``(N, axes)``, float64 [pixels].

    Raises
    ------
    ShapeError
        If there is no box, or one is open; a :class:`ValueError`.
    """
    if not rois:
        raise ShapeError("there is no region: an image needs at least one tile")
    sizes = np.array([pixel_size.get(axis) for axis in axes])
    spans = _spans(rois, axes)
    in_pixels = np.array([roi.space == "pixel" for roi in rois])
    scale = np.where(in_pixels[:, None], 1.0, sizes[None, :])
    return _whole(spans[..., 0] / scale), _whole(spans[..., 1] / scale)


def _spans(rois: Sequence[Roi], axes: Sequence[CanonicalAxis]) -> NDArray:
    """Return start and length of each box along each axis, ``(N, axes, 2)``."""
    order = [slice_.axis_name for slice_ in rois[0].slices]
    spans = np.empty((len(rois), len(axes), 2))
    for number, axis in enumerate(axes):
        if axis in order:
            # Boxes of one image have their axes in one order; one by one where they do not.
            at = order.index(axis)
            column = [roi.slices[at] for roi in rois if len(roi.slices) > at]
            pairs = [(each.start, each.length) for each in column if each.axis_name == axis]
            if len(pairs) == len(rois) and not any(None in pair for pair in pairs):
                spans[:, number] = pairs
                continue
        spans[:, number] = [roi.span(axis) for roi in rois]
    return spans


def _whole(values: NDArray) -> NDArray:
    """Return values; what differs from a whole number by what division leaves is that number."""
    near = np.rint(values)
    whole: NDArray = np.where(np.abs(values - near) < _NEAR, near, values)
    return whole


def lazy(pasted: Pasted, chunks: Sequence[int]) -> da.Array:
    """Return tiles as a dask array, which reads them when they are needed.

    Parameters
    ----------
    pasted : Pasted
        The tiles.
    chunks : sequence of int
        Sizes of its chunks.
    """
    from iohub.bridges.dask import as_dask

    return as_dask(pasted, chunks, None)
