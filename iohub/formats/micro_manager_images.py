"""Frames that Micro-Manager wrote as images: positions with axes t, c, z, y and x.

The shape of a position is that of the frames that were written, not of those that were planned.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning
from iohub.formats import micro_manager_metadata as noted
from iohub.formats.frame_grid import FrameGrid, warn_missing
from iohub.formats.images import Channel, ImageSource, unique_names, well_of
from iohub.formats.ndtiff_notes import date, number, text
from iohub.formats.tiff_pages import PageReader, PageTable
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics

if TYPE_CHECKING:
    from iohub.formats.tiff_layout import TiffPages
    from iohub.types import JsonObject

# Frame of an image, and page of a file.
Index = tuple[int, int, int]
Place = tuple[int, int]

_SAMPLES = ("Red", "Green", "Blue")

# Planned sizes as the summary has them, in the order of an index.
_PLANNED = (
    ("time points", "Frames", "time"),
    ("channels", "Channels", "channel"),
    ("planes", "Slices", "z"),
)

# An image of more planes than this has most of them, unless an index is damaged.
_FEW, _MOST_EMPTY = 1 << 16, 64


@dataclass(frozen=True)
class Acquisition:
    """All that was read of an acquisition.

    Attributes
    ----------
    url : str
        What it is, for messages.
    positions : mapping of int to mapping
        Of each position, by number, where its frames are.
    pages : TiffPages
        The files.
    metadata : callable
        Returns the metadata of a frame, given the number of its file and of its page.
    summary : mapping
        Of the whole acquisition.
    display : sequence
        Settings of the display, one for each channel.
    comments : JSON value
        What people wrote.
    names : mapping of int to str
        What positions are called, if frames do not say.
    """

    url: str
    positions: Mapping[int, Mapping[Index, Place]]
    pages: TiffPages
    metadata: Callable[[int, int], JsonObject]
    summary: JsonObject = field(default_factory=dict)
    display: Sequence[Any] = ()
    comments: Any = None
    names: Mapping[int, str] = field(default_factory=dict)

    def noted(self, place: Place) -> JsonObject:
        """Return the metadata of a frame; none and a warning if they are damaged."""
        try:
            return self.metadata(*place)
        except FormatError as error:
            warnings.warn(f"{self.url}: {error}; they are left out", MetadataWarning, stacklevel=2)
            return {}


def images_of(acquisition: Acquisition) -> list[ImageSource]:
    """Describe the positions, in the order of their numbers; what is missing is warned of.

    Raises
    ------
    FormatError
        If no frame was written, or a page or an index is damaged.
    """
    url = acquisition.url
    grids = {
        position: FrameGrid(frames)
        for position, frames in sorted(acquisition.positions.items())
        if frames
    }
    if not grids:
        raise FormatError(f"{url} has no frame: the acquisition ended before the first one")
    for grid in grids.values():
        if math.prod(grid.shape) > max(_FEW, _MOST_EMPTY * len(grid.frames)):
            raise FormatError(
                f"{url} numbers its frames up to {grid.shape} (t, c, z) and has "
                f"{len(grid.frames)} of them; its index is damaged"
            )
    common = _Common(acquisition, next(iter(grids.values())))
    images = [_image(acquisition, *each, common) for each in grids.items()]
    names = unique_names([image.name for image in images])
    _warn_planned(acquisition, grids)
    warn_missing(url, dict(zip(names, grids.values(), strict=True)))
    return images


class _Common:
    """What all positions share, from the frames of the first one."""

    def __init__(self, acquisition: Acquisition, grid: FrameGrid[Place]):
        self.increment = _increment(acquisition, grid)
        self.places = noted.positions(acquisition.summary)
        self._acquisition = acquisition
        self._channels: dict[int, JsonObject] = {}

    def channels(self, grid: FrameGrid[Place]) -> tuple[list[Channel], list[float | None]]:
        """Describe the channels of a position, and how long they were exposed [s]."""
        ordered = grid.in_order()
        said, exposures = [], []
        for channel in range(grid.shape[1]):
            if channel not in self._channels:
                first = next((place for (_, c, _), place in ordered if c == channel), None)
                self._channels[channel] = {} if first is None else self._acquisition.noted(first)
            metadata = self._channels[channel]
            said.append(text(metadata, "Channel") or f"Channel {channel}")
            exposure = number(metadata, "Exposure-ms", "Exposure")
            exposures.append(None if exposure is None else exposure / 1000)
        made = noted.channels(self._acquisition.summary, self._acquisition.display, said)
        return made, exposures


def _image(
    acquisition: Acquisition, position: int, grid: FrameGrid[Place], common: _Common
) -> ImageSource:
    summary = acquisition.summary
    reader = PageReader(acquisition.pages, _table(grid), sample_axis=1)
    samples = reader.shape[1] // grid.shape[1]
    metadata = acquisition.noted(grid.in_order()[0][1])
    place = common.places[position] if position < len(common.places) else {}
    label = (
        text(metadata, "PositionName")
        or text(place, "Label")
        or acquisition.names.get(position, "")
    )
    found, exposures = common.channels(grid)
    channels = _per_sample(found, samples)
    names = unique_names([channel.name for channel in channels])
    scale, units = _scale(metadata, summary, common.increment, grid.shape)
    version = summary.get("MicroManagerVersion")
    return ImageSource(
        label or f"Pos{position}",
        "tczyx",
        [reader],
        scale=scale,
        units=units,
        channels=channels,
        acquisition=AcquisitionRecord(
            name=label or None,
            source=" ".join(filter(None, ["Micro-Manager", version and str(version)])),
            date=date(summary),
            stage=noted.stage(metadata, place),
            time_increment=common.increment,
            channels=[
                ChannelOptics(name=name, exposure=exposures[index // samples])
                for index, name in enumerate(names)
            ],
            summary=dict(summary) or None,
            missing=grid.missing or None,
            **({"comments": acquisition.comments} if acquisition.comments else {}),
        ),
        frames=partial(_frames, acquisition, grid, samples),
        well=well_of(label),
    )


def _table(grid: FrameGrid[Place]) -> PageTable:
    index = tuple(np.array(list(grid.frames)).T)
    places = np.array(list(grid.frames.values()))
    file, page = np.full(grid.shape, -1, np.int32), np.zeros(grid.shape, np.int64)
    file[index], page[index] = places.T
    return PageTable(file, page)


def _per_sample(channels: Sequence[Channel], samples: int) -> list[Channel]:
    """Return a channel for each sample of a color camera."""
    if samples == 1:
        return list(channels)
    parts = _SAMPLES if samples == len(_SAMPLES) else [str(n) for n in range(samples)]
    return [Channel(f"{channel.name} {part}") for channel in channels for part in parts]


def _scale(
    metadata: JsonObject, summary: Mapping[str, Any], increment: float | None, shape: Index
) -> tuple[dict[str, float], dict[str, str | None]]:
    """Return pixel sizes; axes of several pixels without one have no unit."""
    size = number(metadata, "PixelSizeUm") or number(summary, "PixelSize_um", "PixelSizeUm")
    step = number(summary, "z-step_um")
    sizes = {"t": increment, "z": abs(step) if step else None, "y": size, "x": size}
    scale = {axis: value for axis, value in sizes.items() if value}
    several = {"t": shape[0] > 1, "z": shape[2] > 1, "y": True, "x": True}
    units: dict[str, str | None] = dict.fromkeys(
        axis for axis in sizes if axis not in scale and several[axis]
    )
    return scale, units


def _increment(acquisition: Acquisition, grid: FrameGrid[Place]) -> float | None:
    """Return the time between time points [s]: as asked for, or else the average."""
    asked = number(acquisition.summary, "Interval_ms")
    if asked and asked > 0:
        return asked / 1000
    last = grid.shape[0] - 1
    ordered = grid.in_order()
    if not last or ordered[0][0][0] != 0:
        return None
    ends = ordered[0][1], next(place for (t, _, _), place in ordered if t == last)
    began, ended = (number(acquisition.noted(end), "ElapsedTime-ms") for end in ends)
    if began is None or ended is None or ended <= began:
        return None
    return (ended - began) / 1000 / last


def _frames(acquisition: Acquisition, grid: FrameGrid[Place], samples: int) -> list[JsonObject]:
    return [
        {**acquisition.noted(place), "t": t, "c": c * samples, "z": z}
        for (t, c, z), place in grid.in_order()
    ]


def _warn_planned(acquisition: Acquisition, grids: Mapping[int, FrameGrid[Place]]) -> None:
    """Say so if less was written than was planned."""
    summary, short = acquisition.summary, []
    positions = noted.planned(summary, "Positions", "position")
    if positions is not None and positions > len(grids):
        short.append(f"{len(grids)} of {positions} positions")
    shapes = [grid.shape for grid in grids.values()]
    for axis, (kind, *names) in enumerate(_PLANNED):
        wanted = noted.planned(summary, *names)
        written = [shape[axis] for shape in shapes]
        if wanted is not None and min(written) < wanted:
            counts = sorted({min(written), max(written)})
            short.append(f"{' to '.join(map(str, counts))} of {wanted} {kind}")
    if short:
        warnings.warn(
            f"{acquisition.url}: {', '.join(short)} were written; the acquisition was interrupted, "
            "and shapes are those of what there is",
            MissingFramesWarning,
            stacklevel=2,
        )
