"""Scenes and coordinate systems of images without data."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import zarr

from iohub.errors import (
    ArgumentError,
    DocumentError,
    LayoutError,
    MetadataWarning,
    NotFoundError,
    ShapeError,
    TransformError,
)
from iohub.models import validate
from iohub.models.v06 import (
    Affine,
    ArraySpec,
    Axis,
    CoordinateSystem,
    CoordinateSystemIdentifier,
    Displacements,
    GroupSpec,
    Identity,
    Image,
    Rotation,
    Scale,
    Scene,
    Sequence,
    Translation,
)
from iohub.transforms.points import apply

POINTS = Path(__file__).parents[1] / "data" / "transform-points"


def system(name, letters="yx"):
    axes = [Axis(name=n, type="space", unit="micrometer") for n in letters]
    return CoordinateSystem(name=name, axes=axes)


def at(name=None, path=None):
    return CoordinateSystemIdentifier(name=name, path=path)


def image(scale=(2, 2), **members):
    given = {
        "array_specs": [ArraySpec.create((8, 8), "uint8")],
        "paths": ["0"],
        "scales": [scale],
        "translations": [None],
        "physical_coord_system": system("physical"),
        "name": "cells",
        **members,
    }
    return Image.new(**given)


def shifted(path, by, **ends):
    ends = {"input": at("physical", path), "output": at("world"), **ends}
    return Translation(translation=by, **ends)


@pytest.fixture
def scene():
    return Scene.new(
        images={"a": image(), "tiles/b": image((4, 4))},
        coord_transforms=[shifted("a", (10, 0)), shifted("tiles/b", (0, 5))],
        coord_systems=[system("world")],
    )


def test_scene(scene, tmp_path):
    assert list(scene.images) == ["a", "tiles/b"]
    assert scene.ome_zarr_version == "0.6"
    assert scene.images["tiles/b"] == image((4, 4))
    path = tmp_path / "s.zarr"
    scene.to_zarr(path)
    assert Scene.from_store(path) == scene
    assert Scene.model_validate_json(scene.model_dump_json()) == scene
    written = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]["scene"]
    assert "null" not in json.dumps(written)


def test_the_graph_leads_through_images(scene):
    graph = scene.transform_graph()
    start, end = (None, "a/0"), (None, "tiles/b/0")
    transform = graph.get_transform(from_sys=start, to_sys=end)
    assert np.allclose(apply(transform, [1.0, 1.0]), [(2 + 10) / 4, (2 - 5) / 4])
    assert len(graph.find_shortest_path(start, end)) == 5


def test_images_beside_those_that_are_named(tmp_path):
    scene = Scene.new(
        images={"a": image(), "b": image()},
        coord_transforms=[shifted("a", (10, 0))],
        coord_systems=[system("world")],
    )
    assert list(scene.images) == ["a", "b"]
    scene.to_zarr(tmp_path / "s.zarr")
    assert list(Scene.from_store(tmp_path / "s.zarr").images) == ["a"]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"images": {}}, NotFoundError),
        ({"coord_transforms": [shifted("b", (1, 1))]}, NotFoundError),
        ({"coord_transforms": []}, DocumentError),
        ({"coord_transforms": [shifted("a", (1, 1, 1))]}, DocumentError),
        ({"coord_transforms": [shifted("a", (1, 1), output=at("nowhere"))]}, DocumentError),
        ({"coord_transforms": [shifted("a", (1, 1), input=at("nowhere", "a"))]}, DocumentError),
        ({"coord_transforms": [shifted("a", (1, 1), input=at(path="a"))]}, DocumentError),
        ({"coord_transforms": [shifted("a", (1, 1), output=None)]}, DocumentError),
        ({"coord_transforms": [shifted("../a", (1, 1))]}, (DocumentError, NotFoundError)),
        ({"coord_systems": [system("world"), system("world")]}, DocumentError),
        ({"coord_systems": [system("world"), system("island")]}, DocumentError),
    ],
)
def test_scenes_that_do_not_fit(members, error):
    given = {
        "images": {"a": image()},
        "coord_transforms": [shifted("a", (1, 1))],
        "coord_systems": [system("world")],
    }
    with pytest.raises(error):
        Scene.new(**{**given, **members})


def test_images_that_are_not_there(scene, tmp_path):
    group = scene.to_zarr(tmp_path / "s.zarr")
    del group["tiles/b"]
    with pytest.raises(NotFoundError, match="tiles/b"):
        Scene.from_zarr(group)
    group.create_array("tiles/b", shape=(3,), dtype="uint8")
    with pytest.raises((LayoutError, NotFoundError), match="tiles/b"):
        Scene.from_zarr(group)


def test_parameters_that_are_stored_are_members(tmp_path):
    scene = Scene.new(
        images={"a": image()},
        coord_transforms=[
            Affine(
                path="coordinateTransformations/m", input=at("physical", "a"), output=at("world")
            ),
            Displacements(
                path="coordinateTransformations/field", input=at("world"), output=at("warped")
            ),
        ],
        coord_systems=[system("world"), system("warped")],
        parameters={
            "coordinateTransformations/m": ArraySpec.create((2, 3), "float64"),
            "coordinateTransformations/field": GroupSpec(),
        },
    )
    group = scene.to_zarr(tmp_path / "s.zarr")
    field = group["coordinateTransformations/field"]
    levels = {"multiscales": [{"datasets": [{"path": "0"}]}]}
    field.attrs.put({"ome": {"version": "0.6", **levels}})
    field.create_array("0", shape=(2, 4, 4), dtype="float32")
    found = Scene.from_zarr(group)
    assert set(found.to_flat()) >= {
        "coordinateTransformations/m",
        "coordinateTransformations/field/0",
        "a/0",
    }
    found.to_zarr(tmp_path / "t.zarr")
    assert Scene.from_store(tmp_path / "t.zarr") == found


def test_parameters_that_are_not_there(tmp_path):
    way = Affine(path="matrix", input=at("physical"), output=at("stage"))
    members = {"coord_transforms": [way], "coord_systems": [system("stage")]}
    with pytest.raises(NotFoundError, match="'matrix'"):
        image(**members)
    matrix = {"matrix": ArraySpec.create((2, 3), "float64")}
    made = image(**members, parameters=matrix)
    group = made.to_zarr(tmp_path / "a.zarr")
    assert Image.from_zarr(group) == made
    assert validate(tmp_path / "a.zarr").errors == ()
    del group["matrix"]  # others write such images; they can be looked at, and validate tells
    assert Image.from_zarr(group).attributes == made.attributes
    assert [found.code for found in validate(tmp_path / "a.zarr").errors] == ["parameters-missing"]
    ends = {"input": at("physical", "a"), "output": at("world")}
    inside = Sequence(transformations=[Identity(), Rotation(path="a/turn")], **ends)
    given = {"coord_transforms": [inside], "coord_systems": [system("world")]}
    with pytest.raises(NotFoundError, match="'a/turn'"):
        Scene.new(images={"a": image()}, **given)
    turn = {"a/turn": ArraySpec.create((2, 2), "float64")}
    scene = Scene.new(images={"a": image()}, **given, parameters=turn)
    assert set(scene.to_flat()) == {"", "a", "a/0", "a/turn"}


def test_pickled(scene):
    for each in (scene, scene.images["a"], scene.attributes):
        again = pickle.loads(pickle.dumps(each))
        assert again == each
        assert type(again) is type(each)


def test_transformations_do_what_they_say():
    shift = Translation(translation=(1, 2), name="shift", input=at("a"), output=at("b"))
    assert shift.has_inverse
    back = shift.get_inverse()
    assert (back.name, back.input, back.output) == ("shift_inverse", at("b"), at("a"))
    assert back.transform_point(shift.transform_point([3, 4])) == (3.0, 4.0)
    assert shift.as_affine().affine == ((1, 0, 1), (0, 1, 2))
    assert Identity().as_affine(2).affine == ((1, 0, 0), (0, 1, 0))
    for transform in (Identity(), Displacements(path="x"), Affine(path="x")):
        with pytest.raises(TransformError):
            transform.as_affine()
    assert not Displacements(path="x").has_inverse
    assert not Scale(scale=(0, 1)).has_inverse
    with pytest.raises(TransformError):
        Scale(scale=(0, 1)).get_inverse()
    with pytest.raises(ShapeError):
        shift.transform_point([1, 2, 3])
    with pytest.raises(ShapeError):
        shift.transform_point([[1, 2]])
    with pytest.raises(ArgumentError):
        shift.transform_point("ab")


def test_ways_of_a_graph_do_what_they_say(scene):
    way = scene.transform_graph().get_transform(from_sys="a/0", to_sys="world")
    assert way.has_inverse
    point = way.transform_point([1, 2])
    assert np.allclose(way.get_inverse().transform_point(point), [1, 2])


def test_a_system_that_is_none():
    with pytest.raises(ArgumentError, match="physical_coord_system"):
        image(physical_coord_system={"name": "physical"})


def test_duplicate_systems_are_one_finding():
    with pytest.raises(DocumentError) as caught:
        image(coord_systems=[system("physical")])
    assert [problem.code for problem in caught.value.problems] == ["systems-unique"]


def test_further_systems_of_an_image(tmp_path):
    turned = Rotation(
        rotation=[[0, -1], [1, 0]], name="turn", input=at("physical"), output=at("stage")
    )
    made = image(coord_transforms=[turned], coord_systems=[system("stage")])
    assert [s.name for s in made.ome_attributes.multiscales[0].coordinate_systems] == [
        "physical",
        "stage",
    ]
    made.to_zarr(tmp_path / "a.zarr")
    assert Image.from_store(tmp_path / "a.zarr") == made
    transform = made.transform_graph().get_transform(from_sys="0", to_sys="stage")
    assert np.allclose(apply(transform, [1.0, 3.0]), [-6, 2])


@pytest.mark.parametrize(
    "members",
    [
        {"coord_systems": [system("physical")]},
        {"coord_systems": [system("island")]},
        {"coord_transforms": [Identity()]},
        {"coord_transforms": [Identity(input=at("physical"), output=at("nowhere"))]},
        {
            "coord_transforms": [
                Scale(scale=(1, 2, 3), input=at("physical"), output=at("stage")),
            ],
            "coord_systems": [system("stage")],
        },
        {
            "coord_transforms": [
                Identity(input=at("physical"), output=at("stage")),
                Identity(input=at("stage"), output=at("other")),
            ],
            "coord_systems": [system("stage"), system("other")],
        },
        {"coord_transforms": [Identity(input=at("physical"), output=at("a", "../b"))]},
        {"physical_coord_system": system("physical", "yy")},
    ],
)
def test_images_that_do_not_fit(members):
    with pytest.raises(DocumentError):
        image(**members)


def test_drafts_are_read_as_what_they_became(scene, tmp_path):
    group = scene.to_zarr(tmp_path / "s.zarr")
    for path, version in (("a", "0.6rc0"), ("tiles/b", "0.6.dev4"), ("", "0.6rc0")):
        each = group[path] if path else group
        each.attrs.put({"ome": {**each.attrs["ome"], "version": version}})
    with pytest.warns(MetadataWarning, match=r"0\.6\.dev4"):
        assert Scene.from_zarr(zarr.open_group(tmp_path / "s.zarr", mode="r")) == scene


@pytest.mark.parametrize(
    "path", sorted(p for p in POINTS.iterdir() if p.is_dir()), ids=lambda p: p.name
)
def test_official_scenes(path, tmp_path):
    scene = Scene.from_store(path)
    scene.to_zarr(tmp_path / "s.zarr")
    assert Scene.from_store(tmp_path / "s.zarr") == scene
