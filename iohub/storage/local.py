"""Bytes in a directory, on plain system calls: atomic writes, cheap revalidation, no strays.

A value is written to a temporary name in its own directory and renamed over the old one, so a
reader sees the old value or the new one, whatever happens to the writer. Files of iohub's own
start with :data:`~iohub.storage.keys.OWN_PREFIX` and are never listed.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import stat
import time
from collections.abc import Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Literal, TypeAlias

from iohub.errors import ExistsError, NotFoundError, ReadOnlyError
from iohub.storage import files, locks
from iohub.storage.keys import OWN_PREFIX, check_key
from iohub.types import PathLikeStr

Durability: TypeAlias = Literal["process", "power"]
CopyHow: TypeAlias = Literal["copy", "hardlink", "reflink"]

TRASH_PREFIX = f"{OWN_PREFIX}-trash-"
TEMP_PREFIX = f"{OWN_PREFIX}-temp-"

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_SET_MTIME = os.utime in os.supports_fd

# Unique across the processes and machines that may share a directory, also after a fork.
_SEED = secrets.token_hex(4)
_COUNTER = itertools.count()


def _own_name(prefix: str) -> str:
    return f"{prefix}{_SEED}-{os.getpid():x}-{next(_COUNTER):x}"


class LocalBytes:
    """Bytes by key below a directory of the local file system.

    Nothing is read or created on construction; the directory may not exist yet.

    Parameters
    ----------
    root : path-like
        The directory. Relative paths are made absolute now, so a later ``chdir`` changes nothing.
    read_only : bool
        Refuse every write.
    durability : {"process", "power"}
        What a finished write survives: the death of the process (the default), or a power cut
        too, which costs an ``fsync`` of the file and of its directory for each write.
    """

    has_tokens = True

    def __init__(
        self, root: PathLikeStr, read_only: bool = False, *, durability: Durability = "process"
    ):
        self.root = os.path.abspath(os.fspath(root))
        self.durability: Durability = durability
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

    def with_read_only(self, read_only: bool = True) -> LocalBytes:
        """Return the same directory, opened for reading only or for writing too."""
        return LocalBytes(self.root, read_only, durability=self.durability)

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
        path = self.path(key)
        try:
            descriptor = os.open(path, _READ_FLAGS)
        except _ABSENT:
            return None
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
        return value, (status.st_mtime_ns, status.st_size, status.st_ino)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order."""
        return [self.get(key) for key in keys]

    def token(self, key: str) -> Hashable | None:
        """Modification time, size and inode of a key's file; None if there is none."""
        try:
            status = os.stat(self.path(key))
        except _ABSENT:
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

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
        path = self._writable_path(key)
        temporary = self._write_temporary(path, value)
        self._rename_over(temporary, path)

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
        temporary = os.path.join(os.path.dirname(path), _own_name(TEMP_PREFIX))
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

    def sweep(self, prefix: str, *, older_than: float = 3600.0) -> None:
        """Remove what killed writers left right below a prefix.

        Parameters
        ----------
        prefix : str
            The group.
        older_than : float
            Age [s] from which a temporary file is taken for abandoned. What was being deleted
            is removed at any age.
        """
        folder = self._writable_path(prefix)
        limit = time.time() - older_than
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(TRASH_PREFIX):
                    files.remove(entry.path)
                elif entry.name.startswith(TEMP_PREFIX):
                    with suppress(FileNotFoundError):
                        if entry.stat(follow_symlinks=False).st_mtime < limit:
                            os.unlink(entry.path)

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

    def _write_temporary(self, path: str, value: bytes | memoryview) -> str:
        """Write a value beside `path`, with the directories above; return its name."""
        folder = os.path.dirname(path)
        temporary = f"{folder}/{_own_name(TEMP_PREFIX)}"
        try:
            descriptor = os.open(temporary, _WRITE_FLAGS, 0o666)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            descriptor = os.open(temporary, _WRITE_FLAGS, 0o666)
        try:
            try:
                files.write_all(descriptor, value)
                # The clock of file systems ticks every few ms, and inodes are used again; with
                # the exact time no two writes ever have the same token.
                if _SET_MTIME:
                    now = time.time_ns()
                    os.utime(descriptor, ns=(now, now))
                if self.durability == "power":
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = path
            raise
        return temporary

    def _rename_over(self, temporary: str, path: str) -> None:
        try:
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        self._sync_folder(path)

    def _rename(self, old: str, new: str) -> None:
        try:
            os.replace(old, new)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(new), exist_ok=True)
            os.replace(old, new)
        self._sync_folder(new)
        self._sync_folder(old)

    def _discard(self, path: str, folder: str) -> None:
        trash = f"{folder}/{_own_name(TRASH_PREFIX)}"
        try:
            os.rename(path, trash)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._sync_folder(path)
        files.remove(trash)

    def _sync_folder(self, path: str) -> None:
        if self.durability == "power" and os.name == "posix":
            files.sync(os.path.dirname(path))
