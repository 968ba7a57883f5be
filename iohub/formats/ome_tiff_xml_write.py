"""OME-XML of images that are to be written; schema 2016-06.

It is made as text, not of objects of ome-types, which take seconds for thousands of planes. What
OME has no place for is kept beside it as JSON, in an annotation of our own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from iohub.formats.images import unique_names
from iohub.formats.ome_tiff_annotation import (
    GROUPS,
    NAMESPACE,
    Extra,
    frames_of,
    write_extra,
)
from iohub.formats.ome_tiff_layout import OME_TYPES
from iohub.formats.ome_tiff_units import LENGTHS, TIMES, increment_of, planes_of
from iohub.metadata import omero

if TYPE_CHECKING:
    from iohub.formats.images import ImageSource
    from iohub.formats.ome_tiff_layout import ImageLayout
    from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics
    from iohub.metadata.plate import AcquisitionMeta
    from iohub.types import JsonObject

_OME: Final = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_RGBA: Final = 8
_INSTRUMENT: Final = {"microscope": "Microscope", "objective": "Objective"}


@dataclass(frozen=True)
class Place:
    """Where the planes of an image are.

    Attributes
    ----------
    page : int
        The first, of those that follow each other.
    file, uuid : str
        Name and identifier of the file; empty for the one with the XML.
    """

    page: int = 0
    file: str = ""
    uuid: str = ""


def ome_xml(
    images: Sequence[ImageLayout],
    places: Sequence[Place],
    *,
    uuid: str,
    creator: str,
    plate_name: str | None = None,
    groups: Mapping[str, JsonObject] | None = None,
) -> bytes:
    """Describe images in OME-XML.

    Parameters
    ----------
    images : sequence of ImageLayout
        As they are laid out.
    places : sequence of Place
        Where the planes of each are.
    uuid : str
        Identifier of the file.
    creator : str
        Name of the program.
    plate_name : str, optional
        Name of the plate, if all images have a well.
    groups : mapping of str to dict, optional
        Attributes of the groups above the images, by path, that OME has no place for.

    Returns
    -------
    bytes
        ASCII: other letters are character references, so no reader can take them for others.
    """
    root = Element("OME", {"xmlns": _OME, "xmlns:xsi": _XSI, "UUID": uuid, "Creator": creator})
    root.set("xsi:schemaLocation", f"{_OME} {_OME}/ome.xsd")
    sources = [image.source for image in images]
    if all(source.well for source in sources):
        _plate(root, sources, plate_name)
    for number, source in enumerate(sources):
        _instrument(root, source, number)
    annotations = Element("StructuredAnnotations")
    for number, (image, place) in enumerate(zip(images, places, strict=True)):
        _image(root, annotations, number, image, place)
    if groups:
        noted = _sub(annotations, "CommentAnnotation", ID="Annotation:groups", Namespace=GROUPS)
        _sub(noted, "Value", json.dumps(groups, ensure_ascii=True, separators=(",", ":")))
    if len(annotations):
        root.append(annotations)
    text: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return text


def _sub(parent: Element, tag: str, text: object = None, /, **attributes: object) -> Element:
    """Add an element; attributes that are None are left out."""
    said = {key: _text(value) for key, value in attributes.items() if value is not None}
    made = SubElement(parent, tag, said)
    if text is not None:
        made.text = _text(text)
    return made


def _text(value: object) -> str:
    """Return text without the characters that XML cannot have."""
    text = repr(value) if isinstance(value, float) else str(value)
    return "".join(
        letter if letter >= " " or letter in "\t\n\r" else "\ufffd"
        for letter in text.encode("utf-8", "replace").decode()
        if letter not in "\ufffe\uffff"
    )


# ---- images -----------------------------------------------------------------------------------


def _image(
    root: Element, annotations: Element, number: int, layout: ImageLayout, place: Place
) -> None:
    source = layout.source
    record = source.acquisition
    image = _sub(root, "Image", ID=f"Image:{number}", Name=source.name)
    if record is not None:
        if date := _date(record.date):
            _sub(image, "AcquisitionDate", date)
        summary = record.summary
        if isinstance(summary, dict) and isinstance(summary.get("description"), str):
            _sub(image, "Description", summary["description"])
        _settings(image, record, number)
        _stage(image, source, record)
    frames = frames_of(source)
    _pixels(image, number, layout, place, frames)
    extra = write_extra(layout, frames)
    if extra:
        _annotate(annotations, image, number, extra)


def _annotate(annotations: Element, image: Element, number: int, extra: Extra) -> None:
    name = f"Annotation:{number}"
    noted = _sub(annotations, "CommentAnnotation", ID=name, Namespace=NAMESPACE)
    _sub(noted, "Value", extra)
    _sub(image, "AnnotationRef", ID=name)


def _pixels(
    image: Element, number: int, layout: ImageLayout, place: Place, frames: Sequence[JsonObject]
) -> None:
    source, sizes = layout.source, layout.sizes
    pixels = _sub(
        image,
        "Pixels",
        ID=f"Pixels:{number}",
        DimensionOrder="XYCZT" if layout.samples > 1 else "XYZCT",
        Type=OME_TYPES[layout.dtype.name],
        BigEndian="false",
        Interleaved="true" if layout.samples > 1 else None,
        **{f"Size{axis.upper()}": sizes[axis] for axis in "xyzct"},
        **_sizes(source, sizes),
    )
    _channels(pixels, number, layout)
    data = _sub(
        pixels, "TiffData", FirstC=0, FirstT=0, FirstZ=0, IFD=place.page, PlaneCount=layout.planes
    )
    if place.file:
        _sub(data, "UUID", place.uuid, FileName=place.file)
    for plane in planes_of(source, layout.grid, layout.samples, frames):
        _sub(pixels, "Plane", **plane)


def _sizes(source: ImageSource, sizes: dict[str, int]) -> dict[str, object]:
    """Return sizes of pixels with units; an axis without a unit is measured in pixels."""
    made: dict[str, object] = {}
    for axis in "xyz":
        size = float(source.scale.get(axis) or 1.0)
        unit = source.units.get(axis, "micrometer") if axis in source.axes else None
        if axis not in source.axes or size <= 0:
            continue
        made[f"PhysicalSize{axis.upper()}"] = size
        made[f"PhysicalSize{axis.upper()}Unit"] = LENGTHS.get(unit or "", "pixel")
    step, named = increment_of(source)
    if step is not None:
        made["TimeIncrement"], made["TimeIncrementUnit"] = step, TIMES[named]
    return made


def _channels(pixels: Element, number: int, layout: ImageLayout) -> None:
    source, samples = layout.source, layout.samples
    names = unique_names([channel.name for channel in source.channels])
    optics = _optics(source)
    for index in range(layout.grid[1]):
        first = index * samples
        about = optics[first] if first < len(optics) else None
        color = source.channels[first].color if first < len(source.channels) else None
        waves = (None, None) if about is None else (about.excitation, about.emission)
        said = {
            name: value
            for name, wave in zip(("Excitation", "Emission"), waves, strict=True)
            if wave is not None and wave > 0
            for name, value in ((f"{name}Wavelength", wave), (f"{name}WavelengthUnit", "nm"))
        }
        named = names[first] if first < len(names) and samples == 1 else None
        _sub(
            pixels,
            "Channel",
            ID=f"Channel:{number}:{index}",
            Name=named,
            SamplesPerPixel=samples,
            Color=_color(color) if samples == 1 else None,
            **said,
        )


def _optics(source: ImageSource) -> Sequence[ChannelOptics]:
    return () if source.acquisition is None else source.acquisition.channels


def _color(color: str | None) -> int | None:
    """Return red, green, blue and full opacity as the signed number that OME has for them."""
    if color is None or not omero.is_color(color):
        return None
    value = (int(color, 16) << _RGBA) | 0xFF
    return value - (1 << 32) if value >= 1 << 31 else value


# ---- what was noted ---------------------------------------------------------------------------


def _date(text: str | None) -> str | None:
    try:
        return None if text is None else datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _stage(image: Element, source: ImageSource, record: AcquisitionRecord) -> None:
    stage = record.stage
    if stage is None or (stage.x, stage.y, stage.z) == (None, None, None):
        return
    unit = LENGTHS.get(stage.unit, "reference frame")
    said: dict[str, object] = {"Name": record.name or source.name}
    for axis in "xyz":
        value = getattr(stage, axis)
        if value is not None:
            said[axis.upper()], said[f"{axis.upper()}Unit"] = float(value), unit
    _sub(image, "StageLabel", **said)


def _parts(record: AcquisitionRecord | None) -> dict[str, JsonObject]:
    """Return attributes of parts of the microscope, if they were noted as OME has them."""
    noted = None if record is None else record.instrument
    if record is None or record.source != "ome-tiff" or not isinstance(noted, dict):
        return {}
    return {
        name: {key: value for key, value in noted[name].items() if key != "ID"}
        for name in _INSTRUMENT
        if isinstance(noted.get(name), dict)
    }


def _instrument(root: Element, source: ImageSource, number: int) -> None:
    parts = _parts(source.acquisition)
    if not parts:
        return
    instrument = _sub(root, "Instrument", ID=f"Instrument:{number}")
    for name, attributes in parts.items():
        more = {"ID": f"Objective:{number}:0"} if name == "objective" else {}
        _sub(instrument, _INSTRUMENT[name], **more, **attributes)


def _settings(image: Element, record: AcquisitionRecord, number: int) -> None:
    parts = _parts(record)
    if parts:
        _sub(image, "InstrumentRef", ID=f"Instrument:{number}")
    if "objective" in parts:
        _sub(image, "ObjectiveSettings", ID=f"Objective:{number}:0")


# ---- plates -----------------------------------------------------------------------------------


def _plate(root: Element, sources: Sequence[ImageSource], name: str | None) -> None:
    """Describe a plate; rows that are no letters and columns that are no numbers are counted."""
    wells: dict[tuple[str, str], list[int]] = {}
    for number, source in enumerate(sources):
        wells.setdefault(source.well or ("", ""), []).append(number)
    rows, columns = (_numbered([well[axis] for well in wells]) for axis in (0, 1))
    plate = _sub(
        root,
        "Plate",
        ID="Plate:0",
        Name=name,
        RowNamingConvention=rows[1],
        ColumnNamingConvention=columns[1],
        Rows=max(rows[0].values()) + 1,
        Columns=max(columns[0].values()) + 1,
    )
    runs: dict[int, tuple[AcquisitionMeta, list[str]]] = {}
    for index, ((row, column), numbers) in enumerate(wells.items()):
        well = _sub(
            plate,
            "Well",
            ID=f"Well:0:{index}",
            Row=rows[0][row],
            Column=columns[0][column],
            ExternalDescription=f"{row}/{column}",
        )
        for number in numbers:
            sample = f"WellSample:0:{index}:{number}"
            _sub(_sample(well, sample, number, sources[number]), "ImageRef", ID=f"Image:{number}")
            run = sources[number].run
            if run is not None:
                runs.setdefault(run.id, (run, []))[1].append(sample)
    for number, (run, samples) in sorted(runs.items()):
        acquisition = _sub(
            plate, "PlateAcquisition", ID=f"PlateAcquisition:0:{number}", Name=run.name
        )
        if run.description is not None:
            _sub(acquisition, "Description", run.description)
        for sample in samples:
            _sub(acquisition, "WellSampleRef", ID=sample)


def _sample(well: Element, name: str, number: int, source: ImageSource) -> Element:
    said: dict[str, Any] = {"ID": name, "Index": number}
    stage = None if source.acquisition is None else source.acquisition.stage
    for axis in "xy":
        value = None if stage is None else getattr(stage, axis)
        if stage is not None and value is not None:
            said[f"Position{axis.upper()}"] = float(value)
            said[f"Position{axis.upper()}Unit"] = LENGTHS.get(stage.unit, "reference frame")
    return _sub(well, "WellSample", **said)


def _numbered(names: Sequence[str]) -> tuple[dict[str, int], str]:
    """Return the index of each row or column, and how they are named."""
    if all(name.isascii() and name.isdecimal() and int(name) >= 1 for name in names):
        return {name: int(name) - 1 for name in names}, "number"
    if all(name.isascii() and name.isalpha() and name.isupper() for name in names):
        return {name: _letters(name) for name in names}, "letter"
    ordered = sorted(set(names), key=lambda name: (len(name), name))
    return {name: index for index, name in enumerate(ordered)}, "number"


def _letters(name: str) -> int:
    """Return the index of a row: 0 for A, 26 for AA."""
    index = 0
    for letter in name:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
