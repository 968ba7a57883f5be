"""A script as a user of the public API writes it: only names, arguments and defaults of its page.

Run as ``python public_api_script.py FOLDER VERSION``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from iohub.ngff import ImageArray, Plate, Position, Row, TiledPosition, Well, open_ome_zarr
from iohub.ngff.models import AxisMeta, TransformationMeta, WindowDict

FOLDER, VERSION = Path(sys.argv[1]), sys.argv[2]
CHANNELS = ["DAPI", "GFP"]
rng = np.random.default_rng(0)
tczyx = rng.integers(0, 2**12, (3, 2, 5, 64, 96)).astype(np.uint16)


def single_position() -> None:
    path = FOLDER / "fov.zarr"
    with open_ome_zarr(
        path, layout="fov", mode="a", channel_names=CHANNELS, version=VERSION
    ) as dataset:
        assert isinstance(dataset, Position)
        dataset["0"] = tczyx
    with open_ome_zarr(path, layout="auto", mode="r+") as dataset:
        assert dataset.version == VERSION
        assert dataset.channel_names == CHANNELS
        assert dataset.axis_names == ["t", "c", "z", "y", "x"]
        assert dataset.get_channel_index("GFP") == 1
        assert dataset.get_axis_index("Z") == 2
        assert dataset.scale == [1.0] * 5
        assert dataset.is_root()
        assert dataset.is_leaf()
        assert dataset.array_keys() == ["0"]
        assert dataset.group_keys() == []
        assert "multiscales" in dataset.maybe_wrapped_ome_attrs
        assert "0" in dataset.zgroup
        image = dataset["0"]
        assert image is not None
        assert isinstance(dataset.data, ImageArray)
        shape = (image.frames, image.channels, image.slices, image.height, image.width)
        assert shape == image.shape == tczyx.shape
        np.testing.assert_array_equal(image.numpy(), tczyx)
        np.testing.assert_array_equal(image.dask_array().compute(), tczyx)
        np.testing.assert_array_equal(image.tensorstore().read().result(), tczyx)
        np.testing.assert_array_equal(dataset[0][1, :, 2:4], tczyx[1, :, 2:4])
        edit_channels(dataset)
        edit_scales(dataset)
        dataset.print_tree(level=2)
        dataset.dump_meta()


def edit_channels(dataset: Position) -> None:
    dataset.append_channel("Cy5", resize_arrays=True)
    assert dataset["0"].shape == (3, 3, 5, 64, 96)
    dataset.update_channel("Cy5", "0", tczyx[:, 0])
    np.testing.assert_array_equal(dataset["0"][:, 2], tczyx[:, 0])
    dataset.rename_channel("Cy5", "far red")
    assert dataset.channel_names == [*CHANNELS, "far red"]
    window: WindowDict = {"start": 10.0, "end": 2000.0, "min": 0.0, "max": 65535.0}
    dataset.set_contrast_limits("far red", window)
    dataset.zattrs["comment"] = "kept"


def edit_scales(dataset: Position) -> None:
    dataset.compute_pyramid(levels=3, method="mean")
    assert [name for name, _ in dataset.images()] == ["0", "1", "2"]
    assert dataset["1"].shape == (3, 3, 3, 32, 48)
    dataset.set_scale("0", "z", 2.0)
    dataset.set_scale(image="0", axis_name="x", new_scale=0.25)
    assert dataset.get_effective_scale("0") == [1.0, 1.0, 2.0, 1.0, 0.25]
    assert dataset.get_effective_scale("2")[-1] == 1.0
    dataset.set_scale("*", "y", 4.0)
    assert dataset.get_effective_scale("*")[-2] == 4.0
    shift = [0.0, 0.0, 1.0, 2.0, 3.0]
    dataset.set_transform(
        "*",
        [
            TransformationMeta(type="scale", scale=[1.0] * 5),
            TransformationMeta(type="translation", translation=shift),
        ],
    )
    assert dataset.get_effective_translation("*") == shift
    assert dataset.get_effective_translation("0") == shift
    dataset.delete_pyramid()
    dataset.initialize_pyramid(levels=2)
    dataset.compute_pyramid()
    assert dataset["1"][:].any()
    del dataset["1"]
    assert [name for name, _ in dataset.images()] == ["0"]


def labelled_arrays() -> None:
    with open_ome_zarr(FOLDER / "fov.zarr") as source:
        array = source.to_xarray()
        assert array.dims == ("t", "c", "z", "y", "x")
        assert list(array.coords["c"].values) == [*CHANNELS, "far red"]
        assert array.coords["z"].attrs["units"] == "micrometer"
        with open_ome_zarr(
            FOLDER / "copy.zarr",
            layout="fov",
            mode="w",
            channel_names=source.channel_names,
            version=VERSION,
        ) as target:
            target.write_xarray(array, image="0")
            target.write_xarray(array.sel(c=["GFP"]).isel(t=[1]) * np.uint16(0))
            assert not target["0"][1, 1].any()
            np.testing.assert_array_equal(target["0"][0], source["0"][0])
            np.testing.assert_allclose(target.scale, source.scale)


def other_axes() -> None:
    axes = [
        AxisMeta(name="c", type="channel"),
        AxisMeta(name="y", type="space", unit="micrometer"),
        AxisMeta(name="x", type="space", unit="micrometer"),
    ]
    with open_ome_zarr(
        FOLDER / "cyx.zarr",
        layout="fov",
        mode="w-",
        channel_names=CHANNELS,
        axes=axes,
        version=VERSION,
    ) as dataset:
        ratio = (1, 2, 2) if VERSION == "0.5" else None
        dataset.create_image("0", tczyx[0, :, 0], chunks=(1, 32, 32), shards_ratio=ratio)
        dataset.compute_pyramid(2, "max")
        assert (dataset.data.channels, dataset.data.height) == (2, 64)


def plate() -> None:
    path = FOLDER / "plate.zarr"
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=CHANNELS, version=VERSION
    ) as dataset:
        assert isinstance(dataset, Plate)
        for column in ("1", "2"):
            position = dataset.create_position("A", column, "0")
            position.create_image("0", tczyx)
        dataset.create_well("C", "9", row_index=None, col_index=None)
        made = dataset.create_positions(
            [("B", "1", "0", 2, 0), ("B", "1", "1", 2, 0), ("B", "2", "0", None, None, 1)]
        )
        for position in made:
            position.create_zeros("0", shape=(1, 2, 3, 32, 32), dtype=np.float32)
        dataset.rename_well("A/2", "D/5")
        dataset.dump_meta(field_count=True)
    with open_ome_zarr(path, mode="r") as dataset:
        assert [name for name, _ in dataset.rows()] == ["A", "C", "B", "D"]
        names = [name for name, _ in dataset.positions()]
        assert sorted(names) == ["A/1/0", "B/1/0", "B/1/1", "B/2/0", "D/5/0"]
        assert dataset.channel_names == CHANNELS
        assert isinstance(dataset["A"], Row)
        assert isinstance(dataset["A/1"], Well)
        assert isinstance(dataset["A/1/0"], Position)
        np.testing.assert_array_equal(dataset["D/5/0"]["0"][:], tczyx)
        for name, position in dataset["B"]["1"].positions():
            assert name in ("0", "1")
            assert position["0"].dtype == np.float32
        dataset.print_tree()
    with open_ome_zarr(path) as dataset, open_ome_zarr(FOLDER / "copy.zarr") as other:
        other_names = other.channel_names
        assert other_names != dataset.channel_names
        with Plate.from_positions(
            FOLDER / "combined.zarr", {"A/1/0": dataset["A/1/0"], "H/12/0": dataset["D/5/0"]}
        ) as combined:
            np.testing.assert_array_equal(combined["H/12/0/0"][:], tczyx)


def tiles() -> None:
    with open_ome_zarr(
        FOLDER / "tiled.zarr", layout="tiled", mode="a", channel_names=CHANNELS, version=VERSION
    ) as dataset:
        assert isinstance(dataset, TiledPosition)
        image = dataset.make_tiles(
            "0", grid_shape=(2, 3), tile_shape=(3, 2, 5, 64, 96), dtype=np.uint16, chunk_dims=2
        )
        assert (image.rows, image.columns, image.tile_shape[-2:]) == (2, 3, (64, 96))
        image.write_tile(tczyx, 1, 2)
        np.testing.assert_array_equal(image.get_tile(1, 2), tczyx)
        where = image.get_tile_slice(1, 2, pre_dims=(0, slice(None), None))
        np.testing.assert_array_equal(image[where], tczyx[:1])
        assert not image.get_tile(0, 0).any()


for step in (single_position, labelled_arrays, other_axes, plate, tiles):
    step()
print("done")
