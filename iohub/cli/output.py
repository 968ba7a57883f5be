"""What the commands say: summaries with colours in a terminal and plain in a pipe; warnings."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from iohub.errors import IohubWarning

if TYPE_CHECKING:
    from iohub.display import Summary, TreeSummary


def say(text: str, *, error: bool = False) -> None:
    """Print a line, with plainer signs for those that the stream cannot write.

    Parameters
    ----------
    text : str
        One or more lines, without a line end after the last.
    error : bool
        Whether it goes to stderr.
    """
    from iohub.display import encodable

    stream = sys.stderr if error else sys.stdout
    click.echo(encodable(text, getattr(stream, "encoding", None)), err=error)


def show(*summaries: Summary | TreeSummary) -> None:
    """Draw summaries below each other: with rich in a terminal, else as plain text.

    Parameters
    ----------
    *summaries : Summary or TreeSummary
        What to draw.
    """
    for index, summary in enumerate(summaries):
        if index:
            say("")
        if sys.stdout.isatty():
            from rich.console import Console

            from iohub.display import to_rich

            Console().print(to_rich(summary))
        else:
            say(_plain(summary))


def _plain(summary: Summary | TreeSummary) -> str:
    from iohub.display import TreeSummary, to_text

    if isinstance(summary, TreeSummary):
        return summary.render()
    return to_text(summary, width=shutil.get_terminal_size((80, 24)).columns)


def warn(text: str) -> None:
    """Print a warning to stderr."""
    say(f"warning: {text}", error=True)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Print each warning as one line, once, without the line of source that gave it."""
    said: set[str] = set()

    def speak(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = str(message)
        if text not in said:
            said.add(text)
            warn(text)

    with warnings.catch_warnings():
        warnings.simplefilter("always", IohubWarning)
        warnings.showwarning = speak
        yield


@contextmanager
def progress(
    total: int, what: str, *, shown: bool | None = None
) -> Iterator[Callable[[float, str], None]]:
    """Draw a bar on stderr while something goes on; nothing where stderr is no terminal.

    Parameters
    ----------
    total : int
        How many steps there are.
    what : str
        What is being done, drawn where no step is named.
    shown : bool, optional
        Whether it is drawn; by default, if stderr is a terminal.

    Yields
    ------
    callable
        Takes how many steps are done, which may be a fraction, and the name of the present one.
    """
    if not (sys.stderr.isatty() if shown is None else shown):
        yield lambda done, label: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(escape(what), total=total)

        def update(done: float, label: str) -> None:
            bar.update(task, completed=done, description=escape(label or what))

        yield update
