"""What a microscope noted, kept under the key ``iohub``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import DocumentError
from iohub.metadata.acquisition import (
    AcquisitionRecord,
    ChannelOptics,
    StagePosition,
    frame_columns,
    frame_rows,
    read_acquisition,
    write_acquisition,
)

RECORD = AcquisitionRecord(
    name="A1-Site_0",
    source="OME-TIFF",
    date="2026-05-01T10:00:00",
    stage=StagePosition(x=1.0, y=-2.5),
    time_increment=30.0,
    channels=(ChannelOptics(name="GFP", excitation=488, emission=510, exposure=0.1),),
    summary={"Prefix": "run", "Slices": 3},
    frames={"t": [0, 1], "Exposure": [10, None]},
)


def test_round_trip():
    attrs = {"ome": {"version": "0.5"}, "iohub": {"other": 1}}
    written = write_acquisition(attrs, RECORD)
    assert read_acquisition(written) == RECORD
    assert written["ome"] == {"version": "0.5"}
    assert written["iohub"]["other"] == 1
    assert attrs == {"ome": {"version": "0.5"}, "iohub": {"other": 1}}
    assert written["iohub"]["acquisition"]["stage"] == {"x": 1.0, "y": -2.5, "unit": "micrometer"}


@pytest.mark.parametrize("nothing", [None, AcquisitionRecord()])
def test_nothing_is_written_as_nothing(nothing):
    assert write_acquisition({"a": 1}, nothing) == {"a": 1}
    assert write_acquisition(write_acquisition({"a": 1}, RECORD), nothing) == {"a": 1}
    assert read_acquisition({}) is None
    assert read_acquisition({"iohub": {"other": 1}}) is None


def test_members_of_others_are_kept():
    attrs = {"iohub": {"acquisition": {"name": "a", "lamp": {"hours": 3}}}}
    record = read_acquisition(attrs)
    assert write_acquisition({}, record.replace(name="b")) == {
        "iohub": {"acquisition": {"name": "b", "lamp": {"hours": 3}}}
    }


@pytest.mark.parametrize(
    "noted", [[], "text", {"stage": 3}, {"stage": {"x": "far"}}, {"channels": [{}]}, {"name": 1}]
)
def test_wrong_types_say_where(noted):
    with pytest.raises(DocumentError, match="acquisition"):
        read_acquisition({"iohub": {"acquisition": noted}})


def test_columns():
    frames = [{"t": 0, "z": 0, "Exposure": 10}, {"t": 1, "z": 0}, {"Note": "x", "t": 2}]
    columns = frame_columns(frames)
    assert columns == {
        "t": [0, 1, 2],
        "z": [0, 0, None],
        "Exposure": [10, None, None],
        "Note": [None, None, "x"],
    }
    assert frame_rows(columns) == frames
    assert frame_columns([]) == {}
    assert frame_rows({}) == []


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=2), min_size=1),
        max_size=5,
    )
)
def test_columns_are_rows(frames):
    assert frame_rows(frame_columns(frames)) == frames
