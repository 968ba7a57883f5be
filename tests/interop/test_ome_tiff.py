"""OME-TIFF that iohub writes, read by bioio-ome-tiff, tifffile and ome-types: equal to the node."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import ome_types
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.ngff import TransformationMeta

PIXELS = np.random.default_rng(4).integers(0, 4000, (2, 3, 4, 70, 90), "u2")
SCALE = [30.0, 1.0, 2.0, 0.5, 0.25]
NAMES = ["DAPI", "GFP", "bright field"]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    bioio = pytest.importorskip("bioio_ome_tiff", reason="bioio-ome-tiff is not installed")


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"compression": "zlib", "levels": 2, "tile": 32},
        {"t": "1:", "channels": ["GFP"]},
    ],
    ids=["plain", "pyramid of tiles", "a part"],
)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ome")
    with open_ome_zarr(
        folder / "a.zarr", layout="fov", mode="w", channel_names=NAMES, version="0.5"
    ) as node:
        node.create_image("0", PIXELS, transform=[TransformationMeta(type="scale", scale=SCALE)])
        node.export(folder / "a.ome.tif", progress=False, **request.param)
    part = PIXELS[1:, 1:2] if "channels" in request.param else PIXELS
    names = ["GFP"] if "channels" in request.param else NAMES
    return folder / "a.ome.tif", part, names


@pytest.mark.filterwarnings("ignore")
def test_bioio(written: tuple[Path, np.ndarray, list[str]]) -> None:
    path, pixels, names = written
    image = bioio.Reader(path)
    assert image.dims.order == "TCZYX"
    assert image.channel_names == names
    sizes = image.physical_pixel_sizes
    assert tuple(SCALE[2:]) == (sizes.Z, sizes.Y, sizes.X)
    assert np.array_equal(image.data, pixels)
    assert np.array_equal(image.get_image_dask_data("ZYX", T=0, C=0).compute(), pixels[0, 0])


def test_tifffile(written: tuple[Path, np.ndarray, list[str]]) -> None:
    path, pixels, _ = written
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        series = file.series[0]
        assert series.dtype == pixels.dtype
        assert np.array_equal(series.asarray().reshape(pixels.shape), pixels)
        if len(series.levels) > 1:
            with open_ome_zarr(path) as node:
                below = np.asarray(node["1"][...])
            assert np.array_equal(series.levels[1].asarray().reshape(below.shape), below)


def test_ome_types(written: tuple[Path, np.ndarray, list[str]]) -> None:
    path, pixels, names = written
    found = ome_types.from_tiff(path).images[0].pixels
    sizes = (found.size_t, found.size_c, found.size_z, found.size_y, found.size_x)
    assert sizes == pixels.shape
    assert [channel.name for channel in found.channels] == names
    assert found.physical_size_z == SCALE[2]
    assert found.physical_size_y_unit.value == "µm"
    assert found.time_increment == SCALE[0]
