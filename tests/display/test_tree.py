from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.display.tree import TreeSummary

DRAWN = """\
plate.zarr
├── B
│   └── 03
│       ├── 0  (c 2, y 8, x 8)
│       ├── 1
│       └── … 4 more
└── C"""


def test_drawing(tree: TreeSummary) -> None:
    assert tree.render() == DRAWN


def test_level_says_how_deep(tree: TreeSummary) -> None:
    assert tree.render(0) == "plate.zarr"
    assert tree.render(1) == "plate.zarr\n├── B\n└── C"
    assert tree.render(99) == DRAWN
    with pytest.raises(ValueError, match="at least 0, got -1"):
        tree.render(-1)


def test_depth_is_not_limited_by_the_stack_of_python() -> None:
    node = TreeSummary("leaf")
    for _ in range(3000):
        node = TreeSummary("group", [node])
    assert [depth for _, depth in node.lines()] == list(range(3001))


def test_a_label_stays_in_its_line() -> None:
    assert TreeSummary("a\nb\x1b[0m").render() == r"a\nb\x1b[0m"


trees = st.recursive(
    st.builds(TreeSummary, st.just("leaf")),
    lambda below: st.builds(TreeSummary, st.just("node"), st.lists(below, max_size=4)),
)


def count(node: TreeSummary) -> int:
    return 1 + sum(map(count, node.children))


@given(trees)
def test_one_line_per_node(node: TreeSummary) -> None:
    assert len(node.render().split("\n")) == count(node)
