"""The structure of a TIFF file: its directories and tags; nothing of its pixels, no library.

Enough to recognise what wrote a file, and to find a page without loading those before it. Source:
TIFF 6.0 (Adobe, 1992), section 2, and the BigTIFF design (Aware Systems).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iohub.errors import FormatError, NotFoundError
from iohub.formats.tiff_chain import further_offsets, tiff_form
from iohub.storage.remote_file import RemoteName

IMAGE_DESCRIPTION, SOFTWARE, SUB_IFDS = 270, 305, 330

_HEAD = 4096
_LONGEST = 1 << 16
_MOST_ENTRIES = 4096

# Bytes and NumPy's letter of each type of value; what is None is text or of no fixed meaning.
_TYPES: Mapping[int, tuple[int, str | None]] = {
    1: (1, "u1"),
    2: (1, None),
    3: (2, "u2"),
    4: (4, "u4"),
    5: (8, "u4"),
    6: (1, "i1"),
    7: (1, None),
    8: (2, "i2"),
    9: (4, "i4"),
    10: (8, "i4"),
    11: (4, "f4"),
    12: (8, "f8"),
    13: (4, "u4"),
    16: (8, "u8"),
    17: (8, "i8"),
    18: (8, "u8"),
}
_ASCII, _RATIONALS = 2, (5, 10)


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag of a directory, its value not yet read.

    Attributes
    ----------
    type : int
        Of the values, as TIFF numbers them.
    count : int
        How many values.
    inline : bytes
        The field of the directory that holds the values, or where they are.
    """

    type: int
    count: int
    inline: bytes


@dataclass(frozen=True)
class Directory:
    """A directory (IFD) of a TIFF file: a page.

    Attributes
    ----------
    offset : int
        Where it is.
    following : int
        Where the next one is; 0 for the last.
    entries : mapping of int to Entry
        Its tags.
    """

    offset: int
    following: int
    entries: Mapping[int, Entry]


class TiffStructure:
    """Directories and tags of one file, read in small pieces.

    Parameters
    ----------
    read : callable
        Returns bytes, given the offset and the number of them; fewer at the end of the file.
    name : str
        The file, for messages.

    Raises
    ------
    FormatError
        If it does not begin as a TIFF does.
    """

    def __init__(self, read: Callable[[int, int], bytes], name: str):
        self._read, self.name = read, name
        head = read(0, 16)
        form = tiff_form(head)
        if form is None:
            raise FormatError(f"{name} is no TIFF file: it begins with {head[:4]!r}")
        self.order, self.big, first = form
        self._entry = struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))
        self._count = struct.Struct(self.order + ("Q" if self.big else "H"))
        self._offset = struct.Struct(self.order + ("Q" if self.big else "I"))
        # By number and by offset; filled in order, and alike by every thread.
        self._offsets: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._complete = False
        if first:
            self._offsets[0], self._numbers[first] = first, 0

    def directory(self, offset: int) -> Directory:
        """Read the directory at an offset.

        Raises
        ------
        FormatError
            If there is none: the file was cut, or is damaged.
        """
        raw, end = self._raw(offset)
        found = {
            tag: Entry(kind, number, inline)
            for tag, kind, number, inline in self._entry.iter_unpack(raw[self._count.size : end])
        }
        return Directory(offset, self._offset.unpack_from(raw, end)[0], found)

    def page(self, number: int) -> Directory:
        """Read the directory of a page; those before it are only passed by.

        Raises
        ------
        FormatError
            If there are not so many pages, or the file is damaged.
        """
        while number not in self._offsets:
            if not self._extend():
                there = len(self._offsets)
                raise FormatError(
                    f"{self.name} ends after {there} pages; page {number + 1} is missing"
                )
        return self.directory(self._offsets[number])

    def know(self, offsets: Sequence[int]) -> None:
        """Take over where the directories of pages are, from an index that the file has.

        Parameters
        ----------
        offsets : sequence of int
            One for each page; numbers of pages are those in it from now on.
        """
        self._offsets = dict(enumerate(offsets))
        self._numbers = {}
        self._complete = True

    def count(self) -> int:
        """Count the pages; all directories are passed by.

        Raises
        ------
        FormatError
            If the file is damaged.
        """
        while self._extend():
            pass
        return len(self._offsets)

    def below(self, directory: Directory, number: int) -> Directory:
        """Read a directory that another one names in its tag SubIFDs, as lower resolutions are.

        Raises
        ------
        FormatError
            If it names fewer.
        """
        entry = directory.entries.get(SUB_IFDS)
        offsets = () if entry is None else self.numbers(entry)
        if number >= len(offsets):
            raise FormatError(
                f"{self.name}: the page at byte {directory.offset} has {len(offsets)} lower "
                f"resolutions; number {number + 1} is missing"
            )
        return self.directory(int(offsets[number]))

    def is_inline(self, entry: Entry) -> bool:
        """Whether the directory itself holds the values of a tag."""
        return entry.count * _TYPES.get(entry.type, (1, None))[0] <= self._offset.size

    def numbers(self, entry: Entry) -> np.ndarray[Any, np.dtype[Any]]:
        """Read the values of a tag; two for each fraction.

        Raises
        ------
        FormatError
            If they are not all there, or are no numbers.
        """
        letter = _TYPES.get(entry.type, (1, None))[1]
        if letter is None:
            raise FormatError(f"{self.name}: a tag that must hold numbers has type {entry.type}")
        return np.frombuffer(self.raw(entry), self.order + letter)

    def raw(self, entry: Entry, most: int | None = None) -> bytes:
        """Read the bytes of a tag's values.

        Parameters
        ----------
        entry : Entry
            The tag.
        most : int, optional
            How many bytes at most.

        Raises
        ------
        FormatError
            If they are not all there.
        """
        size = entry.count * _TYPES.get(entry.type, (1, None))[0]
        if size <= self._offset.size:
            return entry.inline[:size]
        if most is not None:
            size = min(size, most)
        found = self._read(self._offset.unpack(entry.inline[: self._offset.size])[0], size)
        if len(found) < size:
            raise FormatError(f"{self.name} ends in the value of a tag; it was cut")
        return found

    def text(self, entry: Entry, most: int | None = None) -> str:
        """Read the text of a tag: UTF-8, or else Latin-1; parameters as :meth:`raw`."""
        return _decoded(self.raw(entry, most))

    def _raw(self, offset: int) -> tuple[bytes, int]:
        """Return the bytes of a directory, and where in them its entries end."""
        raw = self._read(offset, 512)
        start = self._count.size
        count = self._count.unpack_from(raw)[0] if len(raw) >= start else 0
        if not 0 < count <= _MOST_ENTRIES:
            raise FormatError(f"{self.name} has no directory at byte {offset}; it was cut")
        end = start + count * self._entry.size
        size = end + self._offset.size
        if len(raw) < size:
            raw = self._read(offset, size)
        if len(raw) < size:
            raise FormatError(f"{self.name} ends in the directory at byte {offset}; it was cut")
        return raw, end

    def _extend(self) -> bool:
        """Find one more page, or many; whether there is one."""
        last = len(self._offsets) - 1
        if last < 0 or self._complete:
            return False
        raw, end = self._raw(self._offsets[last])
        offset: int = self._offset.unpack_from(raw, end)[0]
        if not offset:
            return False
        if self._numbers.setdefault(offset, last + 1) != last + 1:
            raise FormatError(f"{self.name}: its directories run in a circle; it is damaged")
        self._offsets[last + 1] = offset
        self._extend_run()
        return True

    def _extend_run(self) -> None:
        """Find the pages whose directories go on as the last three do, with one read."""
        last = len(self._offsets) - 1
        if last < 2:
            return
        latest = (self._offsets[last - 2], self._offsets[last - 1], self._offsets[last])
        fields = self._count.size, self._entry.size, self._offset.size
        found = further_offsets(self._read, self.order, fields, latest)
        if self._numbers.keys().isdisjoint(found):  # else they run in a circle, which is told
            self._numbers.update(zip(found, range(last + 1, last + 1 + len(found)), strict=True))
            self._offsets.update(enumerate(found, last + 1))


@dataclass(frozen=True)
class TiffHeader:
    """The beginning of a TIFF file, to tell who wrote it.

    Attributes
    ----------
    big : bool
        Whether it is a BigTIFF.
    order : str
        Byte order, ``"<"`` or ``">"``.
    head : bytes
        The first bytes of the file, 4096 at most.
    tags : mapping of int to (str, bytes or tuple)
        Tags of the first directory, by number: texts, bytes of type "undefined", and numbers.
        Long values are cut.
    """

    big: bool
    order: str
    head: bytes
    tags: Mapping[int, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """The first page's description, 64 KiB of it at most."""
        return self._text(IMAGE_DESCRIPTION)

    @property
    def software(self) -> str:
        """What wrote the file, as it says."""
        return self._text(SOFTWARE)

    def _text(self, tag: int) -> str:
        found = self.tags.get(tag, "")
        if isinstance(found, bytes):
            return _decoded(found)
        return found if isinstance(found, str) else ""


def peek(path: str | os.PathLike[str]) -> TiffHeader | None:
    """Read the beginning of a TIFF file, mostly with one read of 4096 bytes.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    TiffHeader or None
        None if it is no TIFF file, or cannot be read; nothing is raised.
    """
    if isinstance(path, RemoteName):
        # A server that refuses, or that says nothing, is an error.
        with suppress(NotFoundError, ValueError, OverflowError):
            return _peeked(path.open().read, path)
        return None
    if not os.path.isfile(path):  # a pipe would wait for ever
        return None
    try:
        with open(path, "rb", buffering=0) as file:

            def read(offset: int, size: int) -> bytes:
                file.seek(offset)
                return file.read(size)

            return _peeked(read, os.fspath(path))
    except (OSError, ValueError, OverflowError):  # no file, no right, or damaged
        return None


def _peeked(read: Callable[[int, int], bytes], name: str) -> TiffHeader | None:
    head = read(0, _HEAD)
    form = tiff_form(head)
    if form is None:
        return None

    def part(offset: int, size: int) -> bytes:
        inside = offset + size <= len(head)
        return head[offset : offset + size] if inside else read(offset, size)

    structure = TiffStructure(part, name)
    entries = structure.page(0).entries.items()
    tags = {tag: _value(structure, entry) for tag, entry in entries if entry.count}
    return TiffHeader(form[1], form[0], head, tags)


def _value(structure: TiffStructure, entry: Entry) -> str | bytes | tuple[float, ...]:
    raw = structure.raw(entry, _LONGEST)
    size, letter = _TYPES.get(entry.type, (1, None))
    if entry.type == _ASCII:
        return _decoded(raw)
    if letter is None:
        return raw
    numbers = np.frombuffer(raw[: len(raw) // size * size], structure.order + letter).tolist()
    if entry.type in _RATIONALS:
        numbers = [a / b if b else 0.0 for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    return tuple(numbers)


def _decoded(raw: bytes) -> str:
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        # A text that was cut within a letter is UTF-8 still.
        if len(raw) - error.start < 4 and error.reason == "unexpected end of data":
            return raw[: error.start].decode()
        return raw.decode("latin-1")
