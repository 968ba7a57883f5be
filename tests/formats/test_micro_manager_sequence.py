from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import FormatError, IohubWarning, MetadataWarning, MissingFramesWarning
from iohub.formats import micro_manager_sequence
from iohub.nodes.position import Position
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
    write_sequence,
)

# Colons and slashes are not in the names of files.
NAMES = {"ChNames": ["BF", "GFP_ex-488"]}


def write_one(folder: Path) -> Example:
    """A position of version 1.4, its images in the folder itself."""
    pixels = noise((1, 2, 2, 3, 20, 30))
    summary = {**SUMMARY_14, **NAMES, "Frames": 2, "Channels": 2, "Slices": 3, "Positions": 1}
    stage = {"XPositionUm": 10.0, "YPositionUm": -5.5, "ZPositionUm": 0.0}
    shown = [{"Color": 255, "Min": 10, "Max": 1000}, {"Color": -16711936, "Min": 0, "Max": 99}]
    path = write_sequence(folder / "a", frames_of(pixels, **stage), summary, display=shown)
    image = Image(
        pixels[0],
        channel_names=NAMES["ChNames"],
        scale=(0.5, 1, 2, 0.65, 0.65),
        stage=(10, -5.5, 0),
        frames=12,
    )
    return Example(path, {"": image})


def write_plate(folder: Path) -> Example:
    """A folder for each position of version 2, called by its well."""
    labels = ["B12-Site_0", "A1-Site_0", "A1-Site_1"]
    pixels = noise((3, 2, 2, 1, 16, 12), "uint8")
    summary = {**SUMMARY_2, **NAMES, "Frames": 2, "Channels": 2, "Slices": 1, "Positions": 3}
    path = write_sequence(folder / "p", frames_of(pixels, labels, metadata_2), summary, version=2)
    keys = ["B/12/0", "A/1/0", "A/1/1"]
    images = {key: Image(pixels[p], channel_names=NAMES["ChNames"]) for p, key in enumerate(keys)}
    ordered = {key: images[key] for key in sorted(images)}
    file = "B12-Site_0/img_channel000_position000_time000000000_z000.tif"
    return Example(path, ordered, "Plate", [file])


def write_series(folder: Path) -> Example:
    """Positions of version 1.4, of which the text was not finished."""
    labels = [f"Pos{p}" for p in range(11)]
    pixels = noise((11, 2, 1, 1, 10, 12))
    frames = frames_of(pixels, labels, XPositionUm=3.5)
    path = write_sequence(folder / "s", frames, SUMMARY_14, finished=False)
    images = {
        label: Image(pixels[p], channel_names=["Channel 0"], stage=(3.5, None, None), frames=2)
        for p, label in enumerate(labels)
    }
    return Example(path, images, "Series")


class TestSuite(AdapterSuite):
    adapter = micro_manager_sequence
    examples: ClassVar[Any] = {"one": write_one, "plate": write_plate, "series": write_series}


def test_metadata_of_frames(tmp_path: Path) -> None:
    """Each frame has its own, in both versions."""
    for example, version in ((write_one(tmp_path), 1), (write_plate(tmp_path), 2)):
        with open_ome_zarr(example.path) as node:
            position = node if version == 1 else node["A/1/1"]
            for row in position.frame_metadata:
                own = row["FrameIndex"], row["ChannelIndex"], row["SliceIndex"]
                assert own == (row["t"], row["c"], row["z"])
                assert row["Exposure-ms"] == 20 + row["c"]
            assert position.acquisition.channels[1].exposure == 0.021


def test_display_and_comments(tmp_path: Path) -> None:
    with open_ome_zarr(write_one(tmp_path).path) as node:
        assert [each.color for each in node.metadata.omero.channels] == ["0000FF", "00FF00"]
        assert node.acquisition.to_json()["comments"] == {"Summary": "seen"}


def test_one_position_of_a_plate(tmp_path: Path) -> None:
    """Its folder, and the text in it, are that position."""
    example = write_plate(tmp_path)
    for path in (example.path / "A1-Site_0", example.path / "A1-Site_0" / "metadata.txt"):
        with pytest.warns(MissingFramesWarning, match="1 of 3 positions"):
            node = open_ome_zarr(path)
        with node:
            assert isinstance(node, Position)
            assert node.acquisition.name == "A1-Site_0"
            np.testing.assert_array_equal(node["0"][...], example.images["A/1/0"].pixels)


@pytest.mark.parametrize("version", [1, 2])
def test_interrupted(version: int, tmp_path: Path) -> None:
    """20 time points were planned; of the eleventh, the second channel was not written."""
    pixels = noise((1, 11, 2, 1, 10, 12))
    metadata: Any = metadata_2 if version == 2 else metadata_14
    frames = frames_of(pixels, metadata=metadata)[:-1]
    summary = {**SUMMARY_14, "Frames": 20, "Channels": 2, "Slices": 1, "ChNames": ["a", "b"]}
    path = write_sequence(tmp_path / "x", frames, summary, version=version, finished=False)
    with pytest.warns(IohubWarning) as caught:
        node = open_ome_zarr(path)
    said = " ".join(str(each.message) for each in caught)
    assert re.search(r"11 of 20 time points were written", said)
    assert re.search(r"1 of 22 frames were not written", said)
    position = node if isinstance(node, Position) else node["0"]
    with node:
        want = pixels[0].copy()
        want[10, 1] = 0
        np.testing.assert_array_equal(position["0"][...], want)
        assert position.acquisition.missing == 1


def test_the_text_was_cut(tmp_path: Path) -> None:
    """Images beyond it are there, without metadata."""
    example = write_one(tmp_path)
    text = example.path / "metadata.txt"
    whole = text.read_text()
    text.write_text(whole[: whole.index("FrameKey-1-0-1") + 100])
    with open_ome_zarr(example.path) as node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels)
        rows = {(row["t"], row["c"], row["z"]): row for row in node.frame_metadata}
    assert len(rows) == 12
    assert "Exposure-ms" in rows[1, 0, 0]
    assert rows[1, 1, 2] == {"t": 1, "c": 1, "z": 2}


def test_the_summary_is_damaged(tmp_path: Path) -> None:
    path = write_one(tmp_path).path
    text = path / "metadata.txt"
    text.write_text(text.read_text().replace("1.4.22", '1.4.22" "'))
    with pytest.warns(MetadataWarning, match="summary in metadata.txt cannot be read"):
        node = open_ome_zarr(path)
    with node:
        assert node["0"].shape == (2, 2, 3, 20, 30)


def test_long_texts_are_read_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening reads the beginning only; and a frame far behind is still found."""
    pixels = noise((1, 30, 1, 1, 4, 5))
    path = write_sequence(tmp_path / "x", frames_of(pixels, note="x" * 2000), SUMMARY_14)
    monkeypatch.setattr("iohub.formats.micro_manager_text._BEGINNING", 6000)
    asked = []
    parse = micro_manager_sequence.FolderText._parse
    monkeypatch.setattr(
        micro_manager_sequence.FolderText,
        "_parse",
        lambda self, size: asked.append(size) or parse(self, size),
    )
    with open_ome_zarr(path) as node:
        assert node["0"].shape[0] == 30
        assert asked == [6000]
        assert [row["FrameIndex"] for row in node.frame_metadata] == list(range(30))
        assert asked == [6000, -1]


def test_names_of_channels_that_are_not_in_the_summary(tmp_path: Path) -> None:
    pixels = noise((1, 1, 2, 1, 4, 5))
    summary = {**SUMMARY_14, "ChNames": ["one", "two"]}
    frames = [
        (at, plane, {**metadata, "Channel": ["first", "second"][at[1]]})
        for at, plane, metadata in frames_of(pixels)
    ]
    path = write_sequence(tmp_path / "x", frames, summary)
    text = path / "metadata.txt"
    text.write_text(text.read_text().replace('"ChNames"', '"Others"'))
    with open_ome_zarr(path) as node:
        assert node.channel_names == ["first", "second"]
        np.testing.assert_array_equal(node["0"][...], pixels[0])


def test_no_image(tmp_path: Path) -> None:
    path = write_one(tmp_path).path
    for file in path.glob("*.tif"):
        file.unlink()
    with pytest.raises(FormatError, match="no frame"):
        open_ome_zarr(path)


def test_compressed_images(tmp_path: Path) -> None:
    """As people compress them later."""
    example = write_one(tmp_path)
    for file in example.path.glob("*.tif"):
        tifffile.imwrite(file, tifffile.imread(file), compression="zlib", metadata=None)
    with open_ome_zarr(example.path) as node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels)
