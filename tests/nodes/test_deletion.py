"""Images are deleted and replaced, together with what was made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ChannelError, DocumentError, MissingNodeError, PathError, PyramidError
from iohub.models import validate
from iohub.ngff import AxisMeta, Position, TransformationMeta

SHAPE = (1, 2, 4, 32, 32)
WINDOW = {"start": 3.0, "end": 40.0, "min": 0.0, "max": 99.0}


@pytest.fixture
def node(place: Callable[[str], Any], version: str) -> Any:
    return open_ome_zarr(
        place("s.zarr"), layout="fov", mode="w-", channel_names=["a", "b"], version=version
    )


def errors(node: Any) -> list[str]:
    """Return what is wrong of a position's levels."""
    return [finding.rule for finding in validate(node.zgroup).errors]


def overwriting(node: Any) -> Any:
    return Position(node.zgroup, overwriting_creation=True)


def scaled(*factors: float) -> list[TransformationMeta]:
    return [TransformationMeta(type="scale", scale=[1.0, 1.0, *factors])]


# ---- the only image --------------------------------------------------------------------------


def test_a_position_outlives_its_only_image(node: Any) -> None:
    """The store could not be opened again, and had neither channels nor colours."""
    node["0"] = np.ones(SHAPE, "u2")
    node.set_channel_color("b", "123456")
    node.set_contrast_limits("b", WINDOW)
    del node["0"]
    assert node.channel_names == ["a", "b"]
    again = open_ome_zarr(node.zgroup.store_path, mode="r+")
    assert type(again) is Position
    assert list(again) == []
    assert again.channel_names == ["a", "b"]
    again.rename_channel("b", "new")
    again.append_channel("c")
    again["0"] = np.ones((1, 3, 4, 8, 8), "u2")
    assert again.channel_names == ["a", "new", "c"]
    shown = again.metadata.omero.channels[1]
    assert shown.color == "123456"
    assert shown.window == WINDOW
    assert "iohub" not in again.zattrs
    assert errors(again) == []


def test_axes_outlive_the_only_image(place: Callable[[str], Any], version: str) -> None:
    axes = [AxisMeta(name=name, type="space", unit="nanometer") for name in "zyx"]
    with open_ome_zarr(
        place("zyx.zarr"), "fov", "w-", channel_names=["a"], axes=axes, version=version
    ) as made:
        made["0"] = np.zeros((2, 3, 4), "u1")
        del made["0"]
        assert made.axes == axes
        made["0"] = np.zeros((3, 3, 3), "u1")
        assert made.axes == axes


def test_a_position_of_a_plate_is_empty_again(plate: Any) -> None:
    position = plate["A/1/0"]
    del position["0"]
    again = open_ome_zarr(plate.url, mode="r+")["A/1/0"]
    assert again.channel_names == ["DAPI", "GFP"]
    again["0"] = np.zeros(SHAPE, "u1")
    assert again.channel_names == ["DAPI", "GFP"]


def test_a_label_image_keeps_an_array(node: Any) -> None:
    node["0"] = np.ones(SHAPE, "u2")
    label = node.labels.create("cells", np.ones((1, 4, 32, 32), "u2"))
    with pytest.raises(PathError, match=r"del position.labels\['cells'\]"):
        del label["0"]
    assert (label["0"][...] == 1).all()


# ---- level 0 of a pyramid --------------------------------------------------------------------


def test_level_0_is_not_deleted_under_its_pyramid(node: Any) -> None:
    """The levels that stayed held the pixels of the old image."""
    node["0"] = np.ones(SHAPE, "u2")
    node.compute_pyramid(3)
    with pytest.raises(PyramidError, match=r"\['1', '2'\].* delete_pyramid\(\) first"):
        del node["0"]
    assert (node["0"][...] == 1).all()
    assert list(node) == ["0", "1", "2"]
    node["mask"] = np.zeros(SHAPE, "u1")
    node.delete_pyramid()
    del node["0"]  # the mask was not made of it
    assert list(node) == ["mask"]


@pytest.mark.parametrize("shape", [SHAPE, (1, 2, 3, 9, 7)])
@pytest.mark.parametrize("zeros", [False, True])
def test_a_replaced_image_takes_its_pyramid_along(
    node: Any, shape: tuple[int, ...], zeros: bool
) -> None:
    node["0"] = np.ones(SHAPE, "u2")
    node.compute_pyramid(3)
    again = overwriting(node)
    if zeros:
        again.create_zeros("0", shape, "u2")
    else:
        again["0"] = np.full(shape, 7, "u2")
    assert list(again) == ["0"]
    assert sorted(again.array_keys()) == ["0"]
    assert again.metadata.multiscales[0].type is None
    assert errors(again) == []
    again.compute_pyramid(2)
    assert (again["1"][...] == (0 if zeros else 7)).all()


def test_label_images_lose_the_levels_that_their_image_loses(node: Any) -> None:
    node["0"] = np.ones(SHAPE, "u2")
    node.compute_pyramid(3)
    label = node.labels.create("cells", np.ones((1, 4, 32, 32), "u2"))
    assert list(label) == ["0", "1", "2"]
    overwriting(node)["0"] = np.zeros(SHAPE, "u2")
    assert list(label) == ["0"]
    assert label.array_keys() == ["0"]
    assert errors(node) == []


def test_a_replaced_lower_level_leaves_the_others(node: Any) -> None:
    node["0"] = np.ones(SHAPE, "u2")
    node.compute_pyramid(3)
    again = overwriting(node)
    again.create_image("1", np.full((1, 2, 2, 16, 16), 7, "u2"), transform=scaled(2, 2, 2))
    assert list(again) == ["0", "1", "2"]
    assert errors(again) == []


# ---- the order of levels ---------------------------------------------------------------------


def test_levels_made_by_hand_coarse_first(node: Any) -> None:
    node.create_zeros("1", (1, 2, 2, 16, 16), "u2", transform=scaled(2, 2, 2))
    node.create_zeros("0", SHAPE, "u2")
    assert list(node) == ["0", "1"]
    assert errors(node) == []


@pytest.mark.parametrize("size", [0.3, 1.0, 5.0])
def test_a_smaller_image_is_listed_before_what_is_smaller(node: Any, size: float) -> None:
    node.create_zeros("0", SHAPE, "u2", transform=scaled(size, size, size))
    node.compute_pyramid(3)
    node["crop"] = node["0"][..., :16, :16]
    assert list(node) == ["0", "crop", "1", "2"]
    assert errors(node) == []
    node.delete_pyramid()
    node.compute_pyramid(3)
    assert list(node) == ["0", "crop", "1", "2"]
    assert node.data.shape == SHAPE


def test_a_small_crop_comes_behind_the_levels_that_are_larger(node: Any) -> None:
    node["0"] = np.zeros(SHAPE, "u2")
    node["crop"] = np.zeros((1, 2, 1, 8, 8), "u2")
    node.compute_pyramid(2)
    assert list(node) == ["0", "1", "crop"]
    assert errors(node) == []


# ---- what cannot be read, or is none ---------------------------------------------------------


@pytest.mark.parametrize("name", ["0", "mask"])
def test_an_unreadable_array_can_be_deleted(fov: Any, version: str, name: str) -> None:
    fov["mask"] = np.zeros((2, 2, 3, 9, 7), "u1")
    document = Path(fov.url) / name / (".zarray" if version == "0.4" else "zarr.json")
    document.write_text("{")
    with pytest.raises(DocumentError):
        fov[name]
    del fov[name]
    assert not document.parent.exists()
    assert list(fov) == [{"0": "mask", "mask": "0"}[name]]


def test_an_array_that_is_only_listed_can_be_deleted(node: Any) -> None:
    node["0"] = np.zeros(SHAPE, "u2")
    node["mask"] = np.zeros(SHAPE, "u1")
    del node.zgroup["mask"]
    del node["mask"]
    assert list(node) == ["0"]
    with pytest.raises(MissingNodeError, match="mask"):
        del node["mask"]


@pytest.mark.parametrize("name", ["tables", "tables/0"])
def test_the_folder_of_tables_is_no_image(node: Any, name: str) -> None:
    """The array was accepted, and ``position.tables`` raised from then on."""
    with pytest.raises(PathError, match="'tables' holds the tables"):
        node.create_zeros(name, SHAPE, "u2")
    assert len(node.tables) == 0
    node["mytables"] = np.zeros(SHAPE, "u1")


def test_a_channel_that_has_a_name_only(node: Any) -> None:
    node["0"] = np.zeros(SHAPE, "u2")
    node.append_channel("c", resize_arrays=False)
    plane = np.ones((1, 4, 32, 32), "u2")
    with pytest.raises(ChannelError, match=r"position\['0'\].resize\(\(1, 3, 4, 32, 32\)\)"):
        node.update_channel("c", "0", plane)
    node["0"].resize((1, 3, 4, 32, 32))
    node.update_channel("c", "0", plane)
    assert (node["0"][:, 2] == 1).all()


# ---- what counts as a level ------------------------------------------------------------------


def test_other_images_are_no_levels(plate: Any) -> None:
    position = plate["A/1/0"]
    position.compute_pyramid(2)
    position["mask"] = np.zeros((1, 2, 2, 5, 4), "u1")
    assert "2 levels, 1 more image," in repr(position)
    assert "more images" in position._repr_html_()
    assert list(plate.to_dataframe()["levels"]) == [2, 1, 1, 1]
    position.close()
    assert "2 levels, 1 more image," in repr(position)


def test_a_pyramid_that_is_there_is_said_to_be(node: Any) -> None:
    node["0"] = np.zeros(SHAPE, "u2")
    node.compute_pyramid(2)
    with pytest.raises(PyramidError, match="has a pyramid of 2 levels already"):
        node.initialize_pyramid(2)
