"""ImageArray is to be read and written like a NumPy array, and taken by other libraries."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tensorstore as ts
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from iohub import open_ome_zarr
from iohub.errors import AxisError, DTypeError, EngineError, IohubError, ReadOnlyError
from iohub.ngff import ImageArray

SHAPE = (2, 3, 4, 6, 5)
ENGINES = ["tensorstore", "zarr-python", "zarrs"]


def data(dtype: Any = "uint16") -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)


def new_image(
    path: Any,
    *,
    engine: str | None = None,
    version: str = "0.5",
    sharded: bool = False,
    **kwargs: Any,
) -> Any:
    node = open_ome_zarr(
        path, layout="fov", mode="w-", channel_names=list("abc"), version=version, engine=engine
    )
    ratio = (1, 1, 2, 1, 2) if sharded else None
    return node.create_image("0", data(), chunks=(1, 2, 2, 3, 2), shards_ratio=ratio, **kwargs)


@pytest.fixture
def image(tmp_path: Path, version: str) -> Any:
    return new_image(tmp_path / "s.zarr", version=version)


# ---- like NumPy ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Share one sharded image of each engine, whose pixels tests put back."""
    return new_image(tmp_path_factory.mktemp("s") / "s.zarr", engine=request.param, sharded=True)


@given(key=npst.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True))
@settings(max_examples=40)
def test_reading_is_as_numpy_does_it(shared: Any, key: Any) -> None:
    expected = data()[key]
    found = shared[key]
    assert np.array_equal(found, expected)
    assert np.shape(found) == np.shape(expected)
    assert found.dtype == expected.dtype


@given(key=npst.basic_indices(SHAPE, allow_ellipsis=True), scalar=st.booleans())
@settings(max_examples=25)
def test_writing_is_as_numpy_does_it(shared: Any, key: Any, scalar: bool) -> None:
    expected = data()
    target = expected[key]
    value = 7 if scalar else np.arange(target.size, dtype="u2").reshape(np.shape(target))
    expected[key] = value
    try:
        shared[key] = value
        assert np.array_equal(shared[...], expected)
    finally:
        shared[...] = data()


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), [0, 2]),
        (slice(None), np.array([2, 0, 2])),
        (1, [True, False, True]),
        (..., [0, 0, 1]),
        (0, slice(None), [1, 3], slice(None), [0, 4]),
        ([0, 1], [2, 0]),
        data() > 300,
        (0, 1, data()[0, 1] % 2 == 0),
        (..., -1),
        (slice(None, None, -1), ..., slice(None, None, -2)),
        (None, 0, ..., None),
        (),
        (np.int64(1), np.uint8(2)),
    ],
    ids=range(13),
)
def test_fancy_keys(shared: Any, key: Any) -> None:
    expected = data()
    assert np.array_equal(shared[key], expected[key])
    expected[key] = 5
    try:
        shared[key] = 5
        assert np.array_equal(shared[...], expected)
    finally:
        shared[...] = data()


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (2, IndexError),
        ((0, 3), IndexError),
        ((0,) * 6, IndexError),
        ((slice(None), [0, 3]), IndexError),
        ("a", IndexError),
        (1.0, IndexError),
        ((..., ...), IndexError),
        (np.ones((2, 2), bool), IndexError),
    ],
)
def test_keys_that_numpy_refuses(shared: Any, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        data()[key]
    with pytest.raises(error):
        shared[key]
    with pytest.raises(error):
        shared[key] = 1
    assert np.array_equal(shared[...], data())


def test_orthogonal_and_vectorised(shared: Any) -> None:
    expected = data()
    assert np.array_equal(
        shared.oindex[[0], [0, 2], slice(1, 3), [5, 0]],
        expected[np.ix_([0], [0, 2], [1, 2], [5, 0], range(5))],
    )
    points = ([0, 1], [2, 0], [3, 3], [5, 1], [4, 0])
    assert np.array_equal(shared.vindex[points], expected[points])
    try:
        shared.oindex[:, [0, 2], :, [1]] = 0
        expected[:, [0, 2], :, 1] = 0
        shared.vindex[points] = [1, 2]
        expected[points] = [1, 2]
        assert np.array_equal(shared[...], expected)
    finally:
        shared[...] = data()


def test_values_broadcast(shared: Any) -> None:
    expected = data()
    try:
        for key, value in (
            ((0,), np.arange(5)),
            ((slice(None), 1), np.zeros((4, 1, 1))),
            ((..., 2), np.ones((1, 1, 1, 6), "u1")),
        ):
            shared[key] = value
            expected[key] = value
        assert np.array_equal(shared[...], expected)
        with pytest.raises(ValueError, match=r"broadcast|shape"):
            shared[0] = np.zeros((2, 2))
        assert np.array_equal(shared[...], expected)
    finally:
        shared[...] = data()


# ---- values are never changed silently -------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stored"),
    [(True, 1), (3.0, 3), (np.int64(65535), 65535), (np.float32(2), 2), (2 + 0j, 2)],
)
def test_values_that_fit(image: Any, value: Any, stored: int) -> None:
    image[0, 0] = value
    assert (image[0, 0] == stored).all()


@pytest.mark.parametrize("value", [-1, 65536, 0.5, np.nan, np.inf, 1e20, 1j, 2**70])
def test_values_that_do_not_fit(image: Any, value: Any) -> None:
    with pytest.raises((DTypeError, OverflowError)):
        image[0, 0] = value
    assert np.array_equal(image[...], data())


def test_dask_values(image: Any) -> None:
    lazy = da.from_array(data()[:, :2] + 1, chunks=3)
    image[:, 1:] = lazy
    assert np.array_equal(image[:, 1:], data()[:, :2] + 1)
    image[0, 2] = lazy[1, 0]
    assert np.array_equal(image[0, 2], data()[1, 0] + 1)
    image[1] = da.zeros((), dtype="u2")
    assert not image[1].any()
    image[..., ::2] = da.ones((2, 3, 4, 6, 3), dtype="u2")
    assert (image[..., ::2] == 1).all()
    with pytest.raises((DTypeError, ValueError)):
        image[...] = da.full(SHAPE, -1, dtype="i4")


# ---- what it says of itself ------------------------------------------------------------------


def test_attributes(image: Any, version: str) -> None:
    assert image.shape == SHAPE
    assert image.ndim == 5
    assert image.dtype == np.dtype("u2")
    assert image.size == 720
    assert image.nbytes == 1440
    assert image.itemsize == 2
    assert image.chunks == (1, 2, 2, 3, 2)
    assert image.shards is None
    assert image.fill_value == 0
    assert (image.frames, image.channels, image.slices, image.height, image.width) == SHAPE
    assert image.name == "/0"
    assert image.basename == image.path == "0"
    assert not image.read_only
    assert len(image) == 2
    assert image.engine == "tensorstore"
    assert "zarr" in str(image.info).lower()
    assert image.nchunks == 2 * 2 * 2 * 2 * 3
    assert image.metadata.zarr_format == (2 if version == "0.4" else 3)
    assert np.array_equal(list(image)[1], data()[1])
    assert image.ndim == image.zarr_array().ndim
    with pytest.raises(AttributeError, match="no attribute '_missing'"):
        image._missing  # noqa: B018  asking is what raises
    with pytest.raises(AttributeError):
        image.nothing_like_this  # noqa: B018  asking is what raises


def test_shards(tmp_path: Path) -> None:
    image = new_image(tmp_path / "s.zarr", sharded=True)
    assert image.chunks == (1, 2, 2, 3, 2)
    assert image.shards == (1, 2, 4, 3, 4)
    assert image.zarr_array().shards == (1, 2, 4, 3, 4)


def test_truth(image: Any) -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        bool(image)


def test_equality(image: Any) -> None:
    again = open_ome_zarr(Path(image._array.store.url))["0"]
    assert image == again
    assert hash(image) == hash(again)
    assert image != "0"


def test_array_attributes_are_written(image: Any) -> None:
    image.attrs["a"] = {"b": [1]}
    image.attrs["a"]["b"].append(2)
    image.attrs.update(c=None)
    assert dict(image.zarr_array().attrs) == {"a": {"b": [1, 2]}, "c": None}
    assert np.array_equal(image[...], data())


def test_resize_and_append(image: Any) -> None:
    image.resize((3, 3, 4, 6, 5))
    assert image.shape[0] == 3
    assert not image[2].any()
    image.resize((1, 3, 4, 6, 4))
    image.resize(SHAPE)
    expected = data()
    expected[1], expected[..., 4] = 0, 0
    assert np.array_equal(image[...], expected)
    assert image.append(data()[:, :, :1], axis=2) == (2, 3, 5, 6, 5)
    assert np.array_equal(image[:, :, 4], data()[:, :, 0])
    with pytest.raises(AxisError):
        image.resize((1, 2))
    with pytest.raises(AxisError):
        image.append(np.zeros((1, 2)))
    with pytest.raises(DTypeError):
        image.append(data() - 1.5)
    assert image.shape == (2, 3, 5, 6, 5)


def test_growth_by_another_handle_is_seen(image: Any) -> None:
    other = open_ome_zarr(Path(image._array.store.url), mode="r+")["0"]
    assert other.shape == SHAPE
    image.resize((4, *SHAPE[1:]))
    image[3] = 9
    assert other.shape[0] == 4
    assert (other[3] == 9).all()
    image[0] = 8
    assert (other[0] == 8).all()


# ---- other libraries -------------------------------------------------------------------------


def test_numpy(image: Any) -> None:
    assert np.array_equal(image.numpy(), data())
    assert np.array_equal(np.asarray(image), data())
    assert np.asarray(image, dtype="f4").dtype == "f4"
    assert np.array(image, copy=True).flags.writeable
    assert np.array_equal(np.stack([image, image])[1], data())
    assert image.numpy().mean() == data().mean()
    assert np.max(image) == data().max()
    with pytest.raises(ValueError, match="copy"):
        np.array(image, copy=False)


def test_it_is_a_zarr_array(image: Any) -> None:
    assert isinstance(image, zarr.Array)
    assert isinstance(image, ImageArray)
    assert type(image) is ImageArray
    real = image.zarr_array()
    assert type(real) is zarr.Array
    assert np.array_equal(real[...], data())
    real[0, 0, 0, 0, 0] = 99
    assert image[0, 0, 0, 0, 0] == 99


def test_dask(image: Any) -> None:
    for lazy in (image.dask_array(), da.from_zarr(image), da.from_array(image)):
        assert isinstance(lazy, da.Array)
        assert np.array_equal(lazy.compute(), data())
        assert lazy.dtype == "u2"
    assert image.dask_array().chunksize == image.chunks
    assert int(image.dask_array().sum()) == data().sum()


def test_dask_of_an_image_that_changed(image: Any) -> None:
    """Two reads of a store that changed in between do not share results."""
    before = image.dask_array()
    image[...] = 1
    after = image.dask_array()
    assert before.name != after.name
    assert int(after.sum()) == 720


def test_dask_uses_small_shards_as_blocks(tmp_path: Path) -> None:
    image = new_image(tmp_path / "s.zarr", sharded=True)
    assert image.dask_array().chunksize == image.shards


def test_dask_with_processes(image: Any) -> None:
    total = image.dask_array().sum().compute(scheduler="processes", num_workers=1)
    assert int(total) == data().sum()


def test_xarray(image: Any) -> None:
    labelled = xr.DataArray(image)
    assert labelled.shape == SHAPE
    assert np.array_equal(labelled.values, data())
    named = xr.DataArray(image.dask_array(), dims=list("tczyx"))
    assert int(named.isel(t=0).sum()) == data()[0].sum()


def test_tensorstore(image: Any) -> None:
    handle = image.tensorstore()
    assert isinstance(handle, ts.TensorStore)
    assert np.array_equal(handle.read().result(), data())
    handle[0, 0, 0, 0, 0].write(77).result()
    assert image[0, 0, 0, 0, 0] == 77
    cached = image.tensorstore(context=ts.Context({"cache_pool": {"total_bytes_limit": 1000}}))
    assert cached[0, 0, 0, 0, 0].read().result() == 77
    virtual = image.tensorstore(recheck_cached_data=False)
    assert virtual.shape == SHAPE


def test_tensorstore_of_a_memory_store() -> None:
    image = new_image(zarr.storage.MemoryStore())
    assert image.engine == "zarr-python"
    with pytest.raises(EngineError, match="TensorStore cannot open"):
        image.tensorstore()


def test_read_only(image: Any) -> None:
    again = open_ome_zarr(Path(image._array.store.url))["0"]
    assert again.read_only
    for change in (
        lambda: again.__setitem__(0, 1),
        lambda: again.oindex.__setitem__([0], 1),
        lambda: again.resize((1, 1, 1, 1, 1)),
        lambda: again.append(data()),
        lambda: again.attrs.__setitem__("a", 1),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert not again.tensorstore().spec().to_json().get("create")
    with pytest.raises(ValueError, match=r"read-only|read_only|read only|not support writing"):
        again.tensorstore()[0].write(1).result()
    assert np.array_equal(again[...], data())


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda i: pickle.loads(pickle.dumps(i))]
)
def test_copies(image: Any, clone: Callable[[Any], Any]) -> None:
    image[0, 0, 0, 0, 0] = 5
    twin = clone(image)
    assert type(twin) is ImageArray
    assert isinstance(twin, zarr.Array)
    assert twin == image
    assert [axis.name for axis in twin.axes] == list("tczyx")
    assert twin[0, 0, 0, 0, 0] == 5
    twin[0, 0, 0, 0, 0] = 6
    assert image[0, 0, 0, 0, 0] == 6


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda i: pickle.loads(pickle.dumps(i))]
)
def test_copies_of_nodes(image: Any, clone: Callable[[Any], Any]) -> None:
    node = open_ome_zarr(Path(image._array.store.url))
    twin = clone(node)
    assert twin == node
    assert twin.channel_names == ["a", "b", "c"]
    assert twin.version == node.version
    assert np.array_equal(twin["0"][...], data())
    assert twin._session.read_only


def test_threads(image: Any) -> None:
    """Reads and writes of different parts from many threads."""
    planes = list(itertools.product(range(2), range(3), range(4)))

    def turn(where: tuple[int, ...]) -> None:
        image[where] = image[where] * 2

    # Parts of one chunk: z pairs share one, so z is left to one thread each.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, planes))
    assert np.array_equal(image[...], data() * 2)


def test_a_deleted_image_says_so(image: Any) -> None:
    node = open_ome_zarr(Path(image._array.store.url), mode="r+")
    del node["0"]
    with pytest.raises((IohubError, FileNotFoundError), match="no array"):
        image[...]
    assert "unreadable" in repr(image)


# ---- types of pixels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    ["bool", "i1", "u1", "i2", ">u2", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", "c8", "c16"],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_dtypes(tmp_path: Path, version: str, dtype: str, engine: str) -> None:
    if engine == "zarrs" and version == "0.4" and dtype.startswith(">"):
        pytest.skip("zarrs reads no big-endian pixels of Zarr v2, and says so")
    values = (data() % 100).astype(dtype)
    with open_ome_zarr(
        tmp_path / "s.zarr",
        layout="fov",
        mode="w-",
        channel_names=list("abc"),
        version=version,
        engine=engine,
    ) as node:
        node["0"] = values
        image = node["0"]
        assert image.dtype == np.dtype(dtype).newbyteorder("=")
        assert np.array_equal(image[...], values)
        image[0, 0, 0, 0, :2] = values[0, 0, 0, 0, 1:3]
        assert np.array_equal(image[0, 0, 0, 0, :2], values[0, 0, 0, 0, 1:3])
        assert np.array_equal(np.asarray(image.zarr_array()[1]), values[1])


def test_nan_and_fill(tmp_path: Path, version: str) -> None:
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        values = np.array([np.nan, np.inf, -np.inf, -0.0], "f4").reshape(1, 1, 1, 2, 2)
        node["0"] = values
        assert node["0"][...].tobytes() == values.tobytes()


def test_repr_is_one_line(image: Any) -> None:
    assert repr(image) == (
        "<ImageArray '0' (t 2, c 3, z 4, y 6, x 5), uint16, chunks (1, 2, 2, 3, 2), "
        f"Zarr {image.metadata.zarr_format}>"
    )
    assert "uint16" in image._repr_html_()


def test_completion_offers_what_an_image_has(image: Any) -> None:
    """Only zarr's names were offered, as ``__class__`` is the one of zarr's arrays."""
    offered = dir(image)
    assert {"numpy", "dask_array", "frames", "tensorstore", "zarr_array", "shape"} <= set(offered)
    assert {"cdata_shape", "metadata", "store_path", "nchunks"} <= set(offered)
    assert not {"open", "create", "from_dict", "compressor"} & set(offered)
    for name in offered:
        getattr(image, name)


@pytest.mark.parametrize(("ndim", "names"), [(1, ["w"]), (1, None), (6, None), (0, None)])
def test_an_array_that_is_no_image(tmp_path: Path, version: str, ndim: int, names: Any) -> None:
    """A table of stage positions beside the image could not even be shown."""
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=["a"], version=version
    ) as node:
        node.create_zeros("0", (1, 1, 1, 4, 4), "u1")
    how = {"dimension_names": names} if version != "0.4" else {}
    group = zarr.open_group(tmp_path / "s.zarr", mode="r+")
    group.create_array("extra", shape=(3,) * ndim, dtype="u1", **how)[...] = 5
    with open_ome_zarr(tmp_path / "s.zarr", mode="r+") as node:
        extra = node["extra"]
        assert (extra[...] == 5).all()
        known = names if names and how else [f"dim_{i}" for i in range(ndim)]
        assert [axis.name for axis in extra.axes] == known
        assert (extra.frames, extra.channels, extra.width) == (1, 1, 1)
        assert f"'{extra.path}'" in repr(extra)
        assert extra._repr_html_()
        assert extra.dask_array().shape == extra.shape
        extra[...] = 6
        assert (extra.numpy() == 6).all()
        assert len(node["0"].axes) == 5
