"""Threads that write whole units within a memory budget, and bring their errors to the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from iohub.errors import ClosedError, ShapeError
from iohub.storage import grid, settings
from iohub.storage.pieces import piece_shape

if TYPE_CHECKING:
    from iohub.storage.protocol import WritableArray
    from iohub.types import NDArray, Region

_Self = TypeVar("_Self", bound="UnitWriter")


class UnitWriter:
    """Writes whole units of any number of arrays in threads, within a memory budget.

    Use it as a context manager: leaving it waits for everything and raises the first error;
    leaving it by an exception drops what has not begun.

    Parameters
    ----------
    workers : int, optional
        Threads; the process's setting by default.
    memory : int, optional
        Pixels that may be in flight [bytes]; a single larger piece is still written, alone.

    Examples
    --------
    >>> with UnitWriter() as writer:
    ...     for unit in plan(array.spec):
    ...         writer.put(array, unit.region, compute(unit.region))
    """

    def __init__(self, workers: int | None = None, memory: int | None = None):
        now = settings.get_options()
        self.workers = now.workers if workers is None else workers
        self.memory = now.write_bytes if memory is None else memory
        if self.workers < 1 or self.memory < 1:
            raise ShapeError("a writer needs at least one worker and one byte of memory")
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="iohub-units")
        self._free = threading.Condition()
        self._in_flight = 0
        self._jobs: set[Future[None]] = set()
        self._error: BaseException | None = None
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Bytes that were handed over and are not written yet."""
        return self._in_flight

    def put(self, array: WritableArray, region: Region, data: NDArray) -> None:
        """Hand over whole units; blocks while the budget is used up.

        The data is not copied: it must stay as it is until :meth:`flush` or :meth:`close`.

        Parameters
        ----------
        array : WritableArray
            Where to.
        region : tuple of slice
            Whole units of the array (cut at its border).
        data : numpy.ndarray
            Of the region's shape and the array's data type.

        Raises
        ------
        ShapeError
            If the region is not aligned to units (see :class:`Composer`), or the shape differs.
        ClosedError
            After :meth:`close`.
        Exception
            The error of an earlier piece.
        """
        spec = array.spec
        region = grid.check_region(region, spec.shape)
        if not grid.aligned(region, spec.shape, spec.unit):
            raise ShapeError(
                f"{region} does not hold whole units of {spec.unit}; use a Composer for blocks "
                "that do not"
            )
        if data.shape != grid.region_shape(region):
            raise ShapeError(f"data of shape {data.shape} for {region}")
        for piece in grid.split(region, spec.shape, piece_shape(spec, self.memory)):
            part = data[grid.relative(piece, region)]
            self.submit(part.nbytes, array.write, piece, part)

    def submit(self, nbytes: int, job: Callable[..., object], *arguments: Any) -> None:
        """Run any job in a worker, counted against the budget; blocks while it is used up.

        Parameters
        ----------
        nbytes : int
            Memory that the job holds on to [bytes].
        job : callable
            What to do; its result is dropped, its error reaches the caller of the next method.
        *arguments
            For the job.

        Raises
        ------
        ClosedError
            After :meth:`close`.
        Exception
            The error of an earlier job.
        """
        with self._free:
            self._free.wait_for(
                lambda: (
                    self._error is not None
                    or self._in_flight == 0
                    or self._in_flight + nbytes <= self.memory
                )
            )
            self._check()
            self._in_flight += nbytes
            future = self._pool.submit(self._run, job, arguments)
            self._jobs.add(future)
        future.add_done_callback(lambda done: self._finished(done, nbytes))

    def flush(self) -> None:
        """Wait until everything that was handed over is written.

        Raises
        ------
        ClosedError
            After :meth:`close`.
        Exception
            The first error of a worker.
        """
        with self._free:
            self._free.wait_for(lambda: not self._jobs)
            self._check()

    def close(self) -> None:
        """Wait for everything and end the threads; a second call does nothing.

        Raises
        ------
        Exception
            The first error of a worker.
        """
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._shut_down()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._shut_down()

    def _run(self, job: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        if self._error is None:
            job(*arguments)

    def _finished(self, future: Future[None], nbytes: int) -> None:
        error = None if future.cancelled() else future.exception()
        with self._free:
            self._jobs.discard(future)
            self._in_flight -= nbytes
            if error is not None and self._error is None:
                self._error = error
            self._free.notify_all()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ClosedError("this writer is closed; make another one")

    def _shut_down(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
