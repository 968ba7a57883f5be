"""Files both ways with the public package, and one script that runs with either."""

from __future__ import annotations

import importlib
import types
import warnings

import numpy as np
import pytest

from iohub.arrow import OMEArrow, from_numpy, to_numpy

pytest.importorskip("ome_arrow")
PIXELS = np.random.default_rng(1).integers(0, 256, (2, 2, 3, 40, 50)).astype(np.uint16)
FLOATS = PIXELS.astype(np.float32) / 3 - 5
ROI = (5, 10, 20, 15)


def part(pixels):
    return pixels[:, 1:, ..., 10:25, 5:25].swapaxes(1, 2)


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        # bioio, which it imports, warns of what others do.
        warnings.simplefilter("ignore")
        names = ("core", "export", "ingest", "tensor", "transform", "utils", "view")
        modules = {name: importlib.import_module(f"ome_arrow.{name}") for name in names}
    return types.SimpleNamespace(**modules)


@pytest.mark.parametrize("how", ["parquet", "vortex"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_it_reads_our_lists_by_all_its_functions(tmp_path, peer, how, dtype):
    pixels = PIXELS.astype(dtype)
    image = OMEArrow(from_numpy(pixels, clamp_to_uint16=False, channel_names=["a", "b"]))
    if how == "vortex":
        pytest.importorskip("vortex")
    path = image.export(how, out=str(tmp_path / f"x.{how}"))
    with warnings.catch_warnings():
        if how == "vortex":
            # No file of Vortex has the types that it compares with.
            warnings.filterwarnings("ignore", "OME-Arrow column schema")
        theirs = peer.core.OMEArrow(path)  # other warnings are errors
    assert theirs.info()["shape"] == pixels.shape
    assert np.array_equal(theirs.export("numpy"), pixels)
    assert np.array_equal(theirs.slice(5, 25, 10, 25).export("numpy"), pixels[..., 10:25, 5:25])
    if how == "parquet":
        lazy = peer.core.OMEArrow.scan(path).tensor_view(c=1, roi=ROI)
        assert np.array_equal(lazy.to_numpy(), part(pixels))
        alone = peer.core.OMEArrow.scan(path).tensor_view(t=1, c=1, z=2)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Exporting an unversioned", DeprecationWarning)
            flat = np.from_dlpack(alone.to_dlpack())
        assert np.array_equal(flat, pixels[1, 1, 2].ravel())


@pytest.mark.parametrize("dtype", ["f4", "i2", "u4", "f8"])
def test_it_reads_our_bytes(tmp_path, peer, dtype):
    pixels = FLOATS.astype(dtype) if dtype != "u4" else PIXELS.astype(dtype) << 9
    image = OMEArrow(from_numpy(pixels, clamp_to_uint16=False))
    path = image.export("parquet", out=str(tmp_path / "x.parquet"))
    read = peer.ingest.from_ome_parquet(path)
    assert np.array_equal(peer.export.to_numpy(read, dtype=pixels.dtype), pixels)
    lazy = peer.core.OMEArrow.scan(path).tensor_view(c=1, roi=ROI)
    assert np.array_equal(lazy.to_numpy(), part(pixels))


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({}, {}),
        ({"build_chunks": False}, {}),
        ({"chunk_shape": (2, 16, 16)}, {}),
        ({"chunk_encoding": "bytes"}, {}),
        ({"chunk_encoding": "bytes", "chunk_shape": (2, 16, 16)}, {}),
        ({"chunk_encoding": "bytes", "chunk_compression": "zstd"}, {}),
        ({}, {"compression": "snappy"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("pixels", [PIXELS, FLOATS], ids=["u2", "f4"])
def test_we_read_its_parquet(tmp_path, peer, options, written, pixels):
    if pixels is FLOATS and "chunk_encoding" not in options:
        pytest.skip("its lists cannot hold floats")
    made = peer.ingest.from_numpy(pixels, clamp_to_uint16=False, **options)
    path = str(tmp_path / "x.parquet")
    peer.export.to_ome_parquet(made, path, column_name="ome_arrow", **written)
    assert np.array_equal(OMEArrow(path).export(dtype=pixels.dtype), pixels)
    assert np.array_equal(OMEArrow.scan(path).tensor_view(c=1, roi=ROI).to_numpy(), part(pixels))
    assert np.array_equal(
        OMEArrow(path).slice(5, 25, 10, 25).export(dtype=pixels.dtype), pixels[..., 10:25, 5:25]
    )
    # Its records are ours too, without a file between.
    assert np.array_equal(to_numpy(made, pixels.dtype), pixels)
    assert np.array_equal(peer.export.to_numpy(from_numpy(PIXELS)), PIXELS)


def test_we_read_its_vortex(tmp_path, peer):
    pytest.importorskip("vortex")
    path = str(tmp_path / "x.vortex")
    peer.export.to_ome_vortex(peer.ingest.from_numpy(PIXELS), path, column_name="ome_arrow")
    assert np.array_equal(OMEArrow(path).export(), PIXELS)


def test_its_zarr_and_tiff_are_read_and_ours_by_it(tmp_path, peer):
    made = peer.ingest.from_numpy(PIXELS, channel_names=["a", "b"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.export.to_ome_zarr(made, str(tmp_path / "1.zarr"))
        peer.export.to_ome_tiff(made, str(tmp_path / "1.ome.tif"))
    for name in ("1.zarr", "1.ome.tif"):
        assert np.array_equal(OMEArrow(str(tmp_path / name)).export(), PIXELS)
    for how, name in (("zarr", "2.zarr"), ("tiff", "2.ome.tif")):
        path = OMEArrow(PIXELS).export(how, out=str(tmp_path / name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.array_equal(peer.core.OMEArrow(path).export("numpy"), PIXELS)


def script(core, export, ingest, tensor, transform, utils, folder) -> list[object]:
    """Do what the page describes; return everything that comes of it."""
    record = ingest.from_numpy(
        PIXELS, dim_order="TCZYX", image_id="i", name="n", channel_names=["a", "b"]
    )
    image = core.OMEArrow(record, (0, 1, 0))
    shown = [image.info(), image.is_lazy, image.tcz, export.to_numpy(record)]
    shown.append(export.plane_from_chunks(record, t=1, c=0, z=2))
    part = image.slice(2, 40, 3, 30, t_indices=[1], c_indices=[1, 0])
    shown += [part.info(), part.export("numpy")]
    shown.append(transform.slice_ome_arrow(record, 0, 9, 0, 8).as_py()["pixels_meta"])
    shown += [utils.verify_ome_arrow({}, record.type), utils.verify_ome_arrow(1, record.type)]
    built = ingest.to_ome_arrow(
        size_x=2, size_y=2, planes=[{"z": 0, "t": 0, "c": 0, "pixels": [1, 2, 3, 4]}]
    )
    shown += [utils.describe_ome_arrow(built), export.to_numpy(built)]
    path = f"{folder}/x.parquet"
    export.to_ome_parquet(record, path, column_name="ome_arrow")
    lazy = core.OMEArrow.scan(path)
    cut = lazy.slice_lazy(5, 45, 5, 35).slice_lazy(0, 10, 0, 10)
    shown += [lazy.is_lazy, cut.is_lazy, cut.collect().export("numpy")]
    for asked in (
        {},
        {"t": 0, "z": slice(0, 2)},
        {"t": 0, "z": 1, "layout": "YXC"},
        {"roi": (1, 2, 30, 20), "c": [1, 0]},
        {"roi3d": (1, 2, 1, 30, 20, 2)},
        {"roi_nd": (0, 1, 2, 1, 20, 30), "roi_type": "2d_timelapse"},
        {"tile": (0, 0), "dtype": np.float32},
    ):
        for view in (image.tensor_view(**asked), tensor.TensorView(record, **asked)):
            shown += [view.shape, view.layout, view.dtype, view.device, view.to_numpy()]
    view = image.tensor_view(layout="TZCHW")
    batches = view.iter_dlpack(batch_size=1, shuffle=True, seed=7, mode="numpy")
    tiles = view.iter_tiles_3d(tile_size=(2, 30, 30), shuffle=True, seed=1)
    shown += [np.from_dlpack(each) for each in (*batches, *tiles)]
    single = image.tensor_view(t=1, c=1, z=1)
    return [*shown, np.from_dlpack(single.to_dlpack(mode="numpy"))]


def test_a_script_runs_with_its_imports_changed(tmp_path, peer):
    found = []
    for package in ("iohub.arrow", "ome_arrow"):
        names = ("core", "export", "ingest", "tensor", "transform", "utils")
        modules = [importlib.import_module(f"{package}.{name}") for name in names]
        folder = tmp_path / package
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(script(*modules, folder))
    assert len(found[0]) == len(found[1])
    for number, (ours, theirs) in enumerate(zip(*found, strict=True)):
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype, number
            assert np.array_equal(ours, theirs), number
        elif isinstance(theirs, dict) and "summary" in theirs:
            assert {"shape", "type", "summary"} <= set(ours)
            assert ours["shape"] == theirs["shape"]
            assert (ours["type"], ours["summary"]) == (theirs["type"], theirs["summary"])
        else:
            assert ours == theirs, number
