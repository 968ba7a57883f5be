"""``iohub upgrade``: another OME-Zarr version, in place."""

from __future__ import annotations

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say
from iohub.cli.selection import expand
from iohub.cli.teaching import Taught, dry_run_option, paths_argument


@click.command(
    cls=Taught,
    short_help="Change the OME-Zarr version of a store.",
    examples=[
        ("See every document that would change", "iohub upgrade plate.zarr --to 0.5 --dry-run"),
        ("To 0.6", "iohub upgrade plate.zarr --to 0.6"),
        ("And back, for a program that reads nothing newer", "iohub upgrade plate.zarr --to 0.4"),
    ],
)
@paths_argument
@click.option(
    "--to",
    "version",
    type=str,
    metavar="VERSION",
    required=True,
    help="The version that the stores get, newer or older.",
)
@click.option(
    "--rewrite",
    is_flag=True,
    help="Encode pixels anew where the version cannot read the chunks, such as shards.",
)
@dry_run_option
def upgrade(paths: tuple[str, ...], version: str, rewrite: bool, dry_run: bool) -> None:
    """Give PATHS, each a whole store, another OME-Zarr version.

    Documents are written, chunks of pixels are not: they stay where they are, or are renamed. What
    the version cannot express, in metadata or pixels, is refused and named, and then nothing has
    changed; with --rewrite, pixels in chunks that it cannot read are encoded anew. An upgrade that
    is killed is completed when the store is next opened for writing.
    """
    from iohub.nodes.upgrade import upgrade as change

    failures = Failures()
    done = 0
    for path in expand(paths):
        with failures.caught(path):
            plan = change(path, version, dry_run=dry_run, rewrite=rewrite)
            done += 1
            if not plan:
                say(f"{path}: OME-Zarr {version} already")
                continue
            if dry_run:
                say(plan.describe())
            say(
                f"{path}: OME-Zarr {plan.found} → {plan.to}: {len(plan.changes):,} documents "
                f"written, {len(plan.deleted):,} deleted, {len(plan.moves):,} directories renamed"
                + (f", {len(plan.rewrites):,} arrays encoded anew" if plan.rewrites else "")
            )
    if dry_run:
        say("nothing was written (dry run)")
    failures.finish(f"{done:,} {'planned' if dry_run else 'done'}")
