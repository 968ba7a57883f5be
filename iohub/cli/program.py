"""The program itself: its commands, its version, and what an error looks like."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

import iohub
from iohub.cli.compute_pyramid import compute_pyramid
from iohub.cli.conformance import conformance
from iohub.cli.convert import convert
from iohub.cli.failures import one_line_errors
from iohub.cli.formats import formats
from iohub.cli.info import info
from iohub.cli.output import spoken_warnings
from iohub.cli.recover import recover
from iohub.cli.rename_channel import rename_channel
from iohub.cli.rename_wells import rename_wells
from iohub.cli.repair import repair
from iohub.cli.set_scale import set_scale
from iohub.cli.teaching import HELP, debug_option, write_examples
from iohub.cli.tiles import tiles
from iohub.cli.tree import tree
from iohub.cli.upgrade import upgrade
from iohub.cli.validate import validate

_EXAMPLES = (
    ("What is in this store?", "iohub info plate.zarr"),
    (
        "Every position gets its pixel sizes [micrometer]",
        "iohub set-scale plate.zarr -z 0.5 -y 0.325 -x 0.325",
    ),
    (
        "The same for row A only; look first, write nothing",
        "iohub set-scale --dry-run 'plate.zarr/A/*/*' -z 0.5",
    ),
    ("Complete commands and paths in this bash", 'eval "$(_IOHUB_COMPLETE=bash_source iohub)"'),
    ("More about one command", "iohub compute-pyramid --help"),
)


class Program(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which people meet them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its errors and warnings are lines on stderr."""
        with spoken_warnings(), one_line_errors():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; name the nearest ones if there is none."""
        name = args[0]
        near = get_close_matches(name, self.commands, n=2)
        if name not in self.commands and not name.startswith("-") and near:
            ctx.fail(f"No such command {name!r}; did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, _EXAMPLES)


@click.group(cls=Program, context_settings=HELP, params=[debug_option()])
@click.version_option(iohub.__version__, "-V", "--version", message="iohub %(version)s")
def main() -> None:
    """Look at OME-Zarr images and repair them.

    A PATH is that of a plate (plate.zarr), or of a row, a well, a position or an image in it
    (plate.zarr/A/1/0), or of an image that is no part of a plate. Where a command works on
    positions, PATHS may be globs, and a plate stands for all of its positions.

    Exit codes: 0, all is well; 1, something failed, and stderr says what; 2, the command line
    cannot be understood.
    """


for _command in (
    info,
    tree,
    formats,
    convert,
    tiles,
    validate,
    set_scale,
    rename_wells,
    rename_channel,
    compute_pyramid,
    repair,
    recover,
    upgrade,
    conformance,
):
    main.add_command(_command)
