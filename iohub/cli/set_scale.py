"""``iohub set-scale``: pixel sizes of many positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from iohub.cli.failures import Failures
from iohub.cli.output import progress, say
from iohub.cli.selection import Chosen, choose
from iohub.cli.teaching import Taught, dry_run_option

if TYPE_CHECKING:
    from iohub.nodes.position import Position

_VALUE = click.FloatRange(min=0, min_open=True)


class Change(NamedTuple):
    """The new scale of one axis: what it is, what it will be, and what is to be stored for it."""

    axis: str
    old: float
    new: float
    stored: float
    unit: str

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.old == self.new:
            return f"{self.axis}: {self.new:.12g}{unit} already"
        return f"{self.axis}: {self.old:.12g} → {self.new:.12g}{unit}"


def _axis_options(function: Any) -> Any:
    says = {"t": "time points", "c": "channels", "z": "slices", "y": "rows", "x": "columns"}
    for name in reversed(says):
        function = click.option(
            f"-{name}", name, type=_VALUE, metavar="SCALE", help=f"Distance of {says[name]}."
        )(function)
    return function


@click.command(
    "set-scale",
    cls=Taught,
    short_help="Set the pixel size of positions.",
    examples=[
        ("All positions of a plate", "iohub set-scale plate.zarr -z 0.5 -y 0.325 -x 0.325"),
        ("Those of row A, named by a glob", "iohub set-scale -i plate.zarr/A/*/* -z 0.5"),
        ("Look first", "iohub set-scale --dry-run plate.zarr -z 0.5"),
        ("An axis with another name", "iohub set-scale fov.zarr --axis angle 15"),
        (
            "A factor for the whole position, all levels",
            "iohub set-scale fov.zarr --image '*' -x 2",
        ),
    ],
)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "-i",
    "--input",
    "more",
    type=click.Path(),
    multiple=True,
    metavar="PATH",
    help="The same as PATHS.",
)
@_axis_options
@click.option(
    "--axis",
    "named",
    type=(str, _VALUE),
    multiple=True,
    metavar="NAME SCALE",
    help="Scale of an axis by its name.",
)
@click.option(
    "--image",
    metavar="NAME",
    help="Which image, by default the full resolution, with which the lower levels stay in "
    "proportion; '*' sets the scale that applies to the whole position besides.",
)
@dry_run_option
@click.option("-v", "--verbose", is_flag=True, help="Name every position.")
def set_scale(
    paths: tuple[str, ...],
    more: tuple[str, ...],
    named: tuple[tuple[str, float], ...],
    image: str | None,
    dry_run: bool,
    verbose: bool,
    **single: float | None,
) -> None:
    """Set the pixel size of positions, in the unit of each axis.

    SCALE is the one that results, as "iohub info" shows it. What was there is kept in the metadata
    (iohub, previous_transforms). That each position has such axes, and such an image, is checked
    before the first one is changed.
    """
    patterns = (*more, *paths)
    if not patterns:
        raise click.UsageError("Missing argument 'PATHS...'.")
    scales = _asked(single, named)
    failures = Failures()
    with ExitStack() as stack:
        chosen = choose(patterns, "r" if dry_run else "r+", failures, stack)
        plans: list[tuple[Chosen, list[Change]]] = []
        for each in chosen:
            with failures.caught(each.label):
                plans.append((each, plan(each.position, image, scales)))
        if len(plans) < len(chosen):
            failures.finish("nothing was changed")
        done = plans if dry_run else _apply(plans, image, failures)
    _report(done, verbose)
    if dry_run:
        say("nothing was written (dry run)")
    failures.finish(f"{len(done):,} {'planned' if dry_run else 'done'}")


def _asked(
    single: Mapping[str, float | None], named: Sequence[tuple[str, float]]
) -> dict[str, float]:
    """Return the scales by axis, each named once."""
    given = [(name, value) for name, value in single.items() if value is not None]
    scales: dict[str, float] = {}
    for name, value in (*given, *named):
        if name.lower() in scales:
            raise click.UsageError(f"The scale of axis {name!r} is given twice.")
        scales[name.lower()] = value
    if not scales:
        raise click.UsageError("Say at least one scale, as in '-z 0.5'.")
    return scales


def plan(position: Position, image: str | None, scales: Mapping[str, float]) -> list[Change]:
    """Find out what setting scales means for a position; nothing is written.

    Parameters
    ----------
    position : Position
        The position.
    image : str or None
        Name of an image, ``"*"``, or None for the full resolution.
    scales : mapping of str to float
        Scale by axis, in the unit of the axis.

    Raises
    ------
    MissingNodeError
        If there is no such image.
    AxisError
        If there is no such axis.
    """
    name = _name(position, image)
    now = position.get_effective_scale(name)
    # The scale that is stored with an image is multiplied by that of the whole position.
    outer = [1.0] * len(now) if name == "*" else position.get_effective_scale("*")
    changes = []
    for axis, value in scales.items():
        index = position.get_axis_index(axis)
        unit = position.axes[index].unit or ""
        changes.append(Change(axis, now[index], value, value / outer[index], unit))
    return changes


def _name(position: Position, image: str | None) -> str:
    return image if image is not None else next(iter(position.keys()), "0")


def _apply(
    plans: Sequence[tuple[Chosen, list[Change]]], image: str | None, failures: Failures
) -> list[tuple[Chosen, list[Change]]]:
    done = []
    with progress(len(plans), "set-scale") as update:
        for index, (each, changes) in enumerate(plans):
            update(index, each.label)
            with failures.caught(each.label):
                for change in changes:
                    name = _name(each.position, image)
                    each.position.set_scale(name, change.axis, change.stored)
                done.append((each, changes))
        update(len(plans), "")
    return done


def _report(done: Sequence[tuple[Chosen, list[Change]]], verbose: bool) -> None:
    """Say what changed, positions with the same change together."""
    alike: dict[str, list[str]] = {}
    for each, changes in done:
        for change in changes:
            alike.setdefault(str(change), []).append(each.label)
    for says, labels in alike.items():
        if verbose:
            for label in labels:
                say(f"{label}  {says}")
        else:
            say(f"{says}  ({labels[0] if len(labels) == 1 else f'{len(labels):,} positions'})")
