"""Edits of what is said of label images, and of the series in a group."""

from __future__ import annotations

from typing import Any

import pytest

from iohub.errors import DocumentError, ExistsError, MissingNodeError, PathError
from iohub.metadata import edits_labels, series, versions
from iohub.metadata.axes import axes_for
from iohub.metadata.coordinate_systems import SystemReference
from iohub.metadata.image import CoordinateSpaceMeta, DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.labels import LabelColorMeta, LabelPropertyMeta, LabelsMeta
from iohub.metadata.transform_types import Identity
from iohub.metadata.transforms import scale_translation


def image(**more: Any) -> ImageMeta:
    level = DatasetMeta(path="0", coordinate_transformations=tuple(scale_translation([1, 1], None)))
    return ImageMeta(multiscales=(MultiScaleMeta(axes=axes_for(2), datasets=(level,), **more),))


def test_the_list_keeps_its_order() -> None:
    doc = edits_labels.add_label(None, "a")
    doc = edits_labels.add_label(edits_labels.add_label(doc, "b/0"), "c")
    assert edits_labels.add_label(doc, "a") == doc
    assert edits_labels.rename_label(doc, "b/0", "b").labels == ("a", "b", "c")
    assert edits_labels.remove_label(doc, "a").labels == ("b/0", "c")
    assert edits_labels.remove_label(doc, "x") == doc
    assert doc.labels == ("a", "b/0", "c")


def test_paths_that_are_taken() -> None:
    doc = LabelsMeta(labels=("a", "b/0"))
    for path in ("a", "a/1", "b"):
        with pytest.raises(ExistsError):
            edits_labels.check_label_path(path, doc.labels)
    for path in ("..", "a/../b", "/a", "x/.zattrs", "c\\d"):
        with pytest.raises(PathError):
            edits_labels.check_label_path(path)
    with pytest.raises(MissingNodeError):
        edits_labels.rename_label(doc, "c", "d")
    with pytest.raises(ExistsError):
        edits_labels.rename_label(doc, "a", "b/0")
    assert edits_labels.rename_label(doc, "a", "a/1").labels == ("a/1", "b/0")


def test_what_is_said_of_labels() -> None:
    doc = edits_labels.set_colors(image(), [LabelColorMeta(label_value=1)])
    doc = edits_labels.set_properties(doc, [LabelPropertyMeta(label_value=1)])
    doc = edits_labels.set_source(doc, "../../")
    label = doc.image_label
    assert label is not None
    assert label.to_json() == {
        "colors": [{"label-value": 1}],
        "properties": [{"label-value": 1}],
        "source": {"image": "../../"},
    }
    empty = edits_labels.set_source(
        edits_labels.set_properties(edits_labels.set_colors(doc, []), []), None
    )
    assert edits_labels.label_of(empty).to_json() == {}


def test_the_way_to_the_image() -> None:
    assert edits_labels.way_up("cells") == "../../"
    assert edits_labels.way_up("by/hand/0") == "../../../../"


def test_links_follow_a_label() -> None:
    intrinsic = SystemReference(name="physical")
    link = Identity(input=intrinsic, output=SystemReference(name="physical", path="labels/a"))
    other = Identity(input=intrinsic, output=SystemReference(name="physical", path="labels/ab"))
    space = CoordinateSpaceMeta(intrinsic="physical", transforms=(link, other))
    doc = image(coordinate_space=space)

    def paths(doc: ImageMeta) -> list[str | None]:
        return [t.output.path for t in doc.multiscales[0].space.transforms if t.output]

    assert paths(edits_labels.moved_links(doc, "a", "b/0")) == ["labels/b/0", "labels/ab"]
    assert paths(edits_labels.moved_links(doc, "a", None)) == ["labels/ab"]
    assert edits_labels.moved_links(doc, "c", "d") is doc


@pytest.mark.parametrize("version", versions.VERSIONS)
def test_series_in_every_version(version: str) -> None:
    spelling = versions.spelling(version)
    root = series.write_layout(spelling, spelling.empty_group({"note": 1}))
    assert root["note"] == 1
    assert versions.kind(root, spelling.zarr_format) == "bioformats2raw"
    series.check_layout(spelling, root)
    attrs = series.write_series(spelling, spelling.empty_group(), ["b", "a/0"])
    assert series.read_series(spelling, attrs) == ("b", "a/0")
    assert series.read_series(spelling, spelling.empty_group()) is None
    assert series.read_series(spelling, {"series": ["x"]}) == ("x",)


@pytest.mark.parametrize("listed", ["a", [1], ["a", "a"], ["../a"], ["", "/b"]])
def test_series_that_are_wrong(listed: Any) -> None:
    spelling = versions.spelling("0.5")
    with pytest.raises(DocumentError, match="/ome/series"):
        series.read_series(spelling, {"ome": {"series": listed}})


def test_layouts_that_are_wrong() -> None:
    spelling = versions.spelling("0.5")
    for layout in (4, "3", True):
        with pytest.raises(DocumentError, match="must be 3"):
            series.check_layout(spelling, {"ome": {"bioformats2raw.layout": layout}})


def test_series_paths_that_are_taken() -> None:
    for path in ("a", "a/b", "OME", "OME/x", "c"):
        with pytest.raises(ExistsError):
            series.check_series_path(path, ["a", "c/d"])
    assert series.check_series_path("b", ["a"]) == "b"
