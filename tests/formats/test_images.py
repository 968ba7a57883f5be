"""Descriptions of images as groups of OME-Zarr: positions, series and plates."""

from __future__ import annotations

import numpy as np
import pytest

from iohub.formats.images import (
    Channel,
    ImageSource,
    axes_of,
    unique_names,
    virtual_store,
    well_of,
)
from iohub.metadata.acquisition import AcquisitionRecord, ChannelOptics, StagePosition
from iohub.metadata.plate import AcquisitionMeta
from iohub.nodes.detect import node_class
from iohub.storage.group import ZarrGroup
from tests.storage.virtual_files import Reader, reopened

PIXELS = np.arange(2 * 3 * 2 * 8 * 6, dtype="u2").reshape(2, 3, 2, 8, 6)


def source(name="one", pixels=PIXELS, **options):
    levels = [Reader(pixels, (1,) * (pixels.ndim - 2) + pixels.shape[-2:])]
    return ImageSource(name, "tczyx"[-pixels.ndim :], levels, **options)


def node_of(*images, **options):
    store = virtual_store("x.file", images, reopen=(reopened, ()), **options)
    group = ZarrGroup(store, "", 3)
    return node_class(group, "auto")(group)


def test_a_single_image_is_a_position():
    record = AcquisitionRecord(
        name="Pos0",
        stage=StagePosition(x=1.5, y=-2, unit="millimeter"),
        time_increment=2.5,
        channels=(ChannelOptics(name="GFP", emission=510),),
    )
    position = node_of(
        source(
            scale={"t": 5, "z": 2, "y": 0.5, "x": 0.25},
            origin={"z": 10},
            units={"z": "nanometer", "t": None},
            channels=[Channel("GFP", "00FF00"), Channel("DAPI"), Channel("")],
            acquisition=record,
            frames=lambda: [{"t": 0, "Exposure": 10}],
        )
    )
    assert type(position).__name__ == "Position"
    assert position.scale == [5, 1, 2, 0.5, 0.25]
    assert position.get_effective_translation("0") == [0, 0, 10, 0, 0]
    assert [axis.unit for axis in position.axes] == [
        None, None, "nanometer", "micrometer", "micrometer",
    ]  # fmt: skip
    assert position.channel_names == ["GFP", "DAPI", "Channel 2"]
    assert position.metadata.omero.channels[0].color == "00FF00"
    assert position.acquisition == record
    assert position.stage_position.x == 1.5
    assert position.frame_metadata == [{"t": 0, "Exposure": 10}]
    np.testing.assert_array_equal(position.data[...], PIXELS)


def test_what_a_file_does_not_say():
    position = node_of(source(pixels=PIXELS[0, 0, 0]))
    assert position.axis_names == ["y", "x"]
    assert position.scale == [1, 1]
    assert position.acquisition is position.stage_position is None
    assert position.frame_metadata == []
    assert position.labels.keys() == []
    assert node_of(source()).channel_names == ["0", "1", "2"]


def test_windows_of_channels():
    window = {"start": 5.0, "end": 10.0, "min": 0.0, "max": 4095.0}
    channels = [Channel("a", window=window), Channel("b"), Channel("c")]
    found = node_of(source(channels=channels)).metadata.omero.channels
    assert dict(found[0].window) == window
    assert found[1].window["max"] == 65535


@pytest.mark.parametrize(("size", "half"), [(8, 4), (9, 5), (9, 4)])
def test_levels_have_their_scales_and_places(size, half):
    """Twice as large pixels begin half a pixel of level 0 later, also where halves were cut off."""
    levels = [Reader(np.zeros((size, 6), "u1"), (1, 6)), Reader(np.zeros((half, 3), "u1"), (1, 3))]
    position = node_of(ImageSource("a", "yx", levels, scale={"y": 0.5, "x": 3}))
    ratio = 2 if half * 2 >= size else size / half
    np.testing.assert_allclose(position.get_effective_scale("1"), [0.5 * ratio, 6])
    np.testing.assert_allclose(
        position.get_effective_translation("1"), [0.5 * (ratio - 1) / 2, 1.5]
    )


def test_several_images_are_a_series():
    series = node_of(source("first"), source("second", PIXELS[:1]))
    assert type(series).__name__ == "Series"
    assert series.keys() == ["first", "second"]
    assert series["second"].data.shape[0] == 1
    table = series.to_dataframe()
    assert list(table.path) == ["first", "second"]
    assert table["shape"][1] == (1, 3, 2, 8, 6)
    assert "row" not in table
    assert node_of(source("only"), single=False).keys() == ["only"]
    assert node_of().keys() == []


@pytest.mark.parametrize(
    "names", [("same", "same"), ("a/b", "c"), ("", "a"), ("..", "b"), ("OME", "b")]
)
def test_names_that_can_be_no_keys_are_numbers(names):
    series = node_of(*map(source, names))
    assert series.keys() == ["0", "1"]
    assert [series[key].metadata.multiscales[0].name or "" for key in "01"] == list(names)


def test_wells_make_a_plate():
    plate = node_of(
        source("A1-1", well=("A", "1")),
        source("B10-1", well=("B", "10"), run=AcquisitionMeta(id=3, name="again")),
        source("A1-2", well=("A", "1")),
        source("B2-1", well=("B", "2")),
        source("AA1", well=("AA", "1")),
        plate_name="screen",
    )
    assert type(plate).__name__ == "Plate"
    assert [path for path, _ in plate.positions()] == [
        "A/1/0", "A/1/1", "B/2/0", "B/10/0", "AA/1/0",
    ]  # fmt: skip
    assert plate["A/1/1"].metadata.multiscales[0].name == "A1-2"
    assert plate.metadata.name == "screen"
    assert plate.metadata.field_count == 2
    noted = AcquisitionMeta(id=3, name="again", maximum_field_count=1)
    assert plate.metadata.acquisitions == (noted,)
    table = plate.to_dataframe().set_index("path")
    assert table.loc["B/10/0", "acquisition"] == 3
    assert table.loc["A/1/0", "column"] == "1"


def test_one_without_a_well_makes_a_series():
    assert node_of(source("A1", well=("A", "1")), source("beads")).keys() == ["A1", "beads"]


@pytest.mark.parametrize(
    ("label", "well"),
    [
        ("A1", ("A", "1")), ("B03-Site_2", ("B", "3")), ("C/4", ("C", "4")),
        ("AA012_x", ("AA", "12")), ("H-12", ("H", "12")), ("D_07", ("D", "7")),
        ("Pos0", None), ("A0", None), ("a1", None), ("A1b", None), ("A1234", None), ("", None),
        ("1-Pos_000_001", None), ("P", None), ("XYPos:3", None),
    ],
)  # fmt: skip
def test_wells_of_labels(label, well):
    assert well_of(label) == well


def test_names_are_told_apart():
    assert unique_names(["a", "a", "a"]) == ["a", "a (2)", "a (3)"]
    assert unique_names(["a", "a (2)", "a"]) == ["a", "a (2)", "a (3)"]
    assert unique_names(["", "Channel 0", ""]) == ["Channel 0 (2)", "Channel 0", "Channel 2"]
    assert unique_names([]) == []


def test_axes():
    axes = axes_of("tcyx", {"t": "millisecond", "y": None})
    assert [(a.name, a.type, getattr(a, "unit", None)) for a in axes] == [
        ("t", "time", "millisecond"),
        ("c", "channel", None),
        ("y", "space", None),
        ("x", "space", "micrometer"),
    ]
