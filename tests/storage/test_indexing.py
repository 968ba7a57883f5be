"""Every key gives what NumPy gives, through nothing but the three calls of an engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iohub.storage import indexing
from iohub.storage.spec import ArraySpec

SHAPE = (3, 4, 5)


class InMemory:
    """An engine on a NumPy array that refuses what the protocol does not allow."""

    path = ""

    def __init__(self, shape=SHAPE):
        self.values = np.arange(np.prod(shape), dtype="i4").reshape(shape)
        self.spec = ArraySpec.create(
            shape, "i4", zarr_format=3, chunks=tuple(max(1, n) for n in shape)
        )

    def _check(self, region, step=False):
        assert len(region) == self.values.ndim
        for part, size in zip(region, self.values.shape, strict=True):
            if isinstance(part, slice):
                assert 0 <= part.start <= part.stop <= size
                assert part.step >= 1 if step else part.step in (None, 1)
            else:
                assert part.dtype == np.intp
                assert not part.size or (part.min() >= 0 and part.max() < size)

    def _outer(self, index):
        lines = [np.arange(p.start, p.stop, p.step) if isinstance(p, slice) else p for p in index]
        return np.ix_(*lines)

    def read(self, region, out=None):
        self._check(region)
        return self.values[region].copy()

    def read_orthogonal(self, index):
        self._check(index, step=True)
        return self.values[self._outer(index)]

    def read_points(self, coords):
        self._check(coords)
        return self.values[coords]

    def write(self, region, value):
        self._check(region)
        assert value.shape == self.values[region].shape
        self.values[region] = value

    def write_orthogonal(self, index, value):
        self._check(index, step=True)
        for part in index:
            assert isinstance(part, slice) or np.unique(part).size == part.size
        assert value.shape == self.values[self._outer(index)].shape
        self.values[self._outer(index)] = value

    def write_points(self, coords, value):
        self._check(coords)
        assert np.unique(np.stack(coords), axis=1).shape[1] == coords[0].size
        self.values[coords] = value


def bounds(size: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(-size - 2, size + 2)


def slices(size: int) -> st.SearchStrategy[slice]:
    steps = st.none() | st.integers(-3, 3).filter(bool)
    return st.builds(slice, bounds(size), bounds(size), steps)


def vectors(size: int, shapes=((2,), (3,), (1,), (0,), (2, 1), (2, 3))) -> st.SearchStrategy[Any]:
    inside = st.integers(-size, size - 1)
    arrays = st.sampled_from(shapes).flatmap(
        lambda s: st.lists(inside, min_size=int(np.prod(s)), max_size=int(np.prod(s))).map(
            lambda v: np.array(v, dtype=np.intp).reshape(s)
        )
    )
    return arrays | st.lists(inside, min_size=1, max_size=3)


def masks(size: int) -> st.SearchStrategy[Any]:
    return st.lists(st.booleans(), min_size=size, max_size=size).map(np.array)


@st.composite
def keys(draw: st.DrawFn, kinds=("int", "slice", "vector", "mask")) -> Any:
    parts: list[Any] = []
    for size in SHAPE[: draw(st.integers(0, len(SHAPE)))]:
        kind = draw(st.sampled_from(kinds))
        strategy = {
            "int": st.integers(-size, size - 1),
            "slice": slices(size),
            "vector": vectors(size),
            "mask": masks(size),
        }[kind]
        parts.append(draw(strategy))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(parts)))
        # After the dots the axes are counted from the end.
        tail = parts[cut:]
        sizes = SHAPE[len(SHAPE) - len(tail) :] if tail else ()
        redrawn = [draw(st.integers(-n, n - 1) | slices(n) | vectors(n)) for n in sizes]
        parts = [*parts[:cut], Ellipsis, *redrawn]
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)


@settings(max_examples=150, deadline=None)
@given(keys())
def test_get_and_put_are_numpys(key):
    array = InMemory()
    try:
        expected = array.values[key]
    except IndexError:
        with pytest.raises(IndexError):
            indexing.basic(key, SHAPE)
        return
    selection = indexing.basic(key, SHAPE)
    result = indexing.get(array, selection, array.spec.dtype)
    assert selection.shape == np.shape(expected)
    assert np.shape(result) == np.shape(expected)
    assert np.isscalar(result) == np.isscalar(expected)
    np.testing.assert_array_equal(result, expected)

    value = -1 - np.arange(expected.size, dtype="i4").reshape(expected.shape)
    reference = array.values.copy()
    reference[key] = value
    indexing.put(array, selection, value)
    np.testing.assert_array_equal(array.values, reference)

    reference[key] = 7
    indexing.put(array, selection, np.int32(7))
    np.testing.assert_array_equal(array.values, reference)


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(
        *(
            st.integers(-n, n - 1) | slices(n) | vectors(n, ((2,), (0,), (4,))) | masks(n)
            for n in SHAPE
        )
    )
)
def test_orthogonal_is_an_outer_product(key):
    array = InMemory()
    expected = array.values
    for axis, part in reversed(list(enumerate(key))):
        expected = expected[(slice(None),) * axis + (part,)]
    selection = indexing.orthogonal(key, SHAPE)
    np.testing.assert_array_equal(indexing.get(array, selection, array.spec.dtype), expected)
    assert np.shape(expected) == selection.shape
    indexing.put(array, selection, np.full(np.shape(expected), -5, "i4"))
    found = indexing.get(array, selection, array.spec.dtype)
    np.testing.assert_array_equal(found, np.full(np.shape(expected), -5))


def test_vectorised_takes_points_and_masks():
    array = InMemory()
    key = ([0, 2], [1, -1], 3)
    selection = indexing.vectorised(key, SHAPE)
    found = indexing.get(array, selection, array.spec.dtype)
    np.testing.assert_array_equal(found, array.values[key])
    mask = array.values % 7 == 0
    masked = indexing.vectorised(mask, SHAPE)
    np.testing.assert_array_equal(indexing.get(array, masked, array.spec.dtype), array.values[mask])
    indexing.put(array, masked, np.int32(-1))
    assert (array.values[mask] == -1).all()


@pytest.mark.parametrize(
    ("shape", "mask_axes"), [((3, 4, 5), (0, 1)), ((3, 4, 5), (1, 2)), ((3, 4, 5), (0, 1, 2))]
)
def test_masks_of_several_axes(shape, mask_axes):
    array = InMemory(shape)
    mask = np.random.default_rng(0).random([shape[a] for a in mask_axes]) > 0.5
    key = (slice(None),) * mask_axes[0] + (mask,)
    expected = array.values[key]
    found = indexing.get(array, indexing.basic(key, shape), array.spec.dtype)
    np.testing.assert_array_equal(found, expected)


def test_an_array_without_axes():
    array = InMemory(())
    for key in ((), ..., None, (None, ...)):
        found = indexing.get(array, indexing.basic(key, ()), array.spec.dtype)
        np.testing.assert_array_equal(found, array.values[key])


@pytest.mark.parametrize(
    "key",
    [5, -4, (0, 0, 0, 0), "a", 1.5, True, (..., ...), ([0, 3],), (np.ones(4, bool),),
     ([0, 1], [0, 1, 2]), {"a": 1}, slice(0, 1, 0), slice("a", None)],
)  # fmt: skip
def test_wrong_keys_are_index_errors(key):
    with pytest.raises(IndexError):
        indexing.basic(key, SHAPE)


@pytest.mark.parametrize("key", [(0, slice(None)), ..., ([0], [0]), None])
def test_vectorised_needs_each_axis(key):
    with pytest.raises(IndexError):
        indexing.vectorised(key, SHAPE)


def test_orthogonal_refuses_what_is_no_vector():
    for key in [(np.zeros((2, 2), int),), (None,), (np.ones((3, 4), bool),)]:
        with pytest.raises(IndexError):
            indexing.orthogonal(key, SHAPE)


@pytest.mark.parametrize("value_shape", [(1, 1, 4, 5), (5,), (4, 1), ()])
def test_values_broadcast_as_in_an_assignment(value_shape):
    array, value = InMemory(), np.full(value_shape, 9, "i4")
    reference = array.values.copy()
    reference[1] = value
    indexing.put(array, indexing.basic(1, SHAPE), value)
    np.testing.assert_array_equal(array.values, reference)


def test_a_value_of_the_wrong_shape():
    for key in (slice(None), slice(0, 0), [0, 1]):
        with pytest.raises(ValueError, match="could not broadcast"):
            indexing.put(InMemory(), indexing.basic(key, SHAPE), np.zeros((2, 7), "i4"))


def test_few_points_with_large_blocks_are_read_block_by_block():
    selection = indexing.basic(([0, 2], [1, 1]), SHAPE)
    assert selection.kind == "scattered"
    assert len(list(selection.blocks())) == 2
