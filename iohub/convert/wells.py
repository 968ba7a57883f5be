"""Which well each position goes to: by its label, a map, a grid, or where the stage was."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt

from iohub.convert.options import Wells
from iohub.errors import ArgumentError, DocumentError, NotFoundError, PathError, Problem
from iohub.formats.images import well_of
from iohub.metadata.edits_plate import column_label, row_label
from iohub.metadata.names import check_row_column

WAYS = ("labels", "grid", "stage")


@dataclass(frozen=True)
class Labelled:
    """What is known of a position to find its well.

    Attributes
    ----------
    key : str
        Its key in the source.
    label : str
        What the microscope called it; the key if that is not known.
    stage : tuple of (float, float) or None
        Where the stage was, y and x.
    extent : tuple of (float, float)
        Height and width of the image, in the same unit.
    """

    key: str
    label: str
    stage: tuple[float, float] | None = None
    extent: tuple[float, float] = (0.0, 0.0)


def name_wells(positions: Sequence[Labelled]) -> list[str] | None:
    """Return the place of each position as its label says, None if a label names no well."""
    found = [well_of(each.label) for each in positions]
    if not all(found):
        return None
    return _fields([f"{well[0]}/{well[1]}" for well in found if well is not None])


def place(
    positions: Sequence[Labelled], wells: Wells, check_field: Callable[[str], str]
) -> list[str]:
    """Return row, column and field of each position, such as ``"A/1/0"``.

    Parameters
    ----------
    positions : sequence of Labelled
        All positions of the source, in their order.
    wells : {"labels", "grid", "stage"}, mapping or path-like
        How; a mapping, or a CSV file, from labels or keys to ``"A/1"`` or ``"A/1/0"``.
    check_field : callable
        Raises PathError for names of fields that the version does not allow.

    Raises
    ------
    ArgumentError, PathError, DocumentError
        If a position gets no place, or one that is not allowed or taken.
    """
    if isinstance(wells, Mapping):
        return _mapped(positions, {str(k): str(v) for k, v in wells.items()}, "wells", check_field)
    if wells == "labels":
        named = name_wells(positions)
        if named is None:
            bad = [each.label for each in positions if well_of(each.label) is None]
            raise ArgumentError(
                f"these labels name no well: {_some(bad)}; say where positions go with wells="
                "'grid', 'stage', a CSV file or a dict"
            )
        return named
    if wells == "grid":
        columns = ceil(sqrt(len(positions)))
        return [_cell(i // columns, i % columns) + "/0" for i in range(len(positions))]
    if wells == "stage":
        return _by_stage(positions)
    path = os.path.expanduser(os.fspath(wells))
    if not os.path.isfile(path):
        raise NotFoundError(f"wells={path!r} is none of {', '.join(WAYS)}, and no CSV file")
    return _mapped(positions, read_map(path), path, check_field)


def read_map(path: str) -> dict[str, str]:
    """Read which position goes to which well.

    Parameters
    ----------
    path : str
        Two columns, or three with the field: position, ``A/1`` or ``A/1/0``. Separated by commas,
        semicolons or tabs, in UTF-8; a first line without a well is taken for headings.

    Raises
    ------
    DocumentError
        If it is none, or a position comes twice; all such lines are named.
    """
    with open(path, "rb") as file:
        raw = file.read()
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        says = "it is not UTF-8; save it as 'CSV UTF-8'"
        raise DocumentError([Problem("", says, "encoding")], path) from error
    first = next((line for line in lines if line.strip()), "")
    sign = next((sign for sign in ";\t," if sign in first), ",")
    found: dict[str, str] = {}
    problems: list[Problem] = []
    reader = csv.reader(lines, delimiter=sign)
    headings = True
    for row in reader:
        cells = [cell.strip() for cell in row if cell.strip()]
        if not cells:
            continue
        is_heading, headings = headings and not any("/" in cell for cell in cells[1:]), False
        if is_heading:
            continue
        where = f"line {reader.line_num}"
        if len(cells) not in (2, 3):
            says = f"{sign.join(cells)!r} is not a position and a well, such as 'Pos0,A/1'"
            problems.append(Problem(where, says, "columns"))
        elif cells[0] in found:
            problems.append(Problem(where, f"{cells[0]!r} is given twice", "position"))
        else:
            found[cells[0]] = "/".join(cells[1:])
    if not found and not problems:
        problems.append(Problem("", "it names no positions", "empty"))
    if problems:
        raise DocumentError(problems, path)
    return found


def _mapped(
    positions: Sequence[Labelled],
    wells: Mapping[str, str],
    source: str,
    check_field: Callable[[str], str],
) -> list[str]:
    known = {name for each in positions for name in (each.key, each.label)}
    strange = [name for name in wells if name not in known]
    missing = [e.label for e in positions if e.key not in wells and e.label not in wells]
    if strange or missing:
        says = []
        if strange:
            says.append(f"there are no positions {_some(strange)}")
        if missing:
            says.append(f"no well is given for {_some(missing)}")
        raise ArgumentError(f"{source}: {'; '.join(says)}")
    places = [wells.get(each.key, wells.get(each.label, "")).strip("/") for each in positions]
    for path in places:
        names = path.split("/")
        if len(names) not in (2, 3):
            raise PathError(f"{source}: {path!r} is not 'row/column' or 'row/column/field'")
        for name in names[:2]:
            check_row_column(name)
        for name in names[2:]:
            check_field(name)
    return _fields(places)


def _fields(places: Sequence[str]) -> list[str]:
    """Return places with a number for the field where only a well was said."""
    taken = {path for path in places if path.count("/") == 2}
    if len(taken) != sum(path.count("/") == 2 for path in places):
        twice = sorted({path for path in places if path.count("/") == 2 and places.count(path) > 1})
        raise PathError(f"two positions are to be at {_some(twice)}")
    made = []
    for path in places:
        if path.count("/") == 2:
            made.append(path)
            continue
        number = 0
        while f"{path}/{number}" in taken:
            number += 1
        made.append(f"{path}/{number}")
        taken.add(made[-1])
    return made


def _by_stage(positions: Sequence[Labelled]) -> list[str]:
    """Place positions on the grid on which the stage was, y along rows and x along columns."""
    unknown = [each.label for each in positions if each.stage is None]
    if unknown:
        raise ArgumentError(
            f"the stage position of {_some(unknown)} is not known; choose another way, such as "
            "wells='grid'"
        )
    rows = _ranks([e.stage[0] for e in positions if e.stage], max(e.extent[0] for e in positions))
    columns = _ranks(
        [e.stage[1] for e in positions if e.stage], max(e.extent[1] for e in positions)
    )
    return _fields([_cell(row, column) for row, column in zip(rows, columns, strict=True)])


def _ranks(values: Sequence[float], extent: float) -> list[int]:
    """Return the rank of each coordinate; those closer than half an image are one."""
    ordered = sorted(values)
    gaps = [b - a for a, b in pairwise(ordered)]
    limit = min(extent or float("inf"), max(gaps, default=0.0)) / 2
    rank, known = 0, {ordered[0]: 0}
    for gap, value in zip(gaps, ordered[1:], strict=True):
        rank += gap > limit
        known[value] = rank
    return [known[value] for value in values]


def _cell(row: int, column: int) -> str:
    return f"{row_label(row)}/{column_label(column)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if names[5:] else "")
