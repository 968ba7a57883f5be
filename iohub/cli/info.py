"""``iohub info``: what a store holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say, show
from iohub.cli.selection import expand, open_node
from iohub.cli.teaching import Taught, paths_argument

if TYPE_CHECKING:
    from iohub.display import Summary
    from iohub.nodes.plate import Plate


@click.command(
    cls=Taught,
    short_help="Show what is in a store: wells, axes, channels, levels.",
    examples=[
        ("A plate: its wells as a map, channels, axes", "iohub info plate.zarr"),
        ("One position: sizes, pixel sizes, levels of the pyramid", "iohub info plate.zarr/A/1/0"),
        ("A line for every position of the plate", "iohub info --verbose plate.zarr"),
    ],
)
@paths_argument
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Also list every position of a plate, and how every image of a position is stored.",
)
def info(paths: tuple[str, ...], verbose: bool) -> None:
    """Show what PATHS hold: wells, axes, channels, levels, sizes.

    Only metadata are read, no pixels.
    """
    failures = Failures()
    for index, path in enumerate(expand(paths)):
        if index:
            say("")
        with failures.caught(path), ExitStack() as stack:
            node = open_node(path, "r", stack)
            with failures.corrupt_nodes(path):
                show(node._summary(), *(_more(node) if verbose else ()))
    failures.finish()


def _more(node: Any) -> Iterator[Summary]:
    """Summaries of what is in a node."""
    from iohub.ngff.nodes import Plate, Position

    if isinstance(node, Plate):
        yield _positions(node)
    elif isinstance(node, Position):
        for _, image in node.images():
            yield image._summary()


def _positions(plate: Plate) -> Summary:
    """One line for every position."""
    from iohub.display import Column, PageSummary, Table, human_bytes, human_number, human_shape

    rows = []
    for entry in plate.to_dataframe().to_dict("records"):
        says = [str(entry["path"]), "no images", *[""] * 5]
        if isinstance(entry["scale"], tuple):
            says[3] = ", ".join(map(human_number, entry["scale"]))
            says[4] = ", ".join(entry["channels"])
            says[5] = str(int(entry["levels"]))
            # The image itself may be unreadable, which a warning says.
            known = isinstance(entry["shape"], tuple)
            says[1] = human_shape(entry["shape"]) if known else ""
            says[2] = str(entry["dtype"]) if known else ""
            says[6] = human_bytes(int(entry["nbytes"])) if known else ""
        rows.append(tuple(says))
    columns = (
        Column("position"),
        Column("shape", "right"),
        Column("dtype"),
        Column("scale", "right"),
        Column("channels"),
        Column("levels", "right"),
        Column("size", "right"),
    )
    return PageSummary(
        kind="Positions", page=(Table(f"{len(rows):,} positions", columns, tuple(rows)),)
    )
