"""A plate map as lines of characters, for text and for terminals; knows no colour."""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple, TypeAlias

from iohub.display.blocks import PlateMap, Spot, WellState
from iohub.display.characters import cells_wide, clipped, padded, plain
from iohub.display.quantities import human_count

Style: TypeAlias = WellState | Literal["head", "none"]

MOST_ROWS = 64
"""So many rows are drawn; a 1536-well plate has 32."""

NO_WELL = "·"
MARKS: dict[WellState, str] = {
    "well": "●",
    "partial": "!",
    "unreadable": "✗",
    "empty": "○",
    "unknown": "▪",
}
MEANINGS: dict[WellState, str] = {
    "well": "complete",
    "partial": "with fields missing",
    "unreadable": "unreadable",
    "empty": "without fields",
    "unknown": "not read",
}
_LABEL = 12  # longest name of a row that is drawn in full


class Run(NamedTuple):
    """Characters of one style.

    Attributes
    ----------
    text : str
        The characters.
    style : str
        State of a well, ``"head"`` for names, ``"none"`` for the space between.
    """

    text: str
    style: Style


def legend(plate: PlateMap) -> list[tuple[WellState, str]]:
    """Explain the states that occur, each with how many wells are in it.

    Parameters
    ----------
    plate : PlateMap
        All of it counts, also what is left out of the drawing.
    """
    counts = Counter(spot.state for row in plate.spots for spot in row if spot)
    return [(state, f"{counts[state]:,} {MEANINGS[state]}") for state in MARKS if state in counts]


def plate_lines(plate: PlateMap, width: int) -> list[list[Run]]:
    """Draw a plate map.

    Parameters
    ----------
    plate : PlateMap
        What to draw.
    width : int
        Cells in a line. Field counts are written where they fit; else each well is one mark;
        columns that do not fit even so are left out, and the last line says how many.

    Returns
    -------
    list of list of Run
        One list per line.
    """
    names = [clipped(plain(name), _LABEL) for name in plate.rows[:MOST_ROWS]]
    label = max(map(cells_wide, names), default=0)
    room = max(width - label - 1, 1)
    columns = [plain(name) for name in plate.columns]
    spots = [row[: len(columns)] for row in plate.spots[:MOST_ROWS]]
    cell = max(
        (*map(cells_wide, columns), *(len(_number(spot)) for row in spots for spot in row)),
        default=1,
    )
    numbers = len(columns) * (cell + 1) <= room
    if not numbers:
        cell = 1
    gap = 1 if len(columns) * (cell + 1) <= room else 0
    shown = min(len(columns), room // (cell + gap))

    header = _full_header(columns, cell) if numbers else _ticks(columns[:shown], 1 + gap, room)
    lines = [[Run(" " * label + " " + header, "head")]]
    for name, row in zip(names, spots, strict=True):
        runs = [Run(padded(name, label) + " ", "head")]
        for spot in row[:shown]:
            text = _number(spot) if numbers else _mark(spot)
            runs.append(Run(padded(text, cell, right=True), spot.state if spot else "none"))
            runs.append(Run(" " * gap, "none"))
        lines.append(runs)
    return lines + _left_out(plate, len(plate.columns) - shown)


def _left_out(plate: PlateMap, columns: int) -> list[list[Run]]:
    parts = []
    if columns:
        parts.append(human_count(columns, "more column"))
    if len(plate.rows) > MOST_ROWS:
        parts.append(human_count(len(plate.rows) - MOST_ROWS, "more row"))
    return [[Run(f"… {' and '.join(parts)}", "head")]] if parts else []


def _mark(spot: Spot | None) -> str:
    return MARKS[spot.state] if spot else NO_WELL


def _number(spot: Spot | None) -> str:
    """Write the field count of a well; a mark where the count alone would not tell."""
    if spot is None or not spot.text or spot.state == "unreadable":
        return _mark(spot)
    return spot.text + (MARKS["partial"] if spot.state == "partial" else "")


def _full_header(columns: list[str], cell: int) -> str:
    return " ".join(padded(name, cell, right=True) for name in columns)


def _ticks(columns: list[str], step: int, room: int) -> str:
    """Names of the columns that there is room for, as along the axis of a plot."""
    line = ""
    for index, name in enumerate(columns):
        start = index * step
        fits = start + cells_wide(name) <= room
        if fits and (not line or cells_wide(line) < start):
            line += " " * (start - cells_wide(line)) + name
    return line
