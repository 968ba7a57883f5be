"""The central directory of a zip archive: what is in it and where, checked before it is used.

Single parts of values are read here; what a value means is not for here.
"""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zipfile
from collections.abc import Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from iohub.errors import FormatError, IohubWarning, PathError
from iohub.storage.keys import DOCUMENTS, check_key, join

_LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of the name and of what follows it
LOCAL_SIZE = _LOCAL.size
"""Of a header, without the name of its entry [bytes]."""

_END = struct.Struct("<4xHH12xH")  # number of this part, that in which it begins; comment's length
_LAST = 22 + 0xFFFF  # an end with the longest comment [bytes]
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_MOST = 1 << 30  # systems read less than 2 GiB at once
_turn = threading.Lock()


class Entry(NamedTuple):
    """A value of an archive.

    Attributes
    ----------
    offset : int
        Where its local header begins.
    stored, size : int
        Bytes in the archive, and of the value.
    method : int
        How it is compressed, ``zipfile.ZIP_STORED`` if it is not.
    check : int
        CRC-32 of the value.
    """

    offset: int
    stored: int
    size: int
    method: int
    check: int


class Directory:
    """The central directory of an archive as it is now, and the file, held open.

    Parameters
    ----------
    path : str
        The archive.

    Attributes
    ----------
    identity : hashable
        By what to tell it from an archive that has taken its place.
    entries : dict of str to Entry
        Every value by its key.

    Raises
    ------
    FileNotFoundError
        If there is none.
    FormatError
        If it is damaged, or one of several parts.
    PathError
        If a name in it leads out of it.
    """

    def __init__(self, path: str):
        self.path = path
        self.descriptor = os.open(path, _READ_FLAGS)
        status = os.fstat(self.descriptor)
        self.identity = identity(status)
        self.entries = self._read(status.st_size)
        self._children: dict[str, tuple[set[str], set[str]]] | None = None

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)

    @property
    def children(self) -> dict[str, tuple[set[str], set[str]]]:
        """Names of the directories and files right below each directory."""
        if self._children is None:
            found: dict[str, tuple[set[str], set[str]]] = {"": (set(), set())}
            for name in self.entries:
                above, _, last = name.rpartition("/")
                while above not in found:
                    found[above] = (set(), set())
                    above = above.rpartition("/")[0]
                found[name.rpartition("/")[0]][1].add(last)
            for folder in found:
                above, _, last = folder.rpartition("/")
                if folder:
                    found[above][0].add(last)
            self._children = found
        return self._children

    def hierarchies(self) -> list[str]:
        """Names of the folders at the top in which there is a Zarr node; none if the top is one."""
        if any(document in self.entries for document in DOCUMENTS):
            return []
        tops = {name.partition("/")[0] for name in self.entries if "/" in name}
        return sorted(top for top in tops if any(join(top, d) in self.entries for d in DOCUMENTS))

    def place(self, entry: Entry) -> int:
        """Where the bytes of a value begin in the file."""
        return self._begin(entry, self._read_at(_LOCAL.size, entry.offset))

    def _begin(self, entry: Entry, header: bytes) -> int:
        if len(header) == _LOCAL.size:
            signature, name, extra = _LOCAL.unpack(header)
            if signature == b"PK\3\4":
                return entry.offset + _LOCAL.size + int(name) + int(extra)
        raise FormatError(f"{self.path} is damaged: no entry where its directory says there is one")

    def stored(self, entry: Entry, start: int, stop: int) -> bytes:
        """Return a part of the stored bytes of a value."""
        part = self._read_at(stop - start, self.place(entry) + start)
        if len(part) != stop - start:
            raise FormatError(f"{self.path} is truncated: it ends within an entry")
        return part

    def _read_at(self, size: int, offset: int) -> bytes:
        return read_at(self.descriptor, size, offset)

    def _zip(self) -> AbstractContextManager[zipfile.ZipFile]:
        return _zip_of(self.descriptor)

    def _read(self, size: int) -> dict[str, Entry]:
        tail = self._read_at(min(size, _LAST), max(0, size - _LAST))
        at = tail.rfind(b"PK\5\6")
        whole = 0 <= at <= len(tail) - _END.size
        first, last, comment = _END.unpack_from(tail, at) if whole else (0, 0, 0)
        if not whole or len(tail) < at + _END.size + comment:
            raise FormatError(
                f"{self.path} is truncated or no zip archive: it has no directory at its end"
            )
        if {first, last} - {0, 0xFFFF}:
            raise FormatError(one_part(self.path))
        try:
            with self._zip() as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError) as error:
            raise FormatError(f"{self.path} is damaged: {error}") from error
        return self._checked(infos, size)

    def _checked(self, infos: Iterable[zipfile.ZipInfo], size: int) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        twice: list[str] = []
        for info in infos:
            name = info.orig_filename
            if name.endswith("/") and not info.file_size:
                continue
            try:
                check_key(name)
            except PathError as error:
                raise PathError(
                    f"{self.path} is refused: its entry {name!r} leads out of it, or is no name "
                    "that a Zarr store can have"
                ) from error
            if info.header_offset < 0 or info.header_offset + info.compress_size > size:
                raise FormatError(f"{self.path} is truncated: {name!r} would lie behind its end")
            if info.flag_bits & 1:
                raise FormatError(f"{self.path} is encrypted: unpack it with its password first")
            if name in found:
                twice.append(name)
            found[name] = Entry(
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.compress_type,
                info.CRC,
            )
        if twice:
            warnings.warn(
                f"{self.path} has {len(twice)} entries several times, such as {twice[0]!r}; the "
                "last of each counts, but other readers may see another one: write it anew",
                IohubWarning,
                stacklevel=2,
            )
        return found


@contextmanager
def _zip_of(descriptor: int) -> Iterator[zipfile.ZipFile]:
    with os.fdopen(os.dup(descriptor), "rb") as file, zipfile.ZipFile(file) as archive:
        yield archive


def one_part(path: str) -> str:
    """Say that a file is one of several."""
    return (
        f"{path} is one part of an archive in several files, which OME-Zarr does not allow: join "
        "them first, as with 'zip -s 0 parts.zip --out whole.zip'"
    )


def identity(status: os.stat_result) -> Hashable:
    """Return by what to tell an archive from one that has taken its place."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Read at a place in a file; fewer bytes only where it ends."""
    parts = []
    while size > 0:
        part = _pread(descriptor, min(size, _MOST), offset)
        if not part:
            break
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _turn:  # Windows
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
