"""Single steps on files of the local file system that the standard library has no call for."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from pathlib import Path

_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_TRIES = 10
_SET_MTIME = os.utime in os.supports_fd


def write_all(descriptor: int, value: bytes | memoryview) -> None:
    """Write all of a value to an open file."""
    written = os.write(descriptor, value)
    if written == len(value) and isinstance(value, bytes):
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


def make_folder(path: str) -> None:
    """Make a directory, with those above it; no error if it is there.

    Parameters
    ----------
    path : str
        Absolute path.
    """
    try:
        os.mkdir(path)  # what lies above is there almost always, and costs a call to look at
    except (FileNotFoundError, FileExistsError):
        os.makedirs(path, exist_ok=True)
