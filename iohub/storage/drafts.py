"""What is being prepared in a group while nobody is kept from changing it.

A draft lies in a hidden directory whose lock its writer holds: so others can tell it from what a
dead one left, which they sweep. A :class:`~iohub.storage.transaction.Transaction` puts it in place.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from iohub.errors import ExistsError, LockTimeoutError
from iohub.storage import hierarchy, locks
from iohub.storage.journal import JournalStore
from iohub.storage.keys import DRAFT_PREFIX, check_key, join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import WritableByteStore

if TYPE_CHECKING:
    from iohub.storage.group_reading import ReadableGroup
    from iohub.storage.spec import ArraySpec

_POLL = 0.01  # [s]; what is being prepared takes from milliseconds to hours


def draft_path(prefix: str) -> str:
    """Return a new hidden path in a group."""
    return join(prefix, f"{DRAFT_PREFIX}{secrets.token_hex(8)}")


class Draft:
    """New things for a group, as a context manager; leaving it drops what nobody has taken.

    The group's lock is not held meanwhile: what was checked before is to be checked again in the
    transaction that takes the draft. Nothing is written before something is staged.

    Parameters
    ----------
    group : ReadableGroup
        Where the things are to be.

    Examples
    --------
    >>> with Draft(group) as draft:  # doctest: +SKIP
    ...     path = draft.stage_array("0", spec)
    ...     fill(path)  # however long it takes
    ...     with Transaction(group) as edit:
    ...         edit.take(draft)
    """

    def __init__(self, group: ReadableGroup):
        self._store: WritableByteStore = hierarchy.writable(group.store)
        self._group = group
        self._held = ExitStack()
        self._path = ""
        self.decided = False
        """Whether a recorded edit moves it: then it stays until that is completed."""
        self.places: dict[str, str] = {}
        """Where in the group the things are to be, by where they are in it now."""

    def __enter__(self) -> Self:
        return self

    def stage(self, path: str) -> str:
        """Prepare something new, of any kind, that will lie at a path.

        Parameters
        ----------
        path : str
            Relative to the group.

        Returns
        -------
        str
            Path in the store, below which to write it.

        Raises
        ------
        ExistsError
            If something else of this draft is to take that place.
        """
        if check_key(path) in self.places.values():
            raise ExistsError(f"two things are to be at {path!r} of {self._group.url}")
        if not self._path:
            self._path = draft_path(self._group.path)
            self._held.enter_context(self._store.lock(self._path))
        full = f"{self._path}/in{len(self.places)}"
        self.places[full.removeprefix(f"{self._group.path}/")] = path
        return full

    def stage_array(self, path: str, spec: ArraySpec) -> str:
        """Prepare a new array: its documents are written; its pixels can be.

        Returns
        -------
        str
            Path of the array in the store until the draft is taken.
        """
        full = self.stage(path)
        for name, value in spec.documents().items():
            self._store.set(join(full, name), value)
        return full

    def check(self, prefix: str) -> None:
        """Refuse a draft for another group, or one that was moved away with its group.

        Raises
        ------
        ExistsError
            If it is for another group.
        NotFoundError
            If the group was moved or removed meanwhile.
        """
        if prefix != self._group.path:
            raise ExistsError(f"a draft for {self._group.url} cannot be taken to {prefix!r}")
        if self._path and isinstance(self._store, LocalBytes):
            locks.check_in_place(self._store.path(self._path))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._held:
            if self._path and not self.decided:
                self._store.delete_dir(self._path)
        if error is not None and isinstance(self._store, LocalBytes):
            # Where the group was moved away, writing has made its directories again.
            drop_empty(self._store, self._group.path)


def drop_empty(store: LocalBytes, prefix: str) -> None:
    """Remove the directory of a prefix and those above it in the store, while they are empty."""
    if prefix:
        locks.remove_empty(store.path(prefix), store.path(prefix.partition("/")[0]))


def wait_for_writers(
    store: JournalStore, paths: Sequence[str], timeout: float | None = None
) -> None:
    """Wait until nobody changes the groups at some paths, and those below, or prepares for them.

    Whoever begins afterwards, before they are moved, is told so by an error; so is whoever writes
    pixels of an array that exists.

    Parameters
    ----------
    store : JournalStore
        The bytes.
    paths : sequence of str
        What is to be moved or removed.
    timeout : float
        How long to wait [s]; None means :data:`iohub.storage.locks.TIMEOUT`.

    Raises
    ------
    LockTimeoutError
        If someone writes there all the time.
    """
    timeout = locks.TIMEOUT if timeout is None else timeout
    end = time.monotonic() + timeout
    for path in paths:
        for group in _groups(store, path):
            while True:
                with store.lock(group):
                    if not store.is_drafted(group):
                        break
                if time.monotonic() >= end:
                    raise LockTimeoutError(
                        f"{hierarchy.where(store, group)} is being written: an image, a pyramid or "
                        "labels are not complete yet; try again when they are"
                    )
                time.sleep(_POLL)


def _groups(store: WritableByteStore, path: str) -> Iterator[str]:
    """Return the groups at a path and below, as far as there are any; arrays are not searched."""
    kind = hierarchy.kinds(store, [path])[0]
    if kind is None or kind[1] != "group":
        return
    yield path
    folders, _ = store.list_dir(path)
    for name in folders:
        yield from _groups(store, join(path, name))
