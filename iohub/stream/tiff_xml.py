"""OME-XML of a stream into OME-TIFF: as planned at first, and as it was in the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

import numpy as np

from iohub.errors import DTypeError
from iohub.formats.images import Channel, ImageSource
from iohub.formats.ome_tiff_layout import OME_TYPES, ImageLayout, LevelLayout
from iohub.formats.ome_tiff_xml_write import Place, ome_xml

if TYPE_CHECKING:
    from iohub.stream.plan import ArrayPlan, StreamPlan
    from iohub.types import JsonObject, NDArray, Shape

_OME: Final = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_FRAMES: Final = "iohub/stream/frames"
_BY_TYPE: Final = {"time": "t", "channel": "c", "space": "z"}
_PLANE: Final = {
    "delta_t": "DeltaT",
    "exposure_time": "ExposureTime",
    "position_x": "PositionX",
    "position_y": "PositionY",
    "position_z": "PositionZ",
}


class Pages(NamedTuple):
    """The pages of one image.

    Attributes
    ----------
    lead : tuple of int
        Sizes along the axes before (Y, X).
    letters : str
        Which of t, c and z each of these is.
    indexes : sequence of tuple of int
        Index of each page along these axes.
    notes : sequence of dict
        Metadata of frames, each with its ``storage_index``.
    file, uuid : str
        Where the pages are.
    numbers : sequence of int
        Of the pages in the file.
    """

    lead: Shape
    letters: str
    indexes: Sequence[Shape]
    notes: Sequence[JsonObject]
    file: str
    uuid: str
    numbers: Sequence[int]


@dataclass(frozen=True)
class _Described:
    """What a description asks of pixels that are not there yet."""

    shape: Shape
    dtype: np.dtype[np.generic]
    chunks: Shape

    def chunk(self, index: Shape) -> NDArray:
        """Return pixels that were never written."""
        return np.zeros(self.chunks, self.dtype)


def letters_of(array: ArrayPlan) -> str:
    """Return which of t, c and z each axis before (Y, X) becomes, by name, type or what is left."""
    axes = array.axes[:-2]
    found = [axis.name.lower() if axis.name.lower() in "tcz" else "" for axis in axes]
    for place, axis in enumerate(axes):
        letter = _BY_TYPE.get(axis.type or "", "")
        if not found[place] and letter and letter not in found:
            found[place] = letter
    for place, letter in enumerate(found):
        if not letter:
            found[place] = next(each for each in "tzc" if each not in found)
    return "".join(found)


def first_xml(plan: StreamPlan, files: Sequence[str], uuids: Sequence[str], own: str) -> bytes:
    """Return the description before the first frame, with all images at their planned size.

    Raises
    ------
    DTypeError
        If OME has no such type of pixels.
    """
    layouts = [_layout(array) for array in plan.arrays]
    places = [Place(0, file, uuid) for file, uuid in zip(files, uuids, strict=True)]
    plate = plan.settings.plate
    name = None if plate is None else plate.name
    return ome_xml(layouts, places, uuid=own, creator="iohub", plate_name=name)


def _layout(array: ArrayPlan) -> ImageLayout:
    name = array.dtype.name
    if name not in OME_TYPES:
        raise DTypeError(f"OME-TIFF has no pixels of type {name}; there are {', '.join(OME_TYPES)}")
    letters = letters_of(array) + "yx"
    by_letter = dict(zip(letters, range(len(letters)), strict=True))
    sizes = dict.fromkeys("tczyx", 1) | {
        letter: max(1, array.shape[axis]) for letter, axis in by_letter.items()
    }
    place = next((p for p in [array.place] if p.row), None)
    source = ImageSource(
        name=array.name,
        axes=letters,
        levels=(_Described(array.shape, array.dtype, array.chunks),),
        scale={letter: array.scale[axis] for letter, axis in by_letter.items()},
        units={letter: array.axes[axis].unit for letter, axis in by_letter.items()},
        channels=[Channel(c.label or "", c.color) for c in array.channels],
        acquisition=array.acquisition,
        well=None if place is None else (place.row, place.column),
    )
    height, width = array.frame_shape
    level = LevelLayout((height, width), (height, width), False, None)
    return ImageLayout(source, sizes, 1, array.dtype, (level,))


def final_xml(
    xml: bytes, images: Sequence[Pages], notes: Mapping[str, Mapping[str, Any]], own: str
) -> bytes:
    """Return the description once all pages are there.

    Parameters
    ----------
    xml : bytes
        That of before.
    images : sequence of Pages
        One for each image.
    notes : mapping
        Of the whole acquisition, by namespace.
    own : str
        Identifier of the file that it is for.
    """
    register_namespace("", _OME)
    register_namespace("xsi", _XSI)
    root = fromstring(xml)
    root.set("UUID", own)
    found = [image for image in root if image.tag == _tag("Image")]
    annotations = root.find(_tag("StructuredAnnotations"))
    if annotations is None:
        annotations = SubElement(root, _tag("StructuredAnnotations"))
    for old in [each for each in annotations if each.get("Namespace") in {*notes, _FRAMES}]:
        annotations.remove(old)
    for number, (image, pages) in enumerate(zip(found, images, strict=True)):
        _pages(image, pages)
        if pages.notes:
            noted = SubElement(annotations, _tag("CommentAnnotation"))
            noted.attrib.update(ID=f"Annotation:Frames:{number}", Namespace=_FRAMES)
            SubElement(noted, _tag("Value")).text = json.dumps(list(pages.notes))
    for number, (namespace, values) in enumerate(notes.items()):
        noted = SubElement(annotations, _tag("MapAnnotation"))
        noted.attrib.update(ID=f"Annotation:Map:{number}", Namespace=namespace)
        value = SubElement(noted, _tag("Value"))
        for key, item in values.items():
            SubElement(value, _tag("M"), K=str(key)).text = json.dumps(item)
    if not len(annotations):
        root.remove(annotations)
    else:  # the schema wants each kind together: values first come, comments last
        annotations[:] = sorted(annotations, key=lambda each: _ORDER.index(_name(each)))
    text: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return text


_ORDER: Final = (
    "XMLAnnotation",
    "FileAnnotation",
    "ListAnnotation",
    "LongAnnotation",
    "DoubleAnnotation",
    "CommentAnnotation",
    "BooleanAnnotation",
    "TimestampAnnotation",
    "TagAnnotation",
    "TermAnnotation",
    "MapAnnotation",
)


def _pages(image: Element, pages: Pages) -> None:
    pixels = image.find(_tag("Pixels"))
    assert pixels is not None
    for letter, size in zip(pages.letters, pages.lead, strict=True):
        pixels.set(f"Size{letter.upper()}", str(max(1, size)))
    for old in [each for each in pixels if _name(each) in ("TiffData", "Plane")]:
        pixels.remove(old)
    for page, count, index in _runs(pages):
        at = dict(zip(pages.letters, index, strict=True))
        data = SubElement(pixels, _tag("TiffData"), IFD=str(page), PlaneCount=str(count))
        data.attrib.update({f"First{axis.upper()}": str(at.get(axis, 0)) for axis in "tcz"})
        if pages.file:
            SubElement(data, _tag("UUID"), FileName=pages.file).text = pages.uuid
    for note in pages.notes:
        at = dict(zip(pages.letters, note["storage_index"], strict=True))
        said = {_PLANE[key]: repr(float(v)) for key, v in note.items() if _is_said(key, v)}
        if said:
            place = {f"The{axis.upper()}": str(at.get(axis, 0)) for axis in "tcz"}
            SubElement(pixels, _tag("Plane"), {**place, **said})


def _runs(pages: Pages) -> Iterator[tuple[int, int, Shape]]:
    """Group pages that follow each other as the order of the dimensions says: z, then c, then t."""
    order = sorted(range(len(pages.letters)), key=lambda axis: "tcz".index(pages.letters[axis]))

    def number(index: Shape) -> int:
        found = 0
        for axis in order:
            found = found * max(1, pages.lead[axis]) + index[axis]
        return found

    start: tuple[int, Shape] | None = None
    count = 0
    for page, index in sorted(zip(pages.numbers, pages.indexes, strict=True)):
        if start and (page, number(index)) == (start[0] + count, number(start[1]) + count):
            count += 1
            continue
        if start:
            yield start[0], count, start[1]
        start, count = (page, index), 1
    if start:
        yield start[0], count, start[1]


def _is_said(key: str, value: Any) -> bool:
    return key in _PLANE and isinstance(value, int | float) and not isinstance(value, bool)


def binary_only(file: str, uuid: str, own: str) -> bytes:
    """Return the description of a file whose metadata are in another one beside it."""
    root = Element(_tag("OME"), UUID=own)
    SubElement(root, _tag("BinaryOnly"), MetadataFile=file, UUID=uuid)
    register_namespace("", _OME)
    text: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return text


def _tag(name: str) -> str:
    return f"{{{_OME}}}{name}"


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
