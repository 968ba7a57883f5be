"""What is written beside the pixels: axes, scale, stage, channels; from settings to documents."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from iohub.errors import AxisError, MetadataWarning
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition
from iohub.metadata.axes import AxisMeta, require_axes
from iohub.metadata.omero import ChannelMeta, default_channel
from iohub.metadata.units import convert
from iohub.stream.dimensions import Channel, Dimension
from iohub.stream.formats import OmeZarrFormat
from iohub.stream.plates import Position
from iohub.stream.settings import AcquisitionSettings

_STAGE_UNIT = "micrometer"


def axes_of(settings: AcquisitionSettings) -> tuple[AxisMeta, ...]:
    """Return the axes of an array, as it is stored.

    Raises
    ------
    AxisError
        If OME-Zarr does not allow these axes, or an order that was asked for by name.

    Warns
    -----
    MetadataWarning
        If axes cannot lie in the order of the acquisition.
    """
    dims = settings.array_storage_dimensions
    axes = tuple(AxisMeta(name=dim.name, type=dim.type, unit=dim.unit) for dim in dims)
    if not isinstance(settings.format, OmeZarrFormat):
        return axes
    try:
        require_axes(axes)
    except AxisError as error:
        if not isinstance(settings.storage_order, list):
            raise
        raise AxisError(
            f"storage_order={settings.storage_order}: {error}; storage_order='ome' is allowed"
        ) from error
    taken = [dim.name for dim in settings.array_dimensions]
    stored = [dim.name for dim in dims]
    if settings.storage_order == "acquisition" and taken != stored:
        warnings.warn(
            f"frames come in the order {', '.join(taken)}, but OME-Zarr wants time first, channels "
            f"next and space last: they are stored as {', '.join(stored)}",
            MetadataWarning,
            stacklevel=4,
        )
    return axes


def scale_of(dims: Sequence[Dimension]) -> tuple[float, ...]:
    """Return the distance between indexes along each axis; 1 where it is not known.

    A distance of 0, which an acquisition as fast as possible has, is not known either.
    """
    return tuple(1.0 if not dim.scale else float(dim.scale) for dim in dims)


def origin_of(dims: Sequence[Dimension], position: Position) -> tuple[float, ...]:
    """Return the coordinates of the first pixel: those of the dimensions and of the stage."""
    return tuple((dim.translation or 0.0) + _stage_along(dim, position) for dim in dims)


def _stage_along(dim: Dimension, position: Position) -> float:
    if dim.type != "space":
        return 0.0
    found: float | None = getattr(position, f"{dim.name.lower()}_coord", None)
    if found is None:
        return 0.0
    return convert(found, _STAGE_UNIT, dim.unit or _STAGE_UNIT)


def channel_names(dims: Sequence[Dimension]) -> list[str]:
    """Return the names of the channels, numbers if they have none; empty without such an axis."""
    for dim in dims:
        if dim.type == "channel":
            names = [item.name for item in dim.coords or () if isinstance(item, Channel)]
            return names or [str(i) for i in range(dim.count or 1)]
    return []


def channels_of(dims: Sequence[Dimension], dtype: np.dtype[Any]) -> tuple[ChannelMeta, ...]:
    """Return how channels are called and shown, with their optics as OMERO names them."""
    return tuple(
        _channel(item, index, dtype)
        for dim in dims
        if dim.type == "channel"
        for index, item in enumerate(dim.coords or ())
        if isinstance(item, Channel)
    )


def _channel(channel: Channel, index: int, dtype: np.dtype[Any]) -> ChannelMeta:
    shown = default_channel(channel.name, index, dtype)
    color = shown.color if channel.color is None else hex_color(channel)
    more = {
        "emissionWave": channel.emission_wavelength_nm,
        "excitationWave": channel.excitation_wavelength_nm,
        "fluor": channel.fluorophore,
    }
    known = {name: value for name, value in more.items() if value is not None}
    return ChannelMeta.model_validate({**dict(shown), "color": color, **known})


def hex_color(channel: Channel) -> str | None:
    """Return the colour of a channel as six hexadecimal digits; None if it has none."""
    if channel.color is None:
        return None
    red, green, blue, *_ = channel.color.as_rgb_tuple(alpha=False)
    return f"{red:02X}{green:02X}{blue:02X}"


def acquisition_of(dims: Sequence[Dimension], position: Position) -> AcquisitionRecord:
    """Return what OME-Zarr has no place for: stage, wavelengths and the time between frames."""
    stage = None
    coords = position.x_coord, position.y_coord, position.z_coord
    if any(coord is not None for coord in coords):
        stage = StagePosition(x=coords[0], y=coords[1], z=coords[2], unit=_STAGE_UNIT)
    optics = tuple(
        ChannelOptics(
            name=item.name,
            excitation=item.excitation_wavelength_nm,
            emission=item.emission_wavelength_nm,
        )
        for dim in dims
        for item in dim.coords or ()
        if isinstance(item, Channel)
    )
    increment = None
    for dim in dims:
        if dim.type == "time" and dim.scale:
            increment = convert(dim.scale, dim.unit or "second", "second")
    grid = {"grid": [position.grid_row, position.grid_column]}
    return AcquisitionRecord.model_validate(
        {
            "name": position.name or None,
            "source": "stream",
            "stage": stage,
            "time_increment": increment,
            "channels": optics,
            **(grid if position.grid_row is not None else {}),
        }
    )
