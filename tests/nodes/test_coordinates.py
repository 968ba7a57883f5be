"""Coordinate systems of an image, ways to them, and labelled arrays in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import DocumentError, ExistsError, MissingNodeError, TransformError
from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import (
    Affine,
    Displacements,
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
