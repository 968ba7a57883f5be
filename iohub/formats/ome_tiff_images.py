"""Images of OME-XML as descriptions of images: pixel sizes, channels, what the microscope noted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

from iohub.formats.images import Channel, ImageSource
from iohub.formats.ome_tiff_annotation import with_extra
from iohub.formats.ome_tiff_planes import read_xml
from iohub.formats.ome_tiff_xml import read_frames
from iohub.metadata import units
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition
from iohub.metadata.plate import AcquisitionMeta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iohub.formats.ome_tiff_xml import OmeDocument, OmeImage, OmeSample
    from iohub.formats.tiff_pages import PageReader
    from iohub.types import JsonObject

AXES = "tczyx"

_RGB = (("Red", "FF0000"), ("Green", "00FF00"), ("Blue", "0000FF"), ("Alpha", "FFFFFF"))


@dataclass(frozen=True)
class ImagePixels:
    """An image and its pixels.

    Attributes
    ----------
    image : OmeImage
        As the XML describes it.
    levels : sequence of PageReader
        The highest resolution first.
    samples : int
        Channels that a plane holds.
    missing : int
        Planes that were not written.
    """

    image: OmeImage
    levels: Sequence[PageReader]
    samples: int
    missing: int = 0


def image_sources(
    found: Sequence[ImagePixels], document: OmeDocument, path: str
) -> list[ImageSource]:
    """Describe images; in the order of the fields, if they are all on one plate.

    Parameters
    ----------
    found : sequence of ImagePixels
        The images, in the order of the document.
    document : OmeDocument
        The XML.
    path : str
        The file with the XML, read again for the metadata of single planes.
    """
    places = [document.samples.get(each.image.id) for each in found]
    on_plate = None not in places and len({place.plate for place in places if place}) == 1
    pairs = list(zip(found, places if on_plate else [None] * len(places), strict=True))
    if on_plate:
        pairs.sort(key=lambda pair: pair[1].index if pair[1] is not None else 0)
    return [_source(pixels, place, document, path) for pixels, place in pairs]


def _source(
    pixels: ImagePixels, place: OmeSample | None, document: OmeDocument, path: str
) -> ImageSource:
    image, samples = pixels.image, pixels.samples
    count = pixels.levels[0].shape[1]
    channels = _channels(image, samples, count)
    scale, named = _scale(image)
    run = None if place is None else place.run
    source = ImageSource(
        name=image.name or image.id or os.path.basename(path),
        axes=AXES,
        levels=pixels.levels,
        scale=scale,
        units=named,
        channels=channels,
        acquisition=_record(pixels, document, channels),
        frames=partial(_frames, path, image.number, samples),
        well=None if place is None else place.well,
        run=None if run is None else AcquisitionMeta(id=run[0], name=run[1]),
    )
    return with_extra(source, image.extra) if image.extra else source


def _frames(path: str, number: int, samples: int) -> list[JsonObject]:
    return read_frames(read_xml(path), path, number, samples)


def _scale(image: OmeImage) -> tuple[dict[str, float], dict[str, str | None]]:
    """Return pixel sizes and units; an axis of several pixels without a size has no unit."""
    scale: dict[str, float] = {}
    named: dict[str, str | None] = {}
    for axis, key, default in (
        ("t", "TimeIncrement", "second"),
        ("z", "PhysicalSizeZ", "micrometer"),
        ("y", "PhysicalSizeY", "micrometer"),
        ("x", "PhysicalSizeX", "micrometer"),
    ):
        size = _number(image.attributes, key)
        if size is None or size <= 0:
            named[axis] = None if image.size(axis) > 1 else default
            continue
        unit = units.canonical(image.attributes.get(f"{key}Unit", default))
        known = units.TIME_UNITS if axis == "t" else units.SPACE_UNITS
        scale[axis], named[axis] = size, unit if unit in known else None
    if image.size("z") == 1 and "z" not in scale:
        named["z"] = named["x"]
    return scale, named


def _channels(image: OmeImage, samples: int, count: int) -> list[Channel]:
    """Return the channels, one for each sample of those that have several."""
    made: list[Channel] = []
    for index in range(count // samples):
        found = image.channels[index] if index < len(image.channels) else {}
        name = found.get("Name") or found.get("Fluor") or ""
        if samples == 1:
            made.append(Channel(name, _color(found.get("Color"))))
            continue
        for sample in range(samples):
            label, color = _RGB[sample] if samples in (3, 4) else (f"Sample {sample}", None)
            alone = count == samples and not name
            part = label if alone else f"{name or f'Channel {index}'} {label}"
            made.append(Channel(part, color))
    return made


def _color(text: str | None) -> str | None:
    """Return the colour that a signed number stands for: red, green, blue, and opacity."""
    try:
        return None if text is None else f"{(int(text) & 0xFFFFFFFF) >> 8:06X}"
    except ValueError:
        return None


def _record(
    pixels: ImagePixels, document: OmeDocument, channels: Sequence[Channel]
) -> AcquisitionRecord:
    image, samples = pixels.image, pixels.samples
    optics = []
    frames = {frame["TheC"]: frame for frame in image.first_frames}
    for index, channel in enumerate(channels):
        number = index // samples
        found = image.channels[number] if number < len(image.channels) else {}
        frame = frames.get(str(number), {})
        optics.append(
            ChannelOptics(
                name=channel.name or f"Channel {index}",
                excitation=_length(found, "ExcitationWavelength", "ExWave"),
                emission=_length(found, "EmissionWavelength", "EmWave"),
                exposure=_time(frame, "ExposureTime"),
            )
        )
    noted = any((each.excitation, each.emission, each.exposure) != (None,) * 3 for each in optics)
    summary = {"creator": document.creator, "description": image.description}
    return AcquisitionRecord(
        name=image.name or None,
        source="ome-tiff",
        date=image.date,
        stage=_stage(image),
        time_increment=_time(image.attributes, "TimeIncrement"),
        channels=tuple(optics) if noted else (),
        instrument=image.instrument or None,
        missing=pixels.missing or None,
        summary={key: value for key, value in summary.items() if value} or None,
    )


def _stage(image: OmeImage) -> StagePosition | None:
    """Return the position of the first plane, or else of the image's stage label."""
    for found, names in (
        *((frame, ("PositionX", "PositionY", "PositionZ")) for frame in image.first_frames[:1]),
        (image.stage, ("X", "Y", "Z")),
    ):
        values = [_number(found, name) for name in names]
        if any(value is not None for value in values):
            unit = next((u for name in names if (u := found.get(f"{name}Unit"))), "reference frame")
            factors = [_factor(found.get(f"{name}Unit"), unit) for name in names]
            x, y, z = (
                None if value is None else value * factor
                for value, factor in zip(values, factors, strict=True)
            )
            return StagePosition(x=x, y=y, z=z, unit=units.canonical(unit))
    return None


def _factor(unit: str | None, wanted: str) -> float:
    """Return what turns a length into another unit; 1 if one of them is no length."""
    if unit is None or unit == wanted:
        return 1.0
    one, other = units.si_factor(unit), units.si_factor(wanted)
    return 1.0 if one is None or other is None else one / other


def _number(attributes: Mapping[str, str], *keys: str) -> float | None:
    for key in keys:
        try:
            number = float(attributes[key])
        except (KeyError, ValueError):
            continue
        if isfinite(number):
            return number
    return None


def _length(attributes: Mapping[str, str], *keys: str) -> float | None:
    """Return a wavelength [nm]."""
    number = _number(attributes, *keys)
    unit = attributes.get(f"{keys[0]}Unit", "nm")
    return None if number is None else number * _factor(unit, "nm")


def _time(attributes: Mapping[str, str], key: str) -> float | None:
    """Return a duration [s]."""
    number = _number(attributes, key)
    return None if number is None else number * _factor(attributes.get(f"{key}Unit"), "s")
