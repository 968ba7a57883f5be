"""What frames of an NDTiff data set become: positions with axes t, c, z, y and x.

The axes position, row and column tell positions apart; so does the size of the frames. Every axis
that is neither these nor time and z multiplies the channels, so that no frame is left out.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from iohub.errors import MetadataWarning
from iohub.formats import ndtiff_notes as notes
from iohub.formats.frame_grid import FrameGrid, without_gaps
from iohub.formats.images import Channel, ImageSource, unique_names, well_of
from iohub.formats.page_pixels import PagePixels
from iohub.formats.tiff_files import TiffFiles
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics

if TYPE_CHECKING:
    from iohub.formats.ndtiff_index import Entry, Geometry
    from iohub.types import JsonObject, NDArray

Value: TypeAlias = "int | str | None"
Kind: TypeAlias = tuple[Value, ...]

_PLACES = ("position", "row", "column")
_TIME, _CHANNEL, _Z = "time", "channel", "z"
_SAMPLES = ("Red", "Green", "Blue")


class NDTiffFiles:
    """The TIFF files of a data set, by their names.

    Parameters
    ----------
    folder : str
        Where they are.
    entries : sequence of Entry
        Frames; all files that they are in exist.
    url : str
        The data set, for messages.
    """

    def __init__(self, folder: str, entries: Sequence[Entry], url: str):
        names = dict.fromkeys(entry.file for entry in entries)
        self._numbers = {name: number for number, name in enumerate(names)}
        self._files = TiffFiles([os.path.join(folder, name) for name in names], url)
        self.url, self.close = url, self._files.close

    def read(self, file: str, offset: int, size: int) -> bytes:
        """Read bytes of a file."""
        return self._files.read(self._numbers[file], offset, size)

    def read_pixels(self, entry: Entry, start: int, out: NDArray) -> None:
        """Read pixels of a frame, from a byte of it on."""
        self._files.read_into(self._numbers[entry.file], entry.offset + start, out)

    def metadata(self, entry: Entry) -> JsonObject:
        """Return the metadata of a frame, none and a warning if they are damaged."""
        offset, size = entry.metadata
        try:
            found = json.loads(self.read(entry.file, offset, size).rstrip(b"\0"))
            if isinstance(found, dict):
                return found
            error = ValueError("no object")
        except ValueError as raised:
            error = raised
        warnings.warn(
            f"{self.url}: the metadata of frame {entry.axes} in {entry.file} cannot be read "
            f"({error}) and are left out",
            MetadataWarning,
            stacklevel=2,
        )
        return {}


class _Axes:
    """The axes of a data set and their values, in order."""

    def __init__(self, entries: Iterable[Entry]):
        values: dict[str, dict[Value, None]] = {}
        for entry in entries:
            for axis, value in entry.axes.items():
                values.setdefault(axis, {})[value] = None
        self._ranks: dict[str, dict[Value, int]] = {}
        for axis, found in values.items():
            numbers = all(isinstance(value, int) for value in found)
            ordered = sorted(found) if numbers else list(found)  # type: ignore[type-var]
            self._ranks[axis] = {value: rank for rank, value in enumerate(ordered)}
        known = {*_PLACES, _TIME, _CHANNEL, _Z}
        # Within an entry the axes are in no order.
        self.more = sorted(values.keys() - known)
        self._kinds = (_CHANNEL, *self.more)

    def rank(self, axis: str, value: Value) -> int:
        """Order of a value along an axis; a frame that has none comes first."""
        return -1 if value is None else self._ranks[axis][value]

    def place_rank(self, place: tuple[Value, ...]) -> tuple[int, ...]:
        """Order of a position."""
        return tuple(self.rank(axis, value) for axis, value in zip(_PLACES, place, strict=True))

    def first(self, axis: str) -> int | None:
        """Lowest number along an axis."""
        low = next(iter(self._ranks.get(axis, ())), None)
        return low if isinstance(low, int) else None

    def varies(self, axis: str) -> bool:
        """Whether there is more than one value along an axis."""
        return len(self._ranks[axis]) > 1

    def kind(self, entry: Entry) -> Kind:
        """Tell the channels of the image apart: the channel, axes beyond, and which are absent."""
        axes = entry.axes
        return (*map(axes.get, self._kinds), _TIME in axes, _Z in axes)

    def kind_rank(self, kind: Kind) -> tuple[int, ...]:
        """Order of a channel."""
        ranks = [self.rank(axis, value) for axis, value in zip(self._kinds, kind, strict=False)]
        return (*ranks, not kind[-2], not kind[-1])


def images_of(
    files: NDTiffFiles, entries: Sequence[Entry], summary: JsonObject
) -> tuple[list[ImageSource], dict[str, FrameGrid[Entry]]]:
    """Describe the images that frames belong to, and which frames each of them has.

    Parameters
    ----------
    files : NDTiffFiles
        The files.
    entries : sequence of Entry
        Every frame.
    summary : dict
        Description of the whole acquisition.
    """
    axes = _Axes(entries)
    groups: dict[tuple[tuple[Value, ...], Geometry], dict[Kind, list[Entry]]] = {}
    firsts: dict[Kind, Entry] = {}
    for entry in entries:
        get, kind = entry.axes.get, axes.kind(entry)
        group = groups.setdefault((tuple(map(get, _PLACES)), entry.geometry), {})
        group.setdefault(kind, []).append(entry)
        firsts.setdefault(kind, entry)
    ordered = [groups[key] for key in sorted(groups, key=lambda key: axes.place_rank(key[0]))]
    several = len(ordered) > len({place for place, _ in groups})
    channels = _Channels(files, axes, firsts, summary)
    increment = notes.increment(files.metadata, next(iter(ordered[0].values())), summary)
    images: list[ImageSource] = []
    grids: dict[str, FrameGrid[Entry]] = {}
    for group in ordered:
        image, grid = _image(files, group, axes, channels, summary, increment, several)
        images.append(image)
        grids[image.name if image.name not in grids else f"{image.name} {len(grids)}"] = grid
    return images, grids


class _Channels:
    """Names, colors and optics of the channels, each from the first frame that it has."""

    def __init__(
        self,
        files: NDTiffFiles,
        axes: _Axes,
        firsts: Mapping[Kind, Entry],
        summary: JsonObject,
    ):
        self._metadata = {kind: files.metadata(entry) for kind, entry in firsts.items()}
        names, colors = (notes.items(summary, key) for key in ("ChNames", "ChColors"))
        self._names = names
        self._colors = dict(zip(map(str, names), colors, strict=False))
        self._axes = axes

    def describe(self, entries: Iterable[Entry]) -> tuple[list[Channel], list[ChannelOptics]]:
        """Describe what is in frames of an image: a channel, or one for each sample."""
        made = [each for entry in entries for each in self._describe(entry)]
        names = unique_names([channel.name for channel, _ in made])
        optics = [
            ChannelOptics(name=name, exposure=exposure)
            for name, (_, exposure) in zip(names, made, strict=True)
        ]
        return [channel for channel, _ in made], optics

    def _describe(self, entry: Entry) -> list[tuple[Channel, float | None]]:
        """Return the channels in a frame, and their exposure times [s]."""
        metadata = self._metadata[self._axes.kind(entry)]
        base = self._base(entry, metadata)
        argb = self._colors.get(base)
        color = f"{argb & 0xFFFFFF:06X}" if isinstance(argb, int) else None
        more = [
            f"{axis}={entry.axes[axis]}"
            for axis in self._axes.more
            if axis in entry.axes and self._axes.varies(axis)
        ]
        exposure = notes.number(metadata, "Exposure-ms", "Exposure")
        seconds = None if exposure is None else exposure / 1000
        samples = _SAMPLES if entry.geometry.samples == len(_SAMPLES) else ("",)
        names = [" ".join(filter(None, [base, *more, sample])) for sample in samples]
        return [(Channel(name, color if len(names) == 1 else None), seconds) for name in names]

    def _base(self, entry: Entry, metadata: JsonObject) -> str:
        value = entry.axes.get(_CHANNEL)
        if isinstance(value, str):
            return value
        if value is not None and 0 <= value < len(self._names):
            return str(self._names[value])
        return notes.text(metadata, "Channel") or ("" if value is None else f"Channel {value}")


def _image(
    files: NDTiffFiles,
    group: Mapping[Kind, Sequence[Entry]],
    axes: _Axes,
    channels: _Channels,
    summary: JsonObject,
    increment: float | None,
    several: bool,
) -> tuple[ImageSource, FrameGrid[Entry]]:
    grid, kinds, noted = _grid(group, axes)
    first = grid.in_order()[0][1]
    geometry, metadata = first.geometry, files.metadata(first)
    made, optics = channels.describe([group[kind][0] for kind in kinds])
    label = notes.label(first, metadata, summary)
    size = (
        notes.number(metadata, "PixelSizeUm")
        or notes.number(summary, "PixelSize_um", "PixelSizeUm")
        or 1.0
    )
    t, c, z = grid.shape
    shape = (t, c * geometry.samples, z, geometry.height, geometry.width)
    pixels = PagePixels(
        shape, geometry.dtype, _place(grid.frames), files.read_pixels, geometry.samples
    )
    record = AcquisitionRecord(
        name=label or None,
        source=f"NDTiff {summary.get('MicroManagerVersion') or ''}".strip(),
        date=notes.date(summary),
        stage=notes.stage(metadata),
        time_increment=increment,
        channels=optics,
        # The summary is kept for each position; of the lists of all positions, its own entry.
        summary={**summary, **{key: [own] for key, own in notes.planned(first, summary).items()}}
        or None,
        missing=grid.missing or None,
        **({"axes": noted} if noted else {}),
    )
    name = notes.key(first, label)
    if several:
        name += f"_{geometry.width}x{geometry.height}_{geometry.dtype}"
    image = ImageSource(
        name,
        "tczyx",
        [pixels],
        scale={
            "t": increment or 1.0,
            "z": abs(notes.number(summary, "z-step_um") or 1.0),
            "y": size,
            "x": size,
        },
        channels=made,
        acquisition=record,
        frames=partial(_frames, files, grid, geometry.samples),
        well=well_of(label),
    )
    return image, grid


def _grid(
    group: Mapping[Kind, Sequence[Entry]], axes: _Axes
) -> tuple[FrameGrid[Entry], list[Kind], dict[str, list[int | str]]]:
    """Place the frames of an image.

    Returns
    -------
    grid : FrameGrid
        Frames by index.
    kinds : list
        The channels, in order.
    noted : dict
        Values along time and z, where they are not just counted from 0.
    """
    kinds = sorted(group, key=axes.kind_rank)
    numbers: list[dict[Value, int]] = []
    noted = {}
    for axis in (_TIME, _Z):
        there = {
            entry.axes[axis]
            for entries in group.values()
            for entry in entries
            if axis in entry.axes
        }
        in_order = sorted(there, key=partial(axes.rank, axis))
        values = without_gaps(in_order, axes.first(axis))
        numbers.append({None: 0, **{value: index for index, value in enumerate(values)}})
        if values != list(range(len(values))):
            noted[axis] = values
    times, depths = numbers
    frames = {
        (times[entry.axes.get(_TIME)], channel, depths[entry.axes.get(_Z)]): entry
        for channel, kind in enumerate(kinds)
        for entry in group[kind]
    }
    return FrameGrid(frames), kinds, noted


def _place(
    frames: Mapping[tuple[int, int, int], Entry],
) -> Callable[[int, int, int], Entry | None]:
    return lambda t, c, z: frames.get((t, c, z))


def _frames(files: NDTiffFiles, grid: FrameGrid[Entry], samples: int) -> list[JsonObject]:
    return [
        {"t": t, "c": c * samples, "z": z, "axes": dict(entry.axes), **files.metadata(entry)}
        for (t, c, z), entry in grid.in_order()
    ]
