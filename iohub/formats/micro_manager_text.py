"""The text ``metadata.txt`` beside the images of a sequence of Micro-Manager.

It is JSON that grows while images are taken: of an acquisition that was interrupted its end is
missing, and what stands before that is read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from iohub.formats.micro_manager_metadata import plain

if TYPE_CHECKING:
    from iohub.types import JsonObject

TEXT, DISPLAY = "metadata.txt", "display_and_comments.txt"

# Enough for the summary and the first frames.
_BEGINNING = 1 << 18
_BETWEEN, _COLON = re.compile(r"[\s,]*"), re.compile(r"\s*:\s*")


def seems_text(path: str) -> bool:
    """Whether a file begins as such a text does."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(4096).lstrip()
    except OSError:
        return False
    return head[:1] == b"{" and (b'"Summary"' in head or b'"FrameKey-' in head)


def read_display(folder: str) -> tuple[list[Any], Any]:
    """Return settings of the display for each channel, and comments, as version 1.4 writes them."""
    try:
        with open(os.path.join(folder, DISPLAY), encoding="utf-8", errors="replace") as file:
            found = plain(json.load(file, strict=False))
    except (OSError, ValueError, RecursionError):
        return [], None
    if not isinstance(found, dict):
        return [], None
    channels = found.get("Channels")
    return channels if isinstance(channels, list) else [], found.get("Comments")


class FolderText:
    """The text of one folder; whole, it is read when a frame far behind is asked for.

    Parameters
    ----------
    folder : str
        Where it is.

    Attributes
    ----------
    path : str
        The text.
    summary : dict
        Of the whole acquisition; empty if it is damaged.
    """

    def __init__(self, folder: str):
        self.path = os.path.join(folder, TEXT)
        self.summary: JsonObject = {}
        self._first = self._parse(_BEGINNING)
        self._all: dict[str, JsonObject] | None = None

    def frame(self, file: str) -> JsonObject | None:
        """Return the metadata of a frame by the name of its file; None if there are none."""
        found = self._first.get(file)
        if found is None:
            if self._all is None:
                self._all = self._parse(-1)
            found = self._all.get(file)
        return found

    def _parse(self, size: int) -> dict[str, JsonObject]:
        """Read so many characters, and what is whole in them."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                text = file.read(size)
        except OSError:
            return {}
        frames: dict[str, JsonObject] = {}
        coords: dict[str, JsonObject] = {}
        for key, value in _pairs(text):
            kind, _, name = key.partition("-")
            name = name.rpartition("/")[2]
            if key == "Summary":
                self.summary = value
            elif kind == "FrameKey":
                file_name = value.get("FileName")
                if isinstance(file_name, str):
                    frames[file_name.rpartition("/")[2]] = {**_of_key(key), **value}
            elif kind == "Coords":
                coords[name] = value
            elif kind == "Metadata":
                frames[name] = {**_indexes(coords.get(name, {})), **value}
        return frames


def _pairs(text: str) -> Iterator[tuple[str, JsonObject]]:
    """Members of an object that are objects themselves, as far as the text is whole."""
    decoder, at = json.JSONDecoder(strict=False), text.find("{") + 1
    while gap := _BETWEEN.match(text, at):
        try:
            key, at = decoder.raw_decode(text, gap.end())
            colon = _COLON.match(text, at)
            value, at = decoder.raw_decode(text, colon.end() if colon else at)
        except (ValueError, RecursionError):
            return
        if isinstance(key, str) and isinstance(value, dict):
            yield key, plain(value)


def _of_key(key: str) -> JsonObject:
    """Return indexes that a key such as ``FrameKey-0-1-2`` (t, c, z) has."""
    parts = key.split("-")[1:]
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return {}
    names = ("FrameIndex", "ChannelIndex", "SliceIndex")
    return dict(zip(names, map(int, parts), strict=True))


def _indexes(coords: JsonObject) -> JsonObject:
    """Return indexes of version 2 by the names of version 1.4."""
    names = {"time": "Frame", "channel": "Channel", "z": "Slice", "position": "Position"}
    return {f"{names[axis]}Index": at for axis, at in coords.items() if axis in names}
