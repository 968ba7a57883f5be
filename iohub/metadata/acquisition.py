"""What a microscope noted of an image and OME-Zarr has no place for; kept under the key ``iohub``.

Stage position, optics of the channels, time between frames, and the metadata of single frames as
columns, so that they are written once for a position and not once for a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iohub.metadata import own
from iohub.metadata.documents import NONE, Document, Int, JsonValue, Many, Number, Str, validate
from iohub.types import JsonMapping, JsonObject

_MEMBER = "acquisition"


class StagePosition(Document):
    """Where the stage was.

    Attributes
    ----------
    x, y, z : float or None
        Of the first frame, in `unit`; None if it was not noted.
    unit : str
        A UDUNITS name.
    """

    x: Number | None = None
    y: Number | None = None
    z: Number | None = None
    unit: Str = "micrometer"


class ChannelOptics(Document):
    """How a channel was taken.

    Attributes
    ----------
    name : str
        Of the channel.
    excitation, emission : float or None
        Wavelengths [nm].
    exposure : float or None
        Exposure time of a frame [s].
    """

    name: Str
    excitation: Number | None = None
    emission: Number | None = None
    exposure: Number | None = None


class AcquisitionRecord(Document):
    """What was noted when an image was taken; members of formats of their own are kept.

    Attributes
    ----------
    name : str or None
        Of the position, as the microscope called it.
    source : str or None
        Name of the format that it was read from.
    date : str or None
        When it began, in ISO 8601.
    stage : StagePosition or None
        Where the stage was.
    time_increment : float or None
        Between time points [s].
    channels : tuple of ChannelOptics
        Optics, in the order of the channel axis.
    instrument : JSON value
        Objective, camera and the like.
    missing : int or None
        How many frames within the shape were not written, and read as zeros.
    summary : JSON value
        The format's own description of the whole acquisition.
    frames : JSON value
        Metadata of single frames: an object of columns, all of one length, among them the
        indexes of the frame along the axes, such as ``t``, ``c`` and ``z``.
    """

    name: Str | None = None
    source: Str | None = None
    date: Str | None = None
    stage: StagePosition | None = None
    time_increment: Number | None = None
    channels: Many[ChannelOptics] = NONE
    instrument: JsonValue = None
    missing: Int | None = None
    summary: JsonValue = None
    frames: JsonValue = None


def read_acquisition(attrs: JsonMapping) -> AcquisitionRecord | None:
    """Return what was noted of the acquisition, None if nothing was.

    Raises
    ------
    DocumentError
        If the note has the wrong type.
    """
    noted = own.member(attrs, _MEMBER)
    return None if noted is None else validate(AcquisitionRecord, noted, own.KEY, _MEMBER)


def write_acquisition(attrs: JsonMapping, acquisition: AcquisitionRecord | None) -> JsonObject:
    """Return new attributes with another note of the acquisition; None takes it away."""
    noted = None if acquisition is None else acquisition.to_json() or None
    return own.with_member(attrs, _MEMBER, noted)


def frame_columns(frames: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Turn metadata of frames, one mapping each, into columns; None where a frame lacks a value."""
    names: dict[str, None] = {}
    for frame in frames:
        names.update(dict.fromkeys(frame))
    return {name: [frame.get(name) for frame in frames] for name in names}


def frame_rows(columns: Mapping[str, Sequence[Any]]) -> list[JsonObject]:
    """Turn columns into one mapping per frame; values that a frame lacks are left out."""
    count = max(map(len, columns.values()), default=0)
    return [
        {name: column[i] for name, column in columns.items() if column[i] is not None}
        for i in range(count)
    ]


def streamed_frames(attrs: JsonMapping) -> list[JsonObject]:
    """Return the metadata of frames as writers of camera streams leave them, one mapping each.

    They lie in ``frame_metadata`` of the member ``ome_writers``, with their ``storage_index``.
    """
    own_member = attrs.get("ome_writers")
    frames = own_member.get("frame_metadata") if isinstance(own_member, Mapping) else None
    return [dict(frame) for frame in frames or () if isinstance(frame, Mapping)]
