"""The files of a TIFF data set, read by offset: opened when needed, not too many at once.

Reads by offset share no position in the file, so threads and forked children do not disturb each
other.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import finalize

from iohub.errors import ClosedError, FormatError, NotFoundError, UnreadableError
from iohub.formats.tiff_header import TiffStructure
from iohub.optional import need
from iohub.storage.damage import named_errors
from iohub.storage.remote_file import RemoteFile, RemoteName

if TYPE_CHECKING:
    from iohub.types import NDArray

# Files that are held open though nobody reads from them.
_MOST_OPEN = 64
_LARGE = 1 << 20


@dataclass(eq=False)
class _Open:
    file: int
    descriptor: int
    readers: int = 1


class TiffFiles:
    """Files by number; :meth:`close` releases them.

    Parameters
    ----------
    paths : sequence of str
        The files; nothing is opened yet.
    url : str
        The data set, for messages.
    """

    def __init__(self, paths: Sequence[str], url: str = ""):
        self.paths = tuple(paths)
        self.url = url or (self.paths[0] if self.paths else "")
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._remotes: dict[int, RemoteFile] = {}
        self._structures: dict[int, TiffStructure] = {}
        self._lock, self._process = threading.Lock(), os.getpid()
        self._closed = False
        finalize(self, _close_all, self._open)

    def structure(self, file: int) -> TiffStructure:
        """Return the directories of a file.

        Raises
        ------
        NotFoundError, UnreadableError
            If the file is missing, or cannot be opened.
        FormatError
            If it is no TIFF.
        """
        found = self._structures.get(file)
        if found is None:
            found = TiffStructure(partial(self.read, file), self.paths[file])
            self._structures[file] = found
        return found

    def read(self, file: int, offset: int, size: int) -> bytes:
        """Read bytes; fewer at the end of the file.

        Raises
        ------
        ClosedError
            After :meth:`close`.
        NotFoundError, UnreadableError
            If the file is missing, or cannot be read.
        FormatError
            If there is no such place in a file.
        """
        remote = self._remote(file)
        if remote is not None:
            return remote.read(offset, size)
        held = self._take(file)
        try:
            if size > _LARGE:  # memory is taken before it is read, and a damaged size may be any
                size = min(size, max(0, os.fstat(held.descriptor).st_size - offset))
            return os.pread(held.descriptor, size, offset)
        except OverflowError as error:
            raise FormatError(f"{self.paths[file]} names byte {offset}; it is damaged") from error
        except OSError as error:
            raise UnreadableError(f"{self.paths[file]} cannot be read: {error}") from error
        finally:
            self._give(held)

    def read_into(self, file: int, offset: int, out: NDArray) -> None:
        """Fill contiguous memory with bytes of a file.

        Raises
        ------
        FormatError
            If the file ends before.
        ClosedError, NotFoundError, UnreadableError
            As :meth:`read`.
        """
        view = out.reshape(-1).view("u1").data
        remote = self._remote(file)
        if remote is not None:
            found = remote.read(offset, view.nbytes)
            if len(found) != view.nbytes:
                raise FormatError(f"{self.paths[file]} ends within its pixels; it was cut")
            view[:] = found
            return
        held = self._take(file)
        try:
            while view:
                count = os.preadv(held.descriptor, [view], offset)
                if not count:
                    raise FormatError(f"{self.paths[file]} ends within its pixels; it was cut")
                view, offset = view[count:], offset + count
        except OverflowError as error:
            raise FormatError(f"{self.paths[file]} names byte {offset}; it is damaged") from error
        except OSError as error:
            if isinstance(error, FormatError):
                raise
            raise UnreadableError(f"{self.paths[file]} cannot be read: {error}") from error
        finally:
            self._give(held)

    def library(self, file: int) -> Any:
        """Open a file with tifffile; the caller closes it.

        Raises
        ------
        FormatError
            If tifffile cannot read it.
        MissingDependencyError
            If tifffile is not installed.
        """
        tifffile = need("tifffile", extra="tiff", why="TIFF files")
        with named_errors(self.paths[file]):
            remote = self._remote(file)
            return tifffile.TiffFile(self.paths[file] if remote is None else remote.as_file())

    def size(self, file: int) -> int:
        """Size of a file [bytes].

        Raises
        ------
        ClosedError, NotFoundError, UnreadableError
            As :meth:`read`.
        """
        remote = self._remote(file)
        if remote is not None:
            return remote.size
        held = self._take(file)
        try:
            return os.fstat(held.descriptor).st_size
        finally:
            self._give(held)

    def close(self) -> None:
        """Close all files, those being read as soon as that is done; again does nothing."""
        self._renew()
        with self._lock:
            self._closed = True
            self._drop(0)

    def _remote(self, file: int) -> RemoteFile | None:
        """Return a file that is on a server, None if it is not."""
        name = self.paths[file]
        if not isinstance(name, RemoteName):
            return None
        self._renew()
        with self._lock:
            self._check_open()
            if file not in self._remotes:
                self._remotes[file] = name.open()
            return self._remotes[file]

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"{self.url} is closed; open it again with open_ome_zarr(...)")

    def _take(self, file: int) -> _Open:
        self._renew()
        with self._lock:
            self._check_open()
            found = self._open.get(file)
            if found is None:
                found = self._open[file] = _Open(file, self._descriptor(file))
                self._drop(_MOST_OPEN)
            else:
                found.readers += 1
                self._open.move_to_end(file)
            return found

    def _give(self, held: _Open) -> None:
        with self._lock:
            held.readers -= 1
            if self._closed:
                self._drop(0)

    def _renew(self) -> None:
        """Forget, in a forked child, the threads of its parent; one may have held the lock."""
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
            for held in self._open.values():
                held.readers = 0

    def _descriptor(self, file: int) -> int:
        path = self.paths[file]
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFoundError(f"{path} is missing; {self.url} names it") from error
        except OSError as error:
            raise UnreadableError(f"{path} cannot be opened: {error}") from error

    def _drop(self, most: int) -> None:
        """Close what nobody reads from, the longest unused first, until so many are open."""
        if len(self._open) > most:
            idle = [held for held in self._open.values() if not held.readers]
            for held in idle[: len(self._open) - most]:
                os.close(self._open.pop(held.file).descriptor)


def _close_all(held: OrderedDict[int, _Open]) -> None:
    while held:
        os.close(held.popitem()[1].descriptor)
