"""``iohub compute-pyramid``: lower resolution levels of many positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import click

from iohub.cli.failures import Failures
from iohub.cli.output import progress, say
from iohub.cli.selection import choose
from iohub.cli.teaching import Taught, paths_argument
from iohub.errors import PyramidError
from iohub.types import PyramidMethod

if TYPE_CHECKING:
    from iohub.nodes.position import Position

Downscale: TypeAlias = Sequence[str] | Mapping[str, int]


def read_downscale(
    context: click.Context | None, option: click.Parameter | None, text: str | None
) -> Downscale | None:
    """Read which axes are reduced.

    Parameters
    ----------
    context, option : click.Context, click.Parameter
        Where the text was given.
    text : str or None
        Axes that are halved (``y,x``), or the factor of each (``z=1,y=2,x=2``).

    Returns
    -------
    tuple of str, dict of str to int, or None
        Axes, or factors if one is given.

    Raises
    ------
    click.BadParameter
        If it is neither, or names an axis twice.
    """
    if text is None:
        return None
    factors: dict[str, int] = {}
    for part in text.split(","):
        axis, sign, factor = (word.strip() for word in part.partition("="))
        if not axis or (sign and not factor.isdecimal()):
            says = f"{text!r} is not a list such as y,x or z=1,y=2,x=2"
            raise click.BadParameter(says, context, option)
        if axis in factors:
            raise click.BadParameter(f"{text!r} names axis {axis!r} twice", context, option)
        factors[axis] = int(factor) if sign else 2
    return factors if "=" in text else tuple(factors)


@click.command(
    "compute-pyramid",
    cls=Taught,
    short_help="Compute lower resolution levels.",
    examples=[
        (
            "Four levels for every position of a plate",
            "iohub compute-pyramid plate.zarr --levels 4",
        ),
        ("Keep all slices", "iohub compute-pyramid plate.zarr -l 4 --downscale y,x"),
        ("Label images: no new values", "iohub compute-pyramid labels.zarr -l 3 --method mode"),
        (
            "The levels that are there, again, after a change",
            "iohub compute-pyramid plate.zarr/A/1/*",
        ),
    ],
)
@paths_argument
@click.option(
    "-l",
    "--levels",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many levels, full resolution included; those that are there if not given.",
)
@click.option(
    "-m",
    "--method",
    type=click.Choice(get_args(PyramidMethod)),
    default="mean",
    show_default=True,
    help="What becomes of the pixels that are put together.",
)
@click.option(
    "-d",
    "--downscale",
    callback=read_downscale,
    metavar="AXES",
    help="Axes that are halved in new levels, by default z,y,x; or their factors, as z=1,y=2,x=2.",
)
@click.option(
    "--replace", is_flag=True, help="Delete the levels of a pyramid first that has other levels."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads; by default one per processor.",
)
def compute_pyramid(
    paths: tuple[str, ...],
    levels: int | None,
    method: PyramidMethod,
    downscale: Downscale | None,
    replace: bool,
    workers: int | None,
) -> None:
    """Compute the lower resolution levels of positions.

    The levels of a position change together when all are complete, so a command that was
    interrupted can be repeated. A position that fails is named at the end, and the others go on.
    """
    failures = Failures()
    options: dict[str, Any] = {"method": method, "workers": workers}
    if downscale is not None:
        options["downscale"] = downscale
    done = 0
    with ExitStack() as stack:
        chosen = choose(paths, "r+", failures, stack)
        with progress(len(chosen), "compute-pyramid") as update:
            for index, (label, position) in enumerate(chosen):
                update(index, label)
                with failures.caught(label):
                    _make_room(position, levels, downscale, replace)
                    told = partial(_tell, update, index, label)
                    position.compute_pyramid(levels, progress=told, **options)
                    done += 1
            update(len(chosen), "")
    says = f"computed {'1 pyramid' if done == 1 else f'{done:,} pyramids'}"
    failures.finish(says)
    say(says)


def _tell(update: Any, index: int, label: str, done: int, total: int) -> None:
    update(index + done / max(total, 1), label)


def _make_room(
    position: Position, levels: int | None, downscale: Downscale | None, replace: bool
) -> None:
    """Delete levels that are in the way, if that was asked for.

    Raises
    ------
    PyramidError
        If there are such, or none at all and it was not said how many there are to be.
    """
    count = len(position)
    if count <= 1:
        if count and levels is None:
            raise PyramidError("no pyramid yet; say how many levels with --levels")
        return
    same = levels in (None, count)
    if same and downscale is None:
        return
    if not replace:
        asked = f"{levels} levels" if not same else "another --downscale"
        raise PyramidError(f"a pyramid of {count} levels is there; {asked} need --replace")
    if levels is None:
        raise PyramidError("--replace needs --levels")
    position.delete_pyramid()
