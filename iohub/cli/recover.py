"""``iohub recover``: make a valid dataset of what a stream left that was killed."""

from __future__ import annotations

import click

from iohub.cli.failures import Failures
from iohub.cli.output import say
from iohub.cli.teaching import Taught


@click.command(
    cls=Taught,
    short_help="Complete what a camera stream left that was killed.",
    examples=[
        ("The program was killed while frames came", "iohub recover experiment.ome.zarr"),
        ("Everything in a folder", "iohub recover /data/today"),
    ],
)
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
def recover(paths: tuple[str, ...]) -> None:
    """Complete the datasets at PATHS whose streams were killed, or could not be closed.

    Arrays get their exact shape, frames their metadata, lower resolutions their pixels, and the
    attributes say which frames there are and which are missing. What is complete stays as it is.
    """
    from iohub.stream.recover import recover_stream

    failures = Failures()
    for path in paths:
        with failures.caught(path):
            for done in recover_stream(path) or (f"{path}: nothing to recover",):
                say(str(done))
    failures.finish()
