from __future__ import annotations

import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from iohub.display import (
    ChannelEntry,
    Column,
    PageSummary,
    PlateSummary,
    PositionSummary,
    Summary,
    Table,
    TreeSummary,
    to_rich,
)


def drawn(summary: Summary | TreeSummary, width: int = 100, *, color: bool = False) -> str:
    out = StringIO()
    system = "truecolor" if color else None
    console = Console(file=out, width=width, force_terminal=color, color_system=system)
    console.print(to_rich(summary))
    return out.getvalue()


def test_rich_is_not_loaded_before_it_draws() -> None:
    code = "import sys, iohub.display as d; assert d.to_rich; assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("width", [30, 80, 200])
def test_every_kind_fits_the_console(every_kind: list[Summary], width: int) -> None:
    for summary in every_kind:
        text = drawn(summary, width)
        assert summary.title in text
        assert max(map(len, text.split("\n"))) <= width


def test_a_colour_is_the_colour(position: PositionSummary) -> None:
    assert "\x1b[38;2;0;0;255m██" in drawn(position, color=True)


def test_names_are_not_markup_and_do_not_steer() -> None:
    channels = (ChannelEntry(name="[red]GFP[/red] :smile: \x1b[31m"),)
    text = drawn(PositionSummary(title="[bold]x", channels=channels))
    assert r"[red]GFP[/red] :smile: \x1b[31m" in text
    assert "[bold]x" in text


def test_plate_says_what_is_wrong(broken_plate: PlateSummary) -> None:
    text = drawn(broken_plate)
    assert "A 4!  ✗  0" in text
    assert "! 1 with fields missing  ✗ 1 unreadable" in text


def test_tree(tree: TreeSummary) -> None:
    assert drawn(tree).rstrip() == tree.render()


def test_long_tables_are_cropped_and_say_so() -> None:
    rows = tuple((f"row {i}",) for i in range(1000))
    text = drawn(PageSummary(page=(Table("rows", (Column("name"),), rows),)))
    assert "row 99 " in text
    assert "row 100" not in text
    assert "… 900 more" in text
