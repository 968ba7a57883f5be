"""What other software loses between arrays, records and files stays here: each as a regression."""

from __future__ import annotations

import sys
import tracemalloc
import warnings
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow, from_numpy, from_ome_parquet, from_ome_zarr, from_tiff, to_numpy
from iohub.arrow.export import to_ome_parquet, to_ome_tiff, to_ome_vortex, to_ome_zarr
from iohub.errors import IohubWarning

DTYPES = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
SMALL = np.arange(24, dtype=np.uint16).reshape(1, 2, 1, 3, 4)


def extremes(dtype: str) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        values = [np.iinfo(kind).min, np.iinfo(kind).max, 0, 1]
    elif kind.kind == "b":
        values = [True, False, True, True]
    else:
        values = [-1.5, 0.5, np.inf, 3e4]
    return np.array(values * 6, kind).reshape(1, 2, 1, 3, 4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_data_type_comes_back_from_files(tmp_path, dtype):
    """Of 1 to 5: no clamp, no cast, no byte lost, in a table or a directory of tables."""
    pixels = extremes(dtype)
    image = OMEArrow(from_numpy(pixels, clamp_to_uint16=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for how, name in (("parquet", "x.parquet"), ("ome-arrow-dataset", "x.dataset")):
            path = image.export(how, out=str(tmp_path / name))
            assert np.array_equal(OMEArrow(path).export(dtype=pixels.dtype), pixels)
            view = OMEArrow.scan(path).tensor_view(layout="TCZYX")
            assert view.dtype == pixels.dtype
            assert np.array_equal(view.to_numpy(), pixels)


@pytest.mark.parametrize("how", ["numpy", "tiff", "zarr"])
def test_a_cast_to_the_default_type_is_never_silent(tmp_path, how):
    """Of 3: exports are uint16 by default, and say so if a pixel changes."""
    image = OMEArrow(from_numpy(extremes("i4"), clamp_to_uint16=False))
    out = None if how == "numpy" else str(tmp_path / f"x.ome.{how}")
    with pytest.warns(IohubWarning, match="pixels changed from int32 to uint16"):
        image.export(how, out=out)


@pytest.mark.parametrize("unit", ["nm", "µm", "mm"])
def test_units_of_length_are_kept_or_converted(tmp_path, unit):
    """Of 5: 325 nm are never 325 µm, and units in OME-Zarr are the names that it recommends."""
    made = from_numpy(SMALL, physical_size_x=325, physical_size_unit=unit)
    micrometer = 325 * {"nm": 1e-3, "µm": 1, "mm": 1e3}[unit]
    to_ome_zarr(made, tmp_path / "x.zarr")
    with open_ome_zarr(tmp_path / "x.zarr") as position:
        names = {"nm": "nanometer", "µm": "micrometer", "mm": "millimeter"}
        assert {axis.unit for axis in position.axes[-2:]} == {names[unit]}
    to_ome_tiff(made, tmp_path / "x.ome.tif")
    for back in (from_ome_zarr(tmp_path / "x.zarr"), from_tiff(tmp_path / "x.ome.tif")):
        meta = back["pixels_meta"].as_py()
        assert meta["physical_size_x_unit"] == "µm"
        assert meta["physical_size_x"] == np.float32(micrometer)
    to_ome_parquet(made, tmp_path / "x.parquet", column_name="ome_arrow")
    meta = from_ome_parquet(tmp_path / "x.parquet")["pixels_meta"].as_py()
    assert (meta["physical_size_x"], meta["physical_size_x_unit"]) == (325, unit)


def test_a_size_is_the_number_that_was_given(tmp_path):
    """Of 6: 0.1 in 32 bits is 0.1, not 0.10000000149."""
    to_ome_zarr(from_numpy(SMALL, physical_size_x=0.1), tmp_path / "x.zarr")
    with open_ome_zarr(tmp_path / "x.zarr") as position:
        assert position.scale[-1] == 0.1


def test_a_time_that_is_given_is_kept_in_utc(tmp_path):
    """Of 7: times with a zone are converted, and a record with a time is reproducible."""
    moment = datetime(2020, 1, 2, 3, 4, 5, 6, timezone(timedelta(hours=2)))
    one, two = (from_numpy(SMALL, acquisition_datetime=moment) for _ in range(2))
    assert one["acquisition_datetime"].as_py() == datetime(2020, 1, 2, 1, 4, 5, 6)
    for record, name in ((one, "1.parquet"), (two, "2.parquet")):
        to_ome_parquet(record, tmp_path / name)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    path = str(tmp_path / "x.dataset")
    OMEArrow(one).export("ome-arrow-dataset", out=path)
    assert OMEArrow(path).data["acquisition_datetime"] == one["acquisition_datetime"]


@pytest.mark.parametrize("how", ["zarr", "ome-tiff", "parquet", "ome-arrow-dataset"])
def test_channels_and_sizes_come_back(tmp_path, how):
    """Of 8 and 9: names and colours, sizes and units, through every file."""
    record = from_numpy(SMALL, channel_names=["DAPI", "GFP"], physical_size_x=0.5)
    array = OMEArrow(record).export("dict")
    for channel, color in zip(
        array["pixels_meta"]["channels"], (0x0000FFFF, 0xFF8000FF), strict=True
    ):
        channel["color_rgba"] = color
    out = str(tmp_path / f"x.{how}")
    path = OMEArrow(array).export(
        how, out=out.replace("ome-tiff", "ome.tif"), use_channel_colors=True
    )
    meta = OMEArrow(path).data["pixels_meta"].as_py()
    assert [each["name"] for each in meta["channels"]] == ["DAPI", "GFP"]
    assert [each["color_rgba"] for each in meta["channels"]] == [0x0000FFFF, 0xFF8000FF]
    assert (meta["physical_size_x"], meta["physical_size_x_unit"]) == (0.5, "µm")


def test_a_dataset_is_scanned_like_any_file(tmp_path):
    """Of 10: what is exported is read again by a plan."""
    path = OMEArrow(SMALL).export("ome-arrow-dataset", out=str(tmp_path / "x.parquet"))
    plan = OMEArrow.scan(path)
    assert np.array_equal(plan.tensor_view(c=1).to_numpy()[0], SMALL[0, 1, 0])
    part = plan.slice_lazy(1, 3, 0, 2).collect()
    assert np.array_equal(part.export(), SMALL[..., :2, 1:3])


def test_pixels_in_bytes_are_never_lost(tmp_path):
    """Of 11: whichever way a record of bytes goes, its pixels go with it or it is refused."""
    pixels = extremes("f4")
    record = from_numpy(pixels, clamp_to_uint16=False)
    for made in (
        OMEArrow(record.as_py()),
        OMEArrow(record, image_type="label"),
        OMEArrow(record).slice(0, 4, 0, 3),
    ):
        assert np.array_equal(made.export(dtype=np.float32), pixels)
    to_ome_parquet(record.as_py(), tmp_path / "x.parquet")
    back = from_ome_parquet(tmp_path / "x.parquet", column_name="image")
    assert np.array_equal(to_numpy(back, np.float32), pixels)
    if pytest.importorskip("vortex"):
        with pytest.raises(TypeError, match="float32"):
            to_ome_vortex(record, tmp_path / "x.vortex")


def test_lazy_views_have_the_type_and_sizes_of_the_image(tmp_path):
    """Of 13: a plan over a TIFF or OME-Zarr neither clamps nor forgets."""
    pixels = extremes("i2")
    image = OMEArrow(from_numpy(pixels, clamp_to_uint16=False, physical_size_x=0.5))
    for how, name in (("zarr", "x.zarr"), ("tiff", "x.ome.tif")):
        path = image.export(how, dtype=np.int16, out=str(tmp_path / name))
        view = OMEArrow.scan(path).tensor_view(c=1, roi=(1, 0, 3, 2))
        assert np.array_equal(view.to_numpy(), pixels[0, 1:, 0, :2, 1:])


def test_numbers_of_other_libraries_are_indices():
    """NumPy's integers and arrays select as Python's do."""
    view = OMEArrow(SMALL).tensor_view(c=np.arange(2)[1], layout="YX")
    assert np.array_equal(view.to_numpy(), SMALL[0, 1, 0])


# tables of others


def variants():
    """Return ways in which other writers may store a record, by what is special of it."""
    plain = from_numpy(SMALL, build_chunks=False).as_py()
    chunks = from_numpy(SMALL, chunk_shape=(1, 2, 3)).as_py()
    made = {"planes": plain, "chunks": {**chunks, "planes": []}, "both": chunks}
    for name, dtype in (("bytes", "u2"), ("bytes of floats", "f4")):
        record = from_numpy(SMALL.astype(dtype), clamp_to_uint16=False)
        made[name] = record.as_py() if dtype == "f4" else in_bytes(record.as_py(), None)
    made["compressed bytes"] = in_bytes(plain, "zstd")
    made["more fields"] = {**plain, "more": 1, "pixels_meta": {**plain["pixels_meta"], "x": 1}}
    made["other order"] = dict(sorted(plain.items()))
    made["fewer fields"] = {key: plain[key] for key in ("id", "pixels_meta", "planes")}
    return made


def in_bytes(plain, codec):
    chunks = []
    for c in range(2):
        raw = SMALL[0, c, 0].tobytes()
        place = {"t": 0, "c": c, "z": 0, "y": 0, "x": 0, "shape_z": 1, "shape_y": 3, "shape_x": 4}
        data = raw if codec is None else pa.compress(raw, codec=codec, asbytes=True)
        chunks.append({**place, "dtype": "uint16", "compression": codec, "pixel_bytes": data})
    return {**plain, "planes": [], "chunks": chunks}


@pytest.mark.parametrize("name", variants())
@pytest.mark.parametrize("row", [0, 2])
def test_tables_of_other_writers_are_read(tmp_path, name, row):
    plain = variants()[name]
    other = {**plain, "id": "other"}
    rows = [plain if number == row else other for number in range(3)]
    table = pa.table({"n": [1, 2, 3], "image": pa.array(rows), "more": ["a", "b", "c"]})
    parquet.write_table(table, tmp_path / "x.parquet", store_schema=False, row_group_size=2)
    found = from_ome_parquet(tmp_path / "x.parquet", column_name="image", row_index=row)
    assert found["id"].as_py() == plain["id"]
    assert np.array_equal(to_numpy(found), SMALL)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int64()),
        pa.list_(pa.float64()),
        pa.large_list(pa.uint16()),
        pa.list_(pa.uint16(), 12),
        pa.list_(pa.field("item", pa.int32(), nullable=False)),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0", "compression": "brotli"}])
def test_lists_of_any_kind_are_read(tmp_path, kind, options):
    plain = from_numpy(SMALL, build_chunks=False).as_py()
    plane = pa.struct([("c", pa.int64()), ("pixels", kind), ("t", pa.int64()), ("z", pa.int64())])
    planes = pa.array([plain["planes"]], pa.list_(plane))
    meta = pa.array([plain["pixels_meta"]])
    ids = pa.array(["x"])
    column = pa.StructArray.from_arrays([ids, meta, planes], ["id", "pixels_meta", "planes"])
    parquet.write_table(pa.table({"ome_arrow": column}), tmp_path / "x.parquet", **options)
    assert np.array_equal(to_numpy(from_ome_parquet(tmp_path / "x.parquet")), SMALL)


# no object per pixel


def has_pixels(value: object) -> bool:
    """Whether a value of Arrow is of pixels, or has some in it."""
    kind = str(getattr(value, "type", ""))
    if "pixels:" in kind or "pixel_bytes:" in kind:
        return True
    return isinstance(value, pa.Array | pa.ChunkedArray) and len(value) > 1000


@contextmanager
def watched():
    """Note every call that makes Python objects of pixels, in any thread; from Python 3.12 on.

    Methods of Arrow's classes cannot be replaced: the interpreter tells of calls.
    """
    found = []
    names = {"as_py", "to_pylist", "tolist", "to_pydict"}

    def note(code, offset, function, owner):
        if getattr(function, "__name__", "") in names:
            large = isinstance(owner, np.ndarray) and owner.size > 1000
            if large or has_pixels(owner):
                found.append(f"{function.__name__} in {code.co_filename} by {code.co_name}")

    if sys.version_info < (3, 12):
        yield found
        return
    monitoring = sys.monitoring
    monitoring.use_tool_id(monitoring.PROFILER_ID, "pixels")
    monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.CALL, note)
    monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.CALL)
    try:
        yield found
    finally:
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        monitoring.free_tool_id(monitoring.PROFILER_ID)


def test_no_pixel_becomes_a_python_object(tmp_path):
    """Neither is one asked for, nor is there memory for them: 36 bytes each, in a list."""
    pixels = np.random.default_rng(0).integers(0, 4096, (1, 2, 4, 64, 64), np.uint16)
    tracemalloc.start()
    try:
        with watched() as found:
            for values in (pixels, pixels.astype(np.float32) / 7):
                image = OMEArrow(from_numpy(values, clamp_to_uint16=False))
                for how, name in (("parquet", "x.parquet"), ("ome-arrow-dataset", "x.dataset")):
                    path = image.export(how, out=str(tmp_path / name))
                    again = OMEArrow(path)
                    assert again.info()["shape"] == pixels.shape
                    assert repr(again) in f"<{again._repr_html_().partition('</b>')[0][8:]}>"
                    again.slice(1, 60, 2, 50).export(dtype=values.dtype)
                    OMEArrow.scan(path).tensor_view(roi=(0, 0, 9, 9)).to_numpy()
                    again.tensor_view().to_dlpack()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == []
    assert peak < 30 * pixels.size


@pytest.mark.parametrize("spoil", ["record", "pixels"])
def test_memory_tells_of_objects_where_calls_are_not_told_of(spoil):
    """The other half of the guard, which holds on Python 3.11 too: 30 bytes of each pixel."""
    pixels = np.random.default_rng(0).integers(300, 4096, (1, 1, 1, 200, 200), np.uint16)
    record = from_numpy(pixels, build_chunks=False)
    tracemalloc.start()
    try:
        if spoil == "record":
            record.as_py()
        else:
            record["planes"].values.field("pixels").values.to_pylist()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak > 30 * pixels.size


@pytest.mark.skipif(sys.version_info < (3, 12), reason="calls are not told of before")
def test_the_guard_sees_what_it_looks_for():
    record = from_numpy(np.zeros((1, 1, 1, 40, 40), np.uint16))
    with watched() as found:
        record.as_py()
        record["planes"].values.to_pylist()
        record["planes"].values.field("pixels").values.to_pylist()
        record["pixels_meta"].as_py()
    assert len(found) == 3
