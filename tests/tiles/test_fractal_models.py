"""What the two Fractal tasks are given."""

import importlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from iohub.tiles import (
    AcquisitionOptions,
    ChannelInfo,
    ConverterOptions,
    ConvertParallelInitArgs,
    PixelSizeModel,
    converters_tools_models,
)
from tests.tiles.making import acquired


def test_options_take_the_place_of_what_files_say() -> None:
    details = acquired(pixelsize=0.1, pixelsize_y=0.2)
    options = AcquisitionOptions(
        channels=[ChannelInfo(channel_label="a")],
        pixel_info={"xy_pixel_size": 0.5, "z_spacing": 2, "t_spacing": 3},
        axes="zyx",
        data_type="float32",
        condition_table_path="c.csv",
        stage_orientation={"flip_x": True},
    )
    found = options.update_acquisition_details(acquisition_details=details)
    assert [found.spacing(axis) for axis in "tzyx"] == [3, 2, 0.5, 0.5]
    assert found.axes == ["z", "y", "x"]
    assert (found.data_type, found.condition_table_path) == ("float32", "c.csv")
    assert found.stage_corrections.flip_x
    assert found.channels == options.channels
    assert details == acquired(pixelsize=0.1, pixelsize_y=0.2)


def test_options_that_say_nothing_change_nothing() -> None:
    details = acquired(stage_corrections={"swap_xy": True})
    assert AcquisitionOptions().update_acquisition_details(details) == details
    auto = AcquisitionOptions(data_type="autodetect")
    assert auto.update_acquisition_details(details) == details


@pytest.mark.parametrize(
    ("axes", "said"), [("cxq", "Invalid axis 'q'"), ("xy", "canonical order"), ("yyx", "once")]
)
def test_axes_that_are_none(axes: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AcquisitionOptions(axes=axes).to_axes_list()
    assert AcquisitionOptions(axes="czyx").to_axes_list() == ["c", "z", "y", "x"]
    assert AcquisitionOptions().to_axes_list() is None


def test_filters_by_name() -> None:
    options = AcquisitionOptions(filters=[{"name": "Well Filter", "wells": ["A01"]}])
    assert options.filters[0].wells == ["A01"]


def test_one_of_two_payloads() -> None:
    options = ConverterOptions()
    for given in ({"tiled_image_json_dump_url": "u"}, {"tiled_image_json_str": "{}"}):
        args = ConvertParallelInitArgs(converter_options=options, **given)
        assert ConvertParallelInitArgs.model_validate_json(args.model_dump_json()) == args
    for wrong in ({}, {"tiled_image_json_dump_url": "u", "tiled_image_json_str": "{}"}):
        with pytest.raises(ValidationError, match="exactly one"):
            ConvertParallelInitArgs(converter_options=options, **wrong)


def test_sizes() -> None:
    assert PixelSizeModel(pixelsize=1, z_spacing=2, t_spacing=3).xy_pixel_size == 1
    with pytest.raises(ValidationError):
        PixelSizeModel(pixelsize=0, z_spacing=2, t_spacing=3)


def test_models_are_where_fractal_is_told() -> None:
    found = converters_tools_models()
    assert {"AcquisitionOptions", "ConverterOptions", "ChannelInfo"} <= {each[2] for each in found}
    for base, file, name in found:
        assert base == "iohub"
        module = importlib.import_module(
            "iohub." + str(Path(file).with_suffix("")).replace("/", ".")
        )
        assert getattr(module, name).__name__ == name
    assert converters_tools_models("x")[0][0] == "x"
