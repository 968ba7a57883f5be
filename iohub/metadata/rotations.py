"""Matrices that are rotations.

Source: OME-Zarr specification 0.6, section "rotation".
"""

from __future__ import annotations

ROTATION_TOLERANCE = 2e-3
"""How far the rows of a rotation may be from orthonormal: stored ones are often rounded."""

MAX_NDIM = 5
"""Most axes of a coordinate system that is rotated."""


def rotation_problem(rows: tuple[tuple[float, ...], ...]) -> str | None:
    """Return why a matrix is no rotation, None if it is one.

    Parameters
    ----------
    rows : tuple of tuple of float
        The matrix.
    """
    size = len(rows)
    if not 2 <= size <= MAX_NDIM or any(len(row) != size for row in rows):
        return "must be a square matrix of 2 to 5 rows"
    for i, one in enumerate(rows):
        for j, other in enumerate(rows[: i + 1]):
            product = sum(a * b for a, b in zip(one, other, strict=True))
            if abs(product - (i == j)) > ROTATION_TOLERANCE:
                return "must be orthonormal"
    return None if _determinant([list(row) for row in rows]) > 0 else "must have the determinant 1"


def _determinant(rows: list[list[float]]) -> float:
    """Eliminate with the largest pivot; NumPy would be a heavy import for five rows."""
    value = 1.0
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda i: abs(rows[i][column]))
        if rows[pivot][column] == 0:
            return 0.0
        if pivot != column:
            rows[pivot], rows[column] = rows[column], rows[pivot]
            value = -value
        value *= rows[column][column]
        for row in rows[column + 1 :]:
            factor = row[column] / rows[column][column]
            for j in range(column, len(rows)):
                row[j] -= factor * rows[column][j]
    return value
