"""Exports to OME-TIFF through the nodes: any node in, and back to OME-Zarr with all it had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

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
        ({"compression": "zlib:x"}, "zstd:5"),
        ({"compression": "zlib:12"}, "0 to 9"),
        ({"compression": "jpeg2000:5"}, "no levels"),  # which lost pixels, silently
        ({"compression": "lzw", "compression_level": 1}, "no levels"),
        ({"version": "0.5"}, "leave it out"),
    ],
)
def test_options_that_tiff_does_not_have(plate, tmp_path, options, words):
    with open_ome_zarr(plate) as source, pytest.raises(ArgumentError, match=words):
        source.export(tmp_path / "out.ome.tif", **options)
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


def test_attributes_and_documents_go_there_and_back(plate, tmp_path):
    with open_ome_zarr(plate, mode="r+") as source:
        source.zattrs["iohub"] = {**source.zattrs["iohub"], "told": [1, {"a": None}]}
        source["A/1"].zattrs["mine"] = 1
        source["A"].zattrs["row"] = "A"
        first = source["A/1/0"]
        first.zattrs["yours"] = {"a": 1, "µ": ["<&>"]}
        first.delete_pyramid()  # whose lower levels TIFF cannot hold as they are
        first.compute_pyramid(2, downscale="yx", method="max")
        report = source.export(tmp_path / "out.ome.tif")
        assert not [what for what in report.lost if "attribute" in what]
        expected = {
            "": source.zattrs.asdict(),
            "A": source["A"].zattrs.asdict(),
            "A/1": source["A/1"].zattrs.asdict(),
        }
        attrs = first.zattrs.asdict()
        method, shown = first.metadata.multiscales[0], first.metadata.omero.rdefs
    with open_ome_zarr(tmp_path / "out.ome.tif") as middle:
        assert middle["A/1/0"].zattrs["yours"] == attrs["yours"]
        middle.export(tmp_path / "back.zarr", version="0.4")
    with open_ome_zarr(tmp_path / "back.zarr") as made:
        for path, before in expected.items():
            after = (made[path] if path else made).zattrs.asdict()
            assert {n: after.get(n) for n in before if n != "plate"} == {
                n: v for n, v in before.items() if n != "plate"
            }
        back = made["A/1/0"]
        assert back.zattrs["yours"] == attrs["yours"]
        assert back.zattrs["iohub"]["previous_transforms"] == attrs["iohub"]["previous_transforms"]
        again = back.metadata.multiscales[0]
        assert (again.type, again.metadata) == (method.type, method.metadata)
        assert back.metadata.omero.rdefs == shown
        np.testing.assert_array_equal(back["1"][:], reduce(stack(0), (1, 1, 1, 2, 2), "max"))


def test_what_is_made_anew_is_not_called_what_it_was(plate, tmp_path):
    with open_ome_zarr(plate) as source:  # whose pyramid halves z too
        assert source["A/1/0"].metadata.multiscales[0].type
        report = source["A/1/0"].export(tmp_path / "out.ome.tif")
        assert any("made anew" in what for what in report.lost)
    with open_ome_zarr(tmp_path / "out.ome.tif") as made:
        assert made.metadata.multiscales[0].type is None


def test_of_a_newer_version_all_is_kept(tmp_path):
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, mode="w-", layout="fov", version="0.6", channel_names=["a"]) as node:
        node.create_image("0", stack(0, (1, 1, 2, 8, 8)))
        node.export(tmp_path / "a.ome.tif")
        scale = node.scale
    with open_ome_zarr(tmp_path / "a.ome.tif") as made:
        made.export(tmp_path / "b.zarr", version="0.6")
    with open_ome_zarr(tmp_path / "b.zarr") as back:
        assert back.version == "0.6"
        assert back.scale == scale


def test_names_that_are_lost_are_listed(plate, tmp_path):
    wells = {"A/1/0": "C/1/left", "A/1/1": "C/1/right", "B/3/0": "D/2"}
    with open_ome_zarr(plate) as source:
        report = source.export(tmp_path / "out.ome.tif", wells=wells)
    assert "names of fields, which are numbered (2 positions)" in report.lost


def test_no_time_between_time_points_is_made_up(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        assert source["A/1/0"].acquisition is None or not source["A/1/0"].acquisition.time_increment
        source["A/1/0"].export(tmp_path / "out.ome.tif")
        made = float(source["A/1/0"].scale[0])
        axes = source["A/1/0"].axes
    with open_ome_zarr(tmp_path / "out.ome.tif") as copy:
        assert copy.scale[0] == made
        assert copy.axes == axes  # the unit is kept, whatever the step
        assert copy.acquisition is None or copy.acquisition.time_increment == (
            None if made == 1 else made
        )


KILLED = """
import os, signal, sys
from iohub import open_ome_zarr
from iohub.formats import ome_tiff_write
real, left = ome_tiff_write._Writer._image, int(sys.argv[1])
def image(self, out, number, description):
    global left
    if left == 0:
        out.write(__import__("numpy").zeros((4, 4), "u1"))
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    real(self, out, number, description)
ome_tiff_write._Writer._image = image
with open_ome_zarr("plate.zarr") as node:
    node.export(sys.argv[2], "ome-tiff", split=sys.argv[2] == "set")
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_export_leaves_nothing_after_the_next_and_files_of_a_set_are_used(plate, tmp_path):
    for name in ("out.ome.tif", "set"):
        done = subprocess.run([sys.executable, "-c", KILLED, "2", name], cwd=tmp_path, check=False)
        assert done.returncode == -signal.SIGKILL
    assert sorted(os.listdir(tmp_path)) == [
        ".out.ome.tif.iohub-convert",
        ".set.iohub-convert",
        "plate.zarr",
    ]
    with open_ome_zarr(plate, mode="r+") as source:
        source["A/1/1"]["0"][0] = 3  # whose file was complete
        source.export(tmp_path / "out.ome.tif")
        report = source.export(tmp_path / "set", "ome-tiff", split=True)
        assert report.resumed == 1
        assert sorted(os.listdir(tmp_path)) == ["out.ome.tif", "plate.zarr", "set"]
        assert all(name.startswith(("A", "B", "set")) for name in os.listdir(tmp_path / "set"))
        for name in ("out.ome.tif", "set"):
            with open_ome_zarr(tmp_path / name) as made:
                for key, position in source.positions():
                    np.testing.assert_array_equal(made[key]["0"][:], position["0"][:])


def test_two_calls_do_not_write_to_one_file_at_once(plate, tmp_path):
    def second(count: int, total: int) -> None:
        if not raised:
            with pytest.raises(ExistsError, match="another process") as found:
                source.export(tmp_path / "a.ome.tif", progress=False)
            raised.append(found)

    raised: list[object] = []
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "a.ome.tif", progress=second)
    assert raised
    assert sorted(os.listdir(tmp_path)) == ["a.ome.tif", "plate.zarr"]
