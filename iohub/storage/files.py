"""Single steps on files of the local file system that the standard library has no call for."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from pathlib import Path

_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_TRIES = 10
_MANY = 64  # files
_SET_MTIME = os.utime in os.supports_fd


def write_all(descriptor: int, value: bytes | memoryview) -> None:
    """Write all of a value to an open file."""
    written = os.write(descriptor, value)
    if written == (len(value) if isinstance(value, bytes) else value.nbytes):
        return
    rest = memoryview(value).cast("B")[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def fill(descriptor: int, value: bytes | memoryview, *, durable: bool) -> os.stat_result:
    """Write a value to a new file, close it, and return what the system says of the file."""
    try:
        write_all(descriptor, value)
        # The clock of file systems ticks every few ms, and inodes are used again; with the exact
        # time no two writes ever have the same token.
        if _SET_MTIME:
            now = time.time_ns()
            os.utime(descriptor, ns=(now, now))
        status = os.fstat(descriptor)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return status


def sync(path: str) -> None:
    """Make what was written to a file or a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: str) -> None:
    """Make everything below a directory survive a power cut, with its names.

    Each file costs a wait for the disk; so if there are many, the whole file system is written,
    which is one, where the system can do that.

    Parameters
    ----------
    folder : str
        The directory.
    """
    found: list[str] = []
    for here, _, names in os.walk(folder):
        found += [os.path.join(here, name) for name in names]
        if os.name == "posix":
            found.append(here)
        if len(found) > _MANY and _sync_file_system(folder):
            return
    for path in found:
        sync(path)


def _sync_file_system(path: str) -> bool:
    """Write all that waits to be written where a directory is; return whether that could be."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if call(descriptor):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), path)
    finally:
        os.close(descriptor)
    return True


def remove(path: str) -> None:
    """Remove a file, a link or a tree that nobody sees any more."""
    if os.path.isdir(path) and not os.path.islink(path):
        # Two processes may be sweeping the same trash, or what lies in one another's; a writer
        # who had a folder open when it was moved here may still put a file into it.
        for left in reversed(range(_TRIES)):
            try:
                shutil.rmtree(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno != errno.ENOTEMPTY or not left:
                    raise
            if not os.path.lexists(path):
                return
    else:
        Path(path).unlink(missing_ok=True)


def reflink(source: str, target: str) -> None:
    """Make a new file that shares the blocks of another until one of them is written.

    Raises
    ------
    OSError
        If the file system cannot do that; an empty file may be left.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "reflinks are made on Linux only; use how='copy'", target)
    import fcntl

    with open(source, "rb") as origin, open(target, "xb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, origin.fileno())
        except OSError as error:
            what = "this file system cannot share blocks between these files; use how='copy'"
            raise OSError(error.errno, what, source, None, target) from error


def expect_in(path: str) -> None:
    """Make the directory in which a file is to come and the one above it, if nothing is amiss.

    Who stores the file makes them too, but learns only from the system's errors that he has to;
    he also tells what is wrong.

    Parameters
    ----------
    path : str
        The file.
    """
    folder = path.rpartition("/")[0]
    for each in (folder.rpartition("/")[0], folder):
        try:
            os.mkdir(each)
        except (FileExistsError, FileNotFoundError):
            continue


def make_folder(path: str) -> None:
    """Make a directory, with those above it; no error if it is there.

    Parameters
    ----------
    path : str
        Absolute path.
    """
    try:
        os.mkdir(path)  # what lies above is there almost always, and costs a call to look at
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        make_folder(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
