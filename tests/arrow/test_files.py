"""Records in Parquet, OME-Zarr and OME-TIFF, and files both ways with the public package."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow, from_numpy, from_ome_parquet, from_tiff, to_numpy, to_ome_parquet
from iohub.arrow.export import to_ome_tiff, to_ome_zarr
from iohub.arrow.ingest import from_ome_zarr, open_lazy_plane_source
from iohub.errors import (
    FormatError,
    IohubWarning,
    LayoutError,
    MissingNodeError,
    NotFoundError,
    ShapeError,
)

PIXELS = np.random.default_rng(1).integers(0, 4096, (1, 2, 3, 40, 50), np.uint16)
FLOATS = PIXELS.astype(np.float32) / 3 - 5


def record():
    return from_numpy(
        PIXELS, channel_names=["d", "e"], physical_size_x=0.1, name="hallo", image_id="A/1/0"
    )


@pytest.mark.parametrize("compression", ["zstd", "snappy", None])
@pytest.mark.parametrize("pixels", [PIXELS, FLOATS], ids=["lists", "bytes"])
def test_parquet_keeps_type_and_pixels(tmp_path, pixels, compression):
    made = from_numpy(pixels, clamp_to_uint16=False)
    path = tmp_path / "x.parquet"
    to_ome_parquet(made, path, file_metadata={"who": "me"}, compression=compression)
    back = from_ome_parquet(path, strict_schema=True)
    assert back["pixels_meta"].as_py() == made["pixels_meta"].as_py()
    assert np.array_equal(to_numpy(back, pixels.dtype), pixels)
    assert [each.name for each in tmp_path.iterdir()] == ["x.parquet"]
    said = parquet.read_metadata(path).metadata
    assert said[b"who"] == b"me"
    assert said[b"ome.arrow.type"] == b"ome.arrow"
    assert b"ome.arrow.version" not in said


def test_parquet_holds_each_pixel_once(tmp_path):
    to_ome_parquet(record(), tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 1.1 * PIXELS.nbytes + 10_000


def test_rows_and_columns_of_a_table(tmp_path):
    column = pa.concat_arrays([pa.array(OMEArrow(PIXELS + n)) for n in range(3)])
    table = pa.table(
        {
            "well": ["A", "B", "C"],
            "cells": column,
            "nuclei": pa.concat_arrays([column[2:], column[:2]]),
        }
    )
    path = tmp_path / "x.parquet"
    parquet.write_table(table, path, row_group_size=2)
    found = from_ome_parquet(path, column_name="nuclei", row_index=2)
    assert np.array_equal(to_numpy(found), PIXELS + 1)
    with pytest.warns(IohubWarning, match="'cells' of"):
        found = from_ome_parquet(path, row_index=2)
    assert np.array_equal(to_numpy(found), PIXELS + 2)
    with pytest.raises(ShapeError, match="no row 3"):
        from_ome_parquet(path, column_name="cells", row_index=3)
    with pytest.raises(LayoutError, match="'well'"):
        from_ome_parquet(path, column_name="well")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFoundError):
        from_ome_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FormatError, match=r"x\.parquet"):
        from_ome_parquet(tmp_path / "x.parquet")
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(LayoutError, match="no column"):
        from_ome_parquet(tmp_path / "x.parquet")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_keeps_channels_and_lengths(tmp_path, zarr_format):
    path = tmp_path / "x.zarr"
    to_ome_zarr(record(), path, zarr_format=zarr_format, dim_order="CZYX", multiscale_levels=2)
    with open_ome_zarr(path) as position:
        assert position.metadata.multiscales[0].name == "hallo"
        assert position.array_keys() == ["0", "1"]
        assert position.data.shape == PIXELS.shape[1:]
        assert position.scale == [1, 1, 1, 0.1]
    back = from_ome_zarr(path)
    assert np.array_equal(to_numpy(back), PIXELS)
    meta = back["pixels_meta"].as_py()
    assert [each["name"] for each in meta["channels"]] == ["d", "e"]
    assert meta["physical_size_x"] == np.float32(0.1)
    assert (back["id"].as_py(), back["name"].as_py()) == ("x", "x.zarr")


def test_nanometers_are_converted(tmp_path):
    made = from_numpy(PIXELS, physical_size_x=325, physical_size_unit="nm")
    to_ome_zarr(made, tmp_path / "x.zarr")
    meta = from_ome_zarr(tmp_path / "x.zarr")["pixels_meta"].as_py()
    assert (meta["physical_size_x"], meta["physical_size_x_unit"]) == (np.float32(0.325), "µm")


def test_tiff_keeps_channels_and_lengths(tmp_path):
    pytest.importorskip("tifffile")
    to_ome_tiff(record(), tmp_path / "x.ome.tif", use_channel_colors=True)
    back = from_tiff(tmp_path / "x.ome.tif")
    assert np.array_equal(to_numpy(back), PIXELS)
    meta = back["pixels_meta"].as_py()
    assert [each["name"] for each in meta["channels"]] == ["d", "e"]
    assert meta["physical_size_x"] == np.float32(0.1)


def test_plans_read_when_they_are_asked(tmp_path):
    plan = OMEArrow.scan(str(tmp_path / "x.parquet"))
    part = plan.slice_lazy(10, 40, 5, 30, z_indices=[0, 2]).slice_lazy(1, 9, 2, 8)
    assert plan.is_lazy
    assert "not read" in repr(part)
    with pytest.raises(NotFoundError):
        part.collect()
    OMEArrow(record()).export("parquet", out=str(tmp_path / "x.parquet"))
    assert part.is_lazy
    expected = PIXELS[:, :, ::2, 7:13, 11:19]
    assert np.array_equal(part.collect().export(), expected)
    assert (part.is_lazy, plan.is_lazy) == (False, True)


def test_the_kind_of_image_is_set_and_kept(tmp_path):
    path = str(tmp_path / "x.parquet")
    made = OMEArrow(PIXELS, image_type="label")
    assert np.shares_memory(made.export(), PIXELS)
    assert made.export("ome_parquet", out=path) == path
    assert OMEArrow(path).data["image_type"].as_py() == "label"
    assert OMEArrow(path, image_type="image").data["image_type"].as_py() == "image"


def test_single_planes_of_a_file(tmp_path):
    to_ome_zarr(record(), tmp_path / "x.zarr")
    meta, plane = open_lazy_plane_source(str(tmp_path / "x.zarr"))
    assert (meta["size_z"], meta["size_x"], meta["type"]) == (3, 50, "uint16")
    assert np.array_equal(plane(0, 1, 2), PIXELS[0, 1, 2])
    with pytest.raises(ShapeError):
        plane(0, 2, 0)
    assert open_lazy_plane_source("x.parquet") is None


@pytest.mark.parametrize("pixels", [PIXELS, FLOATS], ids=["lists", "bytes"])
def test_a_plan_reads_no_more_than_it_shows(tmp_path, pixels, monkeypatch):
    path = str(tmp_path / "x.parquet")
    OMEArrow(from_numpy(pixels, clamp_to_uint16=False)).export("parquet", out=path)
    read = []
    before = parquet.ParquetFile.read_row_group

    def read_row_group(self, number, columns=None, **options):
        read.append(columns)
        return before(self, number, columns=columns, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", read_row_group)
    plan = OMEArrow.scan(path)
    assert plan.info()["shape"] == pixels.shape
    view = plan.tensor_view(c=1, z=[2, 1], roi=(5, 6, 7, 8))
    assert view.shape == (1, 2, 1, 8, 7)
    assert np.array_equal(view.to_numpy()[0, :, 0], pixels[0, 1, 2:0:-1, 6:14, 5:12])
    assert plan.is_lazy
    assert not any("pixel" in name for columns in read for name in columns or ["pixels"])
    with pytest.raises(ShapeError, match="no row 1"):
        OMEArrow.scan(path, row_index=1).tensor_view().to_numpy()
    with pytest.raises(NotFoundError):
        OMEArrow.scan(str(tmp_path / "y.parquet")).tensor_view().to_numpy()


def test_damaged_tables_are_format_errors(tmp_path):
    path = tmp_path / "x.parquet"
    OMEArrow(record()).export("parquet", out=str(path))
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for number in range(40):
        damaged = bytearray(whole)
        if number % 4 == 0:
            del damaged[int(random.integers(len(whole))) :]
        else:
            for at in random.integers(len(whole), size=3):
                damaged[at] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        for read in (
            lambda: OMEArrow(str(path)).export(),
            lambda: OMEArrow.scan(str(path)).tensor_view(roi=(0, 0, 5, 5)).to_numpy(),
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with suppress(FormatError, LayoutError, ShapeError, MissingNodeError):
                    read()
