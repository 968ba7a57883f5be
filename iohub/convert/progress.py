"""The bar that a conversion draws on a terminal: how much, how fast, how long still."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias

from iohub.nodes import arguments

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""Whether a bar is drawn, or who is told of bytes done and bytes in all."""


@contextmanager
def told(progress: Progress, total: int, what: str) -> Iterator[Callable[[int], object]]:
    """Return who is told how many bytes more are done.

    Parameters
    ----------
    progress : bool, callable or None
        None draws a bar if stderr is a terminal.
    total : int
        Bytes in all.
    what : str
        What is being done.
    """
    if callable(progress):
        yield _Sum(progress, total)
        return
    if not (sys.stderr.isatty() if progress is None else arguments.flag(progress, "progress")):
        yield lambda more: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(escape(what), total=total)
        yield lambda more: bar.advance(task, more)


class _Sum:
    """Adds up what was done, for whoever asks for the sum."""

    def __init__(self, progress: Callable[[int, int], object], total: int):
        self._progress, self._total, self._done, self._lock = progress, total, 0, Lock()

    def __call__(self, more: int) -> None:
        with self._lock:
            self._done = min(self._total, self._done + more)
            done = self._done
        self._progress(done, self._total)
