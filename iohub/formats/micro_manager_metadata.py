"""What Micro-Manager 1.4 and 2 write as JSON: of a whole acquisition, its positions and frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.formats import ndtiff_notes
from iohub.formats.images import Channel, window_of
from iohub.formats.ndtiff_notes import items, number
from iohub.metadata.acquisition import StagePosition

if TYPE_CHECKING:
    from iohub.types import JsonObject

# Indexes of a frame: time, channel, depth and position.
_INDEXES = (
    ("FrameIndex", "Frame"),
    ("ChannelIndex",),
    ("SliceIndex", "Slice"),
    ("PositionIndex",),
)
_MOST_INDEX = 1 << 31


def plain(value: Any) -> Any:
    """Return JSON without the types that Micro-Manager 2 notes beside its values."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"PropVal", "PropType"} or value.keys() == {"PropVal"}:
        return plain(value["PropVal"])
    if value.keys() == {"type", "scalar"}:
        return plain(value["scalar"])
    if value.keys() == {"type", "array"}:
        return plain(value["array"])
    return {key: plain(each) for key, each in value.items()}


def frame_index(metadata: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    """Return time, channel, depth and position of a frame; None if they are not noted."""
    found = [number(metadata, *names) for names in _INDEXES]
    if found[:3] == [None, None, None]:
        return None
    t, c, z, p = (int(value or 0) for value in found)
    return (t, c, z, p) if all(0 <= n < _MOST_INDEX for n in (t, c, z, p)) else None


def channels(
    summary: Mapping[str, Any], display: Sequence[Any], said: Sequence[str]
) -> list[Channel]:
    """Describe channels by the summary, the settings of the display, and what frames say.

    Parameters
    ----------
    summary : mapping
        Of the acquisition.
    display : sequence
        Settings for each channel, as Micro-Manager 1.4 writes them.
    said : sequence of str
        What a frame of each channel says that it is called; as many as there are channels.
    """
    names, colors = items(summary, "ChNames"), items(summary, "ChColors")
    lows, highs = items(summary, "ChContrastMin"), items(summary, "ChContrastMax")
    made = []
    for index, other in enumerate(said):
        found = _at(display, index)
        shown = found if isinstance(found, dict) else {}
        color = shown.get("Color", _at(colors, index))
        limits = {"low": _at(lows, index), "high": _at(highs, index)}
        low = number(shown, "Min") if shown else number(limits, "low")
        high = number(shown, "Max") if shown else number(limits, "high")
        given = _at(names, index)
        made.append(
            Channel(
                given if isinstance(given, str) and given else other,
                f"{color & 0xFFFFFF:06X}" if isinstance(color, int) else None,
                window_of(low, high),
            )
        )
    return made


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def positions(summary: Mapping[str, Any]) -> list[JsonObject]:
    """Return the positions that were to be imaged; empty if none are listed."""
    found = items(summary, "StagePositions") or items(summary, "InitialPositionList")
    return [each if isinstance(each, dict) else {} for each in found]


def stage(metadata: JsonObject, place: Mapping[str, Any]) -> StagePosition | None:
    """Return where the stage was.

    Parameters
    ----------
    metadata : mapping
        Of the first frame.
    place : mapping
        The position in the list of those that were to be imaged, in case the frame does not say.
    """
    found = ndtiff_notes.stage(metadata)
    if found is not None:
        return found
    x, y, z = _listed_stage(place)
    return None if x is y is z is None else StagePosition(x=x, y=y, z=z)


def _listed_stage(place: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Return x, y and z of a position in the list; a stage of two axes has x and y."""
    noted = place.get("DeviceCoordinatesUm")
    moved = list(noted.values()) if isinstance(noted, dict) else []
    for device in items(place, "DevicePositions"):
        moved.append(device.get("Position_um") if isinstance(device, dict) else None)
    found: dict[str, Any] = {}
    for values in moved:
        if isinstance(values, list):
            found.update(zip("xy" if len(values) == 2 else "z", values, strict=False))
    return number(found, "x"), number(found, "y"), number(found, "z")


def planned(summary: Mapping[str, Any], name: str, axis: str) -> int | None:
    """Return how many were planned along an axis; None if the summary does not say.

    Parameters
    ----------
    summary : mapping
        Of the acquisition.
    name : str
        As versions 1.4 and 2 say it, such as ``Frames``.
    axis : str
        As version 2 says it too, such as ``time``.
    """
    intended = summary.get("IntendedDimensions")
    found = number(intended, axis) if isinstance(intended, dict) else None
    found = number(summary, name) if found is None else found
    return None if found is None else int(found)
