"""``iohub rename-channel``: one channel, in a position or all over a plate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say
from iohub.cli.selection import expand, open_node, positions_of
from iohub.cli.teaching import Taught, paths_argument


@click.command(
    "rename-channel",
    cls=Taught,
    short_help="Rename a channel in positions or a plate.",
    examples=[
        ("In every position of a plate", "iohub rename-channel plate.zarr GFP EGFP"),
        ("In one position", "iohub rename-channel plate.zarr/A/1/0 'State0' 'Phase 3D'"),
        ("In some", "iohub rename-channel plate.zarr/A/*/* GFP EGFP"),
    ],
)
@paths_argument
@click.argument("old")
@click.argument("new")
@click.option(
    "--skip-unreadable",
    is_flag=True,
    help="Rename in all others if a position cannot be read; else nothing is done there.",
)
def rename_channel(paths: tuple[str, ...], old: str, new: str, skip_unreadable: bool) -> None:
    """Rename the channel OLD to NEW in PATHS.

    Pixels, colours and contrast limits stay as they are. In a plate, positions that have no such
    channel are left alone, so a command that was interrupted can be repeated.
    """
    failures = Failures()
    done = 0
    for path in expand(paths):
        with failures.caught(path), failures.corrupt_nodes(path), ExitStack() as stack:
            node = open_node(path, "r+", stack)
            for rename in _renames(node, skip_unreadable):
                rename(old, new)
            say(f"{path}: {old} → {new}")
            done += 1
    failures.finish(f"{done:,} done")


def _renames(node: Any, skip: bool) -> list[Callable[[str, str], None]]:
    """Return what renames: a plate, whose channels have names too, does its positions itself."""
    from iohub.ngff.nodes import Plate
    from iohub.nodes.plate_reading import all_readable

    if isinstance(node, Plate):
        return [partial(node.rename_channel, skip_unreadable=skip)]
    return [each.rename_channel for _, each in all_readable(positions_of(node), skip=skip)]
