"""TIFF files of no format of a microscope: ImageJ's hyperstacks, tifffile's arrays, and others.

Every image has the axes t, c, z, y and x; samples of a pixel, as in RGB, are channels. Of pages of
which nothing is said, a stack along z is made; pages of another size or type are another image.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from iohub.formats.images import ImageSource, virtual_store
from iohub.formats.opening import closed_on_error, file_group, file_name
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_header import peek
from iohub.formats.tiff_layout import TiffPages
from iohub.formats.tiff_pages import PageReader
from iohub.formats.tiff_plain_images import read_notes
from iohub.formats.tiff_plain_planes import plain_images
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from iohub.formats.tiff_plain_planes import PlainImage
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "tiff"
title = "TIFF"
suffixes: tuple[str, ...] = (".tif", ".tiff", ".tf8", ".btf")
packages: tuple[str, ...] = ("tifffile",)
extra = "tiff"

_WIDTH = 256


def sniff(location: Location) -> bool:
    """Whether it is a TIFF file with an image in it."""
    path = file_name(location, suffixes)
    header = None if path is None else peek(path)
    return header is not None and _WIDTH in header.tags


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a file as a position, or as a series if it has images of several sizes.

    Parameters
    ----------
    location : Location
        The file.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If it is damaged.
    MissingDependencyError
        If tifffile is not installed.
    """
    return file_group(location, suffixes, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a file as the store that it could be; see :func:`open_group`."""
    files = TiffFiles([path])
    with closed_on_error(files.close):
        pages = TiffPages(files)
        found = plain_images(pages, 0)
        several = len(found) > 1
        images = [_source(pages, image, n if several else None) for n, image in enumerate(found)]
    return virtual_store(path, images, reopen=(open_store, (path,)), close=files.close)


def _source(pages: TiffPages, image: PlainImage, number: int | None) -> ImageSource:
    levels = [PageReader(pages, table, level=sub, sample_axis=1) for table, sub in image.levels]
    above = image.levels[0][0].file.shape
    notes = read_notes(pages.files.structure(0), image, levels[0].shape[1] // above[1])
    missing = int((image.levels[0][0].file < 0).sum())
    own = os.path.basename(pages.files.url)
    return ImageSource(
        own if number is None else str(number),
        "tczyx",
        levels,
        scale=notes.scale,
        units=notes.units,
        channels=notes.channels,
        acquisition=notes.record.replace(missing=missing or None),
        frames=partial(notes.frames, above),
    )
