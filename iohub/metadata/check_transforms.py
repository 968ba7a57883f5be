"""Whether a transformation fits the number of axes that go in and come out.

Source: OME-Zarr specification 0.6, section "coordinateTransformations". A count that is not known,
because a matrix is stored or a system is elsewhere, is None and fits anything.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

from iohub.errors import Problem
from iohub.metadata.documents import Findings
from iohub.metadata.names import path_problem
from iohub.metadata.transform_types import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Transform,
    Translation,
    UnknownTransform,
)


def check_transform(
    transform: Transform, inputs: int | None, outputs: int | None, where: str, found: Findings
) -> None:
    """Check a transformation and those inside of it.

    Parameters
    ----------
    transform : Transform
        What is checked.
    inputs, outputs : int or None
        How many axes go in and come out.
    where : str
        Its JSON pointer.
    found : Findings
        Gets what is wrong.
    """
    if isinstance(transform, UnknownTransform):
        text = f"iohub does not know transformations of the type {transform.type!r}"
        found.should.append(Problem(f"{where}/type", text, "transform-unknown"))
        return
    _check_path(transform, where, found)
    _check_positive(transform, where, found)
    takes, gives = counts(transform, inputs)
    if isinstance(transform, Sequence | Bijection | ByDimension):
        takes = gives = None  # told by the parts
    if takes is not None and inputs is not None and takes != inputs:
        text = f"takes {takes} coordinates and is given {inputs}"
        found.must.append(Problem(where, f"the {transform.type} {text}", "transform-length"))
    elif gives is not None and outputs is not None and gives != outputs:
        text = f"gives {gives} coordinates where {outputs} are wanted"
        found.must.append(Problem(where, f"the {transform.type} {text}", "transform-length"))
    if isinstance(transform, ProjectAxis):
        _check_projection(transform, inputs, where, found)
    elif isinstance(transform, Sequence):
        _check_sequence(transform, inputs, outputs, where, found)
    elif isinstance(transform, Bijection):
        if inputs is not None and outputs is not None and inputs != outputs:
            text = f"a bijection must give as many coordinates as it takes, not {outputs}"
            found.must.append(Problem(where, text, "transform-length"))
        check_transform(transform.forward, inputs, outputs, f"{where}/forward", found)
        check_transform(transform.inverse, outputs, inputs, f"{where}/inverse", found)
    elif isinstance(transform, ByDimension):
        _check_axes_of(transform, inputs, outputs, where, found)


def counts(transform: Transform, inputs: int | None = None) -> tuple[int | None, int | None]:
    """Return how many coordinates a transformation takes and gives.

    Parameters
    ----------
    transform : Transform
        What is asked.
    inputs : int or None
        How many it is given; many transformations take any number.

    Returns
    -------
    takes, gives : int or None
        None where any number will do, or the number is not known.
    """
    match transform:
        case Scale():
            return (len(transform.scale),) * 2
        case Translation():
            return (len(transform.translation),) * 2
        case MapAxis():
            return (len(transform.map_axis),) * 2
        case Rotation(rotation=matrix) if matrix is not None:
            return (len(matrix),) * 2
        case Affine(affine=matrix):
            return (len(matrix[0]) - 1, len(matrix)) if matrix is not None else (None, None)
        case ProjectAxis():
            created = len(transform.created_outputs or ())
            dropped = len(transform.dropped_inputs or ())
            return None, None if inputs is None else inputs - dropped + created
        case Sequence():
            return _counts_of_sequence(transform.transformations, inputs)
        case Bijection():
            return counts(transform.forward, inputs)
        case ByDimension():
            # Inputs may stay unused: the highest that is used says nothing of how many there are.
            return None, 1 + max(axis for i in transform.transformations for axis in i.output_axes)
        case Coordinates() | UnknownTransform():
            return None, None
        case _:  # identity, displacements, a stored rotation
            return inputs, inputs


def _counts_of_sequence(
    parts: SequenceOf[Transform], inputs: int | None
) -> tuple[int | None, int | None]:
    first = counts(parts[0], inputs)[0]
    current = inputs
    for part in parts:
        current = counts(part, current)[1]
    return first, current


def _check_sequence(
    sequence: Sequence, inputs: int | None, outputs: int | None, where: str, found: Findings
) -> None:
    current = inputs
    last = len(sequence.transformations) - 1
    for index, part in enumerate(sequence.transformations):
        wanted = outputs if index == last else None
        check_transform(part, current, wanted, f"{where}/transformations/{index}", found)
        current = counts(part, current)[1]


def _check_projection(
    projection: ProjectAxis, inputs: int | None, where: str, found: Findings
) -> None:
    if inputs is None:
        return
    dropped, created = projection.dropped_inputs or (), projection.created_outputs or ()
    outputs = inputs - len(dropped) + len(created)
    for name, axes, count in (
        ("droppedInputs", dropped, inputs),
        ("createdOutputs", created, outputs),
    ):
        for index, axis in enumerate(axes):
            if axis >= count:
                text = f"there is no axis {axis}, only {count}"
                found.must.append(Problem(f"{where}/{name}/{index}", text, "project-axis"))
    if outputs < 1:
        text = "must leave at least one axis"
        found.must.append(Problem(f"{where}/droppedInputs", text, "project-axis"))


def _check_axes_of(
    transform: ByDimension, inputs: int | None, outputs: int | None, where: str, found: Findings
) -> None:
    for index, item in enumerate(transform.transformations):
        place = f"{where}/transformations/{index}"
        for name, axes, count in (
            ("inputAxes", item.input_axes, inputs),
            ("outputAxes", item.output_axes, outputs),
        ):
            beyond = [axis for axis in axes if count is not None and axis >= count]
            if beyond:
                text = f"there is no axis {beyond[0]}, only {count}"
                found.must.append(Problem(f"{place}/{name}", text, "by-dimension"))
        part = item.transformation
        takes, gives = len(item.input_axes), len(item.output_axes)
        check_transform(part, takes, gives, f"{place}/transformation", found)
    named = {axis for item in transform.transformations for axis in item.output_axes}
    absent = sorted(set(range(max(named) + 1 if outputs is None else outputs)) - named)
    if absent:
        text = f"must say what output axis {absent[0]} is"
        found.should.append(Problem(f"{where}/transformations", text, "by-dimension-coverage"))


def _check_positive(transform: Transform, where: str, found: Findings) -> None:
    if isinstance(transform, Scale) and min(transform.scale, default=1) <= 0:
        text = f"should be positive, found {list(transform.scale)}: say a flip by an affine"
        found.should.append(Problem(f"{where}/scale", text, "scale-positive"))


def _check_path(transform: Transform, where: str, found: Findings) -> None:
    if isinstance(transform, Affine | Rotation | Displacements | Coordinates) and transform.path:
        problem = path_problem(transform.path)
        if problem:
            text = f"the path {transform.path!r} {problem}"
            found.must.append(Problem(f"{where}/path", text, "path"))
