"""Boxes with named axes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import AxisError, ShapeError
from iohub.tiles import PixelSize, Roi, RoiSlice
from iohub.tiles.regions import bulk_union

SIZE = PixelSize(x=0.5, y=0.25, z=2, t=10)
numbers = st.floats(-1e5, 1e5, allow_nan=False)
lengths = st.floats(0, 1e5)


def box(name: str = "a", **slices) -> Roi:
    return Roi.from_values(slices, name)


def test_values() -> None:
    roi = box(y=(1, 2), x=(3, 4), z=5, t=RoiSlice(axis_name="t", start=0))
    assert roi.get("x") == RoiSlice(axis_name="x", start=3, length=4)
    assert roi.edges("x") == (3, 7)
    assert roi.edges("z") == (5, 6)
    assert roi.edges("c") == (0, 1)
    assert roi.get("c") is None
    with pytest.raises(ShapeError, match="no start or no length along 't'"):
        roi.edges("t")


@given(numbers, lengths, numbers, lengths)
def test_there_and_back(y: float, height: float, x: float, width: float) -> None:
    roi = box(y=(y, height), x=(x, width), c=(1, 2))
    back = roi.to_pixel(SIZE).to_world(SIZE)
    for axis in "yxc":
        assert back.edges(axis) == pytest.approx(roi.edges(axis), abs=1e-6)
    assert roi.to_pixel(SIZE).edges("c") == (1, 3)
    assert back.space == "world"


def test_pixels_that_a_box_touches() -> None:
    roi = box(y=(0.25, 0.5), x=(0.6, 1.0), z=(0, 2 * (0.1 + 0.2) / 0.3))
    assert roi.to_slicing_dict(SIZE) == {"y": slice(1, 3), "x": slice(1, 4), "z": slice(0, 1)}
    with pytest.raises(ShapeError, match="pixel_size"):
        roi.to_slicing_dict()
    assert roi.to_pixel(SIZE).to_slicing_dict() == roi.to_slicing_dict(SIZE)


@given(numbers, lengths, numbers, lengths)
def test_union_holds_both(a: float, n: float, b: float, m: float) -> None:
    one, other = box(x=(a, n)), box(x=(b, m))
    low, high = one.union(other).edges("x")
    assert low == min(a, b)
    assert high == pytest.approx(max(a + n, b + m), abs=1e-6)


def test_union_of_many_keeps_the_smallest_original() -> None:
    boxes = [Roi.from_values({"x": (x, 4)}, "a", x_micrometer_original=x) for x in (5.0, -2.0, 7.0)]
    union = bulk_union(boxes, "all")
    assert union.edges("x") == (-2, 11)
    assert (union.name, union.model_extra) == ("all", {"x_micrometer_original": -2.0})


def test_what_does_not_fit_together() -> None:
    with pytest.raises(ShapeError, match="differ"):
        box(x=(0, 1)).union(box(y=(0, 1)))
    with pytest.raises(ShapeError, match="at least one tile"):
        bulk_union([])
    with pytest.raises(AxisError):
        SIZE.get("q", default=None)


def test_change_of_one_slice() -> None:
    roi = box(x=(0, 1), y=(0, 2)).update_slice(RoiSlice(axis_name="x", start=9, length=1))
    assert roi.edges("x") == (9, 10)
    assert roi.edges("y") == (0, 2)
    assert roi.update_slice(RoiSlice(axis_name="z", start=1, length=1)).edges("z") == (1, 2)


def test_json_of_the_public_package() -> None:
    text = (
        '{"name":"F0","slices":[{"axis_name":"x","start":10.0,"length":32.0}],"label":null,'
        '"space":"world","x_micrometer_original":10.0}'
    )
    roi = Roi.model_validate_json(text)
    assert roi.model_extra == {"x_micrometer_original": 10.0}
    assert roi.model_dump_json() == text
