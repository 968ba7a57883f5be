"""``iohub rename-wells``: wells of a plate, by a table of old and new names."""

from __future__ import annotations

from contextlib import ExitStack
from typing import BinaryIO

import click

from iohub.cli.output import say
from iohub.cli.selection import open_node
from iohub.cli.teaching import Taught, dry_run_option
from iohub.cli.well_table import checked_names, read_table
from iohub.errors import LayoutError


@click.command(
    "rename-wells",
    cls=Taught,
    short_help="Rename wells of a plate by a CSV table.",
    examples=[
        ("names.csv has lines such as: A/1,B/2", "iohub rename-wells plate.zarr names.csv"),
        ("Look first", "iohub rename-wells --dry-run plate.zarr names.csv"),
        (
            "Swap two wells, without a file",
            "printf 'A/1,A/2\\nA/2,A/1\\n' | iohub rename-wells plate.zarr -",
        ),
    ],
)
@click.argument("plate", type=click.Path())
@click.argument("csv", type=click.File("rb"))
@dry_run_option
def rename_wells(plate: str, csv: BinaryIO, dry_run: bool) -> None:
    """Rename wells of PLATE as the table CSV says: old name, new name.

    Wells may swap their names or pass them on in a circle. Every line is checked first; then all
    wells are renamed together, or none. A line of headings is passed over, and so are empty lines;
    the separator may be a comma, a semicolon or a tab.
    """
    from iohub.ngff.nodes import Plate

    source = getattr(csv, "name", "-")
    lines = read_table(csv.read(), str(source))
    with ExitStack() as stack:
        node = open_node(plate, "r" if dry_run else "r+", stack)
        if not isinstance(node, Plate):
            raise LayoutError(f"{plate} is a {type(node).__name__.lower()}, not a plate")
        names = checked_names(lines, node.metadata.get_well_paths(), str(source))
        if not dry_run:
            node.rename_wells(names)
    moved = {old: new for old, new in names.items() if old != new}
    for old, new in moved.items():
        say(f"{old} → {new}")
    wells = "1 well" if len(moved) == 1 else f"{len(moved):,} wells"
    say(f"nothing was written (dry run): {wells}" if dry_run else f"renamed {wells}")
