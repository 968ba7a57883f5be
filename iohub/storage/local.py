"""Bytes in a directory, on plain system calls: atomic writes, cheap revalidation, no strays.

A value is written to a temporary name in its own directory and renamed over the old one, so a
reader sees the old value or the new one, whatever happens to the writer. Files of iohub's own
start with :data:`~iohub.storage.keys.OWN_PREFIX` and are never listed.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Literal, TypeAlias

from iohub.errors import ExistsError, NotFoundError, ReadOnlyError
from iohub.storage import files, leftovers, locks
from iohub.storage.keys import OWN_PREFIX, check_key
from iohub.storage.settings import Durability, get_options
from iohub.types import PathLikeStr

CopyHow: TypeAlias = Literal["copy", "hardlink", "reflink"]

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def _token(status: os.stat_result) -> Hashable:
    return status.st_mtime_ns, status.st_size, status.st_ino


class LocalBytes:
    """Bytes by key below a directory of the local file system.

    Nothing is read or created on construction; the directory may not exist yet.

    Parameters
    ----------
    root : path-like
        The directory. Relative paths are made absolute now, so a later ``chdir`` changes nothing.
    read_only : bool
        Refuse every write.
    durability : {"process", "power"}, optional
        What a finished write survives: the death of the process, or a power cut too, which costs
        an ``fsync`` of the file and of its directory for each write; by default what
        :class:`iohub.storage.settings.set_options` says at that time.
    """

    has_tokens = True

    def __init__(
        self, root: PathLikeStr, read_only: bool = False, *, durability: Durability | None = None
    ):
        self.root = os.path.abspath(os.fspath(root))
        self._durability = durability
        self._read_only = read_only
        self._base = self.root.rstrip(os.sep)  # "" for the root of the file system

    @property
    def url(self) -> str:
        """The directory."""
        return self.root

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._read_only

    @property
    def durability(self) -> Durability:
        """What a finished write survives."""
        return self._durability or get_options().durability

    def with_read_only(self, read_only: bool = True) -> LocalBytes:
        """Return the same directory, opened for reading only or for writing too."""
        return LocalBytes(self.root, read_only, durability=self._durability)

    def path(self, key: str) -> str:
        """Return the file or directory of a key or a prefix.

        Raises
        ------
        PathError
            If the key would lead out of the directory.
        """
        return f"{self._base}/{check_key(key)}" if key else self.root

    # reading

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None if there is none."""
        found = self.get_with_token(key)
        return None if found is None else found[0]

    def get_with_token(self, key: str) -> tuple[bytes, Hashable] | None:
        """Return the value of a key and its token, taken from one and the same file."""
        if (opened := self.open_value(key)) is None:
            return None
        descriptor = opened[0]
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                return None
            value = os.read(descriptor, status.st_size + 1)
            # A file that is larger than one read, or that grows, is read to its end.
            if len(value) != status.st_size:
                value = b"".join([value, *iter(lambda: os.read(descriptor, 1 << 20), b"")])
        finally:
            os.close(descriptor)
        return value, _token(status)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order."""
        return [self.get(key) for key in keys]

    def open_value(self, key: str) -> tuple[int, int] | None:
        """Open the file of a key; return it and where the value begins, None if there is none."""
        try:
            return os.open(self.path(key), _READ_FLAGS), 0
        except _ABSENT:
            return None

    def token(self, key: str) -> Hashable | None:
        """Modification time, size and inode of a key's file; None if there is none."""
        try:
            status = os.stat(self.path(key))
        except _ABSENT:
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        return _token(status)

    def size(self, key: str) -> int | None:
        """Bytes stored under a key; None if there is none."""
        try:
            return os.stat(self.path(key)).st_size
        except _ABSENT:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is a key or a directory of this name, be it an empty one."""
        return os.path.lexists(self.path(path))

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the directories and of the files right below a prefix, each sorted."""
        folders: list[str] = []
        names: list[str] = []
        try:
            with os.scandir(self.path(prefix)) as entries:
                for entry in entries:
                    if not entry.name.startswith(OWN_PREFIX):
                        (folders if entry.is_dir() else names).append(entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        return sorted(folders), sorted(names)

    # writing

    def set(self, key: str, value: bytes | memoryview) -> None:
        """Store a value so that a reader sees the old or the new one, never a part.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        OSError
            If the file system refuses, for example because it is full; the old value stays.
        """
        self.set_with_token(key, value)

    def set_with_token(self, key: str, value: bytes | memoryview) -> Hashable:
        """Like :meth:`set`; return the token of what was written, whoever replaces it then."""
        path = self._writable_path(key)
        temporary, token = self._write_temporary(path, value)
        self._rename_over(temporary, path)
        return token

    def set_many(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Store many values, in order."""
        for key, value in items:
            self.set(key, value)

    def delete(self, key: str) -> None:
        """Remove a key; no error if it is absent."""
        path = self._writable_path(key)
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(path)
            self._sync_folder(path)

    def delete_dir(self, prefix: str) -> None:
        """Remove everything below a prefix; no error if it is absent.

        It is renamed out of the way first, so that a kill half-way leaves nothing that looks
        whole. The store's own directory (``""``) is emptied but stays.
        """
        path = self._writable_path(prefix)
        if prefix:
            self._discard(path, os.path.dirname(path))
            return
        # Documents first: what has lost them no longer looks like a store.
        folders, names = self.list_dir("")
        for name in (*names, *folders):
            self._discard(f"{self._base}/{name}", self.root)

    def move(self, source: str, target: str) -> None:
        """Move a key, or everything below a prefix, to a place where nothing is.

        Raises
        ------
        NotFoundError
            If there is nothing at `source`.
        ExistsError
            If there is something at `target`.
        """
        old, new = self._writable_path(source), self._writable_path(target)
        if not os.path.lexists(old):
            raise NotFoundError(f"nothing to move at {old}")
        # On a file system that ignores case, "a" may be moved to "A".
        if os.path.lexists(new) and not os.path.samefile(old, new):
            raise ExistsError(f"cannot move {source!r}: {new} exists already")
        self._rename(old, new)

    def replace(self, source: str, target: str) -> None:
        """Move a key over another one, which is lost; one atomic step.

        Raises
        ------
        NotFoundError
            If there is nothing at `source`.
        """
        old, new = self._writable_path(source), self._writable_path(target)
        if not os.path.lexists(old):
            raise NotFoundError(f"nothing to move at {old}")
        self._rename(old, new)

    def copy_file(self, source: PathLikeStr, key: str, how: CopyHow = "copy") -> None:
        """Store the bytes of a file under a key, atomically.

        Parameters
        ----------
        source : path-like
            An existing file; it is not changed.
        key : str
            Where to put it; a value that is there is replaced.
        how : {"copy", "hardlink", "reflink"}
            ``"hardlink"`` and ``"reflink"`` share the blocks on disk. A reflink is a copy for
            every purpose (the file system copies on write); a hard link is the same file, which
            is safe as long as all writers replace files and none writes into them.

        Raises
        ------
        NotFoundError
            If there is no such file.
        OSError
            If the file system cannot link, or not from there to here; nothing has changed.
        """
        path, origin = self._writable_path(key), os.fspath(source)
        if not os.path.isfile(origin):
            raise NotFoundError(f"no file to copy at {origin}")
        temporary = os.path.join(os.path.dirname(path), leftovers.own_name(leftovers.TEMP_PREFIX))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            if how == "hardlink":
                os.link(origin, temporary)
            elif how == "reflink":
                files.reflink(origin, temporary)
            else:
                shutil.copyfile(origin, temporary)
            if self.durability == "power":
                files.sync(temporary)
            self._rename_over(temporary, path)
        finally:
            # Left over after an error, and after renaming one hard link over another.
            with suppress(OSError):
                os.unlink(temporary)

    def lock(self, prefix: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the one writer's lock of a group, across threads and processes.

        Parameters
        ----------
        prefix : str
            The group. Locking it twice in one thread is fine.
        timeout : float
            How long to wait [s]; None means :data:`iohub.storage.locks.TIMEOUT`.

        Raises
        ------
        LockTimeoutError
            If someone else holds it all the time.
        ReadOnlyError
            If the store or the directory cannot be written.
        """
        return locks.directory_lock(self._writable_path(prefix), timeout=timeout)

    def is_drafted(self, prefix: str) -> bool:
        """Whether a living writer prepares something in a group."""
        return leftovers.is_drafted(self.path(prefix))

    def has_leftovers(self, prefix: str) -> bool:
        """Whether writers may have left something right below a prefix."""
        return leftovers.has_any(self.path(prefix))

    def drop_empty(self, prefix: str, path: str) -> None:
        """Remove the directories above a path in a group, the nearest first, that are empty."""
        if "/" in path:
            first = self.path(f"{prefix}/{path.partition('/')[0]}".lstrip("/"))
            locks.remove_empty(os.path.dirname(f"{first}/{path.partition('/')[2]}"), first)

    def sweep(self, prefix: str, *, older_than: float = 3600.0) -> None:
        """Remove what killed writers left right below a prefix.

        Parameters
        ----------
        prefix : str
            The group; the caller holds its lock.
        older_than : float
            Age [s] from which a temporary file is taken for abandoned. What was being deleted
            is removed at any age; and so is the draft of a writer that is dead.
        """
        leftovers.sweep(self._writable_path(prefix), older_than=older_than)

    # comparing and sending to other processes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LocalBytes):
            return NotImplemented
        return (self.root, self._read_only) == (other.root, other._read_only)

    def __hash__(self) -> int:
        return hash((LocalBytes, self.root, self._read_only))

    def __repr__(self) -> str:
        return f"LocalBytes({self.root!r}{', read_only=True' if self._read_only else ''})"

    # steps

    def _writable_path(self, key: str) -> str:
        if self._read_only:
            raise ReadOnlyError(f"{self.root} was opened for reading; open it with mode='r+'")
        return self.path(key)

    def _write_temporary(self, path: str, value: bytes | memoryview) -> tuple[str, Hashable]:
        """Write a value beside `path`, with the directories above; return its name and token."""
        folder = os.path.dirname(path)
        temporary = f"{folder}/{leftovers.own_name(leftovers.TEMP_PREFIX)}"
        try:
            descriptor = os.open(temporary, _WRITE_FLAGS, 0o666)
        except FileNotFoundError:
            locks.check_in_place(folder)
            files.make_folder(folder)
            descriptor = os.open(temporary, _WRITE_FLAGS, 0o666)
        try:
            status = files.fill(descriptor, value, durable=self.durability == "power")
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = path
            raise
        return temporary, _token(status)

    def _rename_over(self, temporary: str, path: str) -> None:
        try:
            os.replace(temporary, path)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, FileNotFoundError):
                locks.check_in_place(path)
            raise
        self._sync_folder(path)

    def _rename(self, old: str, new: str) -> None:
        try:
            os.replace(old, new)
        except FileNotFoundError:
            locks.check_in_place(new)
            os.makedirs(os.path.dirname(new), exist_ok=True)
            os.replace(old, new)
        self._sync_folder(new)
        self._sync_folder(old)

    def _discard(self, path: str, folder: str) -> None:
        trash = f"{folder}/{leftovers.own_name(leftovers.TRASH_PREFIX)}"
        try:
            os.rename(path, trash)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._sync_folder(path)
        files.remove(trash)

    def _sync_folder(self, path: str) -> None:
        if self.durability == "power" and os.name == "posix":
            files.sync(os.path.dirname(path))
