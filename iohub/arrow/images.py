"""Records and the images of other formats: read through nodes, written as OME-Zarr and OME-TIFF."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub._open import open_ome_zarr
from iohub._read import Images
from iohub.errors import ArgumentError, FormatError, IohubWarning, LayoutError
from iohub.formats.images import Channel, ImageSource, axes_of, unique_names
from iohub.formats.ome_arrow.records import MICROMETER, WHITE, Description, channel
from iohub.metadata import versions
from iohub.metadata.transforms import TransformationMeta
from iohub.metadata.units import SPACE_UNITS, canonical, convert
from iohub.storage import grid
from iohub.storage.codecs import Blosc

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.position import Position
    from iohub.types import NDArray, PathLikeStr, Region, Shape


CHUNK = (1, 512, 512)
"""Size of a chunk (Z, Y, X) of the records that are made of images."""


def open_image(path: PathLikeStr) -> tuple[Any, Position]:
    """Open a file or store; return the node, to be closed, and its first image.

    Raises
    ------
    LayoutError
        If it is a plate, or has no image.
    FormatError
        If the image has no y and x.
    """
    node = open_ome_zarr(path)
    if hasattr(node, "wells"):
        node.close()
        raise LayoutError(f"{path} is a plate of many images: give the path of one of them")
    for _, position in Images(node):
        if {"y", "x"} <= set(position.axis_names) <= set("tczyx"):
            return node, position
        axes = position.axis_names
        node.close()
        raise FormatError(f"{path} has the axes {axes}, which are not of t, c, z, y and x")
    node.close()
    raise LayoutError(f"{path} has no image")


def describe_image(position: Position) -> Description:
    """Return what a record says of an image; lengths are in micrometer where they are known."""
    names = position.axis_names
    image = position.data
    sizes = dict(zip(names, image.shape, strict=True))
    scale = dict(zip(names, position.scale, strict=True))
    units = {axis.name: axis.unit for axis in position.axes}
    lengths = [_length(scale.get(name, 1.0), units.get(name)) for name in "xyz"]
    labels = position.channel_names if "c" in names else []
    omero = None if position.metadata is None else position.metadata.omero
    colors = [each.color for each in omero.channels] if omero is not None else []
    colors += [None] * (len(labels) - len(colors))
    t, c, z, y, x = (sizes.get(name, 1) for name in "tczyx")
    return Description(
        (t, c, z, y, x),
        image.dtype.name,
        size=(lengths[0][0], lengths[1][0], lengths[2][0]),
        units=(lengths[0][1], lengths[1][1], lengths[2][1]),
        channels=tuple(
            channel(index, label, _rgba(color))
            for index, (label, color) in enumerate(zip(labels, colors, strict=False))
        ),
    )


def contrast_limits(position: Position, channel: int) -> tuple[float, float] | None:
    """Return what is black and what is bright in a channel; None if the image does not say."""
    return None if position.metadata is None else limits_of(position.metadata, channel)


def limits_of(document: ImageMeta, channel: int) -> tuple[float, float] | None:
    """Return the same as a document says it."""
    omero = document.omero
    channels = [] if omero is None else omero.channels
    window = channels[channel].window if channel < len(channels) else None
    if window is None or window["start"] >= window["end"]:
        return None
    return window["start"], window["end"]


def read_pixels(
    position: Position, t: int | None = None, c: int | None = None, z: int | None = None
) -> NDArray:
    """Return pixels (T, C, Z, Y, X) of an image at full resolution, all or those of an index."""
    names = position.axis_names
    wanted = {"t": t, "c": c, "z": z}
    index = tuple(
        slice(None) if wanted.get(name) is None else slice(wanted[name], (wanted[name] or 0) + 1)
        for name in names
    )
    values = np.asarray(position.data[index])
    order = [names.index(name) for name in "tczyx" if name in names]
    missing = tuple(axis for axis, name in enumerate("tczyx") if name not in names)
    return np.expand_dims(values.transpose(order), missing)


def write_zarr(
    said: Description,
    values: NDArray,
    path: PathLikeStr,
    *,
    axes: str,
    levels: int,
    factor: int,
    zarr_format: int,
    chunks: Sequence[int] | None,
    shards: Sequence[int] | None,
    compressor: str | None,
    compressor_level: int,
    name: str | None,
) -> None:
    """Write pixels (T, C, Z, Y, X) as an OME-Zarr image; see :func:`.export.to_ome_zarr`."""
    known = {versions.spelling(each).zarr_format: each for each in reversed(versions.VERSIONS)}
    if zarr_format not in known:
        raise ArgumentError(f"zarr_format is one of {sorted(known)}, not {zarr_format!r}")
    sizes = dict(zip("tczyx", values.shape, strict=True))
    most = dict(zip("tczyx", (1, 1, 4, 512, 512), strict=True))
    chunk = dict(zip("tczyx", chunks, strict=True)) if chunks else most
    ratio = None
    if shards is not None:
        whole = dict(zip("tczyx", shards, strict=True))
        if any(whole[axis] % chunk[axis] for axis in axes):
            raise ArgumentError(f"shards {tuple(shards)} are no multiples of the chunks {chunk}")
        ratio = [whole[axis] // chunk[axis] for axis in axes]
    scale = _scale(said)
    labels = _labels(said) if "c" in axes else []
    compression = Blosc(compressor, compressor_level) if compressor else None
    with open_ome_zarr(
        path,
        layout="fov",
        mode="w",
        channel_names=labels or None,
        axes=axes_of(axes, _units(said)),
        version=known[zarr_format],
    ) as position:
        position.create_image(
            "0",
            _ordered(values, axes),
            chunks=[
                chunk[axis] if ratio else max(1, min(chunk[axis], sizes[axis])) for axis in axes
            ],
            shards_ratio=ratio,
            transform=[TransformationMeta(type="scale", scale=[scale.get(a, 1.0) for a in axes])],
            compression=compression,
        )
        for label, color in zip(labels, _colors(said), strict=False):
            if color is not None:
                position.set_channel_color(label, color)
        if levels > 1:
            position.compute_pyramid(levels, downscale={"y": factor, "x": factor})
        title = name or said.name
        if title:
            with_name(position, title)


def with_name(position: Position, name: str) -> None:
    """Give the image of a position its name."""
    attrs = position.maybe_wrapped_ome_attrs
    first, *others = attrs["multiscales"]
    attrs["multiscales"] = [{**first, "name": name}, *others]


@dataclass(frozen=True)
class _InMemory:
    """Pixels in memory as image sources have them."""

    values: NDArray

    @property
    def shape(self) -> Shape:
        """Size along each axis."""
        shape: Shape = self.values.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.values.dtype

    @property
    def chunks(self) -> Shape:
        """Planes."""
        height, width = map(int, self.values.shape[-2:])
        return (1,) * (self.values.ndim - 2) + (height, width)

    def chunk(self, index: Shape) -> NDArray:
        """Return a plane."""
        return self.values[grid.unit_region(index, self.shape, self.chunks)]

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Return a region, in `out` if that is given."""
        if out is None:
            return self.values[region]
        out[...] = self.values[region]
        return out


def write_tiff(
    said: Description,
    values: NDArray,
    path: PathLikeStr,
    *,
    axes: str,
    colors: bool,
    compression: str | None,
    compression_level: int,
    tile: tuple[int, int] | None,
) -> None:
    """Write pixels (T, C, Z, Y, X) as OME-TIFF; see :func:`.export.to_ome_tiff`."""
    from iohub.formats.ome_tiff_write import write_ome_tiff

    shown = _colors(said) if colors else [None] * values.shape[1]
    source = ImageSource(
        said.name or said.image_id or "",
        axes,
        [_InMemory(_ordered(values, axes))],
        scale=_scale(said),
        units=_units(said),
        channels=[
            Channel(label, color) for label, color in zip(_labels(said), shown, strict=False)
        ],
    )
    write_ome_tiff(
        [source],
        path,
        compression=compression,
        compression_level=compression_level if compression else None,
        tile=tile,
        rgb=False,
        overwrite=True,
    )


def fitting_names(names: Sequence[str] | None, count: int) -> Sequence[str] | None:
    """Return names of channels; None, with a warning, if there are too few or too many."""
    if names is None or len(names) == count:
        return names
    warnings.warn(
        f"{len(names)} channel_names for {count} channels are not used",
        IohubWarning,
        stacklevel=4,
    )
    return None


def renamed(
    said: Description, names: Sequence[str] | None, image_id: str, name: str, kind: str | None
) -> Description:
    """Return a description with other names of the image and its channels."""
    channels = said.channels or tuple(channel(index) for index in range(said.shape[1]))
    names = fitting_names(names, len(channels))
    if names is not None:
        channels = tuple(
            {**each, "name": label} for each, label in zip(channels, names, strict=True)
        )
    return replace(said, channels=channels, image_id=image_id, name=name, image_type=kind)


def _ordered(values: NDArray, axes: str) -> NDArray:
    """Return pixels (T, C, Z, Y, X) by other axes; those left out have one pixel."""
    lost = tuple(axis for axis, letter in enumerate("tczyx") if letter not in axes)
    kept = [letter for letter in "tczyx" if letter in axes]
    return values.squeeze(lost).transpose([kept.index(letter) for letter in axes])


def _length(size: float, unit: str | None) -> tuple[float, str]:
    if unit is not None and canonical(unit) in SPACE_UNITS:
        return convert(size, unit, "micrometer"), MICROMETER
    return size, unit or MICROMETER


def _scale(said: Description) -> dict[str, float]:
    return dict(zip("xyz", said.size, strict=True))


def _units(said: Description) -> dict[str, str | None]:
    return {axis: canonical(unit) for axis, unit in zip("xyz", said.units, strict=True)}


def _labels(said: Description) -> list[str]:
    names = [each.get("name") or f"C{index}" for index, each in enumerate(said.channels)]
    names += [f"C{index}" for index in range(len(names), said.shape[1])]
    return unique_names(names[: said.shape[1]])


def _colors(said: Description) -> list[str | None]:
    """Return colours as six digits; None for white, which says that none is known."""
    found = [each.get("color_rgba") for each in said.channels]
    return [None if rgba in (None, WHITE) else f"{rgba >> 8:06X}" for rgba in found]


def _rgba(color: str | None) -> int:
    return WHITE if color is None else int(color, 16) << 8 | 0xFF
