"""Folders that ClearControl writes: text indexes, and a raw or Blosc file for each stack.

``<channel>.index.txt`` has a line for each stack: its number, the time [s], and its size along x,
y and z, between tabs. ``<channel>.metadata.txt``, if there is one, has JSON in each line. The
pixels, of 8 or 16 bit, are in ``stacks/<channel>/000000.raw`` or ``.blc``.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Sequence
from functools import partial
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning
from iohub.formats.blosc_stacks import BloscStacks
from iohub.formats.images import Channel, ImageSource, virtual_store
from iohub.formats.opening import local_group
from iohub.formats.page_pixels import PagePixels
from iohub.formats.tiff_files import TiffFiles
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes
    from iohub.types import JsonObject, NDArray

name = "clear-control"
title = "ClearControl"
suffixes: tuple[str, ...] = ()
packages: tuple[str, ...] = ()
extra = ""

_INDEX, _METADATA, _STACKS = ".index.txt", ".metadata.txt", "stacks"
_RAW, _PACKED = ".raw", ".blc"


class Stack(NamedTuple):
    """A line of an index.

    Attributes
    ----------
    channel : str
        Whose index it is.
    line : int
        Number of the line, from 0.
    number : int
        Of the stack; its time point.
    time : float
        When it was taken [s].
    shape : tuple of int
        ``(Z, Y, X)``.
    """

    channel: str
    line: int
    number: int
    time: float
    shape: tuple[int, int, int]


def sniff(location: Location) -> bool:
    """Whether it is a folder with an index and stacks, or such an index."""
    path = location.local_path
    return path is not None and _folder(path) is not None


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a folder as a position; as a series if its stacks are of different sizes.

    Raises
    ------
    FormatError
        If an index is damaged, or no stack is there.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a folder as a Zarr store.

    Parameters
    ----------
    path : str
        The folder, or an index in it.
    """
    folder = _folder(path) or path
    names = sorted(each.removesuffix(_INDEX) for each in os.listdir(folder) if _is_index(each))
    planned = {channel: _read_index(folder, channel) for channel in names}
    data = _Data(folder, names)
    groups: dict[tuple[int, int, int], list[Stack]] = {}
    for stack in chain.from_iterable(planned.values()):
        if data.holds(stack):
            groups.setdefault(stack.shape, []).append(stack)
    if not groups:
        raise FormatError(f"{folder}: none of the stacks that its indexes name is there")
    complete = [data.complete(groups[shape]) for shape in sorted(groups, reverse=True)]
    _warn_absent(folder, planned, [stacks for stacks, _ in complete])
    images = [
        _image(data, folder, stacks, itemsize, several=len(groups) > 1)
        for stacks, itemsize in complete
    ]
    return virtual_store(folder, images, reopen=(open_store, (path,)), close=data.close)


def _folder(path: str) -> str | None:
    if os.path.isfile(path) and _is_index(os.path.basename(path)):
        path = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(os.path.join(path, _STACKS)):
        return None
    try:
        return path if any(map(_is_index, os.listdir(path))) else None
    except OSError:
        return None


def _is_index(file: str) -> bool:
    return file.endswith(_INDEX) and len(file) > len(_INDEX)


def _read_index(folder: str, channel: str) -> list[Stack]:
    path = os.path.join(folder, channel + _INDEX)
    found: dict[int, Stack] = {}
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line, text in enumerate(lines):
        if not text.strip():
            continue
        try:
            number, time, sizes, *_ = text.split("\t")
            x, y, z = (int(size) for size in sizes.split(","))
            stack = Stack(channel, line, int(number), float(time), (z, y, x))
            if stack.number < 0 or min(stack.shape) < 1 or not math.isfinite(stack.time):
                raise ValueError("a number is out of range")
        except ValueError as error:
            if line < len(lines) - 1:
                raise FormatError(f"{path} is damaged in line {line + 1}: {text!r:.80}") from error
            warnings.warn(
                f"{path}: its last line was cut ({text!r:.80}); the stack is left out",
                MetadataWarning,
                stacklevel=2,
            )
            continue
        found[stack.number] = stack
    return list(found.values())


class _Data:
    """The files of stacks.

    Parameters
    ----------
    folder : str
        Where they are.
    channels : sequence of str
        Names of the channels.
    """

    def __init__(self, folder: str, channels: Sequence[str]):
        self._numbers: dict[tuple[str, int], int] = {}
        self._sizes: list[int] = []
        paths: list[str] = []
        for channel in channels:
            inside = os.path.join(folder, _STACKS, channel)
            entries = os.scandir(inside) if os.path.isdir(inside) else ()
            for entry in sorted(entries, key=lambda entry: entry.name):
                stem, suffix = os.path.splitext(entry.name)
                # Of both kinds the raw one, which sorts last.
                if suffix in (_RAW, _PACKED) and stem.isdecimal() and entry.is_file():
                    self._numbers[channel, int(stem)] = len(paths)
                    self._sizes.append(entry.stat().st_size)
                    paths.append(entry.path)
        self._paths = paths
        self._files = TiffFiles(paths, folder)
        self._packed = BloscStacks(self._files.read, paths.__getitem__)
        self.close = self._files.close

    def number(self, stack: Stack) -> int:
        """Return the number of the file of a stack."""
        return self._numbers[stack.channel, stack.number]

    def holds(self, stack: Stack) -> bool:
        """Whether there is a file of a stack."""
        return (stack.channel, stack.number) in self._numbers

    def complete(self, stacks: Sequence[Stack]) -> tuple[list[Stack], int]:
        """Return the stacks of one size whose files were not cut, and the bytes of a pixel.

        Raises
        ------
        FormatError
            If files do not fit the size that the index gives.
        """
        voxels = prod(stacks[0].shape)
        sizes = {stack: self._sizes[self.number(stack)] for stack in stacks}
        packed = [stack for stack in stacks if self._is_packed(self.number(stack))]
        for stack in packed:  # their lengths are not known before they are read
            sizes[stack] = self._packed.nbytes(self.number(packed[0]))
        widest = max(stacks, key=sizes.__getitem__)
        if sizes[widest] not in (voxels, 2 * voxels):
            z, y, x = widest.shape
            raise FormatError(
                f"{self._paths[self.number(widest)]} has {sizes[widest]} bytes of pixels, which is "
                f"no stack of {x} × {y} × {z} pixels of 8 or 16 bit; it was cut or is damaged"
            )
        kept = [stack for stack in stacks if sizes[stack] == sizes[widest]]
        return kept, sizes[widest] // voxels

    def _is_packed(self, file: int) -> bool:
        return self._paths[file].endswith(_PACKED)

    def read(self, place: tuple[int, int], start: int, out: NDArray) -> None:
        """Read bytes of a plane, given by its file and where it begins in that."""
        file, plane = place
        if self._is_packed(file):
            self._packed.read_into(file, plane + start, out)
        else:
            self._files.read_into(file, plane + start, out)


def _image(
    data: _Data, folder: str, stacks: Sequence[Stack], itemsize: int, several: bool
) -> ImageSource:
    channels = list(dict.fromkeys(stack.channel for stack in stacks))
    at = {(stack.number, channels.index(stack.channel)): stack for stack in stacks}
    count = max(stack.number for stack in stacks) + 1
    depth, height, width = stacks[0].shape
    files = {index: data.number(stack) for index, stack in at.items()}

    def place(t: int, c: int, z: int) -> tuple[int, int] | None:
        file = files.get((t, c))
        return None if file is None else (file, z * height * width * itemsize)

    dtype = "uint8" if itemsize == 1 else "uint16"
    pixels = PagePixels((count, len(channels), depth, height, width), dtype, place, data.read)
    noted = _noted(folder, stacks[0].channel).get(stacks[0].line, {})
    increment = _increment([stack for stack in stacks if stack.channel == channels[0]])
    missing = (count * len(channels) - len(stacks)) * depth
    record = AcquisitionRecord(
        name=os.path.basename(folder) or None,
        source=title,
        time_increment=increment,
        channels=[ChannelOptics(name=channel) for channel in channels],
        missing=missing or None,
    )
    return ImageSource(
        f"{width}x{height}x{depth}" if several else os.path.basename(folder),
        "tczyx",
        [pixels],
        scale={
            "t": increment or 1.0,
            **{axis: _positive(noted.get(f"VoxelDim{axis.upper()}")) for axis in "zyx"},
        },
        channels=[Channel(channel) for channel in channels],
        acquisition=record,
        frames=partial(_frames, folder, at),
    )


def _positive(value: Any) -> float:
    fits = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if fits else 1.0


def _increment(stacks: Sequence[Stack]) -> float | None:
    first = min(stacks, key=lambda stack: stack.number)
    last = max(stacks, key=lambda stack: stack.number)
    if last.number == first.number or last.time <= first.time:
        return None
    return (last.time - first.time) / (last.number - first.number)


def _noted(folder: str, channel: str) -> dict[int, JsonObject]:
    """Return the metadata of a channel's stacks by their lines; what is no JSON is left out."""
    path = os.path.join(folder, channel + _METADATA)
    if not os.path.isfile(path):
        return {}
    found: dict[int, JsonObject] = {}
    bad: list[int] = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line, text in enumerate(file):
            try:
                value = json.loads(text) if text.strip() else None
            except ValueError:
                value = text
            if isinstance(value, dict):
                found[line] = value
            elif value is not None:
                bad.append(line + 1)
    if bad:
        warnings.warn(
            f"{path}: {len(bad)} lines are no JSON objects and are left out (the first is number "
            f"{bad[0]})",
            MetadataWarning,
            stacklevel=2,
        )
    return found


def _frames(folder: str, at: dict[tuple[int, int], Stack]) -> list[JsonObject]:
    noted = {stack.channel: dict[int, Any]() for stack in at.values()}
    for channel in noted:
        noted[channel] = _noted(folder, channel)
    return [
        {"t": t, "c": c, "time": stack.time, **noted[stack.channel].get(stack.line, {})}
        for (t, c), stack in sorted(at.items())
    ]


def _warn_absent(
    folder: str,
    planned: dict[str, list[Stack]],
    groups: Sequence[Sequence[Stack]],
) -> None:
    """Say which channels are shorter than others, and which stacks have no file."""
    lengths = {channel: len(stacks) for channel, stacks in planned.items()}
    there = dict.fromkeys(planned, 0)
    for stack in chain.from_iterable(groups):
        there[stack.channel] += 1
    absent = {channel: lengths[channel] - count for channel, count in there.items()}
    said = []
    if len(set(lengths.values())) > 1:
        named = ", ".join(f"{channel}: {count}" for channel, count in lengths.items())
        said.append(f"its channels have different numbers of stacks ({named})")
    if any(absent.values()):
        named = ", ".join(f"{count} of {channel}" for channel, count in absent.items() if count)
        said.append(f"stacks that its indexes name are not there or were cut ({named})")
    if said:
        warnings.warn(
            f"{folder}: {', and '.join(said)}; they read as zeros, and frame_metadata lists those "
            "that are there",
            MissingFramesWarning,
            stacklevel=2,
        )
