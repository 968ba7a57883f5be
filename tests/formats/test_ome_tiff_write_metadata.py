"""Metadata of OME-TIFFs that we write, as ome-types and our own reader see them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.formats.images import Channel
from iohub.formats.ome_tiff_write import write_ome_tiff
from tests.formats.images_to_write import WELLS, described, image, noise, schema_problems


def test_metadata_is_what_ome_has_places_for(tmp_path):
    ome_types = pytest.importorskip("ome_types")
    write_ome_tiff([described()], tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.ome_metadata.isascii()
        assert schema_problems(file.ome_metadata) == []
        assert file.pages[0].tags["ResolutionUnit"].value == 3
        across, each = file.pages[0].tags["XResolution"].value
        assert across / each == pytest.approx(40_000)
    ome = ome_types.from_tiff(tmp_path / "a.ome.tif")
    made = ome.images[0]
    pixels = made.pixels
    assert made.acquisition_date.isoformat() == "2024-05-01T10:00:00"
    assert (pixels.physical_size_x, pixels.physical_size_x_unit.value) == (0.25, "µm")
    assert (pixels.physical_size_z, pixels.physical_size_z_unit.value) == (0.75, "nm")
    assert (pixels.time_increment, pixels.time_increment_unit.value) == (2.5, "min")
    first, second = pixels.channels
    assert (first.name, first.excitation_wavelength, first.emission_wavelength) == (
        "GFP", 488, 510.5,
    )  # fmt: skip
    assert first.color.as_rgb_tuple() == (255, 128, 0)
    assert second.name == "DAPI"
    assert (made.stage_label.x, made.stage_label.y, made.stage_label.z) == (1.5, -2, 3)
    assert len(pixels.planes) == 30
    assert {plane.the_t: plane.delta_t for plane in pixels.planes} == {0: 0.5, 1: 1.5, 2: 2.5}


def test_all_metadata_come_back(tmp_path):
    source = described()
    write_ome_tiff([source], tmp_path / "a.ome.tif")
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        assert position.scale == [2.5, 1, 0.75, 0.5, 0.25]
        assert position.translation == [0, 0, 0, 0, 3]
        assert [axis.unit for axis in position.axes] == [
            "minute", None, "nanometer", "micrometer", "micrometer",
        ]  # fmt: skip
        assert position.channel_names == ["GFP", "DAPI"]
        shown = position.metadata.omero.channels
        assert [channel.color for channel in shown] == ["FF8000", "0000FF"]
        assert shown[0].window == {"start": 1, "end": 2, "min": 0, "max": 9}
        found, before = position.acquisition, source.acquisition
        # XML cannot have the letter 0, JSON can.
        for name in ("name", "source", "date", "stage", "instrument", "missing", "summary"):
            assert getattr(found, name) == getattr(before, name), name
        assert found.channels == before.channels
        assert position.frame_metadata == source.frames()


def test_what_is_known_of_the_image_is_said_of_the_first_planes_only_in_xml(tmp_path):
    ome_types = pytest.importorskip("ome_types")
    source = replace(described(), frames=None)
    write_ome_tiff([source], tmp_path / "a.ome.tif")
    planes = ome_types.from_tiff(tmp_path / "a.ome.tif").images[0].pixels.planes
    assert [(p.the_c, p.position_x, p.exposure_time) for p in planes] == [
        (0, 1.5, 0.1),
        (1, 1.5, None),
    ]
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        assert position.frame_metadata == []
        assert position.stage_position == source.acquisition.stage


def test_what_others_changed_in_the_xml_holds(tmp_path):
    write_ome_tiff([described()], tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        xml = file.ome_metadata
    changed = xml.replace('PhysicalSizeX="0.25"', 'PhysicalSizeX="0.5"').replace('X="1.5"', 'X="9"')
    tifffile.tiffcomment(tmp_path / "a.ome.tif", changed)
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        assert position.scale[-1] == 0.5
        assert position.stage_position.x == 9
        assert position.acquisition.source == "a microscope"


@pytest.mark.parametrize(
    "noted",
    ["no JSON", "[]", '{"windows": [1], "scale": 3, "units": [], "acquisition": {"name": 1}}'],
)
def test_damaged_notes_of_ours_are_passed_over(tmp_path, noted):
    write_ome_tiff([described()], tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        head, rest = file.ome_metadata.split("<Value>")
        xml = f"{head}<Value>{noted}</Value>{rest.split('</Value>')[1]}"
    tifffile.tiffcomment(tmp_path / "a.ome.tif", xml)
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        np.testing.assert_array_equal(position["0"][:], noise())
        assert position.acquisition.source == "ome-tiff"


@pytest.mark.parametrize(
    ("units", "scale"),
    [({"x": None, "t": None}, {"t": 4.0}), ({"x": "furlong"}, {}), ({}, {"x": 1e-30, "t": 1.0})],
)
def test_units_that_ome_does_not_have_come_back(tmp_path, units, scale):
    write_ome_tiff([image(units=units, scale=scale)], tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert schema_problems(file.ome_metadata) == []
    with open_ome_zarr(tmp_path / "a.ome.tif") as position:
        for axis, size in zip(position.axes, position.scale, strict=True):
            assert size == scale.get(axis.name, 1.0)
            if axis.name in units:
                assert axis.unit == units[axis.name]


def test_wells_make_a_plate(tmp_path):
    images = [described(name=f"f{i}", well=well) for i, well in enumerate(WELLS)]
    write_ome_tiff(images, tmp_path / "a.ome.tif", plate_name="A & B")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert len(file.series) == 3
        assert schema_problems(file.ome_metadata) == []
    with open_ome_zarr(tmp_path / "a.ome.tif") as plate:
        assert [key for key, _ in plate.positions()] == ["A/1/0", "A/1/1", "AB/12/0"]
        assert plate.metadata.name == "A & B"
        assert plate["AB/12/0"].stage_position.x == 1.5


def test_the_note_is_not_there_without_need(tmp_path):
    write_ome_tiff([image(channels=[Channel("a"), Channel("b")])], tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert "StructuredAnnotations" not in file.ome_metadata
    write_ome_tiff([described()], tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        annotation = tifffile.xml2dict(file.ome_metadata)["OME"]["StructuredAnnotations"]
    noted = json.loads(annotation["CommentAnnotation"]["Value"])
    assert set(noted) == {"origin", "windows", "acquisition"}
