"""Which coordinates come of which: also where a part of the way is a field, and no matrix."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iohub.errors import TransformError
from iohub.metadata.transform_types import (
    Bijection,
    ByDimension,
    Displacements,
    Sequence,
    Transform,
)
from iohub.transforms.fields import Floats, Lookup
from iohub.transforms.matrices import chain, matrix_of, output_axes

NEGLIGIBLE = 1e-9
"""Factors that are so much smaller than the largest one of their row are rounding: cos(π/2)."""

Mask = NDArray[np.bool_]


class _Parts(NamedTuple):
    """A matrix (M, D + 1), and where (M, D) it says nothing: the way through a field."""

    matrix: Floats
    unknown: Mask


def stand_out(linear: Floats) -> Mask:
    """Return which factors of a linear map are more than rounding.

    Parameters
    ----------
    linear : ndarray
        (M, D), a row per output axis.
    """
    sizes = np.abs(linear)
    return np.asarray(sizes > NEGLIGIBLE * sizes.max(axis=1, keepdims=True, initial=0.0))


def passing_axes(
    transform: Transform, may_pass: SequenceOf[bool], *, lookup: Lookup | None = None
) -> dict[int, int]:
    """Return the axes that a transformation leaves as they are: index before, index after.

    Parameters
    ----------
    transform : Transform
        What is looked at; its parts may be fields, which are not read.
    may_pass : sequence of bool
        For each axis before, whether it is asked.
    lookup : callable or None
        Returns the array at a path, for matrices that are stored.
    """
    parts = _parts(transform, len(may_pass), None, lookup)
    if parts is None:
        return {}
    factors, shift = parts.matrix[:, :-1], parts.matrix[:, -1]
    used = stand_out(factors) | parts.unknown
    found = {}
    for axis, asked in enumerate(may_pass):
        rows = np.flatnonzero(used[:, axis])
        if not asked or len(rows) != 1:
            continue
        row = int(rows[0])
        alone = np.count_nonzero(used[row]) == 1 and not parts.unknown[row, axis]
        if alone and np.isclose(factors[row, axis], 1) and np.isclose(shift[row], 0):
            found[axis] = row
    return found


def _parts(
    transform: Transform, inputs: int, outputs: int | None, lookup: Lookup | None
) -> _Parts | None:
    """Return what is known of a transformation; None if not even how many axes come out."""
    match transform:
        case Sequence():
            return _of_sequence(transform.transformations, inputs, outputs, lookup)
        case Bijection():
            return _parts(transform.forward, inputs, outputs, lookup)
        case ByDimension():
            return _by_dimension(transform, inputs, lookup)
    try:
        matrix = matrix_of(transform, inputs, lookup=lookup)
    except TransformError:
        count = inputs if isinstance(transform, Displacements) else outputs
        if count is None:
            return None
        return _Parts(np.zeros((count, inputs + 1)), np.ones((count, inputs), bool))
    return _Parts(matrix, np.zeros((len(matrix), inputs), bool))


def _of_sequence(
    parts: SequenceOf[Transform], inputs: int, outputs: int | None, lookup: Lookup | None
) -> _Parts | None:
    whole = _Parts(np.eye(inputs, inputs + 1), np.zeros((inputs, inputs), bool))
    for index, part in enumerate(parts):
        wanted = outputs if index == len(parts) - 1 else None
        then = _parts(part, len(whole.matrix), wanted, lookup)
        if then is None:
            return None
        first = stand_out(whole.matrix[:, :-1]) | whole.unknown
        last = stand_out(then.matrix[:, :-1]) | then.unknown
        unknown = _reaches(then.unknown, first) | _reaches(last, whole.unknown)
        whole = _Parts(chain(whole.matrix, then.matrix), unknown)
    return whole


def _reaches(then: Mask, first: Mask) -> Mask:
    return np.asarray(then.astype(int) @ first.astype(int) > 0)


def _by_dimension(transform: ByDimension, inputs: int, lookup: Lookup | None) -> _Parts | None:
    count = output_axes(transform)
    matrix, unknown = np.zeros((count, inputs + 1)), np.zeros((count, inputs), bool)
    for item in transform.transformations:
        taken = list(item.input_axes)
        part = _parts(item.transformation, len(taken), len(item.output_axes), lookup)
        if part is None or len(part.matrix) != len(item.output_axes):
            return None
        for row, axis in enumerate(item.output_axes):
            # An input axis that is named twice adds up.
            np.add.at(matrix[axis], taken, part.matrix[row, :-1])
            matrix[axis, -1] = part.matrix[row, -1]
            np.logical_or.at(unknown[axis], taken, part.unknown[row])
    return _Parts(matrix, unknown)
