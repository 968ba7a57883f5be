"""Micro-Manager image sequences: folders of single TIFF images with a ``metadata.txt`` in each.

Which frames there are is known from the names of the files, so that an acquisition opens at once
and opens if it was interrupted; ``metadata.txt`` is gone through when frames are asked for.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from iohub.errors import MetadataWarning
from iohub.formats.images import virtual_store
from iohub.formats.micro_manager_images import Acquisition, images_of
from iohub.formats.micro_manager_text import TEXT, FolderText, read_display, seems_text
from iohub.formats.ndtiff_notes import items, number
from iohub.formats.opening import closed_on_error, local_group
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_layout import TiffPages
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.formats.micro_manager_images import Index, Place
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes
    from iohub.types import JsonObject

name = "micro-manager-sequence"
title = "Micro-Manager image sequence"
suffixes: tuple[str, ...] = ()
packages: tuple[str, ...] = ("tifffile",)
extra = "tiff"

# img_000000003_GFP_005.tif by version 1.4, and as its parts are told apart by version 2.
_OLD = re.compile(r"img_(\d{9,})_(.*)_(\d{3,})\.tiff?", re.IGNORECASE)
_NEW = re.compile(r"img((?:_(?:channel|position|time|z)\d+)+)\.tiff?", re.IGNORECASE)
_PART = re.compile(r"_([a-z]+)(\d+)", re.IGNORECASE)


def sniff(location: Location) -> bool:
    """Whether it is such a folder, a folder of them, or the text in one."""
    path = location.local_path
    if path is None:
        return False
    if os.path.basename(path) == TEXT and seems_text(path):
        return True
    return bool(_folders(path))


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show an acquisition as a position, a series of positions or a plate.

    Parameters
    ----------
    location : Location
        Folder of an acquisition, or of one position.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If there is no image, or the first one of a position is damaged.
    MissingDependencyError
        If tifffile is not installed.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show an acquisition as the store that it could be; see :func:`open_group`."""
    root = os.path.dirname(path) if os.path.basename(path) == TEXT else path
    folders = _folders(root)
    texts = [FolderText(folder) for folder in folders]
    summary: JsonObject = next((text.summary for text in texts if text.summary), {})
    if not summary:
        warnings.warn(
            f"{path}: the summary in {TEXT} cannot be read; names and sizes that only it gives "
            "are left out",
            MetadataWarning,
            stacklevel=2,
        )
    scans = [_scan(folder, summary) for folder in folders]
    files = TiffFiles([file for scan in scans for file in scan.paths], path)
    with closed_on_error(files.close):
        images = images_of(_acquisition(path, files, scans, texts, summary))
    if folders == [root]:  # of a plate, one position was asked for
        images = [replace(image, well=None) for image in images]
    return virtual_store(
        path,
        images,
        reopen=(open_store, (path,)),
        close=files.close,
        plate_name=os.path.basename(root),
    )


@dataclass(frozen=True)
class _Scan:
    """A folder of images: their paths, index (t, c, z), and position if the names have it."""

    folder: str
    paths: Sequence[str]
    indexes: Sequence[Index]
    positions: Sequence[int | None]


def _folders(path: str) -> list[str]:
    """Return the folder, or those right below it, that have a text and may have images."""
    if not os.path.isdir(path):
        return []
    if seems_text(os.path.join(path, TEXT)):
        return [path]
    try:
        with os.scandir(path) as found:
            below = [entry.path for entry in found if entry.is_dir()]
    except OSError:
        return []
    return sorted((each for each in below if seems_text(os.path.join(each, TEXT))), key=_natural)


def _natural(text: str) -> list[tuple[int, str]]:
    """Order numbers in names by value: Pos10 after Pos9."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _scan(folder: str, summary: JsonObject) -> _Scan:
    """Find the images of a folder."""
    channels = [_bare(str(each)) for each in items(summary, "ChNames")]
    paths: list[str] = []
    indexes: list[Index] = []
    positions: list[int | None] = []
    for file in sorted(os.listdir(folder)):
        if old := _OLD.fullmatch(file):
            bare = _bare(old[2])
            if bare not in channels:
                channels.append(bare)
            at, position = (int(old[1]), channels.index(bare), int(old[3])), None
        elif new := _NEW.fullmatch(file):
            parts = {key.lower(): int(value) for key, value in _PART.findall(new[1])}
            at = parts.get("time", 0), parts.get("channel", 0), parts.get("z", 0)
            position = parts.get("position")
        else:
            continue
        paths.append(os.path.join(folder, file))
        indexes.append(at)
        positions.append(position)
    return _Scan(folder, paths, indexes, positions)


def _bare(channel: str) -> str:
    """Return what is left of a channel's name in the name of a file."""
    return re.sub(r"\W", "", channel)


def _acquisition(
    path: str,
    files: TiffFiles,
    scans: Sequence[_Scan],
    texts: Sequence[FolderText],
    summary: JsonObject,
) -> Acquisition:
    """Put the images of all folders together."""
    numbers = _numbers(scans, texts)
    positions: dict[int, dict[Index, Place]] = {}
    names: dict[int, str] = {}
    owners: list[FolderText] = []
    for scan, text, order in zip(scans, texts, numbers, strict=True):
        for index, own in zip(scan.indexes, scan.positions, strict=True):
            position = order if own is None else own
            positions.setdefault(position, {})[index] = len(owners), 0
            names[position] = os.path.basename(scan.folder)
            owners.append(text)
    display, comments = read_display(scans[0].folder)
    return Acquisition(
        path,
        positions,
        TiffPages(files),
        partial(_metadata, files, owners),
        summary,
        display,
        comments,
        names,
    )


def _numbers(scans: Sequence[_Scan], texts: Sequence[FolderText]) -> list[int]:
    """Return the number of each folder's position: as its frames say, or by order."""
    said: list[int | None] = []
    for scan, text in zip(scans, texts, strict=True):
        first = text.frame(os.path.basename(scan.paths[0])) if scan.paths else None
        index = number(first or {}, "PositionIndex")
        said.append(None if index is None or index < 0 else int(index))
    found = [index for index in said if index is not None]
    if len(found) == len(scans) and len(set(found)) == len(scans):
        return found
    return list(range(len(scans)))


def _metadata(files: TiffFiles, owners: Sequence[FolderText], file: int, page: int) -> JsonObject:
    """Return the metadata of a frame; none if the acquisition ended before they were written."""
    return owners[file].frame(os.path.basename(files.paths[file])) or {}
