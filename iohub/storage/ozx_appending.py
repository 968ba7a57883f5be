"""Whole chunks and shards put straight into an archive that is being written, each once.

The rest of the archive lies in a directory beside it until it is closed, and goes in front, where
room was left. What is done to a chunk after that, such as writing it once more, wants files: then
all are written to the directory, nothing is put here any more, and the archive is packed as a
whole in the end.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from iohub.storage import files
from iohub.storage.keys import DOCUMENTS, parents
from iohub.storage.ozx_writing import archive_comment, laid_out, listed, put
from iohub.storage.zip_directory import read_at
from iohub.storage.zip_entries import (
    MOST_PADDING,
    Item,
    directory,
    header,
    header_size,
    write_at,
)

ROOM: Final = 60_000
"""Left in front for documents [bytes]; one entry can be padded to fill it."""

_MOST_ARRAYS = 32  # the documents of more would hardly fit
_SPARE = 64  # of a header: a value may get a longer name
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class _Value(NamedTuple):
    array: str
    offset: int
    start: int
    size: int
    check: int


class AppendedUnits:
    """Values in an archive that is being written.

    Nothing is made before the first value. Any number of threads may append; other processes may
    not, and a forked child writes files.

    Parameters
    ----------
    archive : str
        The archive, under a name that is not its own yet.
    folder : str
        The directory of all that is not appended.
    """

    def __init__(self, archive: str, folder: str):
        self._archive, self._folder = archive, folder
        self._values: dict[str, _Value] = {}
        self._arrays: set[str] = set()
        self._lock = threading.RLock()
        self._turn = threading.Lock()  # the system lets writers of one file wait busily
        self._file: int | None = None
        self._end, self._writing = ROOM, 0
        self._idle = threading.Condition(self._lock)
        self._open, self._owner = True, os.getpid()
        self.count = 0
        """How many values were appended, be they here still or not."""

    @property
    def open(self) -> bool:
        """Whether values may be appended."""
        return self._open and self._owner == os.getpid()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def append(self, array: str, key: str, value: bytes) -> bool:
        """Put a value into the archive.

        Parameters
        ----------
        array : str
            Path of the array.
        key : str
            Key of a chunk or shard of it.
        value : bytes
            What is stored.

        Returns
        -------
        bool
            False if it has to be written to a file, as all others are then.
        """
        with self._lock:
            if not self.open:
                return False
            self._arrays.add(array)
            too_many = len(self._arrays) > _MOST_ARRAYS
            if too_many or key in self._values or os.path.lexists(os.path.join(self._folder, key)):
                self.settle()
                return False
            if self._file is None:
                os.makedirs(os.path.dirname(self._archive), exist_ok=True)
                self._file = os.open(self._archive, _FLAGS, 0o666)
            target, offset = self._file, self._end
            start = offset + header_size(key.encode()) + _SPARE
            self._end = start + len(value)
            self._writing += 1
        try:
            check = zlib.crc32(value)
            with self._turn:
                write_at(target, value, start)
            with self._lock:
                self._values[key] = _Value(array, offset, start, len(value), check)
                self.count += 1
        finally:
            with self._lock:
                self._writing -= 1
                self._idle.notify_all()
        return True

    def read(self, key: str) -> bytes | None:
        """Return a value; None if there is none here."""
        with self._lock:
            found = self._values.get(key)
            if found is None or self._file is None:
                return None
            return read_at(self._file, found.size, found.start)

    def wants_files(self, path: str) -> bool:
        """Whether a path is that of an array here, or of something in it but its documents."""
        return path in self._arrays or (
            path.rpartition("/")[2] not in DOCUMENTS
            and any(above in self._arrays for above in parents(path))
        )

    def any_below(self, prefix: str) -> bool:
        """Whether there are values at or below a prefix."""
        return any(not prefix or f"{array}/".startswith(f"{prefix}/") for array in self._arrays)

    def rename(self, source: str, target: str) -> None:
        """Give what lies at or below a path another one."""
        with self._lock:

            def moved(path: str) -> str:
                inside = f"{path}/".startswith(f"{source}/")
                return target + path[len(source) :] if inside else path

            if self.any_below(source):
                self._arrays = set(map(moved, self._arrays))
                self._values = {
                    moved(key): value._replace(array=moved(value.array))
                    for key, value in self._values.items()
                }

    def settle(self) -> None:
        """Write all values to files, except where there is one; append nothing more."""
        with self._lock:
            self._open = False
            self._idle.wait_for(lambda: not self._writing)
            for key in self._values:
                path = os.path.join(self._folder, key)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with suppress(FileExistsError), open(path, "xb") as file:
                    file.write(self.read(key) or b"")
            self._values, self._arrays = {}, set()
            self._remove()

    def finish(self, durable: bool) -> bool:
        """Complete the archive with what is in the directory; whether that was possible.

        Until :meth:`close` all values can still become files.

        Parameters
        ----------
        durable : bool
            Whether the archive is to survive a power cut.
        """
        with self._lock:
            self._open = False
            self._idle.wait_for(lambda: not self._writing)
            laid = self._laid_out() if self._file is not None and self._values else None
            if laid is None or self._file is None:
                self.settle()
                return False
            first, units, checks = laid
            buffer = bytearray(1 << 16)
            before = [put(self._file, item, buffer) for item in first]
            for item, check in zip(units, checks, strict=True):
                write_at(self._file, header(item, check), item.offset)
            items, comment = [*first, *units], archive_comment(self._folder)
            write_at(
                self._file, directory(items, [*before, *checks], self._end, comment), self._end
            )
            if durable:
                files.sync(self._archive)
            return True

    def close(self) -> None:
        """Give up all values."""
        with self._lock:
            self._open, self._values, self._arrays = False, {}, set()
            self._remove()

    def _laid_out(self) -> tuple[list[Item], list[Item], Sequence[int]] | None:
        """Lay out what goes in front, and the values; None if it does not fit."""
        first = list(laid_out(listed(self._folder)))
        if not first or any(item.name.decode() in self._values for item in first):
            return None  # a forked child has written the same chunks
        pad = ROOM - first[-1].end
        if pad:
            first[-1] = first[-1]._replace(pad=pad)
        units = []
        found = sorted(self._values.items(), key=lambda each: each[1].offset)
        for key, value in found:
            spare = value.start - value.offset - header_size(key.encode())
            units.append(Item(key.encode(), "", value.size, value.offset, spare))
        sizes = [item.pad for item in (first[-1], *units)]
        if any(size and not 4 <= size <= MOST_PADDING for size in sizes):
            return None
        return first, units, [value.check for _, value in found]

    def _remove(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            if self._owner == os.getpid():
                with suppress(FileNotFoundError):
                    os.unlink(self._archive)
