"""Bytes in a zip archive, for reading: plain ``.zip`` and ``.ozx`` (OME-Zarr RFC-9).

The central directory is read once and looked up by key; values are read at their place in the
file, by any number of threads, also in forked children. An archive that was replaced is seen to be
another one at the next access, as a directory is. How archives are written is in
``ozx_writing.py``.
"""

from __future__ import annotations

import os
import re
import threading
import zipfile
import zlib
from collections.abc import Hashable, Sequence
from typing import Any

from iohub.errors import FormatError, ReadOnlyError
from iohub.storage import chunk_pool
from iohub.storage.keys import DOCUMENTS, OWN_PREFIX, check_key, check_prefix, join
from iohub.storage.zip_directory import Directory, Entry, identity, one_part
from iohub.types import PathLikeStr

SUFFIXES = (".ozx", ".zip")

# A plate of 100,000 wells has a document of some MB [bytes].
_LARGEST_DOCUMENT = 256 << 20
_PART = re.compile(r"\.(?:ozx|zip)\.\d{2,}$|\.z\d\d$", re.IGNORECASE)


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is taken for an archive."""
    return name.lower().endswith(SUFFIXES)


def split_path(path: str) -> tuple[str, str] | None:
    """Return the archive that a path leads to or into, and the path in it; None if there is none.

    Parameters
    ----------
    path : str
        Such as ``plate.ozx`` or ``plate.ozx/A/1/0``. What is a directory is no archive.

    Raises
    ------
    FormatError
        If it is a part of an archive in several files.
    """
    if _PART.search(path) and os.path.isfile(path):
        raise FormatError(one_part(path))
    at = len(path)
    while at > 0:
        if is_archive_name(path[:at]):
            inside = path[at:].strip("/" + os.sep).replace(os.sep, "/")
            if os.path.isfile(path[:at]) or not (inside or os.path.lexists(path[:at])):
                return path[:at], inside
        at = max(path.rfind(sep, 0, at) for sep in {"/", os.sep})
    return None


def open_archive(path: str, inside: str = "") -> ArchiveBytes:
    """Return the bytes of an archive, or those in its one folder if it holds nothing but that.

    Parameters
    ----------
    path : str
        The archive.
    inside : str
        A place in it: what is there as it is said, is meant so.

    Raises
    ------
    FormatError, PathError
        If the archive is damaged, or refused.
    """
    whole = ArchiveBytes(path)
    directory = whole.directory()
    if directory is None or any(join(inside, name) in directory.entries for name in DOCUMENTS):
        return whole
    held = directory.hierarchies()
    return ArchiveBytes(path, held[0]) if len(held) == 1 else whole


class ArchiveBytes:
    """Bytes by key in a zip archive; read-only.

    Nothing is read on construction. Values that are deflated are inflated, and all are checked
    against their checksum.

    Parameters
    ----------
    path : path-like
        The archive.
    folder : str
        Folder in it that the keys are relative to.
    """

    has_tokens = True
    read_only = True
    is_local = True

    def __init__(self, path: PathLikeStr, folder: str = ""):
        self.archive, self.folder = os.path.abspath(os.fspath(path)), check_prefix(folder)
        self.decoders: dict[str, tuple[Hashable, chunk_pool.Decodes[Any]]] = {}
        """By path of an array: its state, and who decodes it and may have chunks in the pool."""
        self._held: Directory | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The archive."""
        return join(self.archive, self.folder)

    def directory(self) -> Directory | None:
        """Return what the archive holds now; None if there is no archive."""
        held = self._held
        try:
            now = identity(os.stat(self.archive))
        except (FileNotFoundError, NotADirectoryError):
            return None
        if held is not None and held.identity == now:
            return held
        with self._lock:
            if self._held is None or self._held.identity != now:
                try:
                    self._held = Directory(self.archive)
                except FileNotFoundError:
                    return None
            return self._held

    def close(self) -> None:
        """Close the file as soon as nobody reads it, and forget what was decoded.

        It is opened again when it is needed.
        """
        self._held = None
        while self.decoders:
            chunk_pool.drop(self.decoders.popitem()[1][1])

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None if there is none.

        Raises
        ------
        FormatError
            If the archive is damaged there, or compressed in an unusual way.
        """
        found = self._find(key)
        if found is None:
            return None
        directory, entry = found
        value = self._decoded(key, entry, directory.stored(entry, 0, entry.stored))
        if zlib.crc32(value) != entry.check:
            raise FormatError(f"{join(self.url, key)} is damaged: its checksum is wrong")
        return value

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order."""
        return [self.get(key) for key in keys]

    def get_range(self, key: str, start: int, stop: int | None = None) -> bytes | None:
        """Return a part of the value of a key, None if there is none.

        Parameters
        ----------
        key : str
            Which value.
        start, stop : int
            As in a slice; a negative `start` counts from the end.
        """
        found = self._find(key)
        if found is None:
            return None
        directory, entry = found
        if entry.method != zipfile.ZIP_STORED:
            value = self.get(key)
            return None if value is None else value[start:stop]
        first, last, _ = slice(start, stop).indices(entry.size)
        return directory.stored(entry, first, max(first, last))

    def open_value(self, key: str) -> tuple[int, int] | None:
        """Open the file of a key; return it and where the value begins, None if there is none.

        Raises
        ------
        FormatError
            If the value is deflated.
        """
        found = self._find(key)
        if found is None:
            return None
        directory, entry = found
        if entry.method != zipfile.ZIP_STORED:
            raise FormatError(f"{join(self.url, key)} is compressed by the archive")
        offset = directory.place(entry)
        return os.dup(directory.descriptor), offset

    def token(self, key: str) -> Hashable | None:
        """Which archive it is, and where in it the value of a key lies; None if there is none."""
        found = self._find(key)
        return None if found is None else (found[0].identity, found[1].offset)

    def size(self, key: str) -> int | None:
        """Bytes of the value of a key; None if there is none."""
        found = self._find(key)
        return None if found is None else found[1].size

    def exists(self, path: str) -> bool:
        """Whether there is a key or a folder of this name; for ``""``, whether there is a file."""
        name = join(self.folder, check_prefix(path))
        if not name:
            return os.path.lexists(self.archive)
        directory = self.directory()
        if directory is None:
            return False
        return name in directory.entries or name in directory.children

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the directories and of the files right below a prefix, each sorted."""
        directory = self.directory()
        if directory is None:
            return [], []
        name = join(self.folder, check_prefix(prefix))
        folders, files = directory.children.get(name, (set(), set()))
        return (
            sorted(folder for folder in folders if not folder.startswith(OWN_PREFIX)),
            sorted(file for file in files if not file.startswith(OWN_PREFIX)),
        )

    def with_read_only(self, read_only: bool = True) -> ArchiveBytes:
        """Return the archive itself.

        Raises
        ------
        ReadOnlyError
            If it is to be written.
        """
        if not read_only:
            raise ReadOnlyError(
                f"{self.url} was opened for reading; open it by its path with mode='r+'"
            )
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArchiveBytes):
            return NotImplemented
        return (self.archive, self.folder) == (other.archive, other.folder)

    def __hash__(self) -> int:
        return hash((ArchiveBytes, self.archive, self.folder))

    def __repr__(self) -> str:
        return f"ArchiveBytes({self.archive!r}{f', {self.folder!r}' if self.folder else ''})"

    def __reduce__(self) -> tuple[object, ...]:
        return ArchiveBytes, (self.archive, self.folder)

    def _find(self, key: str) -> tuple[Directory, Entry] | None:
        directory = self.directory()
        if directory is None:
            return None
        entry = directory.entries.get(join(self.folder, check_key(key)))
        return None if entry is None else (directory, entry)

    def _decoded(self, key: str, entry: Entry, stored: bytes) -> bytes:
        if entry.method == zipfile.ZIP_STORED:
            return stored
        if entry.method != zipfile.ZIP_DEFLATED:
            raise FormatError(
                f"{join(self.url, key)} is compressed by the zip method {entry.method}; stored and "
                "deflated entries are read: unpack the archive and open the directory"
            )
        if key.rpartition("/")[2] in DOCUMENTS and entry.size > _LARGEST_DOCUMENT:
            raise FormatError(
                f"{join(self.url, key)} is a document of {entry.size:,} bytes packed in "
                f"{len(stored):,}: more than {_LARGEST_DOCUMENT:,} are not unpacked, as archives "
                "that are made to do harm do that; unpack it yourself if you trust it"
            )
        try:
            # Not more than the directory says, whatever is hidden in it.
            value = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, entry.size + 1)
        except zlib.error as error:
            raise FormatError(f"{join(self.url, key)} is damaged: {error}") from error
        return value
