"""Summaries as plain text: one line for a repr, several for a log or a pipe; no colour."""

from __future__ import annotations

from iohub.display.blocks import Block, Cell, Fields, Names, Notes, PlateMap, Ramp, Table
from iohub.display.characters import cells_wide, padded, plain
from iohub.display.plate_layout import MARKS, legend, plate_lines
from iohub.display.summary import Summary
from iohub.display.tree import TreeSummary

_INDENT = "  "


def one_line(summary: Summary) -> str:
    """Write a summary in one line, as the repr of its node.

    Parameters
    ----------
    summary : Summary
        What to say.

    Returns
    -------
    str
        Such as ``<Position 'B/03/0' (c 3, y 512, x 512), uint8, OME-Zarr 0.5>``.
    """
    state = ("closed",) if summary.closed else ()
    facts = filter(None, (*summary.facts(), summary.format_name, *state))
    title = f" '{plain(summary.title)}'" if summary.title else ""
    said = plain(", ".join(facts))
    return f"<{summary.kind}{title}{' ' + said if said else ''}>"


def to_text(summary: Summary, *, width: int = 80) -> str:
    """Write a summary as several lines.

    Parameters
    ----------
    summary : Summary
        What to say.
    width : int
        Cells in a line that a plate map may take; tables take what they need.

    Returns
    -------
    str
        Lines without a line end after the last.
    """
    title = plain(f"{summary.kind} {summary.title}".rstrip())
    lines = [title + (" (closed)" if summary.closed else "")]
    for block in summary.blocks():
        if not isinstance(block, Fields | Notes):
            lines.append("")
        lines += [(_INDENT + line).rstrip() for line in _block(block, width - len(_INDENT))]
    return "\n".join(lines)


def _block(block: Block, width: int) -> list[str]:
    match block:
        case Fields():
            return _fields(block)
        case Table():
            return _table(block)
        case PlateMap():
            return _plate(block, width)
        case Names():
            return [f"{block.title}: {plain(', '.join(block.names))}"]
        case Notes():
            return [
                f"{' ' if i else '!'} {line}"
                for note in block.lines()
                for i, line in enumerate(note)
            ]
        case TreeSummary():
            return block.render().split("\n")


def _fields(block: Fields) -> list[str]:
    wide = max((cells_wide(plain(label)) for label, _ in block.pairs), default=0)
    return [f"{padded(plain(label), wide)}  {plain(value)}" for label, value in block.pairs]


def _cell(cell: Cell) -> str:
    # A ramp is nothing but colour; the column beside it spells the colour out.
    return "" if isinstance(cell, Ramp) else plain(cell)


def _table(table: Table) -> list[str]:
    """Write a table in aligned columns under its title."""
    columns = []
    for index, column in enumerate(table.columns):
        cells = [plain(column.name), *(_cell(row[index]) for row in table.rows)]
        wide = max(map(cells_wide, cells))
        if not wide:
            continue
        columns.append([padded(cell, wide, right=column.align == "right") for cell in cells])
    lines = ("  ".join(cells) for cells in zip(*columns, strict=True))
    more = [f"{_INDENT}… {table.hidden:,} more"] if table.hidden else []
    return [table.title, *(_INDENT + line for line in lines), *more]


def _plate(plate: PlateMap, width: int) -> list[str]:
    lines = ["".join(run.text for run in runs) for runs in plate_lines(plate, width)]
    return [*lines, "  ".join(f"{MARKS[state]} {says}" for state, says in legend(plate))]
