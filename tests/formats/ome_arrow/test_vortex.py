"""Records in Vortex files: nothing is lost without a word."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from iohub.arrow import OMEArrow, from_numpy, from_ome_vortex, to_numpy, to_ome_vortex
from iohub.errors import DTypeError, FormatError, IohubWarning, LayoutError, ShapeError

vortex = pytest.importorskip("vortex")

PIXELS = np.random.default_rng(1).integers(0, 4096, (2, 2, 3, 20, 30), np.uint16)


@pytest.mark.parametrize("pixels", [PIXELS, (PIXELS // 16).astype(np.uint8)], ids=["u2", "u1"])
def test_pixels_and_all_that_is_said_come_back(tmp_path, pixels):
    made = from_numpy(
        pixels,
        clamp_to_uint16=False,
        chunk_shape=(2, 7, 11),
        channel_names=["a", "b"],
        physical_size_x=0.1,
        image_type="label",
    )
    path = tmp_path / "x.vortex"
    to_ome_vortex(made, path)
    back = from_ome_vortex(path, column_name="image", strict_schema=True)
    assert back.type == made.type
    for name in ("id", "name", "image_type", "acquisition_datetime", "pixels_meta"):
        assert back[name].as_py() == made[name].as_py()
    assert np.array_equal(to_numpy(back, pixels.dtype), pixels)
    assert [each.name for each in tmp_path.iterdir()] == ["x.vortex"]
    record, array = from_ome_vortex(path, column_name="image", return_array=True)
    assert (len(array), record.type) == (1, array.type)


def test_by_the_doors_of_the_image(tmp_path):
    path = str(tmp_path / "x.vortex")
    image = OMEArrow(PIXELS)
    assert image.export("ome-vortex", out=path, vortex_column_name="cells") == path
    assert OMEArrow(path).info() == image.info()
    plan = OMEArrow.scan(path, column_name="cells")
    view = plan.tensor_view(t=1, roi=(2, 3, 5, 6))
    assert np.array_equal(view.to_numpy()[0], PIXELS[1].swapaxes(0, 1)[..., 3:9, 2:7])
    assert plan.is_lazy


def test_bytes_are_refused_rather_than_lost(tmp_path):
    floats = from_numpy(PIXELS / 7, clamp_to_uint16=False)
    with pytest.raises(DTypeError, match="float64"):
        to_ome_vortex(floats, tmp_path / "x.vortex")
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_vortex_does_not_keep(tmp_path):
    with pytest.warns(IohubWarning, match="'who'"):
        to_ome_vortex(from_numpy(PIXELS), tmp_path / "x.vortex", file_metadata={"who": "me"})


def test_rows_and_columns_of_a_table(tmp_path):
    rows = pa.concat_arrays([pa.array(OMEArrow(PIXELS + n)) for n in range(3)])
    path = str(tmp_path / "x.vortex")
    vortex.io.write(pa.table({"well": ["A", "B", "C"], "cells": rows}), path)
    found = from_ome_vortex(path, column_name="cells", row_index=1)
    assert np.array_equal(to_numpy(found), PIXELS + 1)
    with pytest.raises(ShapeError, match="no row 3"):
        from_ome_vortex(path, column_name="cells", row_index=3)
    with pytest.raises(LayoutError, match="'well'"):
        from_ome_vortex(path, column_name="well")


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "x.vortex"
    with pytest.raises(FileNotFoundError):
        from_ome_vortex(path)
    path.write_bytes(b"no such file" * 99)
    with pytest.raises(FormatError, match=r"x\.vortex") as caught:
        from_ome_vortex(path)
    assert "Backtrace" not in str(caught.value)
    to_ome_vortex(from_numpy(PIXELS), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match=r"x\.vortex"):
        from_ome_vortex(path)
