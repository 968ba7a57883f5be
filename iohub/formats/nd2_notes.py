"""What an ND2 file notes beside pixels: names, sizes, stage positions, optics, recorded data."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from iohub.errors import MetadataWarning
from iohub.formats.images import Channel, unique_names
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition

if TYPE_CHECKING:
    from nd2 import ND2File

    from iohub.formats.frame_grid import FrameGrid
    from iohub.formats.handles import Handle
    from iohub.types import JsonObject

_SAMPLES = ("Red", "Green", "Blue", "Alpha")
# Day 0 of the Julian day numbers that NIS-Elements counts in, as days before 1970.
_JULIAN = 2440587.5


class Notes:
    """Metadata of the whole file.

    Parameters
    ----------
    file : nd2.ND2File
        The file.
    path : str
        Its path, for messages.

    Attributes
    ----------
    scale : dict of str to float
        Pixel size along axes.
    units : dict of str to None
        Axes that have no unit, as the objective was not calibrated.
    """

    def __init__(self, file: ND2File, path: str):
        self._file, self._path = file, path
        self._channels = list(file.metadata.channels or ())
        self._loops: dict[str, Any] = {loop.type: loop for loop in file.experiment}
        self._raw = self._picture()
        self.increment = self._increment()
        self.scale: dict[str, float] = {"t": self.increment or 1.0}
        self.units: dict[str, str | None] = {}
        if self._channels:
            volume = self._channels[0].volume
            for axis, size, known in zip(
                "xyz", volume.axesCalibration, volume.axesCalibrated, strict=True
            ):
                self.scale[axis] = abs(size) if known and math.isfinite(size) and size else 1.0
                if not known and axis != "z":
                    self.units[axis] = None

    def label(self, position: int) -> str:
        """Return the name of a position, empty if it has none."""
        points = self._points()
        return (points[position].name or "") if position < len(points) else ""

    def channels(self, more: int) -> list[Channel]:
        """Describe the channels, all of them for each step of the loops that multiply them."""
        made: list[Channel] = []
        for step in range(more):
            suffix = [f"step={step}"] if more > 1 else []
            for channel, samples in self._components():
                color = channel.channel.color
                text = f"{color.r:02X}{color.g:02X}{color.b:02X}"
                if samples == 1:
                    named = " ".join([channel.channel.name, *suffix]).strip()
                    made.append(Channel(named, text if any(color[:3]) else None))
                    continue
                for number in range(samples):
                    kind = _SAMPLES[number] if samples in (3, 4) else str(number)
                    made.append(Channel(" ".join([channel.channel.name, *suffix, kind]).strip()))
        return made

    def record(self, position: int, grid: FrameGrid[int]) -> AcquisitionRecord:
        """Return what OME-Zarr has no place for."""
        optics: list[ChannelOptics] = []
        for _ in range(grid.shape[1]):
            for channel, samples in self._components():
                known = channel.channel if samples == 1 else None
                optics += samples * [
                    ChannelOptics(
                        name="",
                        excitation=known and known.excitationLambdaNm,
                        emission=known and known.emissionLambdaNm,
                    )
                ]
        names = unique_names([channel.name for channel in self.channels(grid.shape[1])])
        microscope = asdict(self._channels[0].microscope) if self._channels else {}
        return AcquisitionRecord(
            name=self.label(position) or None,
            source=f"ND2 {'.'.join(map(str, self._file.version))}",
            date=self._date(),
            stage=self._stage(position),
            time_increment=self.increment,
            channels=[each.replace(name=name) for each, name in zip(optics, names, strict=True)],
            instrument={key: value for key, value in microscope.items() if value} or None,
            summary=dict(self._file.text_info) or None,
            missing=grid.missing or None,
        )

    # steps

    def _components(self) -> list[tuple[Any, int]]:
        """Return the channels and how many samples each has; none if that is not said."""
        count, channels = self._file.attributes.componentCount, len(self._channels)
        if not channels or count % channels:
            return []
        return [(channel, count // channels) for channel in self._channels]

    def _points(self) -> list[Any]:
        loop = self._loops.get("XYPosLoop")
        return [] if loop is None else list(loop.parameters.points)

    def _picture(self) -> JsonObject:
        """Return what was noted with the first frame."""
        for name in ("ImageMetadataSeqLV|0", "ImageMetadataSeq|0"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there is no such chunk
                found = self._file.unstructured_metadata(include={name}).get(name)
            if isinstance(found, dict):
                inner = found.get("SLxPictureMetadata", found)
                return dict(inner) if isinstance(inner, dict) else {}
        return {}

    def _number(self, key: str) -> float | None:
        value = self._raw.get(key)
        return float(value) if isinstance(value, float | int) and math.isfinite(value) else None

    def _stage(self, position: int) -> StagePosition | None:
        """Return where the stage was at the first plane of a position."""
        x, y, z = (self._number(key) for key in ("XPos", "YPos", "ZPos"))
        points = self._points()
        if position < len(points):
            there = points[position].stagePositionUm
            x, y = there.x, there.y
            if self._loops["XYPosLoop"].parameters.isSettingZ:
                z = there.z
        stack = self._loops.get("ZStackLoop")
        if stack is not None and z is not None:
            z -= (stack.parameters.homeIndex or 0) * stack.parameters.stepUm
        return None if x is y is z is None else StagePosition(x=x, y=y, z=z)

    def _increment(self) -> float | None:
        """Return the time between time points [s], on average if that is known."""
        found: list[tuple[int, float]] = []
        for kind in ("TimeLoop", "NETimeLoop"):
            loop = self._loops.get(kind)
            if loop is None:
                continue
            phases = [loop.parameters] if kind == "TimeLoop" else loop.parameters.periods
            for phase in phases:
                count = loop.count if kind == "TimeLoop" else phase.count
                found.append((count, phase.periodDiff.avg or phase.periodMs or 0.0))
        total = sum(count for count, _ in found)
        if not total or not all(math.isfinite(period) for _, period in found):
            return None
        return sum(count * period for count, period in found) / total / 1000 or None

    def _date(self) -> str | None:
        day = self._number("TimeAbsolute")
        if day is None or day <= _JULIAN:
            return None
        try:
            began = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day - _JULIAN)
        except OverflowError:
            return None
        return began.isoformat(timespec="milliseconds")


def frame_rows(handle: Handle[ND2File], path: str, grid: FrameGrid[int]) -> list[JsonObject]:
    """Return the data that were recorded of each frame of a position.

    Parameters
    ----------
    handle : Handle
        The file.
    path : str
        Its path, for messages.
    grid : FrameGrid
        Numbers of the frames.
    """
    file = handle.get()
    rows: dict[int, JsonObject] = {}
    # nd2 makes a row of each frame that was planned.
    planned = math.prod(loop.count for loop in file.experiment)
    if planned <= 1000 * max(1000, file.attributes.sequenceCount):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns that nd2 does not know, and leaves out
            recorded = file.events(orient="records", null_value=None)
        for row in recorded:
            if "Index" in row:
                rows[int(row["Index"])] = row
    else:
        warnings.warn(
            f"{path}: {planned} frames were planned; what was recorded of them is left out",
            MetadataWarning,
            stacklevel=2,
        )
    several = grid.shape[1] > 1
    components = file.attributes.componentCount
    return [
        {
            "t": t,
            **({"c": c * components} if several else {}),
            "z": z,
            **{key: _plain(value) for key, value in rows.get(number, {}).items() if _said(value)},
        }
        for (t, c, z), number in grid.in_order()
    ]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _said(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
