"""A hierarchy of labels and its drawing with box-drawing characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iohub.display.characters import flat, plain


@dataclass(frozen=True)
class TreeSummary:
    """A hierarchy of labels.

    Attributes
    ----------
    label : str
        Name of this node.
    children : sequence of TreeSummary
        Nodes below.
    detail : str
        What more there is to say in the same line.
    hidden : int
        Children that exist and are left out of `children`; they are counted in the last line.
    """

    label: str
    children: Sequence[TreeSummary] = ()
    detail: str = ""
    hidden: int = 0

    def render(self, level: int | None = None) -> str:
        """Draw the tree with box-drawing characters.

        Parameters
        ----------
        level : int, optional
            How many levels below this node are drawn; None draws all, 0 only this node.

        Returns
        -------
        str
            One line per node, without a line end after the last.

        Raises
        ------
        ValueError
            If `level` is negative.
        """
        return "\n".join(line for line, _ in self.lines(level))

    def lines(self, level: int | None = None) -> list[tuple[str, int]]:
        """Lines of :meth:`render`, each with the depth of its node.

        Parameters
        ----------
        level : int, optional
            As in :meth:`render`.

        Raises
        ------
        ValueError
            If `level` is negative.
        """
        if level is not None and level < 0:
            raise ValueError(f"level must be None or at least 0, got {level}")
        drawn = [(_tree_label(self), 0)]
        # A stack and not recursion: a hierarchy from a file may be deeper than Python's stack.
        stack = _tree_branches(self, "", 1, level)
        while stack:
            node, lead, last, depth = stack.pop()
            drawn.append((lead + ("└── " if last else "├── ") + _tree_label(node), depth))
            stack += _tree_branches(node, lead + ("    " if last else "│   "), depth + 1, level)
        return drawn


def _tree_label(node: TreeSummary) -> str:
    return plain(f"{node.label}  {flat(node.detail)}" if node.detail else node.label)


def _tree_branches(
    node: TreeSummary, lead: str, depth: int, level: int | None
) -> list[tuple[TreeSummary, str, bool, int]]:
    """Children of a node in reverse, as the stack of :meth:`TreeSummary.lines` takes them."""
    if level is not None and depth > level:
        return []
    children = [*node.children]
    if node.hidden:
        children.append(TreeSummary(f"… {node.hidden:,} more"))
    last = len(children) - 1
    return [(child, lead, i == last, depth) for i, child in enumerate(children)][::-1]
