"""Reduction against definitions written out in exact arithmetic, one cell at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iohub.errors import PyramidError
from iohub.pyramids import reduce as module
from iohub.pyramids.plan import METHODS
from iohub.pyramids.reduce import reduce, reduced_shape

INTEGERS = ["?", "u1", "i1", "u2", "i2", ">u2", "u4", "i4", ">i4", "u8", "i8", ">u8"]
FLOATS = ["f2", "f4", ">f4", "f8", ">f8"]


def exact(values, method, dtype):
    """Return one pixel of a cell's values (Python ints), by the definition."""
    ordered = sorted(values)
    if method == "mean":
        return round(Fraction(sum(values), len(values)))
    if method == "median":
        half = len(ordered) // 2
        return round(Fraction(ordered[half] + ordered[~half], 2))
    if method == "mode":
        counts = Counter(ordered)
        return min(counts, key=lambda value: (-counts[value], value))
    return {"min": ordered[0], "max": ordered[-1], "stride": values[0]}[method]


def by_cells(block, factors, one):
    shape = reduced_shape(block.shape, factors)
    out = np.empty(shape, block.dtype)
    for at in itertools.product(*map(range, shape)):
        cell = block[tuple(slice(i * f, (i + 1) * f) for i, f in zip(at, factors, strict=True))]
        out[at] = one(cell)
    return out


@st.composite
def blocks(draw, dtypes):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=7))
    factors = draw(st.tuples(*[st.integers(1, 4)] * len(shape)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    if draw(st.booleans()) and dtype.kind in "iu":
        # Few values, near a limit of the type: ties, repetitions and overflow at once.
        top = int(np.iinfo(dtype).max)
        elements = st.integers(top - 3, top)
        if dtype.kind == "i" and draw(st.booleans()):
            elements = st.integers(-top - 1, -top + 2)
        return draw(hnp.arrays(dtype, shape, elements=elements)), factors
    return draw(hnp.arrays(dtype, shape)), factors


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, deadline=None)
@given(case=blocks(INTEGERS))
def test_integers_are_exact(method, case):
    block, factors = case
    expected = by_cells(
        block, factors, lambda cell: exact([int(v) for v in cell.ravel()], method, block.dtype)
    )
    result = reduce(block, factors, method)
    assert result.dtype == block.dtype
    assert result.dtype.byteorder == block.dtype.byteorder
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("method", ["mean", "median", "min", "max", "stride"])
@settings(max_examples=60, deadline=None)
@given(case=blocks(FLOATS))
def test_floats_are_as_numpy_has_them(method, case):
    block, factors = case
    block = np.clip(block, -1e4, 1e4)
    one = {
        "mean": lambda cell: np.mean(cell, dtype="f8"),
        "median": lambda cell: np.median(cell.astype("f8")),
        "min": np.min,
        "max": np.max,
        "stride": lambda cell: cell.flat[0],
    }[method]
    with np.errstate(invalid="ignore", under="ignore", over="ignore"):
        expected = by_cells(block, factors, one)
    result = reduce(block, factors, method)
    assert result.dtype == block.dtype
    tolerance = {2: 1e-3, 4: 1e-6, 8: 1e-12}[block.dtype.itemsize]
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("method", ["mean", "median", "mode", "min", "max"])
@pytest.mark.parametrize("factors", [(2, 2), (1, 3), (9, 9)], ids=str)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_one_nan_is_enough_wherever_it_is(method, factors, dtype):
    for at in itertools.product(range(9), repeat=2):
        block = np.arange(81, dtype=dtype).reshape(9, 9)
        block[at] = np.nan
        found = np.isnan(reduce(block, factors, method))
        expected = np.zeros_like(found)
        expected[at[0] // factors[0], at[1] // factors[1]] = True
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [((0, 1), 0), ((1, 2), 2), ((2, 3), 2), ((15, 16), 16), ((-1, 0), 0), ((-2, -1), -2)],
)
def test_halves_go_to_the_even_neighbour(method, values, expected):
    assert reduce(np.array(values, "i2"), (2,), method) == expected


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u8", "i8"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [2, 3, 6, 8, 300])
def test_limits_of_a_type_survive(dtype, method, factor):
    info = np.iinfo(dtype)
    for value in (info.min, info.max):
        block = np.full((factor * 2 + 1,), value, dtype)
        np.testing.assert_array_equal(reduce(block, (factor,), method), np.full(3, value, dtype))


def test_64_bit_means_are_exact_where_a_float_would_not_be():
    top = 2**64 - 1
    assert reduce(np.array([top, top - 2], "u8"), (2,)) == top - 1
    assert reduce(np.array([top, 0, top], "u8"), (3,)) == round(Fraction(2 * top, 3))
    low = -(2**63)
    assert reduce(np.array([low, low, low + 1], "i8"), (3,)) == low
    assert reduce(np.array([low, -low - 1], "i8"), (2,)) == 0
    assert reduce(np.array([low, -low - 1], "i8"), (2,), "median") == 0


def test_large_floats_do_not_overflow():
    top = np.finfo("f4").max
    assert reduce(np.full(4, top, "f4"), (4,)) == top
    top = np.finfo("f8").max
    assert reduce(np.full(2, top), (2,), "median") == top
    tiny = np.finfo("f8").smallest_subnormal
    assert reduce(np.full(2, tiny), (2,), "median") == tiny


def test_labels_keep_their_ids():
    labels = np.array([[7, 7, 0, 9], [7, 3, 9, 0]], "u4")
    np.testing.assert_array_equal(reduce(labels, (2, 2), "mode"), [[7, 0]])
    np.testing.assert_array_equal(reduce(labels, (2, 2), "stride"), [[7, 0]])


@pytest.mark.parametrize("count", [9, 63, 64, 65, 300])
@pytest.mark.parametrize("method", ["median", "mode"])
def test_small_and_large_cells_agree_with_the_definition(count, method):
    rng = np.random.default_rng(count)
    block = rng.integers(-5, 6, (3, count * 2 + 7)).astype("i2")
    expected = by_cells(
        block, (2, count), lambda cell: exact(cell.ravel().tolist(), method, block.dtype)
    )
    np.testing.assert_array_equal(reduce(block, (2, count), method), expected)


def test_complex_numbers_have_a_mean_and_a_first():
    block = np.array([1 + 1j, 3 - 5j, 8j], "c8")
    np.testing.assert_array_equal(reduce(block, (2,)), np.array([2 - 2j, 8j], "c8"))
    np.testing.assert_array_equal(reduce(block, (2,), "stride"), np.array([1 + 1j, 8j], "c8"))
    for method in ("median", "mode", "min", "max"):
        with pytest.raises(PyramidError, match="'stride' or 'mean'"):
            reduce(block, (2,), method)


def test_text_and_dates_have_only_a_first():
    block = np.array(["a", "b", "c"])
    np.testing.assert_array_equal(reduce(block, (2,), "stride"), ["a", "c"])
    with pytest.raises(PyramidError, match="use 'stride'"):
        reduce(block, (2,), "mean")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slab", [1, 64, 1 << 20])
def test_slabs_of_any_size_give_the_same(method, slab, monkeypatch):
    block = np.random.default_rng(1).integers(0, 9, (2, 5, 7, 11)).astype("u2")
    expected = reduce(block, (1, 2, 2, 3), method)
    monkeypatch.setattr(module, "SLAB_BYTES", slab)
    np.testing.assert_array_equal(reduce(block, (1, 2, 2, 3), method), expected)


def test_blocks_in_any_memory_order():
    block = np.arange(5 * 6 * 7, dtype="u2").reshape(7, 6, 5)
    for view in (block.T, block[::-1, ::-1], np.asfortranarray(block)):
        np.testing.assert_array_equal(
            reduce(view, (2, 2, 2)), reduce(np.ascontiguousarray(view), (2, 2, 2))
        )


@pytest.mark.parametrize("shape", [(6, 6), (1, 2), (2, 1), (2, 2), (3, 3), (1, 5), (7, 1)])
def test_the_source_is_left_alone(shape):
    """Views of one pixel are contiguous: medians once sorted the caller's pixels in place."""
    block = np.random.default_rng(2).integers(0, 99, shape).astype("u1")
    before = block.copy()
    for method in METHODS:
        for factors in ((1, 1), (1, 2), (2, 2), (3, 2)):
            result = reduce(block, factors, method)
            assert not np.shares_memory(result, block)
            result[...] = 0
    np.testing.assert_array_equal(block, before)


def test_out_is_filled_and_returned():
    out = np.empty((2, 2), "u1")
    assert reduce(np.full((3, 4), 5, "u1"), (2, 2), out=out) is out
    np.testing.assert_array_equal(out, 5)
    with pytest.raises(PyramidError, match="cannot hold"):
        reduce(np.zeros((3, 3), "u1"), (2, 2), out=np.empty((1, 2), "u1"))
    with pytest.raises(PyramidError, match="cannot hold"):
        reduce(np.zeros((3, 3), "u1"), (2, 2), out=np.empty((2, 2), "u2"))


@pytest.mark.parametrize("method", METHODS)
def test_nothing_comes_of_nothing(method):
    assert reduce(np.empty((0, 4), "u2"), (2, 2), method).shape == (0, 2)


@pytest.mark.parametrize("factors", [(2,), (2, 0), (2, 2, 2), (-1, 1)], ids=str)
def test_factors_that_do_not_fit(factors):
    with pytest.raises(PyramidError, match="do not fit"):
        reduce(np.zeros((4, 4)), factors)


def test_unknown_method():
    with pytest.raises(PyramidError, match="unknown pyramid method 'average'; there are mean"):
        reduce(np.zeros(4), (2,), "average")
