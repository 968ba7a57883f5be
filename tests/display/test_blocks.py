from __future__ import annotations

import pytest

from iohub.display.blocks import Column, Notes, Ramp, Table, hex_color


@pytest.mark.parametrize(
    ("color", "digits"),
    [
        ("00ff7f", "00FF7F"),
        ("#00FF7F", "00FF7F"),
        ("00FF7FAA", "00FF7F"),
        ("00FF7", None),
        ("red", None),
        ("0000FF;background:url(x)", None),
        ("0000FF\n", None),
        ("", None),
        (None, None),
    ],
)
def test_hex_color(color: str | None, digits: str | None) -> None:
    assert hex_color(color) == digits


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="'t' has 2 columns and a row of 1"):
        Table("t", (Column("a"), Column("b")), (("1",),))


def test_table_loses_empty_columns_and_counts_what_is_cropped() -> None:
    columns = (Column("a"), Column("b"), Column("c"))
    rows = (("1", "", Ramp(None)), ("2", "", Ramp(None)))
    table = Table("t", columns, rows).trimmed().cropped(1)
    assert [column.name for column in table.columns] == ["a", "c"]
    assert table.rows == (("1", Ramp(None)),)
    assert table.hidden == 1
    assert table.cropped(5) == table


def test_notes_keep_their_lines() -> None:
    assert Notes(("2 problems:\n  - a\x1b", "b")).lines() == [["2 problems:", r"  - a\x1b"], ["b"]]
