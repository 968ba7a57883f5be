"""What is said beside the pixels, while a stream runs and after it: documents and namespaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import DocumentError
from iohub.stream import (
    AcquisitionSettings,
    Channel,
    Dimension,
    OMEStream,
    OmeZarrFormat,
    Plate,
    Position,
    create_stream,
)

YX = (Dimension(name="y", count=8), Dimension(name="x", count=9))
FRAME = np.ones((8, 9), "uint16")
versions = pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])


def stream(path: Path, *dims: Dimension, version: str = "0.5", **more: Any) -> OMEStream:
    settings = AcquisitionSettings(
        root_path=path / "a.zarr",
        dimensions=(*dims, *YX),
        format=OmeZarrFormat(version=version),
        **{"dtype": "uint16", **more},
    )
    return create_stream(settings)


WELLS = [Position(name="f", plate_row="A", plate_column=str(i)) for i in (1, 2)]


@versions
@pytest.mark.parametrize(
    ("dims", "plate", "paths"),
    [
        ([], None, ["."]),
        ([Dimension(name="p", coords=["a", "b"])], None, ["a", "b"]),
        (
            [Dimension(name="p", coords=WELLS)],
            Plate.from_standard_wells(6),
            ["A/1/f", "A/2/f"],
        ),
    ],
)
def test_namespaces_and_documents(
    tmp_path: Path, version: str, dims: Any, plate: Plate | None, paths: list[str]
) -> None:
    with stream(tmp_path, *dims, version=version, plate=plate) as opened:
        for _ in paths:
            opened.append(FRAME)
        opened.set_global_metadata("lab", {"power": np.float32(0.5), "by": None})
        opened.set_global_metadata("other", {"a": [1]})
        opened.set_global_metadata("lab", {"power": 2})
        found = opened.get_metadata()
        assert list(found) == paths
        found[paths[0]]["mine"] = {"a": 1}
        opened.update_metadata(found)
    opened.set_global_metadata("late", {"b": 2})
    with open_ome_zarr(tmp_path / "a.zarr") as root:
        assert root.zattrs["lab"] == {"power": 2}
        assert root.zattrs["other"] == {"a": [1]}
        assert root.zattrs["late"] == {"b": 2}
        first = root if paths == ["."] else root[paths[0]]
        assert first.zattrs["mine"] == {"a": 1}
        assert first.data[...].any()


def test_documents_that_break_the_rules_are_refused(tmp_path: Path) -> None:
    with stream(tmp_path) as opened:
        opened.append(FRAME)
        found = opened.get_metadata()
        found["."]["ome"]["multiscales"][0]["axes"] = []
        with pytest.raises(DocumentError):
            opened.update_metadata(found)
        with pytest.raises(KeyError, match="no 'zz'"):
            opened.update_metadata({"zz": {}})
        with pytest.raises(ValueError, match="dict of dicts"):
            opened.update_metadata(5)
        assert opened.get_metadata()["."]["ome"]["multiscales"][0]["axes"]


@versions
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_with_channels(tmp_path: Path, version: str, dtype: str) -> None:
    """W7: an error on all backends of the public package."""
    channels = Dimension(name="c", coords=[Channel(name="DAPI", emission_wavelength_nm=460), "GFP"])
    with stream(tmp_path, channels, version=version, dtype=dtype) as opened:
        for number in range(2):
            opened.append(np.full((8, 9), number + 0.5, dtype))
    with open_ome_zarr(tmp_path / "a.zarr") as node:
        assert node.channel_names == ["DAPI", "GFP"]
        assert node.data[:, 0, 0].tolist() == [0.5, 1.5]
        assert node.acquisition.channels[0].emission == 460


def test_one_odd_value_loses_nothing(tmp_path: Path) -> None:
    """W8: a NumPy scalar, None, a list or a flag makes the public package lose all of it."""
    odd: list[dict[str, Any]] = [
        {"exposure_time": np.float32(0.5)},
        {"on": np.bool_(True), "none": None},
        {"list": [np.int16(1)], "deep": {"a": np.arange(2)}},
    ]
    with stream(tmp_path, Dimension(name="t", count=3)) as opened:
        for metadata in odd:
            opened.append(FRAME, frame_metadata=metadata)
    with open_ome_zarr(tmp_path / "a.zarr") as node:
        assert node.frame_metadata == [
            {"exposure_time": 0.5, "storage_index": [0]},
            {"on": True, "none": None, "storage_index": [1]},
            {"list": [1], "deep": {"a": [0, 1]}, "storage_index": [2]},
        ]


def test_same_name_in_a_grid_is_not_overwritten(tmp_path: Path) -> None:
    """W10: the public package writes the second position over the first."""
    spots = [
        Position(name="f", plate_row="A", plate_column="1", grid_row=0, grid_column=i)
        for i in range(2)
    ]
    dims = Dimension(name="p", coords=spots)
    with stream(tmp_path, dims, plate=Plate.from_standard_wells(6)) as opened:
        for value in (1, 2):
            opened.append(FRAME * np.uint16(value))
    with open_ome_zarr(tmp_path / "a.zarr") as plate:
        assert [position.data[0, 0] for _, position in plate.positions()] == [1, 2]


def test_untyped_dimensions_stream(tmp_path: Path) -> None:
    """W16: frames of untyped t, z, c are an error in the public package."""
    dims = [Dimension(name=name, count=2) for name in "tzc"]
    with stream(tmp_path, *dims) as opened:
        for number in range(8):
            opened.append(FRAME * np.uint16(number))
        assert opened.view()[1, 0, 1, 0, 0] == 5
    with open_ome_zarr(tmp_path / "a.zarr") as node:
        assert node.axis_names == ["t", "c", "z", "y", "x"]
        assert node.data[1, 1, 0, 0, 0] == 5
