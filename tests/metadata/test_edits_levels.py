from __future__ import annotations

import pytest

from iohub.errors import (
    AxisError,
    ChannelError,
    ExistsError,
    MissingNodeError,
    PathError,
    ShapeError,
)
from iohub.metadata.axes import AxisMeta, SpaceAxisMeta, axes_for, default_axes
from iohub.metadata.edits_channels import channel_names
from iohub.metadata.edits_levels import (
    add_dataset,
    channel_axis,
    first_image,
    remove_dataset,
    remove_datasets,
    rename_dataset,
    set_axes,
    set_method,
    set_name,
)
from iohub.metadata.transforms import TransformationMeta, scale_translation


def paths(doc):
    return first_image(doc).get_dataset_paths()


def test_a_first_level_makes_an_image():
    doc = add_dataset(
        None,
        "0",
        axes=default_axes(),
        channel_names=["DAPI", "GFP"],
        dtype="uint8",
        name="cells",
        shape=(3, 2, 11, 64, 64),
    )
    image = first_image(doc)
    assert image.name == "cells"
    assert image.get_axis_names() == list("tczyx")
    assert image.datasets[0].coordinate_transformations == scale_translation([1] * 5)
    assert channel_names(doc) == ["DAPI", "GFP"]
    assert doc.omero.rdefs.default_z == 5
    assert doc.omero.channels[1].window["end"] == 255


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_axes_follow_the_shape(ndim):
    doc = add_dataset(None, "0", shape=(2,) * ndim)
    assert first_image(doc).axes == axes_for(ndim)
    assert doc.omero is None


def test_an_image_without_channel_axis_has_one_channel():
    doc = add_dataset(None, "0", axes=axes_for(3), channel_names=["DAPI"], shape=(2, 2, 2))
    assert channel_names(doc, 1) == ["DAPI"]
    assert channel_axis(doc) is None
    with pytest.raises(ChannelError):
        add_dataset(None, "0", axes=axes_for(3), channel_names=["DAPI", "GFP"])


def test_levels_are_ordered_by_pixel_size(pyramid):
    doc = add_dataset(pyramid(3), "between", scale_translation([1, 1, 0.6, 0.6, 0.6]))
    assert paths(doc) == ["0", "between", "1", "2"]
    equal = add_dataset(add_dataset(None, "b", shape=(2, 2)), "a")
    assert paths(equal) == ["b", "a"]


def test_sizes_have_the_last_word_on_the_order(pyramid):
    doc, sizes = pyramid(3), [(1, 2, 8, 32, 32), (1, 2, 4, 16, 16), (1, 2, 2, 8, 8)]
    crop = add_dataset(doc, "crop", shape=(1, 2, 8, 16, 16), shapes=sizes)
    assert paths(crop) == ["0", "crop", "1", "2"]
    fine = add_dataset(
        doc, "x", scale_translation([1, 1, 0.1, 0.1, 0.1]), shape=(1, 2, 1, 4, 4), shapes=sizes
    )
    assert paths(fine) == ["0", "1", "2", "x"]
    whole = add_dataset(doc, "whole", shape=(1, 2, 9, 64, 64), shapes=sizes)
    assert paths(whole) == ["whole", "0", "1", "2"]
    unknown = add_dataset(doc, "crop", shape=(1, 2, 8, 16, 16), shapes=[None, None, None])
    assert paths(unknown)[0] == "0"
    smaller = add_dataset(doc, "0", shape=(1, 2, 4, 9, 9), shapes=sizes, replace=True)
    assert paths(smaller) == ["1", "0", "2"]


def test_a_level_can_be_replaced_at_its_place():
    doc = add_dataset(add_dataset(None, "0", shape=(2, 2)), "1")
    with pytest.raises(ExistsError):
        add_dataset(doc, "0")
    replaced = add_dataset(doc, "0", scale_translation([2, 2]), replace=True)
    assert paths(replaced) == ["0", "1"]


def test_refusals(pyramid):
    doc = pyramid()
    with pytest.raises(PathError):
        add_dataset(doc, "../3")
    with pytest.raises(AxisError, match="t, c, z, y, x"):
        add_dataset(doc, "3", axes=axes_for(4))
    with pytest.raises(ShapeError):
        add_dataset(doc, "3", shape=(2, 2))
    with pytest.raises(ShapeError):
        add_dataset(doc, "3", [TransformationMeta(type="scale", scale=[1, 1])])
    with pytest.raises(ShapeError):
        add_dataset(doc, "3", [TransformationMeta(type="scale", scale=[0, 1, 1, 1, 1])])
    with pytest.raises(AxisError):
        add_dataset(None, "0", axes=[AxisMeta(name="x", type="space")])
    with pytest.raises(ChannelError, match="3 channel"):
        add_dataset(None, "0", channel_names=["a", "b", "c"], shape=(1, 2, 1, 1, 1))
    with pytest.raises(ChannelError, match="already"):
        add_dataset(None, "0", channel_names=["a", "a"])
    with pytest.raises(ChannelError, match="list"):
        add_dataset(None, "0", channel_names="DAPI")


def test_removing(pyramid):
    doc = pyramid()
    assert paths(remove_dataset(doc, "1")) == ["0", "2"]
    assert paths(doc) == ["0", "1", "2"]
    with pytest.raises(MissingNodeError, match="no '7'"):
        remove_dataset(doc, "7")
    single = pyramid(1)
    assert remove_dataset(single, "0") is None
    again = add_dataset(remove_dataset(single, "0", keep_last=True), "raw")
    assert paths(again) == ["raw"]
    assert channel_names(again) == ["DAPI", "GFP"]


def test_removing_several_leaves_one(pyramid):
    assert paths(remove_datasets(pyramid(), ["2", "1"])) == ["0"]
    assert paths(remove_datasets(pyramid(), ["0", "1", "2"])) == ["2"]


def test_renaming(pyramid):
    assert paths(rename_dataset(pyramid(), "1", "half")) == ["0", "half", "2"]
    assert rename_dataset(pyramid(), "1", "1") == pyramid()
    with pytest.raises(ExistsError):
        rename_dataset(pyramid(), "1", "2")
    with pytest.raises(PathError):
        rename_dataset(pyramid(), "1", "/1")


def test_describing(pyramid):
    doc = set_method(set_name(pyramid(), "other"), "mean", {"by": ["iohub"]})
    image = first_image(doc).to_json()
    assert (image["name"], image["type"], image["metadata"]) == ("other", "mean", {"by": ["iohub"]})
    axes = (*default_axes()[:2], *(SpaceAxisMeta(name=n, unit="nanometer") for n in "zyx"))
    assert first_image(set_axes(doc, axes)).axes == axes
    with pytest.raises(AxisError, match="5 axes, not 2"):
        set_axes(doc, axes_for(2))
