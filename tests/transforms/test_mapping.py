"""A transformation as a function of points."""

from __future__ import annotations

import numpy as np
import pytest

from iohub.errors import TransformError
from iohub.metadata.transform_types import Affine, Displacements, Identity, Scale
from iohub.transforms.fields import Field
from iohub.transforms.mapping import PointMap


def test_points() -> None:
    way = PointMap(Scale(scale=(2.0, 4.0)), 2)
    assert way([1, 1]).tolist() == [2, 4]
    assert way([[1, 1], [0, 2]]).tolist() == [[2, 4], [0, 8]]
    assert way.inverse()([2, 4]).tolist() == [1, 1]
    assert way.as_affine().tolist() == [[2, 0, 0], [0, 4, 0]]


def test_stored_matrix() -> None:
    matrix = np.array([[1.0, 0, 5], [0, 2, 0]])
    way = PointMap(Affine(path="m"), 2, {"m": matrix}.__getitem__)
    assert way([1, 1]).tolist() == [6, 2]
    assert way.inverse()([6, 2]).tolist() == [1, 1]
    assert way.inverse().ndim == 2


def test_fields_are_not_affine() -> None:
    field = Field(np.ones((3, 3, 2)))
    way = PointMap(Displacements(path="f"), 2, lambda path: field)
    assert not way.is_affine()
    assert way([1, 1]).tolist() == [2, 2]
    with pytest.raises(TransformError):
        way.inverse()


def test_identity_needs_a_number_of_axes() -> None:
    assert PointMap(Identity(), 3).is_affine()
    assert not PointMap(Identity()).is_affine()
    assert PointMap(Identity()).inverse()([1, 2]).tolist() == [1, 2]
