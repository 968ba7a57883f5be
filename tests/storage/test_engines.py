"""One suite for every engine: NumPy's results for each format, sharding and data type."""

from __future__ import annotations

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from iohub.errors import EngineError, FormatError, ReadOnlyError, ShapeError
from iohub.storage import engines
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.zarr_bytes import ZarrBytes

ENGINES = ["tensorstore", "zarr-python", "zarrs"]
LAYOUTS = {
    "v2": {"zarr_format": 2},
    "v3": {"zarr_format": 3},
    "v3-sharded": {"zarr_format": 3, "shards": (2, 4, 6)},
}
DTYPES = ["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", ">f4", "f8", "c8"]
DTYPES += ["c16"]
SHAPE = (3, 7, 10)
CHUNKS = (1, 2, 3)


def values(dtype, shape=SHAPE):
    rng = np.random.default_rng(0)
    dtype = np.dtype(dtype).newbyteorder("=")
    if dtype.kind == "b":
        return rng.random(shape) > 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    real = rng.standard_normal(shape)
    return (real + 1j * real[::-1]).astype(dtype) if dtype.kind == "c" else real.astype(dtype)


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture
def make(tmp_path, layout, engine):
    def make(dtype="u2", shape=SHAPE, **options):
        spec = ArraySpec.create(shape, dtype, chunks=CHUNKS, **{**layout, **options})
        return ZarrArray.create(LocalBytes(tmp_path), "a/0", spec, engine)

    return make


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip_and_other_libraries_agree(make, engine, dtype):
    array, data = make(dtype), values(dtype)
    refused = engines.engine_named(engine).refuses(array.store, array.spec)
    if refused:
        assert engine == "zarrs"
        with pytest.raises(EngineError, match="big-endian"):
            array[0]
        return
    assert (array.read((slice(0, 3),) * 3) == 0).all()
    array.write(tuple(slice(0, n) for n in SHAPE), data)
    result = array[...]
    assert result.dtype == data.dtype
    np.testing.assert_array_equal(result, data)
    other = "zarr-python" if engine == "tensorstore" else "tensorstore"
    again = ZarrArray(array.store, array.path, array.spec, other)
    np.testing.assert_array_equal(again[1, ::-1, [1, 3]], data[1, ::-1, [1, 3]])
    np.testing.assert_array_equal(array.zarr_array("r")[...], data)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("f4", np.nan), ("f8", np.inf), ("f2", -np.inf), ("i2", -7), ("?", True), ("c8", 1 - 2j),
     ("u8", 2**64 - 1), ("i8", -(2**63)), ("c16", complex(np.nan, 1))],
)  # fmt: skip
def test_pixels_never_written_are_the_fill_value(make, dtype, fill):
    array = make(dtype, fill_value=fill)
    np.testing.assert_array_equal(array[...], np.full(SHAPE, fill, dtype))
    array[0, 0, 0] = np.dtype(dtype).type(1)
    np.testing.assert_array_equal(array[0, 0, 1:4], np.full(3, fill, dtype))


KEYS = [
    (slice(None),) * 3,
    (1, slice(2, 6), slice(1, 8)),
    (slice(None), slice(None, None, 3), slice(8, 1, -2)),
    ([2, 0], slice(1, 3), 4),
    (slice(None), [6, 1, 1], slice(3, 7)),
    ([0, 2, 2], [6, 1, 1], [9, 0, 0]),
    ([0, 2], [5, 1]),
    (0, [1, 2], [[3], [4]]),
    (slice(None), slice(2, 2)),
    ([],),
    (2, 6, 9),
    (..., None, 3),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_is_numpys(make, key):
    array, data = make(), values("u2")
    array[...] = data
    np.testing.assert_array_equal(array[key], data[key])
    assert np.shape(array[key]) == np.shape(data[key])
    new = values("u2", data[key].shape) // 2
    data[key] = new
    array[key] = new
    np.testing.assert_array_equal(array[...], data)


def test_oindex_vindex_and_masks(make):
    array, data = make(), values("u2")
    array[...] = data
    np.testing.assert_array_equal(
        array.oindex[[2, 0], 1:5, [1, 9]], data[np.ix_([2, 0], range(1, 5), [1, 9])]
    )
    array.oindex[[2, 0], 1:5, [9, 1]] = 3
    data[np.ix_([2, 0], range(1, 5), [1, 9])] = 3
    array.vindex[[0, 1], [2, 3], [4, 5]] = np.array([8, 9], "u2")
    data[[0, 1], [2, 3], [4, 5]] = 8, 9
    mask = data > 40000
    np.testing.assert_array_equal(array[mask], data[mask])
    array[mask] = 1
    data[mask] = 1
    np.testing.assert_array_equal(array[...], data)


def test_reading_into_memory_that_is_there(make):
    array, data = make(), values("u2")
    array[...] = data
    out = np.empty((1, 3, 10), "u2")
    assert array.read((slice(1, 2), slice(2, 5), slice(0, 10)), out) is out
    np.testing.assert_array_equal(out, data[1:2, 2:5])
    region = (slice(0, 1),) * 3
    for wrong in (np.empty((1, 1, 2), "u2"), np.empty((1, 1, 1), "i4"), np.empty((2, 1, 1), "u2")):
        with pytest.raises(ShapeError, match="C-contiguous"):
            array.read(region, wrong)


def test_regions_outside_are_refused(make):
    array = make()
    for region in [(slice(0, 4), slice(0, 1), slice(0, 1)), (slice(0, 1),) * 2]:
        with pytest.raises(ShapeError):
            array.read(region)
        with pytest.raises(ShapeError):
            array.write(region, np.zeros((1, 1, 1), "u2"))
    with pytest.raises(ShapeError, match="for a region"):
        array.write((slice(0, 2),) * 3, np.zeros((1, 1, 1), "u2"))


def test_growing_and_shrinking_shows_nothing_old(make, layout):
    array, data = make(), values("u2") | 1
    array[...] = data
    array.resize((2, 3, 4))
    np.testing.assert_array_equal(array[...], data[:2, :3, :4])
    array.resize((4, 8, 11))
    expected = np.zeros((4, 8, 11), "u2")
    expected[:2, :3, :4] = data[:2, :3, :4]
    np.testing.assert_array_equal(array[...], expected)
    array.resize((0, 8, 11))
    array.resize((4, 8, 11))
    assert not array[...].any()


def test_another_handle_sees_growth_and_pixels(make, engine):
    array = make()
    array[...] = 1
    other = ZarrArray.load(LocalBytes(array.store.root), "a/0", array.spec.zarr_format, engine)
    assert other[2, 6, 9] == 1
    array.resize((4, 7, 10))
    array[3] = 9
    assert other.shape == (4, 7, 10)
    assert (other[3, :2, :2] == 9).all()
    array[3, 1, 1] = 5
    assert other[3, 1, 1] == 5


def test_noncontiguous_values(make):
    array, data = make(), values("u2")
    array[...] = np.asfortranarray(data)
    np.testing.assert_array_equal(array[...], data)
    array[...] = data[::-1, ::-1]
    np.testing.assert_array_equal(array[...], data[::-1, ::-1])
    array[1] = np.broadcast_to(np.uint16(4), (7, 10))
    assert (array[1] == 4).all()


def test_read_only_store_refuses(make, engine):
    array = make()
    array[...] = 3
    closed = ZarrArray(LocalBytes(array.store.root, True), "a/0", array.spec, engine)
    assert closed[0, 0, 0] == 3
    for attempt in (
        lambda: closed.__setitem__(0, 1),
        lambda: closed.resize((1, 1, 1)),
        lambda: closed.write_encoded((0, 0, 0), b""),
        lambda: closed.edit_attrs(dict),
        lambda: closed.zarr_array("r+"),
    ):
        with pytest.raises(ReadOnlyError, match=r"r\+"):
            attempt()


def test_no_stray_files_stay(make, tmp_path):
    array = make()
    array[...] = values("u2")
    array[0, 0, 0] = 1
    array.resize((2, 7, 10))
    names = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    odd = {n for n in names if "partial" in n or "__" in n or "lock" in n}
    assert not odd


@pytest.mark.parametrize("layout_name", LAYOUTS)
def test_memory_stores_go_through_zarr(layout_name):
    store = ZarrBytes(MemoryStore())
    spec = ArraySpec.create(SHAPE, "u2", chunks=CHUNKS, **LAYOUTS[layout_name])
    array = ZarrArray.create(store, "x", spec)
    assert array.engine_name == "zarr-python"
    array[...] = values("u2")
    np.testing.assert_array_equal(array[1, 2:5, ::-1], values("u2")[1, 2:5, ::-1])
    with pytest.raises(EngineError, match="local"):
        ZarrArray(store, "x", spec, "tensorstore")[0]


def test_choosing(tmp_path):
    store = LocalBytes(tmp_path)
    spec = ArraySpec.create(SHAPE, "u2", zarr_format=3, chunks=CHUNKS)
    assert engines.choose(None, store, spec).name == "tensorstore"
    with pytest.raises(EngineError, match=r"no engine 'foo'; there are tensorstore, zarr-python"):
        engines.choose("foo", store, spec)
    with pytest.raises(EngineError, match="already"):
        engines.register_engine(engines.engine_named("zarrs"))


def test_a_codec_that_tensorstore_lacks_goes_to_zarr(tmp_path):
    data = values("u2")
    zarr.create_array(
        str(tmp_path / "x"), data=data, zarr_format=2, filters=[numcodecs.Delta("<u2")]
    )
    array = ZarrArray.load(LocalBytes(tmp_path), "x", 2)
    assert array.engine_name == "zarr-python"
    np.testing.assert_array_equal(array[...], data)


class Own:
    """An engine that a third party registers."""

    name = "own"

    def refuses(self, store, spec):
        return None if spec.zarr_format == 3 else "only Zarr v3"

    def open(self, store, path, spec):
        return engines.engine_named("zarr-python").open(store, path, spec)


def test_a_registered_engine_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_registered", {})
    engines.register_engine(Own())
    assert "own" in engines.engine_names()
    store = LocalBytes(tmp_path)
    spec = ArraySpec.create(SHAPE, "u2", zarr_format=3, chunks=CHUNKS)
    assert ZarrArray.create(store, "x", spec, "own")[0, 0, 0] == 0
    with pytest.raises(EngineError, match="own: only Zarr v3"):
        engines.choose("own", store, ArraySpec.create(SHAPE, "u2", zarr_format=2, chunks=CHUNKS))


@pytest.mark.parametrize("compression", ["given", None, "gzip"])
def test_a_damaged_chunk_names_its_array(make, tmp_path, compression):
    gzip = {"name": "gzip", "configuration": {"level": 1}}
    if "zarr_format" in (kind := make().spec.metadata) and kind["zarr_format"] == 2:
        gzip = {"id": "gzip", "level": 1}
    chosen = {"given": {}, None: {"compression": None}, "gzip": {"compression": gzip}}
    array = make(**chosen[compression])
    array[...] = values("u2")
    (tmp_path / "a/0" / array.spec.unit_key((0, 0, 0))).write_bytes(b"j")
    index = np.array([0, 1])
    for read in (
        lambda: array[...],
        lambda: array.read_orthogonal((slice(0, 1), index, slice(0, 2))),
        lambda: array.read_points((index, index, index)),
    ):
        with pytest.raises(FormatError, match=r"pixels of .*a/0 cannot be read.*validate --deep"):
            read()
