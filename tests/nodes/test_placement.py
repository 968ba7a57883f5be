"""Scale and translation: what set_scale, set_transform and the effective values mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iohub import open_ome_zarr
from iohub.errors import AxisError, ShapeError
from iohub.ngff import TransformationMeta


def scale(*values: float) -> TransformationMeta:
    return TransformationMeta(type="scale", scale=values)


def translation(*values: float) -> TransformationMeta:
    return TransformationMeta(type="translation", translation=values)


@pytest.fixture
def node(fov: Any) -> Any:
    fov.set_transform("0", [scale(1, 1, 2, 0.5, 0.25)])
    fov.compute_pyramid(levels=3)
    return fov


def test_set_scale_of_the_whole_sets(node: Any) -> None:
    """The public tool multiplied: asked for 4.0, the effective scale was 8.0."""
    node.set_scale("*", "x", 8.0)
    node.set_scale("*", "x", 4.0)
    assert node.get_effective_scale("*") == [1, 1, 1, 1, 4.0]
    assert node.get_effective_scale("0") == [1, 1, 2, 0.5, 1.0]
    assert node.scale == [1, 1, 2, 0.5, 1.0]
    assert node.get_effective_scale("1")[-1] == 2.0
    assert node.metadata.multiscales[0].datasets[0].coordinate_transformations[0].scale[-1] == 0.25


def test_set_scale_of_the_first_level_keeps_the_proportion(node: Any) -> None:
    """The public tool left lower levels stale."""
    node.set_scale("0", "x", 1.0)
    assert [node.get_effective_scale(i)[-1] for i in "012"] == [1.0, 2.0, 4.0]
    assert [node.get_effective_translation(i)[-1] for i in "012"] == [0.0, 0.5, 1.5]
    assert [node.get_effective_scale(i)[2] for i in "012"] == [2.0, 4.0, 8.0]


def test_set_transform_of_the_first_level_keeps_the_proportion(node: Any) -> None:
    """Lower levels stayed where they were, while label images followed."""
    node.set_transform("0", [scale(1, 1, 2, 4, 1), translation(0, 0, 0, 50, 7)])
    assert [node.get_effective_scale(i)[3] for i in "012"] == [4.0, 8.0, 16.0]
    assert [node.get_effective_translation(i)[3] for i in "012"] == [50.0, 52.0, 56.0]
    assert [node.get_effective_scale(i)[4] for i in "012"] == [1.0, 2.0, 4.0]
    assert [node.get_effective_translation(i)[4] for i in "012"] == [7.0, 7.5, 8.5]
    assert [node.get_effective_scale(i)[2] for i in "012"] == [2.0, 4.0, 8.0]
    noted = node.zattrs["iohub"]["previous_transforms"]
    assert [entry["image"] for entry in noted[-3:]] == ["0", "1", "2"]
    node.set_transform("1", [scale(1, 1, 1, 1, 3)])
    assert [node.get_effective_scale(i)[4] for i in "012"] == [1.0, 3.0, 4.0]


def test_set_scale_of_a_lower_level_is_of_that_one(node: Any) -> None:
    node.set_scale("1", "x", 7.0)
    assert [node.get_effective_scale(i)[-1] for i in "012"] == [0.25, 7.0, 1.0]


def test_effective_translation_obeys_a_scale_applied_after_it(node: Any) -> None:
    """It stayed 10 in the public tool where the specification gives 40."""
    node.set_transform("0", [scale(1, 1, 1, 1, 1), translation(0, 0, 0, 0, 10)])
    node.set_transform("*", [scale(1, 1, 1, 1, 4)])
    assert node.get_effective_translation("0") == [0, 0, 0, 0, 40]
    assert node.get_effective_translation("*") == [0, 0, 0, 0, 0]
    node.set_transform("*", [scale(1, 1, 1, 1, 4), translation(0, 0, 0, 0, 1)])
    assert node.get_effective_translation("0") == [0, 0, 0, 0, 41]
    assert node.translation == [0, 0, 0, 0, 41]


def test_what_was_there_is_recorded(node: Any) -> None:
    node.set_scale("0", "z", 3)
    node.set_scale("*", "y", 2)
    kept = node.zattrs["iohub"]["previous_transforms"]
    of_level_0 = [each["transforms"] for each in kept if each["image"] == "0"]
    assert of_level_0[-1] == [{"type": "scale", "scale": [1, 1, 2, 0.5, 0.25]}]
    assert any(each["image"] == "*" for each in kept)
    count = len(kept)
    node.set_scale("0", "z", 3)
    assert len(node.zattrs["iohub"]["previous_transforms"]) == count


def test_what_is_stored_is_in_the_form_of_the_specification(node: Any) -> None:
    for given_ in (
        [TransformationMeta(type="identity")],
        [translation(1, 2, 3, 4, 5)],
        [translation(1, 2, 3, 4, 5), scale(2, 2, 2, 2, 2)],
        [scale(2, 2, 2, 2, 2), scale(3, 3, 3, 3, 3)],
        [],
    ):
        for image in ("0", "*"):
            node.set_transform(image, given_)
            image_meta = node.metadata.multiscales[0]
            stored = (
                image_meta.datasets[0].coordinate_transformations
                if image == "0"
                else image_meta.coordinate_transformations or ()
            )
            kinds = [each.type for each in stored]
            assert kinds in (["scale"], ["scale", "translation"]) or (image == "*" and not kinds)


numbers = st.floats(0.01, 100)
shifts = st.floats(-100, 100)


@given(
    transforms=st.lists(
        st.one_of(
            st.tuples(numbers, numbers).map(lambda v: scale(1, 1, 1, *v)),
            st.tuples(shifts, shifts).map(lambda v: translation(0, 0, 0, *v)),
        ),
        max_size=4,
    ),
    whole=st.lists(st.tuples(numbers, numbers).map(lambda v: scale(1, 1, 1, *v)), max_size=2),
)
@settings(max_examples=30)
def test_effective_is_the_composition(shared: Any, transforms: list[Any], whole: list[Any]) -> None:
    """One point through each transform in turn is where the effective values put it."""
    shared.set_transform("0", transforms)
    shared.set_transform("*", whole)
    factor, shift = shared.get_effective_scale("0"), shared.get_effective_translation("0")
    for pixel in (0.0, 3.0):
        point = pixel
        for each in (*transforms, *whole):
            point = point * each.scale[-1] if each.scale else point + each.translation[-1]
        assert pixel * factor[-1] + shift[-1] == pytest.approx(point, rel=1e-9, abs=1e-6)


@pytest.fixture(scope="module")
def shared() -> Any:
    node = open_ome_zarr(
        "memory://placement", layout="fov", mode="w", channel_names=["a"], version="0.5"
    )
    node.create_zeros("0", (1, 1, 1, 2, 2), "u1")
    return node


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "a", None])
def test_scales_that_are_none(node: Any, value: Any) -> None:
    before = node.zattrs.asdict()
    for image in ("0", "1", "*"):
        with pytest.raises((ShapeError, ValueError, TypeError)):
            node.set_scale(image, "x", value)
    assert node.zattrs.asdict() == before


def test_refusals(node: Any) -> None:
    before = node.zattrs.asdict()
    with pytest.raises(AxisError, match="no axis 'w'"):
        node.set_scale("0", "w", 1)
    with pytest.raises(ShapeError, match="one value per axis"):
        node.set_transform("0", [scale(1, 1, 1)])
    for call in (
        lambda: node.set_scale("7", "x", 1),
        lambda: node.set_transform("7", []),
        lambda: node.get_effective_scale("7"),
        lambda: node.get_effective_translation("7"),
    ):
        with pytest.raises(KeyError, match=r"no '7' in position .*there are 3: '0', '1', '2'"):
            call()
    assert node.zattrs.asdict() == before


def test_before_the_first_image(empty_plate: Any) -> None:
    position = empty_plate.create_position("A", "1", "0")
    for call in (
        lambda: position.scale,
        lambda: position.set_scale("0", "x", 1),
        lambda: position.set_scale("*", "x", 1),
        lambda: position.get_effective_translation("0"),
    ):
        with pytest.raises(KeyError, match="no image yet"):
            call()


def test_another_handle_sees_it(node: Any) -> None:
    other = open_ome_zarr(node.url)
    assert other.scale[-1] == 0.25
    node.set_scale("0", "x", 0.5)
    assert other.scale[-1] == 0.5
