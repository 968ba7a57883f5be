"""Entries of a zip archive as bytes: headers, the central directory and its end; all of ZIP64.

What comes in which order, and where from, is in ``ozx_writing.py`` and ``ozx_appending.py``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

_VERSION = 45  # of the zip format: the first with ZIP64
_UTF8 = 1 << 11  # flag: names are UTF-8
_DATE = 1 << 5 | 1  # 1 January 1980, the first there is
_MODE = 0o100644 << 16  # without it unpacked files could not be read
_FULL = 0xFFFFFFFF  # where the true value is in the ZIP64 part

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_64 = struct.Struct("<HHQQ")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_CENTRAL_64 = struct.Struct("<HHQQQ")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
_PADDING = struct.Struct("<HH")
_PADDED = 0xD935  # the member of a header that others fill up headers with, too


class Item(NamedTuple):
    """A value on its way into an archive.

    Attributes
    ----------
    name : bytes
        Its name there.
    path : str
        The file that it is in; "" if it is in the archive already.
    size : int
        Of the value [bytes].
    offset : int
        Where its header goes.
    pad : int
        What the header is longer than it need be [bytes]; 0, or 4 to :data:`MOST_PADDING`.
    """

    name: bytes
    path: str
    size: int
    offset: int
    pad: int = 0

    @property
    def start(self) -> int:
        """Where its bytes begin."""
        return self.offset + header_size(self.name) + self.pad

    @property
    def end(self) -> int:
        """Where the next header goes."""
        return self.start + self.size


MOST_PADDING = 0xFFFF - _LOCAL_64.size


def header_size(name: bytes) -> int:
    """Return the size of a header that is not padded [bytes]."""
    return _LOCAL.size + len(name) + _LOCAL_64.size


def header(item: Item, check: int) -> bytes:
    """Return the header of an entry.

    Parameters
    ----------
    item : Item
        The entry.
    check : int
        Checksum of its bytes.
    """
    extra = _LOCAL_64.pack(1, _LOCAL_64.size - 4, item.size, item.size)
    if item.pad:
        extra += _PADDING.pack(_PADDED, item.pad - _PADDING.size).ljust(item.pad, b"\0")
    sizes = (check, _FULL, _FULL, len(item.name), len(extra))
    return _LOCAL.pack(b"PK\3\4", _VERSION, _UTF8, 0, 0, _DATE, *sizes) + item.name + extra


def directory(items: Sequence[Item], checks: Sequence[int], start: int, comment: bytes) -> bytes:
    """Return what comes after the entries: the central directory and its end."""
    parts = []
    made = 3 << 8 | _VERSION  # on Unix, whose modes are meant
    for item, check in zip(items, checks, strict=True):
        sizes = (check, _FULL, _FULL, len(item.name), _CENTRAL_64.size)
        fixed = (b"PK\1\2", made, _VERSION, _UTF8, 0, 0, _DATE, *sizes, 0, 0, 0, _MODE, _FULL)
        extra = (1, _CENTRAL_64.size - 4, item.size, item.size, item.offset)
        parts += [_CENTRAL.pack(*fixed), item.name, _CENTRAL_64.pack(*extra)]
    size, count = sum(map(len, parts)), len(items)
    counts = (count, count, size, start)
    parts += [
        _END_64.pack(b"PK\6\6", _END_64.size - 12, made, _VERSION, 0, 0, *counts),
        _LOCATOR.pack(b"PK\6\7", 0, start + size, 1),
        _END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _FULL, _FULL, len(comment)),
        comment,
    ]
    return b"".join(parts)


def write_at(target: int, value: bytes | memoryview, offset: int) -> None:
    """Write at a place in a file."""
    rest = memoryview(value)
    while rest:
        if hasattr(os, "pwrite"):
            done = os.pwrite(target, rest, offset)
        else:  # Windows, where one thread writes
            os.lseek(target, offset, os.SEEK_SET)
            done = os.write(target, rest)
        rest, offset = rest[done:], offset + done
