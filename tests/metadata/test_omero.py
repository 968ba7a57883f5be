from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from iohub.errors import ChannelError
from iohub.metadata.omero import (
    ChannelMeta,
    OMEROMeta,
    WindowDict,
    default_channel,
    default_color,
    default_window,
    is_color,
    parse_color,
    require_window,
)

WINDOW = WindowDict(start=1, end=2, min=0, max=3)


@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("DAPI", "0000FF"),
        ("Hoechst 33342", "0000FF"),
        ("405 nm", "0000FF"),
        ("GFP", "00FF00"),
        ("H2B-EGFP", "00FF00"),
        ("FITC", "00FF00"),
        ("ex488", "00FF00"),
        ("mCherry", "FF0000"),
        ("RFP", "FF0000"),
        ("TRITC", "FF0000"),
        ("561", "FF0000"),
        ("Cy5", "FF00FF"),
        ("640", "FF00FF"),
        ("Far Red", "FF00FF"),
        ("Cy5.5", "FF0080"),
        ("Phase3D", "FFFFFF"),
        ("BF", "FFFFFF"),
        ("bright_field", "FFFFFF"),
        ("Retardance", "FFFFFF"),
        ("State0", "FFFFFF"),
    ],
)
def test_colors_by_name(name, color):
    assert default_color(name, 4) == color


def test_colors_by_place():
    cycle = [default_color("something", index) for index in range(6)]
    assert len(set(cycle)) == 6
    assert default_color("filtered", 0) == cycle[0]
    assert default_color("something", 6) == cycle[0]
    assert all(map(is_color, cycle))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("uint8", 0, 255),
        ("int16", -32768, 32767),
        (None, 0, 65535),
        (float, 0, 1),
        (bool, 0, 1),
        (np.dtype(">u2"), 0, 65535),
        (np.float32, 0, 1),
    ],
)
def test_windows_by_dtype(dtype, low, high):
    assert default_window(dtype) == {"start": low, "end": high, "min": low, "max": high}


def test_default_channel():
    channel = default_channel("GFP", 1, "uint8")
    assert channel.to_json() == {
        "active": True,
        "coefficient": 1.0,
        "color": "00FF00",
        "family": "linear",
        "inverted": False,
        "label": "GFP",
        "window": {"start": 0.0, "end": 255.0, "min": 0.0, "max": 255.0},
    }


def test_colors_are_parsed():
    assert parse_color("#ff00aa") == "FF00AA"
    assert parse_color("Magenta") == "FF00FF"
    for bad in ("FF00", "zz00FF00FFzz", "FF00FF\n00", "", "mauve"):
        with pytest.raises(ChannelError):
            parse_color(bad)
    assert not is_color("zz00FF00FFzz")


def test_stored_windows_are_completed():
    assert ChannelMeta(window={"min": 0, "max": 9}).window == {
        "min": 0,
        "max": 9,
        "start": 0,
        "end": 9,
    }
    assert ChannelMeta(window={"start": 1, "end": 9, "extra": "kept"}).window["extra"] == "kept"
    assert ChannelMeta(window={}).window is None
    for bad in ({"start": 1}, {**WINDOW, "end": "100"}, {**WINDOW, "end": True}, [0, 1]):
        with pytest.raises(ValidationError):
            ChannelMeta(window=bad)


def test_stored_windows_cannot_be_changed_in_place():
    channel = ChannelMeta(window=WINDOW)
    with pytest.raises(TypeError, match="frozen"):
        channel.window["start"] = 5


def test_windows_to_write():
    assert require_window(WINDOW) == WINDOW
    assert require_window({"start": np.uint8(1), "end": 2}, WINDOW) == WINDOW
    for bad in (
        {"start": 0, "end": 1},
        {**WINDOW, "start": 2},
        {**WINDOW, "min": 4},
        {**WINDOW, "end": "2"},
        {**WINDOW, "end": float("inf")},
        {**WINDOW, "ende": 2},
    ):
        with pytest.raises(ChannelError):
            require_window(bad)


def test_channels_are_always_written():
    assert OMEROMeta().to_json() == {"channels": []}
