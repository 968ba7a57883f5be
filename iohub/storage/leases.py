"""One writer at a time in a group on a server: an object that only one process can create.

Its holder writes it again every few seconds. Where it has not changed for a while, its holder is
taken for dead; whoever waits takes it over, again by a write that only one can do. No clocks are
compared. A holder that was only slow loses nothing of others': documents are written by
compare-and-swap whoever holds what.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from iohub.errors import IohubError, LockTimeoutError
from iohub.storage import locks
from iohub.storage.keys import join

if TYPE_CHECKING:
    from iohub.storage.objects import Tag

DEAD_AFTER = 30.0
"""How long a lease that is not renewed is respected [s]."""

_RENEWAL = 8.0  # [s]
_POLL = (0.05, 0.1, 0.2, 0.5)  # [s], the last one again and again


class Conditional(Protocol):
    """The requests that a lease takes."""

    def put_if(self, key: str, value: bytes, state: Tag | None) -> Tag | None:
        """Write an object if it is in a state, None for absent; TakenError if it is not."""

    def fetch(self, key: str) -> tuple[bytes, Tag | None] | None:
        """Return an object and its state; None if there is none."""

    def remove(self, key: str) -> None:
        """Remove an object."""


def lease_key(prefix: str) -> str:
    """Key of the lease of a group."""
    return join(prefix, locks.LOCK_NAME)


@contextmanager
def lease(
    objects: Conditional, prefix: str, *, where: str, timeout: float | None = None
) -> Iterator[None]:
    """Hold the lease of a group; a thread's lock is held already.

    Parameters
    ----------
    objects : Conditional
        The requests.
    prefix : str
        The group.
    where : str
        The same, for people.
    timeout : float
        How long to wait [s]; None means :data:`iohub.storage.locks.TIMEOUT`.

    Raises
    ------
    LockTimeoutError
        If another process holds it all the time.
    """
    held = _Held(objects, lease_key(prefix))
    held.acquire(where, locks.TIMEOUT if timeout is None else timeout)
    try:
        yield
    finally:
        held.release()


class _Held:
    """One lease, from the first try to the end."""

    def __init__(self, objects: Conditional, key: str):
        self._objects, self._key = objects, key
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._state: Tag | None = None
        self._renewals = 0
        self._renewed = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, where: str, timeout: float) -> None:
        """Create the lease, or take over a dead one."""
        from iohub.storage.objects import TakenError

        end, last, since, tries = time.monotonic() + timeout, None, time.monotonic(), 0
        expected: Tag | None = None
        while True:
            try:
                self._put(expected)
                break
            except TakenError:
                expected = None
            found = self._objects.fetch(self._key)
            if found is None:
                continue
            now = time.monotonic()
            if found != last:
                last, since = found, now
            if now - since >= DEAD_AFTER:
                expected = found[1]
                continue
            if now >= end:
                raise LockTimeoutError(
                    f"{_name(found[0])} has been changing {where} for {timeout:g} s; wait until it "
                    "is done, or end it: what a dead process held is free after "
                    f"{DEAD_AFTER:g} s"
                )
            time.sleep(min(_POLL[min(tries, len(_POLL) - 1)], max(0.0, end - now)))
            tries += 1
        self._thread = threading.Thread(target=self._renew, name="iohub-lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Remove the lease, unless someone else has taken it over."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if time.monotonic() - self._renewed < DEAD_AFTER / 2:
            self._objects.remove(self._key)
            return
        found = self._objects.fetch(self._key)
        if found is not None and found[1] == self._state:
            self._objects.remove(self._key)

    def _put(self, expected: Tag | None) -> None:
        self._renewals += 1
        text = json.dumps({"owner": self._owner, "renewals": self._renewals})
        self._state = self._objects.put_if(self._key, text.encode(), expected)
        self._renewed = time.monotonic()

    def _renew(self) -> None:
        while not self._stop.wait(_RENEWAL):
            with suppress(IohubError):  # whether it was lost is looked at when it is let go
                self._put(self._state)


def _name(value: bytes) -> str:
    with suppress(ValueError):
        owner = json.loads(value)
        if isinstance(owner, dict):
            return f"the process {owner.get('owner', 'of another program')}"
    return "another process"
