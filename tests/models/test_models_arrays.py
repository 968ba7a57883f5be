"""Arrays without pixels: their documents, and what they are made of."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from pydantic import BaseModel

from iohub.errors import DocumentError, DTypeError, LayoutError, MissingNodeError, PathError
from iohub.models.arrays import ArraySpec, ArraySpecV2, ArraySpecV3
from iohub.models.groups import GroupSpec
from iohub.ngff import open_ome_zarr
from iohub.storage import spec as stored


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("dtype", "fill"), [("uint16", 7), ("float32", np.nan), ("bool", True), ("complex64", 1j)]
)
def test_zarr_reads_what_is_described(tmp_path, zarr_format, dtype, fill):
    spec = ArraySpec.create(
        (5, 6), dtype, zarr_format=zarr_format, chunks=(2, 3), fill_value=fill, attributes={"a": 1}
    )
    group = GroupSpec(zarr_format=zarr_format, members={"x": spec}).to_zarr(tmp_path / "g.zarr")
    array = group["x"]
    assert (array.shape, array.chunks, array.dtype) == ((5, 6), (2, 3), np.dtype(dtype))
    assert np.array_equal(array[...], np.full((5, 6), fill, dtype), equal_nan=dtype == "float32")
    assert dict(array.attrs) == {"a": 1}
    found = ArraySpec.of(array)
    assert found == spec
    assert ArraySpec.of(spec.to_storage()) == spec
    assert ArraySpec.of(spec.model_dump()) == spec


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_zarr_made_is_described(tmp_path, zarr_format):
    group = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=zarr_format)
    group.create_array("x/y", shape=(5, 6), dtype="uint16", chunks=(2, 3))
    spec = ArraySpec.of(group["x/y"])
    copy = GroupSpec(zarr_format=zarr_format, members={"x": spec}).to_zarr(tmp_path / "h.zarr")
    assert copy["x"].metadata == group["x/y"].metadata


def test_sharded(tmp_path):
    spec = ArraySpecV3.create((8, 8), "uint8", chunks=(2, 2), shards=(4, 4))
    assert spec.to_storage().shards == (4, 4)
    assert repr(spec) == "ArraySpec(shape=(8, 8), uint8, chunks=(2, 2), shards=(4, 4))"


def test_an_image_array_is_described(tmp_path):
    with open_ome_zarr(tmp_path / "a.zarr", "fov", "w-", channel_names=["a"]) as position:
        array = position.create_zeros("0", (1, 1, 2, 4, 4), "uint8")
        assert ArraySpec.of(array).shape == (1, 1, 2, 4, 4)


class Elsewhere(BaseModel):
    """As packages for Zarr models dump an array."""

    zarr_format: int = 3
    node_type: str = "array"
    attributes: dict = {}
    shape: tuple[int, ...] = (4, 4)
    data_type: str = "uint8"
    chunk_grid: dict = {"name": "regular", "configuration": {"chunk_shape": (4, 4)}}
    chunk_key_encoding: dict = {"name": "default", "configuration": {"separator": "/"}}
    fill_value: int = 0
    codecs: tuple = ({"name": "bytes"},)
    storage_transformers: tuple = ()
    dimension_names: tuple | None = None


class ElsewhereV2(BaseModel):
    """The same for Zarr v2."""

    zarr_format: int = 2
    attributes: dict = {"a": 1}
    shape: tuple[int, ...] = (4, 4)
    chunks: tuple[int, ...] = (4, 4)
    dtype: str = "|u1"
    fill_value: int = 0
    order: str = "C"
    filters: None = None
    dimension_separator: str = "/"
    compressor: None = None


class ElsewhereGroup(BaseModel):
    """A group of theirs."""

    zarr_format: int = 3
    node_type: str = "group"
    attributes: dict = {}
    members: dict = {"a": Elsewhere()}


def test_models_of_others():
    spec = ArraySpec.of(Elsewhere())
    assert isinstance(spec, ArraySpecV3)
    assert "storage_transformers" not in spec.to_json()
    assert "dimension_names" not in spec.to_json()
    assert isinstance(ArraySpec.of(ElsewhereV2()), ArraySpecV2)
    assert GroupSpec(members={"g": ElsewhereGroup()}).member("g/a") == spec


def test_what_is_no_array():
    with pytest.raises(PathError, match="describes no array"):
        ArraySpec.of(5)
    with pytest.raises(DocumentError):
        ArraySpec.of({"shape": [1]})
    with pytest.raises(DocumentError, match="must be 2, found 3"):
        ArraySpecV2.of(Elsewhere())
    with pytest.raises(DTypeError):
        ArraySpec.of(Elsewhere(data_type="string"))
    with pytest.raises(DocumentError):
        ArraySpec.of(Elsewhere(codecs=({},)))


def test_the_document_is_whole():
    spec = ArraySpecV2.create((4,), "uint8", compression=None)
    document = spec.to_json()
    assert document["compressor"] is None
    assert document["filters"] is None
    text = json.dumps({k: v for k, v in document.items() if k not in ("attributes", "node_type")})
    assert stored.ArraySpec.parse({".zarray": text.encode()}).shape == (4,)


def test_groups():
    array = ArraySpecV3.create((4,), "uint8")
    group = GroupSpec(attributes={"a": [1]}, members={"x/0": array, "x": GroupSpec()})
    assert group.member("x/0") is array
    assert GroupSpec.model_validate_json(group.model_dump_json()) == group
    with pytest.raises(MissingNodeError, match="x/0"):
        group.member("x/1")
    with pytest.raises(ValueError, match="is an array"):
        GroupSpec(members={"x": array, "x/0": array})
    with pytest.raises(ValueError, match="no key"):
        GroupSpec(members={"../x": array})
    with pytest.raises(ValueError, match="mapping"):
        GroupSpec(members=[array])
    assert GroupSpec(members=None).members == {}


def test_one_format_in_a_hierarchy(tmp_path):
    array = ArraySpecV2.create((4,), "uint8")
    with pytest.raises(LayoutError, match="Zarr v2 in a group of v3"):
        GroupSpec(members={"x": array}).to_zarr(tmp_path / "g.zarr")
    assert not (tmp_path / "g.zarr").exists()


def test_groups_above(tmp_path):
    path = tmp_path / "g.zarr"
    GroupSpec().to_zarr(path, "a/b")
    GroupSpec().to_zarr(path, "a/c")
    assert sorted(dict(zarr.open_group(path, mode="r")["a"].groups())) == ["b", "c"]
    GroupSpec(members={"x": ArraySpecV3.create((4,), "uint8")}).to_zarr(path, "d")
    with pytest.raises(PathError, match="above"):
        GroupSpec().to_zarr(path, "d/x/y")
