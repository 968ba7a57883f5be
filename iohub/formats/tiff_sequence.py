"""Sequences of TIFF files by a pattern; each file may be a stack itself."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from iohub.errors import FormatError, MetadataWarning
from iohub.formats.image_sequence import (
    FileImage,
    first_file,
    sequence_files,
    sequence_images,
)
from iohub.formats.images import virtual_store
from iohub.formats.opening import closed_on_error, local_group
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_header import peek
from iohub.formats.tiff_layout import TiffPages
from iohub.formats.tiff_pages import PageReader, PageTable
from iohub.formats.tiff_plain_images import read_notes
from iohub.formats.tiff_plain_planes import plain_images
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "tiff-sequence"
title = "TIFF sequence"
suffixes: tuple[str, ...] = ()
packages: tuple[str, ...] = ("tifffile",)
extra = "tiff"


def sniff(location: Location) -> bool:
    """Whether it is a pattern, or a file with one, of which the first file is a TIFF."""
    first = first_file(location.local_path)
    return first is not None and peek(first) is not None


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show the files of a pattern as a position, a series of positions or a plate.

    Parameters
    ----------
    location : Location
        The pattern, or a file with one.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If the first file is damaged.
    MissingDependencyError
        If tifffile is not installed.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show files as the store that they could be; see :func:`open_group`."""
    found = sequence_files(path)
    first = min(found.paths)
    ordered = replace(found, paths={first: found.paths[first], **found.paths})
    files = TiffFiles(list(ordered.paths.values()), path)
    with closed_on_error(files.close):
        pages = TiffPages(files)
        reader = partial(_reader, pages)
        images = sequence_images(path, ordered, _file_image(pages), reader, "tiff")
    return virtual_store(path, images, reopen=(open_store, (path,)), close=files.close)


def _reader(pages: TiffPages, table: PageTable) -> PageReader:
    return PageReader(pages, table, sample_axis=1)


def _file_image(pages: TiffPages) -> FileImage:
    """Find out what the first file is."""
    found = plain_images(pages, 0)
    path = pages.files.paths[0]
    if len(found) > 1:
        warnings.warn(
            f"{path} has {len(found)} images; of each file of the sequence, the first is shown",
            MetadataWarning,
            stacklevel=2,
        )
    table, _ = found[0].levels[0]
    if table.behind is not None:
        raise FormatError(f"{path} has one directory for a stack; open such files one by one")
    at = table.first() or (0, 0, 0)
    samples = pages.page(0, int(table.page[at])).layout.shape[0]
    notes = read_notes(pages.files.structure(0), found[0], samples)
    return FileImage(table.page, notes.channels, notes.scale, notes.units, notes.record)
