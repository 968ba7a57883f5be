"""The stores of the OME-Zarr community's own examples open and can be edited."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from iohub.ngff import Plate, Position, open_ome_zarr

IMAGES = [f"image-0{number}.zarr" for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def examples(data):
    return data / "ome-zarr-examples"


@pytest.mark.parametrize("name", IMAGES)
def test_an_image(examples, name):
    with open_ome_zarr(examples / name) as position:
        assert isinstance(position, Position)
        root = zarr.open_group(examples / name, mode="r")
        levels = root.attrs["multiscales"][0]["datasets"]
        assert [path for path, _ in position.images()] == [level["path"] for level in levels]
        for path, image in position.images():
            assert image.shape == root[path].shape
            assert np.array_equal(image[:], root[path][:])
        assert position.to_xarray().shape == position.data.shape
        if "c" in position.axis_names:
            assert len(position.channel_names) == position.data.channels
        assert repr(position).startswith("<Position")
        assert position._repr_html_()


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_edited(copied_store, name, check_store):
    path = copied_store(name)
    with open_ome_zarr(path, mode="r+") as position:
        before = position.data[:]
        position.set_scale(next(iter(position.images()))[0], "x", 0.125)
        assert position.scale[-1] == 0.125
        if "c" in position.axis_names:
            position.append_channel("new")
            assert position.data.channels == len(position.channel_names)
        assert np.array_equal(position.data[tuple(map(slice, before.shape))], before)
    check_store(path, "0.4")


def test_the_plate(examples):
    with open_ome_zarr(examples / "plate-01.zarr") as plate:
        assert isinstance(plate, Plate)
        listed = zarr.open_group(examples / "plate-01.zarr", mode="r")
        wells = listed.attrs["plate"]["wells"]
        assert [name for name, _ in plate.wells()] == [well["path"] for well in wells]
        for name, position in plate.positions():
            assert np.array_equal(position.data[:], listed[name][position.data.basename][:])
        assert len(plate.to_dataframe()) == len(list(plate.positions()))
        assert plate._repr_html_()


def test_the_plate_is_edited(copied_store, check_store):
    path = copied_store("plate-01.zarr")
    with open_ome_zarr(path, mode="r+") as plate:
        first = next(iter(plate.wells()))[0]
        before = {name: position.data[:] for name, position in plate.positions()}
        plate.rename_well(first, "H/12")
    with open_ome_zarr(path) as plate:
        after = {name: position.data[:] for name, position in plate.positions()}
    assert len(after) == len(before)
    for name, pixels in before.items():
        assert np.array_equal(after[name.replace(first, "H/12")], pixels)
    check_store(path, "0.4")
