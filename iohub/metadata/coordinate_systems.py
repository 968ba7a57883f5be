"""Coordinate systems of OME-Zarr 0.6: a name and axes, and how transformations refer to them.

Source: OME-Zarr specification 0.6, section "coordinateSystems".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from iohub.errors import Problem
from iohub.metadata.axes import MAX_AXES, AxisMeta, check_axes, check_units
from iohub.metadata.documents import Document, Findings, Many, Str, pointer

INTRINSIC = "physical"
"""Name of the system that the levels of an image lead to, unless the image says another."""

VECTOR_TYPES = ("displacement", "coordinate")
"""Types of the axis along which the components of a field's vectors lie."""

_NEW_MEMBERS = {"discrete": (bool, "true or false"), "longName": (str, "text")}


def _without_null(axes: Any) -> Any:
    # Some write null for what an axis does not have; these two are not members of every axis.
    if not isinstance(axes, list):
        return axes
    return [
        {k: v for k, v in axis.items() if v is not None or k not in _NEW_MEMBERS}
        if isinstance(axis, dict)
        else axis
        for axis in axes
    ]


class CoordinateSystem(Document):
    """Named axes that coordinates are given in.

    Attributes
    ----------
    name : str
        Unique among the systems of its group.
    axes : tuple of AxisMeta
        In the order of the coordinates.
    """

    name: Annotated[Str, Field(min_length=1)]
    axes: Annotated[Many[AxisMeta], BeforeValidator(_without_null)]

    def get_axis_names(self) -> list[str]:
        """Return the names of the axes, in the order of the coordinates."""
        return [axis.name for axis in self.axes]


class SystemReference(Document):
    """What a transformation leads from or to.

    Attributes
    ----------
    name : str or None
        Of a coordinate system; None if it is the pixel indexes of an array.
    path : str or None
        Of the image group that has the system, or of the array; None for the transformation's
        own group.
    """

    name: Annotated[Str, Field(min_length=1)] | None = None
    path: Annotated[Str, Field(min_length=1)] | None = None

    def describe(self) -> str:
        """Return the reference in words."""
        if self.name is None:
            return f"the array {self.path!r}"
        return repr(self.name) + (f" of {self.path!r}" if self.path is not None else "")


def check_systems(systems: Sequence[CoordinateSystem], *, images: bool) -> Findings:
    """Check the rules of one array of coordinate systems.

    Parameters
    ----------
    systems : sequence of CoordinateSystem
        What is checked; pointers are relative to the array.
    images : bool
        Whether they are of an image, whose axes follow stricter rules than those of a scene.
    """
    found = Findings.none()
    seen: set[str] = set()
    for index, system in enumerate(systems):
        if system.name in seen:
            text = f"the system {system.name!r} is there twice"
            found.must.append(Problem(pointer(index, "name"), text, "systems-unique"))
        seen.add(system.name)
        where = pointer(index, "axes")
        axes = _check_image_axes(system.axes) if images else check_unique(system.axes)
        found.must.extend(p._replace(where=where + p.where) for p in axes)
        if not images:
            found.should.extend(
                p._replace(where=where + p.where) for p in _check_counts(system.axes)
            )
        found.must.extend(p._replace(where=where + p.where) for p in _check_members(system.axes))
        recommended = [*check_units(system.axes), *_check_recommended(system.axes)]
        found.should.extend(p._replace(where=where + p.where) for p in recommended)
    return found


def _check_recommended(axes: Sequence[AxisMeta]) -> list[Problem]:
    problems = []
    for index, axis in enumerate(axes):
        if axis.type is None:
            text = f"the axis {axis.name!r} should say its type"
            problems.append(Problem(pointer(index, "type"), text, "axis-type-missing"))
        elif axis.type in {"space", "time"} and axis.unit is None:
            text = f"the axis {axis.name!r} should say its unit"
            problems.append(Problem(pointer(index, "unit"), text, "axis-unit-missing"))
    spaces = [axis.name.lower() for axis in axes if axis.type == "space"]
    if set(spaces) <= set("zyx") and spaces != sorted(spaces, reverse=True):
        text = f"axes of space should be in the order z, y, x, not {', '.join(spaces)}"
        problems.append(Problem("", text, "axes-zyx"))
    return problems


def is_of_indexes(axes: Sequence[AxisMeta]) -> bool:
    """Whether axes are those of an array: two or more of the type ``"array"``.

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of a system.
    """
    return sum(axis.type == "array" for axis in axes) >= 2


def check_unique(axes: Sequence[AxisMeta]) -> list[Problem]:
    """Check that there are axes and that each has a name of its own.

    Parameters
    ----------
    axes : sequence of AxisMeta
        All axes of a system; pointers are relative to the array.
    """
    problems = [] if axes else [Problem("", "there must be an axis", "axes-count")]
    seen: set[str] = set()
    for index, axis in enumerate(axes):
        if axis.name in seen:
            text = f"two axes are called {axis.name!r}"
            problems.append(Problem(pointer(index, "name"), text, "axes-unique"))
        seen.add(axis.name)
    return problems


def _check_image_axes(axes: Sequence[AxisMeta]) -> list[Problem]:
    # The rules of space, time and channel say nothing of array indexes (schema "axes", oneOf).
    if axes and axes[-1].type in VECTOR_TYPES:
        # One section has components before space, another one last: its type says which it is.
        order = [p for p in check_axes(axes[:-1]) if p.code == "axes-order"]
        return [*(p for p in check_axes(axes) if p.code != "axes-order"), *order]
    if not is_of_indexes(axes):
        return check_axes(axes)
    problems = check_unique(axes)
    if len(axes) > MAX_AXES:
        text = f"there must be 2 to 5 axes, not {len(axes)}"
        problems.append(Problem("", text, "axes-count"))
    return problems


def _check_counts(axes: Sequence[AxisMeta]) -> list[Problem]:
    spaces = sum(axis.type == "space" for axis in axes)
    problems = []
    if len(axes) > MAX_AXES:
        problems.append(Problem("", f"should be 5 axes at most, not {len(axes)}", "axes-count"))
    if not is_of_indexes(axes) and spaces not in {2, 3}:
        text = f"2 or 3 axes should have the type 'space', not {spaces}"
        problems.append(Problem("", text, "axes-space"))
    return problems


def _check_members(axes: Sequence[AxisMeta]) -> list[Problem]:
    problems = []
    for index, axis in enumerate(axes):
        extra = axis.model_extra or {}
        for name, (kind, described) in _NEW_MEMBERS.items():
            value = extra.get(name)
            if value is not None and not isinstance(value, kind):
                text = f"must be {described}, found {value!r:.80}"
                problems.append(Problem(pointer(index, name), text, "type"))
    return problems
