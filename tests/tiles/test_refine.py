"""Corrections of positions by pixels, and contrast limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from iohub.errors import ArgumentError, TilingError
from iohub.tiles.layout import TileTable
from iohub.tiles.refine import refine
from iohub.tiles.register import register
from iohub.tiles.windows import Sample, window
from tests.tiles.loading import Memory


def _stage(errors, seed=0):
    """Return tiles of a scene whose stage was off by some pixels, and where they truly were."""
    rng = np.random.default_rng(seed)
    scene = (gaussian_filter(rng.random((420, 420)), 1.5) * 10000).astype("u2")
    names, starts, true, loaders = [], [], [], []
    for number, (dy, dx) in enumerate(errors):
        y, x = 20 + 100 * (number // 2), 20 + 100 * (number % 2)
        names.append(f"F{number}")
        starts.append((0, 0, 0, y, x))
        true.append((y + dy, x + dx))
        noise = rng.integers(0, 60, (140, 140)).astype("u2")
        loaders.append(Memory(scene[y + dy : y + dy + 140, x + dx : x + dx + 140] + noise))
    table = TileTable.of(names, starts, [(1, 1, 1, 140, 140)] * len(names))
    return register(table, tiling="inplace"), np.array(true), loaders


def test_errors_of_the_stage_are_found_and_reported():
    errors = [(0, 0), (3, -5), (-6, 2), (4, 4), (0, 6), (-2, -3)]
    table, true, loaders = _stage(errors)
    found = refine(table, loaders)
    placed = found.table.starts[:, 3:]
    assert (placed - placed[0]).tolist() == (true - true[0]).tolist()
    assert found.corrections.keys() == set(table.fov_names)
    assert all(pair.used and pair.similarity > 0.9 for pair in found.pairs)
    assert f"{len(found.pairs)} of {len(found.pairs)} overlaps used" in str(found)
    assert [loader.loads for loader in loaders] == [1] * len(loaders)


def test_shifts_beyond_the_bound_are_not_believed():
    table, _, loaders = _stage([(0, 0), (0, -12)])
    assert refine(table, loaders).pairs[0].shift == (0, -12)
    kept = refine(table, loaders, max_shift=10)
    assert not kept.pairs[0].used
    assert kept.table.starts.tolist() == table.starts.tolist()


def test_overlaps_that_are_not_alike_are_not_believed():
    table, _, loaders = _stage([(0, 0), (2, -3)])
    loaders[1] = Memory(np.random.default_rng(5).integers(0, 900, (140, 140), np.uint16))
    kept = refine(table, loaders)
    assert not kept.pairs[0].used
    assert kept.table.starts.tolist() == table.starts.tolist()
    loaders[1] = Memory(np.zeros((140, 140), np.uint16))
    assert refine(table, loaders).pairs == ()


def test_wrong_arguments():
    table, _, loaders = _stage([(0, 0), (2, -3)])
    with pytest.raises(ArgumentError, match="max_shift"):
        refine(table, loaders, max_shift=0)
    with pytest.raises(TilingError, match="channel 3"):
        refine(table, loaders, channel=3)


def test_limits_do_not_depend_on_the_order_of_pixels():
    pixels = np.random.default_rng(0).normal(100, 20, (2, 64, 48)).astype("f4")
    pixels[0, 3, 3] = np.nan
    whole, parts = Sample("cyx", pixels.shape), Sample("cyx", pixels.shape)
    whole.add((slice(0, 2), slice(0, 64), slice(0, 48)), pixels)
    for region in (
        (slice(1, 2), slice(0, 64), slice(0, 48)),
        (slice(0, 1), slice(32, 64), slice(0, 48)),
        (slice(0, 1), slice(0, 32), slice(0, 48)),
    ):
        parts.add(region, pixels[region])
    assert whole.limits() == parts.limits()
    low, high = np.nanpercentile(pixels[0], (0.1, 99.9))
    assert whole.limits()[0][:2] == (low, high)


def test_of_large_images_a_part_is_looked_at_that_is_the_same_for_any_chunks():
    shape = (1, 3000, 1600)
    pixels = np.random.default_rng(0).integers(0, 60000, shape, np.uint16)
    found = []
    for cut in (700, 999, 3000):
        sample = Sample("cyx", shape)
        for start in range(0, 3000, cut):
            part = slice(start, min(start + cut, 3000))
            sample.add((slice(0, 1), part, slice(0, 1600)), pixels[:, part])
        assert sample.step == 3
        found.append(sample.limits())
    assert found[0] == found[1] == found[2]
    assert found[0][0].end == pytest.approx(np.percentile(pixels, 99.9), rel=0.01)


def test_windows_of_one_value_and_of_nothing():
    blank = Sample("yx", (4, 4))
    assert blank.limits() == [None]
    blank.add((slice(0, 4), slice(0, 4)), np.full((4, 4), 7, np.uint8))
    (limits,) = blank.limits()
    assert window(limits, np.dtype("u1")) == {"start": 7, "end": 8, "min": 0, "max": 255}
    assert window(limits, np.dtype("f4")) == {"start": 7, "end": 8, "min": 7, "max": 8}
