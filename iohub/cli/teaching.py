"""Help that teaches: commands that show examples, and the options that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

HELP: Final = {"help_option_names": ["-h", "--help"]}
"""Settings of a command that knows ``-h``."""

_DEBUG = "iohub.debug"


def write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Write examples below a help text, never broken over lines, so that they can be pasted.

    Parameters
    ----------
    formatter : click.HelpFormatter
        Where to write.
    examples : sequence of (str, str)
        What each does, and its command line.
    """
    with formatter.section("Examples"):
        for index, (says, line) in enumerate(examples):
            if index:
                formatter.write_paragraph()
            for text in (f"# {says}", line):
                formatter.write(f"{'':>{formatter.current_indent}}{text}\n")


def debug_option(*, hidden: bool = False) -> click.Option:
    """Return the option that shows tracebacks; it is known before and after a command's name."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        hidden=hidden,
        help="Show the traceback of an error.",
        callback=_remember,
    )


def _remember(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_DEBUG] = True


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_DEBUG))


class Taught(click.Command):
    """A command whose help ends in examples.

    Parameters
    ----------
    examples : sequence of (str, str)
        What each does, and its command line.
    *args, **kwargs
        As for :class:`click.Command`.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any):
        kwargs.setdefault("context_settings", HELP)
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params.append(debug_option(hidden=True))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)


class TaughtGroup(click.Group):
    """A group of commands whose help ends in examples.

    Parameters
    ----------
    examples : sequence of (str, str)
        What each does, and its command line.
    *args, **kwargs
        As for :class:`click.Group`.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any):
        kwargs.setdefault("context_settings", HELP)
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params.append(debug_option(hidden=True))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)


def paths_argument(function: _Function) -> _Function:
    """Give a command the argument ``PATHS...``, at least one."""
    return click.argument("paths", nargs=-1, required=True, type=click.Path())(function)


def dry_run_option(function: _Function) -> _Function:
    """Give a command the option to say what it would do."""
    return click.option(
        "-n", "--dry-run", is_flag=True, help="Say what would change, and write nothing."
    )(function)
