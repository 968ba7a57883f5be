"""Images of a few chunks, which are converted without an engine."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dtype", ["u2", "f4", "i1", ">u2"])
@pytest.mark.parametrize("compression", ["same", None, "zstd"])
def test_pixels_and_borders_are_kept(tmp_path, version, dtype, compression):
    pixels = np.random.default_rng(0).integers(1, 100, (1, 2, 1, 37, 50)).astype(dtype)
    pixels[0, 1, 0, :16, :16] = 0  # a chunk of the fill value alone
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", channel_names=["a", "b"], version=version
    ) as made:
        made.create_image("0", pixels, chunks=(1, 1, 1, 20, 50))
        made.export(tmp_path / "a.parquet", encoding="bytes", progress=False)
        for name, options in (("b", {}), ("s", {"shard_size": 1 << 12})):
            if options and version == "0.4":
                continue
            made.export(
                tmp_path / f"{name}.zarr",
                chunks=(1, 1, 1, 16, 16),
                compression=compression,
                progress=False,
                **options,
            )
            with open_ome_zarr(tmp_path / f"{name}.zarr") as found:
                np.testing.assert_array_equal(found["0"][:], pixels)
                assert found["0"].chunks == (1, 1, 1, 16, 16)
    with open_ome_zarr(tmp_path / "a.parquet") as table:
        table.export(tmp_path / "t.zarr", chunks=(1, 1, 1, 16, 16), progress=False)
    with open_ome_zarr(tmp_path / "t.zarr") as found:
        np.testing.assert_array_equal(found["0"][:], pixels)
    files = [path for path in (tmp_path / "t.zarr").rglob("*") if path.is_file()]
    assert not any(path.as_posix().endswith("0/c/0/1/0/0/0") for path in files)
