"""One writer at a time in a group: a lock between threads, and between processes where files are.

Locks are advisory, re-entrant in a thread, and gone when their process dies. A child process made
by ``fork`` starts without any. Readers take no lock: documents are replaced atomically.

The directory of a group is locked itself, which leaves no trace and costs a few system calls.
Where that is not possible (Windows, some network file systems) a file in it is locked.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from iohub.errors import LockTimeoutError, NotFoundError, ReadOnlyError
from iohub.storage.keys import OWN_PREFIX

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_NAME = f"{OWN_PREFIX}.lock"
"""File that carries the lock of the directory in which it lies, where that cannot be locked."""

TIMEOUT = 60.0
"""How long to wait for a lock unless told otherwise [s]."""

_TRIES = 1000  # to lock a directory that others remove at the same time
_POLL = 0.005  # [s]; a document edit takes about a millisecond


class _Held:
    """The lock of one group in this process."""

    __slots__ = ("__weakref__", "depth", "directory", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.directory: int | None = None  # its descriptor, if it is locked itself


# An entry lives as long as a thread holds or awaits it.
_held: WeakValueDictionary[Hashable, _Held] = WeakValueDictionary()
_guard = threading.Lock()
_inherited: list[BaseFileLock] = []
_locked: set[int] = set()  # descriptors of directories


def _forget_after_fork() -> None:
    """Start a forked child without locks: the threads that held them are not in it."""
    global _held, _guard
    _held, _guard = WeakValueDictionary(), threading.Lock()
    # Closing a copy leaves the parent its lock; keeping it would hold the lock of a dead parent.
    while _locked:
        os.close(_locked.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


@contextmanager
def _thread_lock(key: Hashable, where: str, timeout: float) -> Iterator[_Held]:
    with _guard:
        held = _held.get(key)
        if held is None:
            held = _held[key] = _Held()
    if not held.lock.acquire(timeout=timeout):
        raise LockTimeoutError(
            f"another thread has been changing {where} for {timeout:g} s; try again when it is done"
        )
    held.depth += 1
    try:
        yield held
    finally:
        held.depth -= 1
        held.lock.release()


@contextmanager
def thread_lock(key: Hashable, *, where: str = "", timeout: float | None = None) -> Iterator[None]:
    """Hold a lock between the threads of this process.

    Parameters
    ----------
    key : hashable
        What is locked.
    where : str
        The same, for people.
    timeout : float
        How long to wait [s]; None means :data:`TIMEOUT`.

    Raises
    ------
    LockTimeoutError
        If another thread holds it all the time.
    """
    with _thread_lock(key, where or str(key), TIMEOUT if timeout is None else timeout):
        yield


@contextmanager
def directory_lock(directory: str, *, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock of a directory, between threads and processes.

    The directory is made if it is absent, and removed again if nothing was put there. A lock file,
    where one is needed, is removed before the lock is let go, so none stays behind.

    Parameters
    ----------
    directory : str
        Absolute path.
    timeout : float
        How long to wait [s]; None means :data:`TIMEOUT`.

    Raises
    ------
    LockTimeoutError
        If another thread or process holds it all the time.
    ReadOnlyError
        If the directory cannot be written.
    """
    timeout = TIMEOUT if timeout is None else timeout
    end = time.monotonic() + timeout
    with _thread_lock(_real(directory), directory, timeout) as held:
        if held.depth > 1:
            yield
            return
        lock, made = _acquire(directory, end, timeout)
        owner = os.getpid()
        held.directory = lock if isinstance(lock, int) else None
        try:
            yield
        finally:
            held.directory = None
            if os.getpid() == owner:
                _release(lock, directory, made)
            # In a child forked inside the lock is its parent's, and letting go of this object
            # must not unlock it there.
            elif not isinstance(lock, int):
                _inherited.append(lock)


@contextmanager
def idle_lock(directory: str) -> Iterator[bool]:
    """Hold the lock of a directory if nobody does, this thread included.

    Yields
    ------
    bool
        Whether it was free, and is held now.
    """
    with ExitStack() as stack:
        free = not is_held(_real(directory))
        if free:
            try:
                stack.enter_context(directory_lock(directory, timeout=0.0))
            except LockTimeoutError:
                free = False
        yield free


@contextmanager
def claimed_directory(directory: str) -> Iterator[None]:
    """Make a directory and hold its lock, whichever threads come and go.

    Parameters
    ----------
    directory : str
        Absolute path that nobody else uses.

    Raises
    ------
    LockTimeoutError
        If someone else holds it.
    ReadOnlyError
        If it cannot be made.
    """
    lock, _ = _acquire(directory, time.monotonic(), 0.0)
    owner = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == owner:
            _release(lock, directory, "")


def is_held(key: Hashable) -> bool:
    """Whether a thread of this process holds, or waits for, a lock."""
    with _guard:
        return key in _held


def held_keys() -> list[Hashable]:
    """Return what the threads of this process hold or wait for."""
    with _guard:
        return list(_held)


def check_in_place(path: str) -> None:
    """Refuse to go on where a directory that is held has been moved away or removed.

    Parameters
    ----------
    path : str
        The directory, or anything below it.

    Raises
    ------
    NotFoundError
        If a directory at or above `path` that a thread of this process has locked is gone.
    """
    with _guard:
        known = {key: held for key, held in _held.items() if isinstance(key, str) and held.depth}
    above = _above(path, known)
    if known and not above:
        above = _above(os.path.realpath(path), known)  # a call for each part of the path
    for key in above:
        descriptor = known[key].directory
        try:
            if descriptor is None:
                there = os.path.isdir(key)
            else:
                there = os.path.samestat(os.fstat(descriptor), os.stat(key))
        except FileNotFoundError:
            there = False
        if not there:
            raise NotFoundError(
                f"{key} was moved or removed by someone else while it was being changed; "
                "nothing is left of this change there: open it where it is now and try again"
            )


def _above(path: str, directories: Iterable[str]) -> list[str]:
    """Return those directories that a path is, or is in."""
    return [key for key in directories if f"{path}/".startswith(f"{key.rstrip('/')}/")]


@lru_cache(maxsize=1024)
def _real(directory: str) -> str:
    # One edit takes the lock of a group several times, and each step of a path costs a call.
    return os.path.realpath(directory)


def _acquire(directory: str, end: float, timeout: float) -> tuple[int | BaseFileLock, str]:
    """Lock a directory; return also the topmost directory that was made for it, or ""."""
    made, tries = "", 0
    while True:
        tries += 1
        try:
            if not os.path.isdir(directory):
                made = min(_make(directory), made or directory, key=len)
            lock: int | BaseFileLock | None = _lock_directory(directory, end)
            return (_lock_file(directory, end) if lock is None else lock), made
        except TimeoutError as error:
            raise LockTimeoutError(
                f"another process has held {directory} for {timeout:g} s; wait until it is done, "
                "or end it: the lock of a dead process is free"
            ) from error
        except FileNotFoundError as error:
            if tries == _TRIES:  # a place such as /proc, where there is nothing to make one in
                raise ReadOnlyError(f"cannot make the directory {directory}: {error}") from error
            # Someone removed the directory meanwhile.
        except OSError as error:
            raise _refused(directory, error) from error


def _lock_directory(directory: str, end: float) -> int | None:
    """Lock a directory; return its descriptor, or None where directories cannot be locked."""
    if sys.platform == "win32":
        return None
    if not os.access(directory, os.W_OK | os.X_OK) and os.path.isdir(directory):
        raise PermissionError(errno.EACCES, "permission denied", directory)
    while True:
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:
            return None  # it may be written and not be read
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been removed, or replaced, between opening and locking it.
            if os.path.samestat(os.fstat(descriptor), os.stat(directory)):
                _locked.add(descriptor)
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError from None
            time.sleep(_POLL)
        except FileNotFoundError:
            raise
        except OSError:
            return None  # NFS, for one, locks only what is open for writing
        finally:
            if descriptor not in _locked:
                os.close(descriptor)


def _lock_file(directory: str, end: float) -> BaseFileLock:
    import filelock

    lock = filelock.FileLock(os.path.join(directory, LOCK_NAME), thread_local=False)
    # The file may be removed by its last holder between opening and locking it; filelock notices
    # a lock on a file without a name and tries again. Its Timeout is a TimeoutError.
    lock.acquire(timeout=max(0.0, end - time.monotonic()), poll_interval=_POLL)
    return lock


def _make(directory: str) -> str:
    """Make a directory and those above it; return the topmost one that was missing."""
    topmost = directory
    while not os.path.isdir(above := os.path.dirname(topmost)) and above != topmost:
        topmost = above
    os.makedirs(directory, exist_ok=True)
    return topmost


def _refused(directory: str, error: OSError) -> OSError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnlyError(
            f"cannot write in {directory}: {error.strerror}; open it with mode='r'"
        )
    return error


def _release(lock: int | BaseFileLock, directory: str, made: str) -> None:
    if isinstance(lock, int):
        if sys.platform != "win32":
            # Not by closing alone: another thread may be starting a process, which has a copy.
            fcntl.flock(lock, fcntl.LOCK_UN)
        _locked.discard(lock)
        os.close(lock)
    else:
        # Windows refuses to remove an open file; there the empty file stays.
        with suppress(OSError):
            os.unlink(os.path.join(directory, LOCK_NAME))
        lock.release()
    if made:
        remove_empty(directory, made)


def remove_empty(directory: str, last: str) -> None:
    """Remove a directory and those above it as long as they are empty, up to a last one."""
    while len(directory) >= len(last):
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            pass
        except OSError:
            return
        directory = os.path.dirname(directory)
