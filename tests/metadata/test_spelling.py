"""What is written validates against the official schemas, and is read back as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from iohub.errors import DocumentError
from iohub.metadata.edits_channels import insert_channels, new_omero, set_color
from iohub.metadata.edits_levels import add_dataset, first_image, with_first_image
from iohub.metadata.edits_plate import add_acquisition, add_fields, add_wells, new_plate
from iohub.metadata.edits_transforms import set_scale
from iohub.metadata.image import DatasetMeta
from iohub.metadata.labels import ImageLabelMeta, LabelsMeta
from iohub.metadata.plate import AcquisitionMeta, PlateMeta, WellGroupMeta
from iohub.metadata.transforms import TransformationMeta
from iohub.metadata.versions import VERSIONS, problems_of, spelling

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
LOADED = {path: json.loads(path.read_text()) for path in SCHEMAS.glob("*/*.schema")}
REGISTRY = Registry().with_resources(
    (schema["$id"], DRAFT202012.create_resource(schema)) for schema in LOADED.values()
)
every = pytest.mark.parametrize("version", VERSIONS)
with_axes = pytest.mark.parametrize("version", ["0.4", "0.5"])


def assert_valid(attrs, version, name):
    attrs = json.loads(json.dumps(attrs))
    if version == "0.6":  # the schemas are those of the release candidate, of the same shape
        attrs["ome"]["version"] = "0.6rc0"
    schema = LOADED[SCHEMAS / version / f"{name}.schema"]
    validator = Draft202012Validator(schema, registry=REGISTRY)
    assert [error.message for error in validator.iter_errors(attrs)] == []


@every
@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("levels", [1, 3])
def test_images(pyramid, version, ndim, levels):
    known = spelling(version)
    doc = pyramid(levels, ndim=ndim, names=("DAPI", "GFP") if ndim > 3 else ("DAPI",))
    doc = set_scale(doc, "*", 0, 3)
    doc = with_first_image(doc, type="mean", metadata={"method": "iohub"})
    written = known.dump_image(doc, {"other": [1]})
    assert_valid(written, version, "image")
    assert_valid(written, version, "strict_image")
    assert written["other"] == [1]
    read = known.parse_image(json.loads(json.dumps(written)), strict=True)
    assert known.dump_image(read, written) == written
    assert first_image(read).replace(version=None) == first_image(doc)
    assert read.omero == doc.omero


@every
def test_plates(version):
    known = spelling(version)
    wells = [(row, column, None, None) for row in "AB" for column in "123"]
    doc = add_wells(new_plate("p"), wells)
    doc = add_acquisition(doc, AcquisitionMeta(id=0, name="a", maximum_field_count=2))
    written = known.dump_plate(doc, {"other": 1})
    assert_valid(written, version, "strict_plate")
    assert known.parse_plate(written, strict=True).replace(version=None) == doc
    assert written["other"] == 1


@every
def test_an_empty_plate_is_read_back(version):
    known = spelling(version)
    written = known.dump_plate(new_plate(), {})
    assert known.ome(written)["plate"]["wells"] == []
    assert known.parse_plate(written).wells == ()
    with pytest.raises(DocumentError, match="at least one"):
        known.parse_plate(written, strict=True)


@every
def test_wells(version):
    known = spelling(version)
    doc = add_fields(None, [("0", 0), ("1", 0)])
    written = known.dump_well(doc, {})
    assert_valid(written, version, "strict_well")
    assert known.parse_well(written, strict=True).images == doc.images
    emptied = known.dump_well(WellGroupMeta(), written)
    assert emptied == known.empty_group()


@every
def test_labels(pyramid, version):
    known = spelling(version)
    written = known.dump_labels(LabelsMeta(labels=("nuclei", "a/b")), {"x": 1})
    assert known.parse_labels(written).labels == ("nuclei", "a/b")
    assert known.ome(written)["labels"] == ["nuclei", "a/b"]
    label = ImageLabelMeta(
        colors=[{"label-value": 1, "rgba": [0, 1, 2, 3]}],
        properties=[{"label-value": 1, "class": "cell"}],
        source={"image": "../../"},
    )
    image = known.dump_image(pyramid(1).replace(image_label=label, omero=None), {})
    assert_valid(image, version, "strict_label")
    read = known.parse_image(image).image_label
    assert read.replace(version=None) == label
    assert read.properties[0].to_json() == {"label-value": 1, "class": "cell"}
    assert known.parse_image_label(image) == read


def test_where_the_version_is(pyramid):
    old, new = spelling("0.4"), spelling("0.5")
    doc = pyramid(1)
    attrs = old.dump_image(doc, {})
    assert attrs["multiscales"][0]["version"] == "0.4"
    assert "version" not in attrs["omero"]
    moved = new.dump_image(old.parse_image(attrs), {"ome": {"version": "0.5"}})
    assert "version" not in moved["ome"]["multiscales"][0]
    assert next(iter(moved["ome"])) == "version"
    omero = doc.omero.replace(version="0.5-dev")
    assert old.dump_image(doc.replace(omero=omero), {})["omero"]["version"] == "0.4"
    assert "version" not in new.dump_image(doc.replace(omero=omero), {})["ome"]["omero"]


def test_empty_groups():
    assert spelling("0.4").empty_group() == {}
    assert spelling("0.5").empty_group() == {"ome": {"version": "0.5"}}
    assert spelling("0.5").empty_group({"a": 1}) == {"a": 1, "ome": {"version": "0.5"}}


@every
def test_dumping_does_not_touch_what_it_is_given(pyramid, version):
    known = spelling(version)
    attrs = known.dump_image(pyramid(), {"x": {"y": 1}})
    before = json.dumps(attrs)
    known.dump_image(set_color(insert_channels(pyramid(), 0, ["z"]), 0, "red"), attrs)
    known.dump_image(None, attrs)
    assert json.dumps(attrs) == before


@every
def test_taking_the_image_away(pyramid, version):
    known = spelling(version)
    attrs = known.dump_image(pyramid(), {"x": 1})
    assert known.dump_image(None, attrs) == {"x": 1, **known.empty_group()}
    assert not known.has(known.dump_image(None, attrs), "multiscales")


@every
def test_unknown_members_survive(pyramid, version):
    known = spelling(version)
    attrs = known.dump_image(pyramid(), {"x": {"y": None}})
    holder = known.ome(attrs)
    holder["@id"] = "top"
    holder["multiscales"][0]["note"] = {"deep": [1, {"a": None}]}
    image = holder["multiscales"][0]
    axes = image["axes"] if "axes" in image else image["coordinateSystems"][0]["axes"]
    axes[0]["orientation"] = {"value": "left"}
    holder["multiscales"][0]["datasets"][0]["checksum"] = 7
    holder["omero"]["channels"][0]["lut"] = "fire"
    holder["omero"]["rdefs"]["extra"] = 1
    assert known.dump_image(known.parse_image(attrs), attrs) == attrs


@with_axes
def test_imperfect_images_are_read(version):
    known = spelling(version)
    axes = [{"name": n, "type": "space", "unit": u} for n, u in (("Y", "lightyear"), ("X", None))]
    image = {
        "name": None,
        "axes": axes,
        "coordinateTransformations": [],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "identity"}]}],
    }
    omero = {"channels": [{"label": "a", "color": "#123"}, {"window": None}], "rdefs": None}
    attrs = known.with_ome({}, {"multiscales": [image], "omero": omero})
    doc = known.parse_image(attrs)
    assert len(doc.omero.channels) == 2
    codes = {problem.code for problem in problems_of(attrs, known.zarr_format)}
    assert {"unit-unknown", "transform-form", "channel-color", "channel-window"} <= codes
    with pytest.raises(DocumentError):
        known.parse_image(attrs, strict=True)
    written = known.ome(known.dump_image(doc, attrs))["multiscales"][0]
    assert written["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 1.0]}
    ]
    assert "coordinateTransformations" not in written


def test_a_missing_version_is_no_reason_to_refuse(pyramid):
    known = spelling("0.5")
    attrs = known.dump_image(pyramid(), {})
    del attrs["ome"]["version"]
    assert known.parse_image(attrs)
    assert "version-missing" in {problem.code for problem in problems_of(attrs, 3)}


@with_axes
def test_all_problems_come_together(version):
    known = spelling(version)
    level = {"path": "../0", "coordinateTransformations": [{"type": "scale", "scale": [1]}]}
    axes = [{"name": n, "type": "space"} for n in "xx"]
    attrs = known.with_ome({}, {"multiscales": [{"axes": axes, "datasets": [level, level]}]})
    with pytest.raises(DocumentError) as caught:
        known.parse_image(attrs)
    codes = [problem.code for problem in caught.value.problems]
    assert sorted(set(codes)) == ["axes-unique", "datasets-unique", "path", "transform-length"]
    prefix = "" if version == "0.4" else "/ome"
    assert all(p.where.startswith(f"{prefix}/multiscales/0/") for p in caught.value.problems)


@every
def test_invalid_documents_are_not_written(pyramid, version):
    known = spelling(version)
    level = DatasetMeta(
        path="0", coordinate_transformations=[TransformationMeta(type="scale", scale=[1])]
    )
    with pytest.raises(DocumentError):
        known.dump_image(with_first_image(pyramid(), datasets=(level,)), {})
    row = {"name": "A"}
    well = {"path": "A/1", "row_index": 1, "column_index": 0}
    with pytest.raises(DocumentError):
        known.dump_plate(PlateMeta(rows=[row], columns=[{"name": "1"}], wells=[well]), {})
    with pytest.raises(DocumentError):
        known.dump_labels(LabelsMeta(labels=("../x",)), {})


def plate_attrs(known, **changes):
    members = {
        "rows": [{"name": "A"}, {"name": "B"}],
        "columns": [{"name": "1"}, {"name": "2"}],
        "wells": [{"path": "A/2", "rowIndex": 0, "columnIndex": 1}],
        **changes,
    }
    return known.with_ome({}, {"plate": members})


@every
@pytest.mark.parametrize(
    "changes",
    [
        {"rows": [{"name": "A"}, {"name": "A"}]},
        {"wells": [{"path": "A/2", "rowIndex": 0, "columnIndex": 1}] * 2},
        {"wells": [{"path": "A/3", "rowIndex": 0, "columnIndex": 1}]},
        {"wells": [{"path": "A/2", "rowIndex": -1, "columnIndex": 1}]},
        {"wells": [{"path": "A/2", "rowIndex": True, "columnIndex": 1}]},
        {"wells": [{"path": "A/2", "rowIndex": 0}]},
        {"acquisitions": [{"id": 0}, {"id": 0}]},
        {"rows": None},
        {"wells": {}},
        {"field_count": 0},
    ],
)
def test_ambiguous_plates_are_refused(version, changes):
    known = spelling(version)
    assert known.parse_plate(plate_attrs(known)).get_well_paths() == ["A/2"]
    with pytest.raises(DocumentError):
        known.parse_plate(plate_attrs(known, **changes))


def test_exchanged_indexes():
    exchanged = {"wells": [{"path": "A/2", "rowIndex": 1, "columnIndex": 0}]}
    old = spelling("0.4")
    well = old.parse_plate(plate_attrs(old, **exchanged)).wells[0]
    assert (well.row_index, well.column_index) == (0, 1)
    for version, strict in (("0.4", True), ("0.5", False)):
        known = spelling(version)
        with pytest.raises(DocumentError, match=r"rowIndex"):
            known.parse_plate(plate_attrs(known, **exchanged), strict=strict)


@every
def test_missing_documents(version):
    known = spelling(version)
    for parse in (known.parse_image, known.parse_plate, known.parse_well, known.parse_labels):
        with pytest.raises(DocumentError, match="required and missing"):
            parse({})


def test_the_key_must_hold_an_object():
    with pytest.raises(DocumentError, match="must be an object"):
        spelling("0.5").parse_image({"ome": "text"})


@with_axes
def test_a_well_field_of_a_later_version_is_read(version):
    known = spelling(version)
    attrs = known.with_ome({}, {"well": {"images": [{"path": "fov_1"}]}})
    assert known.parse_well(attrs).get_image_paths() == ["fov_1"]
    assert "field-name" in {p.code for p in problems_of(attrs, known.zarr_format)}
    for bad in ("..", "", "a/b", "."):
        with pytest.raises(DocumentError):
            known.parse_well(known.with_ome({}, {"well": {"images": [{"path": bad}]}}))


def test_omero_of_a_new_image():
    doc = add_dataset(None, "0", shape=(2, 2), channel_names=["a"], dtype="uint8")
    assert doc.omero == new_omero(["a"], first_image(doc).axes, dtype="uint8", shape=(2, 2))
