"""What a page about something is built of: fields, tables, a plate map, a tree; no drawing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from iohub.display.characters import plain
from iohub.display.tree import TreeSummary

_HEX_COLOR = re.compile(r"#?([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?\Z")

WellState: TypeAlias = Literal["well", "empty", "partial", "unreadable", "unknown"]
"""How a well is drawn: all is there, no fields, fields missing, unreadable, not looked at."""


def hex_color(color: str | None) -> str | None:
    """Six upper-case hexadecimal digits of a display colour, None if it is not one.

    Parameters
    ----------
    color : str or None
        ``"RRGGBB"`` as OMERO writes it; a leading ``#`` and a trailing alpha are taken off.
    """
    match = _HEX_COLOR.match(color) if color else None
    return match.group(1).upper() if match else None


@dataclass(frozen=True)
class Fields:
    """Facts as label and value.

    Attributes
    ----------
    pairs : tuple of (str, str)
        Labels with their values, in order.
    """

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ramp:
    """A display colour with the part of the intensity range that it is stretched over.

    Attributes
    ----------
    color : str or None
        Six hexadecimal digits, None if the channel has no valid colour.
    start, end : float
        Where the ramp starts and ends, as a fraction of the range, between 0 and 1.
    """

    color: str | None
    start: float = 0.0
    end: float = 1.0


Cell: TypeAlias = str | Ramp


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Heading.
    align : {"left", "right"}
        Where its cells stand.
    """

    name: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Table:
    """Rows under headings.

    Attributes
    ----------
    title : str
        What the rows are.
    columns : tuple of Column
        Headings.
    rows : tuple of tuple of (str or Ramp)
        Cells; as many in each row as there are columns.
    hidden : int
        Rows that exist and are left out of `rows`; they are counted below the last one.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    hidden: int = 0

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r} has {len(self.columns)} columns and a row of {len(row)}"
                )

    def trimmed(self) -> Table:
        """Return the table without the columns that are empty in every row."""
        keep = [i for i in range(len(self.columns)) if any(row[i] != "" for row in self.rows)]
        return Table(
            self.title,
            tuple(self.columns[i] for i in keep),
            tuple(tuple(row[i] for i in keep) for row in self.rows),
            self.hidden,
        )

    def cropped(self, limit: int) -> Table:
        """Return the table with no more than `limit` rows, the others counted as hidden."""
        hidden = max(len(self.rows) - limit, 0)
        return replace(self, rows=self.rows[:limit], hidden=self.hidden + hidden)


@dataclass(frozen=True)
class Spot:
    """A well as it is drawn on a plate map.

    Attributes
    ----------
    state : {"well", "empty", "partial", "unreadable", "unknown"}
        Decides its mark and colour.
    text : str
        What is written in it, if there is room: the number of fields.
    tip : str
        One line about it.
    weight : float
        Between 0 and 1: how full it is, compared with the fullest well of the plate.
    """

    state: WellState
    text: str = ""
    tip: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class PlateMap:
    """Wells in rows and columns.

    Attributes
    ----------
    rows, columns : tuple of str
        Names, from the top left well.
    spots : tuple of tuple of (Spot or None)
        One tuple per row with one entry per column; None where there is no well.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    spots: tuple[tuple[Spot | None, ...], ...]


@dataclass(frozen=True)
class Names:
    """Short words in a line, such as the names of labels.

    Attributes
    ----------
    title : str
        What they are.
    names : tuple of str
        The words.
    """

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Notes:
    """Messages about what is wrong.

    Attributes
    ----------
    notes : tuple of str
        One problem each, of one or more lines.
    """

    notes: tuple[str, ...]

    def lines(self) -> list[list[str]]:
        """Return the lines of each note, with nothing in them that steers a terminal."""
        return [[plain(line) for line in note.splitlines()] for note in self.notes]


Block: TypeAlias = Fields | Table | PlateMap | Names | Notes | TreeSummary
