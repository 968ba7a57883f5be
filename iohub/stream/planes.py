"""Pixels that are read a plane at a time, shown as an array; for views of streams."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from iohub.types import NDArray, Shape


class Planes:
    """An array (…, Y, X) whose planes are asked for one by one; those that are not there are 0.

    Parameters
    ----------
    shape : callable
        Tells the shape now.
    dtype : numpy.dtype
        Of the pixels.
    plane : callable
        Returns a plane by its index, None if it is not there.
    """

    def __init__(
        self,
        shape: Callable[[], Shape],
        dtype: np.dtype[np.generic],
        plane: Callable[[Shape], NDArray | None],
    ):
        self._shape, self._dtype, self._plane = shape, dtype, plane

    @property
    def shape(self) -> Shape:
        """Size along each axis, now."""
        return self._shape()

    def __getitem__(self, key: Any) -> NDArray:
        """Return pixels; `key` has a slice for each axis, as views ask."""
        shape = self.shape
        ranges = [range(*part.indices(size)) for part, size in zip(key, shape, strict=True)]
        found = np.zeros([len(each) for each in ranges], self._dtype)
        for place in product(*(enumerate(each) for each in ranges[:-2])):
            plane = self._plane(tuple(index for _, index in place))
            if plane is not None:
                found[tuple(at for at, _ in place)] = plane[key[-2], key[-1]]
        return found
