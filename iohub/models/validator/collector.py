"""Where findings are gathered: each gets its rule, its severity and its place in a file."""

from __future__ import annotations

from typing import Literal, TypeAlias

from iohub.errors import Problem
from iohub.metadata.check_v06 import DEMANDED
from iohub.models.validator.loading import Node
from iohub.models.validator.report import Demand, Finding, Rule, Severity
from iohub.models.validator.rules import entry_of

Weight: TypeAlias = Literal["must", "tolerated", "should", "may"]
"""How much a rule weighs: "tolerated" is demanded, but what breaks it can be read safely."""


class Collector:
    """Gathers findings.

    Parameters
    ----------
    strict : bool
        Whether what is tolerated or only recommended is an error too.
    """

    def __init__(self, strict: bool):
        self.strict = strict
        self.version: str | None = None
        self._found: dict[Finding, None] = {}

    def results(self) -> tuple[Finding, ...]:
        """Return what was found, node by node, errors first, each once."""
        order = {"error": 0, "warning": 1}
        return tuple(sorted(self._found, key=lambda f: (_natural(f.path), order[f.severity])))

    def document(self, node: Node) -> None:
        """Add what is wrong in the document of a node itself, or with what is there instead.

        Parameters
        ----------
        node : Node
            As it was read.
        """
        for problem in node.problems:
            self._add(node, problem, "must", problem.where)

    def metadata(self, node: Node) -> None:
        """Add what is wrong in the OME metadata of a group.

        Parameters
        ----------
        node : Node
            As it was read.
        """
        found = node.meta.findings
        for problem in found.must:
            self.attribute(node, problem, "must")
        for problem in found.should:
            weight: Weight = "tolerated" if problem.code in DEMANDED else "should"
            self.attribute(node, problem, weight)

    def attribute(self, node: Node, problem: Problem, weight: Weight = "must") -> None:
        """Add a finding in the attributes of a group.

        Parameters
        ----------
        node : Node
            As it was read.
        problem : Problem
            Its pointer is relative to the attributes.
        weight : {"must", "tolerated", "should", "may"}
            How much the rule weighs.
        """
        prefix = "/attributes" if node.zarr_format == 3 else ""
        self._add(node, problem, weight, prefix + problem.where)

    def member(
        self, node: Node, code: str, message: str, *where: str | int, weight: Weight = "must"
    ) -> None:
        """Add a finding about a member of the OME metadata of a group.

        Parameters
        ----------
        node : Node
            As it was read.
        code, message : str
            What is wrong.
        *where : str or int
            Names and indexes from the mapping with the OME metadata.
        weight : {"must", "tolerated", "should", "may"}
            How much the rule weighs.
        """
        self.attribute(node, Problem(pointer_in(node, *where), message, code), weight)

    def array(
        self, node: Node, code: str, message: str, pointer: str = "", weight: Weight = "must"
    ) -> None:
        """Add a finding about an array.

        Parameters
        ----------
        node : Node
            As it was read.
        code, message : str
            What is wrong.
        pointer : str
            JSON pointer into its document.
        weight : {"must", "tolerated", "should", "may"}
            How much the rule weighs.
        """
        self._add(node, Problem(pointer, message, code), weight, pointer)

    def _add(self, node: Node, problem: Problem, weight: Weight, pointer: str) -> None:
        entry = entry_of(problem.code, problem.where)
        version = node.meta.version or self.version
        standard = (
            f"Zarr v{node.zarr_format}" if entry.zarr else f"OME-Zarr {version or ''}".strip()
        )
        demand: Demand = "must" if weight == "tolerated" else weight
        finding = Finding(
            code=problem.code,
            severity=self._severity(weight),
            path=node.path,
            document=node.document,
            pointer=pointer,
            message=problem.what,
            advice=entry.advice,
            rule=Rule(standard, entry.section, demand),
        )
        self._found.setdefault(finding)

    def _severity(self, weight: Weight) -> Severity:
        if weight == "must" or (self.strict and weight != "may"):
            return "error"
        return "warning"


def pointer_in(node: Node, *where: str | int) -> str:
    """Return a JSON pointer from the attributes of a group to a member of its OME metadata.

    Parameters
    ----------
    node : Node
        As it was read.
    *where : str or int
        Names and indexes from the mapping with the OME metadata.
    """
    parts = (*node.meta.root, *where)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _natural(path: str) -> list[tuple[int, int, str]]:
    parts = path.split("/") if path else []
    return [(0, int(p), "") if p.isascii() and p.isdecimal() else (1, 0, p) for p in parts]
