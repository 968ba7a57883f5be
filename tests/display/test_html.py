from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from iohub.display import (
    ChannelEntry,
    Column,
    FieldEntry,
    LevelEntry,
    Names,
    PageSummary,
    PlateMap,
    PlateSummary,
    PositionSummary,
    Spot,
    Summary,
    Table,
    TreeSummary,
    WellEntry,
    WellSummary,
    to_html,
    to_html_page,
)

TAGS = {"div", "style", "header", "span", "b", "dl", "dt", "dd", "details", "summary", "small"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td", "ul", "li", "i"}
ATTRIBUTES = {"class", "title", "style", "open", "scope"}
STYLES = re.compile(
    r"background:linear-gradient\(90deg,#000 [\d.]+%,#[0-9A-F]{6} [\d.]+%\)|--f:[\d.]+"
)


class Reader(HTMLParser):
    """Reads a fragment and checks that tags are closed in order and that all are expected."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.classes: Counter[str] = Counter()
        self.words: list[str] = []
        self.feed(fragment)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        given = dict(attrs)
        assert set(given) <= ATTRIBUTES
        assert STYLES.fullmatch(given.get("style") or "--f:1")
        self.open.append(tag)
        self.tags[tag] += 1
        self.classes.update((given.get("class") or "").split())

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.words)


def test_every_kind_is_well_formed_and_self_contained(every_kind: list[Summary]) -> None:
    for summary in every_kind:
        html = to_html(summary)
        reader = Reader(html)
        assert summary.kind in reader.text
        assert summary.title in reader.text
        for forbidden in ("<script", "http:", "https:", "url(", "@import", "javascript:"):
            assert forbidden not in html


hostile = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", "</style><b>", '" onmouseover="x', "'>", "&lt;", "red;}", "\x00"]
)


@given(hostile)
def test_nothing_from_a_document_becomes_markup(name: str) -> None:
    level = LevelEntry(path=name, dtype=name, problem=name)
    well = WellEntry(row=name, column=name, problem=name, note=name)
    summaries = [
        PositionSummary(
            title=name,
            url=name,
            version=name,
            channels=(ChannelEntry(name=name, color=name),),
            levels=(level,),
            labels=(name,),
            problems=(name,),
            fields=((name, name),),
        ),
        PlateSummary(rows=(name,), columns=(name,), wells=(well,)),
        WellSummary(positions=(FieldEntry(name=name, problem=name),)),
    ]
    for summary in summaries:
        Reader(to_html(summary))
    Reader(to_html(TreeSummary(name, [TreeSummary(name, detail=name)], name, 3)))


def test_channels_have_their_colours(position: PositionSummary) -> None:
    html = to_html(position)
    assert "linear-gradient(90deg,#000 0.2%,#0000FF 6.2%)" in html
    assert Reader(html).classes["ramp"] == 2


def test_wells_are_marked(broken_plate: PlateSummary) -> None:
    reader = Reader(to_html(broken_plate))
    # Each state occurs in the plate and once in the legend.
    for state, count in {
        "partial": 1,
        "unreadable": 1,
        "empty": 1,
        "unknown": 1,
        "well": 2,
    }.items():
        assert reader.classes[state] == count + 1
    assert "4!" in reader.words
    assert 'title="A/2: zarr.json is not JSON"' in to_html(broken_plate)


def test_large_plates_stay_small(make_plate: Callable[..., PlateSummary]) -> None:
    html = to_html(make_plate(32, 48))
    assert Reader(html).classes["well"] == 32 * 48 + 1
    assert len(html) < 120_000


def test_what_is_left_out_is_counted() -> None:
    names = tuple(map(str, range(500)))
    table = Table("many", (Column("name"),), tuple((name,) for name in names))
    plate = PlateMap(names, names, ((Spot("well", "1"),) * 500,) * 500)
    tree = TreeSummary("root", [TreeSummary(name) for name in names], hidden=1)
    reader = Reader(to_html(PageSummary(page=(table, plate, Names("words", names), tree))))
    for words in ("400 more", "404 more columns", "436 more rows", "401 more"):
        assert f"… {words}" in reader.words
    assert "250,000 complete" in reader.words


def test_a_deep_tree_ends() -> None:
    node = TreeSummary("leaf")
    for _ in range(3000):
        node = TreeSummary("group", [node])
    assert Reader(to_html(node)).words[-1] == "group …"


def test_page(position: PositionSummary, tree: TreeSummary) -> None:
    page = to_html_page(position)
    assert page.startswith("<!DOCTYPE html>\n")
    assert "<title>B/03/0</title>" in page
    assert to_html(position) in page
    assert "<title>plate.zarr</title>" in to_html_page(tree)
