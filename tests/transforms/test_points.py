from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ShapeError, TransformError
from iohub.metadata import transform_types as tt
from iohub.transforms.composition import compose
from iohub.transforms.fields import Field
from iohub.transforms.inverses import has_inverse, inverse
from iohub.transforms.matrices import as_affine, matrix_of
from iohub.transforms.points import apply

NUMBER = st.floats(-8, 8).filter(lambda x: x == 0 or abs(x) > 1e-3)
FACTOR = st.floats(0.1, 8) | st.floats(-8, -0.1)


def vectors(of, n):
    return st.tuples(*[of] * n)


@st.composite
def regular(draw, n, depth=2):
    """Transformations from `n` axes to `n` axes, with a way back."""
    kinds = ["identity", "scale", "translation", "affine", "rotation", "bijection"]
    kinds += ["mapAxis"] if n > 1 else []
    kinds += ["sequence", "byDimension"] if depth else []
    kind = draw(st.sampled_from(kinds))
    if kind == "identity":
        return tt.Identity()
    if kind == "scale":
        return tt.Scale(scale=draw(vectors(FACTOR, n)))
    if kind == "translation":
        return tt.Translation(translation=draw(vectors(NUMBER, n)))
    if kind == "mapAxis":
        return tt.MapAxis(map_axis=draw(st.permutations(range(n))))
    if kind == "affine":
        linear = np.tril(np.asarray(draw(vectors(vectors(NUMBER, n), n))), -1)
        np.fill_diagonal(linear, draw(vectors(FACTOR, n)))
        return tt.Affine(affine=np.column_stack([linear, draw(vectors(NUMBER, n))]))
    if kind == "rotation" and n > 1:
        angle = draw(st.floats(-3, 3))
        matrix = np.eye(n)
        matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return tt.Rotation(rotation=matrix)
    if kind == "sequence":
        return tt.Sequence(
            transformations=draw(st.lists(regular(n, depth=depth - 1), min_size=1, max_size=3))
        )
    if kind == "byDimension":
        ins, outs = draw(st.permutations(range(n))), draw(st.permutations(range(n)))
        cut = draw(st.integers(1, n))
        return tt.ByDimension(
            transformations=[
                tt.AxesTransform(
                    transformation=draw(regular(len(part), depth=depth - 1)),
                    input_axes=[ins[i] for i in part],
                    output_axes=[outs[i] for i in part],
                )
                for part in (range(cut), range(cut, n))
                if len(part)
            ]
        )
    forward = tt.Translation(translation=draw(vectors(NUMBER, n)))
    return tt.Bijection(forward=forward, inverse=inverse(forward))


@given(st.data(), st.integers(1, 4))
def test_there_and_back(data, n):
    transform = data.draw(regular(n))
    points = np.asarray(data.draw(st.lists(vectors(NUMBER, n), min_size=1, max_size=4)))
    there = apply(transform, points)
    assert has_inverse(transform)
    assert np.allclose(apply(inverse(transform), there), points, rtol=1e-6, atol=1e-6)
    affine = as_affine(transform, n)
    assert np.allclose(apply(affine, points), there, rtol=1e-9, atol=1e-6)
    assert np.allclose(apply(compose([transform, transform]), points), apply(transform, there))
    assert tt.TRANSFORMS[transform.type].model_validate(transform.to_json()) == transform


def test_the_formulas():
    assert apply(tt.Scale(scale=[10, 20]), [[1, 2]]).tolist() == [[10, 40]]
    assert apply(tt.Translation(translation=[10, 20]), [1, 2]).tolist() == [11, 22]
    assert apply(tt.MapAxis(map_axis=[2, 0, 1]), [5, 6, 7]).tolist() == [7, 5, 6]
    # A later scale also scales an earlier translation.
    parts = [tt.Translation(translation=[1]), tt.Scale(scale=[2])]
    assert apply(tt.Sequence(transformations=parts), [3]).tolist() == [8]
    assert apply(tt.Sequence(transformations=parts[::-1]), [3]).tolist() == [7]
    assert apply(tt.Identity(), np.empty((0, 3))).shape == (0, 3)


def test_more_or_fewer_axes():
    up = tt.Affine(affine=[[1, 0, 0], [2, 3, 4], [5, 6, 7]])
    assert apply(up, [1, 1]).tolist() == [1, 9, 18]
    created = tt.ProjectAxis(created_outputs=[0, 2])
    assert apply(created, [4, 5]).tolist() == [0, 4, 0, 5]
    dropped = tt.ProjectAxis(dropped_inputs=[0], created_outputs=[0])
    assert apply(dropped, [3, 4, 5]).tolist() == [0, 4, 5]
    assert matrix_of(created, 2).shape == (4, 3)
    assert apply(inverse(created), [0, 4, 0, 5]).tolist() == [4, 5]
    picked = tt.ByDimension(
        transformations=[
            {"transformation": {"type": "translation", "translation": [0.5, 1.5]},
             "inputAxes": [3, 2], "outputAxes": [1, 2]},
            {"transformation": {"type": "scale", "scale": [2]},
             "inputAxes": [1], "outputAxes": [0]},
        ]
    )  # fmt: skip
    assert apply(picked, [9, 1, 2, 3]).tolist() == [2, 3.5, 3.5]
    assert matrix_of(picked, 4).shape == (3, 5)
    twice = tt.ByDimension(
        transformations=[
            {"transformation": {"type": "affine", "affine": [[1, 2, 3]]},
             "inputAxes": [0, 0], "outputAxes": [0]},
        ]
    )  # fmt: skip
    assert apply(twice, [1]).tolist() == apply(as_affine(twice, 1), [1]).tolist() == [6]


@pytest.mark.parametrize(
    "transform",
    [
        tt.Scale(scale=[1, 0]),
        tt.Affine(affine=[[1, 2, 0], [2, 4, 0]]),
        tt.Affine(affine=[[1, 2, 0]]),
        tt.ProjectAxis(dropped_inputs=[0]),
        tt.Displacements(path="field"),
        tt.Coordinates(path="field"),
        tt.Rotation(path="matrix"),
        tt.UnknownTransform(type="spline"),
        tt.ByDimension(
            transformations=[
                tt.AxesTransform(
                    transformation=tt.Identity(), input_axes=[1], output_axes=[0]
                )
            ]
        ),
    ],
)  # fmt: skip
def test_no_way_back(transform):
    assert not has_inverse(transform)
    with pytest.raises(TransformError):
        inverse(transform)


def test_axes_of_very_different_size_have_a_way_back():
    affine = tt.Affine(affine=[[1e-9, 0, 1], [0, 1e9, 1]])
    assert np.allclose(apply(inverse(affine), apply(affine, [3, 4])), [3, 4])


def test_rounded_rotations():
    rotation = tt.Rotation(rotation=[[0.17, -0.985], [0.985, 0.17]])
    there = apply(rotation, [1, 2])
    assert np.allclose(apply(inverse(rotation), there), [1, 2], atol=1e-12)


@pytest.mark.parametrize(
    ("transform", "points"),
    [
        (tt.Scale(scale=[1, 2]), [[1, 2, 3]]),
        (tt.MapAxis(map_axis=[1, 0]), [1, 2, 3]),
        (tt.ProjectAxis(dropped_inputs=[2]), [1, 2]),
        (tt.Identity(), np.zeros((1, 1, 1))),
        (
            tt.ByDimension(
                transformations=[
                    tt.AxesTransform(
                        transformation=tt.Identity(), input_axes=[0, 1], output_axes=[0]
                    )
                ]
            ),
            [1, 2],
        ),
    ],
)
def test_points_that_do_not_fit(transform, points):
    with pytest.raises(ShapeError):
        apply(transform, points)


def test_what_cannot_be_applied():
    with pytest.raises(TransformError, match="lookup"):
        apply(tt.Affine(path="m"), [1, 2])
    with pytest.raises(TransformError, match="lookup"):
        apply(tt.Displacements(path="m"), [1, 2])
    with pytest.raises(TransformError, match="spline"):
        apply(tt.UnknownTransform(type="spline"), [1, 2])
    with pytest.raises(TransformError, match="ndim"):
        as_affine(tt.Identity())
    with pytest.raises(TransformError, match="not affine"):
        as_affine(tt.Coordinates(path="x"), 2)
    incomplete = tt.ByDimension(
        transformations=[
            tt.AxesTransform(transformation=tt.Identity(), input_axes=[0], output_axes=[1])
        ]
    )
    with pytest.raises(TransformError, match="output axis 0"):
        apply(incomplete, [1, 2])


def test_stored_matrices():
    stored = {"a": [[0, 1, 5], [1, 0, 6]], "r": [[0, 1], [-1, 0]]}.__getitem__
    affine, rotation = tt.Affine(path="a"), tt.Rotation(path="r")
    assert apply(affine, [1, 2], lookup=stored).tolist() == [7, 7]
    assert apply(rotation, [1, 2], lookup=stored).tolist() == [2, -1]
    back = inverse(tt.Sequence(transformations=[affine, rotation]), lookup=stored)
    there = apply(rotation, apply(affine, [1, 2], lookup=stored), lookup=stored)
    assert np.allclose(apply(back, there), [1, 2])
    with pytest.raises(TransformError, match="determinant"):
        apply(tt.Rotation(path="r"), [1, 2], lookup=lambda path: [[0, 1], [1, 0]])
    with pytest.raises(ShapeError, match="matrix"):
        apply(affine, [1, 2], lookup=lambda path: [1, 2])


@pytest.mark.parametrize("interpolation", [None, "linear", "cubic", "nearest"])
def test_displacements(interpolation):
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(5.0), indexing="ij"), axis=-1)
    shifts = grid * [0.5, -1] + [1, 2]
    field = Field.of(
        np.moveaxis(shifts, -1, 0), vector_axis=0, to_coordinates=tt.Scale(scale=[2, 4])
    )
    transform = tt.Displacements(path="d", interpolation=interpolation)
    points = np.array([[4.0, 8.0], [0, 0], [10, 16]])
    moved = apply(transform, points, lookup=lambda path: field)
    assert np.allclose(moved, points + points / [2, 4] * [0.5, -1] + [1, 2])
    between = apply(transform, [[5.0, 9.0]], lookup=lambda path: field)[0]
    exact = np.array([5 + 2.5 * 0.5 + 1, 9 - 2.25 + 2])
    assert np.abs(between - exact).max() < (0.5 if interpolation == "nearest" else 0.05)
    # Half a pixel beyond the centre of the last one is still inside; more is not.
    outside = apply(transform, [[10.9, 0], [11.1, 0]], lookup=lambda path: field)
    assert np.isfinite(outside[0]).all()
    assert np.isnan(outside[1]).all()


def test_coordinates():
    field = np.array([[10.0], [20.0], [40.0]])
    lookup = {"x": field}.__getitem__
    transform = tt.Coordinates(path="x")
    assert apply(transform, [[0.5], [2.0]], lookup=lookup).tolist() == [[15], [40]]
    along = tt.ByDimension(
        transformations=[
            tt.AxesTransform(transformation=transform, input_axes=[1], output_axes=[0]),
            tt.AxesTransform(transformation=tt.Identity(), input_axes=[0], output_axes=[1]),
        ]
    )
    assert apply(along, [7, 1.5], lookup=lookup).tolist() == [30, 7]
    with pytest.raises(ShapeError):
        apply(tt.Displacements(path="x"), [1, 2], lookup=lookup)
    with pytest.raises(ShapeError):
        Field.of([1, 2])


def test_composition():
    one = tt.Scale(scale=[2], input={"name": "a"}, output={"name": "b"})
    two = tt.Sequence(
        transformations=[tt.Identity(), tt.Translation(translation=[1])],
        input={"name": "b"},
        output={"name": "c"},
    )
    whole = compose([one, two])
    assert [part.type for part in whole.transformations] == ["scale", "translation"]
    assert (whole.input.name, whole.output.name) == ("a", "c")
    assert compose([]).transformations == (tt.Identity(),)
