"""What OME-XML has no place for, as JSON in an annotation of an image; written and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from iohub.errors import DocumentError
from iohub.formats.ome_tiff_units import LENGTHS, PLANE_MEMBERS, increment_of
from iohub.metadata.acquisition import AcquisitionRecord, frame_columns, frame_rows
from iohub.metadata.documents import validate
from iohub.metadata.omero import WINDOW_KEYS

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from iohub.formats.images import Channel, ImageSource
    from iohub.formats.ome_tiff_layout import ImageLayout
    from iohub.metadata.omero import WindowDict
    from iohub.types import JsonObject

NAMESPACE: Final = "iohub"
"""Of the annotation of an image."""

GROUPS: Final = "iohub/groups"
"""Of the annotation that holds attributes of the groups above images, which OME has not."""

Extra: TypeAlias = str

# OME-XML has these itself; what it says holds, since others may have edited it.
_OME_MEMBERS: Final = ("date", "stage", "time_increment", "channels")


def frames_of(source: ImageSource) -> list[JsonObject]:
    """Return the metadata of single frames of an image, in whichever way it has them."""
    if source.frames is not None:
        return source.frames()
    record = source.acquisition
    columns = None if record is None else record.frames
    return frame_rows(columns) if isinstance(columns, Mapping) else []


def write_extra(layout: ImageLayout, frames: Sequence[JsonObject]) -> Extra:
    """Return what OME-XML has no place for, as JSON; empty if there is nothing.

    Parameters
    ----------
    layout : ImageLayout
        The image.
    frames : sequence of dict
        Metadata of its single frames.
    """
    source = layout.source
    extra: JsonObject = {}
    origin = {axis: float(at) for axis, at in source.origin.items() if at}
    if origin:
        extra["origin"] = origin
    scale, units = _unsayable(source)
    if scale:
        extra["scale"] = scale
    if units:
        extra["units"] = units
    windows = [dict(each.window) if each.window else None for each in source.channels]
    if any(windows):
        extra["windows"] = windows
    if layout.dtype.name != source.levels[0].dtype.name:
        extra["dtype"] = source.levels[0].dtype.name
    if source.attributes:
        extra["attributes"] = dict(source.attributes)
    record = source.acquisition or AcquisitionRecord()
    sayable = all(PLANE_MEMBERS.issuperset(frame) for frame in frames)
    columns = None if sayable or not frames else frame_columns(frames)
    noted = record.replace(frames=columns).to_json()
    if noted:
        extra["acquisition"] = noted
        if not frames:
            extra["frames"] = 0
    return json.dumps(extra, ensure_ascii=True, separators=(",", ":")) if extra else ""


def note_of(parts: Mapping[str, Element], namespace: str, names: Iterable[str]) -> str:
    """Return the text of the first annotation of ours among those of some names.

    Parameters
    ----------
    parts : mapping of str to Element
        Annotations, and other elements, by identifier.
    namespace : str
        Of the annotation.
    names : iterable of str
        Identifiers.
    """
    for name in names:
        note = parts.get(name)
        if note is not None and note.get("Namespace") == namespace:
            return next((e.text or "" for e in note if e.tag.endswith("Value")), "").strip()
    return ""


def read_groups(text: str) -> dict[str, JsonObject]:
    """Return attributes of groups by path, as :data:`GROUPS` has them; what is damaged is not."""
    try:
        noted = json.loads(text) if text else {}
    except ValueError:
        return {}
    pairs = noted.items() if isinstance(noted, dict) else ()
    return {path: attrs for path, attrs in pairs if isinstance(attrs, dict)}


def _unsayable(source: ImageSource) -> tuple[dict[str, float], dict[str, str | None]]:
    """Return sizes and units of axes that OME-XML does not have, or has others in place of."""
    scale: dict[str, float] = {}
    units: dict[str, str | None] = {}
    step, named = increment_of(source)
    for axis in source.axes:
        size = float(source.scale.get(axis) or 1.0)
        unit = source.units.get(axis, "second" if axis == "t" else "micrometer")
        if axis == "t":
            same, known = size == (step or 1.0), unit == named
        else:
            same, known = size > 0 if axis != "c" else size == 1, axis == "c" or unit in LENGTHS
        if not same:
            scale[axis] = size
        if not known:
            units[axis] = unit
    return scale, units


def with_extra(source: ImageSource, extra: Extra) -> ImageSource:
    """Return an image with what its annotation says besides its OME-XML.

    Parameters
    ----------
    source : ImageSource
        As the OME-XML describes it.
    extra : str
        The text of the annotation; what is damaged in it is passed over.
    """
    try:
        noted = json.loads(extra)
    except ValueError:
        return source
    if not isinstance(noted, dict):
        return source
    scale, origin = _numbers(noted.get("scale")), _numbers(noted.get("origin"))
    units = noted.get("units")
    pairs = units.items() if isinstance(units, dict) else ()
    named = {axis: unit for axis, unit in pairs if unit is None or isinstance(unit, str)}
    source = replace(
        source,
        scale={**source.scale, **scale},
        origin={**source.origin, **origin},
        units={**source.units, **named},
        channels=_windows(source.channels, noted.get("windows")),
        attributes=noted["attributes"] if isinstance(noted.get("attributes"), dict) else {},
    )
    return _with_record(source, noted.get("acquisition"), noted.get("frames") == 0)


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {k: float(v) for k, v in value.items() if k in "tczyx" and isinstance(v, int | float)}


def _windows(channels: Sequence[Channel], windows: Any) -> list[Channel]:
    if not isinstance(windows, list) or len(windows) != len(channels):
        return list(channels)
    return [
        replace(channel, window=_window(window))
        for channel, window in zip(channels, windows, strict=True)
    ]


def _window(noted: Any) -> WindowDict | None:
    window = noted if isinstance(noted, dict) else {}
    limits = []
    for name in WINDOW_KEYS:
        limit = window.get(name)
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            return None
        limits.append(float(limit))
    start, end, low, high = limits
    return {"start": start, "end": end, "min": low, "max": high}


def _with_record(source: ImageSource, noted: Any, without_frames: bool) -> ImageSource:
    if not isinstance(noted, dict):
        return source
    try:
        record = validate(AcquisitionRecord, noted, NAMESPACE, "acquisition")
    except DocumentError:
        return source
    columns = record.frames
    if without_frames:
        source = replace(source, frames=None)
    said = source.acquisition or AcquisitionRecord()
    held = {name: getattr(said, name) for name in _OME_MEMBERS}
    if len(said.channels) == len(record.channels):
        held["channels"] = tuple(
            one if one.exposure is not None else one.replace(exposure=other.exposure)
            for one, other in zip(said.channels, record.channels, strict=True)
        )
    record = record.replace(frames=None, **{k: v for k, v in held.items() if v})
    if isinstance(columns, dict) and all(isinstance(each, list) for each in columns.values()):
        return replace(source, acquisition=record, frames=lambda: frame_rows(columns))
    return replace(source, acquisition=record)
