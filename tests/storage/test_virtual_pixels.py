"""Pixels of files that are not Zarr: NumPy's results over any grid of chunks, by every engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from iohub.errors import EngineError, ForkError, ShapeError
from iohub.storage import engines, forks, settings
from iohub.storage.array import ZarrArray
from iohub.storage.grid import full
from iohub.storage.local import LocalBytes
from iohub.storage.virtual_pixels import ENGINE
from tests.storage.virtual_files import FrozenReader, MappedReader, Reader, store

ENGINES = [None, "zarr-python"]
KINDS = [Reader, FrozenReader, MappedReader]


def opened(reader, engine=None) -> ZarrArray:
    return ZarrArray.load(store(a=reader), "a", 3, engine)


@st.composite
def grids(draw):
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=4, max_side=7))
    chunks = tuple(draw(st.integers(1, size + 2)) for size in shape)
    pixels = np.arange(np.prod(shape), dtype="u2").reshape(shape)
    return draw(st.sampled_from(KINDS))(pixels, chunks)


@given(reader=grids(), engine=st.sampled_from(ENGINES), data=st.data())
def test_regions_are_numpys(reader, engine, data):
    array, pixels = opened(reader, engine), reader.pixels
    key = data.draw(arrays.basic_indices(reader.shape, allow_newaxis=True))
    np.testing.assert_array_equal(array[key], pixels[key])
    assert np.shape(array[key]) == np.shape(pixels[key])


@given(reader=grids(), engine=st.sampled_from(ENGINES), data=st.data())
def test_outer_products_are_numpys(reader, engine, data):
    lines = tuple(
        data.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=6))
        for size in reader.shape
    )
    found = opened(reader, engine).oindex[lines]
    np.testing.assert_array_equal(found, reader.pixels[np.ix_(*map(np.array, lines))])


@given(reader=grids(), engine=st.sampled_from(ENGINES), data=st.data())
def test_points_are_numpys(reader, engine, data):
    count = data.draw(st.integers(1, 9))
    points = tuple(
        np.array(data.draw(st.lists(st.integers(-n, n - 1), min_size=count, max_size=count)))
        for n in reader.shape
    )
    np.testing.assert_array_equal(opened(reader, engine).vindex[points], reader.pixels[points])
    mask = data.draw(arrays.arrays(bool, reader.shape))
    np.testing.assert_array_equal(opened(reader, engine)[mask], reader.pixels[mask])


@given(reader=grids(), data=st.data())
def test_tensorstore_is_numpys(reader, data):
    handle = opened(reader).tensorstore()
    assert handle.chunk_layout.read_chunk.shape == reader.chunks
    assert handle.domain.labels == tuple("tczyx"[-len(reader.shape) :])
    starts = [data.draw(st.integers(0, size)) for size in reader.shape]
    stops = [data.draw(st.integers(a, n)) for a, n in zip(starts, reader.shape, strict=True)]
    key = tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
    np.testing.assert_array_equal(handle[key].read().result(), reader.pixels[key])
    if reader.pixels.size:
        with pytest.raises(ValueError, match="writing"):
            handle[...].write(0).result()


def test_tensorstore_takes_options():
    array = opened(Reader(np.zeros((2, 2)), (1, 2)))
    assert array.tensorstore(dimension_units=["1s", None]).dimension_units[0].to_json() == [1, "s"]


def test_tensorstore_in_a_forked_child(monkeypatch):
    array = opened(Reader(np.zeros((2, 2)), (1, 2)))
    monkeypatch.setitem(forks._used_in, "tensorstore", -1)
    with pytest.raises(ForkError):
        array.tensorstore()


def test_the_engine():
    array = opened(Reader(np.zeros((2, 2)), (1, 2)))
    assert array.engine_name == "file"
    assert opened(Reader(np.zeros((2, 2)), (1, 2)), "zarr-python").engine_name == "zarr-python"
    for name in ("tensorstore", "zarrs"):
        with pytest.raises(EngineError, match="local directories"):
            _ = opened(Reader(np.zeros((2, 2)), (1, 2)), name).engine_name
    assert "file" not in engines.engine_names()


def test_the_engine_opens_nothing_else(tmp_path):
    array = opened(Reader(np.zeros((2, 2)), (1, 2)))
    assert "other formats" in ENGINE.refuses(LocalBytes(tmp_path), array.spec)
    for where, path in ((LocalBytes(tmp_path), "a"), (array.store, "nothing")):
        with pytest.raises(EngineError, match="no pixels at"):
            ENGINE.open(where, path, array.spec)
    pixels = ENGINE.open(array.store, "a", array.spec)
    for write in (pixels.write, pixels.write_orthogonal, pixels.write_points):
        with pytest.raises(EngineError, match="only be read"):
            write(full((2, 2)), np.zeros((2, 2)))


def test_each_chunk_is_decoded_once():
    pixels = np.arange(4 * 6 * 6).reshape(4, 6, 6)
    reader = Reader(pixels, (1, 6, 6))
    array = opened(reader)
    array[1:3]
    assert reader.decoded == [(1, 0, 0), (2, 0, 0)]
    reader.decoded.clear()
    array[3, 2:4, 1:3]
    array[3, 4:, 1:3]  # from the pool
    array.oindex[[3], [1, 2], :]
    array.vindex[[3, 3], [1, 2], [0, 5]]
    assert reader.decoded == [(3, 0, 0)]
    reader.decoded.clear()
    array.oindex[[0, 2, 2]]
    assert sorted(reader.decoded) == [(0, 0, 0), (2, 0, 0)]


def test_what_is_read_whole_is_not_kept():
    reader = Reader(np.arange(36).reshape(1, 6, 6), (1, 6, 6))
    array = opened(reader)
    array[0]
    array.oindex[[0]]
    array[0, 0]
    assert len(reader.decoded) == 3
    array[0, 1]
    assert len(reader.decoded) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_the_callers(kind):
    reader = kind(np.arange(36).reshape(1, 6, 6), (1, 6, 6))
    array = opened(reader)
    for key in [(0,), (0, 2), (0, slice(1, 3), slice(2, 4)), ([0],)]:
        array[key][...] = -1
        array.oindex[key][...] = -1
    np.testing.assert_array_equal(array[...], reader.pixels)
    assert (reader.pixels >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_into_memory_that_is_there(kind):
    reader = kind(np.arange(72).reshape(2, 6, 6), (1, 4, 6))
    array = opened(reader)
    for t in range(2):
        region = (slice(t, t + 1), slice(1, 6), slice(0, 3))
        out = np.empty((1, 5, 3), "i8")
        assert array.read(region, out) is out
        np.testing.assert_array_equal(out, reader.pixels[region])
    with pytest.raises(ShapeError):
        array.read((slice(0, 3), slice(0, 1), slice(0, 1)))


def test_nothing_is_read_of_nothing():
    reader = Reader(np.zeros((0, 6), "u1"), (1, 6))
    array = opened(reader)
    assert array[...].shape == (0, 6)
    assert array.oindex[[], 1:3].shape == (0, 2)
    assert array.vindex[[], []].shape == (0,)
    assert reader.decoded == []


def test_large_regions_are_decoded_in_threads(monkeypatch):
    import threading

    class Noting(Reader):
        def chunk(self, index):
            self.decoded.append(threading.current_thread().name)
            return super().chunk(index)

    reader = Noting(np.arange(8 << 18, dtype="i4").reshape(8, 512, 512), (1, 512, 512))
    array = opened(reader)
    with settings.set_options(workers=3):
        np.testing.assert_array_equal(array[...], reader.pixels)
        np.testing.assert_array_equal(array.oindex[::-1], reader.pixels[::-1])
    assert all("iohub-read" in name for name in reader.decoded if isinstance(name, str))
    reader.decoded.clear()
    array[0]
    assert reader.decoded[0] == threading.current_thread().name


def test_no_pool_decodes_each_time():
    reader = Reader(np.arange(36).reshape(6, 6), (6, 6))
    with settings.set_options(pool_bytes=0):
        assert opened(reader)[0, 0] == 0
        assert opened(reader)[0, 1] == 1
    assert len(reader.decoded) == 2
