"""Archives of ours in other people's readers, and theirs in ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr

VALUES = np.arange(1 * 2 * 3 * 64 * 64, dtype="u2").reshape(1, 2, 3, 64, 64)


@pytest.fixture(params=["0.5", "0.6"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.ozx"
    with open_ome_zarr(
        path, layout="fov", mode="w-", channel_names=["a", "b"], version=request.param
    ) as node:
        node.create_image("0", VALUES, chunks=(1, 1, 1, 32, 32), shards_ratio=(1, 2, 1, 2, 2))
        node.compute_pyramid(levels=2)
    return path


def test_zarr_reads_ours(archive: Path) -> None:
    with zarr.storage.ZipStore(archive, mode="r") as store:
        assert np.array_equal(np.asarray(zarr.open_array(store, path="0", mode="r")[...]), VALUES)


def test_tensorstore_reads_ours(archive: Path) -> None:
    """It is stricter than others: sizes in 64 bits and flags are as they should be."""
    ts = pytest.importorskip("tensorstore")
    base = {"driver": "file", "path": str(archive)}
    store = {"driver": "zip", "base": base, "path": "0/"}
    found = ts.open({"driver": "zarr3", "kvstore": store}).result()
    assert np.array_equal(found.read().result(), VALUES)


def test_ngff_zarr_reads_ours(archive: Path) -> None:
    ngff_zarr = pytest.importorskip("ngff_zarr", reason="ngff-zarr is not installed")
    if open_ome_zarr(archive).version != "0.5":
        pytest.skip("ngff-zarr reads 0.5")
    found = ngff_zarr.from_ngff_zarr(str(archive))
    assert np.array_equal(np.asarray(found.images[0].data), VALUES)


def test_ngff_zarr_writes_what_we_read(tmp_path: Path) -> None:
    ngff_zarr = pytest.importorskip("ngff_zarr", reason="ngff-zarr is not installed")
    image = ngff_zarr.to_ngff_image(VALUES, dims=["t", "c", "z", "y", "x"])
    levels = ngff_zarr.to_multiscales(image, scale_factors=[2])
    ngff_zarr.to_ngff_zarr(str(tmp_path / "n.ozx"), levels, version="0.5")
    with open_ome_zarr(tmp_path / "n.ozx") as node:
        name = next(iter(node))
        assert np.array_equal(node[name][...], VALUES)


def test_bioio_reads_ours(archive: Path) -> None:
    bioio = pytest.importorskip("bioio_ome_zarr", reason="bioio-ome-zarr is not installed")
    if open_ome_zarr(archive).version != "0.5":
        pytest.skip("bioio-ome-zarr reads 0.5")
    # One request at a time: zipfile of CPython 3.12 and 3.13.0 skips extra fields, which ZIP64 has,
    # from where another thread of fsspec's stands.
    with zarr.config.set({"async.concurrency": 1}):
        assert np.array_equal(bioio.Reader(f"zip://::{archive}").data, VALUES)
