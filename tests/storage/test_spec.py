"""Array documents mean what zarr-python writes, and other libraries read them."""

from __future__ import annotations

import json
import pickle

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, ZstdCodec
from zarr.storage import MemoryStore

from iohub.errors import DocumentError, DTypeError, EngineError, NotFoundError, ShapeError
from iohub.storage.codecs import Blosc, Gzip, Zstd
from iohub.storage.spec import ArraySpec

DTYPES = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


def spec(shape=(4, 8), dtype="u2", **options):
    return ArraySpec.create(shape, dtype, **{"zarr_format": 3, "chunks": (2, 4), **options})


def written_by_zarr(zarr_format, **options):
    store = MemoryStore()
    zarr.create_array(store, zarr_format=zarr_format, **options)
    return {name: json.loads(value.to_bytes()) for name, value in store._store_dict.items()}


def ours(array):
    return {name: json.loads(value) for name, value in array.documents().items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shards", [None, (4, 8)])
def test_v3_is_what_zarr_writes(dtype, shards):
    codec = BloscCodec(
        cname="zstd", clevel=1, shuffle="bitshuffle", typesize=np.dtype(dtype).itemsize
    )
    theirs = written_by_zarr(
        3, shape=(4, 8), dtype=dtype, chunks=(2, 4), shards=shards, compressors=codec,
        dimension_names=("y", "x"), attributes={"a": 1},
    )["zarr.json"]  # fmt: skip
    theirs.pop("storage_transformers", None)
    mine = ours(spec(dtype=dtype, shards=shards, dimension_names=("y", "x"), attributes={"a": 1}))
    assert mine == {"zarr.json": theirs}


@pytest.mark.parametrize("dtype", [*DTYPES, ">u2", ">f4"])
def test_v2_is_what_zarr_writes(dtype):
    theirs = written_by_zarr(
        2, shape=(4, 8), dtype=dtype, chunks=(2, 4), compressors=numcodecs.Blosc("zstd", 1, 2),
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )[".zarray"]  # fmt: skip
    theirs["compressor"].pop("typesize", None)
    assert ours(spec(dtype=dtype, zarr_format=2)) == {".zarray": theirs}


@pytest.mark.parametrize(
    ("dtype", "fill", "text"),
    [("f4", np.nan, "NaN"), ("f8", np.inf, "Infinity"), ("f2", -np.inf, "-Infinity"),
     ("f4", 0.1, float(np.float32(0.1))), ("?", 1, True), ("u8", 2**64 - 1, 2**64 - 1),
     ("c8", 1 + 2j, [1.0, 2.0]), ("c16", complex(np.nan, 0), ["NaN", 0.0]),
     ("i2", np.int8(-3), -3)],
)  # fmt: skip
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_fill_values(dtype, fill, text, zarr_format):
    array = spec(dtype=dtype, fill_value=fill, zarr_format=zarr_format)
    assert array.metadata["fill_value"] == text
    again = ArraySpec.parse(array.documents())
    np.testing.assert_array_equal(again.fill_value, np.dtype(dtype).type(fill))
    assert again == array


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("u1", 256), ("u1", -1), ("i2", 1.5), ("u2", np.nan), ("f4", 1j), ("u1", "0")],
)
def test_fill_values_that_do_not_fit(dtype, fill):
    with pytest.raises(DTypeError, match="fill value"):
        spec(dtype=dtype, fill_value=fill)


@pytest.mark.parametrize("dtype", ["U5", "M8[s]", "O", [("a", "u1")], "nonsense"])
def test_types_that_are_no_pixels(dtype):
    with pytest.raises(DTypeError):
        spec(dtype=dtype)


def test_hexadecimal_and_missing_fill_values():
    document = ours(spec(dtype="f4"))["zarr.json"] | {"fill_value": "0x7fc00000"}
    assert np.isnan(ArraySpec.parse({"zarr.json": json.dumps(document).encode()}).fill_value)
    document = ours(spec(zarr_format=2))[".zarray"] | {"fill_value": None}
    assert ArraySpec.parse({".zarray": json.dumps(document).encode()}).fill_value == 0


def test_unknown_members_survive_an_edit():
    document = ours(spec())["zarr.json"] | {"later": {"must_understand": False}}
    array = ArraySpec.parse({"zarr.json": json.dumps(document).encode()})
    new = array.resized((5, 9)).with_attributes({"b": [1]})
    assert ours(new)["zarr.json"] == document | {"shape": [5, 9], "attributes": {"b": [1]}}


def test_parsed_is_what_was_created():
    for options in ({}, {"shards": (4, 8)}, {"zarr_format": 2}, {"separator": "."}):
        array = spec(**options, attributes={"a": 1})
        assert ArraySpec.parse(array.documents()) == array
        assert pickle.loads(pickle.dumps(array)) == array
        hash(array)


def test_derived_values():
    array = spec((5, 9), shards=(4, 8))
    assert (array.ndim, array.size, array.nbytes) == (2, 45, 90)
    assert array.unit == (4, 8)
    assert array.unit_grid == (2, 2)
    assert array.unit_nbytes == 64
    assert array.compressor["name"] == "blosc"
    assert spec(compression=None).compressor is None


@pytest.mark.parametrize(
    ("options", "key"),
    [({}, "c/1/2"), ({"separator": "."}, "c.1.2"), ({"zarr_format": 2}, "1/2"),
     ({"zarr_format": 2, "separator": "."}, "1.2")],
)  # fmt: skip
def test_unit_keys(options, key):
    assert spec(**options).unit_key((1, 2)) == key


def test_keys_without_axes_and_with_defaults():
    assert spec((), chunks=()).unit_key(()) == "c"
    assert spec((), chunks=(), zarr_format=2).unit_key(()) == "0"
    document = ours(spec(zarr_format=2))[".zarray"]
    del document["dimension_separator"]
    assert ArraySpec.parse({".zarray": json.dumps(document).encode()}).separator == "."


def test_same_encoding_across_formats_and_spellings():
    assert spec().same_encoding(spec((9, 9), zarr_format=2, separator="."))
    assert spec(compression=Zstd(3)).same_encoding(spec(zarr_format=2, compression=Zstd(3)))
    for other in (
        spec(dtype="i2"),
        spec(chunks=(2, 2)),
        spec(shards=(2, 4)),
        spec(fill_value=1),
        spec(compression=None),
        spec(compression=Blosc(clevel=5)),
        spec(dtype=">u2"),
    ):
        assert not spec().same_encoding(other)
    nan = spec(dtype="f4", fill_value=np.nan)
    assert nan.same_encoding(spec(dtype="f4", fill_value=np.nan))
    document = ours(spec(zarr_format=2))[".zarray"] | {"filters": [{"id": "delta"}]}
    filtered = ArraySpec.parse({".zarray": json.dumps(document).encode()})
    assert not filtered.same_encoding(filtered)


def test_compressions():
    assert spec(compression=Gzip(3)).compressor == {"name": "gzip", "configuration": {"level": 3}}
    assert spec(compression=ZstdCodec(level=2)).compressor["configuration"]["level"] == 2
    lz4 = spec(zarr_format=2, compression=numcodecs.LZ4())
    assert lz4.compressor["id"] == "lz4"
    raw = {"name": "gzip", "configuration": {"level": 1}}
    assert spec(compression=raw).compressor == raw
    for wrong in ("blosc", {"id": "zlib"}, 5):
        with pytest.raises(EngineError, match="no codec of Zarr v3"):
            spec(compression=wrong)


@pytest.mark.parametrize(
    ("options", "match"),
    [({"chunks": (2,)}, "2 axes"), ({"chunks": (0, 4)}, "at least 1"),
     ({"shards": (3, 8)}, "no multiple"), ({"shards": (4, 8), "zarr_format": 2}, "has no shards"),
     ({"zarr_format": 4}, "only 2 and 3"), ({"dimension_names": ("x",)}, "dimension names"),
     ({"chunks": (2.0, 4)}, "integers"), ({"chunks": (2**16, 2**16)}, "Blosc")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(options, match):
    with pytest.raises(ShapeError, match=match):
        spec(**options)


def test_v2_dimension_names_are_xarrays():
    array = spec(zarr_format=2, dimension_names=("y", "x"))
    assert array.dimension_names == ("y", "x")
    assert ours(array)[".zattrs"] == {"_ARRAY_DIMENSIONS": ["y", "x"]}


@pytest.mark.parametrize(
    ("name", "raw", "match"),
    [("zarr.json", b"{", "JSON"), ("zarr.json", b"[]", "object"), ("zarr.json", b"{}", "missing"),
     (".zarray", b'{"zarr_format": 2}', "/dtype: is required"), (".zarray", b"", "empty"),
     ("zarr.json", b'{"zarr_format": 3, "node_type": "group"}', "must be 'array'")],
)  # fmt: skip
def test_broken_documents_are_named(name, raw, match):
    with pytest.raises(DocumentError, match=match) as caught:
        ArraySpec.parse({name: raw}, "plate/A/1/0")
    assert caught.value.source == f"plate/A/1/0/{name}"


_DROP = object()


def changed(document, path, value):
    """Give a document with one member changed or dropped."""
    new = json.loads(json.dumps(document))
    *above, last = path.strip("/").split("/")
    node = new
    for name in above:
        node = node[int(name) if isinstance(node, list) else name]
    if value is _DROP:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return new


@pytest.mark.parametrize(
    ("path", "value"),
    [("/dimension_separator", 3), ("/dimension_separator", ""), ("/dimension_separator", None),
     ("/order", "X"), ("/order", _DROP), ("/compressor", {}), ("/compressor", "blosc"),
     ("/filters", [3]), ("/shape", [True, 9]), ("/shape", "59"), ("/shape", [5.0, 9]),
     ("/chunks", [0, 4]), ("/chunks", [2]), ("/fill_value", _DROP), ("/zarr_format", "2"),
     ("/dtype", "uint16"), ("/dtype", "|u2"), ("/dtype", 3)],
)  # fmt: skip
def test_v2_members_that_mean_nothing(path, value):
    good = ours(spec((5, 9), "u2", zarr_format=2))[".zarray"]
    ArraySpec.parse({".zarray": json.dumps(good).encode()})
    bad = json.dumps(changed(good, path, value)).encode()
    with pytest.raises(DocumentError, match=path):
        ArraySpec.parse({".zarray": bad}, "A/1/0")


@pytest.mark.parametrize(
    ("path", "value"),
    [("/codecs", []), ("/codecs", "bytes"), ("/codecs", ["bytes"]), ("/codecs", [{"name": "zstd"}]),
     ("/codecs", [{"name": "bytes"}]), ("/codecs/0", {"name": 3}),
     ("/codecs/0/configuration", []), ("/codecs/0/configuration/endian", _DROP),
     ("/codecs/0/configuration/endian", "middle"), ("/chunk_key_encoding", "default"),
     ("/chunk_key_encoding/name", "weird"), ("/chunk_key_encoding/configuration", []),
     ("/chunk_key_encoding/configuration/separator", 3), ("/chunk_grid", "regular"),
     ("/chunk_grid/configuration", _DROP), ("/chunk_grid/configuration/chunk_shape", [2.0, 4]),
     ("/dimension_names", "yx"), ("/dimension_names", ["y"]), ("/dimension_names", ["y", 3]),
     ("/attributes", []), ("/storage_transformers", [{"name": "x"}]), ("/fill_value", None),
     ("/shape", [True, 9]), ("/later", 1), ("/later", {"must_understand": True}),
     ("/zarr_format", "3"), ("/node_type", _DROP)],
)  # fmt: skip
def test_v3_members_that_mean_nothing(path, value):
    good = ours(spec((5, 9), "u2", dimension_names=("y", "x")))["zarr.json"]
    ArraySpec.parse({"zarr.json": json.dumps(good).encode()})
    bad = json.dumps(changed(good, path, value)).encode()
    with pytest.raises(DocumentError, match=path):
        ArraySpec.parse({"zarr.json": bad}, "A/1/0")


@pytest.mark.parametrize(
    ("path", "value"),
    [("/codecs", []), ("/codecs", [{"name": "bytes"}]), ("/index_codecs", _DROP),
     ("/index_codecs", [{"name": "bytes"}]), ("/index_location", "middle"),
     ("/chunk_shape", [3, 3]), ("/chunk_shape", [2.0, 4]), ("/chunk_shape", _DROP)],
)  # fmt: skip
def test_shards_that_mean_nothing(path, value):
    good = ours(spec((8, 8), "u2", chunks=(2, 4), shards=(4, 8)))["zarr.json"]
    ArraySpec.parse({"zarr.json": json.dumps(good).encode()})
    bad = json.dumps(changed(good, "/codecs/0/configuration" + path, value)).encode()
    with pytest.raises(DocumentError, match="/codecs/0/configuration" + path):
        ArraySpec.parse({"zarr.json": bad})


def test_all_problems_of_a_document_come_together():
    bad = json.dumps({"zarr_format": 2, "shape": [4], "chunks": [0]}).encode()
    with pytest.raises(DocumentError) as caught:
        ArraySpec.parse({".zarray": bad})
    assert {problem.where for problem in caught.value.problems} >= {"/chunks", "/dtype", "/order"}


def test_no_documents():
    with pytest.raises(NotFoundError):
        ArraySpec.parse({"zarr.json": None}, "x")


def test_attributes_that_are_no_json():
    with pytest.raises(DocumentError):
        spec(attributes={"a": object()}).documents()
