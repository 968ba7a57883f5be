"""OME-TIFF: images of one file, or of several that one XML describes, and plates of them.

Every image has the axes t, c, z, y and x. Samples of a pixel, as in RGB, are channels. Lower
resolutions are the SubIFDs of the pages.
"""

from __future__ import annotations

import os
import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from iohub.errors import FormatError, MetadataWarning, MissingFramesWarning
from iohub.formats.images import virtual_store
from iohub.formats.ome_tiff_annotation import read_groups
from iohub.formats.ome_tiff_images import ImagePixels, image_sources
from iohub.formats.ome_tiff_planes import (
    COMPANION,
    FileNames,
    find_document,
    plane_table,
    utf8_xml,
)
from iohub.formats.ome_tiff_xml import is_ome_xml
from iohub.formats.opening import closed_on_error, file_group, file_name
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_header import peek
from iohub.formats.tiff_layout import PageLayout, TiffPages, resolutions
from iohub.formats.tiff_pages import PageReader, PageTable
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iohub.errors import IohubWarning
    from iohub.formats.ome_tiff_xml import OmeDocument, OmeImage
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "ome-tiff"
title = "OME-TIFF"
suffixes: tuple[str, ...] = (".ome.tif", ".ome.tiff", ".ome.tf2", ".ome.tf8", ".ome.btf", COMPANION)
packages: tuple[str, ...] = ("tifffile",)
extra = "tiff"

# Types of pixels as OME names them.
_TYPES = {
    "bit": "bool",
    "complex": "complex64",
    "double": "float64",
    "double-complex": "complex128",
    "float": "float32",
}


def sniff(location: Location) -> bool:
    """Whether it is a TIFF file whose description is OME-XML, or a companion file or its folder."""
    path = _described_by(file_name(location, suffixes))
    if path is None:
        return False
    if path.lower().endswith(COMPANION):
        try:
            with open(path, "rb") as file:
                return is_ome_xml(file.read(4096).decode("latin-1"))
        except OSError:
            return False
    header = peek(path)
    return header is not None and is_ome_xml(header.description)


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show an OME-TIFF as a position, a series or a plate.

    Parameters
    ----------
    location : Location
        Any file of the data set, or the folder of one companion file.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If its XML or its first page is damaged, or there is no image in it.
    NotFoundError
        If the file with the metadata is missing.
    MissingDependencyError
        If tifffile is not installed.
    """
    return file_group(location, suffixes, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show an OME-TIFF as the store that it could be; see :func:`open_group`."""
    path = _described_by(path) or path
    source, document = find_document(path)
    names = FileNames(source, document)
    files = TiffFiles(names.paths, path)
    with closed_on_error(files.close):
        images = _read_images(document, names, TiffPages(files))
    sources = image_sources(images, document, source)
    return virtual_store(
        path,
        sources,
        reopen=(open_store, (path,)),
        close=files.close,
        plate_name=_plate_name(document),
        ome_xml=partial(utf8_xml, source),
        paths=names.paths,
        attributes=read_groups(document.groups),
    )


def _described_by(path: str | None) -> str | None:
    """Return the one companion file of a folder; what is no folder is returned as it is."""
    if path is None or not os.path.isdir(path):
        return path
    try:
        found = [name for name in os.listdir(path) if name.lower().endswith(COMPANION)]
    except OSError:
        return None
    return os.path.join(path, found[0]) if len(found) == 1 else None


def _plate_name(document: OmeDocument) -> str | None:
    """Return the name of the plate that images are on."""
    used = {sample.plate for sample in document.samples.values()}
    return document.plates[min(used)] or None if used else None


def _read_images(document: OmeDocument, names: FileNames, pages: TiffPages) -> list[ImagePixels]:
    """Find the pixels of all images; what is missing is warned of."""
    url = pages.files.url
    found: list[ImagePixels] = []
    empty: list[str] = []
    for image in document.images:
        pixels = _read_image(image, names, pages)
        if pixels is None:
            empty.append(image.name or image.id)
        else:
            found.append(pixels)
    if not found:
        raise FormatError(f"{url} describes no image that has pixels")
    if empty:
        _warn(f"{url} describes images that have no pixels: {_some(empty)}", MissingFramesWarning)
    if names.missing:
        absent = [os.path.basename(names.paths[number]) for number in sorted(names.missing)]
        _warn(
            f"{url}: {len(absent)} of the {len(names.paths)} files that it names are missing, and "
            f"planes in them cannot be read: {_some(absent)}",
            MissingFramesWarning,
        )
    return found


def _read_image(image: OmeImage, names: FileNames, pages: TiffPages) -> ImagePixels | None:
    """Find the pixels of an image, None if it has none."""
    if not image.planes:
        return None
    url = f"{pages.files.url}, image {image.name or image.id!r}"
    first = next((p for p in image.planes if names.number(p) not in names.missing), None)
    if first is None:
        layouts = [_declared_layout(image)]
    else:
        at = names.number(first), first.page
        layouts = [pages.page(*at, level).layout for level in range(pages.levels(*at))]
    samples, *plane = layouts[0].shape
    declared = [image.size("y"), image.size("x")]
    if plane != declared:
        _warn(
            f"{url} has planes of {plane}, and says that they are of {declared} (y, x)",
            MetadataWarning,
        )
    total = image.size("c")
    channels = total // samples if total % samples == 0 else total
    table, outside = plane_table(image, channels, names, pages.files)
    if outside:
        _warn(f"{url} names {outside} planes beyond its size, which are left out", MetadataWarning)
    written = table.file >= 0
    times = int(np.flatnonzero(written.any(axis=(1, 2))).max(initial=-1)) + 1
    if not times:
        return None
    if times < len(written):
        _warn(f"{url} declares {len(written)} time points and has {times}", MissingFramesWarning)
        table, written = PageTable(table.file[:times], table.page[:times]), written[:times]
    lost = int(np.count_nonzero(~written))
    if lost:
        text = f"{url} lacks {lost} of {written.size} planes, which are read as zeros"
        _warn(text, MissingFramesWarning)
    levels = [
        PageReader(pages, table, level=level, sample_axis=1, layout=layout)
        for level, layout in enumerate(resolutions(layouts))
    ]
    return ImagePixels(image, levels, samples, lost)


def _declared_layout(image: OmeImage) -> PageLayout:
    """Return how the XML says that pages are made, for an image whose files are all missing."""
    kind = image.attributes.get("Type") or image.attributes.get("PixelType", "")
    try:
        dtype = np.dtype(_TYPES.get(kind, kind) or "uint16")
    except TypeError as error:
        raise FormatError(f"the OME-XML has pixels of type {kind!r}") from error
    shape = (image.samples, image.size("y"), image.size("x"))
    return PageLayout(shape, dtype, shape[1:], False, False, True, dtype, _decode_nothing)


def _decode_nothing(*_: object) -> None:
    """Stand in for a decoder where there is no file to read."""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _warn(text: str, kind: type[IohubWarning]) -> None:
    warnings.warn(text, kind, stacklevel=2)
