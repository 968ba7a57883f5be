"""What is known of labels: colours, properties, measurements; as tables and in the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from zarr.storage import MemoryStore

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    AxisError,
    ChannelError,
    DocumentError,
    MissingNodeError,
    ShapeError,
)
from iohub.models import validate
from iohub.ngff import AxisMeta, Label, Position, TransformationMeta


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def data() -> np.ndarray:
    found = np.zeros((2, 3, 9, 7), "uint16")
    found[0, 1, 2:4, 1:6], found[0, 2, 5:, :2], found[1, :, 3, 3] = 7, 40000, 7
    return found


@pytest.fixture
def label(fov: Position, data: np.ndarray) -> Label:
    fov.set_transform("0", [TransformationMeta(type="scale", scale=[1, 1, 2, 0.5, 0.25])])
    return fov.labels.create("cells", data)


def stored(path: Path, version: str) -> dict[str, Any]:
    """Return the member image-label, read as plain JSON."""
    folder = path / "fov.zarr/labels/cells"
    if version == "0.4":
        return dict(json.loads((folder / ".zattrs").read_text())["image-label"])
    return dict(json.loads((folder / "zarr.json").read_text())["attributes"]["ome"]["image-label"])


def test_document(label: Label, tmp_path: Path, version: str) -> None:
    said = {"source": {"image": "../../"}}
    expected = {"version": "0.4", **said} if version == "0.4" else said
    assert stored(tmp_path, version) == expected
    label.source = "../../../other"
    assert label.source == "../../../other"
    label.source = None
    assert label.source == "../../"


def test_colors(label: Label, tmp_path: Path, version: str) -> None:
    assert list(label.colors.columns) == ["r", "g", "b", "a"]
    assert len(label.colors) == 0
    label.colors = {7: "FF8000", 40000: (1, 2, 3), 9: [4, 5, 6, 7], 1: "red"}
    assert stored(tmp_path, version)["colors"] == [
        {"label-value": 7, "rgba": [255, 128, 0, 255]},
        {"label-value": 40000, "rgba": [1, 2, 3, 255]},
        {"label-value": 9, "rgba": [4, 5, 6, 7]},
        {"label-value": 1, "rgba": [255, 0, 0, 255]},
    ]
    table = label.colors
    assert table.index.name == "label-value"
    assert list(table.loc[9]) == [4, 5, 6, 7]
    table.loc[9, "a"] = 0
    label.colors = table.drop(index=1)
    assert list(label.colors.index) == [7, 40000, 9]
    assert label.colors.loc[9, "a"] == 0
    label.colors = {}
    assert "colors" not in stored(tmp_path, version)


def test_colors_keep_what_else_is_there(label: Label, tmp_path: Path, version: str) -> None:
    label.colors = {7: "red"}
    members = label.maybe_wrapped_ome_attrs["image-label"]["colors"]
    members.append({"label-value": 8, "note": "no colour"})
    table = label.colors
    assert table.loc[8, "note"] == "no colour"
    assert table.loc[8, "r"] is pd.NA
    label.colors = table
    assert stored(tmp_path, version)["colors"][1] == {"label-value": 8, "note": "no colour"}


@pytest.mark.parametrize("wrong", [{1: (1, 2)}, {1: (1, 2, 300)}, {1: (0.5, 0, 0)}, {"a": "red"}])
def test_colors_that_are_none(label: Label, wrong: Any) -> None:
    with pytest.raises(DocumentError):
        label.colors = wrong
    with pytest.raises(ChannelError):
        label.colors = {1: "nocolour"}
    assert len(label.colors) == 0


def test_a_label_has_one_color(label: Label) -> None:
    twice = pd.DataFrame({"label": [1, 1], "r": [1, 2], "g": [1, 2], "b": [1, 2]})
    with pytest.raises(DocumentError, match="has a colour already"):
        label.colors = twice


def test_properties(label: Label, tmp_path: Path, version: str) -> None:
    assert len(label.properties) == 0
    label.properties = pd.DataFrame(
        {
            "label": [7, 40000, 3],
            "area": [1.5, np.nan, 3.0],
            "count": pd.array([1, None, 3], dtype="Int64"),
            "kind": ["a", "b", None],
            "good": [True, False, True],
            "where": [[1, 2], [3, 4], [5, 6]],
        }
    )
    assert stored(tmp_path, version)["properties"] == [
        {"label-value": 7, "area": 1.5, "count": 1, "kind": "a", "good": True, "where": [1, 2]},
        {"label-value": 40000, "kind": "b", "good": False, "where": [3, 4]},
        {"label-value": 3, "area": 3.0, "count": 3, "good": True, "where": [5, 6]},
    ]
    found = label.properties
    assert found.index.name == "label-value"
    assert found["count"].dtype == "Int64"
    assert found.loc[7, "area"] == 1.5
    assert found.loc[3, "where"] == [5, 6]
    before = stored(tmp_path, version)
    label.properties = found
    assert json.dumps(stored(tmp_path, version)) == json.dumps(before)
    label.properties = found.iloc[:0]
    assert "properties" not in stored(tmp_path, version)


def test_properties_that_name_no_label(label: Label) -> None:
    with pytest.raises(DocumentError, match="which label a row is of"):
        label.properties = pd.DataFrame({"area": [1.0, 2.0]})
    with pytest.raises(DocumentError, match="must be an integer"):
        label.properties = pd.DataFrame({"label": [1.5], "area": [1.0]})
    with pytest.raises(DocumentError, match="JSON cannot say"):
        label.properties = pd.DataFrame({"label": [1], "area": [np.inf]})
    label.properties = pd.DataFrame({"area": [1.0, 2.0]}, index=[7, 9])
    assert list(label.properties.index) == [7, 9]


def test_ids(label: Label) -> None:
    assert label.ids().tolist() == [7, 40000]
    assert label.ids().dtype == "uint16"


def test_regionprops_by_time(label: Label, data: np.ndarray, fov: Position) -> None:
    table = label.regionprops(["area", "centroid", "intensity_mean"], channels=["GFP"])
    assert table.index.tolist() == [7, 40000, 7]
    assert table["t"].tolist() == [0, 0, 1]
    assert table["area"].tolist() == [10, 8, 3]
    assert table["centroid-0"].tolist() == [1, 2, 1]
    expected = fov["0"][0, 1][data[0] == 7].mean()
    assert table["intensity_mean-0"].iloc[0] == pytest.approx(expected)
    pd.testing.assert_frame_equal(label.properties, table, check_dtype=False)


def test_regionprops_in_physical_units(label: Label) -> None:
    plain = label.regionprops(["area"], store=False)
    physical = label.regionprops(["area"], physical=True, store=False)
    assert len(label.properties) == 0
    assert physical["area"].tolist() == [value * 2 * 0.5 * 0.25 for value in plain["area"]]


def test_regionprops_join_what_is_there(fov: Position) -> None:
    flat = np.zeros((9, 7), "int64")
    flat[1:3, 1:4], flat[5, 5] = 5, 2**40
    label = fov.labels.create("flat", flat)
    label.properties = pd.DataFrame({"label": [5, 77], "kind": ["a", "b"], "area": [0, 0]})
    table = label.regionprops(["area", "eccentricity"])
    assert table.index.tolist() == [5, 2**40]
    found = label.properties
    assert sorted(found.index) == [5, 77, 2**40]
    assert found.loc[5, "kind"] == "a"
    assert found.loc[5, "area"] == 6
    assert found.loc[77, "kind"] == "b"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("aera", "'aera'; did you mean 'area'"),
        ("mean_intensity", r"channels=\['GFP'\]"),
        ("eccentricity", "not implemented for 3D"),
    ],
)
def test_properties_that_are_not_measured(fov: Position, name: str, said: str) -> None:
    label = fov.labels.create("cells", np.ones((1, 3, 9, 7), "uint8"))
    with pytest.raises(ArgumentError, match=said):
        label.regionprops([name])


@pytest.mark.parametrize("given", [None, 3, "red", [1]])
def test_what_is_no_table(label: Label, given: Any) -> None:
    label.colors = {1: "red"}
    with pytest.raises(ArgumentError, match=r"colors are a pandas\.DataFrame or a mapping"):
        label.colors = given
    with pytest.raises(ArgumentError, match=r"properties are a pandas\.DataFrame, not"):
        label.properties = given
    with pytest.raises(DocumentError, match="label 1 has colour"):
        label.colors = {1: None}
    assert label.colors.index.tolist() == [1]


def test_regionprops_with_a_function(label: Label) -> None:
    def highest(mask: np.ndarray, pixels: np.ndarray) -> float:
        return float(pixels[mask].max())

    table = label.regionprops(["label"], channels=["DAPI"], extra_properties=[highest])
    assert (table["highest-0"] > 0).all()


def test_regionprops_of_nothing(fov: Position) -> None:
    label = fov.labels.create_zeros("none", axes=["y", "x"])
    assert len(label.regionprops()) == 0
    assert len(label.properties) == 0


def test_regionprops_that_do_not_fit(fov: Position, label: Label) -> None:
    with pytest.raises(ChannelError, match="no channel 'Cy5'"):
        label.regionprops(channels=["Cy5"])
    flat = fov.labels.create("flat", np.ones((9, 7), "uint8"))
    with pytest.raises(ShapeError, match="do not cover"):
        flat.regionprops(channels=["GFP"])
    with pytest.raises(MissingNodeError):
        label.regionprops(level=4)
    by_channel = fov.labels.create("each", np.ones((1, 2, 3, 9, 7), "uint8"))
    with pytest.raises(AxisError, match="one channel at a time"):
        by_channel.regionprops()


@pytest.mark.parametrize("frame", [pd.DataFrame({"label": [1, 2]}), pd.DataFrame(index=[1, 2])])
def test_labels_without_properties(label: Label, frame: pd.DataFrame) -> None:
    label.properties = frame
    assert label.properties.index.tolist() == [1, 2]
    assert list(label.properties.columns) == []


def test_regionprops_of_no_name(fov: Position) -> None:
    label = fov.labels.create("flat", np.eye(9, 7, dtype="uint8"))
    label.regionprops([])
    assert label.properties.index.tolist() == [1]


def test_axes_of_any_name(tmp_path: Path, version: str) -> None:
    axes = [AxisMeta(name="C", type="channel"), *(AxisMeta(name=n, type="space") for n in "YX")]
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", channel_names=["a"], axes=axes, version=version) as fov:
        fov.create_image("0", np.full((1, 8, 8), 3, "uint8"))
        label = fov.labels.create("cells", np.eye(8, dtype="uint8"))
        assert [axis.name for axis in label.axes] == ["Y", "X"]
        assert label.regionprops(["intensity_mean"], channels=["a"]).iloc[0, 0] == 3


def test_an_image_in_memory_has_a_name(version: str) -> None:
    """Its multiscales had none, which the specification recommends."""
    store = MemoryStore()
    with open_ome_zarr(store, "fov", "w", channel_names=["a"], version=version) as fov:
        fov["0"] = np.zeros((1, 1, 1, 4, 4), "uint8")
        assert fov.metadata.multiscales[0].name == "image"
        validate(store, strict=True).raise_for_errors()
