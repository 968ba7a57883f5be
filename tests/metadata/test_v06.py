"""What is particular to OME-Zarr 0.6: systems, transformations, scenes, drafts."""

from __future__ import annotations

import json
import warnings
from contextlib import nullcontext

import pytest

from iohub.errors import DocumentError, MetadataWarning
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.edits_image import (
    add_dataset,
    effective,
    first_image,
    rename_dataset,
    set_axes,
    set_scale,
    set_transforms,
    with_first_image,
)
from iohub.metadata.image import CoordinateSpaceMeta
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.metadata.transform_types import Affine, Scale, Translation
from iohub.metadata.transforms import scale_translation
from iohub.metadata.versions import problems_of, scene_spelling, spelling

NEW = scene_spelling("0.6")
YX = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
ZYX = [{"name": name, "type": "space"} for name in "zyx"]
# Told, and written as it was.
KEPT = {
    "axes-zyx",
    "axis-type-missing",
    "axis-unit-missing",
    "datasets-order",
    "systems-connected",
    "transform-intrinsic",
    "unit-unknown",
}


def system(name, axes=YX):
    return {"name": name, "axes": axes}


def level(path="0", **changes):
    ends = {"input": {"path": path}, "output": {"name": "physical"}}
    transform = {"type": "scale", "scale": [1, 1], **ends, **changes}
    return {"path": path, "coordinateTransformations": [transform]}


def attrs_of(*, version="0.6", systems=(), levels=None, **members):
    image = {
        "coordinateSystems": [system("physical"), *systems],
        "datasets": levels or [level()],
        **members,
    }
    return {"ome": {"version": version, "multiscales": [image]}}


def further(**changes):
    ends = {"input": {"name": "physical"}, "output": {"name": "world"}}
    return {"type": "identity", **ends, **changes}


def with_further(*transforms, axes=YX):
    return attrs_of(systems=[system("world", axes)], coordinateTransformations=list(transforms))


# -- one document for all versions -----------------------------------------------------------


def test_axes_are_those_of_the_system_that_levels_lead_to():
    attrs = attrs_of()
    [image] = attrs["ome"]["multiscales"]
    image["coordinateSystems"].insert(
        0, system("first", [{"name": n, "type": "array"} for n in "ab"])
    )
    image["coordinateTransformations"] = [further(output={"name": "first"})]
    doc = NEW.parse_image(attrs)
    assert first_image(doc).get_axis_names() == ["y", "x"]
    assert first_image(doc).intrinsic_system.name == "physical"
    assert first_image(doc).space.order == ("first", "physical")
    assert NEW.dump_image(doc, attrs) == attrs


@pytest.mark.parametrize("axis", [0, 2, 4])
def test_edits_are_the_same_as_in_earlier_versions(pyramid, axis):
    old = spelling("0.5")
    docs = []
    for known in (old, NEW):
        attrs = known.dump_image(pyramid(), {})
        doc = known.parse_image(json.loads(json.dumps(attrs)))
        doc = set_scale(set_scale(doc, "0", axis, 0.25), "*", axis, 3)
        doc = set_transforms(doc, "2", scale_translation([9] * 5, [1] * 5))
        doc = add_dataset(doc, "3", scale_translation([16] * 5))
        doc = rename_dataset(doc, "1", "half")
        axes = list(first_image(doc).axes)
        axes[4] = axes[4].replace(unit="nanometer")
        doc = set_axes(doc, axes)
        docs.append(known.parse_image(known.dump_image(doc, attrs)))
    before, after = map(first_image, docs)
    assert before.replace(version=None) == after
    for path in ("*", *after.get_dataset_paths()):
        assert effective(docs[0], path) == effective(docs[1], path)
    written = NEW.dump_image(docs[1], {})["ome"]["multiscales"][0]
    assert [s["name"] for s in written["coordinateSystems"]] == ["physical", "world"]
    assert {s["axes"][4]["unit"] for s in written["coordinateSystems"]} == {"nanometer"}
    inputs = [d["coordinateTransformations"][0]["input"]["path"] for d in written["datasets"]]
    assert inputs == [d["path"] for d in written["datasets"]] == ["0", "half", "2", "3"]


def test_edits_keep_what_they_do_not_touch():
    attrs = with_further(
        further(type="affine", affine=[[1, 2, 3], [4, 5, 6]], name="shear", note=1)
    )
    [image] = attrs["ome"]["multiscales"]
    image["coordinateSystems"][0]["note"] = {"a": None}
    image["coordinateSystems"][1]["axes"] = [
        {**axis, "longName": "along", "discrete": False} for axis in YX
    ]
    image["datasets"][0]["coordinateTransformations"][0] |= {
        "name": "to physical", "note": 2, "input": {"path": "0", "note": 3},
    }  # fmt: skip
    doc = NEW.parse_image(attrs)
    assert NEW.dump_image(doc, attrs) == attrs
    edited = NEW.dump_image(set_scale(doc, "0", 1, 5), attrs)
    image["datasets"][0]["coordinateTransformations"][0]["scale"] = [1, 5]
    assert edited == attrs


def test_the_whole_image_leads_to_a_system_of_its_own():
    attrs = with_further(further())
    doc = set_scale(NEW.parse_image(attrs), "*", 0, 7)
    written = NEW.dump_image(doc, attrs)
    names = [s["name"] for s in written["ome"]["multiscales"][0]["coordinateSystems"]]
    assert names == ["physical", "world", "world-2"]
    read = NEW.parse_image(written)
    assert read == doc
    assert effective(read, "*") == ((7, 1), (0, 0))
    assert effective(read, "0") == ((7, 1), (0, 0))
    assert NEW.dump_image(set_transforms(read, "*", None), written) == attrs
    # That of others is a transformation between systems, and none of the pixels.
    foreign = with_further(further(type="scale", scale=[10, 10]))
    assert effective(NEW.parse_image(foreign), "0") == ((1, 1), (0, 0))


def test_earlier_versions_say_what_would_be_lost():
    attrs = with_further(further(type="rotation", rotation=[[0, 1], [-1, 0]], name="turn"))
    doc = NEW.parse_image(attrs)
    for version in ("0.4", "0.5"):
        with pytest.raises(DocumentError) as caught:
            spelling(version).dump_image(doc, {})
        assert [p.code for p in caught.value.problems] == ["inexpressible"] * 2
        assert "'world'" in str(caught.value)
        assert "turn" in str(caught.value)
    plain = NEW.parse_image(attrs_of())
    old = spelling("0.5")
    assert old.parse_image(old.dump_image(plain, {})) == plain


def test_members_named_as_ours_survive_in_earlier_versions():
    old = spelling("0.5")
    attrs = old.dump_image(NEW.parse_image(attrs_of()), {})
    attrs["ome"]["multiscales"][0] |= {"coordinateSystems": 3, "space": 1, "systems": None}
    assert old.dump_image(old.parse_image(attrs), attrs) == attrs


# -- rules ---------------------------------------------------------------------------------------

IMAGE = "/ome/multiscales/0"
SYSTEMS = f"{IMAGE}/coordinateSystems"
LEVEL = f"{IMAGE}/datasets/0/coordinateTransformations/0"
FURTHER = f"{IMAGE}/coordinateTransformations/0"
SHORT = {"type": "scale", "scale": [1]}
SCALE, SHIFT = {"type": "scale", "scale": [1, 1]}, {"type": "translation", "translation": [1, 1]}


def part(inputs, outputs):
    return {"transformation": {"type": "identity"}, "inputAxes": inputs, "outputAxes": outputs}


def sequence(*parts):
    return level(type="sequence", transformations=list(parts))


@pytest.mark.parametrize(
    ("attrs", "code", "where"),
    [
        (attrs_of(systems=[system("physical")]), "systems-unique", f"{SYSTEMS}/1/name"),
        (attrs_of(systems=[system("")]), "type", f"{SYSTEMS}/1/name"),
        (
            attrs_of(systems=[system("a", [*YX, {"name": "c", "type": "channel"}])]),
            "axes-order",
            f"{SYSTEMS}/1/axes",
        ),
        (
            attrs_of(systems=[system("a", [{**YX[0], "discrete": 1}, YX[1]])]),
            "type",
            f"{SYSTEMS}/1/axes/0/discrete",
        ),
        (attrs_of(levels=[level(), level()]), "datasets-unique", f"{IMAGE}/datasets/1/path"),
        (attrs_of(levels=[level("../a")]), "path", f"{IMAGE}/datasets/0/path"),
        (
            attrs_of(levels=[level(output={"name": "none"})]),
            "system-unknown",
            f"{LEVEL}/output/name",
        ),
        (
            attrs_of(levels=[level(output={"name": "physical", "path": "a"})]),
            "output-path",
            f"{LEVEL}/output/path",
        ),
        (attrs_of(levels=[level(input={"name": "0"})]), "input-missing", f"{LEVEL}/input"),
        (
            attrs_of(levels=[level(output={"path": "physical"})]),
            "output-missing",
            f"{LEVEL}/output",
        ),
        (
            attrs_of(levels=[level(type="translation", translation=[1, 1])]),
            "level-transform",
            LEVEL,
        ),
        (attrs_of(levels=[sequence(SCALE, SCALE)]), "level-transform", LEVEL),
        (attrs_of(levels=[sequence(SCALE, SHIFT, SHIFT)]), "level-transform", LEVEL),
        (attrs_of(levels=[sequence()]), "sequence-empty", LEVEL),
        (attrs_of(levels=[level(scale=[1])]), "transform-length", LEVEL),
        (
            attrs_of(
                systems=[system("world")], levels=[level(), level("1", output={"name": "world"})]
            ),
            "intrinsic-unique",
            f"{IMAGE}/datasets/1/coordinateTransformations/0/output",
        ),
        (
            with_further(further(output={"name": "none"})),
            "system-unknown",
            f"{FURTHER}/output/name",
        ),
        (with_further(further(output={"path": "labels/a"})), "missing", f"{FURTHER}/output/name"),
        (with_further(further(input=None)), "missing", f"{FURTHER}/input"),
        (with_further(further(), axes=ZYX), "transform-length", FURTHER),
        (with_further(further(type="scale", scale=["1", 1])), "type", f"{FURTHER}/scale/0"),
        (
            with_further(further(type="affine", affine=[[1, 2], [3, 4]])),
            "transform-length",
            FURTHER,
        ),
        (with_further(further(type="affine", affine=[[1, 2], [3]])), "affine-shape", FURTHER),
        (
            with_further(further(type="affine", affine=[[1, 0, 0], [0, 1, 0]], path="a")),
            "affine-form",
            FURTHER,
        ),
        (with_further(further(type="affine", path="../a")), "path", f"{FURTHER}/path"),
        (
            with_further(further(type="rotation", rotation=[[0, 1], [1, 0]])),
            "rotation-matrix",
            FURTHER,
        ),
        (
            with_further(further(type="rotation", rotation=[[1, 0.1], [0, 1]])),
            "rotation-matrix",
            FURTHER,
        ),
        (with_further(further(type="mapAxis", mapAxis=[0, 2])), "map-axis", FURTHER),
        (
            with_further(further(type="projectAxis", droppedInputs=[2], createdOutputs=[0])),
            "project-axis",
            f"{FURTHER}/droppedInputs/0",
        ),
        (
            with_further(further(type="sequence", transformations=[SCALE, SHORT])),
            "transform-length",
            f"{FURTHER}/transformations/1",
        ),
        (
            with_further(
                further(type="bijection", forward=SCALE, inverse={"type": "scale", "scale": [1]})
            ),
            "transform-length",
            f"{FURTHER}/inverse",
        ),
        (
            with_further(
                further(
                    type="byDimension",
                    transformations=[part([i], [1]) for i in (0, 1)],
                )
            ),
            "by-dimension",
            FURTHER,
        ),
        (
            with_further(
                further(
                    type="byDimension",
                    transformations=[part([0, 1], [0, 2])],
                )
            ),
            "by-dimension",
            f"{FURTHER}/transformations/0/outputAxes",
        ),
        (
            with_further(further(output={"name": "physical", "path": "other/a"})),
            "path",
            f"{FURTHER}/output/path",
        ),
        (
            with_further(
                further(
                    type="rotation",
                    rotation=[[1, 0], [0, 1]],
                    output={"name": "physical", "path": "labels/a"},
                )
            ),
            "label-transform",
            FURTHER,
        ),
    ],
)
def test_what_is_refused(attrs, code, where):
    with pytest.raises(DocumentError) as caught:
        NEW.parse_image(attrs)
    assert (code, where) in [(p.code, p.where) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("attrs", "code"),
    [
        (attrs_of(systems=[system("apart")]), "systems-connected"),
        (
            attrs_of(
                systems=[system("a"), system("b")],
                coordinateTransformations=[
                    further(output={"name": "a"}),
                    further(input={"name": "a"}, output={"name": "b"}),
                ],
            ),
            "transform-intrinsic",
        ),
        (attrs_of(levels=[sequence(SHIFT, SCALE)]), "level-transform-order"),
        (attrs_of(levels=[level(scale=[1, -1])]), "scale-positive"),
        (attrs_of(levels=[level(input={"path": "9"})]), "input-path"),
        (attrs_of(levels=[level(input={"path": "0", "name": "0"})]), "reference-members"),
        (attrs_of(levels=[level("0", scale=[2, 2]), level("1")]), "datasets-order"),
        (attrs_of(axes=YX), "axes-member"),
        (attrs_of(coordinateTransformations=[]), "transforms-empty"),
        (with_further(further(type="spline", knots=[1])), "transform-unknown"),
        (attrs_of(systems=[system("a", [{**YX[0], "unit": "ell"}, YX[1]])]), "unit-unknown"),
        (attrs_of(systems=[system("a", ZYX[1:])]), "axis-unit-missing"),
        (attrs_of(systems=[system("a", [{"name": "c"}, *YX])]), "axis-type-missing"),
        (attrs_of(systems=[system("a", YX[::-1])]), "axes-zyx"),
    ],
)
def test_what_is_read_and_told(attrs, code):
    warned = code == "transform-unknown"
    with pytest.warns(MetadataWarning, match="does not know") if warned else nullcontext():
        doc = NEW.parse_image(attrs)
    assert code in [problem.code for problem in problems_of(attrs, 3)]
    with pytest.raises(DocumentError):
        NEW.parse_image(attrs, strict=True)
    if code == "scale-positive":
        with pytest.raises(DocumentError, match="flip"):
            NEW.dump_image(doc, attrs)
    elif code == "transform-unknown":
        assert NEW.dump_image(doc, attrs) == attrs
    elif code not in KEPT:
        written = NEW.dump_image(doc, attrs)
        assert code not in [problem.code for problem in problems_of(written, 3)]


def test_label_links():
    for end in ("input", "output"):
        attrs = attrs_of(
            coordinateTransformations=[
                further(
                    **{
                        "output": {"name": "physical"},
                        end: {"path": "labels/a/b", "name": "physical"},
                    }
                )
            ]
        )
        assert NEW.dump_image(NEW.parse_image(attrs), attrs) == attrs


def test_null_is_absent():
    absent = {"unit": None, "discrete": None, "longName": None}
    axes = [{"name": n, "type": None if n == "a" else "space", **absent} for n in "ayx"]
    attrs = with_further(further(name=None, input={"name": "physical", "path": None}), axes=axes)
    attrs["ome"]["multiscales"][0]["coordinateTransformations"][0]["type"] = "projectAxis"
    attrs["ome"]["multiscales"][0]["coordinateTransformations"][0]["createdOutputs"] = [0]
    written = NEW.dump_image(NEW.parse_image(attrs), attrs)
    assert "null" not in json.dumps(written)


def test_invalid_spaces_are_not_written(pyramid):
    doc = pyramid(1, ndim=2, names=())
    bad = CoordinateSpaceMeta(
        transforms=[Scale(scale=[1, 1], input={"name": "a"}, output={"name": "b"})]
    )
    with pytest.raises(DocumentError, match="no coordinate system 'a'"):
        NEW.dump_image(with_first_image(doc, coordinate_space=bad), {})


def test_fields_of_a_well():
    attrs = NEW.with_ome({}, {"well": {"images": [{"path": "fov_1.a-b"}]}})
    assert NEW.parse_well(attrs, strict=True).get_image_paths() == ["fov_1.a-b"]
    for bad in ("..", "__x", "", "a/b"):
        with pytest.raises(DocumentError):
            NEW.parse_well(NEW.with_ome({}, {"well": {"images": [{"path": bad}]}}))


# -- scenes --------------------------------------------------------------------------------------


def move(source, target, values=(0, 0)):
    return Translation(translation=values, input=source, output=target)


def test_scenes():
    world = CoordinateSystem.model_validate(system("world"))
    tiles = [move({"path": f"tiles/{i}", "name": "physical"}, {"name": "world"}) for i in (0, 1)]
    doc = SceneMeta(coordinate_systems=[world], coordinate_transformations=tiles)
    attrs = NEW.dump_scene(doc, {"other": 1})
    assert NEW.parse_scene(attrs, strict=True) == doc
    assert doc.get_image_paths() == ["tiles/0", "tiles/1"]
    assert doc.get_system_names() == ["world"]
    assert NEW.dump_scene(None, attrs) == {"other": 1, **NEW.empty_group()}
    bare = SceneMeta(
        coordinate_transformations=[move({"path": "a", "name": "p"}, {"path": "b", "name": "p"})]
    )
    assert "coordinateSystems" not in NEW.dump_scene(bare, {})["ome"]["scene"]
    flat = CoordinateSystem.model_validate(system("world"))
    deep = CoordinateSystem.model_validate(system("physical", ZYX))
    images = {"tiles/0": {"physical": flat}, "tiles/1": {"physical": deep}}
    codes = [(p.code, p.where) for p in check_scene(doc, images).must]
    assert codes == [("transform-length", "/coordinateTransformations/1")]
    images = {"tiles/0": {"other": flat}}
    places = [p.where for p in check_scene(doc, images).must]
    assert places == [f"/coordinateTransformations/{i}/input/name" for i in (0, 1)]


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        ({"coordinateTransformations": []}, "scene-transforms"),
        ({"coordinateTransformations": [further()]}, "system-unknown"),
        ({"coordinateTransformations": [further(input={"path": "a"})]}, "missing"),
        ({"coordinateTransformations": [further(input={"path": "../a", "name": "b"})]}, "path"),
        ({"coordinateTransformations": [{"type": "identity"}]}, "missing"),
    ],
)
def test_scenes_that_are_refused(scene, code):
    scene = {"coordinateSystems": [system("world")], **scene}
    with pytest.raises(DocumentError) as caught:
        NEW.parse_scene(NEW.with_ome({}, {"scene": scene}))
    assert code in [problem.code for problem in caught.value.problems]


def test_scenes_that_hang_apart_are_told():
    doc = SceneMeta(
        coordinate_systems=[system("a"), system("b")],
        coordinate_transformations=[move({"path": "i", "name": "p"}, {"name": "a"})],
    )
    assert [p.code for p in check_scene(doc).should] == ["systems-connected"]


# -- drafts --------------------------------------------------------------------------------------


def draft(version, *, flat=False, snake=False, names=False):
    inputs, outputs = ("input_axes", "output_axes") if snake else ("inputAxes", "outputAxes")
    items = []
    for index, name in enumerate("yx"):
        axes = {inputs: [name if names else index], outputs: [name if names else index]}
        part = {"type": "scale", "scale": [2]}
        items.append({**part, **axes} if flat else {"transformation": part, **axes})
    return attrs_of(
        version=version,
        systems=[system("world")],
        levels=[level(input="0", output="physical")],
        coordinateTransformations=[
            {
                "type": "byDimension",
                "input": "physical",
                "output": "world",
                "transformations": items,
            }
        ],
    )


@pytest.mark.parametrize("version", ["0.6.dev1", "0.6.dev2", "0.6.dev3", "0.6.dev4"])
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({}, "are names instead of objects"),
        ({"flat": True}, "no 'transformation' of their own"),
        ({"snake": True}, "'input_axes'"),
        ({"flat": True, "snake": True, "names": True}, "name axes"),
    ],
)
def test_drafts_are_read_with_a_warning_and_written_as_released(version, shape, words):
    attrs = draft(version, **shape)
    before = json.dumps(attrs)
    with pytest.warns(MetadataWarning, match=rf"{version} is a draft of 0\.6.*{words}"):
        doc = NEW.parse_image(attrs)
    written = NEW.dump_image(doc, attrs)
    assert json.dumps(attrs) == before
    assert written["ome"]["version"] == "0.6"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert NEW.parse_image(written) == doc
    [transform] = first_image(doc).space.transforms
    assert [item.input_axes for item in transform.transformations] == [(0,), (1,)]
    with pytest.raises(DocumentError, match="draft"):
        NEW.parse_image(attrs, strict=True)
    released = {"ome": {**attrs["ome"], "version": "0.6"}}
    with pytest.raises(DocumentError):
        NEW.parse_image(released)


def test_a_draft_of_a_scene():
    scene = {
        "coordinateSystems": [system("world")],
        "coordinateTransformations": [
            {
                "type": "translation",
                "translation": [1, 2],
                "input": "tiles/a/physical",
                "output": "world",
            }
        ],
    }
    attrs = {"ome": {"version": "0.6.dev3", "scene": scene}}
    with pytest.warns(MetadataWarning, match=r"0\.6\.dev3"):
        doc = NEW.parse_scene(attrs)
    [transform] = doc.coordinate_transformations
    assert transform.input.to_json() == {"name": "physical", "path": "tiles/a"}
    assert transform.output.to_json() == {"name": "world"}


def test_numpy_arrays_make_transformations():
    numpy = pytest.importorskip("numpy")
    affine = Affine(affine=numpy.eye(3)[:2])
    assert affine.to_json() == {"type": "affine", "affine": [[1, 0, 0], [0, 1, 0]]}
