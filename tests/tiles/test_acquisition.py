"""What is fixed about an acquisition."""

import pytest
from pydantic import ValidationError

from iohub.tiles import AcquisitionDetails, DataTypeEnum, default_axes_builder


def test_later_names_are_the_same_fields() -> None:
    first = AcquisitionDetails(
        pixelsize=0.5, start_x_coo="pixel", length_t_coo="world", stage_corrections={"flip_x": True}
    )
    later = AcquisitionDetails(
        xy_pixel_size=0.5,
        start_x_space="pixel",
        length_t_space="world",
        stage_orientation={"flip_x": True},
    )
    assert first == later
    assert (first.xy_pixel_size, first.start_x_space, later.length_t_coo) == (0.5, "pixel", "world")
    first.xy_pixel_size = 2
    assert first.pixelsize == 2


def test_spacing_by_axis() -> None:
    details = AcquisitionDetails(pixelsize=0.5, pixelsize_y=0.6, z_spacing=2, t_spacing=9)
    assert [details.spacing(axis) for axis in "tczyx"] == [9, 1, 2, 0.6, 0.5]
    assert AcquisitionDetails(pixelsize=0.5).spacing("y") == 0.5


def test_axes() -> None:
    assert default_axes_builder(True) == ["t", "c", "z", "y", "x"]
    assert default_axes_builder(is_time_series=False) == ["c", "z", "y", "x"]
    assert AcquisitionDetails().axes == ["t", "c", "z", "y", "x"]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (["x", "y"], "Axes must be in canonical order"),
        (["y", "x", "x"], "Axes must be in canonical order"),
        (["c", "z"], "y"),
        (["x"], "at least 2"),
        (["q", "y", "x"], "'t', 'c'"),
    ],
)
def test_axes_out_of_order(axes: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AcquisitionDetails(axes=axes)


@pytest.mark.parametrize(
    "values",
    [
        {"pixelsize": 0},
        {"z_spacing": -1},
        {"t_spacing": float("inf")},
        {"pixel_size": 1},
        {"data_type": "complex"},
    ],
)
def test_bad_values_are_refused(values: dict) -> None:
    with pytest.raises(ValidationError):
        AcquisitionDetails(**values)


def test_data_types_beyond_the_page() -> None:
    assert AcquisitionDetails(data_type="float32").data_type is DataTypeEnum.FLOAT32
    assert AcquisitionDetails(data_type="autodetect").data_type is DataTypeEnum.AUTODETECT
