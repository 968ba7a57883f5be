"""NDTiff data sets, versions 2 and 3: folders of TIFF files with an index, by Micro-Manager.

The index says where each frame is; no TIFF directory is read, and no package is needed. How axes
become positions and channels is in ``ndtiff_images.py``.
"""

from __future__ import annotations

import json
import os
import struct
import warnings
from typing import TYPE_CHECKING

from iohub.errors import FormatError, MetadataWarning
from iohub.formats import ndtiff_index
from iohub.formats.frame_grid import warn_missing
from iohub.formats.images import virtual_store
from iohub.formats.ndtiff_images import NDTiffFiles, images_of
from iohub.formats.opening import local_group
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.formats.ndtiff_index import Entry
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes
    from iohub.types import JsonObject

name = "ndtiff"
title = "NDTiff"
suffixes: tuple[str, ...] = ()
packages: tuple[str, ...] = ()
extra = ""

# Where the frames are in data sets of version 2, and in those with stitched resolutions.
_FULL = "Full resolution"

# How the TIFF directory of a frame begins: it has 13 entries.
_DIRECTORY = struct.pack("<H", 13)


def sniff(location: Location) -> bool:
    """Whether it is a folder with an index, the index itself, or one of its TIFF files."""
    path = location.local_path
    return path is not None and _folder(path) is not None


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a data set as a position, a series of positions or a plate.

    Raises
    ------
    FormatError
        If the index, or all of the files, are damaged.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a data set as a Zarr store.

    Parameters
    ----------
    path : str
        Its folder, its index, or one of its files.
    """
    folder = _folder(path) or path
    entries = ndtiff_index.read_index(os.path.join(folder, ndtiff_index.NAME))
    url = os.path.dirname(folder) if os.path.basename(folder) == _FULL else folder
    entries, lost = _present(folder, entries)
    if not entries:
        raise FormatError(f"{url}: no frame is in its files ({', '.join(list(lost)[:5])})")
    files = NDTiffFiles(folder, entries, url)
    images, grids = images_of(files, entries, _summary(files, entries))
    warn_missing(url, grids, lost)
    _warn_unnamed(files, entries)
    return virtual_store(
        url,
        images,
        reopen=(open_store, (path,)),
        close=files.close,
        plate_name=os.path.basename(url),
    )


def _folder(path: str) -> str | None:
    """Return the folder with the index that a path belongs to."""
    if os.path.isdir(path):
        tried = [path, os.path.join(path, _FULL)]
    elif os.path.basename(path) == ndtiff_index.NAME or _is_file(path):
        tried = [os.path.dirname(os.path.abspath(path))]
    else:
        return None
    for folder in tried:
        if os.path.isfile(os.path.join(folder, ndtiff_index.NAME)):
            return folder
    return None


def _is_file(path: str) -> bool:
    if not path.endswith(".tif"):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return len(head) == 12 and struct.unpack_from("<I", head, 8) == (ndtiff_index.MARK,)


def _present(folder: str, entries: list[Entry]) -> tuple[list[Entry], dict[str, int]]:
    """Return the frames that the files hold, and how many others there are of each file."""
    sizes: dict[str, int] = {}
    found, lost = [], dict[str, int]()
    for entry in entries:
        if entry.file not in sizes:
            path = os.path.join(folder, entry.file)
            sizes[entry.file] = os.path.getsize(path) if os.path.isfile(path) else -1
        if entry.offset + entry.geometry.nbytes <= sizes[entry.file]:
            found.append(entry)
        else:
            lost[entry.file] = lost.get(entry.file, 0) + 1
    return found, lost


def _warn_unnamed(files: NDTiffFiles, entries: list[Entry]) -> None:
    """Say so if a file goes on behind the last frame of it that the index names."""
    ends: dict[str, int] = {}
    for entry in entries:
        ends[entry.file] = max(ends.get(entry.file, 0), sum(entry.metadata))
    unnamed = [
        file for file, end in ends.items() if files.read(file, end + end % 2, 2) == _DIRECTORY
    ]
    if unnamed:
        warnings.warn(
            f"{files.url}: {', '.join(unnamed)} hold frames that {ndtiff_index.NAME} does not "
            "name; it was cut, and they are not shown",
            MetadataWarning,
            stacklevel=2,
        )


def _summary(files: NDTiffFiles, entries: list[Entry]) -> JsonObject:
    """Return the description of the whole acquisition, which each file begins with."""
    file = entries[0].file
    try:
        offset, size = ndtiff_index.summary_place(files.read(file, 0, 28))
        found = json.loads(files.read(file, offset, size).rstrip(b"\0"))
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        warnings.warn(
            f"{files.url}: the summary metadata in {file} cannot be read ({error}); names and "
            "sizes that only they give are left out",
            MetadataWarning,
            stacklevel=2,
        )
        return {}
    return found
