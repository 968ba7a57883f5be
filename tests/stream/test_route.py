from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ArgumentError, BoundsError
from iohub.stream import AcquisitionSettings, Dimension, FrameRouter

SIZES = st.permutations([("t", 3), ("z", 2), ("c", 2), ("p", 2)]).flatmap(
    lambda items: st.integers(0, 4).map(lambda n: items[:n])
)


def settings(sizes: Any, **more: Any) -> AcquisitionSettings:
    dims = [Dimension(name=name, count=size) for name, size in [*sizes, ("y", 4), ("x", 4)]]
    return AcquisitionSettings(root_path="a.zarr", dtype="uint8", dimensions=dims, **more)


@given(SIZES)
def test_every_frame_has_its_place(sizes: list[tuple[str, int]]) -> None:
    made = settings(sizes)
    stored = [dim.name for dim in made.storage_index_dimensions]
    expected = []
    for indices in itertools.product(*(range(size) for _, size in sizes)):
        by_name = dict(zip([name for name, _ in sizes], indices, strict=True))
        expected.append((by_name.get("p", 0), tuple(by_name[name] for name in stored)))
    router = FrameRouter(made)
    assert list(router) == expected
    assert list(router) == expected  # iter() starts anew
    assert [router.at(i) for i in range(len(expected))] == expected
    assert len(set(expected)) == router.num_frames


@given(SIZES, st.data())
def test_locate_is_the_inverse(sizes: list[tuple[str, int]], data: st.DataObject) -> None:
    router = FrameRouter(settings(sizes))
    number = data.draw(st.integers(0, router.num_frames - 1))
    at = dict(zip([name for name, _ in sizes], router.indices(number), strict=True))
    assert router.locate(at) == (number, router.at(number))


def test_unbounded() -> None:
    made = settings([("t", None), ("p", 2), ("c", 2)])
    router = FrameRouter(made)
    first = [(0, (0, 0)), (0, (0, 1)), (1, (0, 0)), (1, (0, 1)), (0, (1, 0))]
    assert list(itertools.islice(router, 5)) == first
    assert router.at(4000) == (0, (1000, 0))
    later = FrameRouter(made, start=7)
    assert (later.first, next(later)) == (28, (0, (7, 0)))


def test_skip() -> None:
    router = FrameRouter(settings([("t", 3)]))
    router.skip()
    assert next(router) == (0, (1,))
    with pytest.raises(BoundsError, match="only 1 were left"):
        router.skip(2)
    with pytest.raises(ArgumentError, match="positive"):
        router.skip(0)


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ({"t": 3, "c": 0}, BoundsError),
        ({"t": -1, "c": 0}, BoundsError),
        ({"t": 0}, ArgumentError),
        ({"t": 0, "c": 0, "q": 1}, ArgumentError),
        ({"t": 0.5, "c": 0}, ArgumentError),
        ({"t": True, "c": 0}, ArgumentError),
    ],
)
def test_odd_places_are_refused(at: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        FrameRouter(settings([("t", 3), ("c", 2)])).locate(at)


def test_dimension_of_one_may_be_left_out() -> None:
    assert FrameRouter(settings([("t", 3), ("c", 1)])).locate({"t": 2}) == (2, (0, (2, 0)))


@pytest.mark.parametrize("number", [-1, 3])
def test_no_such_frame(number: int) -> None:
    with pytest.raises(IndexError):
        FrameRouter(settings([("t", 3)])).at(number)
