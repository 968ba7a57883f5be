"""A BigTIFF that grows page by page and can be read at any moment, also after ``kill -9``.

Pixels and directory of a page are written first, then the link from the page before: so a page is
in the file's chain as soon as it is there. The description is put behind the pages, and the first
page told where it is; the old one stays until then.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from iohub.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from iohub.types import NDArray

_HEADER: Final = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)
_FIRST_LINK: Final = 8
_SHORT, _LONG8, _ASCII = 3, 16, 2
_DESCRIPTION: Final = 270
_PAGE_NAME: Final = 285
_INLINE: Final = 8  # bytes of a value that lie in its entry
_FORMATS: Final = {"u": 1, "i": 2, "f": 3, "c": 6}
_LZW, _NONE = 5, 1
_MOST_TAGS: Final = 64


class TiffFile:
    """A file to which pages of one size are appended.

    Parameters
    ----------
    path : str
        A new file.
    shape : tuple of int
        Height and width [pixels].
    dtype : numpy.dtype
        Of the pixels, which are written little-endian.
    description : bytes
        OME-XML of the first page.
    encode : callable, optional
        Compresses the pixels of a page with LZW.

    Attributes
    ----------
    places : list of (int, int)
        Offset and size of the pixels of each page [bytes].
    """

    def __init__(
        self,
        path: str,
        shape: tuple[int, int],
        dtype: np.dtype[np.generic],
        description: bytes,
        encode: Callable[[NDArray], bytes] | None = None,
    ):
        self.path, self.shape, self.dtype = path, shape, dtype
        self.places: list[tuple[int, int]] = []
        self._encode = encode
        self._text = description
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        self._end = _write(self._file, 0, _HEADER)
        self._link = _FIRST_LINK

    def append(self, pixels: NDArray, number: int | None = None) -> None:
        """Append a page (Y, X); its `number`, by which it is known again, is its name."""
        stored = np.ascontiguousarray(pixels, self.dtype.newbyteorder("<"))
        value: bytes | memoryview = stored.reshape(-1).view(np.uint8).data
        if self._encode is not None:
            value = self._encode(stored)
        text = b"" if self.places else self._text + b"\0"
        start = self._end
        directory = start + len(value) + -len(value) % 8
        page = self._directory(start, len(value), directory, text, number)
        tail = bytes(-len(value) % 8) + page
        _write_parts(self._file, start, [value, tail])
        _write(self._file, self._link, struct.pack("<Q", directory))
        self._link = directory + 8 + 20 * struct.unpack_from("<Q", page)[0]
        self._end = directory + len(page)
        self.places.append((start, len(value)))

    def _directory(self, start: int, size: int, at: int, text: bytes, number: int | None) -> bytes:
        height, width = self.shape
        tags: list[tuple[int, int, int, int]] = [
            (256, _LONG8, 1, width),
            (257, _LONG8, 1, height),
            (258, _SHORT, 1, 8 * self.dtype.itemsize),
            (259, _SHORT, 1, _LZW if self._encode is not None else _NONE),
            (262, _SHORT, 1, 1),
            (273, _LONG8, 1, start),
            (277, _SHORT, 1, 1),
            (278, _LONG8, 1, height),
            (279, _LONG8, 1, size),
            (339, _SHORT, 1, _FORMATS[self.dtype.kind]),
        ]
        name = b"" if number is None else b"%x\0" % number
        if 0 < len(name) <= _INLINE:
            tags.append((_PAGE_NAME, _ASCII, len(name), int.from_bytes(name, "little")))
        if text:
            behind = at + 8 + 20 * (len(tags) + 1) + 8
            tags.append((_DESCRIPTION, _ASCII, len(text), behind))
        entries = b"".join(struct.pack("<HHQQ", *tag) for tag in sorted(tags))
        return struct.pack("<Q", len(tags)) + entries + bytes(8) + text + bytes(-len(text) % 8)

    def read_from(self, path: str, page: int) -> NDArray:
        """Return the pixels of a page (Y, X), also after the file was closed."""
        start, size = self.places[page]
        with open(path, "rb") as file:
            file.seek(start)
            raw = file.read(size)
        if self._encode is not None:
            from imagecodecs import lzw_decode

            raw = bytes(lzw_decode(raw, out=int(np.prod(self.shape)) * self.dtype.itemsize))
        stored = np.frombuffer(raw, self.dtype.newbyteorder("<"))
        return stored.reshape(self.shape).astype(self.dtype, copy=False)

    def sync(self) -> None:
        """Have the disk keep the pages there are over a power cut."""
        os.fsync(self._file)

    def close(self, *, sync: bool = False) -> None:
        """Close it; a file without pages has no description, and is no TIFF that has images."""
        if self._file >= 0:
            if sync:
                os.fsync(self._file)
            os.close(self._file)
            self._file = -1


def describe(path: str, text: bytes) -> None:
    """Give a file another description: behind all there is, then the first page is told.

    Parameters
    ----------
    path : str
        A file that :class:`TiffFile` made, with one page at least.
    text : bytes
        OME-XML, ASCII.

    Raises
    ------
    FormatError
        If it is no such file.
    """
    file = os.open(path, os.O_RDWR)
    try:
        found = _find_description(file, path)
        end = os.fstat(file).st_size
        end += -end % 8
        _write(file, end, text + b"\0")
        _write(file, found, struct.pack("<HHQQ", _DESCRIPTION, _ASCII, len(text) + 1, end))
    finally:
        os.close(file)


def read_description(path: str) -> bytes:
    """Return the description of the first page.

    Raises
    ------
    FormatError
        If it is no file of :class:`TiffFile`, or has no page.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        _, _, count, start = struct.unpack(
            "<HHQQ", os.pread(file, 20, _find_description(file, path))
        )
        return os.pread(file, count, start).rstrip(b"\0")
    finally:
        os.close(file)


def page_numbers(path: str) -> list[int | None]:
    """Return the number of each page that is in the chain; None for one that has none.

    Raises
    ------
    FormatError
        If it is no file of :class:`TiffFile`.
    """
    found: list[int | None] = []
    file = os.open(path, os.O_RDONLY)
    try:
        head = os.pread(file, 16, 0)
        if len(head) < 16 or head[:8] != _HEADER[:8]:
            raise FormatError(f"{path} is no BigTIFF that a stream wrote")
        (at,) = struct.unpack_from("<Q", head, 8)
        size = os.fstat(file).st_size
        while 0 < at <= size - 16:
            (count,) = struct.unpack("<Q", os.pread(file, 8, at))
            page = os.pread(file, 20 * count + 8, at + 8) if count < _MOST_TAGS else b""
            if len(page) < 20 * count + 8 or not page:
                break  # a power cut kept the link, and not what it leads to
            found.append(_number_of(page, count))
            (at,) = struct.unpack_from("<Q", page, 20 * count)
    finally:
        os.close(file)
    return found


def _number_of(page: bytes, count: int) -> int | None:
    for entry in range(count):
        tag, _, length, value = struct.unpack_from("<HHQQ", page, 20 * entry)
        if tag == _PAGE_NAME and length <= _INLINE:
            text = value.to_bytes(8, "little").rstrip(b"\0")
            return int(text, 16) if text.isalnum() else None
    return None


def _find_description(file: int, path: str) -> int:
    head = os.pread(file, 16, 0)
    first = struct.unpack_from("<Q", head, 8)[0] if head[:4] == _HEADER[:4] else 0
    raw = os.pread(file, 8, first) if first else b""
    count = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
    for entry in range(min(count, _MOST_TAGS)):
        at = first + 8 + 20 * entry
        if struct.unpack("<H", os.pread(file, 2, at))[0] == _DESCRIPTION:
            return int(at)
    raise FormatError(f"{path} has no page with a description")


def _write(file: int, start: int, value: bytes) -> int:
    return _write_parts(file, start, [value])


def _write_parts(file: int, start: int, parts: list[bytes | memoryview]) -> int:
    """Write parts one after the other; return where they end."""
    rest = [memoryview(part) for part in parts if len(part)]
    while rest:
        done = os.pwritev(file, rest, start) if len(rest) > 1 else os.pwrite(file, rest[0], start)
        start += done
        while rest and done >= len(rest[0]):
            done -= len(rest.pop(0))
        if rest and done:
            rest[0] = rest[0][done:]
    return start
