"""What the metadata of NDTiff data sets say: labels, stage positions, times.

Names are those of Micro-Manager 1.4 and 2 and of AcqEngJ (Pycro-Manager).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from iohub.metadata.acquisition import StagePosition

if TYPE_CHECKING:
    from iohub.formats.ndtiff_index import Entry
    from iohub.types import JsonObject

_LISTS = ("StagePositions", "InitialPositionList")


def label(entry: Entry, metadata: JsonObject, summary: JsonObject) -> str:
    """Return what the position was called."""
    found = text(metadata, "PositionName")
    position = entry.axes.get("position")
    if found or position is None:
        return found
    for named in planned(entry, summary).values():
        found = found or (text(named, "Label") if isinstance(named, dict) else "")
    return found or str(position)


def planned(entry: Entry, summary: JsonObject) -> dict[str, Any]:
    """Return what the lists of positions in the summary say of this one."""
    position = entry.axes.get("position")
    lists = {key: items(summary, key) for key in _LISTS}
    return {
        key: there[position]
        for key, there in lists.items()
        if isinstance(position, int) and 0 <= position < len(there)
    }


def key(entry: Entry, label: str) -> str:
    """Return the key of the position: its label, and which tile it is."""
    tiles = [f"{axis[0]}{entry.axes[axis]}" for axis in ("row", "column") if axis in entry.axes]
    return "_".join(filter(None, [label, *tiles])) or "0"


def stage(metadata: JsonObject) -> StagePosition | None:
    """Return where the stage was at a frame, None if that was not noted."""
    x, y, z = (
        number(metadata, f"{axis}PositionUm", f"{axis}Position_um", f"{axis}Position_um_Intended")
        for axis in "XYZ"
    )
    return None if x is y is z is None else StagePosition(x=x, y=y, z=z)


def increment(
    metadata: Callable[[Entry], JsonObject], frames: Iterable[Entry], summary: JsonObject
) -> float | None:
    """Return the time between time points [s]: as asked for, or else the average.

    Parameters
    ----------
    metadata : callable
        Returns those of a frame.
    frames : iterable of Entry
        Frames of one channel of a position.
    summary : dict
        Description of the whole acquisition.
    """
    asked = number(summary, "Interval_ms")
    if asked:
        return asked / 1000
    times: dict[int, Entry] = {}
    for entry in frames:
        value = entry.axes.get("time")
        if isinstance(value, int):
            times.setdefault(value, entry)
    if len(times) < 2:
        return None
    low, high = min(times), max(times)
    began, ended = (number(metadata(times[at]), "ElapsedTime-ms") for at in (low, high))
    if began is None or ended is None or ended <= began:
        return None
    return (ended - began) / 1000 / (high - low)


def date(summary: JsonObject) -> str | None:
    """Return when it began, if the description says so in a way that is understood."""
    said = re.sub(r" (?=[+-]\d{4}$)", "", text(summary, "StartTime") or text(summary, "Time"))
    try:
        return datetime.fromisoformat(said).isoformat()
    except ValueError:
        return None


def number(metadata: Mapping[str, Any], *names: str) -> float | None:
    """Return the first of some metadata that is a number, None if none is."""
    for name in names:
        value = metadata.get(name)
        try:
            found = math.nan if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(found):
            return found
    return None


def text(metadata: Mapping[str, Any], name: str) -> str:
    """Return metadata that are text, empty if they are not."""
    value = metadata.get(name)
    return value if isinstance(value, str) else ""


def items(metadata: Mapping[str, Any], name: str) -> list[Any]:
    """Return metadata that are a list, empty if they are not."""
    value = metadata.get(name)
    return value if isinstance(value, list) else []
