from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import FormatError, IohubWarning, MetadataWarning, MissingFramesWarning
from iohub.formats import micro_manager
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

sys.path.insert(0, str(Path(__file__).parent))
from micro_manager_files import (
    SUMMARY_2,
    SUMMARY_14,
    frames_of,
    metadata_2,
    metadata_14,
    noise,
    write_stack,
)

NAMES = {"ChNames": ["BF", "GFP"], "ChColors": [-1, -16711936]}


def write_one(folder: Path) -> Example:
    """A position of version 1.4, in one file."""
    pixels = noise((1, 2, 2, 3, 20, 30))
    stage = {"XPositionUm": 10.0, "YPositionUm": -5.5, "ZPositionUm": 0.0}
    path = write_stack(
        folder / "run_1_MMStack.ome.tif",
        frames_of(pixels, **stage),
        {**SUMMARY_14, **NAMES, "Frames": 2, "Channels": 2, "Slices": 3, "Positions": 1},
        display=[{"Color": 255, "Min": 10, "Max": 1000}, {"Color": -16711936, "Min": 0, "Max": 99}],
        comments={"Summary": "cells were fine"},
    )
    image = Image(
        pixels[0],
        channel_names=["BF", "GFP"],
        scale=(0.5, 1, 2, 0.65, 0.65),
        stage=(10, -5.5, 0),
        frames=12,
    )
    return Example(path, {"": image})


def write_plate(folder: Path) -> Example:
    """A file for each position of version 1.4, called by its well; of the first, two."""
    labels = ["A1-Site_0", "A1-Site_1", "B12-Site_0"]
    pixels = noise((3, 2, 2, 1, 16, 12), "uint8")
    summary = {**SUMMARY_14, **NAMES, "Frames": 2, "Channels": 2, "Slices": 1, "Positions": 3}
    frames = frames_of(pixels, labels)
    for p, label in enumerate(labels):
        own = [frame for frame in frames if frame[0][3] == p]
        parts = {"": own[:2], "_1": own[2:]} if p == 0 else {"": own}
        for end, part in parts.items():
            write_stack(folder / f"run_1_MMStack_{label}{end}.ome.tif", part, summary)
    keys = ["A/1/0", "A/1/1", "B/12/0"]
    images = {key: Image(pixels[p], channel_names=["BF", "GFP"]) for p, key in enumerate(keys)}
    names = ["run_1_MMStack_A1-Site_0.ome.tif", "run_1_MMStack_A1-Site_0_1.ome.tif"]
    return Example(folder, images, "Plate", names)


def write_series(folder: Path) -> Example:
    """All positions of version 2 in one set of files."""
    labels = ["Pos0", "left", "far left"]
    pixels = noise((3, 3, 1, 1, 10, 12))
    stages = [
        {"Label": label, "DevicePositions": [{"Device": "XY", "Position_um": [p * 10.0, 0.0]}]}
        for p, label in enumerate(labels)
    ]
    sizes = {"IntendedDimensions": {"time": 3, "position": 3, "z": 1, "channel": 1}}
    summary = {**SUMMARY_2, "ChNames": ["Cy5"], "StagePositions": stages, **sizes}
    frames = frames_of(pixels, metadata=metadata_2)
    path = write_stack(folder / "run_2_MMStack.ome.tif", frames[:5], summary)
    write_stack(folder / "run_2_MMStack_1.ome.tif", frames[5:], summary)
    images = {
        label: Image(
            pixels[p],
            channel_names=["Cy5"],
            scale=(0.25, 1, 2, 0.65, 0.65),
            stage=(p * 10.0, 0.0, None),
            frames=3,
        )
        for p, label in enumerate(labels)
    }
    return Example(path, images, "Series")


def write_colors(folder: Path) -> Example:
    """Samples of a color camera."""
    pixels = noise((1, 2, 1, 2, 9, 11, 3), "uint8")
    summary = {**SUMMARY_2, "ChNames": ["Trans"]}
    path = write_stack(folder / "c_MMStack_Default.ome.tif", frames_of(pixels), summary)
    names = ["Trans Red", "Trans Green", "Trans Blue"]
    image = Image(np.moveaxis(pixels[0, :, 0], -1, 1), channel_names=names, frames=4)
    return Example(path, {"": image})


class TestSuite(AdapterSuite):
    adapter = micro_manager
    examples: ClassVar[Any] = {
        "one": write_one,
        "plate": write_plate,
        "series": write_series,
        "colors": write_colors,
    }


@pytest.mark.parametrize("kind", [write_one, write_series, write_colors])
def test_tifffile_reads_what_the_tests_write(kind: Any, tmp_path: Path) -> None:
    """Pages, index, summary, metadata of frames, display and comments are where they belong."""
    kind(tmp_path)
    for path in sorted(tmp_path.glob("*.tif")):
        with tifffile.TiffFile(path) as theirs, open_ome_zarr(path) as node:
            assert theirs.is_micromanager
            noted = theirs.micromanager_metadata
            nodes = [node] if not hasattr(node, "positions") else [n for _, n in node.positions()]
            assert nodes[0].acquisition.summary == noted["Summary"]
            index = noted["IndexMap"]
            assert len(index) == len(theirs.pages)
            for page, (c, z, t, p, offset) in zip(theirs.pages, index, strict=True):
                assert page.offset == offset
                pixels, count = page.asarray(), page.samplesperpixel
                ours = nodes[p]["0"][t, c * count : (c + 1) * count, z]
                want = np.moveaxis(pixels, -1, 0) if count > 1 else pixels[None]
                np.testing.assert_array_equal(ours, want)
                said = page.tags[51123].value
                rows = [
                    row
                    for row in nodes[p].frame_metadata
                    if (row["t"], row["c"], row["z"]) == (t, c * count, z)
                ]
                assert len(rows) == 1
                assert rows[0]["Exposure-ms"] == said["Exposure-ms"]


def test_channels_display_and_comments(tmp_path: Path) -> None:
    with open_ome_zarr(write_one(tmp_path).path) as node:
        one, two = node.metadata.omero.channels
        assert (one.color, two.color) == ("0000FF", "00FF00")
        assert one.window == {"start": 10, "end": 1000, "min": 0, "max": 1023}
        record = node.acquisition
        assert record.source == "Micro-Manager 1.4.22"
        assert record.date == "2015-03-04T10:11:12-08:00"
        assert record.to_json()["comments"] == {"Summary": "cells were fine"}
        assert [(each.name, each.exposure) for each in record.channels] == [
            ("BF", 0.02),
            ("GFP", 0.021),
        ]


def test_types_beside_values(tmp_path: Path) -> None:
    """Version 2 notes types; values are what people look for."""
    with open_ome_zarr(write_series(tmp_path).path) as node:
        assert node["left"].frame_metadata[1]["Camera-Binning"] == "1"


def test_any_of_its_files_and_its_folder_open_it(tmp_path: Path) -> None:
    example = write_plate(tmp_path)
    for path in [tmp_path, *sorted(tmp_path.glob("*.tif"))]:
        with open_ome_zarr(path) as node:
            assert isinstance(node, Plate)
            assert [name for name, _ in node.positions()] == list(example.images)
            assert node["A/1/1"].acquisition.name == "A1-Site_1"


def test_one_file_alone(tmp_path: Path) -> None:
    """What is said of the others is a warning."""
    example = write_plate(tmp_path)
    for path in tmp_path.glob("*.tif"):
        if "B12" not in path.name:
            path.unlink()
    with pytest.warns(MissingFramesWarning, match="1 of 3 positions were written"):
        node = open_ome_zarr(tmp_path)
    with node:
        assert [name for name, _ in node.positions()] == ["B/12/0"]
        np.testing.assert_array_equal(node["B/12/0"]["0"][...], example.images["B/12/0"].pixels)


def test_two_acquisitions_in_a_folder(tmp_path: Path) -> None:
    write_one(tmp_path)
    write_series(tmp_path)
    with pytest.raises(FormatError, match=r"2 acquisitions.*run_1, run_2"):
        open_ome_zarr(tmp_path)
    with open_ome_zarr(tmp_path / "run_2_MMStack_1.ome.tif") as node:
        assert isinstance(node, Series)
        assert len(list(node.positions())) == 3


@pytest.mark.parametrize("metadata", [metadata_14, metadata_2])
@pytest.mark.parametrize("finished", [True, False])
def test_interrupted(metadata: Any, finished: bool, tmp_path: Path) -> None:
    """20 time points were planned; of the eleventh, the second channel was not written."""
    pixels = noise((1, 11, 2, 2, 10, 12))
    frames = frames_of(pixels, metadata=metadata)[:-2]
    if metadata is metadata_2:
        planned: dict[str, Any] = {"IntendedDimensions": {"time": 20, "channel": 2, "z": 2}}
    else:
        planned = {"Frames": 20, "Channels": 2, "Slices": 2, "Positions": 1}
    summary = {**SUMMARY_14, **planned, "ChNames": ["a", "b"]}
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames, summary, finished=finished)
    with pytest.warns(IohubWarning) as caught:
        node = open_ome_zarr(path)
    said = " ".join(str(each.message) for each in caught)
    assert re.search(r"11 of 20 time points were written", said)
    assert re.search(r"2 of 44 frames were not written", said)
    assert ("has no index" in said) == (not finished)
    with node:
        assert node["0"].shape == (11, 2, 2, 10, 12)
        assert node.acquisition.missing == 2
        assert len(node.frame_metadata) == 42
        want = pixels[0].copy()
        want[10, 1] = 0
        np.testing.assert_array_equal(node["0"][...], want)


def test_positions_that_were_not_reached(tmp_path: Path) -> None:
    """Time points are written position by position; each has what was written of it."""
    pixels = noise((3, 2, 1, 1, 8, 9))
    frames = sorted(frames_of(pixels, ["C3", "C4", "C5"]), key=lambda frame: frame[0])
    summary = {**SUMMARY_14, "Frames": 20, "Positions": 4}
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames[:4], summary)
    with pytest.warns(MissingFramesWarning, match="3 of 4 positions, 1 to 2 of 20 time points"):
        node = open_ome_zarr(path)
    with node:
        assert {name: fov["0"].shape[0] for name, fov in node.positions()} == {
            "C/3/0": 2,
            "C/4/0": 1,
            "C/5/0": 1,
        }


def test_a_frame_that_was_dropped_moves_no_other(tmp_path: Path) -> None:
    pixels = noise((1, 5, 1, 1, 8, 9))
    frames = frames_of(pixels)
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames[:2] + frames[3:], SUMMARY_14)
    with pytest.warns(MissingFramesWarning, match="1 of 5 frames"):
        node = open_ome_zarr(path)
    with node:
        assert [row["t"] for row in node.frame_metadata] == [0, 1, 3, 4]
        assert not node["0"][2].any()
        np.testing.assert_array_equal(node["0"][3], pixels[0, 3])


def test_pages_that_were_preallocated(tmp_path: Path) -> None:
    """Of an acquisition that crashed, zeros follow the last page."""
    pixels = noise((1, 4, 1, 1, 8, 9))
    path = write_stack(
        tmp_path / "x_MMStack.ome.tif", frames_of(pixels), SUMMARY_14, finished=False
    )
    path.write_bytes(path.read_bytes() + bytes(5000))
    with pytest.warns(MissingFramesWarning, match="has found 4"):
        node = open_ome_zarr(path)
    with node:
        np.testing.assert_array_equal(node["0"][...], pixels[0])


def test_nothing_was_written(tmp_path: Path) -> None:
    path = write_stack(tmp_path / "x_MMStack.ome.tif", [], SUMMARY_14, finished=False)
    with pytest.warns(MissingFramesWarning), pytest.raises(FormatError, match="no frame"):
        open_ome_zarr(path)


def test_an_index_that_is_damaged(tmp_path: Path) -> None:
    """No memory is taken for frames that are not there."""
    pixels = noise((8, 9))
    frames = [((t, 0, 0, 0), pixels, metadata_14((t, 0, 0, 0))) for t in (0, 3_000_000_000)]
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames, SUMMARY_14)
    with pytest.raises(FormatError, match="index is damaged"):
        open_ome_zarr(path)


def test_metadata_that_are_damaged(tmp_path: Path) -> None:
    pixels = noise((1, 2, 1, 1, 8, 9))
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames_of(pixels, secret=5), SUMMARY_14)
    data = path.read_bytes()
    at = data.rindex(b'"secret"')
    path.write_bytes(data[:at] + b"!" + data[at + 1 :])
    with open_ome_zarr(path) as node, pytest.warns(MetadataWarning, match="no metadata that can"):
        frames = node.frame_metadata
    assert frames[0]["secret"] == 5
    assert frames[1] == {"t": 1, "c": 0, "z": 0}


def test_summary_that_is_damaged(tmp_path: Path) -> None:
    path = write_one(tmp_path).path
    data = bytearray(path.read_bytes())
    data[40:42] = b"!!"
    path.write_bytes(data)
    with pytest.warns(MetadataWarning, match="summary metadata cannot be read"):
        node = open_ome_zarr(path)
    with node:
        assert node.channel_names == ["Channel 0", "Channel 1"]


def test_a_page_of_another_size(tmp_path: Path) -> None:
    frames = frames_of(noise((1, 2, 1, 1, 8, 9)))
    frames[1] = (frames[1][0], noise((5, 6)), frames[1][2])
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames, SUMMARY_14)
    with open_ome_zarr(path) as node, pytest.raises(FormatError, match=r"page 2 of .* 5 × 6"):
        node["0"][1]


def test_a_renamed_file(tmp_path: Path) -> None:
    path = write_one(tmp_path).path.rename(tmp_path / "mine.tif")
    with open_ome_zarr(path) as node:
        assert node["0"].shape == (2, 2, 3, 20, 30)


def test_units_that_nobody_knows(tmp_path: Path) -> None:
    frames = frames_of(noise((1, 2, 1, 2, 8, 9)), PixelSizeUm=0)
    path = write_stack(tmp_path / "x_MMStack.ome.tif", frames, {"MicroManagerVersion": "1.4.22"})
    with open_ome_zarr(path) as node:
        assert [axis.unit for axis in node.axes] == [None] * 5
        assert node.scale == [1.0] * 5


def test_records_are_json(tmp_path: Path) -> None:
    with open_ome_zarr(write_series(tmp_path).path) as node:
        for _, position in node.positions():
            json.dumps(position.acquisition.to_json())
            json.dumps(position.frame_metadata)
