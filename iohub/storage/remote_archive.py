"""Zip archives on servers, for reading: their directory first, then the values asked for."""

from __future__ import annotations

import zipfile
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from iohub.errors import FormatError, NotFoundError, PathError
from iohub.storage.keys import DOCUMENTS, check_prefix, join
from iohub.storage.ozx import SUFFIXES, ArchiveBytes
from iohub.storage.remote_file import RemoteFile, RemoteName
from iohub.storage.zip_directory import LOCAL_SIZE, Directory, Entry

_AT_ONCE = 32  # requests
_SLACK = 1 << 10  # of a header's name and more, mostly [bytes]


def split_url(url: str) -> tuple[str, str] | None:
    """Return the archive that a URL leads to or into, and the path in it; None if to none.

    Parameters
    ----------
    url : str
        Such as ``https://example.org/plate.ozx/A/1/0``.
    """
    start = url.find("://") + 3
    parts = url[start:].rstrip("/").split("/")
    for count in range(2, len(parts) + 1):
        if parts[count - 1].lower().endswith(SUFFIXES):
            return url[:start] + "/".join(parts[:count]), "/".join(parts[count:])
    return None


def open_remote_archive(
    url: str, inside: str = "", options: Mapping[str, Any] | None = None
) -> RemoteArchive | None:
    """Return the bytes of an archive, or those in its one folder if it holds nothing but that.

    Parameters
    ----------
    url : str
        The archive.
    inside : str
        A place in it: what is there as it is said, is meant so.
    options : mapping, optional
        Of obstore or of fsspec.

    Returns
    -------
    RemoteArchive or None
        None if there is no file of that name; there may be a directory.

    Raises
    ------
    FormatError, PathError
        If the archive is damaged, or refused.
    AccessError, UnreachableError
        If the server says so, or nothing.
    """
    name = RemoteName(url, options)
    whole = RemoteArchive(name)
    try:
        entries = whole.directory().entries
    except NotFoundError:
        return None
    if any(join(inside, document) in entries for document in DOCUMENTS):
        return whole
    held = whole.directory().hierarchies()
    return RemoteArchive(name, held[0]) if len(held) == 1 else whole


class RemoteArchive(ArchiveBytes):
    """Bytes by key in a zip archive on a server; read-only.

    It is taken not to change while it is open.

    Parameters
    ----------
    name : RemoteName
        The archive.
    folder : str
        Folder in it that the keys are relative to.
    """

    is_local = False

    def __init__(self, name: RemoteName, folder: str = ""):
        super().__init__("", folder)
        self.archive, self._name = str(name), name

    def directory(self) -> Directory:
        """Return what the archive holds.

        Raises
        ------
        NotFoundError
            If there is no archive.
        FormatError, PathError
            If it is damaged, or refused.
        """
        with self._lock:
            if self._held is None:
                self._held = _RemoteDirectory(self._name)
            return self._held

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order; many requests are in flight at once."""
        if len(keys) < 2:
            return [self.get(key) for key in keys]
        with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), "iohub-archive") as threads:
            return list(threads.map(self.get, keys))

    def open_value(self, key: str) -> tuple[int, int] | None:
        """Refuse: there is no file here.

        Raises
        ------
        PathError
            Always.
        """
        raise PathError(f"{join(self.url, key)} is not in the local file system")

    def exists(self, path: str) -> bool:
        """Whether there is a key or a folder of this name; for ``""``, whether there is a file."""
        directory = self.directory()
        name = join(self.folder, check_prefix(path))
        return not name or name in directory.entries or name in directory.children

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteArchive):
            return NotImplemented
        return (self._name, self.folder) == (other._name, other.folder)

    def __hash__(self) -> int:
        return hash((RemoteArchive, self._name, self.folder))

    def __reduce__(self) -> tuple[object, ...]:
        return RemoteArchive, (self._name, self.folder)


class _RemoteDirectory(Directory):
    """The central directory of an archive on a server."""

    def __init__(self, name: RemoteName):
        self.path, self._file = str(name), RemoteFile(name)
        self.identity: Hashable = self._file.identity
        self._places: dict[int, int] = {}
        self._children = None
        self.entries = self._read(self._file.size)

    def place(self, entry: Entry) -> int:
        found = self._places.get(entry.offset)
        if found is None:
            found = self._places[entry.offset] = super().place(entry)
        return found

    def stored(self, entry: Entry, start: int, stop: int) -> bytes:
        if entry.offset in self._places or (start, stop) != (0, entry.stored):
            return super().stored(entry, start, stop)
        # A value and the header in front of it come with one request.
        guess = LOCAL_SIZE + _SLACK + entry.stored
        found = self._file.read(entry.offset, guess)
        begin = self._places[entry.offset] = self._begin(entry, found[:LOCAL_SIZE])
        part = found[begin - entry.offset :][: entry.stored]
        if len(part) < entry.stored:
            part += self._file.read(begin + len(part), entry.stored - len(part))
        if len(part) != entry.stored:
            raise FormatError(f"{self.path} is truncated: it ends within an entry")
        return part

    def _read_at(self, size: int, offset: int) -> bytes:
        return self._file.read(offset, size)

    def _zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self._file.as_file())
