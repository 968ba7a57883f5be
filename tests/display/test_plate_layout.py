from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.display import PlateMap, PlateSummary, Spot
from iohub.display.characters import cells_wide
from iohub.display.plate_layout import legend, plate_lines


def drawn(plate: PlateMap, width: int) -> list[str]:
    return ["".join(run.text for run in runs).rstrip() for runs in plate_lines(plate, width)]


def map_of(summary: PlateSummary) -> PlateMap:
    (plate,) = (block for block in summary.body() if isinstance(block, PlateMap))
    return plate


def test_counts_where_they_fit(broken_plate: PlateSummary) -> None:
    plate = map_of(broken_plate)
    assert drawn(plate, 80) == [
        "   1  2  3",
        "A 4!  ✗  0",
        "B  ▪  2  4",
    ]
    assert legend(plate) == [
        ("well", "2 complete"),
        ("partial", "1 with fields missing"),
        ("unreadable", "1 unreadable"),
        ("empty", "1 without fields"),
        ("unknown", "1 not read"),
    ]


def test_marks_where_counts_do_not_fit(broken_plate: PlateSummary) -> None:
    assert drawn(map_of(broken_plate), 8) == ["  1 2 3", "A ! ✗ ○", "B ▪ ● ●"]
    assert drawn(map_of(broken_plate), 5) == ["  1 3", "A !✗○", "B ▪●●"]


def test_what_is_left_out_is_counted(broken_plate: PlateSummary) -> None:
    assert drawn(map_of(broken_plate), 4) == ["  1", "A !✗", "B ▪●", "… 1 more column"]


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (16, 24), (32, 48)])
def test_usual_plates_fit_a_terminal(
    make_plate: Callable[..., PlateSummary], rows: int, columns: int
) -> None:
    lines = drawn(map_of(make_plate(rows, columns)), 78)
    assert len(lines) == rows + 1
    assert max(map(len, lines)) <= 78


def test_many_rows() -> None:
    rows = tuple(map(str, range(5000)))
    plate = PlateMap(rows, ("1",), ((Spot("well", "1"),),) * 5000)
    lines = drawn(plate, 80)
    assert len(lines) == 66
    assert lines[-1] == "… 4,936 more rows"
    assert legend(plate) == [("well", "5,000 complete")]


names = st.lists(st.text("ab細1", min_size=1, max_size=30), min_size=1, max_size=30, unique=True)


@given(names, names, st.integers(20, 120))
def test_no_line_is_wider_than_asked(rows: list[str], columns: list[str], width: int) -> None:
    spots = tuple(tuple(Spot("well", "12") for _ in columns) for _ in rows)
    for line in drawn(PlateMap(tuple(rows), tuple(columns), spots), width):
        assert cells_wide(line) <= width
