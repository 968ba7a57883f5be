"""Corrections of stage positions: golden layouts, and what holds for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iohub.errors import ArgumentError, NotAGridError, NotTilableError, ShapeError, TilingError
from iohub.tiles import register as steps
from iohub.tiles.layout import TileTable


def _table(corners, size=32, names=None):
    """Return one tile per corner (x, y)."""
    starts = np.zeros((len(corners), 5))
    starts[:, 4] = [x for x, _ in corners]
    starts[:, 3] = [y for _, y in corners]
    sizes = np.broadcast_to(size, (len(corners),))
    lengths = [(1, 1, 1, n, n) for n in sizes]
    return TileTable.of(names or [f"F{i}" for i in range(len(corners))], starts, lengths)


def _xy(table):
    return [(int(x), int(y)) for y, x in table.starts[:, 3:]]


# Layouts of 32-pixel tiles as measured with the public package (tiles.md, section 4).
@pytest.mark.parametrize(
    ("corners", "how", "expected"),
    [
        ([(0, 0), (28, 0)], "auto", [(0, 0), (32, 0)]),
        ([(0, 0), (50, 0)], "grid", [(0, 0), (32, 0)]),
        ([(0, 0), (50, 0)], "corners", [(0, 0), (64, 0)]),
        ([(0, 0), (28, 0), (0, 28)], "grid", [(0, 0), (32, 0), (0, 32)]),
        ([(0, 0), (28, 5), (56, 10)], "auto", [(0, 0), (32, 32), (64, 64)]),
        ([(0, 0), (28, 0), (84, 0)], "auto", [(0, 0), (32, 0), (96, 0)]),
        ([(0, 0), (28, 3), (60, 1)], "inplace", [(0, 0), (28, 3), (60, 1)]),
        ([(100, 50), (128, 50)], "grid", [(0, 0), (32, 0)]),
    ],
)
def test_layouts_are_those_of_the_public_package(corners, how, expected):
    assert _xy(steps.register(_table(corners), tiling=how)) == expected


def test_a_jittered_grid_is_a_grid_within_the_tolerance():
    corners = [(x + dx, y - dx) for x in (0, 95) for y in (0, 96) for dx in (0.6,)]
    corners[1] = (corners[1][0] - 1.2, corners[1][1])
    expected = [(0, 0), (0, 100), (100, 0), (100, 100)]
    assert _xy(steps.register(_table(corners, 100), tiling="grid", tolerance=5)) == expected
    irregular = [(0, 0), (95, 0), (193, 0)]
    with pytest.raises(NotAGridError, match=r"95 pixels|96\.5 pixels"):
        steps.register(_table(irregular, 100), tiling="grid", tolerance=1)
    steps.register(_table(irregular, 100), tiling="grid", tolerance=2)


def test_two_on_one_cell_are_an_error_that_names_both():
    with pytest.raises(TilingError, match=r"'F0' \(x=0, y=0\).*'F1' \(x=1, y=0\)"):
        steps.register(_table([(0, 0), (1, 0), (28, 0)]), tiling="grid", tolerance=2)


def test_tiles_of_different_sizes_can_only_stay():
    table = _table([(0, 0), (28, 0)], [32, 30])
    with pytest.raises(NotTilableError, match=r"'F0'.*32 × 32.*'F1'.*30 × 30.*Inplace"):
        steps.register(table)
    assert _xy(steps.register(table, tiling="inplace")) == [(0, 0), (28, 0)]


def test_tiles_of_one_field_of_view_move_together():
    starts = [(0, 0, z, 0, x) for x in (0, 28) for z in (0, 1)]
    table = TileTable.of(["A", "A", "B", "B"], starts, [(1, 1, 1, 32, 32)] * 4)
    assert _xy(steps.register(table)) == [(0, 0), (0, 0), (32, 0), (32, 0)]


def test_a_repeated_name_is_not_stacked():
    table = _table([(0, 0), (28, 0)], names=["A", "A"])
    with pytest.raises(TilingError, match=r"same plane.*name of its own"):
        steps.register(table)
    assert _xy(steps.register(table, remove_jitter=False, tiling="inplace")) == [(0, 0), (28, 0)]


def test_jitter_moves_planes_to_the_first():
    starts = [(0, 0, 0, 5, 5), (0, 0, 1, 6, 4)]
    table = TileTable.of(["A", "A"], starts, [(1, 1, 1, 8, 8)] * 2)
    assert _xy(steps.remove_xy_jitter(table)) == [(5, 5), (5, 5)]


def test_ends_are_rounded_so_that_what_touched_touches():
    starts = np.zeros((2, 5))
    starts[:, 4] = 0.4, 10.6
    lengths = [(1, 1, 1, 10, 10.2), (1, 1, 1, 10, 10.2)]
    for mode in ("round", "floor", "ceil"):
        made = steps.align_to_pixel_grid(TileTable.of(["A", "B"], starts, lengths), mode)
        assert made.stops[0, 4] == made.starts[1, 4]
    with pytest.raises(ArgumentError, match="no rounding 'nearest'"):
        steps.align_to_pixel_grid(made, "nearest")


def test_offsets():
    starts = [(3, 0, 2, 7, -4), (3, 0, 5, 9, 1)]
    table = TileTable.of(["A", "B"], starts, [(1, 1, 1, 4, 4)] * 2)
    assert steps.remove_offset(table, "zyx").starts[:, 2:].tolist() == [[0, 0, 0], [3, 2, 5]]
    assert steps.remove_offset(table, "z", "per-fov").starts[:, 2].tolist() == [0, 0]
    assert steps.remove_offset(table, "zy", "keep").starts.tolist() == table.starts.tolist()
    with pytest.raises(TilingError, match=r"'A'.*below 0 along x"):
        steps.remove_offset(table, "x", "keep")
    with pytest.raises(ArgumentError, match="no way 'none'"):
        steps.remove_offset(table, "x", "none")


def test_channels_are_numbered_anew():
    starts = [(0, c, 0, 0, 0) for c in (1, 4)]
    table = TileTable.of(["A", "A"], starts, [(1, 2, 1, 4, 4), (1, 1, 1, 4, 4)])
    made, kept = steps.reindex_channels(table)
    assert made.starts[:, 1].tolist() == [0, 2]
    assert kept == (1, 2, 4)


@pytest.mark.parametrize(
    ("start", "length", "says"),
    [(np.nan, 1, "cannot start at nan"), (0, 0, "length 0"), (0, -2, "length -2")],
)
def test_numbers_that_make_no_sense(start, length, says):
    with pytest.raises(ShapeError, match=says):
        TileTable.of(["A"], [(0, 0, 0, 0, start)], [(1, 1, 1, 1, length)])


def test_no_tile_is_an_error():
    with pytest.raises(ShapeError, match="there is no tile"):
        TileTable.of([], np.zeros((0, 5)), np.zeros((0, 5)))


def _greedy(corners, size):
    """Return what the public package's corners are, the long way: tile by tile over all points."""
    origin = corners.min(axis=0)
    counts = [int(np.ceil(span / size)) + 2 for span in (corners - origin).max(axis=0)]
    while np.prod(counts) < len(corners):
        counts = [n + 1 for n in counts]
    points = [(j * size, i * size) for i in range(counts[1]) for j in range(counts[0])]
    free, found = np.array(points, float), []
    for y, x in corners - origin:
        nearest = int(np.argmin(np.hypot(free[:, 1] - x, free[:, 0] - y)))
        found.append(tuple(free[nearest]))
        free = np.delete(free, nearest, axis=0)
    return [(x, y) for y, x in found]


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=2, max_size=20),
    st.sampled_from([8, 16, 25]),
)
def test_corners_are_the_nearest_free_ones_in_order(corners, size):
    made = steps.tile(_table(corners, size), "corners")
    origin = np.array(corners).min(axis=0)
    placed = made.starts[:, [4, 3]] - origin
    expected = np.array(_greedy(np.array([(y, x) for x, y in corners], float), size))
    assert placed.tolist() == expected.tolist()
    assert len({tuple(p) for p in placed.tolist()}) == len(corners)


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.floats(5, 60),
    st.floats(0, 0.45),
    st.integers(0, 2**31),
)
@example(4, 3, 5.0, 0.375, 0)  # the median of the steps is far from their mean
def test_no_tile_of_a_grid_is_lost(rows, columns, step, jitter, seed):
    moved = np.random.default_rng(seed).uniform(-jitter, jitter, (rows * columns, 2))
    corners = [
        (c * step + moved[r * columns + c, 0], r * step + moved[r * columns + c, 1])
        for r in range(rows)
        for c in range(columns)
    ]
    made = steps.tile(_table(corners), "grid", tolerance=2)
    low = np.array(corners).min(axis=0)
    cells = {tuple(np.rint((xy - low) / 32)) for xy in made.starts[:, [4, 3]]}
    assert cells == {(c, r) for r in range(rows) for c in range(columns)}


def test_many_tiles_are_placed_at_once():
    """50,000 tiles take no Python step each where they lie on a grid."""
    side = 224
    grid = [(x * 900.0, y * 900.0) for x in range(side) for y in range(side)]
    made = steps.register(_table(grid, 1000))
    assert len(made) > 50_000
    assert made.starts[:, 3:].max() == (side - 1) * 1000
