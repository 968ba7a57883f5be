"""Whole units are composed and written once, within the budget, and errors arrive."""

from __future__ import annotations

import pickle
import threading
from collections import Counter

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

from iohub.errors import ClosedError, DTypeError, EngineError, ReadOnlyError, ShapeError
from iohub.storage import grid, units
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.zarr_bytes import ZarrBytes

SHAPE, CHUNKS = (3, 10, 13), (1, 4, 5)


class Recorded:
    """A writable array in memory that counts how often each unit is written and how."""

    path = "recorded"

    def __init__(self, shape=SHAPE, chunks=CHUNKS, dtype="u2", fill=0):
        self.spec = ArraySpec.create(shape, dtype, zarr_format=3, chunks=chunks, fill_value=fill)
        self.values = np.full(shape, fill, dtype)
        self.writes: Counter[tuple[int, ...]] = Counter()
        self.partial = 0
        self._lock = threading.Lock()

    def read(self, region, out=None):
        return self.values[region].copy()

    def write(self, region, value):
        with self._lock:
            self.partial += not grid.aligned(region, self.spec.shape, self.spec.unit)
            self.writes.update(grid.units_of(region, self.spec.unit))
            self.values[region] = value


@pytest.fixture
def data():
    return np.random.default_rng(0).integers(1, 60000, SHAPE).astype("u2")


@pytest.fixture
def make(tmp_path):
    def make(name, **options):
        settings_ = {"zarr_format": 3, "chunks": CHUNKS, "dtype": "u2", "shape": SHAPE, **options}
        return ZarrArray.create(LocalBytes(tmp_path), name, ArraySpec.create(**settings_))

    return make


def test_a_plan_is_plain_data_that_covers_once():
    spec = Recorded().spec
    region = (slice(0, 3), slice(4, 10), slice(0, 13))
    plan = units.plan(spec, region, path="A/1/0/0", memory=300)
    seen = np.zeros(SHAPE, int)
    for unit in plan:
        seen[unit.region] += 1
        assert grid.aligned(unit.region, SHAPE, CHUNKS)
    assert (seen[region] == 1).all()
    assert seen.sum() == 3 * 6 * 13
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert len(units.plan(spec)) == 1
    assert plan[0].path == "A/1/0/0"


def blocks(draw_bounds):
    return st.tuples(*(st.tuples(st.integers(0, n), st.integers(0, n)) for n in draw_bounds))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(blocks(SHAPE), max_size=8),
    st.sampled_from([200, 10_000]),
    st.sampled_from([0, 7]),
)
def test_blocks_of_any_shape_and_order(bounds, memory, fill):
    array = Recorded(fill=fill)
    expected = array.values.copy()
    with units.UnitWriter(2) as writer, units.Composer(writer, array, memory) as composer:
        for number, corners in enumerate(bounds, 1):
            region = tuple(slice(min(c), max(c)) for c in corners)
            block = np.full(grid.region_shape(region), number, "u2")
            expected[region] = block
            composer.add(region, block)
            assert composer.pending_bytes <= max(memory, 40)
    np.testing.assert_array_equal(array.values, expected)
    assert array.partial == 0


def test_each_unit_is_written_once_however_it_arrives(data):
    array = Recorded()
    with units.UnitWriter() as writer, units.Composer(writer, array) as composer:
        rows = [(t, y) for t in range(3) for y in range(10)]
        for t, y in np.random.default_rng(1).permutation(rows).tolist():
            region = (slice(t, t + 1), slice(y, y + 1), slice(0, 13))
            composer.add(region, data[region])
        assert composer.pending_bytes == 0
    np.testing.assert_array_equal(array.values, data)
    assert set(array.writes.values()) == {1}


def test_incomplete_units_keep_what_is_in_the_store(make, data):
    array = make("a")
    array[...] = data
    with units.UnitWriter() as writer, units.Composer(writer, array) as composer:
        composer.add((slice(1, 2), slice(2, 6), slice(3, 9)), np.zeros((1, 4, 6), "u2"))
    data[1, 2:6, 3:9] = 0
    np.testing.assert_array_equal(array[...], data)


def test_several_arrays_share_a_writer_and_may_grow(make, data):
    first, second = make("a"), make("b", chunks=(2, 3, 13))
    with units.UnitWriter(2) as writer:
        composers = [units.Composer(writer, array) for array in (first, second)]
        for composer in composers:
            composer.add((slice(0, 3), slice(0, 10), slice(0, 13)), data)
        first.resize((4, 10, 13))
        second.resize((4, 10, 13))
        for composer in composers:
            composer.add((slice(3, 4), slice(0, 10), slice(0, 13)), data[:1])
            composer.finish()
    for array in (first, second):
        np.testing.assert_array_equal(array[...], np.concatenate([data, data[:1]]))


def test_a_block_with_the_wrong_shape_type_or_place():
    array = Recorded()
    region = (slice(0, 1),) * 3
    with units.UnitWriter() as writer, units.Composer(writer, array) as composer:
        with pytest.raises(ShapeError):
            composer.add(region, np.zeros((1, 1, 2), "u2"))
        with pytest.raises(DTypeError):
            composer.add(region, np.full((1, 1, 1), -1))
        with pytest.raises(ShapeError):
            composer.add((slice(3, 4), slice(0, 1), slice(0, 1)), np.zeros((1, 1, 1), "u2"))
        with pytest.raises(ShapeError, match="Composer"):
            writer.put(array, region, np.zeros((1, 1, 1), "u2"))
        with pytest.raises(ShapeError, match="data of shape"):
            writer.put(array, (slice(0, 3), slice(0, 10), slice(0, 13)), np.zeros(SHAPE[1:], "u2"))


def test_the_budget_holds_back_the_caller():
    gate, started = threading.Event(), threading.Event()
    writer = units.UnitWriter(1, memory=100)
    order = []

    def slow():
        started.set()
        gate.wait(10)
        order.append("written")

    writer.submit(80, slow)
    started.wait(10)

    def more():
        writer.submit(80, order.append, "second")

    caller = threading.Thread(target=more)
    caller.start()
    caller.join(0.05)
    assert caller.is_alive()
    assert writer.in_flight == 80
    gate.set()
    caller.join(10)
    writer.close()
    assert order == ["written", "second"]
    assert writer.in_flight == 0


def test_a_piece_larger_than_the_budget_is_written_alone(data):
    array = Recorded(chunks=SHAPE)
    with units.UnitWriter(2, memory=10) as writer:
        writer.put(array, grid.full(SHAPE), data)
    np.testing.assert_array_equal(array.values, data)


def fail():
    raise OSError(28, "No space left on device")


def test_an_error_reaches_the_caller_and_drops_what_waits():
    done = []
    gate = threading.Event()

    def first():
        gate.wait(10)
        fail()

    writer = units.UnitWriter(1, memory=10_000)
    writer.submit(1, first)
    for number in range(20):
        writer.submit(1, done.append, number)
    gate.set()
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    with pytest.raises(OSError, match="No space"):
        writer.submit(1, done.append, 0)
    with pytest.raises(OSError, match="No space"):
        writer.close()
    assert done == []
    writer.close()


def test_leaving_by_an_exception_drops_what_waits():
    done = []
    gate = threading.Event()

    def interrupted():
        with units.UnitWriter(1) as writer:
            writer.submit(1, gate.wait, 10)
            for number in range(20):
                writer.submit(1, done.append, number)
            threading.Timer(0.05, gate.set).start()
            raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="own"):
        interrupted()
    assert len(done) < 20


def test_a_closed_writer_says_so():
    writer = units.UnitWriter()
    writer.close()
    with pytest.raises(ClosedError):
        writer.submit(1, print)
    with pytest.raises(ShapeError):
        units.UnitWriter(0)


class Sliceable:
    """What h5py, a memory map or a reader offers: a shape and slicing."""

    def __init__(self, values):
        self.values, self.asked = values, []

    shape = property(lambda self: self.values.shape)

    def __getitem__(self, key):
        self.asked.append(key)
        return self.values[key].tolist()


@pytest.mark.parametrize("wrap", [np.asarray, Sliceable, lambda v: da.from_array(v, (2, 7, 7))])
def test_anything_that_slices_can_be_written(make, data, wrap):
    array, seen = make("a"), []
    units.write_array(array, wrap(data), progress=seen.append)
    np.testing.assert_array_equal(array[...], data)
    assert sum(seen) == data.size


def test_an_array_as_a_source(make, data):
    source, target = make("a"), make("b", chunks=(3, 5, 4))
    source[...] = data
    units.write_array(target, source)
    np.testing.assert_array_equal(target[...], data)


def test_a_source_is_asked_in_pieces(data):
    array, source = Recorded(), Sliceable(data)
    with units.UnitWriter(1, memory=100) as writer:
        units.write_array(array, source, writer=writer)
    assert len(source.asked) == 3 * 3 * 3
    assert set(array.writes.values()) == {1}


def test_into_a_region_that_is_not_aligned(make, data):
    array = make("a")
    array[...] = 7
    region = (slice(1, 3), slice(3, 9), slice(2, 12))
    units.write_array(array, data[region], region=region)
    expected = np.full(SHAPE, 7, "u2")
    expected[region] = data[region]
    np.testing.assert_array_equal(array[...], expected)


def test_wrong_sources_change_nothing(data):
    array = Recorded()
    with pytest.raises(ShapeError, match="data of shape"):
        units.write_array(array, data[:, 1:])
    bad = data.astype("i8")
    bad[-1, -1, -1] = -1
    with pytest.raises(DTypeError, match="from -1"), units.UnitWriter(memory=100) as writer:
        units.write_array(array, bad, writer=writer)
    assert not array.writes


# copies


@pytest.mark.parametrize("encoded", ["auto", "never", "copy", "hardlink"])
@pytest.mark.parametrize("target", [{}, {"zarr_format": 2, "separator": "."}])
def test_copy_of_equal_encoding(make, data, encoded, target):
    source, copy = make("a"), make("b", **target)
    source[:2] = data[:2]
    copy[...] = 9
    units.copy(source, copy, encoded=encoded)
    np.testing.assert_array_equal(copy[...], source[...])
    assert copy.encoded((2, 0, 0)) is None
    if encoded != "never":
        assert copy.encoded((0, 0, 0)) == source.encoded((0, 0, 0))
    copy[0, 0, 0] = 1  # a link is replaced, never written through
    assert source[0, 0, 0] == data[0, 0, 0]


@pytest.mark.parametrize(
    "options", [{"chunks": (3, 10, 5)}, {"shards": (3, 12, 15)}, {"dtype": "f4"}]
)
def test_copy_to_another_encoding(make, data, options):
    source, target = make("a"), make("b", **options)
    source[...] = data
    units.copy(source, target)
    np.testing.assert_array_equal(target[...], data)
    for how in ("copy", "hardlink"):
        with pytest.raises(EngineError, match="differ in data type"):
            units.copy(source, target, encoded=how)


def test_copy_of_a_region(make, data):
    source, target = make("a"), make("b", shape=(4, 10, 20))
    source[...] = data
    aligned = (slice(1, 3), slice(4, 10), slice(0, 10))
    units.copy(source, target, region=aligned, encoded="copy")
    border = (slice(0, 1), slice(0, 10), slice(0, 13))
    with pytest.raises(EngineError, match="whole units"):
        units.copy(source, target, region=border, encoded="copy")
    units.copy(source, target, region=border)
    expected = np.zeros((4, 10, 20), "u2")
    for region in (aligned, border):
        expected[region] = data[region]
    np.testing.assert_array_equal(target[...], expected)


def test_copy_between_memory_and_disk(make, data):
    store = ZarrBytes(MemoryStore())
    source = make("a")
    source[...] = data
    target = ZarrArray.create(store, "b", source.spec)
    units.copy(source, target)
    np.testing.assert_array_equal(target[...], data)
    with pytest.raises(EngineError, match="local"):
        units.copy(source, target, encoded="hardlink")


def test_copy_refuses(make, tmp_path):
    source = make("a")
    with pytest.raises(ShapeError):
        units.copy(source, make("b", shape=(3, 10, 14)))
    source[...] = 70
    closed = ZarrArray(LocalBytes(tmp_path, True), "c", make("c").spec)
    with pytest.raises(ReadOnlyError):
        units.copy(source, closed)
    source[...] = 300
    with pytest.raises(DTypeError):
        units.copy(source, make("d", dtype="u1"))


@pytest.mark.parametrize("chunks", [(1, 4, 5), (2, 4, 5)])
@pytest.mark.parametrize("order", [[2, 0], [0, 1, None, 2], [None, 2, 2, 1, 0], []])
def test_positions_of_an_axis_chosen_anew(make, data, chunks, order):
    source = make("a", chunks=chunks)
    source[...] = data
    target = make("b", shape=(len(order), *SHAPE[1:]), chunks=chunks)
    units.copy_axis(source, target, 0, order)
    expected = np.zeros(target.shape, "u2")
    for position, origin in enumerate(order):
        if origin is not None:
            expected[position] = data[origin]
    np.testing.assert_array_equal(target[...], expected)


def test_positions_that_do_not_exist(make):
    source = make("a")
    for order, shape in (([3], (1, 10, 13)), ([0, 1], (1, 10, 13))):
        with pytest.raises(ShapeError):
            units.copy_axis(source, make(f"b{len(order)}", shape=shape), 0, order)
