from __future__ import annotations

from iohub.display import AxisEntry, ChannelEntry, Column
from iohub.display.tables import (
    channel_text,
    columns_of,
    entry_text,
    extent_text,
    size_text,
)


def test_columns() -> None:
    assert columns_of("a", ">b") == (Column("a"), Column("b", "right"))


def test_entry() -> None:
    assert entry_text((1, 0.5), 1) == "0.5"
    assert entry_text((1,), 1) == ""
    assert entry_text(None, 0) == ""


def test_size() -> None:
    assert size_text(None, None) == ""
    assert size_text(None, 2048) == "2 KiB stored"
    assert size_text(0, 10) == "0 B, 10 B stored"
    assert size_text(2048, 4096) == "2 KiB, 4 KiB stored (200%)"


def test_phrases() -> None:
    time = AxisEntry(name="t", unit="second", size=4, scale=30.0)
    assert extent_text((time, AxisEntry(name="c", size=2))) == "t 2 min"
    assert channel_text(()) == ""
    assert channel_text((ChannelEntry(name="DAPI"),)) == "channel [DAPI]"
