"""The index of an NDTiff data set: where the pixels and the metadata of each frame are.

Source: the specification of NDTiff 2 and 3 (Micro-Manager, "NDTiff specification"); all numbers
are little-endian.
"""

from __future__ import annotations

import json
import os
import struct
import warnings
from collections.abc import Mapping
from typing import NamedTuple

from iohub.errors import FormatError, MetadataWarning

NAME = "NDTiff.index"
MARK = 483729
"""Number at byte 8 of each file."""

_SUMMARY_MARK = 2355492
_SIZE, _FIELDS = struct.Struct("<I"), struct.Struct("<8I")

# Data type and samples of the pixel types.
_PIXELS: Mapping[int, tuple[str, int]] = {
    0: ("uint8", 1),
    1: ("uint16", 1),
    2: ("uint8", 3),
    3: ("uint16", 1),
    4: ("uint16", 1),
    5: ("uint16", 1),
    6: ("uint16", 1),
}


class Geometry(NamedTuple):
    """What the pixels of a frame are like.

    Attributes
    ----------
    height, width, samples : int
        Size of the frame.
    dtype : str
        Type of the pixels.
    """

    height: int
    width: int
    samples: int
    dtype: str

    @property
    def nbytes(self) -> int:
        """Size of the pixels [bytes]."""
        return self.height * self.width * self.samples * (2 if self.dtype == "uint16" else 1)


class Entry(NamedTuple):
    """A frame.

    Attributes
    ----------
    axes : dict of str to (int or str)
        Its place along each axis.
    file : str
        Name of the file that it is in.
    geometry : Geometry
        Size and type.
    offset : int
        Where its pixels begin.
    metadata : tuple of (int, int)
        Where its metadata begin, and how long they are.
    """

    axes: dict[str, int | str]
    file: str
    geometry: Geometry
    offset: int
    metadata: tuple[int, int]


def read_index(path: str) -> list[Entry]:
    """Read the index; of frames that are in it twice the later one counts.

    Parameters
    ----------
    path : str
        The index.

    Raises
    ------
    FormatError
        If not even its first entry can be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    found: dict[frozenset[tuple[str, int | str]], Entry] = {}
    parse = _Parser(data).entry
    position = 0
    while position < len(data):
        try:
            entry, position = parse(position)
        except (struct.error, ValueError, TypeError, AttributeError) as error:
            if not found:
                raise FormatError(f"{path} is damaged: no frame can be read ({error})") from error
            warnings.warn(
                f"{path} is cut or damaged at byte {position} of {len(data)}: the {len(found)} "
                "frames before are shown",
                MetadataWarning,
                stacklevel=2,
            )
            break
        if entry is None:  # an acquisition that was not finished has zeros up to the end
            break
        found[frozenset(entry.axes.items())] = entry
    if not found:
        raise FormatError(f"{path} has no frame; nothing was acquired")
    return list(found.values())


class _Parser:
    """Reads entries; what many of them have in common is checked once."""

    def __init__(self, data: bytes):
        self._data = data
        self._decode = json.JSONDecoder().decode
        self._names: dict[bytes, str] = {}
        self._geometries: dict[tuple[int, int, int], Geometry] = {}

    def entry(self, position: int) -> tuple[Entry | None, int]:
        """Return an entry, None at the end, and where the next one begins."""
        text, position = self._text(position)
        if not text:
            return None, position
        axes = self._decode(text.decode())
        for axis, value in axes.items():
            if type(value) is not int and type(value) is not str:
                raise ValueError(f"axis {axis!r} is {value!r:.40}")
        text, position = self._text(position)
        name = self._names.get(text) or self._name(text)
        offset, width, height, kind, _, at, size, _ = _FIELDS.unpack_from(self._data, position)
        geometry = self._geometries.get((width, height, kind))
        if geometry is None:
            geometry = self._geometries[width, height, kind] = _geometry(width, height, kind)
        return Entry(axes, name, geometry, offset, (at, size)), position + _FIELDS.size

    def _text(self, position: int) -> tuple[bytes, int]:
        (size,) = _SIZE.unpack_from(self._data, position)
        position += _SIZE.size
        if position + size > len(self._data):
            raise ValueError("it ends within an entry")
        return self._data[position : position + size], position + size

    def _name(self, text: bytes) -> str:
        name = text.decode()
        if not name or os.path.basename(name) != name or name in (".", "..") or "\\" in name:
            raise ValueError(f"the file is called {name!r:.40}")
        self._names[text] = name
        return name


def _geometry(width: int, height: int, kind: int) -> Geometry:
    dtype, samples = _PIXELS.get(kind, ("", 0))
    if not samples or not width or not height:
        raise ValueError(f"pixel type {kind}, {width} × {height} pixels")
    return Geometry(height, width, samples, dtype)


def summary_place(head: bytes) -> tuple[int, int]:
    """Return where the description of the whole is in a file, and how long it is.

    Parameters
    ----------
    head : bytes
        The first 28 bytes of a file, or more.

    Raises
    ------
    ValueError
        If there is none.
    """
    # Version 3 has the minor version before it.
    for at in (20, 16):
        if len(head) >= at + 8:
            mark, size = struct.unpack_from("<2I", head, at)
            if mark == _SUMMARY_MARK:
                return at + 8, size
    raise ValueError("no description of the acquisition")
