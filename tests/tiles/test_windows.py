"""Contrast limits of pixels that pass by in parts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.tiles import windows
from iohub.tiles.windows import Sample


@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    size=st.integers(1, 400),
    step=st.integers(1, 60),
    seed=st.integers(0, 9),
)
def test_limits_of_parts_are_those_of_all_pixels(dtype, size, step, seed):
    pixels = np.random.default_rng(seed).integers(0, 250, (1, size)).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_COUNTED", 256)  # some of the parts are counted, some wait
        first, second = Sample("yx", (1, size)), Sample("yx", (1, size))
        for number, start in enumerate(range(0, size, step)):
            region = (slice(0, 1), slice(start, min(size, start + step)))
            (second if number % 3 else first).add(region, pixels[region])
        first.merge(pickle.loads(pickle.dumps(second)))
        (found,) = first.limits()
    expected = [*np.percentile(pixels, (0.1, 99.9)), pixels.min(), pixels.max()]
    assert list(found) == expected


def test_few_pixels_of_a_large_image_are_kept(monkeypatch):
    monkeypatch.setattr(windows, "SAMPLE", 100)
    sample = Sample("cyx", (2, 1000, 1000))
    assert sample.step >= 100
    pixels = np.arange(2_000_000).reshape(2, 1000, 1000).astype("float32")
    sample.add((slice(0, 2), slice(0, 1000), slice(0, 1000)), pixels)
    assert [round(limits.low) for limits in sample.limits()] == [0, 1_000_000]
    assert Sample("yx", (4, 4)).limits() == [None]
