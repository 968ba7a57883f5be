from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from iohub.display import (
    ArraySummary,
    Column,
    Names,
    PageSummary,
    PositionSummary,
    Summary,
    Table,
    TreeSummary,
    one_line,
    to_text,
)

POSITION = """\
Position B/03/0
  location  /data/plate.zarr
  format    OME-Zarr 0.5
  size      5 MiB
  extent    y 332.8 µm, x 332.8 µm

  axes
    axis  type     size  pixel size   origin    extent
    c     channel     2
    y     space    1024    0.325 µm           332.8 µm
    x     space    1024    0.325 µm  12.5 µm  332.8 µm

  channels
    channel  color         window       range
    DAPI     #0000FF  100 to 4095  0 to 65535
    phase

  levels
    level          shape  dtype          chunks            scale   size
    0      2, 1024, 1024  uint16  1, 1024, 1024  1, 0.325, 0.325  4 MiB
    1        2, 512, 512  uint16    1, 512, 512    1, 0.65, 0.65  1 MiB

  labels: nuclei"""


def test_position(position: PositionSummary) -> None:
    assert to_text(position) == POSITION


def test_one_line(position: PositionSummary) -> None:
    assert one_line(position) == (
        "<Position 'B/03/0' (c 2, y 1024, x 1024), uint16, channels [DAPI, phase], 2 levels, "
        "1 label, OME-Zarr 0.5>"
    )
    assert one_line(ArraySummary(shape=(2,), closed=True)) == "<ImageArray (2), closed>"
    assert one_line(PageSummary(kind="Scene")) == "<Scene>"


def test_every_kind_has_one_line_and_a_page(every_kind: list[Summary]) -> None:
    for summary in every_kind:
        line = one_line(summary)
        assert line.startswith(f"<{summary.kind} ")
        assert "\n" not in line
        page = to_text(summary).split("\n")
        assert page[0].startswith(f"{summary.kind} {summary.title}")
        assert not any(row != row.rstrip() for row in page)


@given(st.text())
def test_no_name_breaks_the_line(name: str) -> None:
    summary = PositionSummary(kind="Position", title=name, labels=(name,), url=name)
    assert len(one_line(summary).splitlines()) == 1
    assert "\x1b" not in to_text(summary)


def test_broken_and_closed_are_said(
    every_kind: list[Summary], make_position: Callable[[str], PositionSummary]
) -> None:
    text = "\n".join(map(to_text, every_kind))
    assert "  ! field 1 is unreadable" in text
    assert "ImageArray 0 (closed)" in text


def test_a_problem_of_several_lines() -> None:
    page = PageSummary(kind="Page", problems=("2 problems:\n  - a\n  - b", "c"))
    assert to_text(page) == "Page\n  ! 2 problems:\n      - a\n      - b\n  ! c"


def test_blocks_of_a_page(tree: TreeSummary) -> None:
    wide = Table(
        "names", (Column("name"), Column("n", "right")), (("細胞", "1"), ("abcd", "22")), 3
    )
    page = PageSummary(kind="Page", page=(wide, Names("also", ("x", "y")), tree))
    names = ["names", "  name   n", "  細胞   1", "  abcd  22", "  … 3 more"]
    lines = ["", *names, "", "also: x, y", "", *tree.render().split("\n")]
    assert to_text(page).split("\n") == ["Page", *(f"  {line}".rstrip() for line in lines)]
