"""Exports to OME-TIFF through the nodes: any node in, and back to OME-Zarr with all it had."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, AxisError, ExistsError
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition
from iohub.metadata.axes import AxisMeta, SpaceAxisMeta
from iohub.pyramids.reduce import reduce
from tests.convert.sources import CHANNELS, image_source, stack


def test_a_plate_is_one_file_of_the_same_pixels(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        report = source.export(tmp_path / "out.ome.tif")
        assert report.positions == 3
        assert "label images" in report.lost
        assert "made anew (3 positions)" in str(report)
        with open_ome_zarr(tmp_path / "out.ome.tif") as made:
            assert [key for key, _ in made.positions()] == ["A/1/0", "A/1/1", "B/3/0"]
            for key, position in source.positions():
                np.testing.assert_array_equal(made[key]["0"][:], position["0"][:])
                expected = reduce(position["0"][:], (1, 1, 1, 2, 2))
                np.testing.assert_array_equal(made[key]["1"][:], expected)
                assert made[key].channel_names == CHANNELS
                assert made[key].scale == position.scale
    assert sorted(os.listdir(tmp_path)) == ["out.ome.tif", "plate.zarr"]


def test_there_and_back_keeps_what_tiff_has_no_place_for(plate, tmp_path):
    record = AcquisitionRecord(
        name="well A1",
        source="a microscope",
        stage=StagePosition(x=3.0, unit="millimeter"),
        summary={"a": [1]},
        frames={"t": [0, 1], "c": [0, 0], "z": [0, 0], "Camera": ["x", None]},
    )
    with open_ome_zarr(plate, mode="r+") as source:
        first = source["A/1/0"]
        first.acquisition = record
        first.set_contrast_limits("GFP", {"start": 3, "end": 70})
        shown = first.metadata.omero.channels
        frames = first.frame_metadata
        source.export(tmp_path / "out.ome.tif")
    with open_ome_zarr(tmp_path / "out.ome.tif") as middle:
        middle.export(tmp_path / "back.zarr")
    with open_ome_zarr(tmp_path / "back.zarr") as made:
        back = made["A/1/0"]
        np.testing.assert_array_equal(back["0"][:], stack(0))
        for name in ("name", "source", "stage", "summary"):
            assert getattr(back.acquisition, name) == getattr(record, name)
        assert back.frame_metadata == frames
        for one, other in zip(back.metadata.omero.channels, shown, strict=True):
            assert (one.label, one.color, one.window) == (other.label, other.color, other.window)


def test_options_of_the_conversion_and_of_the_format(plate, tmp_path):
    path = tmp_path / "out.ome.tif"
    with open_ome_zarr(plate) as source:
        source["A/1/1"].export(
            path, levels=3, method="max", channels=["DAPI"], z="1:3", compression="lzw", tile=16
        )
        with tifffile.TiffFile(path) as file:
            assert file.pages[0].tile == (16, 16)
            assert file.pages[0].compression == tifffile.COMPRESSION.LZW
            expected = stack(1)[:, 1:, 1:3]
            for level in file.series[0].levels:
                np.testing.assert_array_equal(level.asarray(), expected[:, 0])
                expected = reduce(expected, (1, 1, 1, 2, 2), "max")
            assert len(file.series[0].levels) == 3
        with pytest.raises(ExistsError, match="overwrite"):
            source["A/1/1"].export(path)
        source["A/1/1"].export(path, overwrite=True, compression=None)
        np.testing.assert_array_equal(tifffile.imread(path), stack(1))


def test_a_file_for_each_position(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "set", "ome-tiff", split=True)
    with open_ome_zarr(tmp_path / "set" / "set.companion.ome") as made:
        np.testing.assert_array_equal(made["B/3/0"]["0"][:], stack(2))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tiles": 512}, "did you mean tile"),
        ({"chunks": "plane"}, "tile=512"),
        ({"shard_size": "1 GiB"}, "tile=512"),
        ({"compression": 3}, "zlib"),
    ],
)
def test_options_that_tiff_does_not_have(plate, tmp_path, options, words):
    with open_ome_zarr(plate) as source, pytest.raises(ArgumentError, match=words):
        source.export(tmp_path / "out.ome.tif", version="0.5", **options)
    assert os.listdir(tmp_path) == ["plate.zarr"]


def test_runs_of_a_plate_are_kept(plate, tmp_path):
    path = tmp_path / "runs.zarr"
    with open_ome_zarr(path, layout="hcs", mode="w-", channel_names=["a"]) as new:
        for run in (0, 3):
            position = new.create_position("A", "1", str(run), None, None, run)
            position.create_image("0", stack(run, (1, 1, 1, 8, 8)))
        new.export(tmp_path / "out.ome.tif")
    with open_ome_zarr(tmp_path / "out.ome.tif") as made:
        assert len(made.metadata.acquisitions) == 2
        assert {image.acquisition for image in made["A/1"].metadata.images} == {
            run.id for run in made.metadata.acquisitions
        }


def test_axes_that_tiff_does_not_have_are_refused(tmp_path):
    axes = [AxisMeta(name="angle"), SpaceAxisMeta(name="y"), SpaceAxisMeta(name="x")]
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, layout="fov", mode="w-", axes=axes) as position:
        position.create_image("0", np.zeros((2, 8, 8), "u1"))
        with pytest.raises(AxisError, match="axes"):
            position.export(tmp_path / "a.ome.tif")


def test_other_files_are_converted_too(show, tmp_path):
    source = show(image_source("a", stack(5), (3.0, 4.0)))
    source.export(tmp_path / "out.ome.tif")
    with open_ome_zarr(tmp_path / "out.ome.tif") as made:
        np.testing.assert_array_equal(made["0"][:], stack(5))
        assert made.stage_position == source.stage_position
        assert made.frame_metadata == source.frame_metadata


def test_attributes_that_ome_tiff_has_no_place_for_are_named(plate, tmp_path):
    with open_ome_zarr(plate, mode="r+") as source:
        source["A/1"].zattrs["mine"] = 1
        source["A/1/0"].zattrs["yours"] = {"a": 1}
        report = source.export(tmp_path / "out.ome.tif")
        names = {"note": 1, "mine": 1, "yours": 1}
        assert all(any(repr(name) in what for what in report.lost) for name in names)


def test_no_time_between_time_points_is_made_up(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        assert source["A/1/0"].acquisition is None or not source["A/1/0"].acquisition.time_increment
        source["A/1/0"].export(tmp_path / "out.ome.tif")
        made = float(source["A/1/0"].scale[0])
    with open_ome_zarr(tmp_path / "out.ome.tif") as copy:
        assert copy.scale[0] == made
        assert copy.acquisition is None or copy.acquisition.time_increment == (
            None if made == 1 else made
        )
