"""Axes of images: their documents, the defaults, and the rules of OME-Zarr 0.4 and 0.5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from iohub.errors import AxisError, Problem
from iohub.metadata.documents import Document, Str, pointer
from iohub.metadata.units import SPACE_UNITS, TIME_UNITS

MIN_AXES, MAX_AXES = 2, 5
_RANK = {"time": 0, "space": 2}  # channel, custom and untyped axes lie between


class AxisMeta(Document):
    """One axis of an image.

    Axes of a subclass equal those read from a file with the same members.

    Attributes
    ----------
    name : str
        Unique among the axes of an image; lowercase is what other readers expect.
    type : str or None
        ``"time"``, ``"channel"``, ``"space"``, or a type of one's own.
    unit : str or None
        A UDUNITS name such as ``"micrometer"``; see :mod:`iohub.metadata.units`.
    """

    name: Annotated[Str, Field(min_length=1)]
    type: Str | None = None
    unit: Str | None = None

    def __eq__(self, other: object) -> bool:
        """Compare by members, whatever the subclass."""
        if not isinstance(other, AxisMeta):
            return NotImplemented
        return (self.name, self.type, self.unit, self.__pydantic_extra__) == (
            other.name,
            other.type,
            other.unit,
            other.__pydantic_extra__,
        )

    def __hash__(self) -> int:
        """Hash by the members that every axis has."""
        return hash((self.name, self.type, self.unit))


class TimeAxisMeta(AxisMeta):
    """An axis of time, in seconds unless said otherwise."""

    name: Annotated[Str, Field(min_length=1)] = "t"
    type: Str | None = "time"
    unit: Str | None = "second"


class ChannelAxisMeta(AxisMeta):
    """An axis of channels."""

    name: Annotated[Str, Field(min_length=1)] = "c"
    type: Str | None = "channel"


class SpaceAxisMeta(AxisMeta):
    """An axis of space, in micrometers unless said otherwise."""

    type: Str | None = "space"
    unit: Str | None = "micrometer"


def default_axes() -> tuple[AxisMeta, ...]:
    """Return the axes t, c, z, y, x in seconds and micrometers."""
    return (
        TimeAxisMeta(),
        ChannelAxisMeta(),
        SpaceAxisMeta(name="z"),
        SpaceAxisMeta(name="y"),
        SpaceAxisMeta(name="x"),
    )


def axes_for(ndim: int) -> tuple[AxisMeta, ...]:
    """Return the default axes of an array whose axes nobody named.

    Parameters
    ----------
    ndim : int
        2 is y x, 3 is z y x, 4 is c z y x, 5 is t c z y x.

    Raises
    ------
    AxisError
        If `ndim` is not 2 to 5.
    """
    if not MIN_AXES <= ndim <= MAX_AXES:
        raise AxisError(f"an image has 2 to 5 axes, not {ndim}")
    return default_axes()[MAX_AXES - ndim :]


def axes_named(names: Sequence[str | None] | None, ndim: int) -> tuple[AxisMeta, ...]:
    """Return the axes of any array, such as one that is no level of the image it lies in.

    Parameters
    ----------
    names : sequence of (str or None) or None
        What the array calls its dimensions, if it does. Those without a name are called by their
        number; an array of 2 to 5 dimensions without any has the default axes.
    ndim : int
        Number of dimensions.
    """
    names = names or [None] * ndim
    if not any(names) and MIN_AXES <= ndim <= MAX_AXES:
        return axes_for(ndim)
    known = {axis.name: axis for axis in default_axes()}
    said = [name or f"dim_{index}" for index, name in enumerate(names)]
    return tuple(known.get(name.lower(), AxisMeta(name=name)) for name in said)


def check_axes(axes: Sequence[AxisMeta]) -> list[Problem]:
    """Check the rules that axes must follow (specification 0.4 and 0.5, "multiscales").

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of an image, slowest first.

    Returns
    -------
    list of Problem
        With pointers relative to the array of axes; empty if all is well.
    """
    problems = []
    types = [axis.type for axis in axes]
    if not MIN_AXES <= len(axes) <= MAX_AXES:
        problems.append(Problem("", f"there must be 2 to 5 axes, not {len(axes)}", "axes-count"))
    spaces = types.count("space")
    if spaces not in {2, 3}:
        problems.append(
            Problem("", f"2 or 3 axes must have the type 'space', not {spaces}", "axes-space")
        )
    if types.count("time") > 1:
        problems.append(Problem("", "only one axis may have the type 'time'", "axes-time"))
    others = [axis.name for axis in axes if axis.type not in {"space", "time"}]
    if len(others) > 1:
        problems.append(
            Problem(
                "",
                f"only one axis may be of channels or of another type, not {', '.join(others)}",
                "axes-channel",
            )
        )
    seen: set[str] = set()
    for index, axis in enumerate(axes):
        if axis.name in seen:
            problems.append(
                Problem(pointer(index, "name"), f"{axis.name!r} is there twice", "axes-unique")
            )
        seen.add(axis.name)
    ranks = [_RANK.get(kind or "", 1) for kind in types]
    if ranks != sorted(ranks):
        names = ", ".join(axis.name for axis in axes)
        problems.append(
            Problem("", f"time must come first, channels next, space last: {names}", "axes-order")
        )
    return problems


def require_axes(axes: Iterable[AxisMeta]) -> tuple[AxisMeta, ...]:
    """Return axes that an image may have.

    Parameters
    ----------
    axes : iterable of AxisMeta
        Slowest first.

    Raises
    ------
    AxisError
        If they break a rule of :func:`check_axes`; all broken rules are named.
    """
    if not isinstance(axes, Iterable):
        raise AxisError(f"axes must be a list of AxisMeta objects, not {axes!r}")
    axes = tuple(axes)
    for axis in axes:
        if not isinstance(axis, AxisMeta):
            raise AxisError(f"axes must be AxisMeta objects, not {axis!r}")
    problems = check_axes(axes)
    if problems:
        raise AxisError("these axes are not allowed: " + "; ".join(p.what for p in problems))
    return axes


def check_units(axes: Sequence[AxisMeta]) -> list[Problem]:
    """Check that units are the recommended ones, for axes of space and time.

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of an image.
    """
    problems = []
    for index, axis in enumerate(axes):
        units = {"space": SPACE_UNITS, "time": TIME_UNITS}.get(axis.type or "")
        if units and axis.unit is not None and axis.unit not in units:
            text = f"{axis.unit!r} is not among the recommended units of {axis.type}"
            problems.append(Problem(pointer(index, "unit"), text, "unit-unknown"))
    return problems


def axis_index(axes: Sequence[AxisMeta], name: str) -> int:
    """Return where an axis is.

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of an image.
    name : str
        Its name; the case matters only if two axes differ by nothing else.

    Raises
    ------
    AxisError
        If there is no such axis.
    """
    names = [axis.name for axis in axes]
    if name in names:
        return names.index(name)
    folded = [other.casefold() for other in names]
    if folded.count(str(name).casefold()) == 1:
        return folded.index(str(name).casefold())
    raise AxisError(f"no axis {name!r}; there are {', '.join(map(repr, names))}")


def axis_of_type(axes: Sequence[AxisMeta], kind: str) -> int | None:
    """Return where the first axis of a type is.

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of an image.
    kind : str
        ``"time"``, ``"channel"``, ``"space"`` or another type.

    Returns
    -------
    int or None
        None if there is no such axis.
    """
    for index, axis in enumerate(axes):
        if axis.type == kind:
            return index
    return None
