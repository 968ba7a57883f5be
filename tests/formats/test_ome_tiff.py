from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.formats import ome_tiff
from iohub.testing.adapters import AdapterSuite

sys.path.insert(0, str(Path(__file__).parent))
from ome_tiff_files import (
    element,
    image,
    noise,
    ome,
    pixels,
    tiff_data,
    write,
    write_colors,
    write_directories_last,
    write_plain,
    write_plate,
    write_pyramid,
    write_set,
    write_tifffile,
)


class TestOmeTiff(AdapterSuite):
    adapter = ome_tiff
    examples: ClassVar = {
        "tifffile": write_tifffile,
        "plain": write_plain,
        "pyramid": write_pyramid,
        "colors": write_colors,
        "set": write_set,
        "plate": write_plate,
        "directories-last": write_directories_last,
    }


# ---- metadata ---------------------------------------------------------------------------------


def test_channels_and_what_the_microscope_noted(tmp_path: Path) -> None:
    channels = [
        element("Channel", ID="Channel:0:0", Name="GFP", Color=0x00FF00FF, EmissionWavelength=509),
        element(
            "Channel",
            ID="Channel:0:1",
            Color=-16776961,
            Fluor="Cy5",
            ExcitationWavelength=0.64,
            ExcitationWavelengthUnit="µm",
        ),
        element("Channel", ID="Channel:0:2"),
    ]
    planes = [
        element("Plane", TheC=c, TheT=0, TheZ=0, ExposureTime=50 * c, ExposureTimeUnit="ms")
        for c in range(2)
    ]
    increment = {"TimeIncrement": 2, "TimeIncrementUnit": "min"}
    inside = pixels((1, 3, 1, 8, 9), *channels, tiff_data(), *planes, **increment)
    objective = element("Objective", ID="Objective:0:0", Model="Plan Apo", LensNA="1.4")
    scope = element("Microscope", Manufacturer="Zeiss")
    xml = ome(
        element("Instrument", scope, objective, ID="Instrument:0"),
        image(
            0,
            inside,
            element("AcquisitionDate", "2020-01-02T03:04:05"),
            element("Description", "a trial"),
            element("ObjectiveSettings", ID="Objective:0:0"),
            element("StageLabel", Name="here", X=1, Y=2, XUnit="µm", YUnit="nm"),
            name="cells",
        ),
    )
    path = write(tmp_path / "a.ome.tif", noise((3, 8, 9)), xml)
    with open_ome_zarr(path) as position:
        assert position.channel_names == ["GFP", "Cy5", "Channel 2"]
        drawn = position.zattrs["ome"]["omero"]["channels"]
        assert [each["color"] for each in drawn[:2]] == ["00FF00", "FF0000"]
        noted = position.acquisition
        assert noted is not None
        assert (noted.name, noted.source, noted.date) == (
            "cells",
            "ome-tiff",
            "2020-01-02T03:04:05",
        )
        assert noted.time_increment == 120
        assert [each.emission for each in noted.channels] == [509, None, None]
        assert noted.channels[1].excitation == pytest.approx(640)
        assert [each.exposure for each in noted.channels] == [0, 0.05, None]
        assert noted.instrument == {
            "objective": {"ID": "Objective:0:0", "Model": "Plan Apo", "LensNA": 1.4},
            "microscope": {"Manufacturer": "Zeiss"},
        }
        assert noted.summary == {"creator": "tests", "description": "a trial"}
        assert (noted.stage.x, noted.stage.y, noted.stage.unit) == (1, 0.002, "micrometer")
        assert position.frame_metadata[1] == {
            "t": 0,
            "c": 1,
            "z": 0,
            "ExposureTime": 50,
            "ExposureTimeUnit": "ms",
        }


def test_axes_without_a_size_have_no_unit(tmp_path: Path) -> None:
    sizes = {"PhysicalSizeX": 2, "PhysicalSizeXUnit": "pixel", "PhysicalSizeY": 0}
    xml = ome(image(0, pixels((2, 1, 1, 8, 9), tiff_data(), **sizes)))
    with open_ome_zarr(write(tmp_path / "a.ome.tif", noise((2, 8, 9)), xml)) as position:
        assert {axis.name: axis.unit for axis in position.axes} == dict.fromkeys("tczyx")
        assert position.scale == [1, 1, 1, 1, 2]


def test_a_stage_without_unit_says_so(tmp_path: Path) -> None:
    plane = element("Plane", TheC=0, TheT=0, TheZ=0, PositionX=3)
    path = write(
        tmp_path / "a.ome.tif",
        noise((1, 8, 9)),
        ome(image(0, pixels((1, 1, 1, 8, 9), tiff_data(), plane))),
    )
    with open_ome_zarr(path) as position:
        assert (position.stage_position.x, position.stage_position.y) == (3, None)
        assert position.stage_position.unit == "reference frame"


def test_samples_of_several_channels(tmp_path: Path) -> None:
    data = noise((2, 3, 8, 9), "uint8")
    channels = [
        element("Channel", ID=f"Channel:0:{c}", SamplesPerPixel=3, Name=f"stain {c}")
        for c in range(2)
    ]
    data_at = [tiff_data(IFD=1 - c, FirstC=c) for c in range(2)]
    xml = ome(image(0, pixels((1, 6, 1, 8, 9), *channels, *data_at, Type="uint8")))
    path = write(
        tmp_path / "a.ome.tif", data[::-1], xml, photometric="rgb", planarconfig="separate"
    )
    with open_ome_zarr(path) as position:
        np.testing.assert_array_equal(position["0"][0, :, 0], data.reshape(6, 8, 9))
        assert position.channel_names[::4] == ["stain 0 Red", "stain 1 Green"]
        assert position["0"].chunks == (1, 1, 1, 8, 9)


def test_the_xml_itself(tmp_path: Path) -> None:
    for example in (write_tifffile, write_directories_last, write_plate):
        folder = tmp_path / example.__name__
        folder.mkdir()
        with open_ome_zarr(example(folder).path) as node:
            position = next(iter(node.positions()))[1] if example is write_plate else node
            assert node.ome.images[0].pixels.size_x == position["0"].shape[-1]
            assert position.ome_xml == node.ome_xml
            assert node.ome_xml.startswith("<?xml")


def test_letters_in_latin_1(tmp_path: Path) -> None:
    xml = ome(
        image(
            0,
            pixels(
                (1, 1, 1, 8, 9),
                tiff_data(),
                PhysicalSizeX=2,
                PhysicalSizeXUnit="µm",
                PhysicalSizeY=2,
                PhysicalSizeYUnit="µm",
            ),
        )
    )
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise((8, 9)), description=xml.encode("latin-1"), metadata=None)
    with open_ome_zarr(path) as position:
        assert position.axes[-1].unit == "micrometer"
        assert "µm" in position.ome_xml
