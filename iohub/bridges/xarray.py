"""Images as labelled ``xarray.DataArray`` and back; positions of labels in an image."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from iohub.errors import AxisError, ChannelError, MetadataWarning, ShapeError
from iohub.metadata.edits_channels import numbered_names

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.types import NDArray

# How far, in pixels, a coordinate may lie from the pixel that it means.
TOLERANCE = 1e-3
# Members of a coordinate's attributes that keep the grid when a piece is selected.
SCALE, ORIGIN, SIZE = "scale", "translation", "size"

_PIECE = (
    "; write the first piece first, or create the whole image before, with create_zeros() and "
    "set_transform(), which also moves an image; pieces that were selected from to_xarray() know "
    "the whole and go in any order"
)
_MOVED = (
    "; as it begins half the image's length or more away, it may be the next piece: if it is the "
    "image itself, moved, say so with set_transform() before; if it is another piece, create the "
    "whole image before, with create_zeros()"
)


@dataclass(frozen=True)
class Grid:
    """Where the pixels of one axis are: ``origin + i * step`` for ``i`` in ``range(size)``."""

    size: int
    step: float = 1.0
    origin: float = 0.0
    unit: str | None = None

    def coordinates(self) -> NDArray:
        """World coordinate of each pixel centre."""
        return self.origin + np.arange(self.size, dtype=np.float64) * self.step


def to_dataarray(
    data: Any,
    axes: Sequence[AxisMeta],
    scale: Sequence[float],
    translation: Sequence[float],
    channel_names: Sequence[str],
    name: str | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Label an image.

    Parameters
    ----------
    data : dask.array.Array
        Pixels by the axes given.
    axes : sequence of AxisMeta
        Axes in order; their lowercase names are the dimensions.
    scale, translation : sequence of float
        World size of a pixel and position of the first one, per axis, in the axis' unit.
    channel_names : sequence of str
        Coordinates of the channel axis.
    name, attrs
        Passed on.

    Returns
    -------
    xarray.DataArray
        With a coordinate per axis: names for channels, ``translation + i * scale`` elsewhere,
        each with ``attrs["units"]`` (CF conventions) if the axis has a unit. The other attributes
        of a coordinate keep the grid, so that a selected piece can be written back to its place.
    """
    coords: dict[str, Any] = {}
    for axis, size, step, origin in zip(axes, data.shape, scale, translation, strict=True):
        dim = axis.name.lower()
        if axis.type == "channel":
            coords[dim] = (dim, numbered_names(channel_names, size))
            continue
        grid = Grid(size, step, origin, axis.unit)
        keep: dict[str, Any] = {SCALE: step, ORIGIN: origin, SIZE: size}
        if axis.unit:
            keep = {"units": axis.unit, **keep}
        coords[dim] = (dim, grid.coordinates(), keep)
    dims = [axis.name.lower() for axis in axes]
    labelled = xr.DataArray(data, dims=dims, coords=coords, attrs=dict(attrs or {}))
    return labelled.rename(name)  # else it would be called as the dask array is


def is_labelled(value: object) -> bool:
    """Whether a value is an ``xarray.DataArray``."""
    return isinstance(value, xr.DataArray)


def arranged(data_array: xr.DataArray, axes: Sequence[AxisMeta]) -> xr.DataArray:
    """Put the dimensions in the image's order.

    A dimension that was selected away, as in ``.sel(c="GFP")``, is put back: its label still says
    where the piece belongs.

    Raises
    ------
    AxisError
        If the dimensions are not those of the image.
    """
    if not isinstance(data_array, xr.DataArray):
        raise AxisError(
            f"a {type(data_array).__name__} has no labels that say where it belongs; give an "
            "xarray.DataArray, such as one variable of a Dataset"
        )
    dims = [axis.name.lower() for axis in axes]
    selected = [
        name
        for name, coord in data_array.coords.items()
        if coord.ndim == 0 and str(name).lower() in dims
    ]
    data_array = data_array.expand_dims(selected)
    found = {str(dim): str(dim).lower() for dim in data_array.dims}
    if sorted(found.values()) != sorted(dims):
        raise AxisError(
            f"dimensions {list(found)} do not fit the axes {dims} of the image; rename them, or "
            "say where the piece belongs on a missing one, as in .expand_dims(z=[0.0])"
        )
    extra = [str(n) for n in data_array.coords if str(n).lower() not in dims]
    if extra:
        warnings.warn(
            f"coordinates {extra} are no axes of an image and are not stored",
            MetadataWarning,
            stacklevel=3,
        )
    back = {low: dim for dim, low in found.items()}
    return data_array.transpose(*(back[dim] for dim in dims))


def channel_index(data_array: xr.DataArray, dim: str, names: Sequence[str]) -> NDArray:
    """Return the index in the image of each channel of a labelled piece.

    Raises
    ------
    ChannelError
        If a label is no channel of the image, or comes twice.
    ShapeError
        If there are no labels and the number of channels differs.
    """
    size = data_array.sizes[dim]
    if dim not in data_array.coords:
        if size != len(names):
            raise ShapeError(
                f"{size} channels without a {dim!r} coordinate, the image has {len(names)}: "
                f"label them with .assign_coords({dim}=[...]) from {list(names)}"
            )
        return np.arange(size)
    labels = [str(label) for label in np.atleast_1d(data_array.coords[dim].values)]
    unknown = [label for label in labels if label not in names]
    if unknown or len(set(labels)) != len(labels):
        what = f"unknown channels {unknown}" if unknown else f"repeated channels in {labels}"
        raise ChannelError(f"{what}; the image has {list(names)}")
    return np.array([list(names).index(label) for label in labels], dtype=np.intp)


def grid_of(data_array: xr.DataArray, dim: str, default: Grid | None = None) -> Grid:
    """Read the full grid that an axis of a labelled piece was cut from.

    A piece that came from :func:`to_dataarray` carries its grid; else the spacing of the
    coordinates counts, and where there is none, `default`.

    Raises
    ------
    ShapeError
        If the coordinates are not evenly spaced and carry no grid.
    """
    size = data_array.sizes[dim]
    fallback = default or Grid(size)
    if dim not in data_array.coords:
        return Grid(size, fallback.step, fallback.origin, fallback.unit)
    coord = data_array.coords[dim]
    values = _numbers(coord, dim)
    unit = coord.attrs.get("units", fallback.unit)
    kept = coord.attrs
    if all(isinstance(kept.get(k), Real) for k in (SCALE, ORIGIN, SIZE)):
        grid = Grid(int(kept[SIZE]), float(kept[SCALE]), float(kept[ORIGIN]), unit)
        if pixel_index(values, grid) is not None:
            return grid
    if size == 1:
        step = kept.get(SCALE, fallback.step)
        return Grid(1, float(step), float(values[0]), unit)
    step = float(values[-1] - values[0]) / (size - 1)
    grid = Grid(size, step, float(values[0]), unit)
    even = pixel_index(values, grid) if step > 0 else None
    if even is None or not np.array_equal(even, np.arange(size)):
        raise ShapeError(
            f"coordinate {dim!r} is not evenly spaced and increasing ({_shown(values)}); an image "
            "has one pixel size per axis"
        )
    return grid


def pixel_index(values: NDArray, grid: Grid) -> NDArray | None:
    """Index of each coordinate on a grid; None if one lies off the grid or outside."""
    if not np.isfinite(values).all():
        return None
    index = (values - grid.origin) / grid.step
    whole = np.rint(index)
    on_grid = np.abs(index - whole) <= TOLERANCE
    if not on_grid.all() or (whole < 0).any() or (whole >= grid.size).any():
        return None
    return whole.astype(np.intp)


def axis_index(data_array: xr.DataArray, dim: str, grid: Grid) -> NDArray:
    """Return the index on an image's axis of each coordinate of a labelled piece.

    Raises
    ------
    ShapeError
        If a coordinate lies off the grid or outside, or there is none and the sizes differ.
    """
    size = data_array.sizes[dim]
    if dim not in data_array.coords:
        if size != grid.size:
            raise ShapeError(
                f"{size} pixels along {dim!r} without a coordinate, the image has {grid.size}: "
                "keep the coordinate of the piece, or give the whole axis"
            )
        return np.arange(size)
    values = _numbers(data_array.coords[dim], dim)
    index = pixel_index(values, grid)
    if index is None:
        begin = Grid(size, grid.step, float(values[0]))
        raise ShapeError(
            f"coordinates {_shown(values)} along {dim!r} are not pixels of the image, which has "
            f"{grid.size} at {grid.origin} + i * {grid.step} {grid.unit or ''}".rstrip()
            + (_MOVED if size == grid.size > 1 and is_beside(begin, grid) else _PIECE)
        )
    if len(np.unique(index)) != size:
        raise ShapeError(f"coordinates {_shown(values)} along {dim!r} name a pixel twice")
    return index


def _numbers(coord: xr.DataArray, dim: str) -> NDArray:
    values = np.atleast_1d(coord.values)
    if values.dtype.kind not in "iuf":
        raise ShapeError(
            f"coordinate {dim!r} holds {values.dtype}, not numbers: give it in the axis' unit"
        )
    return values.astype(np.float64)


def _shown(values: NDArray) -> str:
    text = ", ".join(f"{v:g}" for v in values[:4])
    return f"[{text}{', …' if len(values) > 4 else ''}]"


def regrid(data_array: xr.DataArray, dim: str, grid: Grid) -> Grid | None:
    """Return the new grid of an axis that a piece covers as a whole with other coordinates.

    None if its coordinates are those of the image, if it covers only a part, or has none.
    """
    size = data_array.sizes[dim]
    if dim not in data_array.coords or size != grid.size or size == 1:
        return None
    values = _numbers(data_array.coords[dim], dim)
    if pixel_index(values, grid) is not None:
        return None
    new = grid_of(data_array, dim, grid)
    return new if new.size == size else None


def is_beside(new: Grid, old: Grid) -> bool:
    """Whether a grid begins so far from another, by half its length, that it is the next one."""
    return abs(new.origin - old.origin) >= old.step * old.size / 2


def extended(data_array: xr.DataArray, dim: str, grid: Grid) -> Grid | None:
    """Return the grid made longer for coordinates right behind its end; None if there are none.

    Raises
    ------
    ShapeError
        If there would be a gap, which nothing says what to fill with.
    """
    if dim not in data_array.coords:
        return None
    values = _numbers(data_array.coords[dim], dim)
    if grid.size == 1 and grid.step == 1 and len(values) == 1 and values[0] > grid.origin:
        # One time point has no step yet: the second one tells it.
        return Grid(2, float(values[0]) - grid.origin, grid.origin, grid.unit)
    last = float(values.max(initial=grid.origin) - grid.origin) / grid.step
    if not last >= grid.size - 0.5:
        return None
    new = values[values > grid.origin + (grid.size - 0.5) * grid.step]
    if round(last) + 1 > grid.size + len(new):
        raise ShapeError(
            f"coordinates {_shown(np.sort(new))} along {dim!r} leave a gap behind the image, "
            f"which has {grid.size} at {grid.origin} + i * {grid.step} {grid.unit or ''}".rstrip()
            + f"; set_scale() if {dim!r} has another step, or create the whole image first"
        )
    longer = Grid(round(last) + 1, grid.step, grid.origin, grid.unit)
    return longer if pixel_index(values, longer) is not None else None
