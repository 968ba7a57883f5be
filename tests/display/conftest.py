"""Summaries that several tests draw."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_uppercase

import pytest

from iohub.display import (
    AcquisitionEntry,
    ArraySummary,
    AxisEntry,
    ChannelEntry,
    FieldEntry,
    LevelEntry,
    PageSummary,
    PlateSummary,
    PositionSummary,
    RowSummary,
    Summary,
    TreeSummary,
    WellEntry,
    WellSummary,
)


def make_position(name: str = "B/03/0") -> PositionSummary:
    axes = (
        AxisEntry(name="c", type="channel", size=2, scale=1.0),
        AxisEntry(name="y", type="space", unit="micrometer", size=1024, scale=0.325),
        AxisEntry(
            name="x", type="space", unit="micrometer", size=1024, scale=0.325, translation=12.5
        ),
    )
    channels = (
        ChannelEntry(name="DAPI", color="0000FF", window=(100, 4095), limits=(0, 65535)),
        ChannelEntry(name="phase"),
    )
    levels = tuple(
        LevelEntry(
            path=str(i),
            shape=(2, 1024 >> i, 1024 >> i),
            dtype="uint16",
            chunks=(1, 1024 >> i, 1024 >> i),
            nbytes=2**22 >> 2 * i,
            scale=(1.0, 0.325 * 2**i, 0.325 * 2**i),
        )
        for i in range(2)
    )
    return PositionSummary(
        title=name,
        url="/data/plate.zarr",
        version="0.5",
        axes=axes,
        channels=channels,
        levels=levels,
        labels=("nuclei",),
    )


def make_plate(rows: int, columns: int, **wells: WellEntry) -> PlateSummary:
    """Make a plate with four fields in each well, and with the given wells by path (B_3)."""
    names = [*ascii_uppercase, *("A" + letter for letter in ascii_uppercase)][:rows]
    numbers = [str(i + 1) for i in range(columns)]
    entries = (
        wells.get(f"{row}_{column}", WellEntry(row=row, column=column, fields=4))
        for row in names
        for column in numbers
    )
    return PlateSummary(
        title="screen.zarr",
        version="0.4",
        rows=tuple(names),
        columns=tuple(numbers),
        wells=tuple(entries),
        acquisitions=(AcquisitionEntry(id=0, name="first", max_fields=4),),
    )


def make_broken_plate() -> PlateSummary:
    return make_plate(
        2,
        3,
        A_1=WellEntry(row="A", column="1", fields=4, missing=1),
        A_2=WellEntry(row="A", column="2", problem="zarr.json is not JSON"),
        A_3=WellEntry(row="A", column="3", fields=0),
        B_1=WellEntry(row="B", column="1"),
        B_2=WellEntry(row="B", column="2", fields=2, note="DMSO"),
    )


def make_tree() -> TreeSummary:
    fields = (TreeSummary("0", detail="(c 2, y 8, x 8)"), TreeSummary("1"))
    row = TreeSummary("B", [TreeSummary("03", fields, hidden=4)])
    return TreeSummary("plate.zarr", (row, TreeSummary("C")))


def make_every_kind() -> list[Summary]:
    return [
        make_position(),
        PositionSummary(title="empty"),
        make_plate(8, 12),
        make_plate(32, 48),
        make_broken_plate(),
        RowSummary(title="B", wells=(WellEntry(row="B", column="3", fields=2),)),
        WellSummary(
            title="B/03",
            positions=(
                FieldEntry(name="0", shape=(2, 8, 8), dtype="uint16", acquisition=0),
                FieldEntry(name="1", problem="no multiscales"),
            ),
            axes=("c", "y", "x"),
            problems=("field 1 is unreadable",),
        ),
        ArraySummary(
            title="0",
            axes=("y", "x"),
            shape=(8, 9),
            dtype="uint8",
            chunks=(8, 8),
            nbytes=72,
            stored=36,
            closed=True,
        ),
        PageSummary(kind="Scene", title="s", says=("3 images",), page=(make_tree(),)),
    ]


@pytest.fixture
def position() -> PositionSummary:
    return make_position()


@pytest.fixture(name="make_position")
def make_position_fixture() -> Callable[[str], PositionSummary]:
    return make_position


@pytest.fixture(name="make_plate")
def make_plate_fixture() -> Callable[..., PlateSummary]:
    return make_plate


@pytest.fixture
def broken_plate() -> PlateSummary:
    return make_broken_plate()


@pytest.fixture
def tree() -> TreeSummary:
    return make_tree()


@pytest.fixture
def every_kind() -> list[Summary]:
    return make_every_kind()
