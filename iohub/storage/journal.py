"""The journal of an edit that moves several things: recorded first, then applied, once and wholly.

An edit of a group is staged in a directory inside it. A record, written atomically, is the point
of no return: without it the directory is dropped, with it the edit is completed by whoever next
opens the group for writing. Every step is a rename with one end in that directory or in a draft's,
so a step that was done can be told from one that was not, and repeating the whole is harmless.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from iohub.errors import DocumentError, InterruptedEditWarning, Problem
from iohub.storage.documents import parse_document
from iohub.storage.keys import OWN_PREFIX, check_key, join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, WritableByteStore

STAGE = f"{OWN_PREFIX}-edit"
"""Directory in a group where an edit of it is prepared."""

COMMIT = "commit.json"
"""The record in that directory; while it exists the edit is to be completed."""

_VERSION = 1
_PATIENCE = 0.5  # [s] that a reader waits for a living writer to finish before it warns

_ABOVE = 5  # groups around one: of a label image its labels, the image, a well, a row, a plate

# Where the groups are that an edit in this process is open on; guarded by the groups' locks.
active: set[str] = set()
if hasattr(os, "register_at_fork"):
    # What a parent was editing, its child is not.
    os.register_at_fork(after_in_child=active.clear)


@runtime_checkable
class JournalStore(WritableByteStore, Protocol):
    """A byte store in which edits can be recorded."""

    def exists(self, path: str) -> bool:
        """Whether there is a key of this name or anything below it."""

    def replace(self, source: str, target: str) -> None:
        """Move a key over another one, which is lost."""

    def is_drafted(self, prefix: str) -> bool:
        """Whether a living writer prepares something in a group."""


class Record(NamedTuple):
    """What an edit does, in four passes; paths are relative to the group.

    Attributes
    ----------
    out : tuple of (path, name)
        What leaves its place, and its name in the stage: the deleted, replaced and moved.
    into : tuple of (source, path)
        What goes from the stage, or from a draft, to a place that is vacant by then.
    put : tuple of (name, key)
        Documents that replace what is there.
    last : tuple of (path, name)
        What is deleted when all else is in place, and its name in the stage.
    """

    out: tuple[tuple[str, str], ...]
    into: tuple[tuple[str, str], ...]
    put: tuple[tuple[str, str], ...]
    last: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        """Return the record as JSON."""
        return json.dumps({"version": _VERSION, **self._asdict()}).encode()

    @classmethod
    def parse(cls, raw: bytes, source: str) -> Record:
        """Read a record.

        Raises
        ------
        DocumentError
            If it is not one of ours; then the edit can be neither completed nor dropped.
        """
        document = parse_document(raw, source)
        passes = []
        for name in cls._fields:
            pairs = document.get(name, [] if name == "last" else None)
            if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
                what = "must be a list of pairs of keys"
                raise DocumentError([Problem(f"/{name}", what, "journal")], source)
            passes.append(tuple((pair[0], pair[1]) for pair in pairs))
        if document.get("version") != _VERSION:
            what = f"must be {_VERSION}; a newer iohub wrote it: complete the edit with that one"
            raise DocumentError([Problem("/version", what, "journal")], source)
        return cls(*passes)


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    # A record is untrusted like any document: no path of it may lead out of the group.
    return all(isinstance(part, str) and check_key(part) == part for part in value)


def stage_path(prefix: str) -> str:
    """Path of a group's stage."""
    return join(prefix, STAGE)


def apply(store: JournalStore, prefix: str, record: Record) -> None:
    """Complete a recorded edit; what was done before an interruption is not done again.

    Parameters
    ----------
    store : JournalStore
        The bytes; the caller holds the group's lock.
    prefix : str
        The group.
    record : Record
        What was recorded, or what is left of it.
    """
    stage = stage_path(prefix)
    for path, name in record.out:
        if not store.exists(join(stage, name)):
            store.move(join(prefix, path), join(stage, name))
    if record.out:
        # From here on those places may be taken anew, so that pass must not be repeated.
        store.set(join(stage, COMMIT), record._replace(out=()).encode())
    for source, path in record.into:
        if store.exists(join(prefix, source)):
            store.move(join(prefix, source), join(prefix, path))
    for name, key in record.put:
        if store.exists(join(stage, name)):
            store.replace(join(stage, name), join(prefix, key))
    for path, name in record.last:
        if store.exists(join(prefix, path)):
            store.move(join(prefix, path), join(stage, name))
    store.delete(join(stage, COMMIT))
    store.delete_dir(stage)
    if isinstance(store, LocalBytes):
        for path, _ in (*record.out, *record.last):
            store.drop_empty(prefix, path)


def recover(store: ByteStore, prefix: str, *, sweep: bool = True) -> bool:
    """Complete an interrupted edit of a group, or drop one that was not recorded.

    Parameters
    ----------
    store : ByteStore
        The bytes, writable.
    prefix : str
        The group.
    sweep : bool
        Whether to remove what else killed writers left right below it, if it is local.

    Returns
    -------
    bool
        Whether an edit was completed.

    Raises
    ------
    ReadOnlyError
        If the store is read-only.
    DocumentError
        If the record is broken.
    """
    if isinstance(store, LocalBytes):
        # Looked at without the lock, which another writer may hold for long.
        if not store.has_leftovers(prefix):
            return False
    elif not isinstance(store, JournalStore) or not store.exists(stage_path(prefix)):
        return False
    with store.lock(prefix):
        if join(store.url, prefix) in active:
            return False
        key = join(stage_path(prefix), COMMIT)
        raw = store.get(key)
        if raw is None:
            store.delete_dir(stage_path(prefix))
        else:
            apply(store, prefix, Record.parse(raw, join(store.url, key)))
        if sweep and isinstance(store, LocalBytes):
            store.sweep(prefix)
        return raw is not None


def recover_above(store: ByteStore, prefix: str) -> None:
    """Complete what was interrupted in the groups around one, before that is changed.

    Their records may hold documents of it, which would replace newer ones later.

    Parameters
    ----------
    store : ByteStore
        The bytes, writable; of a local one also the directories around it are looked at.
    prefix : str
        The group; the caller does not hold its lock yet.
    """
    if isinstance(store, LocalBytes):
        for folder in _pending_above(store.path(prefix)):
            recover(LocalBytes(folder, durability=store.durability), "")


def remedy(store: ByteStore, prefix: str) -> str:
    """Return what to do if something is missing because an edit was interrupted, else ``""``."""
    if isinstance(store, LocalBytes):
        folder = store.path(prefix)
        for pending in (*_pending(folder), *_pending_above(folder)):
            return f"An edit of {pending} was interrupted: open it with mode='r+' to complete it."
    return ""


def _pending_above(folder: str) -> Iterator[str]:
    # Also above a directory without documents: they may be in the stage at that moment.
    for _ in range(_ABOVE):
        folder = os.path.dirname(folder)
        yield from _pending(folder)


def _pending(folder: str) -> Iterator[str]:
    if os.path.exists(f"{folder}/{STAGE}/{COMMIT}"):
        yield folder


def attend(store: ByteStore, prefix: str) -> None:
    """Before a group is used: complete an edit that was interrupted, or warn of it if read-only.

    One ``stat`` when there is none.
    """
    key = join(stage_path(prefix), COMMIT)
    if store.token(key) is None:
        return
    if not store.read_only:
        recover(store, prefix)
        return
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        time.sleep(0.02)
        if store.token(key) is None:
            return
    warnings.warn(
        f"an edit of {join(store.url, prefix)} was interrupted; open it for writing, "
        "with mode='r+', to complete it",
        InterruptedEditWarning,
        stacklevel=4,
    )
