from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.stream import AcquisitionSettings, CoordUpdate, Dimension, FrameRouter
from iohub.stream.events import CoordTracker, reached


def settings(t: int | None = None) -> AcquisitionSettings:
    dims = [
        Dimension(name="t", count=t),
        Dimension(name="p", coords=["A", "B"]),
        Dimension(name="c", coords=["DAPI", "GFP"]),
        Dimension(name="y", count=8),
        Dimension(name="x", count=9),
    ]
    return AcquisitionSettings(root_path="a.zarr", dtype="uint8", dimensions=dims)


def told(event: str, numbers: range, previous: int = 0) -> list[CoordUpdate]:
    tracker = CoordTracker(settings())
    found: list[CoordUpdate] = []
    tracker.on(event, found.append)
    for number in numbers:
        tracker.update(number, previous)
    tracker.close()
    return sorted(found, key=lambda update: update.frame_number)


def test_every_frame_is_told() -> None:
    updates = told("coords_changed", range(6))
    assert [u.frame_number for u in updates] == list(range(6))
    assert [u.is_high_water_mark for u in updates] == [True, True, True, False, True, False]
    assert updates[3].current_indices == {"t": 0, "p": 1, "c": 1, "y": 0, "x": 0}
    assert updates[5].max_coords == {
        "t": range(2),
        "p": ["A", "B"],
        "c": ["DAPI", "GFP"],
        "y": range(8),
        "x": range(9),
    }


def test_new_coordinates_are_told() -> None:
    assert [u.frame_number for u in told("coords_expanded", range(6))] == [0, 1, 2, 4]


def test_what_was_there_before_is_no_news() -> None:
    assert [u.frame_number for u in told("coords_expanded", range(3, 6), 3)] == [4]


def test_nobody_asked_costs_nothing() -> None:
    tracker = CoordTracker(settings())
    tracker.update(0)
    assert not tracker.active
    assert tracker._pool is None


@pytest.mark.parametrize("arguments", [("bogus", print), ("coords_changed", None)])
def test_odd_requests_are_refused(arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"event|callback"):
        CoordTracker(settings()).on(*arguments)


def test_errors_of_callbacks_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))
    tracker = CoordTracker(settings())
    tracker.on("coords_changed", lambda update: 1 / 0)
    tracker.update(0)
    tracker.close()
    assert [type(error) for error in errors] == [ZeroDivisionError]


@given(st.integers(0, 12))
def test_reached_is_what_frames_fill(frames: int) -> None:
    router = FrameRouter(settings(3))
    indices = [router.indices(i) for i in range(frames)]
    expected = [max((i[axis] + 1 for i in indices), default=0) for axis in range(3)]
    assert reached(router, frames, 3) == expected
