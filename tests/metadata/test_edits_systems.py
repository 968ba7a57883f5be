"""Coordinate systems come and go with the transformations that lead to them."""

from __future__ import annotations

import pytest

from iohub.errors import DocumentError, ExistsError, MissingNodeError, TransformError
from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.edits_systems import add_system, remove_system
from iohub.metadata.image import DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.transform_types import Identity, Translation
from iohub.metadata.transforms import scale_translation

AXES = tuple(AxisMeta(name=name, type="space") for name in "yx")
LEVEL = DatasetMeta(path="0", coordinate_transformations=scale_translation([1, 1]))
DOC = ImageMeta(multiscales=(MultiScaleMeta(axes=AXES, datasets=(LEVEL,)),))


def system(name: str) -> CoordinateSystem:
    return CoordinateSystem(name=name, axes=AXES)


def test_added_and_removed() -> None:
    one = add_system(DOC, system("a"), Translation(translation=(1.0, 2.0)))
    two = add_system(one, system("b"), Identity())
    space = two.multiscales[0].space
    assert [s.name for s in space.systems] == ["a", "b"]
    ends = [(t.input.name, t.output.name) for t in space.transforms if t.input and t.output]
    assert ends == [("physical", "a"), ("physical", "b")]
    assert remove_system(two, "b") == one
    assert remove_system(one, "a") == DOC


def test_refused() -> None:
    one = add_system(DOC, system("a"), Identity())
    with pytest.raises(ExistsError):
        add_system(one, system("a"), Identity())
    with pytest.raises(ExistsError):
        add_system(one, system("physical"), Identity())
    with pytest.raises(MissingNodeError):
        remove_system(one, "c")
    with pytest.raises(TransformError):
        remove_system(one, "physical")


def test_what_leads_through_another_system_keeps_its_way() -> None:
    """Others write chains; a system in the middle of one cannot go."""
    one = add_system(DOC, system("a"), Identity())
    image = one.multiscales[0]
    way = Identity(input=SystemReference(name="a"), output=SystemReference(name="b"))
    space = image.space.replace(
        systems=(*image.space.systems, system("b")), transforms=(*image.space.transforms, way)
    )
    chained = one.replace(multiscales=(image.replace(coordinate_space=space),))
    with pytest.raises(DocumentError, match="'b'"):
        remove_system(chained, "a")
    assert remove_system(chained, "b") == one
    # What is wrong already is no reason to refuse something else.
    assert add_system(chained, system("c"), Identity())


def test_the_system_of_the_whole_image_is_taken() -> None:
    whole = DOC.multiscales[0].replace(coordinate_transformations=scale_translation([2, 2]))
    doc = DOC.replace(multiscales=(whole,))
    with pytest.raises(ExistsError, match="'world'"):
        add_system(doc, system("world"), Identity())
    with pytest.raises(TransformError, match="set_transform"):
        remove_system(doc, "world")
