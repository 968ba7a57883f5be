"""Coordinate systems of an image, ways to them, and labelled arrays in them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    DocumentError,
    ExistsError,
    MetadataWarning,
    MissingNodeError,
    TransformError,
)
from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import (
    Affine,
    Coordinates,
    Displacements,
    Identity,
    MapAxis,
    Rotation,
    Scale,
    Translation,
)
from iohub.ngff import TransformationMeta

PLANE = [AxisMeta(name=n, type="space", unit="micrometer") for n in "yx"]


@pytest.fixture
def flat(tmp_path: Any) -> Any:
    """A plane with y and x of 0.6, two levels."""
    with open_ome_zarr(tmp_path / "flat.zarr", "fov", "w-", axes=PLANE, version="0.6") as position:
        position.create_image(
            "0",
            np.arange(80.0).reshape(8, 10),
            transform=[TransformationMeta(type="scale", scale=(2.0, 0.5))],
        )
        position.compute_pyramid(2)
        yield position


def test_every_version_has_systems(fov: Any) -> None:
    assert list(fov.coordinate_systems) == ["physical"]
    fov.set_scale("0", "x", 0.5)
    fov.compute_pyramid(2)
    assert [t.type for t in fov.transforms] == ["scale", "sequence"]
    point = fov.transform_to("physical", "1")([0, 0, 0, 0, 1])
    scale, shift = fov.get_effective_scale("1"), fov.get_effective_translation("1")
    assert np.allclose(point, np.array([0, 0, 0, 0, 1]) * scale + shift)
    back = fov.transform_to("physical").inverse()
    assert np.allclose(back([0, 0, 0, 0, 1]), [0, 0, 0, 0, 2])
    fov.set_scale("*", "x", 3)
    assert list(fov.coordinate_systems) == ["physical", "world"]
    assert fov.transform_to("world")([0, 0, 0, 0, 1])[-1] == 1.5
    assert fov.to_xarray(coordinate_system="world").equals(fov.to_xarray())
    assert fov.to_xarray(coordinate_system="physical").x.values[1] == 0.5
    assert fov.transform_graph().find_shortest_path("0", "world") is not None


def test_only_new_versions_have_more(fov: Any, version: str) -> None:
    system, way = "atlas", Translation(translation=(0.0, 0.0, 1.0, 2.0, 3.0))
    if version != "0.6":
        before = dict(fov.zattrs)
        with pytest.raises(DocumentError, match="cannot say this, it would be lost: 'atlas'"):
            fov.add_coordinate_system(system, way)
        assert dict(fov.zattrs) == before
        return
    fov.add_coordinate_system(system, way)
    # Every other verb leaves it as it is.
    fov.compute_pyramid(2)
    fov.rename_channel("GFP", "EGFP")
    fov.append_channel("new")
    fov.set_scale("0", "x", 2)
    fov.set_scale("*", "y", 2)
    assert list(fov.coordinate_systems) == ["physical", "atlas", "world"]
    again = open_ome_zarr(fov.url)
    assert np.allclose(again.transform_to("atlas")([0, 0, 0, 0, 1]), [0, 0, 1, 2, 5])
    with pytest.raises(ExistsError, match="'atlas'"):
        fov.add_coordinate_system(system, way)
    with pytest.raises(MissingNodeError, match="nowhere"):
        fov.add_coordinate_system("b", way, "nowhere")
    fov.add_coordinate_system("further", Scale(scale=(1, 1, 1, 10, 10)), "atlas")
    assert np.allclose(fov.transform_to("further")([0, 0, 0, 0, 1]), [0, 0, 1, 20, 50])
    # The specification wants every way to begin where the levels lead to.
    assert open_ome_zarr(fov.url, strict=True).coordinate_systems.keys() >= {"atlas", "further"}
    ends = {(t.input.name, t.output.name) for t in fov.transforms if t.input and t.input.name}
    assert ends == {("physical", n) for n in ("atlas", "further", "world")}
    fov.add_coordinate_system("beyond", Translation(translation=(0, 0, 0, 0, 1)), "world")
    assert np.allclose(fov.transform_to("beyond")([0, 0, 0, 1, 1]), [0, 0, 0, 2, 3])
    fov.remove_coordinate_system("beyond")
    fov.remove_coordinate_system("further")
    fov.remove_coordinate_system("atlas")
    assert list(fov.coordinate_systems) == ["physical", "world"]
    with pytest.raises(TransformError, match="cannot be removed"):
        fov.remove_coordinate_system("physical")


def test_what_does_not_fit_is_refused(flat: Any) -> None:
    before = dict(flat.zattrs)
    with pytest.raises(DocumentError):
        flat.add_coordinate_system("short", Translation(translation=(1.0,)))
    assert dict(flat.zattrs) == before
    with pytest.raises(MissingNodeError, match="physical"):
        flat.transform_to("nowhere")
    with pytest.raises(MissingNodeError):
        flat.transform_to("physical", "9")


def test_labelled_in_another_order(flat: Any) -> None:
    flat.add_coordinate_system(
        CoordinateSystem(name="turned", axes=PLANE[::-1]), MapAxis(map_axis=(1, 0))
    )
    turned = flat.to_xarray(coordinate_system="turned")
    assert turned.dims == ("x", "y")
    assert np.array_equal(turned.values, flat["0"][:].T)
    assert np.array_equal(turned.y.values, np.arange(8) * 2.0)
    half = flat.to_xarray("1", coordinate_system="turned")
    assert np.allclose(half.y.values, flat.to_xarray("1").y.values)
    assert half.y.attrs["units"] == "micrometer"


def test_mirrored(flat: Any) -> None:
    flat.add_coordinate_system("mirrored", Affine(affine=((-1, 0, 7), (0, 1, 0))))
    mirrored = flat.to_xarray(coordinate_system="mirrored")
    assert mirrored.y.values[:2].tolist() == [7, 5]


def test_rotated_systems_have_no_axis_of_the_pixels(flat: Any) -> None:
    turn = Rotation(rotation=((0.6, -0.8), (0.8, 0.6)))
    flat.add_coordinate_system("turned", turn)
    assert np.allclose(flat.transform_to("turned")([[0, 2], [1, 0]]), [[-0.8, 0.6], [1.2, 1.6]])
    assert flat.transform_to("turned").as_affine().shape == (2, 3)
    with pytest.raises(TransformError, match="resample"):
        flat.to_xarray(coordinate_system="turned")


def test_stored_matrix(flat: Any) -> None:
    flat.zgroup.create_array("matrix", data=np.array([[2.0, 0, 1], [0, 3, 0]]))
    flat.add_coordinate_system("stored", Affine(path="matrix"))
    assert np.allclose(flat.transform_to("stored")([1, 2]), [5, 3])
    assert np.allclose(flat.transform_to("stored").inverse()([5, 3]), [1, 2])
    assert flat.transform_graph().find_shortest_path("stored", "0") is not None


def test_stored_field(flat: Any) -> None:
    """Fields are images, whose vector axis is found by its type."""
    axis = 0
    shifts = np.moveaxis(np.tile([10.0, 20.0], (4, 5, 1)), -1, axis)
    vectors = {"name": "d", "type": "displacement"}
    axes: list[dict[str, Any]] = [axis.to_json() for axis in PLANE]
    axes.insert(axis, vectors)
    group = flat.zgroup.create_group("field")
    group.create_array("0", data=shifts)
    scale = [4.0, 2.0]
    scale.insert(axis, 1.0)
    group.attrs["ome"] = {
        "version": "0.6",
        "multiscales": [
            {
                "coordinateSystems": [{"name": "space", "axes": axes}],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {
                                "type": "scale",
                                "scale": scale,
                                "input": {"path": "0"},
                                "output": {"name": "space"},
                            }
                        ],
                    }
                ],
            }
        ],
    }
    flat.add_coordinate_system("deformed", Displacements(path="field"))
    way = flat.transform_to("deformed")
    assert np.allclose(way([1, 2]), [2 + 10, 1 + 20])
    assert not way.is_affine()
    with pytest.raises(TransformError, match="transform_to"):
        flat.to_xarray(coordinate_system="deformed")
    with pytest.raises(TransformError):
        way.inverse()


def test_graph_is_a_picture(flat: Any) -> None:
    said = flat.transform_graph()._repr_markdown_()
    assert said.startswith("```mermaid\nflowchart")
    assert said.endswith("```")


@pytest.mark.parametrize("kind", ["displacement", "coordinate"])
@pytest.mark.parametrize("last", [False, True])
def test_components_of_a_field_come_first_or_last(flat: Any, kind: str, last: bool) -> None:
    y, x = np.meshgrid(np.arange(4) * 4.0, np.arange(5.0), indexing="ij")
    vectors = np.stack([np.full_like(y, 1.5), np.full_like(x, -2.0)])
    if kind == "coordinate":
        vectors += np.stack([y, x])
    axes = [axis.to_json() for axis in PLANE]
    scale = [4.0, 1.0]
    component = {"name": "d", "type": kind, "discrete": True}
    place = 2 if last else 0
    axes.insert(place, component)
    scale.insert(place, 1.0)
    field = flat.zgroup.create_group("field")
    field.create_array(
        "0", data=np.moveaxis(vectors, 0, place), dimension_names=[axis["name"] for axis in axes]
    )
    level = {
        "path": "0",
        "coordinateTransformations": [
            {
                "type": "scale",
                "scale": scale,
                "input": {"path": "0"},
                "output": {"name": "physical"},
            }
        ],
    }
    system = {"name": "physical", "axes": axes}
    image = {"name": "field", "coordinateSystems": [system], "datasets": [level]}
    field.attrs["ome"] = {"version": "0.6", "multiscales": [image]}
    way = (Displacements if kind == "displacement" else Coordinates)(path="field")
    flat.add_coordinate_system("bent", way)
    assert np.allclose(flat.transform_to("bent")([[1, 2], [2, 4]]), [[3.5, -1], [5.5, 0]])
    # Space and time keep their order.
    axes[(place + 1) % 3], axes[(place + 2) % 3] = axes[(place + 2) % 3], axes[(place + 1) % 3]
    axes[(place + 1) % 3]["type"] = "time"
    flat.zgroup["field"].attrs["ome"] = {
        "version": "0.6",
        "multiscales": [{**image, "coordinateSystems": [{**system, "axes": axes}]}],
    }
    with pytest.raises(DocumentError, match="axes"):
        flat.transform_to("bent")([[1, 2]])


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_quarters_of_a_turn_as_people_compute_them(flat: Any, turn: int) -> None:
    angle = turn * np.pi / 2
    matrix = ((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle)))
    flat.add_coordinate_system("turned", Rotation(rotation=matrix))
    turned = flat.to_xarray(coordinate_system="turned")
    where = flat.transform_to("turned")
    for point in ((0, 0), (3, 7)):
        y, x = where(point)
        assert turned.sel(y=y, x=x, method="nearest") == flat["0"][point]


@pytest.mark.parametrize(
    ("system", "transform"),
    [(3, Identity()), ("", Identity()), (None, Identity()), ("x", 3), ("x", {"type": "identity"})],
)
def test_wrong_arguments(flat: Any, system: Any, transform: Any) -> None:
    before = dict(flat.zattrs)
    with pytest.raises(ArgumentError):
        flat.add_coordinate_system(system, transform)
    assert dict(flat.zattrs) == before


@pytest.mark.parametrize("points", ["abc", [[0, 1], [2]], [[None, object()]]])
def test_wrong_points(flat: Any, points: Any) -> None:
    with pytest.raises(ArgumentError, match="points are numbers"):
        flat.transform_to("physical")(points)


def test_maps_go_to_other_processes(flat: Any) -> None:
    flat.zgroup.create_array("matrix", data=np.array([[2.0, 0, 1], [0, 3, 0]]))
    flat.add_coordinate_system("stored", Affine(path="matrix"))
    way = pickle.loads(pickle.dumps(flat.transform_to("stored")))
    assert np.allclose(way([1, 2]), flat.transform_to("stored")([1, 2]))


def _opened_and_edited(url: str) -> Any:
    node = open_ome_zarr(url, mode="r+")
    for value in (0.25, 0.5):
        node.set_scale("0", "x", value)
        assert node.scale[1] == value
    return node


def test_unknown_transformations(flat: Any) -> None:
    """They are kept, said, and no way leads through them."""
    flat.add_coordinate_system("odd", Identity())
    ome = flat.zattrs["ome"]
    ome["multiscales"][0]["coordinateTransformations"][0]["type"] = "warp9"
    with pytest.warns(MetadataWarning, match="does not know .* 'warp9'") as said:
        again = _opened_and_edited(flat.url)
    assert [str(each.message).partition(": ")[0] for each in said] == [again.url]
    assert [t.type for t in again.transforms][-1] == "warp9"
    with pytest.raises(TransformError, match="does not know the transformation 'warp9'"):
        again.transform_to("odd")
    assert again.transform_to("physical")([1, 1]).tolist() == [2.0, 0.5]
    ome["multiscales"][0]["coordinateTransformations"][0]["type"] = "identity"
