"""Where a transformation takes points."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import numpy as np
from numpy.typing import ArrayLike

from iohub.errors import ArgumentError, ShapeError, TransformError
from iohub.metadata.transform_types import (
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    Sequence,
    Transform,
)
from iohub.transforms.fields import Field, Floats, Lookup, sample
from iohub.transforms.inverses import inverse
from iohub.transforms.matrices import matrix_of, output_axes


def apply(transform: Transform, points: ArrayLike, *, lookup: Lookup | None = None) -> Floats:
    """Take points through a transformation.

    Parameters
    ----------
    transform : Transform
        What is done.
    points : array_like
        (N, D), coordinates in the order of the input axes; or (D,), one point.
    lookup : callable or None
        Given the path of a matrix or a field that is stored, returns the array, or a
        :class:`~iohub.transforms.fields.Field`.

    Returns
    -------
    ndarray
        (N, M) or (M,); NaN where a field has no value.

    Raises
    ------
    ShapeError
        If the points have not as many coordinates as the transformation takes.
    TransformError
        If its type is unknown, or parameters are stored and there is no `lookup`.
    ArgumentError
        If the points are no numbers, or not all of the same length.
    """
    try:
        given = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"points are numbers, (N, D) or (D,): {error}") from error
    if given.ndim not in {1, 2}:
        raise ShapeError(f"points must have the shape (N, D) or (D,), not {given.shape}")
    moved = _moved(transform, np.atleast_2d(given), lookup)
    return moved if given.ndim == 2 else moved[0]


def apply_to_point(transform: Transform, point: SequenceOf[float]) -> tuple[float, ...]:
    """Take one point through a transformation; otherwise as :func:`apply`.

    Parameters
    ----------
    transform : Transform
        What is done.
    point : sequence of float
        A coordinate per input axis.

    Raises
    ------
    ShapeError
        If there are not as many coordinates as the transformation takes, or several points.
    TransformError
        If its type is unknown, or parameters are stored.
    ArgumentError
        If it is no point.
    """
    moved = apply(transform, point)
    if moved.ndim != 1:
        raise ShapeError(f"a point is one sequence of coordinates, not {len(moved)} of them")
    return tuple(moved.tolist())


def _moved(transform: Transform, points: Floats, lookup: Lookup | None) -> Floats:
    match transform:
        case Sequence():
            for part in transform.transformations:
                points = _moved(part, points, lookup)
            return points
        case Bijection():
            return _moved(transform.forward, points, lookup)
        case ByDimension():
            return _by_dimension(transform, points, lookup)
        case Displacements() | Coordinates():
            return _looked_up(transform, points, lookup)
        case _:
            matrix = matrix_of(transform, points.shape[1], lookup=lookup)
            return np.asarray(points @ matrix[:, :-1].T + matrix[:, -1])


def _by_dimension(transform: ByDimension, points: Floats, lookup: Lookup | None) -> Floats:
    moved = np.empty((len(points), output_axes(transform)))
    for item in transform.transformations:
        if max(item.input_axes, default=0) >= points.shape[1]:
            raise ShapeError(
                f"the byDimension uses input axis {max(item.input_axes)} of {points.shape[1]}"
            )
        part = _moved(item.transformation, points[:, list(item.input_axes)], lookup)
        if part.shape[1] != len(item.output_axes):
            raise ShapeError(
                f"a part of the byDimension gives {part.shape[1]} coordinates for "
                f"{len(item.output_axes)} output axes"
            )
        moved[:, list(item.output_axes)] = part
    return moved


def _looked_up(
    transform: Displacements | Coordinates, points: Floats, lookup: Lookup | None
) -> Floats:
    if lookup is None:
        raise TransformError(
            f"the {transform.type} are stored at {transform.path!r}: give a 'lookup' that reads "
            "them"
        )
    found = lookup(transform.path)
    field = found if isinstance(found, Field) else Field.of(found)
    indexes = points
    if field.to_coordinates is not None:
        indexes = _moved(inverse(field.to_coordinates), points, lookup)
    vectors = sample(field, indexes, transform.interpolation)
    if isinstance(transform, Coordinates):
        return vectors
    if vectors.shape[1] != points.shape[1]:
        raise ShapeError(
            f"the displacements have {vectors.shape[1]} components for {points.shape[1]} "
            "coordinates"
        )
    return points + vectors
