from __future__ import annotations

import warnings

import pytest

from iohub.errors import MissingFramesWarning
from iohub.formats.frame_grid import FrameGrid, warn_missing, without_gaps


@pytest.mark.parametrize(
    ("values", "first", "wanted"),
    [
        ([0, 1, 3], None, [0, 1, 2, 3]),
        ([2, 3], 0, [0, 1, 2, 3]),
        ([5], 0, [5]),
        ([-2, 0, -1], None, [-2, -1, 0]),
        ([0, 1000], None, [0, 1000]),
        ([1000, 0, 500], None, [0, 500, 1000]),
        (["b", "a", "b"], None, ["b", "a"]),
        (["b", 1], None, ["b", 1]),
        ([], None, []),
    ],
)
def test_values_between(values: list[int | str], first: int | None, wanted: list[object]) -> None:
    assert without_gaps(values, first) == wanted


def test_shape_and_what_is_missing() -> None:
    grid = FrameGrid({(0, 0, 0): "a", (2, 0, 1): "b", (1, 1, 0): "c"})
    assert grid.shape == (3, 2, 2)
    assert grid.missing == 9
    assert [frame for _, frame in grid.in_order()] == ["a", "c", "b"]


def test_nothing_is_said_of_what_is_complete() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_missing("x", {"a": FrameGrid({(0, 0, 0): 1})})


def test_only_some_are_named() -> None:
    grids = {f"p{number}": FrameGrid({(1, 0, 0): 1}) for number in range(9)}
    with pytest.warns(MissingFramesWarning, match=r"x: 9 of 18 frames .*\('p0': 1.*'p4': 1, …\)"):
        warn_missing("x", grids)
    with pytest.warns(MissingFramesWarning, match=r"7 frames that it names .* \(7 of a.tif\)"):
        warn_missing("x", {}, {"a.tif": 7})
