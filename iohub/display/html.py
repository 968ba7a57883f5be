"""Summaries as HTML for notebooks: self-contained, no scripts, everything escaped."""

from __future__ import annotations

from html import escape

from iohub.display.blocks import (
    Block,
    Cell,
    Fields,
    Names,
    Notes,
    PlateMap,
    Ramp,
    Spot,
    Table,
    WellState,
    hex_color,
)
from iohub.display.characters import plain
from iohub.display.html_style import STYLE
from iohub.display.plate_layout import MARKS, NO_WELL, legend
from iohub.display.quantities import human_count
from iohub.display.summary import Summary
from iohub.display.tree import TreeSummary

MOST_LINES = 100
"""So many rows of a table, names or children of a tree node are drawn; the others are counted."""

MOST_ROWS, MOST_COLUMNS = 64, 96
"""So much of a plate is drawn; a 1536-well plate has 32 rows and 48 columns."""

_OPEN_LINES = 16  # longer tables start closed
_OPEN_DEPTH = 2  # levels of a tree that start open
_DEEPEST = 32  # levels of a tree that are drawn


def to_html(summary: Summary | TreeSummary) -> str:
    """Draw a summary as an HTML fragment, as notebooks show it.

    Parameters
    ----------
    summary : Summary or TreeSummary
        What to draw.

    Returns
    -------
    str
        One ``<div>`` with its own style. It follows the text colour of the page around it, so it
        suits light and dark themes.
    """
    if isinstance(summary, TreeSummary):
        body = _tree_block(summary)
    else:
        body = _header(summary) + "".join(map(_block, summary.blocks()))
    return f'<div class="iohub"><style>{STYLE}</style>{body}</div>'


def to_html_page(summary: Summary | TreeSummary) -> str:
    """Draw a summary as a complete page, to be written to a file.

    Parameters
    ----------
    summary : Summary or TreeSummary
        What to draw.

    Returns
    -------
    str
        An HTML document in UTF-8 that follows the light or dark setting of the browser.
    """
    title = summary.label if isinstance(summary, TreeSummary) else summary.title or summary.kind
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{_text(title)}</title></head>"
        f'<body style="margin:1.5rem">{to_html(summary)}</body></html>\n'
    )


def _text(text: str) -> str:
    return escape(plain(text))


def _header(summary: Summary) -> str:
    facts = ", ".join(summary.facts())
    return (
        f'<header><span class="kind">{_text(summary.kind)}</span>'
        + (f"<b>{_text(summary.title)}</b>" if summary.title else "")
        + (f'<span class="facts">{_text(facts)}</span>' if facts else "")
        + ('<span class="state">closed</span>' if summary.closed else "")
        + "</header>"
    )


def _block(block: Block) -> str:
    match block:
        case Fields():
            pairs = (f"<dt>{_text(k)}</dt><dd>{_text(v)}</dd>" for k, v in block.pairs)
            return f"<dl>{''.join(pairs)}</dl>"
        case Table():
            return _table(block)
        case PlateMap():
            return _plate(block)
        case Names():
            shown = "".join(
                f'<span class="name">{_text(name)}</span>' for name in block.names[:MOST_LINES]
            )
            more = _more(len(block.names) - MOST_LINES)
            return _section(block.title, len(block.names), f"<div>{shown}{more}</div>")
        case Notes():
            notes = "".join("<li>" + escape("\n".join(note)) + "</li>" for note in block.lines())
            return f'<ul class="notes">{notes}</ul>'
        case TreeSummary():
            return _tree_block(block)


def _section(title: str, count: int, inner: str, *, shut: bool = False) -> str:
    return (
        f"<details{'' if shut else ' open'}><summary>{_text(title)}<small>{count:,}</small>"
        f'</summary><div class="scroll">{inner}</div></details>'
    )


def _more(hidden: int, noun: str = "") -> str:
    if hidden <= 0:
        return ""
    text = human_count(hidden, f"more {noun}") if noun else f"{hidden:,} more"
    return f'<div class="more">… {text}</div>'


def _table(table: Table) -> str:
    count = len(table.rows) + table.hidden
    shut = count > _OPEN_LINES
    table = table.cropped(MOST_LINES)
    sides = [' class="right"' if column.align == "right" else "" for column in table.columns]
    head = "".join(
        f'<th scope="col"{side}>{_text(column.name)}</th>'
        for side, column in zip(sides, table.columns, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{s}>{_cell(cell)}</td>" for s, cell in zip(sides, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    drawn = f'<table class="data"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _section(table.title, count, drawn + _more(table.hidden), shut=shut)


def _cell(cell: Cell) -> str:
    if not isinstance(cell, Ramp):
        return _text(cell)
    # Nothing from a document reaches the style attribute except six hexadecimal digits.
    color = hex_color(cell.color)
    if color is None:
        return '<span class="ramp none" title="no colour"></span>'
    start, end = f"{cell.start:.1%}", f"{cell.end:.1%}"
    ramp = f"linear-gradient(90deg,#000 {start},#{color} {end})"
    return f'<span class="ramp" title="#{color}" style="background:{ramp}"></span>'


def _plate(plate: PlateMap) -> str:
    """Draw a plate as a table: counts in the wells of a small plate, marks in a large one."""
    rows, columns = plate.rows[:MOST_ROWS], plate.columns[:MOST_COLUMNS]
    size = next((name for most, name in ((16, ""), (26, "small")) if len(columns) <= most), "tiny")
    # In a tiny map only every fifth column has room for its name.
    step = 5 if size == "tiny" else 1
    head = "".join(
        f'<th scope="col">{_text(name) if i % step == 0 else ""}</th>'
        for i, name in enumerate(columns)
    )
    lines = "".join(
        f'<tr><th scope="row">{_text(name)}</th>'
        + "".join(_well(spot, mark=size == "tiny") for spot in spots[:MOST_COLUMNS])
        + "</tr>"
        for name, spots in zip(rows, plate.spots, strict=False)
    )
    wells = sum(spot is not None for row in plate.spots for spot in row)
    drawn = f'<table class="plate {size}"><tr><td></td>{head}</tr>{lines}</table>'
    more = _more(len(plate.columns) - MOST_COLUMNS, "column")
    more += _more(len(plate.rows) - MOST_ROWS, "row")
    key = "".join(
        f'<span><i class="key {state}">{_sign(state)}</i>{_text(says)}</span>'
        for state, says in legend(plate)
    )
    return _section("wells", wells, f'{drawn}{more}<div class="legend">{key}</div>')


def _well(spot: Spot | None, *, mark: bool) -> str:
    if spot is None:
        return f'<td class="none">{NO_WELL}</td>'
    text = "" if mark or spot.state == "unreadable" else spot.text
    text += _sign(spot.state)
    full = f' style="--f:{spot.weight:.2f}"' if spot.state == "well" and spot.weight < 1 else ""
    return f'<td class="{spot.state}" title="{_text(spot.tip)}"{full}>{_text(text)}</td>'


def _sign(state: WellState) -> str:
    """Return the mark of what is wrong, since colour must never be the only sign."""
    return MARKS[state] if state in {"partial", "unreadable"} else ""


def _tree_block(tree: TreeSummary) -> str:
    return f'<div class="tree">{_branch(tree, 0)}</div>'


def _branch(node: TreeSummary, depth: int) -> str:
    """Draw a node and what is below it; a node with children folds."""
    label = _text(node.label) + (f"<small>{_text(node.detail)}</small>" if node.detail else "")
    hidden = node.hidden + max(len(node.children) - MOST_LINES, 0)
    if not node.children and not hidden:
        return f"<div>{label}</div>"
    if depth >= _DEEPEST:
        return f"<div>{label} …</div>"
    below = "".join(_branch(child, depth + 1) for child in node.children[:MOST_LINES])
    state = " open" if depth < _OPEN_DEPTH else ""
    return f"<details{state}><summary>{label}</summary>{below}{_more(hidden)}</details>"
