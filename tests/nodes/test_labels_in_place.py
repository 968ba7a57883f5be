"""Label images share the space of their image, and are found where others list them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import DocumentError
from iohub.metadata.image import CoordinateSpaceMeta
from iohub.metadata.transform_types import Scale
from iohub.ngff import Position, TransformationMeta
from iohub.testing.counting import WRITES, CountingBytes

IDS = np.arange(3 * 8 * 12).reshape(3, 8, 12).astype("u2") % 5


@pytest.fixture(params=["local", "memory"])
def image(request: Any, tmp_path: Path, version: str) -> Any:
    where: Any = tmp_path / "a.zarr"
    if request.param == "memory":
        where = f"memory://in-place/{request.node.name}"
    with open_ome_zarr(where, "fov", "w-", ["a", "b"], version=version) as position:
        position["0"] = np.zeros((2, 2, 3, 8, 12), "u1")
        for axis, scale in {"t": 5.0, "z": 2.0, "y": 0.3, "x": 0.1}.items():
            position.set_scale("0", axis, scale)
        position.compute_pyramid(3)
        position.labels.create("cells", IDS)
        position.labels.create("deep/plane", IDS[0], axes=["y", "x"])
        yield position


def places(node: Any, axis: str) -> list[tuple[float, float]]:
    index = node.get_axis_index(axis)
    return [
        (node.get_effective_scale(name)[index], node.get_effective_translation(name)[index])
        for name in node._names()
    ]


def in_step(position: Position) -> None:
    for label in position.labels.values():
        for axis in label.axis_names:
            assert np.allclose(places(label, axis), places(position, axis))


def test_scale_of_the_image(image: Position) -> None:
    image.set_scale("0", "x", 0.7)
    assert places(image.labels["cells"], "x") == places(image, "x")
    in_step(image)
    for axis, value in {"z": 1 / 3, "t": 9.0, "y": 11.0, "c": 2.0}.items():
        image.set_scale("0", axis, value)
        in_step(image)
    label = image.labels["deep/plane"]
    previous = label.zattrs["iohub"]["previous_transforms"]
    assert [entry["image"] for entry in previous] == ["0", "1", "2"] * 2
    assert previous[0]["transforms"][0]["scale"] == [0.3, 0.1]
    assert np.array_equal(image.labels["cells/0"][:], IDS)


def test_scale_and_place_of_the_whole(image: Position) -> None:
    image.set_scale("*", "y", 4.0)
    in_step(image)
    whole = [
        TransformationMeta(type="scale", scale=(1, 1, 1, 3, 3)),
        TransformationMeta(type="translation", translation=(0, 0, 7.0, -100.0, 50.0)),
    ]
    image.set_transform("*", whole)
    in_step(image)
    assert image.labels["cells"].translation == [7.0, -100.0, 50.0]
    image.set_scale("*", "y", 1.0)
    image.set_transform("*", [])
    in_step(image)
    xs = image.labels["cells"].to_xarray().x.values
    assert np.allclose(xs, image.to_xarray().x.values)


def test_proportion_is_kept(image: Position) -> None:
    """Of a label image at half the resolution, and with a transformation of its whole."""
    label = image.labels["cells"]
    label.set_scale("0", "x", 0.2)
    label.set_scale("*", "y", 10.0)
    label.set_scale("*", "x", 2.0)
    image.set_scale("0", "x", 0.5)
    image.set_scale("0", "y", 0.6)
    assert np.allclose(label.scale, [2.0, 6.0, 2.0])
    assert np.allclose(label.get_effective_scale("*"), [1.0, 10.0, 2.0])
    assert image.scale[-1] == 0.5


def test_a_level_below_moves_no_label(image: Position) -> None:
    before = dict(image.labels["cells"].zattrs)
    image.set_scale("1", "x", 33.0)
    image.set_scale("0", "x", image.scale[-1])
    assert dict(image.labels["cells"].zattrs) == before


def test_own_scale_of_a_label(image: Position) -> None:
    before = dict(image.zattrs)
    image.labels["cells"].set_scale("0", "x", 3.0)
    assert dict(image.zattrs) == before


def test_write_xarray_moves_labels(image: Position) -> None:
    piece = image.to_xarray()
    image.write_xarray(piece.assign_coords(x=piece.x * 1.2 + 0.01))
    in_step(image)
    assert np.isclose(image.scale[-1], 0.12)
    assert np.isclose(image.translation[-1], 0.01)


def test_a_broken_label_stops_all(image: Position) -> None:
    before = dict(image.zattrs)
    ome = image.labels["cells"].maybe_wrapped_ome_attrs
    said = ome["multiscales"]
    ome["multiscales"] = [{"axes": 3}]
    with pytest.raises(DocumentError, match="cells"):
        image.set_scale("0", "x", 9.0)
    assert dict(image.zattrs) == before
    ome["multiscales"] = said
    image.set_scale("0", "x", 9.0)
    in_step(image)


def test_a_linked_label_has_its_own_space(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "a.zarr", "fov", "w-", ["a"], version="0.6") as image:
        image["0"] = np.zeros((1, 1, 3, 8, 12), "u1")
        label = image.labels.create("cells", IDS, axes=["z", "y", "x"])
        image.labels.create("free", IDS)
        space = CoordinateSpaceMeta(intrinsic="label")
        label._commit(
            lambda doc: doc.replace(
                multiscales=(doc.multiscales[0].replace(coordinate_space=space),)
            )
        )
        way = Scale(
            scale=(1, 1, 1, 1, 1),
            input={"name": "physical"},
            output={"name": "label", "path": "labels/cells"},
        )
        own = image.metadata.multiscales[0]
        linked = own.replace(coordinate_space=own.space.replace(transforms=(way,)))
        image._commit(lambda doc: doc.replace(multiscales=(linked,)))
        image.set_scale("0", "x", 3.0)
        assert label.scale == [1.0, 1.0, 1.0]
        assert image.labels["free"].scale == [1.0, 1.0, 3.0]


def test_without_labels_it_costs_little(tmp_path: Path, version: str) -> None:
    store = CountingBytes(tmp_path / "a.zarr")
    with open_ome_zarr(store, "fov", "w-", ["a"], version=version) as image:
        image["0"] = np.zeros((1, 1, 3, 8, 12), "u1")
        store.clear()
        image.set_scale("0", "x", 3.0)
    assert len([o for o in store.operations if o.kind in WRITES]) == 1
    assert not [o for o in store.operations if o.kind == "list"]


# ---- what others write ------------------------------------------------------------------------


def unlist(path: Path, version: str) -> Any:
    """Take the list of the labels away; return what writes attributes of the image."""
    labels = zarr.open_group(path / "labels", mode="r+")
    if version == "0.4":
        labels.attrs.clear()
    else:
        labels.attrs["ome"] = {"version": version}


@pytest.fixture
def others(tmp_path: Path, version: str) -> Path:
    path = tmp_path / "others.zarr"
    with open_ome_zarr(path, "fov", "w-", ["a"], version=version) as image:
        image["0"] = np.zeros((1, 1, 3, 8, 12), "u1")
        for name in ("b", "a", "deep/c"):
            image.labels.create(name, IDS)
    unlist(path, version)
    return path


def listed(path: Path, version: str) -> list[str]:
    attrs = dict(zarr.open_group(path / "labels", mode="r").attrs)
    return list((attrs if version == "0.4" else attrs["ome"])["labels"])


def test_labels_that_nobody_lists(others: Path, version: str) -> None:
    zarr.open_group(others / "labels", mode="r+").create_group("empty")
    with open_ome_zarr(others) as image:
        assert list(image.labels) == ["a", "b", "deep/c"]
        assert "3 labels" in " ".join(image._summary().facts())
        assert np.array_equal(image.labels["deep/c/0"][:], IDS)
    with open_ome_zarr(others, mode="r+") as image:
        image.labels.create("new", IDS)
        assert list(image.labels) == ["a", "b", "deep/c", "new"]
    assert listed(others, version) == ["a", "b", "deep/c", "new"]
    with open_ome_zarr(others, mode="r+") as image:
        del image.labels["b"]
    assert listed(others, version) == ["a", "deep/c", "new"]


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_labels_that_the_image_lists(
    others: Path, version: str, nested: bool, wrapped: bool
) -> None:
    names = ["b", "a", "gone", "../a"]
    said = {"labels": names} if nested else names
    group = zarr.open_group(others, mode="r+")
    if wrapped and version != "0.4":
        group.attrs["ome"] = {**group.attrs["ome"], "labels": said}
    else:
        group.attrs["labels"] = said
    with open_ome_zarr(others, mode="r+") as image:
        assert isinstance(image, Position)
        assert list(image.labels) == ["b", "a"]
        image.labels.rename("b", "z")
        assert list(image.labels) == ["z", "a"]
    assert listed(others, version) == ["z", "a"]


def test_an_empty_list_is_a_list(others: Path, version: str) -> None:
    group = zarr.open_group(others / "labels", mode="r+")
    if version == "0.4":
        group.attrs["labels"] = []
    else:
        group.attrs["ome"] = {"version": version, "labels": []}
    with open_ome_zarr(others) as image:
        assert list(image.labels) == []
        # Asked for by name it is there.
        assert image.labels["a/0"].shape == IDS.shape


def test_documents_of_others_are_kept(others: Path, version: str) -> None:
    """An upgrade leaves a list on the image where it is."""
    from iohub.nodes.upgrade import upgrade

    group = zarr.open_group(others, mode="r+")
    said = {"labels": ["b", "a"]}
    if version == "0.4":
        group.attrs["labels"] = said
    else:
        group.attrs["ome"] = {**group.attrs["ome"], "labels": said}
    to = "0.5" if version != "0.5" else "0.6"
    upgrade(others, to)
    attrs = json.loads((others / "zarr.json").read_text())["attributes"]
    assert said in (attrs.get("labels"), attrs["ome"].get("labels"))
    with open_ome_zarr(others) as image:
        assert list(image.labels) == ["b", "a"]
