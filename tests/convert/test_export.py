"""What a conversion writes: pixels, levels, chunks, metadata, whatever the source is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.convert import TARGETS, Report, Target, plan
from iohub.errors import (
    ArgumentError,
    ChannelError,
    ExistsError,
    LayoutError,
    PathError,
    VersionError,
)
from iohub.models import validate
from tests.convert.sources import CHANNELS, image_source, stack


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_a_plate_keeps_everything_in_every_version(plate, tmp_path, version):
    with open_ome_zarr(plate) as source:
        report = source.export(tmp_path / "out.zarr", version=version)
        assert report.complete
        assert report.positions == 3
        with open_ome_zarr(tmp_path / "out.zarr") as made:
            assert made.version == version
            assert [key for key, _ in made.positions()] == ["A/1/0", "A/1/1", "B/3/0"]
            assert made.zattrs["note"] == {"by": "me"}
            for key, position in source.positions():
                copy = made[key]
                assert copy.channel_names == CHANNELS
                assert copy.scale == position.scale
                assert copy.axis_names == position.axis_names
                for level in ("0", "1"):
                    np.testing.assert_array_equal(copy[level][:], position[level][:])
                    assert copy[level].chunks == position[level].chunks
            cells, before = made["A/1/0"].labels["cells"], source["A/1/0"].labels["cells"]
            for level in ("0", "1"):
                np.testing.assert_array_equal(cells[level][:], before[level][:])
    assert validate(tmp_path / "out.zarr").valid
    assert sorted(os.listdir(tmp_path)) == ["out.zarr", "plate.zarr"]


@pytest.mark.parametrize("target", ["plate.zarr", "plate.zarr/A"])
def test_what_holds_the_source_is_not_replaced(plate, tmp_path, target):
    before = sorted(plate.rglob("*"))
    with open_ome_zarr(plate / "A/1/0") as source:
        with pytest.raises(PathError, match="choose a path outside"):
            source.export(tmp_path / target, overwrite=True)
        with pytest.raises(PathError, match="choose a path outside"):
            plan(source, tmp_path / target)
    assert sorted(plate.rglob("*")) == before


def test_nothing_is_written_into_a_store(plate):
    before = sorted(plate.rglob("*"))
    with open_ome_zarr(plate) as source:
        for name in ("x.ome.tif", "x.zarr", "x.ozx"):
            with pytest.raises(PathError, match="inside the plate"):
                source["A/1/0"].export(plate / "B" / name)
    assert sorted(plate.rglob("*")) == before


def test_equal_encodings_are_copied_as_they_are(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "out.zarr")
    for path in plate.glob("A/1/0/0/**/*"):
        if path.is_file() and not path.name.startswith("."):
            copy = tmp_path / "out.zarr" / path.relative_to(plate)
            assert copy.read_bytes() == path.read_bytes()


def test_a_selection_is_taken_of_images_labels_and_coordinates(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source.export(
            tmp_path / "out.zarr", positions="A/1/*", channels=["DAPI"], t="1:3", z=slice(1, 5)
        )
        before = source["A/1/0"]
        with open_ome_zarr(tmp_path / "out.zarr") as made:
            assert [key for key, _ in made.positions()] == ["A/1/0", "A/1/1"]
            position = made["A/1/0"]
            assert position.channel_names == ["DAPI"]
            np.testing.assert_array_equal(position["0"][:], before["0"][1:3, 1:2, 1:5])
            assert position["1"].shape == (2, 1, 2, 20, 25)
            np.testing.assert_array_equal(
                position.labels["cells"]["0"][:], before.labels["cells"]["0"][1:3, 1:5]
            )
            moved = position.metadata.multiscales[0].datasets[0].coordinate_transformations[1]
            assert moved.translation == (1.0, 0.0, 2.0, 0.0, 0.0)
    assert validate(tmp_path / "out.zarr").valid


def test_channels_in_another_order(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source["A/1/0"].export(tmp_path / "out.zarr", channels=["DAPI", 0])
        with open_ome_zarr(tmp_path / "out.zarr") as made:
            assert made.channel_names == ["DAPI", "GFP"]
            for level in ("0", "1"):
                before = source["A/1/0"][level][:]
                np.testing.assert_array_equal(made[level][:], before[:, ::-1])


def test_a_pyramid_is_that_of_compute_pyramid_and_level_0_is_read_once(show, tmp_path):
    pixels = stack(7, (2, 2, 6, 64, 48))
    source = image_source("Pos0", pixels, (0, 0))
    show(source).export(tmp_path / "out.zarr", levels=3, chunks="plane")
    assert source.levels[0].read == 2 * 2 * 6
    with open_ome_zarr(
        tmp_path / "other.zarr", layout="fov", mode="w-", channel_names=CHANNELS, version="0.5"
    ) as other:
        other.create_image("0", pixels)
        other.compute_pyramid(3)
        with open_ome_zarr(tmp_path / "out.zarr") as made:
            for level in ("0", "1", "2"):
                np.testing.assert_array_equal(made[level][:], other[level][:])
                assert made[level].chunks[:3] == (1, 1, 1)


def test_chunks_and_shards_by_intent(show, tmp_path):
    source = image_source("Pos0", stack(1, (2, 1, 8, 32, 32)), (0, 0))
    node = show(source)
    node.export(tmp_path / "a.zarr", chunks="plane", shard_size="16 KiB")
    with open_ome_zarr(tmp_path / "a.zarr") as made:
        assert made["0"].chunks == (1, 1, 1, 32, 32)
        assert made["0"].shards == (1, 1, 8, 32, 32)
        np.testing.assert_array_equal(made["0"][:], source.levels[0].pixels)
    node.export(tmp_path / "b.zarr", chunks="volume")
    node.export(tmp_path / "c.zarr", chunks=(1, 1, 3, 99, 16))
    with open_ome_zarr(tmp_path / "b.zarr") as made:
        assert made["0"].chunks == (1, 1, 8, 32, 32)
    with open_ome_zarr(tmp_path / "c.zarr") as made:
        assert made["0"].chunks == (1, 1, 3, 32, 16)


def test_a_compression_by_name_and_level(show, tmp_path):
    show(image_source("Pos0", stack(2), (0, 0))).export(tmp_path / "a.zarr", compression="blosc:3")
    codec = json.loads((tmp_path / "a.zarr/0/zarr.json").read_text())["codecs"][-1]
    assert (codec["name"], codec["configuration"]["clevel"]) == ("blosc", 3)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "f4", "f8", "?", "c8", "i8"])
def test_dtype_is_kept(show, tmp_path, dtype):
    pixels = (stack(3, (1, 2, 1, 9, 7)) % 2).astype(dtype)
    native = pixels.astype(pixels.dtype.newbyteorder("="))
    show(image_source("Pos0", native, (0, 0))).export(tmp_path / "out.zarr")
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        assert made["0"].dtype == native.dtype
        np.testing.assert_array_equal(made["0"][:], native)


def test_what_a_microscope_noted_is_kept_once_and_said(show, tmp_path):
    node = show(image_source("Pos0", stack(2), (1.5, 2.5)))
    report = node.export(tmp_path / "out.zarr", t="1:3", channels=["DAPI"])
    assert "stage positions" in report.kept
    assert "metadata of 10 frames" in report.kept
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        assert (made.stage_position.y, made.stage_position.x) == (1.5, 2.5)
        assert [each.name for each in made.acquisition.channels] == ["DAPI"]
        frames = made.frame_metadata
        assert len(frames) == 10
        assert frames[5] == {"t": 1, "c": 0, "z": 0, "elapsed": 2.0}
        # A second conversion keeps them too.
        made.export(tmp_path / "again.zarr", z=slice(0, 2))
    with open_ome_zarr(tmp_path / "again.zarr") as again:
        assert len(again.frame_metadata) == 4


def test_memory_that_does_not_suffice_is_refused_before_anything_is_written(show, tmp_path):
    node = show(image_source("Pos0", stack(1, (1, 1, 8, 64, 64)), (0, 0)))
    with pytest.raises(ArgumentError, match="max_memory"):
        node.export(tmp_path / "out.zarr", shard_size="64 KiB", chunks="plane", max_memory="8 kB")
    assert not os.listdir(tmp_path)
    planned = plan(node, tmp_path / "out.zarr", shard_size="64 KiB", chunks="plane")
    assert planned.memory == 512 * 2**20
    assert "512 MiB" in planned.describe()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"channels": ["X"]}, ChannelError, "X"),
        ({"t": "0:99"}, ArgumentError, "3 indexes"),
        ({"t": "a"}, ArgumentError, "0:10"),
        ({"positions": ["Z"]}, ArgumentError, "'Z'"),
        ({"layout": "fov"}, LayoutError, "single"),
        ({"layout": "what"}, LayoutError, "what"),
        ({"version": "0.4", "shard_size": "1 MiB"}, VersionError, "shards"),
        ({"version": "9"}, VersionError, "9"),
        ({"chunks": "cube"}, ArgumentError, "cube"),
        ({"shard_size": "1 parsec"}, ArgumentError, "parsec"),
        ({"levles": 3}, ArgumentError, "levels"),
        ({"method": "median"}, ArgumentError, "levels=4"),
        ({"downscale": ["y"]}, ArgumentError, "levels=4"),
        ({"levels": 0}, ArgumentError, "levels"),
        ({"wells": {"nobody": "A/1"}}, ArgumentError, "nobody"),
        ({"wells": "grid", "grid_layout": True}, ArgumentError, "one"),
        ({"format": "jpeg"}, ArgumentError, "jpeg"),
        ({"compression": "zstd:23"}, ArgumentError, "22"),
        ({"compression": "gzip:10"}, ArgumentError, "0 to 9"),
        ({"compression": "blosc:10"}, ArgumentError, "0 to 9"),
    ],
)
def test_what_is_not_possible_is_said_before_anything_is_written(
    plate, tmp_path, options, error, says
):
    with open_ome_zarr(plate) as source, pytest.raises(error, match=says):
        source.export(tmp_path / "out.zarr", **options)
    assert os.listdir(tmp_path) == ["plate.zarr"]


def test_an_ending_that_says_nothing_is_refused(plate, tmp_path):
    with open_ome_zarr(plate) as source, pytest.raises(ArgumentError, match="ome-tiff"):
        source.export(tmp_path / "out.nd2")


def test_what_is_there_is_replaced_only_if_asked(plate, tmp_path):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        source.export(out)
        with pytest.raises(ExistsError, match="overwrite"):
            source["B/3/0"].export(out)
        source["B/3/0"].export(out, overwrite=True)
        with open_ome_zarr(out) as made:
            np.testing.assert_array_equal(made["0"][:], source["B/3/0"]["0"][:])
    assert sorted(os.listdir(tmp_path)) == ["out.zarr", "plate.zarr"]
    assert not [p for p in out.iterdir() if p.name in ("A", "B")]


def test_a_folder_that_is_no_store_is_never_replaced(plate, tmp_path):
    (tmp_path / "out.zarr").mkdir()
    (tmp_path / "out.zarr" / "thesis.txt").write_text("words")
    with open_ome_zarr(plate) as source:
        for overwrite in (False, True):
            with pytest.raises(ExistsError):
                source.export(tmp_path / "out.zarr", overwrite=overwrite)
    assert (tmp_path / "out.zarr" / "thesis.txt").read_text() == "words"


def test_no_store_inside_another(plate):
    with open_ome_zarr(plate) as source, pytest.raises(ValueError, match="inside"):
        source["A/1/0"].export(plate / "A" / "1" / "copy.zarr")


def test_a_row_and_a_well_become_plates(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source["A"].export(tmp_path / "row.zarr")
        source["B/3"].export(tmp_path / "well.zarr")
    with open_ome_zarr(tmp_path / "row.zarr") as made:
        assert [key for key, _ in made.positions()] == ["A/1/0", "A/1/1"]
    with open_ome_zarr(tmp_path / "well.zarr") as made:
        assert [key for key, _ in made.positions()] == ["B/3/0"]


def test_memory_stores(plate):
    with open_ome_zarr(plate) as source:
        report = source.export("memory://convert-test", version="0.5")
        assert report.complete
        with open_ome_zarr("memory://convert-test") as made:
            np.testing.assert_array_equal(made["B/3/0"]["0"][:], source["B/3/0"]["0"][:])
            assert set(made.group_keys()) == {"A", "B"}


@pytest.mark.parametrize("same", ["url", "zarr store", "above"])
def test_a_store_that_cannot_be_renamed_is_not_wiped_for_what_is_read_from_it(plate, same):
    """It was: replacing a source by itself lost it before the first pixel was read."""
    import zarr  # the store that is passed in

    place: Any = zarr.storage.MemoryStore() if same == "zarr store" else f"memory://self-{same}"
    with open_ome_zarr(plate) as source:
        source.export(place, version="0.5")
    with open_ome_zarr(place) as source:
        node = source["A/1/0"] if same == "above" else source
        with pytest.raises(PathError, match="choose a"):
            node.export(place, overwrite=True, levels=2)
        keys = sorted(key for key, _ in source.positions())
    with open_ome_zarr(place) as left:
        assert sorted(key for key, _ in left.positions()) == keys
        assert left["A/1/0/0"][:].any()
        assert validate(place).valid
        other = "memory://another"
        left.export(other, overwrite=True)
        left.export(other, overwrite=True, levels=2)


def test_progress_counts_bytes(plate, tmp_path):
    calls = []
    with open_ome_zarr(plate) as source:
        report = source.export(
            tmp_path / "out.zarr",
            levels=2,
            progress=lambda done, total: calls.append((done, total)),
        )
    assert calls[-1][0] == calls[-1][1] == report.nbytes
    assert calls == sorted(calls)


def test_tables_go_along(plate, tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"area": [1.0, 2.0], "name": ["a", "b"]}, index=pd.Index([1, 2]))
    with open_ome_zarr(plate, mode="r+") as source:
        source["A/1/0"].tables["cells"] = frame
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "out.zarr", version="0.5")
        before = source["A/1/0"].tables["cells"]
    with open_ome_zarr(tmp_path / "out.zarr") as made:
        pd.testing.assert_frame_equal(made["A/1/0"].tables["cells"], before)


def test_arrays_without_metadata_are_named_when_left_out(plate, tmp_path):
    with open_ome_zarr(plate, mode="r+") as source:
        source["B/3/0"].zgroup.create_array("mask", shape=(3,), dtype="u1")
    with open_ome_zarr(plate) as source:
        report = source.export(tmp_path / "out.zarr")
    assert any("mask" in what for what in report.lost)
    assert "mask" in report.describe()


def test_a_format_is_an_entry_of_the_table(plate, tmp_path, monkeypatch):
    def write(plan: Any, location: Any, options: Any, tell: Any) -> Report:
        Path(location.local_path).write_text(f"{len(plan.images)} {options}")
        return Report(location.url, plan.format, positions=len(plan.images))

    entry = Target("text", "Text", (".txt",), "tests.here:write", options=("words",))
    monkeypatch.setitem(TARGETS, "text", entry)
    monkeypatch.setattr(Target, "load", lambda self: write)
    with open_ome_zarr(plate) as source:
        assert source.export(tmp_path / "a.txt", words=3).positions == 3
        assert (tmp_path / "a.txt").read_text() == "3 {'words': 3}"
        for call in (plan, type(source).export):
            with pytest.raises(ArgumentError, match="did you mean words"):
                call(source, tmp_path / "b.txt", word=3)
