"""What stands in a TIFF file of Micro-Manager beside TIFF: an index of the frames, and texts.

Source: "Micro-Manager File Formats" (micro-manager.org). Behind the TIFF header lie four places,
each with a number before it by which it is known, and the summary of the acquisition. The index is
written when the acquisition ends; of one that was interrupted, the pages themselves say what they
are.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import FormatError
from iohub.formats.micro_manager_metadata import frame_index, plain

if TYPE_CHECKING:
    from iohub.formats.tiff_files import TiffFiles
    from iohub.formats.tiff_header import Directory
    from iohub.types import JsonObject, NDArray

METADATA = 51123

_INDEX_PLACE, _INDEX = 54773648, 3453623
_DISPLAY_PLACE, _DISPLAY = 483765892, 347834724
_COMMENTS_PLACE, _COMMENTS = 99384722, 84720485
_SUMMARY = 2355492

_OFFSETS, _COUNTS = (273, 324), (279, 325)
_MOST_TEXT = 1 << 28

_NAME = re.compile(r"(?P<prefix>.*?)_?MM(?:Stack|Images)(?:_.*)?\.ome\.tiff?", re.IGNORECASE)


@dataclass(frozen=True)
class Stack:
    """A file of a stack.

    Attributes
    ----------
    frames : ndarray of int
        A row for each frame, in the order of the file: time, channel, depth and position.
    summary : dict
        Of the acquisition; empty if it is damaged.
    display : list
        Settings of the display, one for each channel.
    comments : JSON value
        What people wrote.
    complete : bool
        Whether the file was finished.
    """

    frames: NDArray
    summary: JsonObject = field(default_factory=dict)
    display: list[Any] = field(default_factory=list)
    comments: Any = None
    complete: bool = True


def is_stack(head: bytes) -> bool:
    """Whether the first 40 bytes are those of a TIFF file of Micro-Manager."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 40:
        return False
    numbers = struct.unpack_from(order + "8I", head, 8)
    return numbers[::2] == (_INDEX_PLACE, _DISPLAY_PLACE, _COMMENTS_PLACE, _SUMMARY)


def data_set(name: str) -> str | None:
    """Return what names of the files of an acquisition begin with; None if it is none of them.

    Parameters
    ----------
    name : str
        Of a file, such as ``run_1_MMStack_Pos0_2.ome.tif``.
    """
    match = _NAME.fullmatch(name)
    return match["prefix"] if match else None


def read_stack(files: TiffFiles, file: int) -> Stack:
    """Read what a file says of its frames, which are its pages from then on.

    Parameters
    ----------
    files : TiffFiles
        The files.
    file : int
        Number of the file.

    Raises
    ------
    FormatError
        If it is no such file.
    NotFoundError, UnreadableError, ClosedError
        If it cannot be read.
    """
    structure = files.structure(file)
    head = files.read(file, 0, 40)
    if not is_stack(head):
        raise FormatError(f"{structure.name} does not begin as a stack of Micro-Manager does")
    order = structure.order
    _, index, _, display, _, comments, _, length = struct.unpack_from(order + "8I", head, 8)
    summary = plain(_json(files.read(file, 40, min(length, _MOST_TEXT))))
    shown = plain(_text(files, file, order, display, _DISPLAY))
    said = plain(_text(files, file, order, comments, _COMMENTS))
    table = _index(files, file, order, index)
    if table is None:
        frames = _walk(files, file)
    else:
        structure.know(table[:, 4].tolist())
        frames = table[:, (2, 0, 1, 3)].astype(np.int64)
    return Stack(
        frames,
        summary if isinstance(summary, dict) else {},
        shown if isinstance(shown, list) else [],
        said,
        table is not None,
    )


def read_metadata(files: TiffFiles, file: int, page: int) -> JsonObject:
    """Read the metadata of a frame.

    Raises
    ------
    FormatError
        If they, or the directory of the page, are damaged.
    """
    return _noted(files, file, files.structure(file).page(page))


# steps


def _index(files: TiffFiles, file: int, order: str, offset: int) -> NDArray | None:
    """Read the index; None if there is none, or not a whole one."""
    head = files.read(file, offset, 8) if offset else b""
    if len(head) < 8:
        return None
    mark, count = struct.unpack(order + "2I", head)
    if mark != _INDEX or not count:
        return None
    raw = files.read(file, offset + 8, 20 * count)
    return np.frombuffer(raw, order + "u4").reshape(-1, 5) if len(raw) == 20 * count else None


def _walk(files: TiffFiles, file: int) -> NDArray:
    """Go through the pages that a file has whole, each of which says what it is."""
    structure, size = files.structure(file), files.size(file)
    found: list[tuple[int, int, int, int]] = []
    while True:
        try:
            directory = structure.page(len(found))
            at = frame_index(_noted(files, file, directory))
            ends = [
                structure.numbers(entry)
                for tags in (_OFFSETS, _COUNTS)
                for tag in tags
                if (entry := directory.entries.get(tag)) is not None
            ]
        except FormatError:
            break
        whole = len(ends) == 2 and ends[0].shape == ends[1].shape
        if at is None or not whole or int((ends[0].astype("u8") + ends[1]).max()) > size:
            break
        found.append(at)
    return np.array(found, np.int64).reshape(-1, 4)


def _noted(files: TiffFiles, file: int, directory: Directory) -> JsonObject:
    structure = files.structure(file)
    entry = directory.entries.get(METADATA)
    found = None if entry is None else plain(_json(structure.raw(entry)))
    if not isinstance(found, dict):
        raise FormatError(
            f"{structure.name}: the page at byte {directory.offset} has no metadata that can be "
            "read"
        )
    return found


def _text(files: TiffFiles, file: int, order: str, offset: int, mark: int) -> Any:
    """Return a text behind the pages; its place was noted with 32 bits, which may be too few."""
    for start in (offset, offset + (1 << 32)) if offset else ():
        head = files.read(file, start, 8)
        if len(head) == 8:
            found, size = struct.unpack(order + "2I", head)
            if found == mark and size < _MOST_TEXT:
                return _json(files.read(file, start + 8, size))
    return None


def _json(raw: bytes) -> Any:
    """Return what a text says; None if it is damaged.

    Micro-Manager cuts long texts that it has no room for, and fills up with zeros.
    """
    try:
        return json.loads(raw.rstrip(b"\0 ").decode(errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return None
