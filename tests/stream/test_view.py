from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import BoundsError
from iohub.stream import AcquisitionSettings, Dimension, FrameRouter, StreamView
from iohub.stream.events import reached

SIZES = st.permutations([("t", 3), ("z", 2), ("c", 2), ("p", 2)]).flatmap(
    lambda items: st.integers(0, 4).map(lambda n: items[:n])
)


def streamed(sizes: Any, frames: int, **options: Any) -> tuple[StreamView, np.ndarray]:
    """Return a view of some first frames, and what it is to show."""
    dims = [Dimension(name=name, count=size) for name, size in [*sizes, ("y", 3), ("x", 4)]]
    made = AcquisitionSettings(root_path="a.zarr", dtype="uint16", dimensions=dims)
    arrays = [
        np.zeros([dim.count for dim in made.array_storage_dimensions], "uint16")
        for _ in made.positions
    ]
    full = np.zeros(made.shape, "uint16")
    router = FrameRouter(made)
    for number in range(frames):
        frame = np.arange(12, dtype="uint16").reshape(3, 4) + 100 * (number + 1)
        position, index = next(router)
        arrays[position][index] = frame
        full[router.indices(number)] = frame
    sizes = reached(router, frames, len(dims) - 2)
    return StreamView(made, lambda p: arrays[p], lambda: sizes, **options), full


def index_along(size: int) -> st.SearchStrategy[Any]:
    steps = st.sampled_from([None, 1, 2, -1, -2])
    ends = st.one_of(st.none(), st.integers(-size, size))
    return st.one_of(st.integers(-size, size - 1), st.builds(slice, ends, ends, steps))


@given(SIZES, st.data())
def test_indexing_is_that_of_numpy(sizes: list[tuple[str, int]], data: st.DataObject) -> None:
    total = int(np.prod([size for _, size in sizes], dtype=int))
    view, full = streamed(sizes, data.draw(st.integers(0, total)), dynamic_shape=False)
    assert (view.shape, view.ndim, view.dtype, len(view)) == (
        full.shape,
        full.ndim,
        full.dtype,
        len(full),
    )
    count = data.draw(st.integers(0, full.ndim))
    key = tuple(data.draw(index_along(size)) for size in full.shape[:count])
    np.testing.assert_array_equal(view[key], full[key])


def test_shape_grows_with_the_frames() -> None:
    view, full = streamed([("t", 3), ("c", 2)], 3)
    assert view.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(np.asarray(view), full[:2])
    assert view[2, 0, 0, 0] == 0  # within the declared shape: not written, hence zero
    assert view.coords == {"t": range(2), "c": range(2), "y": range(3), "x": range(4)}
    assert "t 2, c 2" in repr(view)


def test_strict_views_end_with_the_frames() -> None:
    view, _ = streamed([("t", 3), ("c", 2)], 3, strict=True)
    with pytest.raises(BoundsError, match="live dimension 't' of size 2"):
        view[2]


@pytest.mark.parametrize("key", [..., [0, 1], None, 1.5, True, np.array([0])])
def test_other_indexes_are_a_type_error(key: Any) -> None:
    view, _ = streamed([("t", 3)], 3)
    with pytest.raises(TypeError):
        view[key]


@pytest.mark.parametrize("key", [3, -4, (0, 3), (0, 0, 0, 0)])
def test_bounds(key: Any) -> None:
    view, _ = streamed([("t", 3)], 3)
    with pytest.raises(IndexError):
        view[key]


def test_copy_is_needed() -> None:
    view, _ = streamed([("t", 3)], 3)
    assert np.asarray(view, dtype=float).dtype == float
    with pytest.raises(ValueError, match="copy"):
        np.array(view, copy=False)


def test_signal() -> None:
    view, _ = streamed([("t", 3)], 3)
    seen: list[Any] = []
    view.coords_changed.connect(seen.append)
    view.coords_changed.emit(view.coords)
    view.coords_changed.disconnect(seen.append)
    view.coords_changed.emit(view.coords)
    assert len(seen) == 1
    view.coords_changed.disconnect()
