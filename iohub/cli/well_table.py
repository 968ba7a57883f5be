"""A table of old and new well names: reading it, and everything that can be wrong with it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from typing import NamedTuple

from iohub.errors import DocumentError, PathError, Problem


class Line(NamedTuple):
    """One renaming, and the number of the line that it was read from."""

    number: int
    old: str
    new: str


def read_table(raw: bytes, source: str) -> list[Line]:
    """Read a table of old and new names.

    Parameters
    ----------
    raw : bytes
        Two columns, separated by commas, semicolons or tabs, in UTF-8 with or without a byte
        order mark. Empty lines, and a first line of headings, are passed over.
    source : str
        Where it comes from.

    Raises
    ------
    DocumentError
        If it is not UTF-8, if it is empty, or if a line has not two names; all such lines are
        named.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("", "it is not UTF-8; save it as 'CSV UTF-8'", "encoding")
        raise DocumentError([problem], source) from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(
        text.splitlines(), delimiter=next((sign for sign in ",;\t" if sign in first), ",")
    )
    lines: list[Line] = []
    problems: list[Problem] = []
    headings = True  # until a line that has cells
    for row in reader:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        is_heading, headings = headings and not any("/" in cell for cell in cells), False
        if is_heading:
            continue
        if len(cells) != 2 or not cells[0]:
            says = f"{','.join(cells)!r} is not an old and a new name, such as 'A/1,B/2'"
            problems.append(Problem(f"line {reader.line_num}", says, "columns"))
        else:
            lines.append(Line(reader.line_num, *cells))
    if not lines and not problems:
        problems.append(Problem("", "it names no wells; give lines such as 'A/1,B/2'", "empty"))
    if problems:
        raise DocumentError(problems, source)
    return lines


def checked_names(lines: Sequence[Line], wells: Collection[str], source: str) -> dict[str, str]:
    """Return the new name of each well, if all can be given.

    Parameters
    ----------
    lines : sequence of Line
        The table.
    wells : collection of str
        Paths of the plate's wells.
    source : str
        Where the table comes from.

    Raises
    ------
    DocumentError
        If a well does not exist, a name is not allowed or taken, or one comes twice; all such lines
        are named.
    """
    there = set(wells)
    leaving = {line.old for line in lines if line.old != line.new}
    problems: list[Problem] = []
    old_at: dict[str, int] = {}
    new_at: dict[str, int] = {}
    for line in lines:
        for says in _wrong(line, there, leaving, old_at, new_at):
            problems.append(Problem(f"line {line.number}", says, "well-name"))
        old_at.setdefault(line.old, line.number)
        new_at.setdefault(line.new, line.number)
    if problems:
        raise DocumentError(problems, source)
    return {line.old: line.new for line in lines}


def _wrong(
    line: Line,
    there: Collection[str],
    leaving: Collection[str],
    old_at: dict[str, int],
    new_at: dict[str, int],
) -> list[str]:
    """Say what is wrong with one line, seen those before it."""
    from iohub.metadata.names import split_well

    says = []
    if line.old not in there:
        says.append(f"there is no well {line.old!r} in the plate")
    elif line.old in old_at:
        says.append(f"well {line.old!r} is renamed in line {old_at[line.old]} already")
    try:
        split_well(line.new)
    except PathError as error:
        says.append(str(error))
    else:
        if line.new in new_at:
            says.append(f"the name {line.new!r} is given in line {new_at[line.new]} already")
        elif line.new in there and line.new != line.old and line.new not in leaving:
            says.append(f"there is a well {line.new!r}, which keeps its name")
    return says
