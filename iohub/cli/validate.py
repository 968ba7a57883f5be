"""``iohub validate``: what is wrong in a store, with the rule and the remedy."""

from __future__ import annotations

import json

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say
from iohub.cli.selection import existing, expand
from iohub.cli.teaching import Taught, paths_argument
from iohub.errors import FormatError, IohubError


@click.command(
    cls=Taught,
    short_help="Find everything that is wrong in a store.",
    examples=[
        ("A plate with all that is in it", "iohub validate plate.zarr"),
        ("Recommendations count as rules", "iohub validate --strict plate.zarr"),
        ("Decode every chunk too", "iohub validate --deep plate.zarr"),
        ("For a program: one line of JSON per path", "iohub validate --json plate.zarr"),
    ],
)
@paths_argument
@click.option("--strict", is_flag=True, help="Demand what the specification recommends.")
@click.option("--deep", is_flag=True, help="Decode every chunk and shard.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON per path.")
@click.pass_context
def validate(
    context: click.Context, paths: tuple[str, ...], strict: bool, deep: bool, as_json: bool
) -> None:
    """Find everything that is wrong in PATHS, and in what they name.

    Documents are checked, and whether what is on disk fits them. Each finding has a severity, the
    file and the place in it, a code that stays the same, the rule, and what to do. The exit code is
    1 if there is an error; warnings alone leave it at 0.
    """
    from iohub.models import validate as check

    failures = Failures()
    valid = True
    for path in expand(paths):
        with failures.caught(path):
            _check_kind(existing(path))
            report = check(path, strict=strict, deep=deep)
            say(json.dumps(report.to_json()) if as_json else str(report))
            valid &= report.valid
    failures.finish()
    if not valid:
        context.exit(1)


def _check_kind(path: str) -> None:
    """Refuse files of other formats, which no rule of OME-Zarr is about.

    Raises
    ------
    FormatError
        If it is one.
    """
    from iohub.formats.registry import adapter_for
    from iohub.storage.location import locate

    try:
        adapter = adapter_for(locate(path, writable=False))
    except IohubError:
        return  # nothing that can be opened: the validator says what is missing
    if adapter.name not in ("zarr", "ozx"):
        raise FormatError(
            f"{path} is of the format {adapter.title}; only OME-Zarr has rules to be checked. "
            "'iohub info' shows what is in it, 'iohub convert' makes OME-Zarr of it"
        )
