from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import ndtiff as library
import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import FormatError, IohubError, MetadataWarning, MissingFramesWarning
from iohub.formats import ndtiff
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

sys.path.insert(0, str(Path(__file__).parent))
from ndtiff_files import frame_metadata, pages, write, write_by_hand

SUMMARY = {"z-step_um": 2.0, "Interval_ms": 500.0, "MicroManagerVersion": "2.0.3"}


def write_one(folder: Path) -> Example:
    """Channels by name, as Pycro-Manager writes them."""
    pixels = pages((2, 2, 3, 20, 30))
    names = ["GFP", "DAPI"]
    frames = [
        ({"time": t, "channel": names[c], "z": z}, pixels[t, c, z], frame_metadata(Note=f"{t}{z}"))
        for t, c, z in np.ndindex(2, 2, 3)
    ]
    path = write(folder, frames, SUMMARY, "one")
    image = Image(pixels, channel_names=names, scale=(0.5, 1, 2, 0.65, 0.65), frames=12)
    return Example(path, {"": image}, truncatable=["NDTiff.index", "one_NDTiffStack.tif"])


def write_plate(folder: Path) -> Example:
    """Positions by number, the name of each in its frames, as Micro-Manager 2 writes them."""
    labels = ["A1-Site_0", "A1-Site_1", "B12-Site_0"]
    pixels = pages((3, 2, 10, 12))
    summary = {"ChNames": ["BF", "Cy5"], "ChColors": [-1, 0xFF0000]}
    stage = {"YPositionUm": -5.0, "ZPositionUm": 7.5}
    frames = [
        (
            {"position": p, "channel": c},
            pixels[p, c],
            frame_metadata(label, XPositionUm=100.0 * p, **stage),
        )
        for (p, label), c in product(enumerate(labels), range(2))
    ]
    path = write(folder, frames, summary, "plate")
    keys = ["A/1/0", "A/1/1", "B/12/0"]
    images = {
        key: Image(
            pixels[p][None, :, None],
            channel_names=["BF", "Cy5"],
            stage=(100.0 * p, -5.0, 7.5),
            frames=2,
        )
        for p, key in enumerate(keys)
    }
    return Example(path, images, "Plate")


def write_old(folder: Path) -> Example:
    """Version 2: in a folder of its own, 8 bit."""
    pixels = pages((3, 16, 8), "uint8")
    frames = [
        ({"position": p, "channel": 0}, pixels[p], frame_metadata(f"Pos{p}", Channel="BF"))
        for p in range(3)
    ]
    path = write_by_hand(folder / "old", frames, {"PixelSize_um": 3.0}, 2)
    images = {
        f"Pos{p}": Image(pixels[p][None, None, None], "tczyx", (), ["BF"], frames=1)
        for p in range(3)
    }
    return Example(path, images, "Series")


def write_colors(folder: Path) -> Example:
    """Samples of a color camera, and a channel before them."""
    colors = pages((2, 12, 9, 3), "uint8")
    frames = [({"z": z}, colors[z], frame_metadata(Channel="Trans")) for z in range(2)]
    path = write_by_hand(folder / "rgb", frames, SUMMARY)
    pixels = np.moveaxis(colors, -1, 0)[None]
    names = ["Trans Red", "Trans Green", "Trans Blue"]
    return Example(path, {"": Image(pixels, channel_names=names, frames=2)})


class TestSuite(AdapterSuite):
    adapter = ndtiff
    examples: ClassVar[Mapping[str, Any]] = {
        "one": write_one,
        "plate": write_plate,
        "old": write_old,
        "colors": write_colors,
    }


@pytest.mark.parametrize("kind", [write_one, write_plate, write_old, write_colors])
def test_every_frame_is_that_of_the_library(kind: Any, tmp_path: Path) -> None:
    """ndtiff's own reader finds the same pixels and metadata, frame by frame."""
    path = kind(tmp_path).path
    theirs = library.Dataset(str(path))
    with open_ome_zarr(path) as node:
        nodes = [node] if not hasattr(node, "positions") else [n for _, n in node.positions()]
        count = 0
        for position in nodes:
            step = 3 if "Red" in position.channel_names[0] else 1
            for frame in position.frame_metadata:
                want = theirs.read_image(**frame["axes"])
                if step == 3:
                    got = position["0"][frame["t"], frame["c"] : frame["c"] + 3, frame["z"]]
                    got = np.moveaxis(got, 0, -1)
                else:
                    got = position["0"][frame["t"], frame["c"], frame["z"]]
                np.testing.assert_array_equal(got, want)
                noted = theirs.read_metadata(**frame["axes"])
                assert {k: v for k, v in frame.items() if k not in {"t", "c", "z", "axes"}} == noted
                count += 1
    readers = getattr(theirs, "index", None) or theirs.res_levels[0].index
    assert count == len(readers)
    theirs.close()


def test_more_axes_multiply_the_channels(tmp_path: Path) -> None:
    pixels = pages((2, 2, 3, 5, 6))
    frames = [
        (
            {"channel": ["A", "B"][c], "angle": a, "laser": ["low", "high", "off"][k], "only": 4},
            pixels[c, a, k],
            frame_metadata(),
        )
        for c, a, k in np.ndindex(2, 2, 3)
    ]
    path = write(tmp_path, frames, {}, "x")
    with open_ome_zarr(path) as node:
        assert node["0"].shape == (1, 12, 1, 5, 6)
        np.testing.assert_array_equal(node["0"][0, :, 0], pixels.reshape(12, 5, 6))
        assert node.channel_names[:2] == ["A angle=0 laser=low", "A angle=0 laser=high"]
        assert node.channel_names[-1] == "B angle=1 laser=off"
        assert node.frame_metadata[1]["axes"] == dict(frames[1][0])


def test_more_axes_without_a_channel(tmp_path: Path) -> None:
    pixels = pages((4, 5, 6))
    path = write(tmp_path, [({"view": v}, pixels[v], {}) for v in range(4)], {}, "x")
    with open_ome_zarr(path) as node:
        assert node.channel_names == ["view=0", "view=1", "view=2", "view=3"]
        np.testing.assert_array_equal(node["0"][0, :, 0], pixels)


def test_labelled_positions_are_a_series(tmp_path: Path) -> None:
    """As text on the axis, in the order in which they were taken."""
    names = ["left", "right", "far left"]
    pixels = pages((3, 5, 6))
    path = write(tmp_path, [({"position": n}, pixels[i], {}) for i, n in enumerate(names)], {}, "x")
    with open_ome_zarr(path) as node:
        assert isinstance(node, Series)
        assert [name for name, _ in node.positions()] == names
        np.testing.assert_array_equal(node["right"]["0"][0, 0, 0], pixels[1])
        assert node["right"].acquisition.name == "right"


def test_labels_of_the_summary(tmp_path: Path) -> None:
    frames = [({"position": p}, pages((5, 6)), {}) for p in range(2)]
    summary = {"StagePositions": [{"Label": "C3"}, {"Label": "D4"}]}
    with open_ome_zarr(write(tmp_path, frames, summary, "x")) as node:
        assert isinstance(node, Plate)
        assert [name for name, _ in node.positions()] == ["C/3/0", "D/4/0"]
        # Not once more for each position.
        assert node["D/4/0"].acquisition.summary["StagePositions"] == [{"Label": "D4"}]


def test_tiles_are_positions(tmp_path: Path) -> None:
    pixels = pages((2, 2, 5, 6))
    frames = [({"row": r - 1, "column": c}, pixels[r, c], {}) for r, c in np.ndindex(2, 2)]
    with open_ome_zarr(write(tmp_path, frames, {}, "x")) as node:
        assert [name for name, _ in node.positions()] == ["r-1_c0", "r-1_c1", "r0_c0", "r0_c1"]
        np.testing.assert_array_equal(node["r0_c1"]["0"][0, 0, 0], pixels[1, 1])


def test_interrupted(tmp_path: Path) -> None:
    """Each position has what was written of it; a frame that was dropped moves no other."""
    pixels = pages((2, 6, 5, 6))
    there = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (0, 4), (0, 5)]
    frames = [({"position": p, "time": t}, pixels[p, t], {"n": t}) for p, t in there]
    path = write(tmp_path, frames, {"Dimensions": {"time": 20}}, "x")
    with pytest.warns(MissingFramesWarning, match=r"1 of 8 frames were not written.*'0': 1"):
        node = open_ome_zarr(path)
    with node:
        assert [position["0"].shape[0] for _, position in node.positions()] == [6, 2]
        first = node["0"]
        assert first.acquisition.missing == 1
        assert node["1"].acquisition.missing is None
        assert [frame["t"] for frame in first.frame_metadata] == [0, 1, 2, 4, 5]
        want = pixels[0].copy()
        want[3] = 0
        np.testing.assert_array_equal(first["0"][:, 0, 0], want)


def test_values_that_are_not_counted(tmp_path: Path) -> None:
    """Depths below the first, and numbers far apart, are noted."""
    frames = [({"z": z, "time": t}, pages((5, 6)), {}) for z in (-2, -1, 0) for t in (0, 1000)]
    with open_ome_zarr(write(tmp_path, frames, {}, "x")) as node:
        assert node["0"].shape == (2, 1, 3, 5, 6)
        assert node.acquisition.to_json()["axes"] == {"z": [-2, -1, 0], "time": [0, 1000]}


def test_channel_without_a_stack(tmp_path: Path) -> None:
    """Frames that lack an axis are no frames at its beginning."""
    stack, plane = pages((3, 5, 6)), pages((5, 6), seed=1)
    frames: list[Any] = [({"channel": "GFP", "z": z}, stack[z], {}) for z in range(3)]
    frames += [({"channel": "BF"}, plane, {})]
    path = write(tmp_path, frames, {}, "x")
    with pytest.warns(MissingFramesWarning, match="2 of 6"):
        node = open_ome_zarr(path)
    with node:
        assert node.channel_names == ["GFP", "BF"]
        np.testing.assert_array_equal(node["0"][0, 0], stack)
        np.testing.assert_array_equal(node["0"][0, 1, 0], plane)


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    """A second camera is a position of its own."""
    large, small = pages((8, 9)), pages((5, 6), "uint8")
    frames = [({"channel": "A"}, large, {}), ({"channel": "B"}, small, {})]
    with open_ome_zarr(write_by_hand(tmp_path / "x", frames, {})) as node:
        assert [name for name, _ in node.positions()] == ["0_9x8_uint16", "0_6x5_uint8"]
        np.testing.assert_array_equal(node["0_6x5_uint8"]["0"][0, 0, 0], small)
        assert node["0_6x5_uint8"].channel_names == ["B"]


def test_times_that_were_measured(tmp_path: Path) -> None:
    """Without an interval the average counts."""
    frames = [({"time": t}, pages((5, 6)), {"ElapsedTime-ms": 100 + 250.0 * t}) for t in range(5)]
    summary = {"Interval_ms": 0, "StartTime": "2023-05-04 10:11:12.500 -0700"}
    with open_ome_zarr(write(tmp_path, frames, summary, "x")) as node:
        assert node.scale[0] == pytest.approx(0.25)
        assert node.acquisition.time_increment == pytest.approx(0.25)
        assert node.acquisition.date == "2023-05-04T10:11:12.500000-07:00"
        assert node.acquisition.summary["Interval_ms"] == 0


def test_colors_and_exposure(tmp_path: Path) -> None:
    with open_ome_zarr(write_plate(tmp_path).path) as node:
        position = node["A/1/0"]
        colors = [channel.color for channel in position.metadata.omero.channels]
        assert colors == ["FFFFFF", "FF0000"]
        optics = position.acquisition.channels
        assert [(each.name, each.exposure) for each in optics] == [("BF", 0.02), ("Cy5", 0.02)]


@pytest.mark.parametrize("name", ["NDTiff.index", "one_NDTiffStack.tif"])
def test_any_of_its_files_opens_it(name: str, tmp_path: Path) -> None:
    example = write_one(tmp_path)
    with open_ome_zarr(example.path / name) as node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels)


def test_index_that_was_not_finished(tmp_path: Path) -> None:
    """Java leaves zeros behind the last entry of an acquisition that crashed."""
    example = write_one(tmp_path)
    index = example.path / "NDTiff.index"
    index.write_bytes(index.read_bytes() + bytes(1000))
    with open_ome_zarr(example.path) as node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels)


def test_index_that_was_cut(tmp_path: Path) -> None:
    example = write_one(tmp_path)
    index = example.path / "NDTiff.index"
    index.write_bytes(index.read_bytes()[:-3])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        node = open_ome_zarr(example.path)
    kinds = {each.category for each in caught}
    assert kinds == {MetadataWarning, MissingFramesWarning}
    with node:
        np.testing.assert_array_equal(node["0"][0], example.images[""].pixels[0])
        assert not node["0"][1, 1, 2].any()


def test_index_that_was_cut_between_frames(tmp_path: Path) -> None:
    example = write_one(tmp_path)
    index = example.path / "NDTiff.index"
    data = index.read_bytes()
    index.write_bytes(data[: len(data) // 2])
    with pytest.warns(MetadataWarning, match="hold frames that NDTiff.index does not name"):
        node = open_ome_zarr(example.path)
    with node:
        np.testing.assert_array_equal(node["0"][...], example.images[""].pixels[:1])


def test_file_that_was_cut(tmp_path: Path) -> None:
    example = write_one(tmp_path)
    file = example.path / "one_NDTiffStack.tif"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.warns(MissingFramesWarning, match=r"of one_NDTiffStack.tif"):
        node = open_ome_zarr(example.path)
    with node:
        np.testing.assert_array_equal(node["0"][0, 0], example.images[""].pixels[0, 0])


def test_files_that_are_gone(tmp_path: Path) -> None:
    path = write_one(tmp_path).path
    (path / "one_NDTiffStack.tif").unlink()
    with pytest.raises(FormatError, match="one_NDTiffStack"):
        open_ome_zarr(path)


@pytest.mark.parametrize("name", ["../stack.tif", "/etc/passwd", "..", "a/b.tif"])
def test_files_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    path = write_by_hand(tmp_path / "x", [({"z": 0}, pages((5, 6)), {})], {})
    index = path / "NDTiff.index"
    old = b"\x09\x00\x00\x00stack.tif"
    data = index.read_bytes()
    assert old in data
    new = len(name).to_bytes(4, "little") + name.encode()
    index.write_bytes(data.replace(old, new))
    shutil.copy(path / "stack.tif", tmp_path / "stack.tif")
    with pytest.raises(IohubError, match="called"):
        open_ome_zarr(path)


def test_metadata_of_a_frame_that_are_damaged(tmp_path: Path) -> None:
    path = write_by_hand(
        tmp_path / "x", [({"time": t}, pages((5, 6)), {"secret": t}) for t in range(2)], SUMMARY
    )
    file = path / "stack.tif"
    file.write_bytes(file.read_bytes().replace(b'{"secret": 1', b'!"secret": 1'))
    with open_ome_zarr(path) as node, pytest.warns(MetadataWarning, match=r"'time': 1"):
        frames = node.frame_metadata
    assert frames[0]["secret"] == 0
    assert frames[1] == {"t": 1, "c": 0, "z": 0, "axes": {"time": 1}}


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_one(tmp_path).path
    capfd.readouterr()
    with open_ome_zarr(path) as node:
        node["0"][...], node.frame_metadata
    assert capfd.readouterr() == ("", "")


def test_records_are_json(tmp_path: Path) -> None:
    with open_ome_zarr(write_plate(tmp_path).path) as node:
        for _, position in node.positions():
            json.dumps(position.acquisition.to_json())
            json.dumps(position.frame_metadata)
