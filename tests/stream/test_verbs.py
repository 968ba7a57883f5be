"""Streams into nodes that are there: positions, plates, arrays that grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, AxisError, ExistsError, PyramidError, ReadOnlyError
from iohub.stream import (
    AcquisitionSettings,
    Dimension,
    Position,
    create_stream,
    dims_from_standard_axes,
)

versions = pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
SIZES = {"t": 3, "c": ["DAPI", "GFP"], "y": 8, "x": 9}


def frame(value: int, dtype: str = "uint16", shape: tuple[int, int] = (8, 9)) -> np.ndarray:
    return np.full(shape, value, dtype)


def plate(path: Path, version: str = "0.5", **members: Any) -> Any:
    return open_ome_zarr(
        path, layout="hcs", mode="w", version=version, channel_names=["BF"], **members
    )


@versions
def test_plate(tmp_path: Path, version: str) -> None:
    with plate(tmp_path / "p.zarr", version) as node:
        node.create_position("A", "1", "0")  # empty, and used
        with node.create_stream(SIZES, "uint16", positions=["A/1/0", "B/2/1"]) as stream:
            assert [position.path for position in stream.nodes] == ["A/1/0", "B/2/1"]
            for number in range(12):
                stream.append(frame(number), frame_metadata={"number": np.int64(number)})
        # Another camera: other shape, other type, no channels.
        spot = Position(name="9", plate_row="A", plate_column="1", x_coord=4)
        dims = [Dimension(name="t", count=None), *(Dimension(name=n, count=4) for n in "yx")]
        with node.create_stream(dims, "float32", positions=[spot]) as stream:
            for number in range(5):
                stream.append(frame(number, "float32", (4, 4)))
    with open_ome_zarr(tmp_path / "p.zarr") as node:
        assert sorted(path for path, _ in node.positions()) == ["A/1/0", "A/1/9", "B/2/1"]
        first = node["B/2/1"]
        assert first.channel_names == ["DAPI", "GFP"]
        assert first.data[:, :, 0, 0].tolist() == [[2, 3], [6, 7], [10, 11]]
        assert first.frame_metadata[0] == {"number": 2, "storage_index": [0, 0]}
        assert node["A/1/9"].data[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
        assert node["A/1/9"].translation == [0, 0, 4]


@versions
def test_position_and_its_array(tmp_path: Path, version: str) -> None:
    with plate(tmp_path / "p.zarr", version) as node:
        position = node.create_position("A", "1", "0")
        with position.create_stream({"t": None, "y": 8, "x": 9}, "uint8", levels=2) as stream:
            for number in range(5):
                stream.append(frame(number, "uint8"))
        with position.data.stream(axis="t") as stream:
            for number in range(5, 8):
                stream.append(frame(number, "uint8"))
            assert stream.view().shape == (8, 8, 9)
        for image in (position["0"], position["1"]):
            assert image[:, 0, 0].tolist() == list(range(8))


def test_chunks_that_are_not_whole_go_on(tmp_path: Path) -> None:
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w", channel_names=["a"], version="0.5"
    ) as node:
        image = node.create_image("0", np.ones((3, 1, 1, 8, 9), "uint16"), chunks=(4, 1, 1, 8, 9))
        with image.stream() as stream:
            stream.append(frame(7))
        assert node.data[:, 0, 0, 0, 0].tolist() == [1, 1, 1, 7]


def test_an_axis_that_is_not_the_first(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "a.zarr", layout="fov", mode="w", channel_names=["a"]) as node:
        node.create_image("0", np.zeros((2, 1, 1, 8, 9), "uint16"))
        with node.data.stream(axis="z") as stream:
            stream.append(frame(1), frame_metadata={"a": 1})
            stream.append(frame(2))
        assert node.data[:, 0, :, 0, 0].tolist() == [[0, 1], [0, 2]]
        assert node.frame_metadata == [{"a": 1, "storage_index": [0, 0, 1]}]


@pytest.mark.parametrize("axis", ["y", "x", "q"])
def test_axes_that_cannot_grow(tmp_path: Path, axis: str) -> None:
    with open_ome_zarr(tmp_path / "a.zarr", layout="fov", mode="w", channel_names=["a"]) as node:
        image = node.create_image("0", np.zeros((1, 1, 1, 8, 9), "uint16"))
        with pytest.raises(AxisError):
            image.stream(axis=axis)


def test_resolutions_that_cannot_follow_are_refused(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "a.zarr", layout="fov", mode="w", channel_names=["a"]) as node:
        node.create_image("0", np.zeros((1, 1, 4, 8, 9), "uint16"))
        node.compute_pyramid(levels=2)
        with pytest.raises(PyramidError, match="delete_pyramid"):
            node.data.stream()
        assert node.data.shape == (1, 1, 4, 8, 9)


@pytest.mark.parametrize(
    ("dims", "members", "error"),
    [
        (SIZES, {}, ArgumentError),
        (SIZES, {"positions": ["A/1"]}, ArgumentError),
        ({"p": 2, **SIZES}, {"positions": ["A/1/0"]}, ArgumentError),
        ({"p": 2, **SIZES}, {}, ValueError),  # without wells
        (SIZES, {"positions": ["A/1/0"], "backend": "bogus"}, ValueError),
        (SIZES, {"positions": ["A/1/0"], "fsync": "maybe"}, ValueError),
    ],
)
def test_odd_requests_write_nothing(
    tmp_path: Path, dims: Any, members: dict[str, Any], error: type[Exception]
) -> None:
    with plate(tmp_path / "p.zarr") as node:
        with pytest.raises(error):
            node.create_stream(dims, "uint16", **members)
        assert not list(node.wells())


def test_images_are_not_replaced(tmp_path: Path) -> None:
    with plate(tmp_path / "p.zarr") as node:
        position = node.create_position("A", "1", "0")
        position.create_zeros("0", (1, 1, 1, 8, 9), "uint8")
        with pytest.raises(ExistsError):
            node.create_stream(SIZES, "uint16", positions=["A/1/0", "A/2/0"])
        with pytest.raises(ExistsError):
            position.create_stream(SIZES, "uint16")
        assert [path for path, _ in node.positions()] == ["A/1/0"]
        assert position.data.dtype == "uint8"


def test_positions_are_of_a_plate(tmp_path: Path) -> None:
    with (
        plate(tmp_path / "p.zarr") as node,
        pytest.raises(ArgumentError, match="create_stream of the plate"),
    ):
        node.create_position("A", "1", "0").create_stream({"p": 2, **SIZES}, "uint8")


def test_nodes_open_for_reading_are_refused(tmp_path: Path) -> None:
    with plate(tmp_path / "p.zarr") as node:
        node.create_position("A", "1", "0").create_zeros("0", (1, 1, 1, 8, 9), "uint8")
    with open_ome_zarr(tmp_path / "p.zarr") as node:
        for verb in (node.create_stream, node["A/1/0"].create_stream):
            with pytest.raises(ReadOnlyError):
                verb(SIZES, "uint8")
        with pytest.raises(ReadOnlyError):
            node["A/1/0"].data.stream()


@pytest.mark.parametrize("axes", ["tc", "zc"])  # time is stored first, z behind the channels
def test_the_record_counts_what_was_there_before(tmp_path, axes):
    path, slow = tmp_path / "a.ome.zarr", axes[0]
    dims = dims_from_standard_axes({slow: None, "c": 3, "y": 8, "x": 8})
    settings = AcquisitionSettings(root_path=path, dimensions=dims, dtype="uint16")

    def check():
        planes = position.data.numpy()[..., 0, 0].ravel()
        record = position.zattrs["iohub"]["stream"]
        missing = [n for start, stop in record["missing"] for n in range(start, stop)]
        assert missing == np.flatnonzero(planes == 0).tolist()
        assert record["frames_written"] == np.count_nonzero(planes)
        assert not record["complete"]

    with create_stream(settings) as stream:
        _append_some(stream, 7, skipped=(2, 5))
    with open_ome_zarr(path, mode="r+") as position:
        check()
        with position.data.stream(axis=slow) as stream:
            _append_some(stream, 4, skipped=(1,))
            stream.append(np.full((8, 8), 99, "uint16"), at={slow: 0, "c": 2})  # was skipped
        check()
        assert stream.record()[""] == position.zattrs["iohub"]["stream"]


def _append_some(stream, count, skipped):
    for number in range(count):
        if number in skipped:
            stream.skip()
        else:
            stream.append(np.full((8, 8), number + 1, "uint16"))


def test_what_an_array_that_grows_cannot_take(tmp_path):
    settings = AcquisitionSettings(
        root_path=tmp_path / "a.ome.zarr",
        dimensions=dims_from_standard_axes({"c": ["A", "B"], "y": 8, "x": 8}),
        dtype="uint16",
    )
    create_stream(settings).close()
    with open_ome_zarr(tmp_path / "a.ome.zarr", mode="r+") as position:
        with pytest.raises(AxisError, match="append_channel"):
            position.data.stream(axis="c")
        with pytest.raises(ArgumentError, match="levels"):
            position.data.stream(axis="c", levels=2)
        assert position.data.shape == (2, 8, 8)
