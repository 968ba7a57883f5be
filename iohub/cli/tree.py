"""``iohub tree``: the hierarchy of a store."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say, show
from iohub.cli.selection import expand, open_node
from iohub.cli.teaching import Taught, paths_argument


@click.command(
    cls=Taught,
    short_help="Show the hierarchy of a store.",
    examples=[
        ("Everything", "iohub tree plate.zarr"),
        ("Rows and columns only", "iohub tree --level 2 plate.zarr"),
        ("One well", "iohub tree plate.zarr/A/1"),
    ],
)
@paths_argument
@click.option(
    "-L",
    "--level",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many levels below PATH to show; all of them if not given.",
)
def tree(paths: tuple[str, ...], level: int | None) -> None:
    """Show the hierarchy of PATHS: rows, columns, positions, images.

    It is the one that the metadata tell; no pixels are read.
    """
    failures = Failures()
    for index, path in enumerate(expand(paths)):
        if index:
            say("")
        with failures.caught(path), ExitStack() as stack:
            node = open_node(path, "r", stack)
            with failures.corrupt_nodes(path):
                show(replace(node._tree(level), label=path))
    failures.finish()
