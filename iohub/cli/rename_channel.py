"""``iohub rename-channel``: one channel, in a position or all over a plate."""

from __future__ import annotations

from contextlib import ExitStack
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
def rename_channel(paths: tuple[str, ...], old: str, new: str) -> None:
    """Rename the channel OLD to NEW in PATHS.

    Pixels, colours and contrast limits stay as they are. In a plate, positions that have no such
    channel are left alone, so a command that was interrupted can be repeated.
    """
    failures = Failures()
    done = 0
    for path in expand(paths):
        with failures.caught(path), failures.corrupt_nodes(path), ExitStack() as stack:
            node = open_node(path, "r+", stack)
            for target in _targets(node):
                target.rename_channel(old, new)
            say(f"{path}: {old} → {new}")
            done += 1
    failures.finish(f"{done:,} done")


def _targets(node: Any) -> list[Any]:
    """Return the nodes whose channels have names: a plate does its positions itself."""
    from iohub.ngff.nodes import Plate

    return [node] if isinstance(node, Plate) else [each for _, each in positions_of(node)]
