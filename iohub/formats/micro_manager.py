"""Micro-Manager image stacks (``*_MMStack*.ome.tif``), by versions 1.4 and 2.

Each file has an index of its frames; the OME-XML, which says the same, is not read. All files of an
acquisition are opened together, whichever of them is named.
"""

from __future__ import annotations

import os
import warnings
from functools import partial
from typing import TYPE_CHECKING

from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning
from iohub.formats.images import virtual_store
from iohub.formats.micro_manager_images import Acquisition, images_of
from iohub.formats.micro_manager_stack import data_set, is_stack, read_metadata, read_stack
from iohub.formats.opening import closed_on_error, local_group
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_layout import TiffPages
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.formats.micro_manager_images import Index, Place
    from iohub.formats.micro_manager_stack import Stack
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "micro-manager"
title = "Micro-Manager image stack"
suffixes: tuple[str, ...] = (".ome.tif",)
packages: tuple[str, ...] = ("tifffile",)
extra = "tiff"


def sniff(location: Location) -> bool:
    """Whether it is a file of a stack, or a folder with such files."""
    path = location.local_path
    if path is None:
        return False
    if os.path.isfile(path):
        return _is_stack(path)
    return any(_is_stack(found) for found in _named(path))


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show an acquisition as a position, a series of positions or a plate.

    Parameters
    ----------
    location : Location
        Any file of the acquisition, or the folder with its files.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If a file is damaged, no frame was written, or the folder has several acquisitions.
    MissingDependencyError
        If tifffile is not installed.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show an acquisition as the store that it could be; see :func:`open_group`."""
    paths = _paths(path)
    files = TiffFiles(paths, path)
    with closed_on_error(files.close):
        stacks = [read_stack(files, number) for number in range(len(paths))]
        images = images_of(_acquisition(files, stacks))
    prefix = data_set(os.path.basename(paths[0]))
    return virtual_store(
        path,
        images,
        reopen=(open_store, (path,)),
        close=files.close,
        plate_name=prefix or os.path.basename(path),
    )


def _is_stack(path: str) -> bool:
    if not os.path.isfile(path):  # a pipe would wait for ever
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            return is_stack(file.read(40))
    except OSError:
        return False


def _named(folder: str) -> list[str]:
    """Return the files of a folder that are named as those of a stack."""
    try:
        found = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, each) for each in found if data_set(each) is not None]


def _paths(path: str) -> list[str]:
    """Return all files of the acquisition that a path belongs to."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    sets: dict[str, list[str]] = {}
    for found in _named(folder):
        if _is_stack(found):
            sets.setdefault(data_set(os.path.basename(found)) or "", []).append(found)
    if not os.path.isdir(path):
        prefix = data_set(os.path.basename(path))
        return [path] if prefix is None else sets.get(prefix, [path])
    if len(sets) > 1:
        raise FormatError(
            f"{path} has {len(sets)} acquisitions ({', '.join(sorted(sets)[:5])}); open a file of "
            "one of them"
        )
    return next(iter(sets.values()), [])


def _acquisition(files: TiffFiles, stacks: list[Stack]) -> Acquisition:
    """Put the frames of all files together."""
    positions: dict[int, dict[Index, Place]] = {}
    for number, stack in enumerate(stacks):
        for page, (t, c, z, p) in enumerate(stack.frames.tolist()):
            positions.setdefault(p, {})[t, c, z] = number, page
    _warn_damaged(files, stacks)
    first = next((stack for stack in stacks if stack.summary), stacks[0])
    return Acquisition(
        files.url,
        positions,
        TiffPages(files),
        partial(read_metadata, files),
        first.summary,
        first.display,
        first.comments,
    )


def _warn_damaged(files: TiffFiles, stacks: list[Stack]) -> None:
    """Say so if a file was not finished, or has no summary."""
    for number, stack in enumerate(stacks):
        path = files.paths[number]
        if not stack.complete:
            warnings.warn(
                f"{path} was not finished or was cut: it has no index of its frames; going "
                f"through its pages has found {len(stack.frames)}",
                MissingFramesWarning,
                stacklevel=2,
            )
    if not any(stack.summary for stack in stacks):
        warnings.warn(
            f"{files.url}: the summary metadata cannot be read; names and sizes that only they "
            "give are left out",
            MetadataWarning,
            stacklevel=2,
        )
