"""The journal of a stream: which frames are in the file, with their metadata, as they get there.

It is a hidden text file beside what is written. The first line says what the stream was to make;
each further line names frames whose pixels are in the file. It is appended to at most a second
after the pixels are written, and removed when all of it stands in the documents; so a journal
whose writer lives no more tells how far a stream came.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from iohub.errors import DocumentError, Problem
from iohub.storage import files
from iohub.storage.keys import OWN_PREFIX
from iohub.storage.leftovers import own_name
from iohub.stream.sink import Frame

if TYPE_CHECKING:
    from iohub.types import JsonObject

if os.name == "posix":
    import fcntl

PREFIX = f"{OWN_PREFIX}-stream-"
_SUFFIX = ".jsonl"
_VERSION = 1


class Journal:
    """The journal of a stream that runs; it may be told of frames by any thread.

    Parameters
    ----------
    folder : str
        Where to; the directory is there.
    header : dict
        What the stream is to make; plain JSON.
    sync : bool
        Whether each :meth:`flush` is forced to the disk.
    """

    def __init__(self, folder: str, header: JsonObject, *, sync: bool = False):
        self.path = os.path.join(folder, own_name(PREFIX) + _SUFFIX)
        self._sync = sync
        # Who adds frames does not wait for the file: a deque needs no lock.
        self._pending: deque[Frame | str] = deque()
        self._lines: list[str] = []
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(self.path, flags, 0o666)
        self._size = 0
        if os.name == "posix":
            with suppress(OSError):  # of a file system that has no locks
                fcntl.flock(self._file, fcntl.LOCK_EX)  # who lives holds it: see is_alive
        self._lines.append(json.dumps({"journal": _VERSION, **header}))
        self.flush()

    def add(self, frames: Sequence[Frame]) -> None:
        """Note frames that are in the file."""
        self._pending.extend(frames)

    def note(self, what: str, value: Any) -> None:
        """Note something else, such as frames that were skipped."""
        self._pending.append(json.dumps({what: value}))

    @property
    def waiting(self) -> bool:
        """Whether there are notes that are not in the file."""
        return bool(self._pending or self._lines)

    def flush(self) -> None:
        """Write what was noted; one call of the system.

        Raises
        ------
        OSError
            Of the system, such as that of a full disk; the notes are kept for the next time.
        """
        with self._lock:
            self._take_pending()
            if not self._lines or self._file < 0:
                return
            text = ("\n".join(self._lines) + "\n").encode()
            try:
                files.write_all(self._file, text)
            except OSError:
                os.ftruncate(self._file, self._size)  # no torn line between others
                raise
            self._size += len(text)
            self._lines = []
            if self._sync:
                os.fsync(self._file)

    def _take_pending(self) -> None:
        entries: list[tuple[Any, ...]] = []
        while self._pending:
            item = self._pending.popleft()
            if isinstance(item, str):
                self._lines.append(item)
            else:
                entry = (item.number, item.position, item.index)
                entries.append((*entry, item.metadata) if item.metadata else entry)
        if entries:
            self._lines.append(json.dumps({"written": entries}, separators=(",", ":")))

    def close(self, *, remove: bool) -> None:
        """Write what was noted and close it; remove it if all of it stands elsewhere."""
        if self._file < 0:
            return
        if not remove:
            with suppress(OSError):  # who keeps it has an error to tell already
                self.flush()
        with self._lock:
            os.close(self._file)
            self._file = -1
        if remove:
            with suppress(FileNotFoundError):
                os.unlink(self.path)


class Notes(NamedTuple):
    """What a journal says.

    Attributes
    ----------
    path : str
        The journal.
    header : dict
        What the stream was to make.
    frames : list of Frame
        That are in the file.
    skipped : list of Frame
        That were left out on purpose.
    """

    path: str
    header: JsonObject
    frames: list[Frame]
    skipped: list[Frame]


def read_journal(path: str) -> Notes:
    """Read a journal; a last line that was not written to its end does not count.

    Parameters
    ----------
    path : str
        The journal.

    Raises
    ------
    DocumentError
        If it is not one of ours.
    """
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    try:
        header, *entries = map(json.loads, lines)
        if header.pop("journal") != _VERSION:
            raise DocumentError([Problem("/journal", f"must be {_VERSION}", "journal")], path)
        frames = [
            Frame(entry[0], entry[1], tuple(entry[2]), entry[3] if len(entry) > 3 else {})
            for line in entries
            for entry in line.get("written", ())
        ]
        skipped = [
            Frame(line["skipped"][0], line["skipped"][1], tuple(line["skipped"][2]), {})
            for line in entries
            if "skipped" in line
        ]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError([Problem("", f"is no journal: {error}", "journal")], path) from error
    return Notes(path, header, frames, skipped)


def read_header(path: str) -> JsonObject:
    """Return what a journal says of its stream, without reading what follows.

    Raises
    ------
    DocumentError
        If it is not one of ours.
    """
    try:
        with open(path, "rb") as file:
            header: JsonObject = json.loads(file.readline())
    except FileNotFoundError:
        return {}  # its stream was closed just now
    except ValueError as error:
        raise DocumentError([Problem("", f"is no journal: {error}", "journal")], path) from error
    return header


def journals_in(folder: str) -> Iterator[str]:
    """Find the journals right below a directory."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in sorted(os.listdir(folder)):
            if name.startswith(PREFIX) and name.endswith(_SUFFIX):
                yield os.path.join(folder, name)


def journals(folder: str) -> Iterator[str]:
    """Find the journals of a directory, and of the groups below, down to the fields of a plate."""
    if os.path.isfile(folder):
        return
    base = folder.rstrip(os.sep).count(os.sep)
    for here, folders, names in os.walk(folder):
        yield from (
            os.path.join(here, name)
            for name in sorted(names)
            if name.startswith(PREFIX) and name.endswith(_SUFFIX)
        )
        deep = here.rstrip(os.sep).count(os.sep) - base >= 3  # row, column, field
        folders[:] = [] if deep else sorted(name for name in folders if name != "c")


def is_alive(path: str) -> bool:
    """Whether the writer of a journal still runs."""
    if os.name != "posix":
        return False
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False  # it was closed just now
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # this file system has no locks
    finally:
        os.close(file)
    return False
