"""One file on a server, read in parts: by whoever needs its beginning, its end or a piece.

Small reads come from blocks that are kept, as files are walked through in small steps; large ones
ask for what they want and nothing else.
"""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final

from iohub.errors import FormatError, NotFoundError
from iohub.optional import need

if TYPE_CHECKING:
    from iohub.storage.remote import RemoteBytes

BLOCK: Final = 1 << 15
"""What a small read asks for [bytes]."""

_MOST_BLOCKS = 256


class RemoteName(str):
    """The URL of a file on a server, with what it takes to open it; a name like that of any file.

    Parameters
    ----------
    url : str
        As for :func:`iohub.storage.remote.remote_bytes`.
    options : mapping, optional
        Of obstore or of fsspec.
    """

    __slots__ = ("_file", "options")
    options: dict[str, Any]
    _file: RemoteFile | None

    def __new__(cls, url: str, options: Mapping[str, Any] | None = None) -> RemoteName:
        """Make one; nothing is asked of the server."""
        made = super().__new__(cls, url)
        made.options, made._file = dict(options or {}), None
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return RemoteName, (str(self), self.options)

    def open(self) -> RemoteFile:
        """Return the file, one for all who ask this name."""
        if self._file is None:
            self._file = RemoteFile(self)
        return self._file


class RemoteFile:
    """A file on a server.

    Nothing is asked for on construction. Any number of threads may read.

    Parameters
    ----------
    name : RemoteName
        Its URL.

    Raises
    ------
    PathError, ArgumentError, MissingDependencyError
        As :func:`iohub.storage.remote.remote_bytes`.
    """

    def __init__(self, name: RemoteName):
        self.name = name
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock, self._process = threading.Lock(), os.getpid()
        self._size: int | None = None
        self._store: RemoteBytes | None = None
        self._key = name.rpartition("/")[2]

    @property
    def size(self) -> int:
        """Size of the file [bytes].

        Raises
        ------
        NotFoundError
            If there is no such file.
        AccessError, UnreachableError
            If the server says so, or nothing.
        """
        if self._size is None:
            self._size = self._opened().size(self._key)
            if self._size is None:
                raise NotFoundError(f"there is nothing at {self.name}")
        return self._size

    @property
    def identity(self) -> Hashable:
        """By what to tell the file from others."""
        return str(self.name), self.size

    def read(self, offset: int, size: int) -> bytes:
        """Read at a place; fewer bytes only where the file ends.

        Raises
        ------
        FormatError
            If the server gives less than it said there is.
        NotFoundError, AccessError, UnreachableError
            As :attr:`size`.
        """
        stop = min(offset + size, self.size)
        if offset < 0 or stop <= offset:
            return b""
        first, last = offset // BLOCK, (stop - 1) // BLOCK
        if last - first > 1:
            return self._fetch(offset, stop)
        parts = b"".join(self._block(number) for number in range(first, last + 1))
        return parts[offset - first * BLOCK : stop - first * BLOCK]

    def as_file(self) -> io.BufferedReader:
        """Return the same as Python's files are; closing it changes nothing here."""
        return io.BufferedReader(_Raw(self), BLOCK)

    def _block(self, number: int) -> bytes:
        with self._held():
            found = self._blocks.get(number)
            if found is not None:
                self._blocks.move_to_end(number)
                return found
        start = number * BLOCK
        found = self._fetch(start, min(start + BLOCK, self.size))
        with self._held():
            self._blocks[number] = found
            while len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)
        return found

    def _held(self) -> threading.Lock:
        if self._process != os.getpid():  # a thread of the parent may hold it for ever
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    def _fetch(self, start: int, stop: int) -> bytes:
        found = self._opened().get_range(self._key, start, stop)
        if found is None:
            raise NotFoundError(f"there is nothing at {self.name} any more")
        if len(found) != stop - start:
            raise FormatError(
                f"{self.name}: the server gave {len(found)} bytes where {stop - start} were asked "
                "for; the file is cut or was changed, or the server gives no parts of files"
            )
        return found

    def _opened(self) -> RemoteBytes:
        if self._store is None:
            need("zarr", why="files on servers")
            from iohub.storage.remote import remote_bytes

            above, name = self.name.rpartition("/")[0], self.name
            self._store = remote_bytes(above, writable=False, options=name.options)
        return self._store


class _Raw(io.RawIOBase):
    def __init__(self, file: RemoteFile):
        self._file, self._at = file, 0
        self.name = str(file.name)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._file.size)
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(self._at, len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
