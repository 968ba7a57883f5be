from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import nd2 as library
import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import FormatError, IohubWarning, MissingFramesWarning
from iohub.formats import nd2
from iohub.nodes.plate import Plate
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

sys.path.insert(0, str(Path(__file__).parent))
from nd2_files import (
    custom_loop,
    plane,
    position_loop,
    time_loop,
    uneven_time_loop,
    write,
    z_loop,
)

CHANNELS = (plane("GFP", 0x00FF00, emission=509.0), plane("mCherry", 0x0000FF, emission=610.0))


def pixels(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random(shape, dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype)


def frames_of(array: np.ndarray, loops: int) -> dict[int, np.ndarray]:
    """Frames by number, of an array whose first axes are the loops and the last y, x and c."""
    flat = array.reshape(-1, *array.shape[loops:])
    return dict(enumerate(flat))


def write_stack(folder: Path) -> Example:
    """Time outermost, two channels in each frame, recorded data."""
    array = pixels((2, 3, 20, 14, 2))
    path = write(
        folder / "stack.nd2",
        frames_of(array, 2),
        [time_loop(2, average=500.0), z_loop(3, 0.25, home=1)],
        CHANNELS,
        columns={"Exposure Time": [0.1] * 6},
        dXPos=10.0,
        dYPos=20.0,
        dZPos=30.0,
    )
    image = Image(
        np.moveaxis(array, -1, 1),
        channel_names=["GFP", "mCherry"],
        scale=(0.5, 1, 0.25, 0.5, 0.5),
        units={"t": "second", "x": "micrometer"},
        stage=(10, 20, 29.75),
        frames=6,
    )
    return Example(path, {"": image})


def write_plate(folder: Path) -> Example:
    """Wells by the names of the positions, which are within the time loop."""
    array = pixels((2, 3, 16, 8, 1))
    points = [("A1", 0.0, 0.0, 1.0), ("A1_2", 5.0, 0.0, 2.0), ("B03", 0.0, 9.0, 3.0)]
    path = write(
        folder / "plate.nd2",
        frames_of(array, 2),
        [time_loop(2), position_loop(points)],
        [plane("DAPI")],
    )
    images = {
        key: Image(array[:, p, None, None, :, :, 0], stage=points[p][1:], frames=2)
        for p, key in enumerate(["A/1/0", "A/1/1", "B/3/0"])
    }
    return Example(path, images, "Plate")


def write_colors(folder: Path) -> Example:
    """Samples of a color camera, deflated, with padded rows, not calibrated."""
    array = pixels((3, 15, 9, 3), "uint8")
    path = write(
        folder / "colors.nd2",
        frames_of(array, 1),
        [z_loop(3, 2.0)],
        [plane("Trans", samples=3)],
        calibration=0,
        compressed=True,
    )
    image = Image(
        np.moveaxis(array, -1, 0)[None],
        channel_names=["Trans Red", "Trans Green", "Trans Blue"],
        scale=(1, 1, 2, 1, 1),
        units={"x": None, "y": None, "z": "micrometer"},
        frames=3,
    )
    return Example(path, {"": image})


def write_padded(folder: Path) -> Example:
    """One frame without a loop, floating point, rows with bytes behind them."""
    array = pixels((15, 9, 1), "float32")
    path = write(folder / "one.nd2", {0: array}, planes=[plane("")], row_padding=4)
    return Example(path, {"": Image(array[None, None, None, :, :, 0])})


class TestSuite(AdapterSuite):
    adapter = nd2
    examples: ClassVar[Mapping[str, Any]] = {
        "stack": write_stack,
        "plate": write_plate,
        "colors": write_colors,
        "padded": write_padded,
    }


@pytest.mark.parametrize("kind", [write_stack, write_plate, write_colors, write_padded])
def test_the_library_reads_the_same(kind: Any, tmp_path: Path) -> None:
    """The files that are written here are ND2 files, and nd2's own arrays are those of the node."""
    example = kind(tmp_path)
    with library.ND2File(example.path) as file:
        theirs = file.to_xarray(delayed=False, squeeze=False)
    theirs = theirs.expand_dims([name for name in "PTCSZYX" if name not in theirs.dims])
    array = theirs.transpose(*"PTCSZYX").values
    array = array.reshape(*array.shape[:2], -1, *array.shape[4:])
    with open_ome_zarr(example.path) as node:
        for want, key in zip(array, example.images, strict=True):
            np.testing.assert_array_equal((node[key] if key else node)["0"][...], want)


@pytest.mark.parametrize("order", ["tpz", "ptz", "pzt", "ztp", "zpt", "tzp"])
def test_loops_in_any_order(order: str, tmp_path: Path) -> None:
    counts = {"t": 2, "p": 3, "z": 4}
    loops = {
        "t": time_loop(2),
        "p": position_loop([(f"Pos {i}", 0.0, 0.0, 0.0) for i in range(3)]),
        "z": z_loop(4, 1.0),
    }
    array = pixels((*(counts[letter] for letter in order), 6, 5, 2))
    path = write(
        tmp_path / "x.nd2", frames_of(array, 3), [loops[letter] for letter in order], CHANNELS
    )
    want = np.einsum(f"{order}yxc->ptczyx", array)
    with open_ome_zarr(path) as node:
        for p, (name, position) in enumerate(node.positions()):
            assert name == f"Pos {p}"
            np.testing.assert_array_equal(position["0"][...], want[p])
            rows = position.frame_metadata
            assert [(row["t"], row["z"]) for row in rows] == list(np.ndindex(2, 4))
            for row in rows:
                assert (row["T Index"], row["P Index"], row["Z Index"]) == (row["t"], p, row["z"])


def test_uneven_times(tmp_path: Path) -> None:
    """Phases of a time loop follow each other; their average counts."""
    array = pixels((5, 6, 5, 1))
    loops = [uneven_time_loop(2, 3, period=2000.0)]
    path = write(tmp_path / "x.nd2", frames_of(array, 1), loops, [plane("A")])
    with open_ome_zarr(path) as node:
        assert node["0"].shape == (5, 1, 1, 6, 5)
        assert node.acquisition.time_increment == pytest.approx(2)
        np.testing.assert_array_equal(node["0"][:, 0, 0], array[..., 0])


def test_another_loop_multiplies_the_channels(tmp_path: Path) -> None:
    array = pixels((3, 2, 6, 5, 2))
    loops = [custom_loop(3), z_loop(2, 1.0)]
    path = write(tmp_path / "x.nd2", frames_of(array, 2), loops, CHANNELS)
    with open_ome_zarr(path) as node:
        assert node["0"].shape == (1, 6, 2, 6, 5)
        assert node.channel_names[:3] == ["GFP step=0", "mCherry step=0", "GFP step=1"]
        want = np.einsum("uzyxc->uczyx", array).reshape(6, 2, 6, 5)
        np.testing.assert_array_equal(node["0"][0], want)
        assert [(row["c"], row["z"]) for row in node.frame_metadata][:3] == [(0, 0), (0, 1), (2, 0)]


def test_interrupted(tmp_path: Path) -> None:
    """Declared are 20 time points of 3 positions; each has what was written of it."""
    array = pixels((20, 3, 6, 5, 1))
    points = [(name, 0.0, 0.0, 0.0) for name in ("left", "middle", "right")]
    frames = {n: frame for n, frame in frames_of(array, 2).items() if n < 8 and n != 3}
    path = write(tmp_path / "x.nd2", frames, [time_loop(20), position_loop(points)], [plane("A")])
    with pytest.warns(MissingFramesWarning, match="1 of 8 frames were not written.*'left': 1"):
        node = open_ome_zarr(path)
    with node:
        assert [p["0"].shape[0] for _, p in node.positions()] == [3, 3, 2]
        assert [row["t"] for row in node["left"].frame_metadata] == [0, 2]
        assert node["left"].acquisition.missing == 1
        assert not node["left"]["0"][1].any()
        np.testing.assert_array_equal(node["left"]["0"][2, 0, 0], array[2, 0, :, :, 0])


def test_positions_that_were_not_reached(tmp_path: Path) -> None:
    points = [(name, 0.0, 0.0, 0.0) for name in "abcd"]
    frames = frames_of(pixels((2, 6, 5, 1)), 1)
    path = write(tmp_path / "x.nd2", frames, [position_loop(points)], [plane("A")])
    with pytest.warns(MissingFramesWarning, match=r"2 of 4 positions \(number 2, 3\)"):
        node = open_ome_zarr(path)
    with node:
        assert [name for name, _ in node.positions()] == ["a", "b"]


def test_frames_without_a_loop_are_time_points(tmp_path: Path) -> None:
    array = pixels((4, 6, 5, 1))
    path = write(tmp_path / "x.nd2", frames_of(array, 1), planes=[plane("A")])
    with open_ome_zarr(path) as node:
        np.testing.assert_array_equal(node["0"][:, 0, 0], array[..., 0])


def test_what_is_noted(tmp_path: Path) -> None:
    path = write_stack(tmp_path).path
    with open_ome_zarr(path) as node:
        noted = node.acquisition
        assert noted.source == "ND2 3.0"
        assert noted.date == "2023-02-25T00:00:00.000+00:00"
        assert [(c.name, c.emission) for c in noted.channels] == [("GFP", 509), ("mCherry", 610)]
        assert noted.instrument["objectiveName"] == "Plan Apo"
        colors = [channel.color for channel in node.metadata.omero.channels]
        assert colors == ["00FF00", "FF0000"]
        row = node.frame_metadata[4]
        assert (row["t"], row["z"], row["Index"]) == (1, 1, 4)
        assert row["Exposure Time"] == 0.1
        assert row["Time [s]"] == pytest.approx(0.004)


def test_text_is_kept(tmp_path: Path) -> None:
    frames = {0: pixels((6, 5, 1))}
    text = {"TextInfoItem_5": "how it was done", "TextInfoItem_13": "Plan 10x"}
    path = write(tmp_path / "x.nd2", frames, planes=[plane("A")], text=text)
    with open_ome_zarr(path) as node:
        assert node.acquisition.summary == {"description": "how it was done", "optics": "Plan 10x"}


def test_names_of_wells_are_needed_for_all(tmp_path: Path) -> None:
    points = [("A1", 0.0, 0.0, 0.0), ("blank", 0.0, 0.0, 0.0)]
    frames = frames_of(pixels((2, 6, 5, 1)), 1)
    path = write(tmp_path / "x.nd2", frames, [position_loop(points)], [plane("A")])
    with open_ome_zarr(path) as node:
        assert not isinstance(node, Plate)
        assert [name for name, _ in node.positions()] == ["A1", "blank"]


def test_named_by_the_file_alone(tmp_path: Path) -> None:
    """A file is recognised without its suffix; another file with it is not."""
    path = write_stack(tmp_path).path
    with open_ome_zarr(path.rename(tmp_path / "moved.bin")) as node:
        assert node["0"].shape == (2, 2, 3, 20, 14)


def test_old_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.nd2"
    path.write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(1000))
    with pytest.raises(FormatError, match=r"old.nd2.*before 2010"):
        open_ome_zarr(path)


def test_cut_file_names_itself(tmp_path: Path) -> None:
    path = write_stack(tmp_path).path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match=r"stack.nd2"):
        open_ome_zarr(path)


def test_frames_behind_the_end(tmp_path: Path) -> None:
    """nd2 itself returns zeros for them and says nothing."""
    path = write_stack(tmp_path).path
    data = path.read_bytes()
    name = b"ImageDataSeq|5!"
    at = data.rindex(name) + len(name)
    path.write_bytes(data[:at] + (2**40).to_bytes(8, "little") + data[at + 8 :])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IohubWarning)
        node = open_ome_zarr(path)
    said = [str(each.message) for each in caught]
    assert any("1 of its 6 frames are behind its end" in text for text in said)
    with node:
        assert len(node.frame_metadata) == 5


def test_opening_does_not_read_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_stack(tmp_path).path

    def refuse(*_: Any) -> None:
        raise AssertionError("a frame was read")

    monkeypatch.setattr(library.ND2File, "read_frame", refuse)
    with open_ome_zarr(path) as node:
        node.to_xarray(), node.frame_metadata, node.acquisition
