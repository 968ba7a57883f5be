"""Building levels on arrays in memory: what is made, what is read, in which order, at what cost."""

from __future__ import annotations

import itertools
import math
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iohub.errors import PyramidError, ShapeError
from iohub.pyramids.build import Stage, build, plan_stages
from iohub.pyramids.plan import METHODS, LevelPlan, max_levels, plan_levels
from iohub.pyramids.reduce import SLAB_BYTES, reduce
from iohub.storage.group import create_group
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.units import UnitWriter


class MemoryArray:
    """The array protocol over NumPy; notes what is asked of it."""

    path = "memory"

    def __init__(self, pixels, chunks, shards=None):
        self.pixels = pixels
        self.spec = ArraySpec.create(
            pixels.shape, pixels.dtype, zarr_format=3, chunks=chunks, shards=shards
        )
        self.reads, self.writes = [], []
        self.lock = threading.Lock()

    def read(self, region, out=None):
        with self.lock:
            self.reads.append(region)
        if out is None:
            return self.pixels[region].copy()
        out[...] = self.pixels[region]
        return out

    def write(self, region, value):
        with self.lock:
            self.writes.append(region)
        self.pixels[region] = value

    def decoded(self):
        """How often each chunk was touched by reading."""
        grid = [-(-n // c) for n, c in zip(self.spec.shape, self.spec.chunks, strict=True)]
        count = np.zeros(grid, int)
        for region in self.reads:
            count[
                tuple(
                    slice(s.start // c, -(-s.stop // c))
                    for s, c in zip(region, self.spec.chunks, strict=True)
                )
            ] += 1
        return count


def make(pixels, levels, chunks, shards=None, **kwargs):
    axes = "tczyx"[-pixels.ndim :]
    plans = plan_levels(
        pixels.shape, axes, (1,) * pixels.ndim, None, levels, chunks=chunks, shards=shards, **kwargs
    )
    source = MemoryArray(pixels, chunks, shards)
    targets = [
        MemoryArray(np.full(plan.shape, 77, pixels.dtype), plan.chunks, plan.shards)
        for plan in plans[1:]
    ]
    return source, targets, plans


def cascade(pixels, plans, method="mean"):
    levels = []
    for plan in plans[1:]:
        pixels = reduce(pixels, plan.factors, method)
        levels.append(pixels)
    return levels


def noise(shape, dtype="u2"):
    return np.random.default_rng(5).integers(0, 200, shape).astype(dtype)


def check(source, targets, plans, method="mean"):
    for target, expected in zip(targets, cascade(source.pixels, plans, method), strict=True):
        np.testing.assert_array_equal(target.pixels, expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shards", [None, (1, 1, 8, 32, 32)], ids=["chunks", "shards"])
def test_levels_are_the_cascade_of_level_zero(method, shards):
    made = make(noise((2, 3, 13, 70, 51)), 4, (1, 1, 4, 16, 16), shards, method=method)
    build(*made, method)
    check(*made, method)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 24)] * 3),
    chunks=st.tuples(*[st.integers(1, 11)] * 3),
    factors=st.tuples(*[st.integers(1, 4)] * 3),
    levels=st.integers(2, 5),
    memory=st.sampled_from([1, 600, 5000, 1 << 20]),
    workers=st.integers(1, 3),
)
def test_any_shape_chunk_factor_and_budget(shape, chunks, factors, levels, memory, workers):
    if set(factors) == {1}:
        factors = (1, 1, 2)
    downscale = dict(zip("zyx", factors, strict=True))
    levels = min(levels, max_levels(shape, "zyx", downscale=downscale))
    made = make(noise(shape, "i2"), levels, chunks, downscale=downscale)
    build(*made, memory=memory, workers=workers)
    check(*made)


def test_every_chunk_of_level_zero_is_decoded_once():
    source, targets, plans = make(noise((2, 2, 32, 64, 96)), 4, (1, 1, 8, 16, 16))
    build(source, targets, plans)
    assert source.decoded().max() == 1
    assert not any(target.reads for target in targets)


def test_every_unit_is_written_once():
    shards = (1, 16, 32, 32)
    source, targets, plans = make(noise((2, 32, 70, 90)), 3, (1, 8, 16, 16), shards)
    build(source, targets, plans, memory=1 << 15)
    for target in targets:
        written = np.zeros(target.spec.shape, int)
        for region in target.writes:
            written[region] += 1
        assert (written == 1).all()
        for region in target.writes:
            for part, unit, size in zip(region, target.spec.unit, target.spec.shape, strict=True):
                assert part.start % unit == 0
                assert part.stop % unit == 0 or part.stop == size


def test_deep_pyramids_of_thin_chunks_go_by_stages():
    source, targets, plans = make(noise((64, 64, 64)), 6, (1, 64, 64))
    specs = [source.spec, *(target.spec for target in targets)]
    memory = 2 * 8 * 64 * 64 * 2
    stages = plan_stages(specs, plans[1:], memory)
    assert [(stage.source, len(stage.plans)) for stage in stages] == [(0, 3), (3, 2)]
    assert stages[0].step == (8, 64, 64)
    build(source, targets, plans, memory=memory)
    check(source, targets, plans)
    assert source.decoded().max() == 1
    # Only the last level of a stage is read again.
    assert [bool(target.reads) for target in targets] == [False, False, True, False, False]


def test_odd_chunks_larger_than_the_budget_are_read_in_pieces():
    source, targets, plans = make(noise((9, 63, 63)), 3, (3, 21, 21))
    build(source, targets, plans, memory=1)
    check(source, targets, plans)


def test_regions_are_visited_so_that_units_fill_up():
    shape, unit = (64, 64), (4, 4)
    plans = plan_levels(shape, "yx", (1, 1), None, 4)[1:]
    stage = Stage(0, plans, unit)
    regions = stage.regions(shape, [unit] * 3, (slice(0, 64), slice(0, 64)))
    assert len(regions) == 256
    for factors, wanted in zip(stage.totals, (256 // 4, 256 // 16, 256 // 64), strict=True):
        cell = [f * u for f, u in zip(factors, unit, strict=True)]
        owners = [
            tuple(s.start // c for s, c in zip(region, cell, strict=True)) for region in regions
        ]
        assert len(list(itertools.groupby(owners))) == wanted


def test_small_images_are_read_many_at_a_time():
    source, targets, plans = make(noise((50, 2, 1, 16, 16)), 2, (1, 1, 1, 16, 16))
    build(source, targets, plans)
    check(source, targets, plans)
    assert len(source.reads) == 1


def test_only_what_depends_on_a_region_is_made_again():
    source, targets, plans = make(noise((1, 2, 16, 64, 64)), 3, (1, 1, 4, 16, 16))
    build(source, targets, plans)
    source.reads.clear()
    changed = (slice(0, 1), slice(1, 2), slice(3, 6), slice(17, 18), slice(40, 64))
    source.pixels[changed] += 500
    for target in targets:
        target.writes.clear()
    build(source, targets, plans, region=changed)
    check(source, targets, plans)
    assert sum(math.prod(s.stop - s.start for s in region) for region in source.reads) == 8 * 4 * 24
    assert all(region[1].start == 1 for target in targets for region in target.writes)


@pytest.mark.parametrize("chunks", [(8, 64, 64), (1, 256, 256), (64, 256, 256)], ids=str)
def test_memory_is_about_the_budget(chunks):
    pixels = noise((64, 256, 256))
    source, targets, plans = make(pixels, 4, chunks)
    build(source, targets, plans, workers=2)
    memory = 2 << 20
    tracemalloc.start()
    try:
        build(source, targets, plans, memory=memory, workers=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    check(source, targets, plans)
    chunk = math.prod(chunks) * pixels.itemsize
    assert peak < 1.5 * max(memory, chunk) + 8 * SLAB_BYTES


@pytest.mark.parametrize("method", ["mean", "mode"])
@pytest.mark.parametrize(
    ("zarr_format", "shards"),
    [(2, None), (3, None), (3, (1, 1, 16, 32, 48))],
    ids=["v2", "v3", "v3-sharded"],
)
def test_arrays_on_disk(tmp_path, zarr_format, shards, method):
    pixels, chunks = noise((2, 2, 19, 50, 70), ">u2"), (1, 1, 8, 16, 16)
    plans = plan_levels(
        pixels.shape, "tczyx", (1,) * 5, None, 4, chunks=chunks, shards=shards, method=method
    )
    group = create_group(LocalBytes(tmp_path), "", zarr_format)
    arrays = [
        group.create_array(
            f"level {plan.index}",
            ArraySpec.create(
                plan.shape,
                pixels.dtype,
                zarr_format=zarr_format,
                chunks=plan.chunks,
                shards=plan.shards,
            ),
        )
        for plan in plans
    ]
    arrays[0].write(tuple(slice(0, n) for n in pixels.shape), pixels)
    build(arrays[0], arrays[1:], plans, method, memory=1 << 17)
    for array, expected in zip(arrays[1:], cascade(pixels, plans, method), strict=True):
        found = array.read(tuple(slice(0, n) for n in array.spec.shape))
        np.testing.assert_array_equal(found, expected)


def test_a_writer_can_be_shared_and_is_left_open():
    with UnitWriter(workers=1, memory=1 << 20) as writer:
        for dtype in ("u1", "f4"):
            made = make(noise((9, 40, 40), dtype), 3, (4, 16, 16))
            build(*made, writer=writer)
            check(*made)


def test_progress_ends_at_the_total():
    source, targets, plans = make(noise((40, 40)), 3, (8, 8))
    seen = []
    build(source, targets, plans, memory=256, progress=lambda *at: seen.append(at))
    done, totals = zip(*seen, strict=True)
    assert set(totals) == {done[-1]}
    assert list(done) == sorted(done)


@pytest.mark.parametrize("after", [0, 5])
def test_an_error_of_reading_reaches_the_caller(after):
    source, targets, plans = make(noise((64, 64)), 3, (8, 8))
    read = source.read

    def broken(region, out=None):
        if len(source.reads) >= after:
            raise OSError("no more")
        return read(region)

    source.read = broken
    before = threading.active_count()
    with pytest.raises(OSError, match="no more"):
        build(source, targets, plans, memory=512)
    assert threading.active_count() == before


def test_an_error_of_writing_reaches_the_caller():
    source, targets, plans = make(noise((64, 64)), 3, (8, 8))

    def full(region, value):
        raise OSError("disk full")

    targets[1].write = full
    before = threading.active_count()
    with pytest.raises(OSError, match="disk full"):
        build(source, targets, plans, memory=512)
    assert threading.active_count() == before


def test_nothing_is_written_when_plans_and_arrays_do_not_match():
    source, targets, plans = make(noise((8, 8)), 3, (4, 4))
    complex_source, complex_targets, _ = make(noise((8, 8), "c8"), 3, (4, 4))
    with pytest.raises(PyramidError, match="1 arrays were given for 2 planned levels"):
        build(source, targets[:1], plans)
    with pytest.raises(PyramidError, match="its array is"):
        build(source, targets[::-1], plans)
    with pytest.raises(PyramidError, match="levels share a dtype"):
        build(source, complex_targets, plans)
    with pytest.raises(PyramidError, match="no meaning for complex64"):
        build(complex_source, complex_targets, plans, "max")
    with pytest.raises(PyramidError, match="unknown pyramid method"):
        build(source, targets, plans, "average")
    with pytest.raises(ShapeError):
        build(source, targets, plans, region=(slice(0, 9), slice(0, 8)))
    assert not any(target.writes for target in (*targets, *complex_targets))


def test_no_time_points_yet():
    source, targets, plans = make(noise((0, 8, 8)), 2, (1, 4, 4), downscale="yx")
    build(source, targets, plans)
    assert not source.reads
    assert not targets[0].writes


def test_one_level_needs_nothing():
    source, targets, plans = make(noise((8, 8)), 1, (4, 4))
    build(source, targets, plans)
    assert not source.reads


@pytest.mark.parametrize(
    ("chunk", "below", "step"),
    [
        ((1, 1024, 1024), (1, 1024, 1024), (1, 2048, 8192)),  # 2 MiB: some at a time
        ((1, 2048, 2048), (1, 2048, 2048), (1, 2048, 2048)),  # 8 MiB: each for itself
        ((1, 2048, 2048), (1, 1024, 1024), (1, 2048, 2048)),
        ((1, 2048, 2048), (1, 2048, 4096), (1, 2048, 8192)),  # a unit below needs two
    ],
)
def test_large_chunks_are_read_one_by_one(chunk, below, step):
    shape = (2, 4096, 8192)
    specs = [
        ArraySpec.create(shape, "u2", zarr_format=3, chunks=chunks) for chunks in (chunk, below)
    ]
    copied = LevelPlan(1, shape, (1, 1, 1), (1.0,) * 3, (0.0,) * 3)
    assert plan_stages(specs, [copied]) == (Stage(0, (copied,), step),)
