"""The way back through a transformation."""

from __future__ import annotations

from typing import Any

import numpy as np

from iohub.errors import TransformError
from iohub.metadata.rotations import rotation_problem
from iohub.metadata.transform_types import (
    Affine,
    AxesTransform,
    Bijection,
    ByDimension,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Transform,
    Translation,
)
from iohub.transforms.fields import Floats, Lookup
from iohub.transforms.matrices import matrix_of

REGULAR = 1e-6
"""How far a matrix times its inverse may be from the identity."""


def has_inverse(transform: Transform, *, lookup: Lookup | None = None) -> bool:
    """Whether :func:`inverse` returns the way back.

    Parameters
    ----------
    transform : Transform
        What is asked.
    lookup : callable or None
        Returns the array at a path, for matrices that are stored.
    """
    try:
        inverse(transform, lookup=lookup)
    except TransformError:
        return False
    return True


def inverse(transform: Transform, *, lookup: Lookup | None = None) -> Transform:
    """Return the way back, with input and output exchanged.

    Parameters
    ----------
    transform : Transform
        The way there.
    lookup : callable or None
        Returns the array at a path, for matrices that are stored.

    Raises
    ------
    TransformError
        If there is none: an axis is dropped, a scale is 0, a matrix is not square or not regular,
        a field has no inverse beside it, or the matrix is stored and there is no `lookup`.
    """
    name = None if transform.name is None else f"{transform.name}_inverse"
    ends = {"name": name, "input": transform.output, "output": transform.input}
    match transform:
        case Identity():
            return Identity(**ends)
        case Scale():
            if 0 in transform.scale:
                raise TransformError(f"a scale of 0 has no inverse: {list(transform.scale)}")
            return Scale(scale=tuple(1 / factor for factor in transform.scale), **ends)
        case Translation():
            return Translation(translation=tuple(-x for x in transform.translation), **ends)
        case MapAxis():
            back = sorted(range(len(transform.map_axis)), key=transform.map_axis.__getitem__)
            return MapAxis(map_axis=tuple(back), **ends)
        case ProjectAxis():
            return _inverse_projection(transform, ends)
        case Affine() | Rotation():
            return _inverse_matrix(transform, ends, lookup)
        case Sequence():
            parts = tuple(
                inverse(part, lookup=lookup) for part in reversed(transform.transformations)
            )
            return Sequence(transformations=parts, **ends)
        case Bijection():
            return Bijection(forward=transform.inverse, inverse=transform.forward, **ends)
        case ByDimension():
            return _inverse_by_dimension(transform, ends, lookup)
        case _:
            raise TransformError(
                f"a transformation of the type {transform.type!r} has no inverse; one may be "
                "written beside it in a bijection"
            )


def _inverse_projection(transform: ProjectAxis, ends: dict[str, Any]) -> Transform:
    if transform.dropped_inputs:
        raise TransformError("a projectAxis that drops an axis has no inverse")
    return ProjectAxis(dropped_inputs=transform.created_outputs, **ends)


def _inverse_matrix(
    transform: Affine | Rotation, ends: dict[str, Any], lookup: Lookup | None
) -> Transform:
    matrix = matrix_of(transform, lookup=lookup)
    linear, shift = matrix[:, :-1], matrix[:, -1]
    if linear.shape[0] != linear.shape[1]:
        raise TransformError(
            f"an affine from {linear.shape[1]} to {linear.shape[0]} axes has no inverse"
        )
    # The true inverse, not the transpose: rotations are rounded when they are written.
    back = _regular_inverse(linear)
    if isinstance(transform, Rotation) and rotation_problem(_rows(back)) is None:
        return Rotation(rotation=_rows(back), **ends)
    return Affine(affine=_rows(np.column_stack([back, -back @ shift])), **ends)


def _regular_inverse(linear: Floats) -> Floats:
    try:
        back = np.linalg.inv(linear)
    except np.linalg.LinAlgError:
        back = np.full_like(linear, np.nan)
    # Not the condition number: axes in nanometers beside hours are no reason to refuse.
    if not np.allclose(back @ linear, np.eye(len(linear)), atol=REGULAR):
        raise TransformError("the matrix of the affine has no inverse: it is singular")
    return np.asarray(back, dtype=np.float64)


def _rows(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in matrix)


def _inverse_by_dimension(
    transform: ByDimension, ends: dict[str, Any], lookup: Lookup | None
) -> Transform:
    inputs = [axis for item in transform.transformations for axis in item.input_axes]
    if sorted(inputs) != list(range(len(inputs))):
        raise TransformError("a byDimension has no inverse unless it uses each input axis once")
    items = tuple(
        AxesTransform(
            transformation=inverse(item.transformation, lookup=lookup),
            input_axes=item.output_axes,
            output_axes=item.input_axes,
        )
        for item in transform.transformations
    )
    return ByDimension(transformations=items, **ends)
