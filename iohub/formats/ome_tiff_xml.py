"""What the OME-XML of an OME-TIFF says that is needed to show its images; no file, no pixel.

The whole of it is a matter of ome-types, which takes seconds for thousands of planes and is only
asked when somebody wants it. Source: OME data model, schemas up to 2016-06.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from iohub.errors import FormatError
from iohub.formats.ome_tiff_annotation import GROUPS, NAMESPACE, note_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from iohub.types import JsonObject


@dataclass(frozen=True)
class OmePlanes:
    """Planes that lie in consecutive pages (an element TiffData).

    Attributes
    ----------
    first : tuple of int
        Index of the first along z, c and t.
    page : int
        Its page in the file.
    count : int or None
        How many; None for all that the file has.
    file, uuid : str or None
        Name and identifier of the file; None for the one with the XML.
    """

    first: tuple[int, int, int]
    page: int
    count: int | None
    file: str | None = None
    uuid: str | None = None


@dataclass(frozen=True)
class OmeImage:
    """An image, as the XML describes it.

    Attributes
    ----------
    id, name : str
        Identifier, and what people call it; either may be empty.
    attributes : mapping of str to str
        Those of the element Pixels.
    channels : tuple of mapping
        Attributes of each channel.
    planes : tuple of OmePlanes
        Where they are.
    first_frames : tuple of mapping
        Attributes of the first plane of each channel that has one.
    date, description : str or None
        When it was acquired, and what was said of it.
    stage : mapping of str to str
        Attributes of the stage label.
    instrument : mapping
        Objective, and what else is referred to.
    number : int
        Of the image in the document.
    extra : str
        What iohub noted of it in an annotation of its own.
    """

    id: str
    name: str
    attributes: Mapping[str, str]
    channels: tuple[Mapping[str, str], ...]
    planes: tuple[OmePlanes, ...]
    first_frames: tuple[Mapping[str, str], ...]
    date: str | None
    description: str | None
    stage: Mapping[str, str]
    instrument: JsonObject
    number: int
    extra: str = ""

    def size(self, axis: str) -> int:
        """Size along ``x``, ``y``, ``z``, ``c`` or ``t``."""
        return int(self.attributes[f"Size{axis.upper()}"])

    @property
    def order(self) -> str:
        """Letters of the axes above a plane, the fastest first."""
        return self.attributes["DimensionOrder"].lower()[2:]

    @property
    def samples(self) -> int:
        """Channels that the XML says a plane holds."""
        return max(1, int(self.channels[0].get("SamplesPerPixel", 1))) if self.channels else 1


@dataclass(frozen=True)
class OmeSample:
    """A field of a well.

    Attributes
    ----------
    plate : int
        Number of the plate.
    well : tuple of (str, str)
        Row and column.
    index : int
        Order among the fields of the plate.
    run : tuple of (int, str or None), optional
        Number and name of the plate's acquisition.
    """

    plate: int
    well: tuple[str, str]
    index: int
    run: tuple[int, str | None] | None


@dataclass(frozen=True)
class OmeDocument:
    """An OME-XML document.

    Attributes
    ----------
    uuid : str or None
        Identifier of its file.
    elsewhere : str or None
        Name of the file that has the metadata, if this one only refers to it.
    creator : str or None
        What wrote it.
    images : tuple of OmeImage
        In order.
    plates : tuple of str
        Names of the plates.
    samples : mapping of str to OmeSample
        By identifier of the image.
    groups : str
        What our own annotation says of the groups above images.
    """

    uuid: str | None
    elsewhere: str | None
    creator: str | None
    images: tuple[OmeImage, ...] = ()
    plates: tuple[str, ...] = ()
    samples: Mapping[str, OmeSample] = field(default_factory=dict)
    groups: str = ""


def read_document(raw: bytes, name: str) -> OmeDocument:
    """Read OME-XML.

    Parameters
    ----------
    raw : bytes
        The text.
    name : str
        The file, for messages.

    Raises
    ------
    FormatError
        If it is no OME-XML, or an image lacks its size.
    """
    root = _root(raw, name)
    only = _child(root, "BinaryOnly")
    uuid, creator = root.get("UUID"), root.get("Creator")
    if only is not None:
        return OmeDocument(uuid, only.get("MetadataFile") or "", creator)
    about = (*_all(root, "Instrument"), *_all(root, "StructuredAnnotations"))
    parts = {part.get("ID", ""): part for each in about for part in each}
    plates = list(_all(root, "Plate"))
    try:
        images = tuple(
            _image(element, number, parts) for number, element in enumerate(_all(root, "Image"))
        )
        samples = {
            image: sample
            for number, plate in enumerate(plates)
            for image, sample in _samples(plate, number)
        }
    except (KeyError, ValueError) as error:
        raise FormatError(f"{name}: the OME-XML lacks, or misspells, {error}") from error
    names = tuple(plate.get("Name") or plate.get("ID") or "" for plate in plates)
    groups = note_of(parts, GROUPS, parts)
    return OmeDocument(uuid, None, creator, images, names, samples, groups)


def read_frames(raw: bytes, name: str, number: int, samples: int) -> list[JsonObject]:
    """Read the metadata of the planes of an image.

    Parameters
    ----------
    raw : bytes
        The OME-XML.
    name : str
        The file, for messages.
    number : int
        Of the image in the document.
    samples : int
        Channels that a plane holds.

    Returns
    -------
    list of dict
        For each plane its indexes ``t``, ``c`` and ``z``, and what the XML says of it under the
        names that OME has for it.

    Raises
    ------
    FormatError
        If it is no OME-XML.
    """
    image = list(_all(_root(raw, name), "Image"))[number]
    pixels = _child(image, "Pixels")
    rows: list[JsonObject] = []
    for plane in () if pixels is None else _all(pixels, "Plane"):
        found = dict(plane.attrib)
        t, c, z = (int(found.pop(key, 0)) for key in ("TheT", "TheC", "TheZ"))
        row: JsonObject = {"t": t, "c": c * samples, "z": z}
        row.update({key: _number_or_text(value) for key, value in found.items()})
        stage = _child(plane, "StagePosition")  # before schema 2010
        if stage is not None:
            row.update({key: _number_or_text(value) for key, value in stage.attrib.items()})
        rows.append(row)
    return rows


def is_ome_xml(text: str) -> bool:
    """Whether a text begins as OME-XML does; its first 4 KiB are looked at."""
    start = text[:4096].lstrip("\ufeff \t\r\n")
    return start.startswith("<") and ("<OME" in start or "<ome:OME" in start)


# ---- elements -------------------------------------------------------------------------------


def _root(raw: bytes, name: str) -> Element:
    raw = raw.rstrip(b"\0 \r\n\t")
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        # Some write the micro sign in Latin-1 into what they declare to be UTF-8.
        try:
            root = ElementTree.fromstring(raw.decode("latin-1"))
        except (ElementTree.ParseError, ValueError):
            raise FormatError(f"{name}: the OME-XML is not well-formed: {error}") from error
    if _tag(root) != "OME":
        raise FormatError(f"{name}: the XML begins with {_tag(root)!r} rather than 'OME'")
    return root


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: Element, tag: str) -> Iterator[Element]:
    return (child for child in element if child.tag.rpartition("}")[2] == tag)


def _child(element: Element, *tags: str) -> Element | None:
    return next((child for child in element if child.tag.rpartition("}")[2] in tags), None)


def _text(element: Element, *tags: str) -> str | None:
    found = _child(element, *tags)
    return None if found is None or not found.text else found.text.strip() or None


def _image(element: Element, number: int, parts: Mapping[str, Element]) -> OmeImage:
    pixels = _child(element, "Pixels")
    if pixels is None:
        raise KeyError("Pixels")
    attributes = dict(pixels.attrib)
    for axis in "XYZCT":
        if int(attributes[f"Size{axis}"]) < 1:
            raise ValueError(f"Size{axis}={attributes[f'Size{axis}']}")
    order = attributes["DimensionOrder"]
    if order[:2] != "XY" or sorted(order[2:]) != sorted("ZCT"):
        raise ValueError(f"DimensionOrder={order!r}")
    planes: list[OmePlanes] = []
    channels: list[Mapping[str, str]] = []
    firsts: dict[str, Element] = {}
    for child in pixels:
        tag = child.tag.rpartition("}")[2]
        if tag == "TiffData":
            planes.append(_planes(child))
        elif tag == "Channel":
            channels.append(dict(child.attrib))
        elif tag == "Plane":
            firsts.setdefault(child.get("TheC", "0"), child)
    label = _child(element, "StageLabel")
    if not channels:  # before schema 2010
        channels = [dict(each.attrib) for each in _all(element, "LogicalChannel")]
    return OmeImage(
        id=element.get("ID", ""),
        name=element.get("Name", ""),
        attributes=attributes,
        channels=tuple(channels),
        planes=tuple(planes),
        first_frames=tuple({"TheC": key, **_frame(plane)} for key, plane in firsts.items()),
        date=_text(element, "AcquisitionDate", "AcquiredDate", "CreationDate"),
        description=_text(element, "Description"),
        stage={} if label is None else dict(label.attrib),
        instrument=_instrument(element, parts),
        number=number,
        extra=note_of(parts, NAMESPACE, (r.get("ID", "") for r in _all(element, "AnnotationRef"))),
    )


def _frame(plane: Element) -> dict[str, str]:
    stage = _child(plane, "StagePosition")
    return dict(plane.attrib) if stage is None else {**plane.attrib, **stage.attrib}


def _planes(element: Element) -> OmePlanes:
    get = element.get
    page = get("IFD")
    count = get("PlaneCount") or get("NumPlanes") or (None if page is None else "1")
    first = (int(get("FirstZ", 0)), int(get("FirstC", 0)), int(get("FirstT", 0)))
    uuid = _child(element, "UUID") if len(element) else None
    name = identifier = None
    if uuid is not None:
        name, identifier = uuid.get("FileName"), (uuid.text or "").strip() or None
    return OmePlanes(first, int(page or 0), int(count) if count else None, name, identifier)


def _instrument(element: Element, parts: Mapping[str, Element]) -> JsonObject:
    """Attributes of the microscope's parts that an image refers to, by what they are."""
    found: JsonObject = {}
    for child in element:
        settings = _tag(child)
        if settings in ("ObjectiveSettings", "ObjectiveRef"):
            part = parts.get(child.get("ID", ""))
            if part is not None:
                found["objective"] = {k: _number_or_text(v) for k, v in part.attrib.items()}
        elif settings == "ImagingEnvironment" and child.attrib:
            found["environment"] = {k: _number_or_text(v) for k, v in child.attrib.items()}
    microscope = next((part for part in parts.values() if _tag(part) == "Microscope"), None)
    if microscope is not None and microscope.attrib:
        found["microscope"] = dict(microscope.attrib)
    return found


# ---- plates ---------------------------------------------------------------------------------


def _samples(plate: Element, number: int) -> Iterator[tuple[str, OmeSample]]:
    """Return identifiers of images, and where on a plate they are."""
    runs: dict[str, tuple[int, str | None]] = {}
    for index, acquisition in enumerate(_all(plate, "PlateAcquisition")):
        for reference in _all(acquisition, "WellSampleRef"):
            runs[reference.get("ID", "")] = index, acquisition.get("Name")
    conventions = (plate.get("RowNamingConvention"), plate.get("ColumnNamingConvention"))
    for well in _all(plate, "Well"):
        row, column = int(well.get("Row", 0)), int(well.get("Column", 0))
        place = (
            _place(row, conventions[0] or "letter"),
            _place(column, conventions[1] or "number"),
        )
        for order, sample in enumerate(_all(well, "WellSample")):
            image = _child(sample, "ImageRef")
            if image is not None:
                index = int(sample.get("Index", order))
                run = runs.get(sample.get("ID", ""))
                yield image.get("ID", ""), OmeSample(number, place, index, run)


def _place(index: int, convention: str) -> str:
    if convention != "letter":
        return str(index + 1)
    letters = ""
    while index >= 0:
        index, rest = divmod(index, 26)
        letters, index = chr(ord("A") + rest) + letters, index - 1
    return letters


def _number_or_text(value: str) -> float | int | str:
    try:
        number = float(value)
    except ValueError:
        return value
    if not isfinite(number):  # JSON has no such number
        return value
    return int(value) if value.strip().lstrip("+-").isdecimal() else number
