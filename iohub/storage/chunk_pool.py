"""Decoded chunks that were read in part lately, within the bytes that the settings allow.

One pool for all files that are not Zarr; TensorStore keeps one of its own for Zarr.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from iohub.storage import settings

if TYPE_CHECKING:
    from iohub.types import Shape


class Measured(Protocol):
    """Pixels, as an array of NumPy or of Arrow."""

    @property
    def nbytes(self) -> int:
        """How much memory they take [bytes]."""


T_co = TypeVar("T_co", bound=Measured, covariant=True)


class Decodes(Protocol[T_co]):
    """What chunks come from."""

    def chunk(self, index: Shape) -> T_co:
        """Return a chunk."""


# The source is held too, so that its id is nobody else's as long as the chunk is here.
_held: OrderedDict[tuple[int, Shape], tuple[Any, Any]] = OrderedDict()
_left: deque[Decodes[Any]] = deque()
_lock = threading.Lock()
_size = [0]

if hasattr(os, "register_at_fork"):  # another thread of the parent may hold the lock in a fork
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def get(source: Decodes[T_co], index: Shape) -> T_co:
    """Return a chunk, not to be changed, from the pool or else from its source."""
    key = (id(source), index)
    while _left:
        with suppress(IndexError):  # another thread was faster
            drop(_left.popleft())
    with _lock:
        found = _held.get(key)
        if found is not None:
            _held.move_to_end(key)
            kept: T_co = found[1]
            return kept
    chunk = source.chunk(index)
    limit = settings.get_options().pool_bytes
    with _lock:
        if key not in _held and chunk.nbytes <= limit:
            _held[key] = (source, chunk)
            _size[0] += chunk.nbytes
        while _size[0] > limit:
            _forget(next(iter(_held)))
    return chunk


def drop(source: Decodes[Any]) -> None:
    """Forget the chunks of a source."""
    with _lock:
        for key in [key for key in _held if key[0] == id(source)]:
            _forget(key)


def leave(source: Decodes[Any]) -> None:
    """Forget the chunks of a source soon; for where no lock may be waited for."""
    _left.append(source)


def _forget(key: tuple[int, Shape]) -> None:
    _size[0] -= _held.pop(key)[1].nbytes
