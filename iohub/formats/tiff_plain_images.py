"""Images of plain TIFF files as descriptions of images: pixel sizes, channels, labels of pages."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iohub.formats.images import Channel, window_of
from iohub.formats.tiff_plain_planes import AXES
from iohub.metadata import units
from iohub.metadata.acquisition import AcquisitionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iohub.formats.tiff_header import Directory, TiffStructure
    from iohub.formats.tiff_imagej import ImageJ
    from iohub.formats.tiff_plain_planes import PlainImage
    from iohub.metadata.omero import WindowDict
    from iohub.types import JsonObject

_X, _Y, _UNIT, _SOFTWARE, _DATE = 282, 283, 296, 305, 306
# Length of the unit of a resolution, inch and centimetre [µm]; and the largest pixel that is no
# resolution of a printer or a screen.
_LENGTHS = {2: 25400.0, 3: 10000.0}
_COARSE = 20.0

_RGB = (("Red", "FF0000"), ("Green", "00FF00"), ("Blue", "0000FF"), ("Alpha", "FFFFFF"))
# What ImageJ writes before the label of a plane of a hyperstack.
_PLACE = re.compile(r"^(?:[czt]:\d+/\d+ ?)+(?:- )?")


@dataclass(frozen=True)
class PlainNotes:
    """What a file says of an image.

    Attributes
    ----------
    scale : mapping of str to float
        Pixel sizes along axes.
    units : mapping of str to (str or None)
        Their units.
    channels : sequence of Channel
        One for each channel; empty if nothing is known.
    labels : sequence of str
        Of the planes, t outermost and then c and z; empty if there are none.
    record : AcquisitionRecord
        What else it says.
    """

    scale: Mapping[str, float]
    units: Mapping[str, str | None]
    channels: Sequence[Channel]
    labels: Sequence[str] = field(default_factory=list)
    record: AcquisitionRecord = field(default_factory=AcquisitionRecord)

    def frames(self, shape: Sequence[int]) -> list[JsonObject]:
        """Return the labels with the indexes of their planes."""
        made: list[JsonObject] = []
        for number, label in enumerate(self.labels):
            t, rest = divmod(number, shape[1] * shape[2])
            c, z = divmod(rest, shape[2])
            made.append({"t": t, "c": c, "z": z, "label": label})
        return made


def read_notes(structure: TiffStructure, image: PlainImage, samples: int) -> PlainNotes:
    """Read what a file says of an image.

    Parameters
    ----------
    structure : TiffStructure
        The file.
    image : PlainImage
        The image.
    samples : int
        Channels that a page holds.

    Raises
    ------
    FormatError
        If tags are damaged.
    """
    shape: tuple[int, ...] = image.levels[0][0].file.shape
    sizes = dict(zip(AXES, shape, strict=True))
    software, date = (_text(structure, image.first, tag) for tag in (_SOFTWARE, _DATE))
    if image.imagej is None:
        scale, named = _plain_scale(structure, image.first, sizes)
        channels = color_channels(samples, sizes["c"])
        summary: JsonObject = dict(image.said) if image.said else {}
        if not image.said and image.description:
            summary["description"] = image.description
        labels: list[str] = []
        source = "tiff"
    else:
        scale, named = _imagej_scale(structure, image, sizes)
        summary = dict(image.imagej.fields)
        summary |= {"Info": image.imagej.info} if image.imagej.info else {}
        labels = _by_axes(image.imagej.labels, shape)
        channels = _imagej_channels(image.imagej, labels, shape, samples)
        source = f"ImageJ {image.imagej.fields.get('ImageJ', '')}".strip()
    summary |= {"software": software} if software else {}
    record = AcquisitionRecord(
        source=source, date=_iso(date), time_increment=scale.get("t"), summary=summary or None
    )
    return PlainNotes(scale, named, channels, labels, record)


def color_channels(samples: int, count: int) -> list[Channel]:
    """Return channels for the samples of pixels, as in RGB; none if there is one sample.

    Parameters
    ----------
    samples : int
        Channels that a plane holds.
    count : int
        Planes along c.
    """
    if samples not in (3, 4):
        return []
    if count == 1:
        return [Channel(*each) for each in _RGB[:samples]]
    return [
        Channel(f"Channel {index} {name}", color)
        for index in range(count)
        for name, color in _RGB[:samples]
    ]


# steps


def _plain_scale(
    structure: TiffStructure, first: Directory, sizes: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, str | None]]:
    """Return pixel sizes [µm] by the resolution, unless it is one of paper or a screen."""
    found = structure.numbers(first.entries[_UNIT]) if _UNIT in first.entries else [2]
    length = _LENGTHS.get(int(found[0])) if len(found) else None
    scale: dict[str, float] = {}
    for axis, tag in (("y", _Y), ("x", _X)):
        density = _ratio(structure, first, tag)
        if density and length is not None and length / density < _COARSE:
            scale[axis] = length / density
    return scale, _no_units(scale, sizes)


def _imagej_scale(
    structure: TiffStructure, image: PlainImage, sizes: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, str | None]]:
    imagej = image.imagej
    assert imagej is not None
    unit = _unit(imagej.fields.get("unit", ""))
    scale: dict[str, float] = {}
    if unit is not None:
        for axis, tag in (("y", _Y), ("x", _X)):
            if density := _ratio(structure, image.first, tag):
                scale[axis] = 1 / density
        if (spacing := imagej.number("spacing")) and math.isfinite(spacing):
            scale["z"] = abs(spacing)
    rate, interval = imagej.number("fps"), imagej.number("finterval")
    if interval is None and rate and "fps" in imagej.fields:
        interval = 1 / rate
    if interval and interval > 0 and math.isfinite(interval):
        scale["t"] = interval * _seconds(imagej.fields.get("tunit", "s"))
    named = _no_units(scale, sizes)
    axes = {"z": "zunit", "y": "yunit", "x": "unit"}
    for axis in set(scale) - {"t"}:
        named[axis] = _unit(imagej.fields.get(axes[axis], "")) or unit
    return scale, named


def _no_units(scale: Mapping[str, float], sizes: Mapping[str, int]) -> dict[str, str | None]:
    """Axes of several pixels without a size have no unit."""
    return {axis: None for axis in "tzyx" if axis not in scale and sizes.get(axis, 2) > 1}


def _unit(text: str) -> str | None:
    """Return a unit of length; None for pixels and what is not known."""
    if "\\u" in text:
        text = text.encode("latin-1", "replace").decode("unicode_escape", "replace")
    found = units.canonical(text)
    return found if found in units.SPACE_UNITS else None


def _seconds(text: str) -> float:
    return units.si_factor(units.canonical(text)) or 1.0


def _ratio(structure: TiffStructure, first: Directory, tag: int) -> float | None:
    entry = first.entries.get(tag)
    if entry is None:
        return None
    found = structure.numbers(entry)
    if len(found) < 2 or not found[1] or not found[0]:
        return None
    return float(found[0]) / float(found[1])


def _text(structure: TiffStructure, first: Directory, tag: int) -> str:
    entry = first.entries.get(tag)
    return "" if entry is None else structure.text(entry, 1 << 16)


def _iso(date: str) -> str | None:
    """Return ``2020:01:31 10:11:12`` in ISO 8601."""
    match = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", date.strip())
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}" if match else None


def _by_axes(labels: Sequence[str], shape: Sequence[int]) -> list[str]:
    """Turn labels in the order of pages (t, z, c) into t, c, z; none if they do not fit."""
    t, c, z = shape
    if len(labels) != t * c * z:
        return []
    stacks = range(0, t * z * c, z * c)
    return [
        label
        for first in stacks
        for channel in range(first, first + c)
        for label in labels[channel : first + z * c : c]
    ]


def _imagej_channels(
    imagej: ImageJ, labels: Sequence[str], shape: Sequence[int], samples: int
) -> list[Channel]:
    """Return channels; a label that all planes of a channel have is its name."""
    if samples > 1:
        return color_channels(samples, shape[1])
    made = []
    several = imagej.fields.get("mode") in ("composite", "color")
    for channel in range(shape[1]):
        name = _common(labels, shape, channel) if labels and shape[1] > 1 else ""
        color = imagej.colors[channel] if channel < len(imagej.colors) else ""
        if len(color) != 6 or color == "000000" or not several:
            color = ""
        made.append(Channel(name or f"Channel {channel}", color or None, _limits(imagej, channel)))
    return made


def _common(labels: Sequence[str], shape: Sequence[int], channel: int) -> str:
    """Return the label that all planes of a channel have, beside where they are; else nothing."""
    times, channels, depths = shape
    found: set[str] = set()
    for first in range(channel * depths, times * channels * depths, channels * depths):
        found.update(labels[first : first + depths])
    bare: set[str] = set()
    for label in found:
        bare.add(_PLACE.sub("", label).strip())
        if len(bare) > 1:
            return ""
    return bare.pop() if bare else ""


def _limits(imagej: ImageJ, channel: int) -> WindowDict | None:
    low, high = imagej.number("min"), imagej.number("max")
    if channel < len(imagej.ranges):
        low, high = imagej.ranges[channel]
    return window_of(low, high)
