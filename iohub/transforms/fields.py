"""Displacement and coordinate fields as arrays, and how values are found between their pixels.

Source: OME-Zarr specification 0.6, sections "displacements" and "coordinates".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iohub.errors import ShapeError, TransformError
from iohub.metadata.transform_types import Transform
from iohub.optional import need

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """Vectors on a grid.

    Attributes
    ----------
    vectors : ndarray
        One vector per pixel: the axes of the grid, then one axis of vector components.
    to_coordinates : Transform or None
        From pixel indexes of the grid to the coordinates that are looked up; None if they are
        the same.
    """

    vectors: NDArray[Any]
    to_coordinates: Transform | None = None

    @classmethod
    def of(
        cls, array: ArrayLike, *, vector_axis: int = -1, to_coordinates: Transform | None = None
    ) -> Field:
        """Return the field that an array holds.

        Parameters
        ----------
        array : array_like
            The axes of the grid and, anywhere among them, one of vector components.
        vector_axis : int
            Which axis that is: of the type "displacement" or "coordinate" in the metadata.
        to_coordinates : Transform or None
            From pixel indexes of the grid, without the vector axis, to coordinates.

        Raises
        ------
        ShapeError
            If the array has not two axes at least.
        """
        values = np.asarray(array)
        if values.ndim < 2:
            raise ShapeError(
                f"a field needs an axis of vector components besides its grid, not {values.shape}"
            )
        return cls(np.moveaxis(values, vector_axis, -1), to_coordinates)

    @property
    def ndim(self) -> int:
        """Number of axes of the grid."""
        return self.vectors.ndim - 1

    @property
    def components(self) -> int:
        """Number of components of a vector."""
        return int(self.vectors.shape[-1])


Lookup: TypeAlias = Callable[[str], "Field | ArrayLike"]
"""Given the ``path`` of a transformation, returns its matrix, or its :class:`Field`."""


def sample(field: Field, indexes: Floats, interpolation: str | None = None) -> Floats:
    """Return the vectors of a field between its pixels.

    A pixel spans half an index to either side, so the outermost half pixel has the value of the
    edge; beyond the field there is no vector, and the result is NaN.

    Parameters
    ----------
    field : Field
        Where to look.
    indexes : ndarray
        Pixel indexes of the grid, (N, D).
    interpolation : {"nearest", "linear", "cubic", "bspline-cubic"} or None
        None is linear.

    Returns
    -------
    ndarray
        (N, components).

    Raises
    ------
    ShapeError
        If there are not as many indexes as the grid has axes.
    MissingDependencyError
        If splines are wanted and SciPy is not installed.
    """
    if indexes.shape[1] != field.ndim:
        raise ShapeError(
            f"the field has {field.ndim} axes and is asked at {indexes.shape[1]} coordinates"
        )
    sizes = np.asarray(field.vectors.shape[:-1])
    inside = np.all((indexes >= -0.5) & (indexes <= sizes - 0.5), axis=1)
    held = np.clip(np.where(inside[:, None], indexes, 0.0), 0, sizes - 1)
    if interpolation == "nearest":
        nearest = np.floor(held + 0.5).astype(np.intp)
        values = np.asarray(field.vectors[tuple(nearest.T)], dtype=np.float64)
    elif interpolation in {None, "linear"}:
        values = _linear(field, held)
    elif interpolation in {"cubic", "bspline-cubic"}:
        values = _cubic(field, held)
    else:
        raise TransformError(
            f"no interpolation {interpolation!r}; there are 'nearest', 'linear' and 'cubic'"
        )
    values[~inside] = np.nan
    return values


def _linear(field: Field, indexes: Floats) -> Floats:
    sizes = np.asarray(field.vectors.shape[:-1])
    low = np.minimum(np.floor(indexes).astype(np.intp), np.maximum(sizes - 2, 0))
    part = indexes - low
    values = np.zeros((len(indexes), field.components))
    for corner in product((0, 1), repeat=field.ndim):
        at = np.minimum(low + corner, sizes - 1)
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        values += weight[:, None] * field.vectors[tuple(at.T)]
    return values


def _cubic(field: Field, indexes: Floats) -> Floats:
    ndimage = need("scipy.ndimage", why="cubic interpolation of a field")
    values = np.empty((len(indexes), field.components))
    for component in range(field.components):
        grid = np.asarray(field.vectors[..., component], dtype=np.float64)
        values[:, component] = ndimage.map_coordinates(grid, indexes.T, order=3, mode="nearest")
    return values
