"""``iohub repair``: bring the metadata of a store into accord with what is on disk."""

from __future__ import annotations

import json

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say
from iohub.cli.selection import existing, expand
from iohub.cli.teaching import Taught, dry_run_option, paths_argument


@click.command(
    cls=Taught,
    short_help="Mend the metadata of a store by what is on disk.",
    examples=[
        ("Look first", "iohub repair --dry-run plate.zarr"),
        ("Then do it", "iohub repair plate.zarr"),
        ("Documents before and after, as JSON", "iohub repair --dry-run --json plate.zarr"),
    ],
)
@paths_argument
@dry_run_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON per path.")
def repair(paths: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Mend the metadata of PATHS, which are plates, wells or images, by what is on disk.

    Lists of wells, fields of view and labels are written anew: what is not there is dropped, what
    is there and not listed is listed. Documents of plates, rows and wells that are missing or
    broken are written anew, missing names of dimensions filled in, separators of chunk keys
    corrected. Pixels are never touched; every change is told; all changes of a path happen, or
    none.
    """
    from iohub.models import repair as mend

    failures = Failures()
    for path in expand(paths):
        with failures.caught(path):
            done = mend(existing(path), dry_run=dry_run)
            say(json.dumps(done.to_json()) if as_json else str(done))
    failures.finish()
