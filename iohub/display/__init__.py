"""How things look: summaries as frozen data, drawn as text, in a rich terminal or as HTML.

Knows no node and touches no file. A node fills a summary; :class:`Displayed` does the rest.
"""

from __future__ import annotations

from iohub.display.blocks import (
    Block,
    Column,
    Fields,
    Names,
    Notes,
    PlateMap,
    Ramp,
    Spot,
    Table,
    hex_color,
)
from iohub.display.characters import encodable, plain
from iohub.display.entries import (
    AcquisitionEntry,
    AxisEntry,
    ChannelEntry,
    FieldEntry,
    LevelEntry,
    WellEntry,
)
from iohub.display.html import to_html, to_html_page
from iohub.display.image_summary import ArraySummary, PositionSummary
from iohub.display.plate_summary import PlateSummary, RowSummary, WellSummary
from iohub.display.quantities import (
    human_bytes,
    human_count,
    human_duration,
    human_length,
    human_number,
    human_quantity,
    human_shape,
    unit_symbol,
)
from iohub.display.shown import Displayed
from iohub.display.summary import PageSummary, Summary
from iohub.display.terminal import to_rich
from iohub.display.text import one_line, to_text
from iohub.display.tree import TreeSummary

__all__ = [
    "AcquisitionEntry",
    "ArraySummary",
    "AxisEntry",
    "Block",
    "ChannelEntry",
    "Column",
    "Displayed",
    "FieldEntry",
    "Fields",
    "LevelEntry",
    "Names",
    "Notes",
    "PageSummary",
    "PlateMap",
    "PlateSummary",
    "PositionSummary",
    "Ramp",
    "RowSummary",
    "Spot",
    "Summary",
    "Table",
    "TreeSummary",
    "WellEntry",
    "WellSummary",
    "encodable",
    "hex_color",
    "human_bytes",
    "human_count",
    "human_duration",
    "human_length",
    "human_number",
    "human_quantity",
    "human_shape",
    "one_line",
    "plain",
    "to_html",
    "to_html_page",
    "to_rich",
    "to_text",
    "unit_symbol",
]
