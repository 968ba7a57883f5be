"""Summaries in a terminal with colours, by rich, which is imported when something is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.display.blocks import Block, Cell, Fields, Names, Notes, PlateMap, Ramp, Table
from iohub.display.characters import plain
from iohub.display.plate_layout import MARKS, Style, legend, plate_lines
from iohub.display.tree import TreeSummary

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
    from rich.text import Text

    from iohub.display.summary import Summary

# Names of rich styles, which follow the theme of the terminal.
_STYLES: dict[Style, str] = {
    "head": "dim",
    "none": "dim",
    "well": "cyan",
    "partial": "bold yellow",
    "unreadable": "bold red",
    "empty": "blue",
    "unknown": "cyan",
}

MOST_LINES = 100
"""So many rows of a table are drawn; the others are counted."""


def to_rich(summary: Summary | TreeSummary) -> Group:
    """Make something that ``rich.print`` draws.

    Parameters
    ----------
    summary : Summary or TreeSummary
        What to draw. Text in it is never taken for markup.
    """
    from rich.console import Group
    from rich.text import Text

    if isinstance(summary, TreeSummary):
        return Group(_tree(summary))
    head = Text.assemble(
        (plain(summary.kind), "bold cyan"),
        (plain(f" {summary.title}".rstrip()), "bold"),
        (" (closed)" if summary.closed else "", "dim"),
        overflow="fold",
    )
    parts: list[RenderableType] = [head]
    for block in summary.blocks():
        if not isinstance(block, Fields | Notes):
            parts.append("")
        parts.append(_block(block))
    return Group(*parts)


def _block(block: Block) -> RenderableType:
    from rich.padding import Padding

    return Padding(_drawn(block), (0, 0, 0, 2))


def _drawn(block: Block) -> RenderableType:
    from rich.text import Text

    match block:
        case Fields():
            return _fields(block)
        case Table():
            return _table(block)
        case PlateMap():
            return _Plate(block)
        case Names():
            return Text.assemble((block.title + "  ", "dim"), plain(", ".join(block.names)))
        case Notes():
            notes = "\n".join("! " + "\n  ".join(note) for note in block.lines())
            return Text(notes, style="red")
        case TreeSummary():
            return _tree(block)


def _fields(block: Fields) -> RenderableType:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in block.pairs:
        grid.add_row(Text(plain(label)), Text(plain(value)))
    return grid


def _table(table: Table) -> RenderableType:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        box=None,
        header_style="dim",
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    for column in table.columns:
        drawn.add_column(Text(plain(column.name)), justify=column.align, overflow="fold")
    table = table.cropped(MOST_LINES)
    for row in table.rows:
        drawn.add_row(*map(_cell, row))
    # Not the title and caption that rich gives a table: those break at the table's width.
    parts: list[RenderableType] = [Text(plain(table.title), style="bold"), drawn]
    if table.hidden:
        parts.append(Text(f"… {table.hidden:,} more", style="dim"))
    return Group(*parts)


def _cell(cell: Cell) -> Text:
    from rich.text import Text

    if not isinstance(cell, Ramp):
        return Text(plain(cell))
    return Text("██", style=f"#{cell.color}") if cell.color else Text("░░", style="dim")


def _tree(tree: TreeSummary) -> Text:
    """Draw a tree with dim branches and plain names."""
    from rich.text import Text

    drawn = Text(no_wrap=True, overflow="ellipsis")
    for index, (line, depth) in enumerate(tree.lines()):
        branch, label = line[: 4 * depth], line[4 * depth :]
        name, gap, detail = label.partition("  ")
        drawn.append("\n" if index else "")
        drawn.append(branch, "dim").append(name).append(gap + detail, "dim")
    return drawn


class _Plate:
    """A plate map that is laid out when the width of the console is known."""

    def __init__(self, plate: PlateMap) -> None:
        self.plate = plate

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        for runs in plate_lines(self.plate, options.max_width):
            yield Text.assemble(
                *((run.text, _STYLES[run.style]) for run in runs), no_wrap=True, overflow="crop"
            )
        key = Text(overflow="fold")
        for state, says in legend(self.plate):
            key.append(f"{MARKS[state]} ", _STYLES[state]).append(f"{says}  ", "dim")
        yield key
