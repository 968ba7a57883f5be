"""Which page of which file holds a plane of an OME-TIFF, by what its XML says.

Names of files in the XML are not trusted: none leads out of the folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iohub.errors import FormatError, NotFoundError
from iohub.formats.ome_tiff_xml import OmeDocument, OmePlanes, read_document
from iohub.formats.tiff_files import TiffFiles
from iohub.formats.tiff_header import IMAGE_DESCRIPTION
from iohub.formats.tiff_pages import PageTable
from iohub.storage.remote_file import RemoteName

if TYPE_CHECKING:
    from iohub.formats.ome_tiff_xml import OmeImage

COMPANION = ".companion.ome"

_AXES = "zct"
# No image has more planes; a damaged number must not ask for all memory.
_MOST_PLANES = 1 << 28


def read_xml(path: str) -> bytes:
    """Read the OME-XML of a file: a companion file, or a TIFF.

    Raises
    ------
    FormatError
        If a TIFF is damaged, or has no description.
    """
    if path.lower().endswith(COMPANION):
        if isinstance(path, RemoteName):
            companion = path.open()
            return companion.read(0, companion.size)
        with open(path, "rb") as file:
            return file.read()
    files = TiffFiles([path])
    try:
        structure = files.structure(0)
        entry = structure.page(0).entries.get(IMAGE_DESCRIPTION)
        if entry is None:
            raise FormatError(f"{path} has no OME-XML: its first page has no description")
        return structure.raw(entry).rstrip(b"\0")
    finally:
        files.close()


def utf8_xml(path: str) -> bytes:
    """Read the OME-XML of a file as UTF-8, whatever some of its letters are in; see read_xml."""
    raw = read_xml(path)
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()
    return raw


def find_document(path: str) -> tuple[str, OmeDocument]:
    """Read the XML of a data set from the file that has it; return that file too.

    Parameters
    ----------
    path : str
        Any file of the data set.

    Raises
    ------
    NotFoundError
        If the file with the metadata is missing.
    FormatError
        If the XML is damaged, or refers on and on.
    """
    document = read_document(read_xml(path), path)
    if document.elsewhere is None:
        return path, _placed(document)
    found = inside(os.path.dirname(path), document.elsewhere)
    if isinstance(path, RemoteName):
        found = RemoteName(found, path.options)
    if not _may_be_there(found):
        raise NotFoundError(f"{found} is missing; it has the metadata of {path}")
    document = read_document(read_xml(found), found)
    if document.elsewhere is not None:
        raise FormatError(f"{found} has no metadata, and {path} says it has")
    return found, _placed(document)


def _placed(document: OmeDocument) -> OmeDocument:
    """Where the XML says of no plane where it is: images one after the other."""
    if any(image.planes for image in document.images):
        return document
    if len(document.images) == 1:
        (image,) = document.images
        return replace(document, images=(replace(image, planes=(OmePlanes((0, 0, 0), 0, None),)),))
    images, page = [], 0
    for image in document.images:
        count = image.size("z") * image.size("c") * image.size("t") // image.samples
        images.append(replace(image, planes=(OmePlanes((0, 0, 0), page, count),)))
        page += count
    return replace(document, images=tuple(images))


def inside(folder: str, name: str) -> str:
    """Return the path of a file that XML names; of one outside of the folder, the same name in it.

    Parameters
    ----------
    folder : str
        Where the XML is.
    name : str
        Path below it, as any system writes it.
    """
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or re.fullmatch("[A-Za-z]:", parts[0]):
        parts = parts[-1:]
    return os.path.join(folder, *parts)


class FileNames:
    """Which file the XML means: names and identifiers to numbers.

    Parameters
    ----------
    path : str
        The file with the XML.
    document : OmeDocument
        The XML.
    """

    def __init__(self, path: str, document: OmeDocument):
        self._folder, self._uuid = os.path.dirname(path), document.uuid
        self._own = None if path.lower().endswith(COMPANION) else os.path.basename(path)
        named = {(p.file, p.uuid) for image in document.images for p in image.planes}
        # Of a file that was renamed, the XML has the old name.
        self._alone = self._own is not None and len(named) == 1
        self._places: dict[str, int] = {} if self._own is None else {path: 0}
        self._numbers: dict[tuple[str | None, str | None], int] = {}
        for file, uuid in sorted(named, key=str):
            self._numbers[file, uuid] = self._number(file, uuid, path)
        self.paths = tuple(self._places)
        self.missing = {n for n, each in enumerate(self.paths) if not _may_be_there(each)}

    def number(self, planes: OmePlanes) -> int:
        """Return the number of the file that planes are in."""
        return self._numbers[planes.file, planes.uuid]

    def _number(self, file: str | None, uuid: str | None, path: str) -> int:
        own = self._own
        if own is not None:
            same = uuid is not None and uuid == self._uuid
            if file is None or self._alone or same or file.lower() == own.lower():
                return 0
        if file is None:
            raise FormatError(f"{path} does not name the file of its pixels")
        found = inside(self._folder, file)
        if isinstance(path, RemoteName):
            found = RemoteName(found, path.options)
        return self._places.setdefault(found, len(self._places))


def _may_be_there(path: str) -> bool:
    """Whether a file is there; those on servers are asked for when they are read."""
    return isinstance(path, RemoteName) or os.path.isfile(path)


def plane_table(
    image: OmeImage, channels: int, names: FileNames, files: TiffFiles
) -> tuple[PageTable, int]:
    """Say where each plane of an image is.

    Parameters
    ----------
    image : OmeImage
        As the XML describes it.
    channels : int
        Planes along c; fewer than channels where a plane holds several.
    names : FileNames
        Which file is meant.
    files : TiffFiles
        The files, to count pages where the XML does not.

    Returns
    -------
    tuple of (PageTable, int)
        The table (T, C, Z), -1 for planes that the XML does not mention; and how many planes the
        XML puts outside of the image.

    Raises
    ------
    FormatError
        If a file whose pages must be counted is damaged.
    """
    sizes = {"z": image.size("z"), "c": channels, "t": image.size("t")}
    steps, total = {}, 1
    for axis in image.order:
        steps[axis] = total
        total *= sizes[axis]
    if total > _MOST_PLANES:
        raise FormatError(f"{files.url} says that it has {total} planes")
    file = np.full(total, -1, np.int32)
    page = np.zeros(total, np.int64)
    outside = 0
    for planes in image.planes:
        at = 0
        for first, axis in zip(planes.first, _AXES, strict=True):
            at += first * steps[axis]
            if not 0 <= first < sizes[axis]:
                at = total
                break
        number, count = names.number(planes), planes.count
        if count is None:
            count = 1 if number in names.missing else files.structure(number).count() - planes.page
            count = min(count, total - at)
        count = max(0, count)
        stop = min(at + count, total)
        outside += count - max(0, stop - at)
        if count == 1 and stop > at:
            file[at], page[at] = number, planes.page
        elif stop > at:
            file[at:stop] = number
            page[at:stop] = np.arange(planes.page, planes.page + stop - at)
    shape = tuple(sizes[axis] for axis in reversed(image.order))
    order = [image.order[::-1].index(axis) for axis in "tcz"]
    return PageTable(
        file.reshape(shape).transpose(order), page.reshape(shape).transpose(order)
    ), outside
