"""Errors of a command: what one looks like in a shell, and those of many positions together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from iohub.cli.output import say, warn
from iohub.cli.teaching import debugging
from iohub.errors import CorruptNodeWarning, IohubError


def describe(error: BaseException) -> str:
    """Write an error for people: its message and its notes, or its kind if it has none."""
    return "\n".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors of iohub and of the system into a message and exit code 1.

    Raises
    ------
    click.ClickException
        Instead of an :class:`IohubError` or :class:`OSError`, unless ``--debug`` was given.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of the output has seen enough, which click knows
    except (IohubError, OSError) as error:
        if debugging():
            raise
        raise click.ClickException(describe(error)) from error


class Failures:
    """What failed while the rest went on; told at the end."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    @contextmanager
    def caught(self, label: str) -> Iterator[None]:
        """Note an error of what is done inside, and go on; ``--debug`` lets it through.

        Parameters
        ----------
        label : str
            What is being worked on.
        """
        try:
            yield
        except BrokenPipeError:
            raise
        except (IohubError, OSError) as error:
            if debugging():
                raise
            self.found.append((label, describe(error)))

    @contextmanager
    def corrupt_nodes(self, label: str) -> Iterator[None]:
        """Note each node that is passed over inside because it cannot be read.

        Parameters
        ----------
        label : str
            What is being read.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CorruptNodeWarning)
            yield
        for warning in caught:
            if issubclass(warning.category, CorruptNodeWarning):
                self.found.append((label, str(warning.message)))
            else:
                warn(str(warning.message))

    def finish(self, done: str = "") -> None:
        """Tell what failed.

        Parameters
        ----------
        done : str
            What was done all the same, for the last line.

        Raises
        ------
        click.ClickException
            If anything failed, so that the exit code is 1.
        """
        if not self.found:
            return
        for label, message in self.found:
            said = message if label in message else f"{label}: {message}"
            say(f"failed: {said}", error=True)
        raise click.ClickException(f"{len(self.found)} failed" + (f", {done}" if done else ""))
