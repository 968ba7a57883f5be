"""Axes that a way leaves as they are, matrix or field."""

from __future__ import annotations

import numpy as np

from iohub.metadata import transform_types as tt
from iohub.transforms.structure import passing_axes, stand_out


def by_dimension(*items: tuple[tt.Transform, tuple[int, ...]]) -> tt.ByDimension:
    return tt.ByDimension(
        transformations=tuple(
            tt.AxesTransform(transformation=way, input_axes=axes, output_axes=axes)
            for way, axes in items
        )
    )


FIELD = tt.Displacements(path="field")
SPLIT = by_dimension((tt.Identity(), (0, 1)), (FIELD, (2, 3)))


def test_beside_a_field() -> None:
    assert passing_axes(SPLIT, [True, True, False, False]) == {0: 0, 1: 1}
    # Those of the field never pass.
    assert passing_axes(SPLIT, [True] * 4) == {0: 0, 1: 1}
    chain = tt.Sequence(transformations=(tt.Scale(scale=(1, 2, 3, 3)), SPLIT))
    assert passing_axes(chain, [True] * 4) == {0: 0}
    turned = tt.Sequence(transformations=(SPLIT, tt.MapAxis(map_axis=(1, 0, 2, 3))))
    assert passing_axes(turned, [True] * 4) == {0: 1, 1: 0}
    mixed = tt.Sequence(transformations=(tt.MapAxis(map_axis=(2, 1, 0, 3)), SPLIT))
    assert passing_axes(mixed, [True] * 4) == {1: 1, 2: 0}
    # What the field put into an axis stays in whatever that axis is added to.
    sheared = np.eye(4, 5)
    sheared[0, 2] = 0.5
    then = tt.Sequence(transformations=(SPLIT, tt.Affine(affine=sheared.tolist())))
    assert passing_axes(then, [True] * 4) == {1: 1}


def test_a_field_of_all_axes() -> None:
    assert passing_axes(FIELD, [True] * 3) == {}
    assert passing_axes(tt.Coordinates(path="field"), [True] * 3) == {}
    both = tt.Bijection(forward=FIELD, inverse=FIELD)
    assert passing_axes(tt.Sequence(transformations=(both, tt.Identity())), [True] * 3) == {}
    inside = by_dimension((tt.Identity(), (0,)), (tt.Coordinates(path="field"), (1, 2)))
    assert passing_axes(inside, [True] * 3) == {0: 0}


def test_matrices() -> None:
    affine = tt.Affine(affine=np.eye(3, 4)[[1, 0, 2]].tolist())
    assert passing_axes(affine, [True] * 3) == {0: 1, 1: 0, 2: 2}
    assert passing_axes(tt.Scale(scale=(2, 2)), [True] * 2) == {}
    assert passing_axes(tt.Identity(), [False, True]) == {1: 1}
    assert passing_axes(tt.Translation(translation=(0, 1)), [True] * 2) == {0: 0}


def test_rounding_does_not_stand_out() -> None:
    turn = np.array([[np.cos(np.pi / 2), -1e-7], [1e-7, np.cos(np.pi / 2)]])
    assert stand_out(turn).tolist() == [[False, True], [True, False]]
    assert not stand_out(np.zeros((1, 2))).any()
    assert stand_out(np.array([[1e-6, 1.0]])).all()
