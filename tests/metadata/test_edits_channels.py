from __future__ import annotations

import pytest

from iohub.errors import ChannelError
from iohub.metadata.edits_channels import (
    channel_index,
    channel_names,
    insert_channels,
    remove_channel,
    rename_channel,
    reorder_channels,
    set_color,
    set_window,
    shown_alike,
)
from iohub.metadata.omero import ChannelMeta, OMEROMeta

WINDOW = {"start": 1, "end": 2, "min": 0, "max": 3}


@pytest.fixture
def bare(pyramid):
    """An image whose metadata say nothing of its channels."""
    return pyramid(1).replace(omero=None)


def labelled(doc, *labels):
    return doc.replace(omero=OMEROMeta(channels=tuple(ChannelMeta(label=x) for x in labels)))


def test_names(bare):
    assert channel_names(bare, 2) == ["0", "1"]
    assert channel_names(bare) == []
    assert channel_names(None, 1) == ["0"]
    assert channel_names(labelled(bare, "1", None, ""), 3) == ["1", "1_", "2"]
    assert channel_names(labelled(bare, "a", "b"), 1) == ["a"]


def test_indexes(pyramid):
    assert channel_index(pyramid(), "GFP") == 1
    with pytest.raises(ChannelError, match="did you mean 'GFP'"):
        channel_index(pyramid(), "GPF")
    with pytest.raises(ChannelError, match="no channel has a name"):
        channel_index(pyramid().replace(omero=None), "GFP")
    with pytest.raises(ChannelError, match="2 channels are called 'a'"):
        channel_index(labelled(pyramid(), "a", "a"), "a")


def test_renaming_keeps_how_it_is_shown(pyramid):
    doc = set_window(pyramid(), 1, WINDOW)
    renamed = rename_channel(doc, "GFP", "actin")
    assert channel_names(renamed) == ["DAPI", "actin"]
    assert renamed.omero.channels[1].replace(label="GFP") == doc.omero.channels[1]
    assert rename_channel(doc, "GFP", "GFP") == doc
    for old, new in (("GFP", "DAPI"), ("RFP", "x"), ("GFP", "")):
        with pytest.raises(ChannelError):
            rename_channel(doc, old, new)


def test_appending_without_omero(bare):
    doc = insert_channels(bare, 2, ["GFP"], count=2)
    assert channel_names(doc) == ["0", "1", "GFP"]
    assert doc.omero.channels[2].color == "00FF00"


@pytest.mark.parametrize("index", [0, 1, 2])
def test_inserting(pyramid, index):
    doc = insert_channels(pyramid(), index, ["a", "b"], dtype="uint8")
    expected = ["DAPI", "GFP"]
    expected[index:index] = ["a", "b"]
    assert channel_names(doc) == expected
    assert doc.omero.channels[index].window["end"] == 255


def test_bad_insertions(pyramid):
    for index, names in ((3, ["a"]), (-1, ["a"]), (0, ["GFP"]), (0, ["a", "a"]), (0, [1])):
        with pytest.raises(ChannelError):
            insert_channels(pyramid(), index, names)


def test_removing(pyramid, bare):
    assert channel_names(remove_channel(pyramid(), 0)) == ["GFP"]
    assert channel_names(remove_channel(bare, 0, count=3)) == ["1", "2"]
    with pytest.raises(ChannelError, match="only channel"):
        remove_channel(remove_channel(pyramid(), 0), 0)
    with pytest.raises(ChannelError, match="no channel 2"):
        remove_channel(pyramid(), 2)


def test_reordering(pyramid):
    doc = reorder_channels(pyramid(), [1, 0])
    assert doc.omero.channels == pyramid().omero.channels[::-1]
    for order in ([0], [0, 0], [0, 1, 2], []):
        with pytest.raises(ChannelError):
            reorder_channels(pyramid(), order)


def test_windows_and_colors(pyramid):
    doc = set_color(set_window(pyramid(), 0, WINDOW), 0, "#abcdef")
    assert doc.omero.channels[0].window == WINDOW
    assert doc.omero.channels[0].color == "ABCDEF"
    assert set_window(doc, 0, {"start": 0}).omero.channels[0].window == {**WINDOW, "start": 0}
    assert doc.omero.channels[1] == pyramid().omero.channels[1]
    with pytest.raises(ChannelError):
        set_window(pyramid(), 5, WINDOW)
    with pytest.raises(ChannelError):
        set_color(pyramid(), 0, "nothing")


def test_channels_are_shown_as_those_of_the_same_names(pyramid, bare):
    like = [ChannelMeta(label="GFP", color="123456"), ChannelMeta(label="other", color="654321")]
    before, after = pyramid().omero.channels, shown_alike(pyramid(), like).omero.channels
    assert after == (before[0], like[0])
    assert shown_alike(pyramid(), []) == pyramid()
    assert shown_alike(bare, like) == bare


def test_unknown_members_stay(pyramid):
    doc = pyramid()
    omero = OMEROMeta(channels=({"label": "a", "lut": "fire"}, {"label": "b"}), note=1)
    doc = insert_channels(doc.replace(omero=omero), 0, ["c"])
    assert doc.omero.note == 1
    assert doc.omero.channels[1].lut == "fire"
