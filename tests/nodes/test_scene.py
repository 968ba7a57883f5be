"""Scenes: images with places to each other, ways through them, and resampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    CorruptNodeWarning,
    DocumentError,
    ExistsError,
    LayoutError,
    MissingNodeError,
    PathError,
    TransformError,
    VersionError,
)
from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import (
    Affine,
    Identity,
    Rotation,
    Translation,
)
from iohub.ngff import Position, Scene

EM = ("physical", "em")
LIGHT = ("physical", "raw/light")


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (1, 2, 4, 16, 16)).astype("u2")


@pytest.fixture
def scene(tmp_path: Path, pixels: np.ndarray) -> Any:
    """Two images: ``raw/light`` has twice the resolution of ``em``, both begin at one point."""
    with open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version="0.6") as node:
        light = node.create_image("raw/light", ["GFP"])
        light["0"] = np.zeros((1, 1, 4, 32, 32), "u2")
        for axis in "yx":
            light.set_scale("0", axis, 0.5)
        em = node.create_image("em", ["EM", "B"])
        em["0"] = pixels
        node.add_transform(Identity(), EM, LIGHT)
        yield node


def test_creation(scene: Any) -> None:
    assert isinstance(scene, Scene)
    assert list(scene) == ["em", "raw/light"]
    assert {path: type(image) for path, image in scene.images()} == {
        "em": Position,
        "raw/light": Position,
    }
    assert scene["raw/light"].path == "raw/light"
    assert scene["raw/light/0"].shape == scene["raw", "light", 0].shape == (1, 1, 4, 32, 32)
    assert "em" in scene
    assert "nothing" not in scene
    with pytest.raises(MissingNodeError, match="raw/light"):
        scene["raw/ligth"]
    with pytest.raises(ExistsError):
        scene.create_image("em")
    with pytest.raises(PathError):
        scene.create_image("../em")


def test_opening(scene: Any) -> None:
    again = open_ome_zarr(scene.url)
    assert isinstance(again, Scene)
    assert again.version == "0.6"
    assert repr(again) == "<Scene 's.zarr' 2 images, OME-Zarr 0.6>"
    assert "raw/light" in again._repr_html_()
    with pytest.raises(LayoutError, match="is a scene"):
        open_ome_zarr(scene.url, layout="fov")
    again.close()
    assert "2 images" in repr(again)


def test_empty_scenes_open_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version="0.6").close()
    with open_ome_zarr(tmp_path / "s.zarr") as node:
        assert isinstance(node, Scene)
        assert (node.metadata, list(node), node.coordinate_systems) == (None, [], {})
        node.print_tree()
    assert capsys.readouterr().out == "s.zarr\n"


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_earlier_versions_have_no_scenes(tmp_path: Path, version: str) -> None:
    with pytest.raises(VersionError, match="has no scenes"):
        open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version=version)
    assert not (tmp_path / "s.zarr").exists()


def test_ways_through_images(scene: Any) -> None:
    way = scene.get_transform("em/0", "raw/light/0")
    assert np.allclose(way([[0, 1, 2, 3, 4]]), [[0, 1, 2, 6, 8]])
    assert np.allclose(way.inverse()([0, 1, 2, 6, 8]), [0, 1, 2, 3, 4])
    assert np.allclose(scene.get_transform(LIGHT, "em/0")([0, 0, 0, 1, 1])[-2:], [1, 1])
    with pytest.raises(MissingNodeError):
        scene.get_transform("em/0", "mars")


def test_own_systems(scene: Any) -> None:
    axes = scene["em"].axes
    world = CoordinateSystem(name="world", axes=axes)
    shift = Translation(translation=(0.0, 0.0, 0.0, 5.0, 7.0))
    scene.add_transform(shift, EM, "world", [world])
    assert list(scene.coordinate_systems) == ["world"]
    assert [t.type for t in scene.transforms] == ["identity", "translation"]
    assert np.allclose(scene.get_transform("raw/light/0", "world")([0] * 5), [0, 0, 0, 5, 7])
    scene.set_metadata(scene.transforms[:1])
    assert scene.coordinate_systems == {}
    assert np.allclose(scene.get_transform("em/0", LIGHT)([1] * 5), [1] * 5)


@pytest.mark.parametrize(
    ("transform", "source", "target"),
    [
        (Identity(), EM, ("physical", "nothing")),
        (Identity(), EM, ("other", "raw/light")),
        (Identity(), EM, "world"),
        (Translation(translation=(1.0, 2.0)), LIGHT, EM),
    ],
)
def test_what_does_not_fit_is_refused(scene: Any, transform: Any, source: Any, target: Any) -> None:
    before = dict(scene.zattrs)
    with pytest.raises(DocumentError):
        scene.add_transform(transform, source, target)
    assert dict(scene.zattrs) == before


def test_images_that_are_gone(scene: Any) -> None:
    del scene.zgroup["em"]
    with pytest.warns(CorruptNodeWarning, match="'em'"):
        graph = scene.transform_graph()
    assert graph.find_shortest_path(EM, "raw/light/0") is not None
    assert "em" in scene._tree(None).render()


def test_resampling(scene: Any, pixels: np.ndarray) -> None:
    found = scene.resample("em", like="raw/light")
    assert found.dims == ("t", "c", "z", "y", "x")
    assert found.shape == (1, 2, 4, 32, 32)
    assert found.dtype == pixels.dtype
    assert found.c.values.tolist() == ["EM", "B"]
    assert found.x.values[1] == 0.5
    assert np.array_equal(found.values[..., ::2, ::2], pixels)
    between = (pixels[..., :-1].astype(float) + pixels[..., 1:]) / 2
    assert np.abs(found.values[..., ::2, 1:-1:2] - between).max() <= 0.5
    # A part is the same part.
    assert np.array_equal(found[0, 1, 2, 5:9, 3:8].values, found.values[0, 1, 2, 5:9, 3:8])
    back = scene.resample("raw/light", like="em", order=0)
    assert back.shape == (1, 1, 4, 16, 16)


def test_resampling_of_levels(scene: Any, pixels: np.ndarray) -> None:
    scene["em"].compute_pyramid(2)
    found = scene.resample("em", like="raw/light", image_level="1", order=0)
    half = scene["em/1"][:]
    assert np.array_equal(found.values[..., ::2, 1::4, 1::4], half)
    assert scene.resample("em", like="em", like_level="1").shape == half.shape
    same = scene.resample("em", like="em")
    assert np.array_equal(same.values, pixels)


def test_nothing_is_read_before_it_is_computed(scene: Any) -> None:
    lazy = scene.resample("em", like="raw/light")
    path = Path(scene.url) / "em" / "0" / "c"
    path.rename(path.with_name("away"))
    assert not lazy.values.any()


def test_outside(scene: Any) -> None:
    far = np.eye(5, 6)
    far[-1, -1] = 4.0
    scene.set_metadata([])
    assert scene.metadata is None
    scene.add_transform(Affine(affine=far.tolist()), EM, LIGHT)
    found = scene.resample("em", like="raw/light", fill_value=9).values
    assert (found[..., :7] == 9).all()
    assert np.array_equal(found[..., ::2, 8::2], scene["em/0"][:][..., :12])


def test_rotation_and_other_axes(tmp_path: Path) -> None:
    """A quarter of a turn, through the scene's own system."""
    space = [AxisMeta(name=n, type="space", unit="micrometer") for n in "yx"]
    data = np.arange(64.0).reshape(8, 8)
    with open_ome_zarr(tmp_path / "s.zarr", "scene", "w-", version="0.6") as scene:
        for name in "ab":
            scene.create_image(name, axes=space)["0"] = data
        turn = Rotation(rotation=((0.0, -1.0), (1.0, 0.0)))
        scene.add_transform(turn, ("physical", "a"), "world", [_world(space)])
        scene.add_transform(Translation(translation=(-7.0, 0.0)), ("physical", "b"), "world")
        found = scene.resample("a", like="b").values
    assert np.allclose(found, data.T[:, ::-1]) or np.allclose(found, data.T[::-1])
    assert not np.allclose(found, data)


def _world(axes: list[AxisMeta]) -> CoordinateSystem:
    return CoordinateSystem(name="world", axes=tuple(axes))


def test_no_way(scene: Any) -> None:
    third = scene.create_image("third", ["a"])
    third["0"] = np.zeros((1, 1, 1, 2, 2), "u1")
    with pytest.raises((MissingNodeError, TransformError)):
        scene.resample("third", like="em")
    with pytest.raises(LayoutError, match="is an array"):
        scene.resample("em/0", like="em")


# ---- edits that leave the scene whole -----------------------------------------------------------


def test_an_image_that_is_needed_stays(scene: Any) -> None:
    scene.zgroup.create_array("em/matrix", data=np.eye(5, 6))
    for path in ("em", "raw/light", "raw"):
        with pytest.raises(TransformError, match=r"the identity from 'physical' of 'em'"):
            del scene[path]
    scene.add_transform(Affine(path="em/matrix"), EM, LIGHT, overwrite=True)
    assert [t.type for t in scene.transforms] == ["affine"]
    with pytest.raises(TransformError, match="affine"):
        del scene["em/matrix"]
    scene.remove_transform(EM, LIGHT)
    assert scene.metadata is None
    del scene["em"]
    assert "em" not in scene
    with pytest.raises(MissingNodeError):
        del scene["em"]


def test_two_ways_between_the_same_ends(scene: Any) -> None:
    with pytest.raises(ExistsError, match="overwrite=True"):
        scene.add_transform(Translation(translation=(0, 0, 0, 0, 1)), EM, LIGHT)
    shift = Translation(translation=(0, 0, 0, 0, 1))
    scene.add_transform(shift, EM, LIGHT, overwrite=True)
    assert [t.type for t in scene.transforms] == ["translation"]


def test_transformations_removed(scene: Any) -> None:
    world = [_world(scene["em"].axes)]
    scene.add_transform(Identity(), EM, "world", world)
    with pytest.raises(MissingNodeError, match="There are: identity from"):
        scene.remove_transform("world", EM)
    scene.add_transform(Identity(), "world", LIGHT)
    scene.remove_transform(EM, LIGHT)
    assert [t.type for t in scene.transforms] == ["identity", "identity"]
    scene.remove_transform("world", LIGHT)
    assert next(scene.images())[0] == "em"
    assert list(scene.coordinate_systems) == ["world"]
    scene.add_transform(Identity(), LIGHT, EM)
    scene.remove_transform(EM, "world")
    assert scene.coordinate_systems == {}


def test_nothing_is_left_unconnected(scene: Any) -> None:
    axes = scene["em"].axes
    for name in ("third", "fourth"):
        scene.create_image(name, ["a"])["0"] = np.zeros((1, 1, 1, 2, 2), "u1")
    before = dict(scene.zattrs)
    with pytest.raises(DocumentError, match="no transformation connects"):
        scene.add_transform(Identity(), ("physical", "third"), ("physical", "fourth"))
    with pytest.raises(DocumentError, match="no transformation connects"):
        scene.add_transform(Identity(), EM, "a", [_named("a", axes), _named("b", axes)])
    assert dict(scene.zattrs) == before
    scene.add_transform(Identity(), LIGHT, ("physical", "third"))
    scene.add_transform(Identity(), ("physical", "third"), ("physical", "fourth"))
    with pytest.raises(DocumentError, match="no transformation connects"):
        scene.remove_transform(LIGHT, ("physical", "third"))
    assert len(scene.transforms) == 3


def _named(name: str, axes: list[AxisMeta]) -> CoordinateSystem:
    return CoordinateSystem(name=name, axes=tuple(axes))


@pytest.mark.parametrize("path", ["em/inner", "raw/light/0/x", "new/inner"])
def test_no_image_in_an_image(scene: Any, path: str) -> None:
    scene.create_image("new")  # without pixels yet
    with pytest.raises(ExistsError, match="would lie in the image"):
        scene.create_image(path)


def test_what_images_are_to_have(tmp_path: Path) -> None:
    axes = [AxisMeta(name=n, type="space", unit="micrometer") for n in "yx"]
    with open_ome_zarr(
        tmp_path / "s.zarr", "scene", "w-", version="0.6", axes=axes, channel_names=None
    ) as node:
        assert [axis.name for axis in node.axes] == ["y", "x"]
        node.create_image("a")["0"] = np.zeros((2, 2))
    assert [axis.name for axis in open_ome_zarr(tmp_path / "s.zarr")["a"].axes] == ["y", "x"]


def test_axes_and_channels_are_those_of_the_images(scene: Any) -> None:
    again = open_ome_zarr(scene.url)
    assert again.channel_names == ["EM", "B", "GFP"]
    assert again.axes == scene["em"].axes
    turned = [*scene["em"].axes[:2], *scene["em"].axes[:1:-1]]
    scene.add_transform(Identity(), EM, "world", [_world(turned)])
    assert [axis.name for axis in scene.axes] == list("tcxyz")


def test_ends_that_are_no_systems(scene: Any) -> None:
    with pytest.raises(MissingNodeError, match=r"is an image: .*\('physical', 'em'\), 'em/0'"):
        scene.get_transform("em", "raw/light/0")
    for wrong in (3, None, ("a", "b", "c"), (1, "em")):
        with pytest.raises(ArgumentError):
            scene.get_transform(wrong, EM)


# ---- labels --------------------------------------------------------------------------------------


def test_resampling_of_labels(scene: Any, pixels: np.ndarray) -> None:
    ids = (pixels[:, :1] // 100).astype("u2")
    em = scene["em"]
    em.labels.create("cells", ids[0, 0])
    found = scene.resample("em/labels/cells", like="raw/light", order=0)
    assert found.dtype == ids.dtype
    assert np.array_equal(found.values[..., ::2, ::2], ids)
    assert set(np.unique(found.values)) <= set(np.unique(ids))
    # Pixels on the grid of labels, which has no channels.
    em.labels.create_zeros("half", ids.shape[2:], "u1")
    like = em.labels["half"].axis_names
    assert list(scene.resample("raw/light", like="em/labels/half").dims) == like
    way = scene.get_transform("em/labels/cells/0", "raw/light/0")
    assert np.allclose(way([0, 1, 2, 3][-len(em.labels["cells"].axes) :])[-3:], [1, 4, 6])


def test_labels_that_are_linked_otherwise(scene: Any) -> None:
    """What the image itself says of its labels comes first."""
    em = scene["em"]
    em.labels.create("cells", np.ones((1, 1, 4, 16, 16), "u1"), axes=list("tczyx"))
    doc = em.metadata.multiscales[0]
    shift = Translation(
        translation=(0.0, 0, 0, 0, 3),
        input={"name": "physical"},
        output={"name": "physical", "path": "labels/cells"},
    )
    attrs = em.zattrs["ome"]
    attrs["multiscales"][0]["coordinateTransformations"] = [shift.to_json()]
    assert doc != em.metadata.multiscales[0]
    way = scene.get_transform(EM, ("physical", "em/labels/cells"))
    assert np.allclose(way([0] * 5), [0, 0, 0, 0, 3])


def test_labels_that_cannot_be_read(scene: Any) -> None:
    scene["em"].labels.create("cells", np.ones((4, 16, 16), "u1"))
    (Path(scene.url) / "em" / "labels" / "cells" / "zarr.json").write_text("{")
    with pytest.warns(CorruptNodeWarning, match="em/labels/cells"):
        scene.transform_graph()
