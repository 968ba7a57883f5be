"""The arithmetic of units, against brute force on small grids."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ShapeError
from iohub.storage import grid


@st.composite
def cases(draw, regions=1):
    ndim = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 9)) for _ in range(ndim))
    unit = tuple(draw(st.integers(1, 5)) for _ in range(ndim))
    made = []
    for _ in range(regions):
        bounds = [sorted((draw(st.integers(0, n)), draw(st.integers(0, n)))) for n in shape]
        made.append(tuple(slice(a, b) for a, b in bounds))
    return shape, unit, *made


def pixels(region):
    return set(product(*(range(s.start, s.stop) for s in region)))


@given(cases())
def test_units_cover_a_region_exactly_once(case):
    shape, unit, region = case
    indexes = list(grid.units_of(region, unit))
    assert len(indexes) == grid.count_units(region, unit)
    pieces = list(grid.split(region, shape, unit))
    assert sum(len(pixels(p)) for p in pieces) == len(pixels(region))
    assert set().union(*map(pixels, pieces)) == pixels(region)
    expected = {tuple(i // u for i, u in zip(p, unit, strict=True)) for p in pixels(region)}
    assert set(indexes) == expected


@given(cases())
def test_alignment(case):
    shape, unit, region = case
    wider = grid.expand(region, shape, unit)
    assert grid.aligned(wider, shape, unit)
    assert pixels(region) <= pixels(wider)
    if grid.aligned(region, shape, unit):
        assert wider == region


@given(cases(regions=2))
def test_sharing_a_unit_subtraction_and_intersection(case):
    _, unit, a, b = case
    assert grid.share_unit(a, b, unit) == bool(
        set(grid.units_of(a, unit)) & set(grid.units_of(b, unit))
    )
    common = grid.intersect(a, b)
    assert (pixels(common) if common else set()) == pixels(a) & pixels(b)
    rest = grid.subtract(a, b)
    assert sum(len(pixels(r)) for r in rest) == len(pixels(a) - pixels(b))
    assert set().union(*map(pixels, rest)) == pixels(a) - pixels(b)


@given(cases(), st.integers(1, 400))
def test_groups_are_whole_units_and_not_too_large(case, target):
    shape, unit, _ = case
    group = grid.grouped_unit(shape, unit, 2, target)
    assert all(g % u == 0 for g, u in zip(group, unit, strict=True))
    assert group == unit or prod(group) * 2 <= target


@pytest.mark.parametrize(
    ("shape", "itemsize", "types", "chunks"),
    [
        ((10, 3, 64, 1024, 1024), 2, None, (1, 1, 64, 1024, 1024)),
        ((3, 2048, 2048), 2, ["channel", "space", "space"], (1, 2048, 2048)),
        ((1, 1, 2000, 2048, 2048), 2, None, (1, 1, 32, 2048, 2048)),
        ((1, 1, 97, 2048, 2048), 4, None, (1, 1, 25, 2048, 2048)),
        ((1, 1, 1, 100_000, 80_000), 2, None, (1, 1, 1, 12_500, 20_000)),
        ((0, 3, 0, 5, 5), 2, None, (1, 1, 1, 5, 5)),
        ((7, 9), 8, None, (7, 9)),
        ((np.int32(70000), np.int32(70000)), 8, None, (4375, 8750)),
    ],
)
def test_default_chunks(shape, itemsize, types, chunks):
    result = grid.default_chunks(shape, itemsize, axis_types=types)
    assert result == chunks
    assert all(type(n) is int for n in result)
    assert prod(result) * itemsize <= grid.MAX_CHUNK_BYTES


def test_default_chunks_need_a_type_for_each_axis():
    with pytest.raises(ShapeError, match="2 axis types"):
        grid.default_chunks((1, 2, 3), 2, axis_types=["space", "space"])


def test_shards_are_not_larger_than_the_array_needs():
    assert grid.shard_shape((2, 3, 100), (1, 1, 30), (4, 1, 8)) == (2, 1, 120)
    assert grid.shard_shape((0, 3, 97), (1, 1, 97), (2, 2, 2)) == (1, 2, 97)
    for wrong in ((1, 2), (0, 1, 1), (1, 1.5, 1)):
        with pytest.raises(ShapeError):
            grid.shard_shape((2, 3, 100), (1, 1, 30), wrong)


@pytest.mark.parametrize(
    "region", [(slice(0, 1),), (slice(0, 5), slice(0, 1)), (slice(3, 2), slice(0, 1)),
               (slice(-1, 2), slice(0, 1)), (slice(0, 4, 2), slice(0, 1))]
)  # fmt: skip
def test_regions_that_do_not_fit(region):
    with pytest.raises(ShapeError):
        grid.check_region(region, (4, 4))


def test_borders_may_be_left_out():
    assert grid.check_region((slice(None), slice(1, None)), (4, 5)) == (slice(0, 4), slice(1, 5))
    assert grid.full((2, 0)) == (slice(0, 2), slice(0, 0))
    assert list(grid.units_of(grid.full((2, 0)), (1, 1))) == []
    assert grid.region_at((1, 2), (3, 4)) == (slice(1, 4), slice(2, 6))
