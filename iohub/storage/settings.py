"""What this process allows storage to use: the pool of decoded chunks, threads, memory.

Changed by the functions here, for the whole process; an array that is open takes up a change at
its next access.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from iohub.errors import ShapeError


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of one process.

    Attributes
    ----------
    pool_bytes : int
        Decoded chunks kept for reading small regions again [bytes]; 0 keeps none.
    workers : int
        Threads that encode and write whole units.
    write_bytes : int
        Pixels that may wait to be written [bytes].
    """

    pool_bytes: int = 256 * 2**20
    workers: int = min(8, os.cpu_count() or 1)
    write_bytes: int = 256 * 2**20


_state = [Settings()]


def current() -> Settings:
    """Return the settings in force."""
    return _state[0]


def set_pool_bytes(size: int) -> None:
    """Set how much is kept of decoded chunks.

    Parameters
    ----------
    size : int
        In bytes; 0 decodes at each read.

    Raises
    ------
    ShapeError
        If it is negative.
    """
    _state[0] = replace(_state[0], pool_bytes=_at_least(size, 0, "pool size"))


def set_workers(count: int) -> None:
    """Set how many threads encode and write whole units.

    Parameters
    ----------
    count : int
        At least 1.

    Raises
    ------
    ShapeError
        If it is smaller.
    """
    _state[0] = replace(_state[0], workers=_at_least(count, 1, "number of workers"))


def set_write_bytes(size: int) -> None:
    """Set how many pixels may wait to be written.

    Parameters
    ----------
    size : int
        In bytes, at least 1; a single unit may be larger.

    Raises
    ------
    ShapeError
        If it is smaller.
    """
    _state[0] = replace(_state[0], write_bytes=_at_least(size, 1, "write budget"))


def _at_least(value: int, low: int, what: str) -> int:
    if value < low:
        raise ShapeError(f"the {what} must be at least {low}, not {value}")
    return int(value)
