"""Records in memory: no copy, no object per pixel, every data type, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from iohub.arrow import (
    OMEArrow,
    from_numpy,
    from_torch_array,
    to_numpy,
    to_ome_arrow,
    verify_ome_arrow,
)
from iohub.arrow.export import plane_from_chunks
from iohub.arrow.meta import OME_ARROW_BYTE_STRUCT, OME_ARROW_STRUCT
from iohub.arrow.transform import slice_ome_arrow
from iohub.errors import ArgumentError, FormatError, IohubWarning, MissingNodeError, ShapeError


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, (2, 2, 3, 20, 30), np.uint16)


@pytest.mark.parametrize("chunks", [False, True])
def test_a_record_shares_the_memory_of_an_array_both_ways(pixels, chunks):
    back = to_numpy(from_numpy(pixels, build_chunks=chunks))
    assert back.ctypes.data == pixels.ctypes.data
    assert back.shape == pixels.shape
    assert not back.flags.writeable


def test_bytes_share_the_memory_of_an_array_both_ways():
    pixels = np.linspace(-1, 1, 240, dtype=np.float32).reshape(2, 2, 3, 4, 5)
    record = from_numpy(pixels, clamp_to_uint16=False)
    assert record.type == OME_ARROW_BYTE_STRUCT
    assert to_numpy(record, np.float32).ctypes.data == pixels.ctypes.data


@pytest.mark.parametrize("chunk", [(1, 7, 30), (1, 7, 11), (2, 20, 30), (2, 7, 11), (9, 99, 99)])
def test_chunks_of_any_size(pixels, chunk):
    record = from_numpy(pixels, chunk_shape=chunk)
    assert record.type == OME_ARROW_STRUCT
    assert np.array_equal(to_numpy(record), pixels)
    assert np.array_equal(plane_from_chunks(record, t=1, c=0, z=2), pixels[1, 0, 2])
    first = record["chunks"].values.field("pixels")[0].values.to_numpy()
    depth, height, width = chunk
    assert np.array_equal(first, pixels[0, 0, :depth, :height, :width].ravel())


@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i1", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8", ">u2"]
)
def test_every_data_type_is_kept_unless_clamped(dtype):
    pixels = np.arange(60).reshape(1, 1, 3, 4, 5).astype(dtype)
    record = from_numpy(pixels, clamp_to_uint16=False)
    assert record["pixels_meta"]["type"].as_py() == np.dtype(dtype).name
    assert np.array_equal(to_numpy(record, np.dtype(dtype).newbyteorder("=")), pixels)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (np.array([[-5, 7]]), [0, 7]),
        (np.array([[70000, 7]]), [65535, 7]),
        (np.array([[0.5, np.nan]]), [0, 0]),
        (np.array([[np.inf, -np.inf]]), [65535, 0]),
        (np.array([[1 + 2j, 3]]), [1, 3]),
    ],
)
def test_a_clamp_that_changes_pixels_warns(values, kept):
    with pytest.warns(IohubWarning, match="clamp_to_uint16=False"):
        record = from_numpy(values, dim_order="YX")
    assert to_numpy(record).ravel().tolist() == kept


def test_reading_as_another_type_warns_if_it_changes_pixels():
    record = from_numpy(np.array([[-1, 7]], np.int8), dim_order="YX", clamp_to_uint16=False)
    with pytest.warns(IohubWarning, match="1 of 2 pixels changed from int8 to uint16"):
        assert to_numpy(record).ravel().tolist() == [65535, 7]
    with pytest.warns(IohubWarning, match="1 of 2"):
        assert to_numpy(record, clamp=True).ravel().tolist() == [0, 7]
    assert to_numpy(record, np.int16).ravel().tolist() == [-1, 7]


def test_no_record_is_made_of_python_objects(pixels, monkeypatch):
    record = from_numpy(pixels, chunk_shape=(2, 7, 11))

    seen = []
    before = pa.scalar

    def scalar(value, *args, **kwargs):
        seen.append(value)
        return before(value, *args, **kwargs)

    monkeypatch.setattr(pa, "scalar", scalar)
    part = slice_ome_arrow(record, 1, 20, 2, 9, c_indices=[1])
    assert np.array_equal(to_numpy(part), pixels[:, 1:, :, 2:9, 1:20])
    assert OMEArrow(record).info()["shape"] == pixels.shape
    assert seen == []


def test_a_part_keeps_its_channels_and_missing_planes():
    record = to_ome_arrow(
        size_x=2,
        size_y=1,
        size_c=2,
        size_z=2,
        channels=[{"name": "a"}, {"name": "b", "color_rgba": 0xFF0000FF}],
        planes=[{"t": 0, "c": 1, "z": 1, "pixels": [3, 4]}],
        build_chunks=False,
    )
    assert len(record["planes"]) == 1
    assert to_numpy(record).ravel().tolist() == [0, 0, 0, 0, 0, 0, 3, 4]
    whole = slice_ome_arrow(record, 1, 2, 0, 1, c_indices=[1])
    assert to_numpy(whole).ravel().tolist() == [0, 4]
    sparse = slice_ome_arrow(record, 1, 2, 0, 1, c_indices=[1], fill_missing=False)
    assert [(p["z"], p["c"]) for p in sparse["planes"].as_py()] == [(1, 0)]
    channel = sparse["pixels_meta"]["channels"][0].as_py()
    assert (channel["id"], channel["name"], channel["color_rgba"]) == ("ch-0", "b", 0xFF0000FF)
    with pytest.raises(ShapeError, match="none of the planes"):
        slice_ome_arrow(record, 0, 1, 0, 1, c_indices=[0], fill_missing=False)


def test_dicts_are_records_and_records_dicts(pixels):
    record = from_numpy(pixels)
    plain = OMEArrow(record).export("dict")
    assert plain == record.as_py()
    assert np.array_equal(to_numpy(plain), pixels)
    assert verify_ome_arrow(plain, OME_ARROW_STRUCT)
    assert not verify_ome_arrow(1, OME_ARROW_STRUCT)


def test_fields_of_other_programs_are_found_by_name():
    plane = {"c": 0, "pixels": [1, 2], "t": 0, "z": 0}
    sizes = {f"size_{axis}": size for axis, size in zip("ctxyz", (1, 1, 2, 1, 1), strict=True)}
    record = pa.scalar({"id": "x", "pixels_meta": sizes, "planes": [plane]})
    assert record.type["planes"].type.value_type["pixels"].type == pa.list_(pa.int64())
    assert to_numpy(record).ravel().tolist() == [1, 2]


def test_another_arrow_library_takes_the_record(pixels):
    array = pa.array(OMEArrow(pixels))
    assert np.shares_memory(to_numpy(array[0]), pixels)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"pixels_meta": None}, MissingNodeError, "pixels_meta"),
        ({"planes": [{"t": 0, "c": 0, "z": 5, "pixels": [1]}]}, FormatError, "not within"),
        ({"planes": [{"t": 0, "c": 0, "z": -1, "pixels": [1]}]}, FormatError, "not within"),
        ({"planes": [{"t": 0, "c": None, "z": 0, "pixels": [1]}]}, FormatError, "missing"),
        ({"planes": [{"t": 0, "c": 0, "z": 0, "pixels": [1, 2]}]}, ShapeError, "2 pixels, not 1"),
    ],
)
def test_damaged_records_are_refused(change, error, text):
    plain = {**to_ome_arrow(build_chunks=False).as_py(), **change}
    with pytest.raises(error, match=text):
        to_numpy(plain)


def test_pixels_of_wrong_number_are_cut_or_filled_if_not_strict():
    plain = to_ome_arrow(build_chunks=False).as_py()
    plain["planes"][0]["pixels"] = [5, 6]
    assert to_numpy(plain, strict=False).ravel().tolist() == [5]
    plain["planes"][0]["pixels"] = []
    assert to_numpy(plain, strict=False).ravel().tolist() == [0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: from_numpy([[1]], dim_order="YX"),
        lambda: from_numpy(np.zeros((1, 1)), dim_order="YZ"),
        lambda: from_numpy(np.zeros((1, 1))),
        lambda: from_numpy(np.zeros((0, 1)), dim_order="YX"),
        lambda: from_numpy(np.zeros((1, 1)), dim_order="YX", chunk_shape=(1, 0, 1)),
        lambda: from_numpy(np.zeros((1, 1)), dim_order="YX", chunk_order="XYZ"),
        lambda: OMEArrow(3),
        lambda: OMEArrow("image.png"),
        lambda: OMEArrow("image.tif", dim_order="YX"),
        lambda: OMEArrow(to_ome_arrow(), lazy=True),
        lambda: OMEArrow(to_ome_arrow()).export("png"),
        lambda: OMEArrow(to_ome_arrow()).export("parquet"),
        lambda: slice_ome_arrow(to_ome_arrow(), 0, 2, 0, 1),
        lambda: slice_ome_arrow(to_ome_arrow(), 0, 1, 0, 1, t_indices=[]),
        lambda: to_ome_arrow(chunks=[]),
    ],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ValueError):  # noqa: PT011
        make()


def test_what_is_no_array_is_a_type_error():
    with pytest.raises(TypeError, match="NumPy"):
        from_numpy([[1]], dim_order="YX")
    with pytest.raises(ArgumentError, match="torch"):
        from_torch_array(np.zeros((1, 1)))
