from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iohub.errors import AxisError, MissingNodeError, ShapeError
from iohub.metadata.edits_levels import first_image, with_first_image
from iohub.metadata.edits_transforms import effective, own_transforms, set_scale, set_transforms
from iohub.metadata.image import DatasetMeta
from iohub.metadata.transforms import TransformationMeta, is_canonical, scale_translation

values = st.floats(1e-3, 1e3)
same_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_whole_image_comes_after_the_level(pyramid):
    doc = set_transforms(pyramid(), "1", scale_translation([1] * 5, [0, 0, 0, 0, 10]))
    doc = set_transforms(doc, "*", scale_translation([1, 1, 1, 1, 4], [0, 0, 0, 0, 1]))
    assert effective(doc, "1") == ((1, 1, 1, 1, 4), (0, 0, 0, 0, 41))
    assert effective(doc, "*") == ((1, 1, 1, 1, 4), (0, 0, 0, 0, 1))
    assert effective(pyramid(), "*") == ((1,) * 5, (0,) * 5)


def test_transforms_are_written_as_specified(pyramid):
    move = TransformationMeta(type="translation", translation=[1, 0, 0, 0, 0])
    double = TransformationMeta(type="scale", scale=[2] * 5)
    doc = set_transforms(pyramid(), "0", [move, double])
    assert own_transforms(doc, "0") == scale_translation([2] * 5, [2, 0, 0, 0, 0])
    assert own_transforms(set_transforms(doc, "0", []), "0") == scale_translation([1] * 5)
    whole = set_transforms(doc, "*", [double])
    assert first_image(set_transforms(whole, "*", [])).coordinate_transformations is None


@same_fixture
@given(st.integers(0, 4), values, values)
def test_setting_the_whole_sets_and_does_not_multiply(pyramid, axis, first, second):
    doc = set_scale(set_scale(pyramid(), "*", axis, first), "*", axis, second)
    assert effective(doc, "*")[0][axis] == second
    assert effective(doc, "0")[0][axis] == pytest.approx(
        effective(pyramid(), "0")[0][axis] * second
    )


@same_fixture
@given(st.integers(2, 4), values, st.floats(-100, 100))
def test_lower_levels_keep_their_proportion(pyramid, axis, value, origin):
    doc = pyramid(4)
    levels = []
    for level in first_image(doc).datasets:
        scale, shift = effective(doc, level.path)
        moved = scale_translation(scale, [s + origin for s in shift])
        levels.append(DatasetMeta(path=level.path, coordinate_transformations=moved))
    doc = with_first_image(doc, datasets=tuple(levels))
    after = set_scale(doc, "0", axis, value)
    first = effective(after, "0")
    assert first[0][axis] == value
    assert first[1] == effective(doc, "0")[1]
    for n in range(1, 4):
        scale, shift = effective(after, str(n))
        assert scale[axis] == pytest.approx(value * 2**n)
        half_pixel = first[1][axis] + (scale[axis] - value) / 2
        assert shift[axis] == pytest.approx(half_pixel, abs=1e-6 * value)
        for other in set(range(5)) - {axis}:
            assert scale[other] == effective(doc, str(n))[0][other]
            assert shift[other] == effective(doc, str(n))[1][other]


def test_another_level_changes_alone(pyramid):
    doc = set_scale(pyramid(), "1", 4, 7)
    assert effective(doc, "1")[0][4] == 7
    for path in ("0", "2"):
        assert own_transforms(doc, path) == own_transforms(pyramid(), path)


def test_a_scale_of_zero_is_mended(pyramid):
    doc = pyramid(2)
    zero = TransformationMeta(type="scale", scale=[0, 1, 1, 1, 1])
    levels = (d.replace(coordinate_transformations=(zero,)) for d in first_image(doc).datasets)
    mended = set_scale(with_first_image(doc, datasets=tuple(levels)), "0", 0, 10)
    assert [effective(mended, path)[0][0] for path in "01"] == [10, 10]


def test_an_identity_becomes_a_scale(pyramid):
    doc = pyramid(1)
    identity = (TransformationMeta(type="identity"),)
    level = first_image(doc).datasets[0].replace(coordinate_transformations=identity)
    doc = set_scale(with_first_image(doc, datasets=(level,)), "0", 4, 2)
    assert is_canonical(own_transforms(doc, "0"))
    assert effective(doc, "0") == ((1, 1, 1, 1, 2), (0,) * 5)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_bad_scales(pyramid, value):
    for image in ("*", "0"):
        with pytest.raises(ShapeError, match="positive"):
            set_scale(pyramid(), image, 4, value)


def test_refusals(pyramid):
    with pytest.raises(MissingNodeError):
        set_scale(pyramid(), "9", 4, 1)
    with pytest.raises(MissingNodeError):
        effective(pyramid(), "9")
    for axis in (-1, 5):
        with pytest.raises(AxisError):
            set_scale(pyramid(), "0", axis, 1)
    with pytest.raises(ShapeError, match="axes"):
        set_transforms(pyramid(), "*", [TransformationMeta(type="scale", scale=[1])])
