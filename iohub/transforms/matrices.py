"""Transformations as matrices, where there is one.

A matrix is homogeneous without its last row: (M, D + 1), a row per output axis, the shift last.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

import numpy as np
from numpy.typing import ArrayLike

from iohub.errors import ShapeError, TransformError
from iohub.metadata.rotations import rotation_problem
from iohub.metadata.transform_types import (
    Affine,
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
from iohub.transforms.fields import Field, Floats, Lookup


def as_affine(
    transform: Transform, ndim: int | None = None, *, lookup: Lookup | None = None
) -> Affine:
    """Return a transformation as one affine map, with its name and ends.

    Parameters
    ----------
    transform : Transform
        What is to be said so.
    ndim : int or None
        Number of input axes; needed where the transformation takes any.
    lookup : callable or None
        Returns the array at a path, for matrices that are stored.

    Raises
    ------
    TransformError
        If it is no affine map, `ndim` is needed, or a matrix is stored and there is no `lookup`.
    ShapeError
        If it does not take `ndim` coordinates.
    """
    rows = tuple(tuple(map(float, row)) for row in matrix_of(transform, ndim, lookup=lookup))
    return Affine(affine=rows, name=transform.name, input=transform.input, output=transform.output)


def matrix_of(
    transform: Transform, ndim: int | None = None, *, lookup: Lookup | None = None
) -> Floats:
    """Return the matrix of a transformation; otherwise as :func:`as_affine`.

    Parameters
    ----------
    transform : Transform
        What is to be said so.
    ndim : int or None
        Number of input axes; needed where the transformation takes any.
    lookup : callable or None
        Returns the array at a path, for matrices that are stored.

    Returns
    -------
    ndarray
        (M, D + 1), the shift last.

    Raises
    ------
    TransformError
        If it is no affine map, `ndim` is needed, or a matrix is stored and there is no `lookup`.
    ShapeError
        If it does not take `ndim` coordinates.
    """
    matrix = _matrix(transform, ndim, lookup)
    if ndim is not None and matrix.shape[1] != ndim + 1:
        raise ShapeError(
            f"the {transform.type} takes {matrix.shape[1] - 1} coordinates, not {ndim}"
        )
    return matrix


def _matrix(transform: Transform, ndim: int | None, lookup: Lookup | None) -> Floats:
    match transform:
        case Identity():
            return _with_shift(np.eye(_known(transform, ndim)))
        case Scale():
            return _with_shift(np.diag(np.asarray(transform.scale, dtype=float)))
        case Translation():
            return _with_shift(np.eye(len(transform.translation)), transform.translation)
        case MapAxis():
            return _with_shift(np.eye(len(transform.map_axis))[list(transform.map_axis)])
        case ProjectAxis():
            return _with_shift(_projection(transform, _known(transform, ndim)))
        case Affine():
            return _stored(transform, transform.affine, transform.path, lookup)
        case Rotation():
            rows = _stored(transform, transform.rotation, transform.path, lookup)
            problem = rotation_problem(tuple(map(tuple, rows)))
            if problem:
                raise TransformError(f"the rotation at {transform.path!r} {problem}")
            return _with_shift(rows)
        case Sequence():
            return _product(transform.transformations, ndim, lookup)
        case Bijection():
            return matrix_of(transform.forward, ndim, lookup=lookup)
        case ByDimension():
            return _by_dimension(transform, _known(transform, ndim), lookup)
        case _:
            raise TransformError(f"a transformation of the type {transform.type!r} is not affine")


def _known(transform: Transform, ndim: int | None) -> int:
    if ndim is None:
        raise TransformError(
            f"the {transform.type} takes any number of coordinates: say how many with 'ndim'"
        )
    return ndim


def _with_shift(linear: Floats, shift: ArrayLike | None = None) -> Floats:
    column = np.zeros(len(linear)) if shift is None else np.asarray(shift, dtype=float)
    return np.column_stack([linear, column])


def _stored(
    transform: Transform,
    rows: tuple[tuple[float, ...], ...] | None,
    path: str | None,
    lookup: Lookup | None,
) -> Floats:
    if rows is not None:
        return np.asarray(rows, dtype=float)
    if lookup is None or path is None:
        raise TransformError(
            f"the {transform.type} is stored at {path!r}: give a 'lookup' that reads it"
        )
    found = lookup(path)
    matrix = np.asarray(found.vectors if isinstance(found, Field) else found, dtype=float)
    if matrix.ndim != 2:
        raise ShapeError(
            f"the array {path!r} must be a matrix for a {transform.type}, not {matrix.shape}"
        )
    return matrix


def _projection(transform: ProjectAxis, ndim: int) -> Floats:
    dropped, created = transform.dropped_inputs or (), transform.created_outputs or ()
    kept = [axis for axis in range(ndim) if axis not in dropped]
    count = len(kept) + len(created)
    if any(axis >= ndim for axis in dropped) or any(axis >= count for axis in created):
        raise ShapeError(f"the projectAxis does not fit {ndim} coordinates")
    linear = np.zeros((count, ndim))
    free = [axis for axis in range(count) if axis not in created]
    linear[free, kept] = 1.0
    return linear


def _product(parts: SequenceOf[Transform], ndim: int | None, lookup: Lookup | None) -> Floats:
    whole: Floats | None = None
    for part in parts:
        count = ndim if whole is None else len(whole)
        matrix = matrix_of(part, count, lookup=lookup)
        whole = matrix if whole is None else chain(whole, matrix)
    if whole is None:
        raise TransformError("a sequence must not be empty")
    return whole


def chain(first: Floats, then: Floats) -> Floats:
    """Return the matrix of two maps, one after the other.

    Parameters
    ----------
    first, then : ndarray
        (K, D + 1) and (M, K + 1), the shift last.

    Returns
    -------
    ndarray
        (M, D + 1).
    """
    whole = then[:, :-1] @ first
    whole[:, -1] += then[:, -1]
    return np.asarray(whole)


def output_axes(transform: ByDimension) -> int:
    """Return how many axes come out of a transformation by dimension.

    Parameters
    ----------
    transform : ByDimension
        Every output axis is to be of one of its parts.

    Raises
    ------
    TransformError
        If an output axis is of none.
    """
    named = sorted(axis for item in transform.transformations for axis in item.output_axes)
    if named != list(range(len(named))):
        absent = min(set(range(named[-1] + 1)) - set(named))
        raise TransformError(f"the byDimension does not say what output axis {absent} is")
    return len(named)


def _by_dimension(transform: ByDimension, ndim: int, lookup: Lookup | None) -> Floats:
    whole = np.zeros((output_axes(transform), ndim + 1))
    for item in transform.transformations:
        if max(item.input_axes, default=0) >= ndim:
            raise ShapeError(f"the byDimension uses input axis {max(item.input_axes)} of {ndim}")
        part = matrix_of(item.transformation, len(item.input_axes), lookup=lookup)
        if len(part) != len(item.output_axes):
            raise ShapeError(
                f"a part of the byDimension gives {len(part)} coordinates for "
                f"{len(item.output_axes)} output axes"
            )
        for row, axis in enumerate(item.output_axes):
            # An input axis that is named twice adds up.
            np.add.at(whole[axis], list(item.input_axes), part[row, :-1])
            whole[axis, -1] = part[row, -1]
    return whole
