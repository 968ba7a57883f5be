from __future__ import annotations

from dataclasses import replace

from iohub.display import (
    ArraySummary,
    ChannelEntry,
    Fields,
    LevelEntry,
    PositionSummary,
    Table,
)


def test_position_facts(position: PositionSummary) -> None:
    assert position.facts() == (
        "(c 2, y 1024, x 1024)",
        "uint16",
        "channels [DAPI, phase]",
        "2 levels",
        "1 label",
    )
    many = replace(position, channels=(ChannelEntry(name="c"),) * 9, labels=())
    assert many.facts()[2:] == ("9 channels", "2 levels")
    assert PositionSummary(title="0").facts() == ("no images",)


def test_position_details(position: PositionSummary) -> None:
    assert position.details() == (
        ("location", "/data/plate.zarr"),
        ("format", "OME-Zarr 0.5"),
        ("size", "5 MiB"),
        ("extent", "y 332.8 µm, x 332.8 µm"),
    )


def test_stored_size_is_shown_only_if_every_level_was_counted(position: PositionSummary) -> None:
    first, second = position.levels
    some = replace(position, levels=(replace(first, stored=2**20), second))
    assert dict(some.details())["size"] == "5 MiB"
    both = replace(position, levels=(replace(first, stored=2**20), replace(second, stored=2**18)))
    assert dict(both.details())["size"] == "5 MiB, 1.25 MiB stored (25%)"


def test_an_unreadable_level_is_a_row(position: PositionSummary) -> None:
    broken = replace(position, levels=(LevelEntry(path="0", problem="no .zarray"),))
    (table,) = (b for b in broken.body() if isinstance(b, Table) and b.title == "levels")
    assert [column.name for column in table.columns] == ["level", "problem"]
    assert table.rows == (("0", "no .zarray"),)
    assert broken.facts()[0] == "(c, y, x)"
    assert "1 level unreadable" in broken.facts()


def test_levels_that_were_not_read_have_no_shape(position: PositionSummary) -> None:
    unread = replace(position, levels=(LevelEntry(path="0"), LevelEntry(path="1")))
    assert unread.facts() == ("(c, y, x)", "channels [DAPI, phase]", "2 levels", "1 label")
    assert replace(unread, axes=()).facts()[0] == "channels [DAPI, phase]"


def test_array() -> None:
    array = ArraySummary(
        axes=("y", "x"), shape=(8, 9), dtype="uint8", chunks=(4, 4), nbytes=72, stored=36
    )
    assert array.facts() == ("(y 8, x 9)", "uint8", "chunks (4, 4)")
    fields, table = array.body()
    assert isinstance(fields, Fields)
    assert fields.pairs == (("dtype", "uint8"), ("size", "72 B, 36 B stored (50%)"))
    assert isinstance(table, Table)
    assert table.rows == (("y", "8", "4"), ("x", "9", "4"))


def test_array_without_axis_names_or_dimensions() -> None:
    assert ArraySummary(shape=(8, 9), axes=("x",)).facts() == ("(8, 9)",)
    assert ArraySummary(dtype="uint8").facts() == ("(scalar)", "uint8")
    assert ArraySummary().body() == ()
