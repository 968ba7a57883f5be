"""Label images of a position: created, found, renamed and removed, with what refers to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from iohub import open_ome_zarr
from iohub.errors import (
    AxisError,
    DocumentError,
    DTypeError,
    ExistsError,
    MissingNodeError,
    PathError,
    PyramidError,
    ReadOnlyError,
    ShapeError,
)
from iohub.ngff import Label, Labels, Plate, Position, TransformationMeta

ALL = ["0.4", "0.5", "0.6"]


@pytest.fixture(params=ALL)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(fov: Position) -> Position:
    """Give the position of 2 × 2 × 3 × 9 × 7 pixels three levels and a scale."""
    fov.set_transform("0", [TransformationMeta(type="scale", scale=[1, 1, 2, 0.5, 0.25])])
    fov.compute_pyramid(3)
    return fov


def ids(shape: tuple[int, ...], dtype: Any = "uint16", seed: int = 0) -> np.ndarray:
    """Blocks of ids that are far from each other."""
    known = np.array([0, 7, 300, 12], dtype)
    small = [max(1, (n + 1) // 2) for n in shape]
    picked = known[np.random.default_rng(seed).integers(0, 4, small)]
    for axis in range(len(shape)):
        picked = picked.repeat(2, axis)
    return picked[tuple(slice(0, n) for n in shape)]


def listed(path: Path, version: str) -> list[str]:
    """What the document in the group of the labels lists, read as plain JSON."""
    if version == "0.4":
        return list(json.loads((path / "labels/.zattrs").read_text())["labels"])
    ome = json.loads((path / "labels/zarr.json").read_text())["attributes"]["ome"]
    assert ome["version"] == version
    return list(ome["labels"])


def test_nothing_there(fov: Position) -> None:
    assert isinstance(fov.labels, Labels)
    assert list(fov.labels) == []
    assert len(fov.labels) == 0
    assert "cells" not in fov.labels
    with pytest.raises(MissingNodeError, match="cells"):
        fov.labels["cells"]
    assert fov.group_keys() == []
    assert repr(fov.labels).startswith("<Labels 'labels' none")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((2, 3, 9, 7), "tzyx"),
        ((3, 9, 7), "zyx"),
        ((9, 7), "yx"),
        ((2, 2, 3, 9, 7), "tczyx"),
        ((2, 1, 3, 9, 7), "tczyx"),
        ((1, 3, 9, 7), "tzyx"),
    ],
)
def test_created_from_an_array(
    image: Position, tmp_path: Path, version: str, shape: tuple[int, ...], axes: str
) -> None:
    data = ids(shape)
    label = image.labels.create("cells", data)
    assert isinstance(label, Label)
    assert listed(tmp_path / "fov.zarr", version) == ["cells"]
    assert label.axis_names == list(axes)
    assert np.array_equal(label["0"][:], data)
    assert label.data.dtype == "uint16"
    scale = dict(zip("tczyx", image.scale, strict=True))
    assert label.scale == [scale[name] for name in axes]
    assert [name for name, _ in label.images()] == ["0", "1", "2"]
    known = set(np.unique(data))
    for name, level in label.images():
        assert set(np.unique(level[:])) <= known, name
        for axis, size in zip(axes, level.shape, strict=True):
            full = image[name].shape["tczyx".index(axis)]
            assert size in (full, 1)
    assert label.source == "../../"
    assert label.image == image


def test_pyramid_by_mode_and_by_stride(image: Position) -> None:
    data = np.zeros((9, 7), "int64")
    data[0, 0], data[0, 1], data[1] = 5, 9, 9
    assert image.labels.create("most", data)["1"][0, 0] == 9
    assert image.labels.create("first", data, method="stride")["1"][0, 0] == 5
    with pytest.raises(PyramidError, match="no object has"):
        image.labels.create("mixed", data, method="mean")
    assert "mixed" not in image.labels


def test_levels_can_be_chosen(image: Position) -> None:
    assert len(image.labels.create("one", ids((9, 7)), levels=1)) == 1
    label = image.labels.create("two", ids((9, 7)), levels=2)
    with pytest.raises(PyramidError, match="2 levels, not 3"):
        label.compute_pyramid(3)
    one = image.labels["one"]
    one.compute_pyramid()
    assert len(one) == 3
    with pytest.raises(PyramidError, match="no object has"):
        one.compute_pyramid(method="median")


def test_sizes_of_a_pyramid_that_lost_pixels(tmp_path: Path, version: str) -> None:
    """Other tools cut odd sizes off; labels keep all of their pixels then."""
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", channel_names=["a"], version=version) as position:
        position.create_zeros("0", (1, 1, 1, 9, 9), "uint8")
        half = [TransformationMeta(type="scale", scale=[1, 1, 1, 2, 2])]
        position.create_zeros("1", (1, 1, 1, 4, 4), "uint8", transform=half)
        label = position.labels.create("cells", ids((9, 9)))
        assert label["1"].shape == (5, 5)
        assert label.get_effective_scale("1") == [2.0, 2.0]


def test_factors_are_those_of_the_image(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", channel_names=["a"], version=version) as position:
        position.create_zeros("0", (1, 1, 4, 32, 32), "uint8")
        position.compute_pyramid(3, downscale=["y", "x"])
        assert [
            level.shape for _, level in position.labels.create("c", ids((4, 32, 32))).images()
        ] == [
            (4, 32, 32),
            (4, 16, 16),
            (4, 8, 8),
        ]


def test_created_lazily(image: Position) -> None:
    label = image.labels.create_zeros("cells")
    assert label.data.shape == (2, 3, 9, 7)
    assert label.data.dtype == "uint32"
    assert len(label) == 3
    data = ids((2, 3, 9, 7))
    label["0"][:, :, 2:] = data[:, :, 2:]
    label.compute_pyramid(method="stride")
    assert np.array_equal(label["1"][:, 0, 1:], label["0"][:, 0, 2::2, ::2])
    assert image.labels.create_zeros("flat", axes=["y", "x"], dtype="int8").data.shape == (9, 7)


def test_created_from_dask_and_xarray(image: Position) -> None:
    data = ids((3, 9, 7))
    made = image.labels.create("dask", da.from_array(data, chunks=(1, 4, 7)))
    assert np.array_equal(made["0"][:], data)
    labelled = xr.DataArray(data[0], dims=["y", "x"])
    assert image.labels.create("xarray", labelled).axis_names == ["y", "x"]
    image.labels["assigned"] = data
    assert np.array_equal(image.labels["assigned/0"][:], data)


@pytest.mark.parametrize("dtype", ["float32", "bool", "complex64"])
def test_labels_are_integers(image: Position, dtype: str) -> None:
    with pytest.raises(DTypeError, match="labels are integers"):
        image.labels.create("cells", np.zeros((9, 7), dtype))
    with pytest.raises(DTypeError, match="labels are integers"):
        image.labels.create_zeros("cells", dtype=dtype)
    label = image.labels.create("cells", ids((9, 7)))
    with pytest.raises(DTypeError, match="labels are integers"):
        label.create_image("other", np.zeros((9, 7), dtype))


def test_shapes_that_do_not_fit(image: Position) -> None:
    with pytest.raises(ShapeError, match="along x"):
        image.labels.create("cells", ids((9, 8)))
    with pytest.raises(AxisError, match="say which they have"):
        image.labels.create("cells", ids((7,)), axes=["y", "x"])
    with pytest.raises(AxisError, match="no axis 'w'"):
        image.labels.create("cells", ids((9, 7)), axes=["w", "x"])
    with pytest.raises(AxisError, match="order"):
        image.labels.create("cells", ids((7, 9)), axes=["x", "y"])
    assert list(image.labels) == []
    assert "labels" not in image.group_keys()


@pytest.mark.parametrize("path", ["../x", "/x", "a//../b", "zarr.json", "a/.zgroup", ""])
def test_paths_that_are_not_allowed(image: Position, path: str) -> None:
    with pytest.raises((PathError, MissingNodeError)):
        image.labels.create(path, ids((9, 7)))
    assert "labels" not in image.group_keys()


def test_an_image_is_needed(tmp_path: Path, version: str) -> None:
    with (
        open_ome_zarr(
            tmp_path / "a.zarr", "fov", "w-", channel_names=["a"], version=version
        ) as fov,
        pytest.raises(MissingNodeError, match="no image yet"),
    ):
        fov.labels.create("cells", ids((9, 7)))


def test_nested_paths(image: Position, tmp_path: Path, version: str) -> None:
    label = image.labels.create("original/0", ids((9, 7)))
    image.labels.create("original/1", ids((9, 7)))
    assert label.source == "../../../"
    assert listed(tmp_path / "fov.zarr", version) == ["original/0", "original/1"]
    assert isinstance(image.labels["original/0"], Label)
    assert image.labels["original/0/1"].shape == (5, 4)
    assert "original" not in image.labels
    between = image.zgroup["labels/original"]
    assert dict(between.attrs) == {}
    with pytest.raises(ExistsError, match="lie in each other"):
        image.labels.create("original", ids((9, 7)))
    with pytest.raises(ExistsError, match="lie in each other"):
        image.labels.create("original/0/deeper", ids((9, 7)))
    del image.labels["original/0"]
    assert list(image.labels) == ["original/1"]
    del image.labels["original/1"]
    assert "labels" not in image.group_keys()


def test_nothing_is_overwritten(image: Position, tmp_path: Path) -> None:
    data = ids((9, 7))
    image.labels.create("cells", data)
    with pytest.raises(ExistsError, match="cells"):
        image.labels.create("cells", data + 1)
    assert np.array_equal(image.labels["cells"]["0"][:], data)
    with open_ome_zarr(tmp_path / "fov.zarr", mode="r+", overwriting_creation=True) as again:
        again.labels.create("cells", data + 1)
        assert list(again.labels) == ["cells"]
        assert np.array_equal(again.labels["cells"]["0"][:], data + 1)


def test_read_only(image: Position, tmp_path: Path) -> None:
    image.labels.create("cells", ids((9, 7)))
    with open_ome_zarr(tmp_path / "fov.zarr") as position:
        assert dict(position.labels.items()).keys() == {"cells"}
        for edit in (
            lambda: position.labels.create("more", ids((9, 7))),
            lambda: position.labels.rename("cells", "more"),
            lambda: position.labels.__delitem__("cells"),
            lambda: setattr(position.labels["cells"], "colors", {1: "red"}),
        ):
            with pytest.raises(ReadOnlyError):
                edit()


def test_renamed(image: Position, tmp_path: Path, version: str) -> None:
    data = ids((9, 7))
    image.labels.create("cells", data)
    image.labels.create("other", data)
    image.tables.write("sizes", pd.DataFrame({"label": [7]}), type="feature_table", label="cells")
    label = image.labels.rename("cells", "by/hand")
    assert listed(tmp_path / "fov.zarr", version) == ["by/hand", "other"]
    assert np.array_equal(label["0"][:], data)
    assert label.source == "../../../"
    assert label.metadata.multiscales[0].name == "hand"
    assert image.tables.info("sizes")["region"] == {"path": "../labels/by/hand"}
    with pytest.raises(ExistsError):
        image.labels.rename("by/hand", "other")
    with pytest.raises(MissingNodeError):
        image.labels.rename("cells", "more")
    assert image.labels.rename("other", "other").path == "labels/other"
    with open_ome_zarr(tmp_path / "fov.zarr") as again:
        assert list(again.labels) == ["by/hand", "other"]


def test_removed(image: Position, tmp_path: Path) -> None:
    image.labels.create("cells", ids((9, 7)))
    image.labels.create("other", ids((9, 7)))
    del image.labels["cells"]
    assert list(image.labels) == ["other"]
    assert not (tmp_path / "fov.zarr/labels/cells").exists()
    with pytest.raises(MissingNodeError):
        del image.labels["cells"]
    del image.labels["other"]
    assert not (tmp_path / "fov.zarr/labels").exists()


def test_what_is_not_listed_is_found_and_what_is_missing_is_said(
    image: Position, tmp_path: Path
) -> None:
    import shutil

    image.labels.create("cells", ids((9, 7)))
    shutil.copytree(tmp_path / "fov.zarr/labels/cells", tmp_path / "fov.zarr/labels/copy")
    assert list(image.labels) == ["cells"]
    assert image.labels["copy"].data.shape == (9, 7)
    shutil.rmtree(tmp_path / "fov.zarr/labels/cells")
    with pytest.raises(MissingNodeError, match="listed but missing"):
        image.labels["cells"]
    assert "missing" in repr(image.labels._summary())
    del image.labels["cells"]
    assert list(image.labels) == []
    assert image.labels["copy"].data.shape == (9, 7)


def test_strict_refuses_other_numbers_of_levels(image: Position, tmp_path: Path) -> None:
    image.labels.create("cells", ids((9, 7)), levels=1)
    path = tmp_path / "fov.zarr"
    with open_ome_zarr(path) as position:
        label = position.labels["cells"]
        assert len(label) == 1
        position._document()
        position._session.strict = True  # what is asked of the image itself is tested elsewhere
        label = position.labels["cells"]
        with pytest.raises(DocumentError, match="as many levels as the image, 3; it has 1"):
            assert label.metadata


EDITS: dict[str, Callable[[Position], Any]] = {
    "append_channel": lambda p: p.append_channel("Cy5"),
    "insert_channel": lambda p: p.insert_channel(0, "Cy5"),
    "remove_channel": lambda p: p.remove_channel("DAPI"),
    "reorder_channels": lambda p: p.reorder_channels(["GFP", "DAPI"]),
    "rename_channel": lambda p: p.rename_channel("DAPI", "405"),
    "compute_pyramid": lambda p: p.compute_pyramid(method="max"),
    "set_scale_of_a_level": lambda p: p.set_scale("1", "x", 3.0),
    "another_image": lambda p: p.create_zeros("more", (2, 2, 3, 9, 7), "uint16"),
    "delete_level": lambda p: p.__delitem__("2"),
    "dump_meta": lambda p: p.dump_meta(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_edits_of_the_image_leave_labels_alone(image: Position, edit: Any) -> None:
    data = ids((3, 9, 7))
    label = image.labels.create("cells", data)
    label.colors = {7: "red"}
    before = dict(label.zattrs)
    levels = {name: level[:] for name, level in label.images()}
    edit(image)
    label = image.labels["cells"]
    assert dict(label.zattrs) == before
    assert list(levels) == [name for name, _ in label.images()]
    assert all(np.array_equal(label[name][:], pixels) for name, pixels in levels.items())


def test_to_xarray_and_back(image: Position) -> None:
    data = ids((3, 9, 7))
    label = image.labels.create("cells", data)
    found = label.to_xarray()
    assert found.dims == ("z", "y", "x")
    assert np.array_equal(found.values, data)
    assert found.coords["x"].attrs["units"] == "micrometer"
    whole = image.to_xarray()
    assert np.array_equal(found.coords["x"], whole.coords["x"])
    label.write_xarray(found.isel(x=slice(2, 4)) * 0)
    assert not label["0"][:, :, 2:4].any()
    assert np.array_equal(label["0"][:, :, 4:], data[:, :, 4:])


def test_reprs_and_trees(image: Position, capsys: pytest.CaptureFixture[str]) -> None:
    label = image.labels.create("cells", ids((3, 9, 7)))
    label.colors = {7: "red"}
    image.labels.create("original/0", ids((9, 7)))
    assert "2 labels" in " ".join(image._summary().facts())
    assert "cells" in repr(image.labels)
    assert repr(label).startswith("<Label 'labels/cells' (z 3, y 9, x 7), uint16, 3 levels")
    for node in (image.labels, label):
        html = node._repr_html_()
        assert "cells" in html
    image.labels.print_tree()
    image.print_tree()
    shown = capsys.readouterr().out
    assert "original/0" in shown
    assert "labels/cells" in shown
    image.close()
    assert "cells" in repr(label)


def test_opened_on_their_own(image: Position, tmp_path: Path) -> None:
    image.labels.create("cells", ids((9, 7)))
    with open_ome_zarr(tmp_path / "fov.zarr/labels/cells") as label:
        assert isinstance(label, Label)
        assert label.data.shape == (9, 7)
        with pytest.raises(MissingNodeError, match="Open the position"):
            assert label.image
    with open_ome_zarr(tmp_path / "fov.zarr/labels", mode="r+") as labels:
        assert isinstance(labels, Labels)
        assert list(labels) == ["cells"]
        with pytest.raises(MissingNodeError, match="Open the position"):
            labels.create("more", ids((9, 7)))
    with open_ome_zarr(tmp_path / "fov.zarr/labels/cells", layout="fov") as position:
        assert type(position) is Position


def test_sharded_like_the_image(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", channel_names=["a"], version="0.5") as position:
        position.create_image(
            "0", np.zeros((1, 1, 4, 32, 32), "u1"), (1, 1, 2, 8, 8), (1, 1, 2, 2, 2)
        )
        made = position.labels.create("cells", ids((4, 32, 32))).data
        assert (made.chunks, made.shards) == ((2, 8, 8), (4, 16, 16))
        flat = position.labels.create("flat", ids((32, 32)), chunks=(16, 32)).data
        assert (flat.chunks, flat.shards) == ((16, 32), None)


def test_in_memory(pixels: Any, version: str) -> None:
    where = f"memory://labels-{version}/a.zarr"
    with open_ome_zarr(where, "fov", "w-", channel_names=["a", "b"], version=version) as position:
        position.create_image("0", pixels())
        position.labels.create("cells", ids((3, 9, 7)))
        position.labels.rename("cells", "nuclei")
        assert list(position.labels["nuclei"].ids()) == [7, 12, 300]
        del position.labels["nuclei"]
        assert list(position.labels) == []


@pytest.mark.parametrize("target", ALL)
def test_plates_copy_labels(image: Position, tmp_path: Path, target: str) -> None:
    data = ids((3, 9, 7))
    image.labels.create("cells", data).colors = {7: "FF0000"}
    image.labels.create("original/0", ids((9, 7)))
    frame = pd.DataFrame({"label": [7, 12], "area": [1.5, 2.5], "name": ["01", "b"]})
    for backend in ("csv", "json", "anndata"):
        image.tables.write(backend, frame, type="feature_table", label="cells", backend=backend)
    Plate.from_positions(tmp_path / "p.zarr", {"A/1/0": image}, version=target).close()
    with open_ome_zarr(tmp_path / "p.zarr") as plate:
        copied = plate["A/1/0"]
        assert copied.version == target
        assert list(copied.labels) == ["cells", "original/0"]
        label = copied.labels["cells"]
        assert np.array_equal(label["0"][:], data)
        assert list(label.colors.loc[7]) == [255, 0, 0, 255]
        for backend in ("csv", "json", "anndata"):
            found = copied.tables[backend]
            assert list(found.index) == [7, 12]
            assert list(found["name"]) == ["01", "b"]
            assert copied.tables.info(backend) == image.tables.info(backend)


def test_an_interrupted_creation_leaves_nothing(
    image: Position, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iohub.nodes import label_creation

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(label_creation, "build", fail)
    with pytest.raises(OSError, match="disk is full"):
        image.labels.create("cells", ids((9, 7)))
    assert list(image.labels) == []
    assert image.group_keys() == []


def test_labels_by_key(tmp_path: Path, version: str) -> None:
    """An array of a label image had the axes of the image that it labels."""
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        image = plate.create_position("A", "1", "0")
        image.create_zeros("0", (6, 1, 4, 8, 8), "u2")
        assert "labels" not in image
        with pytest.raises(MissingNodeError, match="no label images"):
            image["labels"]
        ids = np.ones((6, 4, 8, 8), "u1")
        label = image.labels.create("nuc", ids, axes=["t", "z", "y", "x"])
        assert image["labels"] == plate["A/1/0/labels"] == image.labels
        assert image["labels/nuc"] == plate["A/1/0/labels/nuc"] == image["labels", "nuc"] == label
        array = image["labels/nuc/0"]
        assert (array.frames, array.channels, array.slices) == (6, 1, 4)
        assert array == label.data == plate["A/1/0/labels/nuc/0"]
        assert image.keys() == ["0"]
        for missing in ("labels/other", "labels/nuc/7", "labels/nuc/0/0"):
            assert missing not in image
        with pytest.raises(PathError, match="holds the label images"):
            del image["labels"]
        del image["labels/nuc"]
        assert list(image.labels) == []
        assert list(image) == ["0"]
