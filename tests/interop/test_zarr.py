"""zarr-python, TensorStore, dask and xarray read what iohub writes, and the other way round.

In all versions: the other libraries of these tests know 0.4 and 0.5 only.
"""

from __future__ import annotations

import json

import dask.array as da
import numcodecs
import numpy as np
import pytest
import tensorstore
import xarray as xr
import zarr

from iohub.errors import EngineError
from iohub.ngff import Plate, open_ome_zarr

DRIVERS = {"0.4": "zarr", "0.5": "zarr3", "0.6": "zarr3"}
FORMATS = {"0.4": 2, "0.5": 3, "0.6": 3}
ENGINES = ["tensorstore", "zarr-python", "zarrs"]


@pytest.fixture(params=list(FORMATS))
def version(request):
    return request.param


def opened(path, version):
    spec = {"driver": DRIVERS[version], "kvstore": {"driver": "file", "path": str(path)}}
    return tensorstore.open(spec).result()


@pytest.fixture
def hand_made(tmp_path, pixels):
    """Write the metadata of an image by hand, and let a function write its array."""

    def make(version, letters, write, names=None):
        path = tmp_path / f"{version}-{letters}.zarr"
        kinds = {"t": "time", "c": "channel"}
        axes = [{"name": n, "type": kinds.get(n.lower(), "space")} for n in names or letters]
        transform = {"type": "scale", "scale": [2.0] * len(letters)}
        described = {"axes": axes}
        if version == "0.4":
            described["version"] = version
        elif version == "0.6":
            transform |= {"input": {"path": "raw"}, "output": {"name": "physical"}}
            described = {"coordinateSystems": [{"name": "physical", "axes": axes}]}
        dataset = {"path": "raw", "coordinateTransformations": [transform]}
        attrs = {"multiscales": [{**described, "datasets": [dataset]}]}
        if version != "0.4":
            attrs = {"ome": {"version": version, **attrs}}
        zarr.create_group(path, zarr_format=FORMATS[version], attributes=attrs)
        data = pixels(letters)
        write(path / "raw", data)
        return path, data

    return make


@pytest.mark.parametrize("sharded", [False, True])
def test_zarr_and_tensorstore_read_every_level(tmp_path, version, letters, sharded, write_image):
    path = tmp_path / "a.zarr"
    sharded = sharded and version != "0.4"
    data = write_image(path, version, letters, sharded=sharded)
    group = zarr.open_group(path, mode="r")
    assert sorted(group.array_keys()) == ["0", "1", "2"]
    assert np.array_equal(group["0"][:], data)
    with open_ome_zarr(path) as position:
        for name, image in position.images():
            assert np.array_equal(group[name][:], image[:])
            assert np.array_equal(opened(path / name, version).read().result(), image[:])
            assert image.zarr_array().chunks == image.chunks
            assert image.zarr_array().shards == image.shards


def test_zarr_reads_a_plate(tmp_path, version, write_plate):
    data = write_plate(tmp_path / "p.zarr", version)
    root = zarr.open_group(tmp_path / "p.zarr", mode="r")
    assert sorted(root.group_keys()) == ["A", "B"]
    for name, expected in data.items():
        assert np.array_equal(root[f"{name}/0"][:], expected)
    members = dict(root.members(max_depth=None))
    assert sum(isinstance(each, zarr.Array) for each in members.values()) == 6


def test_dask_and_xarray_take_an_image(tmp_path, version, letters, write_image):
    path = tmp_path / "a.zarr"
    data = write_image(path, version, letters)
    assert np.array_equal(da.from_zarr(str(path / "0")).compute(), data)
    with open_ome_zarr(path) as position:
        image = position["0"]
        assert isinstance(image, zarr.Array)
        assert np.array_equal(da.from_zarr(image).compute(), data)
        assert np.array_equal(da.from_array(image).compute(), data)
        assert np.array_equal(xr.DataArray(image).values, data)
        labelled = position.to_xarray()
    assert labelled.dims == tuple(letters)
    assert np.array_equal(labelled.values, data)


def test_xarray_opens_the_arrays_of_a_group(tmp_path, write_image):
    """By the names of the dimensions, which Zarr v3 has a place for."""
    data = write_image(tmp_path / "a.zarr", "0.5", "tczyx", levels=1)
    with xr.open_zarr(tmp_path / "a.zarr", consolidated=False) as dataset:
        assert dataset["0"].dims == tuple("tczyx")
        assert np.array_equal(dataset["0"].values, data)


# Of the names of channels, which are text of fixed length.
@pytest.mark.filterwarnings("ignore:The data type .FixedLengthUTF32")
def test_xarray_round_trip_through_its_own_zarr(tmp_path, version, write_image):
    """What to_xarray() returns can be stored by xarray itself."""
    data = write_image(tmp_path / "a.zarr", version, "czyx")
    with open_ome_zarr(tmp_path / "a.zarr") as position:
        array = position.to_xarray().rename("image")
        array.to_dataset().to_zarr(tmp_path / "b.zarr", zarr_format=3, consolidated=False)
    with xr.open_zarr(tmp_path / "b.zarr", consolidated=False) as dataset:
        assert np.array_equal(dataset["image"].values, data)
        assert list(dataset["c"].values) == ["DAPI", "GFP"]
        assert dataset["z"].attrs["units"] == "micrometer"


def write_v2(order, separator="/"):
    def write(path, data):
        array = zarr.create_array(
            path,
            shape=data.shape,
            dtype=data.dtype,
            chunks=(1, 2, 3, 16, 7),
            zarr_format=2,
            order=order,
            fill_value=None,
            chunk_key_encoding={"name": "v2", "separator": separator},
        )
        array[:] = data

    return write


@pytest.mark.parametrize(
    ("engine", "order"),
    [*((engine, "C") for engine in ENGINES), ("tensorstore", "F"), ("zarr-python", "F")],
)
@pytest.mark.parametrize("separator", [".", "/"])
def test_arrays_of_zarr_v2(hand_made, engine, order, separator):
    path, data = hand_made("0.4", "tczyx", write_v2(order, separator))
    with open_ome_zarr(path, mode="r+", engine=engine) as position:
        assert np.array_equal(position.data[:], data)
        position.data[0, :, 1:3] = 7
        data[0, :, 1:3] = 7
        position.compute_pyramid(2)
    assert np.array_equal(zarr.open_array(path / "raw", mode="r")[:], data)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "codecs",
    [
        [{"name": "bytes", "configuration": {"endian": "big"}}],
        [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        [
            {"name": "transpose", "configuration": {"order": [2, 1, 0]}},
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "gzip", "configuration": {"level": 1}},
        ],
        [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": [1, 4, 5],
                    "codecs": [
                        {"name": "bytes", "configuration": {"endian": "little"}},
                        {"name": "zstd", "configuration": {"level": 1, "checksum": True}},
                    ],
                    "index_codecs": [
                        {"name": "bytes", "configuration": {"endian": "little"}},
                        {"name": "crc32c"},
                    ],
                    "index_location": "start",
                },
            }
        ],
    ],
    ids=["big", "crc32c", "transposed", "sharded"],
)
def test_arrays_of_tensorstore(hand_made, engine, codecs):
    def write(path, data):
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(path)},
            "metadata": {
                "shape": data.shape,
                "data_type": data.dtype.name,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 8, 10]}},
                "codecs": codecs,
            },
        }
        tensorstore.open(spec, create=True).result().write(data).result()

    path, data = hand_made("0.5", "zyx", write)
    with open_ome_zarr(path, mode="r+", engine=engine) as position:
        image = position.data
        assert np.array_equal(image[:], data)
        image[1, 3:30] = 5
        data[1, 3:30] = 5
        position.compute_pyramid(2)
    assert np.array_equal(opened(path / "raw", "0.5").read().result(), data)


def test_an_engine_that_cannot_read_an_array_says_so(hand_made):
    path, data = hand_made("0.4", "tczyx", write_v2("F"))
    image = open_ome_zarr(path, engine="zarrs").data
    with pytest.raises(EngineError, match="Fortran order"):
        image[:]
    with open_ome_zarr(path) as position:
        assert np.array_equal(position.data[:], data)


@pytest.mark.parametrize(
    "compressor",
    [
        None,
        numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE),
        numcodecs.Blosc("zstd", 1, numcodecs.Blosc.AUTOSHUFFLE),
        numcodecs.Zstd(3),
        numcodecs.GZip(1),
        numcodecs.Zlib(1),
        numcodecs.LZ4(),
        numcodecs.BZ2(1),
    ],
    ids=str,
)
def test_arrays_of_zarr_v2_in_a_new_plate(hand_made, tmp_path, compressor):
    """Whatever compresses them, all libraries read what is in the plate of Zarr v3."""

    def write(path, data):
        zarr.create_array(
            path, data=data, chunks=(1, 2, 16, 16), zarr_format=2, compressors=compressor
        )

    path, data = hand_made("0.4", "czyx", write)
    with open_ome_zarr(path) as position:
        Plate.from_positions(tmp_path / "q.zarr", {"A/1/0": position}, version="0.5").close()
    copy = tmp_path / "q.zarr/A/1/0/raw"
    assert np.array_equal(zarr.open_array(copy, mode="r")[:], data)
    assert np.array_equal(opened(copy, "0.5").read().result(), data)
    for engine in ENGINES:
        with open_ome_zarr(tmp_path / "q.zarr", engine=engine) as plate:
            assert np.array_equal(plate["A/1/0/raw"][:], data)


def test_uppercase_axes_keep_working(hand_made, version):
    def write(path, data):
        zarr.create_array(path, data=data, zarr_format=FORMATS[version], chunks=(1, 1, 2, 16, 16))

    path, data = hand_made(version, "tczyx", write, names="TCZYX")
    with open_ome_zarr(path, mode="r+") as position:
        assert position.axis_names == list("tczyx")
        assert [axis.name for axis in position.axes] == list("TCZYX")
        position.set_scale("raw", "z", 0.5)
        position.compute_pyramid(2)
        position.append_channel("more")
        array = position.to_xarray()
        assert np.array_equal(array.values[:, :2], data)
        position.write_xarray(array.isel(c=[1], z=slice(1, 3)), image="raw")
        assert np.array_equal(position.data[:, :2], data)
        assert position.scale == [2.0, 2.0, 0.5, 2.0, 2.0]


def axes_of(image):
    return image["axes"] if "axes" in image else image["coordinateSystems"][0]["axes"]


def test_members_that_iohub_does_not_know_survive(hand_made, version):
    def write(path, data):
        zarr.create_array(path, data=data, zarr_format=FORMATS[version], attributes={"mine": 1})

    path, _ = hand_made(version, "czyx", write)
    group = zarr.open_group(path, mode="r+")
    attrs = dict(group.attrs)
    ome = attrs if version == "0.4" else attrs["ome"]
    ome["multiscales"][0]["vendor"] = {"a": [1, {"b": None}]}
    axes_of(ome["multiscales"][0])[1]["orientation"] = {"type": "anatomical"}
    ome["multiscales"][0]["datasets"][0]["note"] = "x"
    ome["custom"] = [1, 2]
    group.attrs.put({**attrs, "vendor": {"deep": {"er": 1}}})
    with open_ome_zarr(path, mode="r+") as position:
        position.set_scale("raw", "z", 3)
        position.append_channel("new")
        position.compute_pyramid(2)
    attrs = dict(zarr.open_group(path, mode="r").attrs)
    ome = attrs if version == "0.4" else attrs["ome"]
    assert attrs["vendor"] == {"deep": {"er": 1}}
    assert ome["custom"] == [1, 2]
    assert ome["multiscales"][0]["vendor"] == {"a": [1, {"b": None}]}
    assert axes_of(ome["multiscales"][0])[1]["orientation"] == {"type": "anatomical"}
    assert ome["multiscales"][0]["datasets"][0]["note"] == "x"
    assert dict(zarr.open_array(path / "raw", mode="r").attrs) == {"mine": 1}


def test_consolidated_metadata_do_not_go_stale(tmp_path, version, write_image):
    """What zarr-python consolidated is true or gone after an edit."""
    path = tmp_path / "a.zarr"
    write_image(path, version)
    if version == "0.4":
        zarr.consolidate_metadata(path, zarr_format=2)
    else:
        with pytest.warns(UserWarning, match="[Cc]onsolidated"):
            zarr.consolidate_metadata(path, zarr_format=3)
    with open_ome_zarr(path, mode="r+") as position:
        position.append_channel("new")
        position.set_scale("0", "z", 4)
    group = zarr.open_group(path, mode="r")
    assert group["0"].shape[1] == 3
    attrs = dict(group.attrs)
    ome = attrs if version == "0.4" else attrs["ome"]
    assert len(ome["omero"]["channels"]) == 3


def test_zarr_edits_what_iohub_holds_open(tmp_path, version, write_image):
    path = tmp_path / "a.zarr"
    write_image(path, version)
    with open_ome_zarr(path) as position:
        assert position["0"].shape == (2, 2, 5, 33, 30)
        zarr.open_array(path / "0", mode="r+").resize((4, 2, 5, 33, 30))
        group = zarr.open_group(path, mode="r+")
        group.attrs["note"] = json.loads('{"by": "zarr"}')
        assert position["0"].shape == (4, 2, 5, 33, 30)
        assert position.zattrs["note"] == {"by": "zarr"}
