"""Groups without data, in every version: made, written, read back, and what is refused."""

from __future__ import annotations

import json
import pickle
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from iohub.errors import (
    ArgumentError,
    AxisError,
    DocumentError,
    DTypeError,
    ExistsError,
    LayoutError,
    MetadataWarning,
    MissingNodeError,
    NotFoundError,
    PathError,
    ShapeError,
    VersionError,
    WellGroupNotFoundError,
)
from iohub.models.arrays import ArraySpec
from iohub.models.groups import GroupSpec
from iohub.ngff import open_ome_zarr
from iohub.testing.counting import CountingBytes

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
FORMATS = {"0.4": 2, "0.5": 3, "0.6": 3}


@pytest.fixture(params=list(FORMATS))
def version(request) -> str:
    return request.param


@pytest.fixture
def models(version) -> Any:
    return import_module(f"iohub.models.v{version.replace('.', '')}")


@pytest.fixture
def level_members(models, version):
    """Make the arguments of an image of two levels."""

    def make(letters="zyx", *, levels=2, dtype="uint16", **changes):
        kinds = {"t": ("time", "second"), "c": ("channel", None)}
        axes = [
            models.Axis(name=n, type=kinds.get(n, ("space", "micrometer"))[0], unit=None)
            for n in letters
        ]
        count = len(letters)
        members = {
            "array_specs": [
                models.ArraySpec.create([max(8 >> i, 1)] * count, dtype) for i in range(levels)
            ],
            "paths": [str(i) for i in range(levels)],
            "scales": [[2.0**i] * count for i in range(levels)],
            "translations": [[(2.0**i - 1) / 2] * count if i else None for i in range(levels)],
            "name": "cells",
        }
        if version == "0.6":
            system = models.CoordinateSystem(name="physical", axes=axes)
            members["physical_coord_system"] = system
        else:
            members["axes"] = axes
        return {**members, **changes}

    return make


@pytest.fixture
def image(models, level_members):
    return models.Image.new(**level_members())


@pytest.fixture
def label(models, level_members):
    colors = [{"label-value": 1, "rgba": [255, 0, 0, 255]}]
    return models.ImageLabel.new(
        **level_members(), image_label=models.ImageLabelMeta(colors=colors)
    )


def documents(path):
    """Attributes of every group in a directory, by path."""
    found = {}
    for name in ("zarr.json", ".zattrs"):
        for file in path.rglob(name):
            document = json.loads(file.read_text())
            if document.get("node_type", "group") == "group":
                attrs = document if name == ".zattrs" else document["attributes"]
                found[file.parent.relative_to(path).as_posix()] = attrs
    return found


def schema_errors(attrs, version):
    names = {"multiscales": "image", "plate": "plate", "well": "well", "scene": "scene"}
    names |= {"bioformats2raw.layout": "bf2raw"}
    schemas = {p.stem: json.loads(p.read_text()) for p in (SCHEMAS / version).glob("*.schema")}
    registry = Registry().with_resources(
        (schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas.values()
    )
    ome = attrs.get("ome", attrs)
    if version == "0.6":  # the schemas here are those of the candidate
        attrs = {**attrs, "ome": {**ome, "version": "0.6rc0"}}
    wanted = [names[m] for m in names if m in ome and names[m] in schemas]
    wanted += ["label"] * ("image-label" in ome)
    assert "null" not in json.dumps(attrs)
    return [
        error.message
        for name in wanted
        for error in Draft202012Validator(schemas[name], registry=registry).iter_errors(attrs)
    ]


def check_round_trip(model, path, version):
    group = model.to_zarr(path)
    assert isinstance(group, zarr.Group)
    assert group.metadata.zarr_format == FORMATS[version]
    assert type(model).from_zarr(group) == model
    assert type(model).from_store(path) == model
    assert type(model).model_validate(model.model_dump()) == model
    assert type(model).model_validate_json(model.model_dump_json()) == model
    for place, attrs in documents(path).items():
        assert schema_errors(attrs, version) == [], place
    assert not list(path.rglob("0/c")), "no pixels are written"


# -- making and writing ----------------------------------------------------------------------


@pytest.mark.parametrize("letters", ["yx", "zyx", "cyx", "tzyx", "tczyx"])
def test_image(models, level_members, version, tmp_path, letters):
    image = models.Image.new(**level_members(letters))
    assert image.ome_zarr_version == version
    assert image.zarr_format == FORMATS[version]
    assert image.node_type == "group"
    assert list(image.members) == ["0", "1"]
    assert [[d.path for d in levels] for levels in image.datasets] == [["0", "1"]]
    assert image.labels is None
    assert image.ome_attributes.multiscales[0].name == "cells"
    assert repr(image) == f"Image({version!r}, members=['0', '1'])"
    check_round_trip(image, tmp_path / "a.zarr", version)


def test_pixels_go_into_what_was_written(image, tmp_path, version):
    group = image.to_zarr(tmp_path / "a.zarr")
    group["0"][:] = 7
    with open_ome_zarr(tmp_path / "a.zarr") as position:
        assert np.all(position["0"][:] == 7)
        assert position.version == version


def test_an_image_that_the_nodes_wrote(models, version, tmp_path):
    path = tmp_path / "a.zarr"
    with open_ome_zarr(path, "fov", "w-", channel_names=["a"], version=version) as position:
        position.create_zeros("0", (1, 1, 4, 8, 8), "uint8")
        position.initialize_pyramid(2)
        attrs = json.loads(json.dumps(dict(position.zattrs)))
    image = models.Image.from_store(path)
    assert image.attributes.to_json() == attrs
    assert len(image.datasets[0]) == 2
    assert image.ome_attributes.omero.channels[0].label == "a"


def test_nested_paths(models, level_members, version, tmp_path):
    image = models.Image.new(**level_members(paths=["scale/0", "scale/1"]))
    assert list(image.members) == ["scale"]
    assert image.member("scale/1").shape == (4, 4, 4)
    assert set(image.to_flat()) == {"", "scale", "scale/0", "scale/1"}
    check_round_trip(image, tmp_path / "a.zarr", version)


def test_labels(models, image, label, level_members, version, tmp_path):
    labels = models.Labels.new(labels={"nuclei": label, "original/0": label})
    assert labels.label_paths == ["nuclei", "original/0"]
    assert labels.get_image_labels_group("original/0") == label
    with pytest.raises(MissingNodeError, match="nuclei"):
        labels.get_image_labels_group("nucleus")
    whole = models.Image.new(**level_members(), labels=labels)
    assert whole.labels == labels
    check_round_trip(whole, tmp_path / "a.zarr", version)
    check_round_trip(labels, tmp_path / "b.zarr", version)
    check_round_trip(label, tmp_path / "c.zarr", version)


def test_plate(models, image, version, tmp_path):
    well = models.Well.new(images={"0": image, "1": image}, acquisitions={"0": 1, "1": 1})
    assert (well.n_images, list(well.images), well.get_image(-1)) == (2, ["0", "1"], image)
    runs = [models.AcquisitionMeta(id=1, name="run")]
    plate = models.HCS.new(wells={"A/1": well, "B/12": well}, name="screen", acquisitions=runs)
    assert plate.n_wells == 2
    assert list(plate.well_groups) == [well, well]
    assert plate.get_well_group(-1) == well
    with pytest.raises(IndexError):
        plate.get_well_group(2)
    for wrong in ("A/1", 1.0, None, True):
        with pytest.raises(ArgumentError, match="number of a well"):
            plate.get_well_group(wrong)
    assert pickle.loads(pickle.dumps(plate)) == plate
    assert plate.ome_attributes.plate.field_count == 2
    check_round_trip(plate, tmp_path / "p.zarr", version)
    with open_ome_zarr(tmp_path / "p.zarr") as node:
        assert [name for name, _ in node.positions()] == ["A/1/0", "A/1/1", "B/12/0", "B/12/1"]


def test_series(models, image, version, tmp_path):
    whole = models.BioFormats2Raw.new(images={"second": image, "first/0": image})
    assert whole.image_paths == ["second", "first/0"]
    assert whole.images == {"second": image, "first/0": image}
    check_round_trip(whole, tmp_path / "b.zarr", version)


def test_the_graph_of_an_image(image):
    graph = image.transform_graph()
    transform = graph.get_transform(from_sys="1", to_sys="0")
    assert [part.type for part in transform.transformations] == ["scale", "translation", "scale"]
    assert "physical" in graph.to_mermaid()


# -- reading ---------------------------------------------------------------------------------


def test_nothing_is_listed_and_each_document_is_read_once(models, label, level_members, tmp_path):
    labels = models.Labels.new(labels={"nuclei": label})
    image = models.Image.new(**level_members(), labels=labels)
    well = models.Well.new(images={"0": image, "1": image})
    plate = models.HCS.new(wells={"A/1": well, "B/1": well})
    path = tmp_path / "p.zarr"
    plate.to_zarr(path)
    store = CountingBytes(path, read_only=True)
    assert models.HCS.from_store(store) == plate
    kinds = [operation.kind for operation in store.operations]
    assert "list" not in kinds
    keys = [operation.key for operation in store.operations if operation.kind == "get"]
    assert len(keys) <= len(set(keys)) + 2  # the root is opened before it is read


def test_until_all_is_there_it_is_a_plain_group(models, image, tmp_path):
    path = tmp_path / "p.zarr"
    store = CountingBytes(path)
    models.HCS.new(wells={"A/1": models.Well.new(images={"0": image})}).to_zarr(store)
    written = [operation.key for operation in store.operations if operation.kind == "set"]
    name = "zarr.json" if image.zarr_format == 3 else ".zattrs"
    assert written[-1] == name
    assert models.HCS.from_store(path).n_wells == 1


def test_stores_of_zarr(models, image, version):
    store = zarr.storage.MemoryStore()
    image.to_zarr(store, "deep/down")
    assert models.Image.from_store(store, "deep/down") == image
    assert models.Image.from_zarr(zarr.open_group(store, path="deep/down", mode="r")) == image
    assert isinstance(zarr.open_group(store, mode="r")["deep"], zarr.Group)


def test_series_without_an_order_are_numbered(models, image, tmp_path):
    path = tmp_path / "b.zarr"
    whole = models.BioFormats2Raw.new(images={str(i): image for i in range(18)})
    plain = GroupSpec(zarr_format=image.zarr_format, members={str(i): image for i in range(18)})
    group = plain.to_zarr(path)
    group.attrs.update(whole.written_attributes())
    found = models.BioFormats2Raw.from_store(path)
    assert found.image_paths == [str(i) for i in range(18)]


def test_a_plate_takes_precedence_over_series(models, image, tmp_path):
    path = tmp_path / "b.zarr"
    plate = models.HCS.new(wells={"A/1": models.Well.new(images={"0": image})})
    attrs = plate.written_attributes()
    (attrs.get("ome") or attrs)["bioformats2raw.layout"] = 3
    group = plate.to_zarr(path)
    group.attrs.put(attrs)
    found = models.BioFormats2Raw.from_store(path)
    assert found.image_paths == ["A/1/0"]
    assert found.images == {"A/1/0": image}
    assert models.BioFormats2Raw.model_validate(found.model_dump()) == found


def test_wells_that_have_no_group(models, image, tmp_path):
    well = models.Well.new(images={"0": image})
    plate = models.HCS.new(wells={"A/1": well, "A/2": well, "B/1": well})
    group = plate.to_zarr(tmp_path / "p.zarr")
    del group["A/2"], group["B"]
    found = models.HCS.from_zarr(group)
    assert (found.n_wells, list(found.well_groups)) == (3, [well])
    assert list(found.members) == ["A"]
    for index in (1, 2):
        with pytest.raises(WellGroupNotFoundError):
            found.get_well_group(index)


def test_fields_of_view_that_have_no_group(models, image, tmp_path):
    group = models.Well.new(images={"0": image, "1": image}).to_zarr(tmp_path / "w.zarr")
    del group["1"]
    with pytest.warns(MetadataWarning, match=r"w\.zarr lists what is not there: 1"):
        found = models.Well.from_zarr(group)
    assert (found.n_images, found.image_paths) == (2, ["0"])


def test_foreign_members_are_kept_and_foreign_nodes_are_not(models, image, tmp_path):
    group = image.to_zarr(tmp_path / "a.zarr")
    attrs = json.loads(json.dumps(dict(group.attrs)))
    attrs["mine"] = {"a": [1, None]}
    (attrs.get("ome") or attrs)["multiscales"][0]["orientation"] = {"type": "anatomical"}
    group.attrs.put(attrs)
    group.create_group("beside")
    found = models.Image.from_zarr(group)
    assert found.attributes.to_json() == attrs
    assert "beside" not in found.members
    found.to_zarr(tmp_path / "b.zarr")
    assert dict(zarr.open_group(tmp_path / "b.zarr").attrs) == attrs


def test_labels_without_a_list_are_left_out(models, image, tmp_path):
    group = image.to_zarr(tmp_path / "a.zarr")
    group.create_group("labels")
    with pytest.warns(MetadataWarning, match="labels"):
        assert models.Image.from_zarr(group).labels is None


# -- refusals --------------------------------------------------------------------------------


def test_levels_must_be_arrays_of_the_axes(models, image, tmp_path):
    group = image.to_zarr(tmp_path / "a.zarr")
    del group["1"]
    with pytest.raises(LayoutError, match="'1', where there is nothing"):
        models.Image.from_zarr(group)
    group.create_group("1")
    with pytest.raises(LayoutError, match="'1', where there is"):
        models.Image.from_zarr(group)
    del group["1"]
    group.create_array("1", shape=(4, 4), dtype="uint16")
    with pytest.raises(LayoutError, match="2 dimensions and the image 3 axes"):
        models.Image.from_zarr(group)
    with pytest.raises(ValueError, match="where there is nothing"):
        models.Image(attributes=image.attributes, members={"0": image.members["0"]})


def test_another_kind_or_version(models, image, version, tmp_path):
    path = tmp_path / "a.zarr"
    image.to_zarr(path)
    for kind in (models.Well, models.HCS, models.Labels, models.BioFormats2Raw):
        with pytest.raises(DocumentError):
            kind.from_store(path)
    for other in FORMATS.keys() - {version}:
        with pytest.raises(VersionError):
            import_module(f"iohub.models.v{other.replace('.', '')}").Image.from_store(path)
    with pytest.raises(NotFoundError):
        models.Image.from_store(tmp_path / "b.zarr")


def test_problems_name_the_document(models, image, tmp_path):
    well = models.Well.new(images={"0": image})
    group = models.HCS.new(wells={"A/1": well}).to_zarr(tmp_path / "p.zarr")
    attrs = json.loads(json.dumps(dict(group["A/1/0"].attrs)))
    scene = (attrs.get("ome") or attrs)["multiscales"][0]
    scene["datasets"] = []
    group["A/1/0"].attrs.put(attrs)
    with pytest.raises(DocumentError, match=r"p.zarr/A/1/0") as caught:
        models.HCS.from_zarr(group)
    assert "datasets" in str(caught.value)


def test_labels_must_fit(models, level_members, label, tmp_path):
    with pytest.raises(LayoutError, match="integers"):
        models.ImageLabel.new(**level_members(dtype="float32"))
    labels = models.Labels.new(labels={"nuclei": label})
    with pytest.raises(LayoutError, match="2 levels and its image 3"):
        models.Image.new(**level_members(levels=3), labels=labels)
    floats = models.Image.new(**level_members(dtype="float32"))
    members = {"a": GroupSpec(attributes=floats.attributes.to_json(), members=floats.members)}
    with pytest.raises(ValueError, match="integers"):
        models.Labels(attributes=labels.attributes, members={"nuclei": members["a"]})
    with pytest.raises(ValueError, match="where there is nothing"):
        models.Labels(attributes=labels.attributes)


def test_acquisitions_must_be_those_of_the_plate(models, image):
    well = models.Well.new(images={"0": image}, acquisitions={"0": 2})
    with pytest.raises(DocumentError, match="found 2"):
        models.HCS.new(wells={"A/1": well}, acquisitions=[models.AcquisitionMeta(id=1)])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"paths": ["0"]}, ShapeError),
        ({"scales": [[1, 1, 1], [2, 2]]}, ShapeError),
        ({"translations": [None, [1]]}, ShapeError),
        ({"scales": [[2, 2, 2], [1, 1, 1]]}, ShapeError),
        ({"scales": [[1, 1, 1], [2, 2, 0]]}, ShapeError),
        ({"paths": ["0", "0"]}, ExistsError),
        ({"paths": ["0", "../1"]}, PathError),
        ({"array_specs": [], "paths": [], "scales": [], "translations": []}, ShapeError),
    ],
)
def test_levels_that_do_not_fit(models, level_members, changes, error):
    with pytest.raises(error):
        models.Image.new(**level_members(**changes))


def test_arrays_that_do_not_fit(models, level_members, version):
    spec = models.ArraySpec.create
    for specs, error in (
        ([spec((8, 8, 8), "uint8"), spec((4, 4, 4), "uint16")], DTypeError),
        ([spec((4, 4, 4), "uint8"), spec((8, 8, 8), "uint8")], ShapeError),
        ([spec((8, 8), "uint8"), spec((4, 4), "uint8")], ShapeError),
    ):
        with pytest.raises(error):
            models.Image.new(**level_members(array_specs=specs))
    other = ArraySpec.create((8, 8, 8), "uint8", zarr_format=5 - FORMATS[version])
    with pytest.raises(VersionError):
        models.Image.new(**level_members(array_specs=[other, other]))
    if version != "0.4":
        names = spec((8, 8, 8), "uint8", dimension_names=["a", "b", "c"])
        with pytest.raises(ShapeError, match="dimension names"):
            models.Image.new(**level_members(array_specs=[names, names]))


def test_dimension_names_are_those_of_the_axes(image, version):
    names = getattr(image.members["0"], "dimension_names", None)
    assert names == (None if version == "0.4" else ("z", "y", "x"))


def test_nothing_is_overwritten_unless_asked(image, label, tmp_path, models):
    path = tmp_path / "a.zarr"
    image.to_zarr(path)
    with pytest.raises(ExistsError, match="overwrite"):
        label.to_zarr(path)
    label.to_zarr(path, overwrite=True)
    assert models.ImageLabel.from_store(path) == label
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(ExistsError, match="no Zarr metadata"):
        image.to_zarr(tmp_path / "mine", overwrite=True)


def test_axes_that_no_image_may_have(models, level_members, version):
    with pytest.raises((AxisError, DocumentError)):
        models.Image.new(**level_members("xyt"))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_whole_image_transformations(models, level_members, version, tmp_path):
    image = models.Image.new(**level_members(), global_scale=[1, 2, 3])
    whole = image.ome_attributes.multiscales[0].coordinate_transformations
    assert [part.type for part in whole] == ["scale"]
    check_round_trip(image, tmp_path / "a.zarr", version)


def test_models_cannot_be_changed(image):
    with pytest.raises(ValueError, match="frozen"):
        image.members = {}
    with pytest.raises(TypeError):
        image.members["2"] = image.members["0"]


def test_reading_is_silent(models, image, tmp_path):
    image.to_zarr(tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.Image.from_store(tmp_path / "a.zarr")


def test_names_of_the_page(models, version):
    names = ["BioFormats2Raw", "HCS", "Image", "ImageLabel", "Labels", "Well"]
    names += ["Scene"] if version == "0.6" else []
    members = {
        "BioFormats2Raw": ["image_paths", "images"],
        "HCS": ["n_wells", "well_groups", "get_well_group"],
        "Image": ["datasets", "labels", "new", "transform_graph"],
        "Labels": ["label_paths", "get_image_labels_group"],
        "Scene": ["images", "new", "transform_graph"],
    }
    for name in names:
        kind = getattr(models, name)
        assert list(kind.model_fields) == ["zarr_format", "node_type", "attributes", "members"]
        for member in ["from_zarr", "ome_attributes", "ome_zarr_version", *members.get(name, [])]:
            assert hasattr(kind, member), (name, member)
    assert set(models.__all__) <= set(dir(models))
