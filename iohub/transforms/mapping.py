"""A transformation together with what it needs to be applied: a function of points."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from iohub.errors import TransformError
from iohub.metadata.transform_types import Transform
from iohub.transforms.fields import Floats, Lookup
from iohub.transforms.inverses import inverse
from iohub.transforms.matrices import matrix_of
from iohub.transforms.points import apply


@dataclass(frozen=True)
class PointMap:
    """Where points of one coordinate system are in another.

    Attributes
    ----------
    transform : Transform
        What is done, with the systems that it leads from and to.
    ndim : int or None
        Number of input coordinates; None if not known.
    lookup : callable or None
        Reads matrices and fields that are stored.

    Examples
    --------
    >>> to_world = position.transform_to("world")
    >>> to_world([0, 0, 5, 128, 128])  # of a pixel, in the units of the axes
    """

    transform: Transform
    ndim: int | None = None
    lookup: Lookup | None = None

    def __call__(self, points: ArrayLike) -> Floats:
        """Take points there.

        Parameters
        ----------
        points : array_like
            (N, D), or (D,) for one point.

        Returns
        -------
        ndarray
            (N, M) or (M,); NaN where a field has no value.

        Raises
        ------
        ShapeError
            If a point has not as many coordinates as the transformation takes.
        TransformError
            If a transformation cannot be applied.
        """
        return apply(self.transform, points, lookup=self.lookup)

    def inverse(self) -> PointMap:
        """Return the way back.

        Raises
        ------
        TransformError
            If there is none.
        """
        back = inverse(self.transform, lookup=self.lookup)
        if self.ndim is None or not self.is_affine():
            return PointMap(back, None, self.lookup)
        return PointMap(back, len(self.as_affine()), self.lookup)

    def as_affine(self) -> Floats:
        """Return the matrix: (M, D + 1), the shift last.

        Raises
        ------
        TransformError
            If it is no affine map.
        """
        return matrix_of(self.transform, self.ndim, lookup=self.lookup)

    def is_affine(self) -> bool:
        """Whether there is such a matrix."""
        try:
            self.as_affine()
        except TransformError:
            return False
        return True
