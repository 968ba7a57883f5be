"""A file that is opened when first needed, once in each process, and closed with its store.

One that nobody closes is closed when nobody can read from it any more.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from iohub.errors import ClosedError

T = TypeVar("T")


class Handle(Generic[T]):
    """A library's open file, shared by the arrays that are read from it.

    A forked child opens it anew: with the parent's file it would share the place where the next
    read begins.

    Parameters
    ----------
    open : callable
        Opens the file.
    close : callable
        Closes what `open` returned; a function that does not itself keep the handle alive.
    url : str
        What it is, for messages.
    """

    def __init__(self, open: Callable[[], T], close: Callable[[T], object], url: str = ""):
        self._open, self._close, self._url = open, close, url
        self._held: _Opened[T] | None = None
        self._lock = threading.Lock()
        self._closed = False
        _handles.add(self)

    def get(self) -> T:
        """Return the open file.

        Raises
        ------
        ClosedError
            After :meth:`close`.
        """
        held = self._held
        if held is not None and held.pid == os.getpid():
            return held.file
        with self._lock:
            if self._closed:
                raise ClosedError(f"{self._url} is closed; open it again with open_ome_zarr(...)")
            if self._held is None or self._held.pid != os.getpid():
                opened = _Opened(os.getpid(), self._open(), self._close)
                weakref.finalize(self, opened.close)
                self._held = opened
            return self._held.file

    def close(self) -> None:
        """Close the file, if this process opened it; a second call does nothing."""
        with self._lock:
            held, self._held, self._closed = self._held, None, True
        if held is not None:
            held.close()


class _Opened(Generic[T]):
    """What a process has opened; only this process closes it, and once."""

    def __init__(self, pid: int, file: T, close: Callable[[T], object]):
        self.pid, self.file = pid, file
        self._close, self._open = close, True

    def close(self) -> None:
        if self._open and self.pid == os.getpid():
            self._open = False
            self._close(self.file)
            del self.file  # some files are closed when nobody has them any more


# In a fork another thread of the parent may hold the lock of a handle.
_handles: weakref.WeakSet[Handle[Any]] = weakref.WeakSet()


def _unlock() -> None:
    for handle in list(_handles):
        handle._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
