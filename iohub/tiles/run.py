"""Who does the parts of images: this process, others on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar, runtime_checkable

from iohub.errors import ArgumentError
from iohub.nodes import arguments

In = TypeVar("In")
Out = TypeVar("Out")


@runtime_checkable
class Executor(Protocol):
    """What parts are handed to: an executor of the standard library, or a ``dask`` client."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        """Begin a call, and return a future whose ``result()`` waits for it."""


def check_work(workers: int | None, memory: int | None = None) -> None:
    """Refuse numbers with which nobody can work.

    Parameters
    ----------
    workers : int or None
        Threads or processes.
    memory : int or None
        Pixels to hold at a time [bytes].

    Raises
    ------
    ArgumentError
        If one is no whole number, or not positive; a :class:`ValueError`.
    """
    for what, number in (("workers", workers), ("memory", memory)):
        if number is not None:
            arguments.whole(number, what, 1)


@contextmanager
def executor(how: object, workers: int | None = None) -> Iterator[Executor | None]:
    """Return who does the work, for as long as the block lasts.

    Parameters
    ----------
    how : {None, "threads", "processes"} or executor or dask.distributed.Client
        None and "threads" are this process, for which None is returned. What is passed in is
        not closed.
    workers : int, optional
        Processes; one per processor if not given.

    Raises
    ------
    ArgumentError
        If it is none of these.
    """
    if how in (None, "threads"):
        yield None
    elif how == "processes":
        # A fork would copy locks and threads of the libraries that write.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    elif isinstance(how, Executor):
        yield how
    else:
        raise ArgumentError(
            f"run={how!r} is neither 'threads' nor 'processes', nor an executor or a "
            "dask.distributed client"
        )


def in_order(pool: Executor, function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Return results in the order of the items; an error of one ends the work.

    Parameters
    ----------
    pool : Executor
        Who does it.
    function : callable
        Of a module, so that it can be sent.
    items : iterable
        Its arguments.
    """
    pure = {"pure": False} if hasattr(pool, "scheduler_info") else {}
    futures = [pool.submit(function, item, **pure) for item in items]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def side_by_side(function: Callable[[In], Out], items: Iterable[In], count: int) -> Iterator[Out]:
    """Return results in the order of the items, so many of which are worked on at a time.

    Parameters
    ----------
    function : callable
        What to do.
    items : iterable
        Its arguments.
    count : int
        How many threads wait for results.
    """
    if count <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(count, thread_name_prefix="iohub-tiles")
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
