from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from iohub.display import (
    AcquisitionEntry,
    AxisEntry,
    FieldEntry,
    PlateMap,
    PlateSummary,
    RowSummary,
    Table,
    WellEntry,
    WellSummary,
)
from iohub.display.plate_summary import plate_map


def test_facts_count(make_plate: Callable[..., PlateSummary], broken_plate: PlateSummary) -> None:
    assert make_plate(8, 12).facts() == ("96 wells", "384 fields")
    # One well was not read, so that a sum of the fields would be too small.
    assert broken_plate.facts() == ("6 wells", "1 missing", "1 well unreadable")
    assert RowSummary(wells=(WellEntry(row="A", column="1"),)).facts() == ("1 well",)


def test_details(make_plate: Callable[..., PlateSummary]) -> None:
    axes = (
        AxisEntry(name="y", unit="micrometer", size=10, scale=0.5),
        AxisEntry(name="x", unit="micrometer", size=20, scale=0.5),
    )
    plate = replace(make_plate(2, 3), axes=axes, dtype="uint8", nbytes=2048)
    assert plate.details() == (
        ("format", "OME-Zarr 0.4"),
        ("plate", "2 rows, 3 columns"),
        ("field", "(y 10, x 20) uint8"),
        ("extent", "y 5 µm, x 10 µm"),
        ("size", "2 KiB"),
    )


def test_map_has_every_well() -> None:
    wells = (WellEntry(row="B", column="2", fields=1), WellEntry(row="Z", column="9", fields=2))
    drawn = plate_map(("A", "B"), ("1", "2"), wells)
    assert drawn.rows == ("A", "B", "Z")
    assert drawn.columns == ("1", "2", "9")
    assert [[spot.text if spot else "" for spot in row] for row in drawn.spots] == [
        ["", "", ""],
        ["", "1", ""],
        ["", "", "2"],
    ]
    assert PlateSummary(wells=wells).body()[0] == plate_map((), (), wells)


def test_row_shows_the_columns_of_its_plate() -> None:
    wells = (WellEntry(row="B", column="2", fields=1),)
    (drawn,) = RowSummary(wells=wells, columns=("1", "2", "3")).body()
    assert isinstance(drawn, PlateMap)
    assert drawn.columns == ("1", "2", "3")
    assert RowSummary().body() == ()


def test_well() -> None:
    fields = (FieldEntry(name="0", shape=(8, 9), acquisition=1), FieldEntry(name="1", problem="x"))
    well = WellSummary(positions=fields, axes=("y", "x"))
    assert well.facts() == ("2 fields", "1 unreadable")
    (table,) = well.body()
    assert isinstance(table, Table)
    assert table.rows == (("0", "(y 8, x 9)", "1", ""), ("1", "", "", "x"))


def test_a_lone_acquisition_without_a_name_is_no_news() -> None:
    def titles(*entries: AcquisitionEntry) -> list[str]:
        return [block.title for block in PlateSummary(acquisitions=entries).body()]

    assert titles(AcquisitionEntry(id=0)) == []
    assert titles(AcquisitionEntry(id=0, name="first")) == ["acquisitions"]
    assert titles(AcquisitionEntry(id=0), AcquisitionEntry(id=1)) == ["acquisitions"]
