"""How OME writes units, and which metadata of frames have a place in its element Plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from iohub.formats.images import ImageSource
    from iohub.types import JsonObject, Shape

_PREFIXES: Final = {
    "yotta": "Y",
    "zetta": "Z",
    "exa": "E",
    "peta": "P",
    "tera": "T",
    "giga": "G",
    "mega": "M",
    "kilo": "k",
    "hecto": "h",
    "": "",
    "deci": "d",
    "centi": "c",
    "milli": "m",
    "micro": "\u00b5",
    "nano": "n",
    "pico": "p",
    "femto": "f",
    "atto": "a",
    "zepto": "z",
    "yocto": "y",
}

LENGTHS: Final = {f"{name}meter": f"{letter}m" for name, letter in _PREFIXES.items()} | {
    "angstrom": "\u00c5",
    "foot": "ft",
    "inch": "in",
    "mile": "mi",
    "parsec": "pc",
    "yard": "yd",
    "pixel": "pixel",
    "reference frame": "reference frame",
}
"""Symbols of lengths by their names."""

TIMES: Final = {f"{name}second": f"{letter}s" for name, letter in _PREFIXES.items()} | {
    "day": "d",
    "hour": "h",
    "minute": "min",
}
"""Symbols of durations by their names."""

INDEXES: Final = ("t", "c", "z")

_MEMBERS: Final = ("DeltaT", "ExposureTime", "PositionX", "PositionY", "PositionZ")
PLANE_MEMBERS: Final = frozenset((*INDEXES, *_MEMBERS, *(f"{name}Unit" for name in _MEMBERS)))
"""Members of a frame that an element Plane holds as they are."""

# What other microscopes call the same.
_OTHERS: Final = {
    "DeltaT": (("ElapsedTime-ms", "ms"), ("Time [s]", "s")),
    "ExposureTime": (("Exposure-ms", "ms"), ("Exposure Time [ms]", "ms")),
    "PositionX": (("XPositionUm", "\u00b5m"), ("X Coord [\u00b5m]", "\u00b5m")),
    "PositionY": (("YPositionUm", "\u00b5m"), ("Y Coord [\u00b5m]", "\u00b5m")),
    "PositionZ": (("ZPositionUm", "\u00b5m"), ("Z Coord [\u00b5m]", "\u00b5m")),
}


def increment_of(source: ImageSource) -> tuple[float | None, str]:
    """Return the time between time points, and its unit; None if that is not known.

    A size of 1 along t is what is there without knowing, so what was noted goes before it.
    """
    unit = source.units.get("t", "second") if "t" in source.axes else None
    step = float(source.scale.get("t") or 1.0)
    noted = None if source.acquisition is None else source.acquisition.time_increment
    said = step != 1 or (unit != "second" and not noted)
    if unit in TIMES and step > 0 and said:
        return step, str(unit)
    return (float(noted), "second") if noted and noted > 0 else (None, "second")


def planes_of(
    source: ImageSource, grid: Shape, samples: int, frames: Sequence[JsonObject]
) -> Iterator[dict[str, object]]:
    """Return the attributes of elements Plane.

    Parameters
    ----------
    source : ImageSource
        The image.
    grid : tuple of int
        Planes along t, c and z.
    samples : int
        Channels of a plane.
    frames : sequence of dict
        Metadata of single frames; without them, what is known of the image is said of the first
        plane of each channel, where many programs look for it.
    """
    if not frames:
        yield from _first_planes(source, grid, samples)
        return
    seen = set()
    for frame in frames:
        at = tuple(
            _index(frame.get(axis, 0)) // (samples if axis == "c" else 1) for axis in INDEXES
        )
        inside = all(0 <= i < size for i, size in zip(at, grid, strict=True))
        said = _members(frame)
        if inside and at not in seen and said:
            seen.add(at)
            yield {"TheZ": at[2], "TheT": at[0], "TheC": at[1], **said}


def _first_planes(source: ImageSource, grid: Shape, samples: int) -> Iterator[dict[str, object]]:
    record = source.acquisition
    if record is None:
        return
    where: dict[str, object] = {}
    for axis in "xyz":
        value = None if record.stage is None else getattr(record.stage, axis)
        if record.stage is not None and value is not None:
            where[f"Position{axis.upper()}"] = float(value)
            unit = LENGTHS.get(record.stage.unit, "reference frame")
            where[f"Position{axis.upper()}Unit"] = unit
    exposures = [channel.exposure for channel in record.channels[::samples]]
    for index in range(grid[1]):
        said = dict(where)
        if index < len(exposures) and exposures[index] is not None:
            said |= {"ExposureTime": exposures[index], "ExposureTimeUnit": "s"}
        if said:
            yield {"TheZ": 0, "TheT": 0, "TheC": index, **said}


def _index(value: Any) -> int:
    return value if isinstance(value, int) else -1


def _members(frame: Mapping[str, Any]) -> dict[str, object]:
    said: dict[str, object] = {}
    for name, others in _OTHERS.items():
        value = _number(frame.get(name))
        if value is not None:
            said[name] = value
            unit = frame.get(f"{name}Unit")
            if isinstance(unit, str):
                said[f"{name}Unit"] = unit
            continue
        for other, unit in others:
            value = _number(frame.get(other))
            if value is not None:
                said[name], said[f"{name}Unit"] = value, unit
                break
    return said


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value
