"""Shapes, scales and translations of levels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import AxisError, PyramidError
from iohub.pyramids.plan import METHODS, max_levels, plan_existing, plan_levels
from iohub.pyramids.reduce import reduce, reduced_shape

TCZYX = ("t", "c", "z", "y", "x")


def test_a_usual_stack():
    plans = plan_levels(
        (3, 2, 9, 100, 101),
        TCZYX,
        (60, 1, 2, 0.5, 0.5),
        (0, 0, 10, 0, -1),
        3,
        chunks=(1, 1, 9, 100, 101),
    )
    assert [p.index for p in plans] == [0, 1, 2]
    assert [p.shape for p in plans] == [(3, 2, 9, 100, 101), (3, 2, 5, 50, 51), (3, 2, 3, 25, 26)]
    assert [p.factors for p in plans] == [(1,) * 5, (1, 1, 2, 2, 2), (1, 1, 2, 2, 2)]
    assert plans[2].scale == (60, 1, 8, 2, 2)
    assert plans[0].translation == (0, 0, 10, 0, -1)
    assert plans[1].translation == (0, 0, 11, 0.25, -0.75)
    assert plans[2].translation == (0, 0, 13, 0.75, -0.25)
    assert [p.chunks for p in plans] == [(1, 1, 9, 100, 101), (1, 1, 5, 50, 51), (1, 1, 3, 25, 26)]
    assert {p.shards for p in plans} == {None}


def test_an_axis_of_one_pixel_keeps_its_scale_and_place():
    plans = plan_levels((1, 3), ("z", "x"), (5, 1), None, 3)
    assert [p.shape for p in plans] == [(1, 3), (1, 2), (1, 1)]
    assert [p.scale for p in plans] == [(5, 1), (5, 2), (5, 4)]
    assert [p.factors for p in plans] == [(1, 1), (1, 2), (1, 2)]
    assert plans[-1].translation == (0, 1.5)


def test_stride_samples_stay_where_they_are():
    plans = plan_levels((8, 8), "yx", (1, 1), (3, 4), 3, method="stride")
    assert {p.translation for p in plans} == {(3, 4)}


def test_axes_are_chosen_by_name_in_any_case():
    def shapes(**kwargs):
        return plan_levels((8, 8, 8), ("Z", "Y", "X"), (1, 1, 1), None, 2, **kwargs)[1].shape

    assert shapes() == (4, 4, 4)
    assert shapes(downscale=("y", "x")) == (8, 4, 4)
    assert shapes(downscale="X") == (8, 8, 4)
    assert shapes(downscale={"z": 1, "y": 4, "X": 3}) == (8, 2, 3)
    with pytest.raises(AxisError, match="no axis 'q' to reduce; there are 'Z', 'Y', 'X'"):
        shapes(downscale=("q",))


def test_a_factor_is_not_larger_than_the_axis():
    level = plan_levels((3,), "x", (1,), None, 2, downscale={"x": 10})[1]
    assert (level.shape, level.factors, level.scale, level.translation) == ((1,), (3,), (3,), (1,))


def test_chunks_shrink_only_where_the_image_does():
    plans = plan_levels(
        (2, 64, 1000, 1024),
        ("t", "z", "y", "x"),
        (1,) * 4,
        None,
        4,
        chunks=(5, 16, 256, 256),
        shards=(10, 64, 1024, 1024),
    )
    assert [p.chunks for p in plans] == [
        (5, 16, 256, 256),
        (5, 16, 256, 256),
        (5, 16, 250, 256),
        (5, 8, 125, 128),
    ]
    assert [p.shards for p in plans] == [
        (10, 64, 1024, 1024),
        (10, 32, 512, 512),
        (10, 16, 250, 256),
        (10, 8, 125, 128),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"levels": 0}, "at least one level, not 0"),
        ({"levels": 2.0}, "levels must be whole numbers"),
        ({"shape": (4, -1)}, "size below 0"),
        ({"shape": (4, 4.5)}, "whole numbers, not 4.5"),
        ({"scale": (1,)}, "scale has 1 entries for 2 axes"),
        ({"translation": (1, 2, 3)}, "translation has 3 entries for 2 axes"),
        ({"axes": "zyx"}, "axes has 3 entries for 2 axes"),
        ({"downscale": ()}, "none of the axes 'y', 'x' is reduced"),
        ({"downscale": ("z",)}, "none of the axes 'y', 'x' is reduced"),
        ({"downscale": {"x": 0}}, "at least 1, not 0 as for axis 'x'"),
        ({"method": "average"}, "unknown pyramid method 'average'"),
        ({"chunks": (4,)}, "chunks has 1 entries"),
        ({"chunks": (4, 0)}, "size below 1"),
        ({"shards": (4, 4)}, "give chunks as well"),
        ({"chunks": (4, 4), "shards": (4, 6)}, "no multiple of the chunks"),
    ],
)
def test_what_does_not_fit_is_refused(change, says):
    given_ = {"shape": (4, 4), "axes": "yx", "scale": (1, 1), "translation": None, "levels": 2}
    with pytest.raises(PyramidError, match=says):
        plan_levels(**(given_ | change))


def test_one_level_is_level_zero_whatever_the_axes():
    (plan,) = plan_levels((4, 4), ("t", "c"), (1, 1), None, 1)
    assert plan.shape == (4, 4)


def test_numpy_integers_are_whole_numbers():
    plans = plan_levels(np.array([4, 4]), "yx", np.ones(2), None, np.int64(2))
    assert plans[1].shape == (2, 2)
    assert all(type(n) is int for n in plans[1].shape)


shapes = st.lists(st.integers(1, 10**6), min_size=3, max_size=3).map(tuple)
levels = st.integers(1, 6)


def possible(shape, levels):
    return min(levels, max_levels(shape, "zyx"))


@given(shape=shapes, levels=levels, method=st.sampled_from(METHODS))
def test_every_level_covers_level_zero(shape, levels, method):
    levels = possible(shape, levels)
    plans = plan_levels(shape, "zyx", (0.5, 2, 0.25), (1, -2, 0), levels, method=method)
    for above, plan in itertools.pairwise(plans):
        assert plan.shape == reduced_shape(above.shape, plan.factors)
        for n, size, scale, start in zip(
            plan.shape, shape, plan.scale, plan.translation, strict=True
        ):
            assert n >= 1
            assert math.isfinite(scale + start)
            assert n == 1 or (n - 1) * 2**plan.index < size
    if method != "stride":
        for plan in plans:
            corner = np.array(plan.translation) - np.array(plan.scale) / 2
            np.testing.assert_allclose(corner, np.array((1, -2, 0)) - np.array((0.25, 1, 0.125)))


@given(shape=shapes, levels=levels)
def test_a_planned_pyramid_is_recognised(shape, levels):
    plans = plan_levels(shape, "zyx", (1, 1, 1), None, possible(shape, levels))
    by_scale = plan_existing([p.shape for p in plans], (1, 1, 1), scales=[p.scale for p in plans])
    assert by_scale == plans


@given(shape=shapes)
def test_max_levels_is_where_nothing_changes_any_more(shape):
    count = max_levels(shape, "zyx")
    plans = plan_levels(shape, "zyx", (1, 1, 1), None, count)
    assert len({p.shape for p in plans}) == count
    for levels in (count + 1, 10**30):
        with pytest.raises(PyramidError, match=f"at most {count} level"):
            plan_levels(shape, "zyx", (1, 1, 1), None, levels)


def test_existing_levels_without_scales_take_the_smallest_factor():
    plans = plan_existing([(9, 9), (9, 5), (9, 2)], (1, 1), (0, 0))
    assert [p.factors for p in plans] == [(1, 1), (1, 2), (1, 3)]
    assert plans[-1].scale == (1, 6)
    assert plans[-1].translation == (0, 2.5)


@pytest.mark.parametrize(
    ("shapes", "scales", "says"),
    [
        ([(5,), (2,)], [(1,), (2,)], r"level 1 has shape \(2,\), which is not level 0 \(5,\)"),
        ([(5,), (6,)], None, "axis 0: 5 to 6"),
        ([(9,), (5,), (4,)], None, "level 2"),
        ([(5,), (0,)], None, "axis 0: 5 to 0"),
        ([(5,), (3, 1)], None, "shape of level 1 has 2 entries for 1 axes"),
        ([(5,), (3,)], [(1,)], "scales has 1 entries for 2 levels"),
        ([(5,), (3,)], [(1,), (2, 2)], "scale of level 1 has 2 entries"),
        ([], None, "at least one level"),
    ],
)
def test_arrays_that_are_no_pyramid(shapes, scales, says):
    with pytest.raises(PyramidError, match=says):
        plan_existing(shapes, (1,), scales=scales)


@pytest.mark.parametrize("method", ["mean", "median", "min", "max"])
def test_the_centre_of_a_bright_pixel_block_stays_in_place(method):
    image = np.zeros((16, 16), "u2")
    image[4:8, 8:12] = 100
    for plan in plan_levels(image.shape, "yx", (0.5, 0.5), (3, 1), 3):
        level = reduce(image, tuple(2**plan.index for _ in "yx"), method)
        centre = np.argwhere(level).mean(0) * plan.scale + plan.translation
        np.testing.assert_allclose(centre, (3 + 5.5 * 0.5, 1 + 9.5 * 0.5))
