"""What a format adapter says of the images in a file, and the groups of OME-Zarr made of it.

An adapter describes each image as an :class:`ImageSource`; :func:`virtual_store` turns them into
a position, a series of positions or a plate. No file is opened here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from iohub.formats.further_attributes import completed
from iohub.metadata import edits_image, edits_plate, series, versions
from iohub.metadata.acquisition import AcquisitionRecord, write_acquisition
from iohub.metadata.axes import AxisMeta, ChannelAxisMeta, SpaceAxisMeta, TimeAxisMeta
from iohub.metadata.names import path_problem
from iohub.metadata.transforms import TransformationMeta
from iohub.storage.virtual import FRAMES, VirtualArray, VirtualBytes

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.metadata.omero import WindowDict
    from iohub.metadata.plate import AcquisitionMeta
    from iohub.storage.virtual import ChunkReader
    from iohub.types import JsonObject


@dataclass(frozen=True)
class Channel:
    """A channel as a file describes it.

    Attributes
    ----------
    name : str
        Its label.
    color : str or None
        Six hexadecimal digits; None chooses by the name.
    window : WindowDict or None
        Contrast limits; None takes the range of the data type.
    """

    name: str
    color: str | None = None
    window: WindowDict | None = None


@dataclass(frozen=True)
class ImageSource:
    """An image in a file that is not Zarr.

    Attributes
    ----------
    name : str
        What the file calls it; with several images, its key if it may be one and is unique.
    axes : str
        One letter per axis of the levels, of ``tczyx`` in any order that OME-Zarr allows.
    levels : sequence of ChunkReader
        Pixels, the highest resolution first.
    scale : mapping of str to float
        Pixel size of level 0 along axes, in their units; 1 where it is missing.
    origin : mapping of str to float
        Coordinate of the first pixel along axes; 0 where it is missing.
    units : mapping of str to str
        Units of axes; micrometer and second where they are missing. None: the axis has none.
    channels : sequence of Channel
        One per channel; empty if the file says nothing of them.
    acquisition : AcquisitionRecord, optional
        What OME-Zarr has no place for.
    frames : callable, optional
        Returns the metadata of single frames, one mapping for each, when they are asked for.
    well : tuple of (str, str), optional
        Row and column.
    run : AcquisitionMeta, optional
        The plate's acquisition that it belongs to.
    attributes : mapping
        What the attributes of its group say beyond all this, as OME-Zarr's virtual version has it.
    """

    name: str
    axes: str
    levels: Sequence[ChunkReader]
    scale: Mapping[str, float] = field(default_factory=dict)
    origin: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str | None] = field(default_factory=dict)
    channels: Sequence[Channel] = ()
    acquisition: AcquisitionRecord | None = None
    frames: Callable[[], list[JsonObject]] | None = None
    well: tuple[str, str] | None = None
    run: AcquisitionMeta | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def virtual_store(
    url: str,
    images: Sequence[ImageSource],
    *,
    reopen: tuple[Callable[..., VirtualBytes], tuple[Any, ...]],
    close: Callable[[], None] | None = None,
    plate_name: str | None = None,
    single: bool = True,
    ome_xml: Callable[[], bytes] | None = None,
    paths: Sequence[str] = (),
    attributes: Mapping[str, JsonObject] | None = None,
) -> VirtualBytes:
    """Show images as groups of OME-Zarr.

    All with a well: a plate. Only one, and `single`: a position. Else: a series of positions.

    Parameters
    ----------
    url : str
        The file, for people.
    images : sequence of ImageSource
        In the order of the file.
    reopen : tuple of (callable, tuple)
        What makes the store again in another process.
    close : callable, optional
        Releases the files.
    plate_name : str, optional
        Name of the plate.
    single : bool
        Whether a single image without a well is a position rather than a series of one.
    ome_xml : callable, optional
        Returns the OME-XML of all images, when it is asked for.
    paths : sequence of str
        All files, if `url` does not name them.
    attributes : mapping of str to dict, optional
        Further attributes of the groups above the images, by path; ``""`` is the root.
    """
    places, groups = made_groups(images, plate_name=plate_name, single=single)
    arrays: dict[str, VirtualArray] = {}
    extras: dict[tuple[str, str], Callable[[], Any]] = {}
    spelling = versions.spelling(versions.VIRTUAL_VERSION)
    for path, image in zip(places, images, strict=True):
        groups[path] = completed(groups[path], image.attributes, spelling)
        prefix = f"{path}/" if path else ""
        for number, level in enumerate(image.levels):
            arrays[f"{prefix}{number}"] = VirtualArray(level, tuple(image.axes))
        if image.frames is not None:
            extras[path, FRAMES] = image.frames
    for path, more in (attributes or {}).items():
        if path in groups and path not in places:
            groups[path] = completed(groups[path], more, spelling)
    files = {} if ome_xml is None else {f"{series.FOLDER}/{series.XML}": ome_xml}
    return VirtualBytes(
        url,
        groups,
        arrays,
        extras=extras,
        files=files,
        reopen=reopen,
        close=close,
        paths=paths,
    )


def made_groups(
    images: Sequence[ImageSource], *, plate_name: str | None = None, single: bool = True
) -> tuple[list[str], dict[str, JsonObject]]:
    """Return the path of each image, and the attributes of all groups by path.

    Parameters
    ----------
    images, plate_name, single
        As for :func:`virtual_store`.
    """
    places = _places(images, single)
    spelling = versions.spelling(versions.VIRTUAL_VERSION)
    groups: dict[str, JsonObject] = {}
    for path, image in zip(places, images, strict=True):
        attrs = spelling.dump_image(image_meta(image), spelling.empty_group())
        groups[path] = write_acquisition(attrs, image.acquisition)
    if images and all(image.well for image in images):
        groups.update(plate_groups(spelling, places, images, plate_name))
    elif places != [""]:
        groups[""] = series.write_layout(spelling, spelling.empty_group())
        groups[series.FOLDER] = series.write_series(spelling, spelling.empty_group(), places)
    return places, groups


def axes_of(letters: str, units: Mapping[str, str | None] | None = None) -> tuple[AxisMeta, ...]:
    """Return the axes that letters stand for.

    Parameters
    ----------
    letters : str
        Such as ``"tczyx"``.
    units : mapping of str to (str or None)
        Units that are not second and micrometer.
    """
    made: list[AxisMeta] = []
    for name in letters:
        if name == "c":
            made.append(ChannelAxisMeta(name=name))
            continue
        kind = TimeAxisMeta if name == "t" else SpaceAxisMeta
        axis = kind(name=name)
        made.append(axis.replace(unit=units[name]) if units and name in units else axis)
    return tuple(made)


def image_meta(image: ImageSource) -> ImageMeta:
    """Return the document of an image: levels with their scales, and channels.

    The size of a pixel of a lower level is that of level 0 times the ratio of the shapes, and its
    centre is moved by half of what it grew, as everywhere in iohub.
    """
    axes = axes_of(image.axes, image.units)
    top = image.levels[0]
    scale = [float(image.scale.get(name) or 1.0) for name in image.axes]
    origin = [float(image.origin.get(name) or 0.0) for name in image.axes]
    doc: ImageMeta | None = None
    for number, level in enumerate(image.levels):
        grown = [
            _ratio(whole, part) if name != "c" else 1.0
            for name, whole, part in zip(image.axes, top.shape, level.shape, strict=True)
        ]
        sizes = [size * ratio for size, ratio in zip(scale, grown, strict=True)]
        starts = [
            start + size * (ratio - 1) / 2
            for start, size, ratio in zip(origin, scale, grown, strict=True)
        ]
        transforms = [TransformationMeta(type="scale", scale=sizes)]
        if any(starts):
            transforms.append(TransformationMeta(type="translation", translation=starts))
        doc = edits_image.add_dataset(
            doc,
            str(number),
            transforms,
            axes,
            channel_names=unique_names([channel.name for channel in image.channels]) or None,
            dtype=level.dtype,
            name=image.name,
            shape=level.shape,
        )
    assert doc is not None
    for number, channel in enumerate(image.channels):
        if channel.color is not None:
            doc = edits_image.set_color(doc, number, channel.color)
        if channel.window is not None:
            doc = edits_image.set_window(doc, number, channel.window)
    return doc


def unique_names(names: Sequence[str]) -> list[str]:
    """Give names that come twice, or are empty, a number; channels are told apart by name."""
    made: list[str] = []
    for index, name in enumerate(names):
        wanted = name or f"Channel {index}"
        number, free = 2, wanted
        while free in made or (free != name and free in names):
            free, number = f"{wanted} ({number})", number + 1
        made.append(free)
    return made


def window_of(low: float | None, high: float | None) -> WindowDict | None:
    """Return contrast limits, within as many bits as they need; None if they are no range."""
    if low is None or high is None or not low < high or not isfinite(high - low):
        return None
    top = float((1 << max(8, int(high).bit_length())) - 1) if high > 0 else high
    return {"start": low, "end": high, "min": min(0.0, low), "max": max(top, high)}


def well_of(label: str) -> tuple[str, str] | None:
    """Return the well that a label names, as in ``"A1"``, ``"B03-Site_2"`` or ``"C/4"``.

    Parameters
    ----------
    label : str
        What a microscope calls a position.

    Returns
    -------
    tuple of (str, str) or None
        Row, and column without leading zeros; None if the label does not begin like a well.
    """
    match = re.match(r"([A-Z]{1,2})[/_-]?0*([1-9]\d{0,2})(?=$|[^0-9A-Za-z])", label)
    return (match[1], match[2]) if match else None


def _ratio(whole: int, part: int) -> float:
    """Return how many pixels of a level became one: 2 for 5 and 3, as halves are rounded up."""
    ratio = whole / part if part else 1.0
    nearest = round(ratio)
    return float(nearest) if nearest and -(-whole // nearest) == part else ratio


def _places(images: Sequence[ImageSource], single: bool) -> list[str]:
    if images and all(image.well for image in images):
        counts: dict[tuple[str, str], int] = {}
        places = []
        for image in images:
            well = image.well or ("", "")
            number = counts.get(well, 0)
            counts[well] = number + 1
            places.append(f"{well[0]}/{well[1]}/{number}")
        return places
    if len(images) == 1 and single:
        return [""]
    names = [image.name for image in images]
    if len(set(names)) == len(names) and all(map(_is_key, names)):
        return names
    return [str(number) for number in range(len(images))]


def _is_key(name: str) -> bool:
    free = bool(name) and "/" not in name and name != series.FOLDER
    return free and path_problem(name) is None


def plate_groups(
    spelling: versions.Spelling,
    places: Sequence[str],
    images: Sequence[ImageSource],
    name: str | None,
) -> dict[str, JsonObject]:
    """Return the attributes of a plate, its rows and its wells.

    Parameters
    ----------
    spelling : Spelling
        The version.
    places : sequence of str
        Path of each image: row, column and field.
    images : sequence of ImageSource
        The images; each has a well.
    name : str or None
        Of the plate.
    """
    wells: dict[str, list[tuple[str, int | None]]] = {}
    for place, image in zip(places, images, strict=True):
        well, _, number = place.rpartition("/")
        wells.setdefault(well, []).append((number, None if image.run is None else image.run.id))
    ordered = sorted(wells, key=_well_order)
    plate = edits_plate.add_wells(
        edits_plate.new_plate(name),
        [(*path.split("/", 1), None, None) for path in ordered],  # type: ignore[misc]
    )
    plate = edits_plate.set_field_count(plate, max(map(len, wells.values())))
    runs = {image.run.id: image.run for image in images if image.run is not None}
    for key in sorted(runs):
        plate = edits_plate.add_acquisition(plate, runs[key])
    metas = {path: edits_plate.add_fields(None, fields) for path, fields in wells.items()}
    plate = edits_plate.note_fields(plate, metas.values())
    groups = {"": spelling.dump_plate(plate, spelling.empty_group())}
    for path, meta in metas.items():
        groups[path.split("/")[0]] = spelling.empty_group()
        groups[path] = spelling.dump_well(meta, spelling.empty_group())
    return groups


def _well_order(path: str) -> tuple[int, str, int, str]:
    row, column = path.split("/")
    return len(row), row, int(column) if column.isdecimal() else 0, column
