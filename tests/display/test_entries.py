from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.display.blocks import Ramp
from iohub.display.entries import AxisEntry, ChannelEntry, WellEntry


def test_axis_cells() -> None:
    axis = AxisEntry(
        name="x", type="space", unit="micrometer", size=2048, scale=0.65, translation=12.5
    )
    assert axis.extent == 2048 * 0.65
    assert axis.cells() == ("x", "space", "2048", "0.65 µm", "12.5 µm", "1.331 mm")


def test_axis_without_unit_has_no_extent() -> None:
    assert AxisEntry(name="c", type="channel", size=3, scale=1.0).cells() == (
        "c",
        "channel",
        "3",
        "",
        "",
        "",
    )
    assert AxisEntry(name="x", size=3, scale=2.0).cells()[3] == "2"
    assert AxisEntry(name="x", unit="micrometer").extent is None


def test_ramp_is_the_window_within_the_limits() -> None:
    channel = ChannelEntry(name="GFP", color="#00ff00", window=(50, 100), limits=(0, 200))
    assert channel.ramp() == Ramp("00FF00", 0.25, 0.5)
    assert channel.cells()[2:] == ("#00FF00", "50 to 100", "0 to 200")


@pytest.mark.parametrize(
    ("window", "limits"),
    [(None, None), ((0, 1), None), ((0, 1), (5, 5)), ((0, 1), (9, 2)), ((0, math.inf), (0, 9))],
)
def test_ramp_without_a_usable_range_is_the_plain_colour(
    window: tuple[float, float] | None, limits: tuple[float, float] | None
) -> None:
    channel = ChannelEntry(name="c", color="FF0000", window=window, limits=limits)
    assert channel.ramp() == Ramp("FF0000")


edges = st.tuples(st.floats(), st.floats())


@given(edges, edges)
def test_ramp_lies_within_the_range(
    window: tuple[float, float], limits: tuple[float, float]
) -> None:
    ramp = ChannelEntry(name="c", window=window, limits=limits).ramp()
    assert 0 <= ramp.start <= 1
    assert 0 <= ramp.end <= 1


def test_an_invalid_colour_is_shown_as_it_is() -> None:
    assert ChannelEntry(name="c", color="red").cells()[:3] == (Ramp(None), "c", "red")


@pytest.mark.parametrize(
    ("well", "state", "tip"),
    [
        (WellEntry(row="A", column="1", fields=1), "well", "A/1: 1 field"),
        (WellEntry(row="A", column="1"), "unknown", "A/1"),
        (WellEntry(row="A", column="1", fields=0), "empty", "A/1: 0 fields"),
        (
            WellEntry(row="A", column="1", fields=4, missing=2, note="DMSO"),
            "partial",
            "A/1: 4 fields, 2 missing, DMSO",
        ),
        (
            WellEntry(row="A", column="1", fields=4, missing=2, problem="no\n  JSON"),
            "unreadable",
            "A/1: 4 fields, 2 missing, no JSON",
        ),
    ],
)
def test_state_of_a_well(well: WellEntry, state: str, tip: str) -> None:
    spot = well.spot(8)
    assert (spot.state, spot.tip) == (state, tip)
    assert spot.weight == (well.fields or 0) / 8
