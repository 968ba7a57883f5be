"""Channels and their colours, under both generations of names."""

import pytest
from pydantic import ValidationError

from iohub.tiles import ChannelInfo, DefaultColors


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        ({}, "0000FF"),
        ({"colors": DefaultColors.coral}, "FF7F50"),
        ({"colors": "Orange (FF8000)"}, "FF8000"),
        ({"color": "#abc"}, "AABBCC"),
        ({"color": "Teal (#008080)"}, "008080"),
        ({"color": "magenta"}, "FF00FF"),
        ({"color": None}, "00FF00"),
        ({"color": "Auto"}, "00FF00"),
    ],
)
def test_color(given: dict, digits: str) -> None:
    channel = ChannelInfo(channel_label="GFP", **given)
    assert channel.digits() == digits
    assert channel.color == f"#{digits}"
    assert ChannelInfo.model_validate_json(channel.model_dump_json()) == channel


def test_one_color_has_one_spelling() -> None:
    assert ChannelInfo(channel_label="a", color="#0000ff") == ChannelInfo(channel_label="a")
    assert ChannelInfo(channel_label="a", color="#0000ff").colors is DefaultColors.blue


def test_unknown_labels_get_different_colors() -> None:
    channels = [ChannelInfo(channel_label=f"q{n}", colors=None) for n in range(3)]
    assert len({channel.digits(number) for number, channel in enumerate(channels)}) == 3


@pytest.mark.parametrize(
    "given", [{"color": "#12"}, {"colors": "beige"}, {"colors": "blue", "color": "red"}]
)
def test_no_color(given: dict) -> None:
    with pytest.raises(ValidationError):
        ChannelInfo(channel_label="a", **given)


def test_sixteen_and_more_named_colors() -> None:
    assert len(DefaultColors) >= 16
    assert all(len(color.to_hex()) == 6 for color in DefaultColors)
