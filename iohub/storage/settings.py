"""What this process allows storage to use, and how safely it writes: one set of options.

They hold for the whole process; an array that is open takes up a change at its next access.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from operator import index
from types import TracebackType
from typing import Literal, TypeAlias, get_args

from iohub.errors import ArgumentError

Durability: TypeAlias = Literal["process", "power"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one process.

    Attributes
    ----------
    pool_bytes : int
        Decoded chunks kept for reading small regions again [bytes]; 0 keeps none.
    workers : int
        Threads that encode and write whole units.
    write_bytes : int
        Pixels that may wait to be written [bytes].
    durability : {"process", "power"}
        What a finished write to a local store survives.
    remote_max_age : float
        For how long a document of a remote store, open for reading, is not asked for again [s].
    """

    pool_bytes: int = 256 * 2**20
    workers: int = min(8, os.cpu_count() or 1)
    write_bytes: int = 256 * 2**20
    durability: Durability = "process"
    remote_max_age: float = 5.0


_state = [Options()]


def get_options() -> Options:
    """Return the options in force in this process; see :class:`set_options`."""
    return _state[0]


class set_options:  # noqa: N801 - called like a function, as xarray's and dask's are
    """Set options of this process, for good or within a ``with`` block.

    Parameters
    ----------
    pool_bytes : int, optional
        How much to keep of decoded chunks, for reading small regions again [bytes]; 0 decodes at
        each read. 256 MiB to begin with.
    workers : int, optional
        How many threads encode and write whole chunks and shards; one per processor to begin
        with, 8 at most.
    write_bytes : int, optional
        How many pixels may wait to be written [bytes]; a single unit may be larger. 256 MiB to
        begin with.
    durability : {"process", "power"}, optional
        What a finished write to a local store survives: the death of the process (to begin with),
        or a power cut too, which costs an ``fsync`` of each file and of its directory. Pixels that
        the engines "zarr-python" and "zarrs" write are not synced.
    remote_max_age : float, optional
        For how long a document that was read from a remote store is not asked for again [s]: so
        long another process's change may be unseen. 0 asks each time, which takes a request for
        each look at a shape; so it is where a store is open for writing. 5 to begin with.

    Raises
    ------
    ArgumentError
        If a value is of another type or too small, or there is no such durability; a
        :class:`TypeError` and a :class:`ValueError`.

    Notes
    -----
    Options are those of the process, not of a thread: a change within ``with`` is seen by all
    threads while the block runs.

    Examples
    --------
    >>> iohub.set_options(pool_bytes=2**30)
    >>> with iohub.set_options(durability="power"):
    ...     position.create_image("0", pixels)
    """

    def __init__(
        self,
        *,
        pool_bytes: int | None = None,
        workers: int | None = None,
        write_bytes: int | None = None,
        durability: Durability | None = None,
        remote_max_age: float | None = None,
    ):
        self._before = now = _state[0]
        if pool_bytes is not None:
            now = replace(now, pool_bytes=_at_least(pool_bytes, 0, "pool_bytes"))
        if workers is not None:
            now = replace(now, workers=_at_least(workers, 1, "workers"))
        if write_bytes is not None:
            now = replace(now, write_bytes=_at_least(write_bytes, 1, "write_bytes"))
        if durability is not None:
            if durability not in get_args(Durability):
                raise ArgumentError(f"durability is 'process' or 'power', not {durability!r}")
            now = replace(now, durability=durability)
        if remote_max_age is not None:
            now = replace(now, remote_max_age=_seconds(remote_max_age, "remote_max_age"))
        _state[0] = now

    def __enter__(self) -> Options:
        return get_options()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _state[0] = self._before

    def __repr__(self) -> str:
        return repr(get_options())


def _at_least(value: int, low: int, what: str) -> int:
    try:
        number = index(value)
    except TypeError as error:
        raise ArgumentError(f"{what} is a whole number, not {value!r}") from error
    if number < low:
        raise ArgumentError(f"{what} is at least {low}, not {value}")
    return number


def _seconds(value: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{what} is a number of seconds, not {value!r}")
    if not value >= 0:
        raise ArgumentError(f"{what} is at least 0, not {value}")
    return float(value)
