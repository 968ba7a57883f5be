"""What the validator found: findings, each with its rule and remedy, and the report of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iohub.errors import DocumentError, Problem
from iohub.types import JsonObject

Severity: TypeAlias = Literal["error", "warning"]
Demand: TypeAlias = Literal["must", "should", "may"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a specification.

    Attributes
    ----------
    standard : str
        Specification and version, such as ``"OME-Zarr 0.5"`` or ``"Zarr v2"``.
    section : str
        Where it says so.
    demand : {"must", "should", "may"}
        How strongly; "may" is allowed but worth knowing.
    """

    standard: str
    section: str
    demand: Demand

    def __str__(self) -> str:
        return f"{self.standard}, {self.section!r}: {self.demand.upper()}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    code : str
        Stable name of the rule, such as ``"axes-order"``.
    severity : {"error", "warning"}
        An error makes the store invalid.
    path : str
        Path of the node below what was validated; ``""`` is that itself.
    document : str
        File in the node's folder, such as ``"zarr.json"``; empty if it is not about one.
    pointer : str
        JSON pointer into that file.
    message : str
        What is wrong.
    advice : str
        What to do.
    rule : Rule
        Which rule is broken.
    """

    code: str
    severity: Severity
    path: str
    document: str
    pointer: str
    message: str
    advice: str
    rule: Rule

    def to_json(self) -> JsonObject:
        """Return the finding as JSON."""
        return {
            "code": self.code,
            "severity": self.severity,
            "path": self.path,
            "document": self.document,
            "pointer": self.pointer,
            "message": self.message,
            "advice": self.advice,
            "rule": {
                "standard": self.rule.standard,
                "section": self.rule.section,
                "demand": self.rule.demand,
            },
        }

    @property
    def where(self) -> str:
        """Document and pointer in one, such as ``A/1/0/zarr.json#/attributes/ome/version``."""
        place = "/".join(part for part in (self.path, self.document) if part) or "."
        return f"{place}#{self.pointer}" if self.pointer else place

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.message} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found in a store.

    Attributes
    ----------
    url : str
        What was validated.
    version : str or None
        Its OME-Zarr version; None if there is none, or iohub does not know it.
    strict, deep : bool
        Whether recommendations count as rules, and whether the pixels were decoded.
    findings : tuple of Finding
        In the order of the hierarchy; empty if all is well.
    groups, arrays, chunks : int
        How many were looked at; chunks that were decoded.
    """

    url: str
    version: str | None
    strict: bool
    deep: bool
    findings: tuple[Finding, ...]
    groups: int = 0
    arrays: int = 0
    chunks: int = 0

    @property
    def valid(self) -> bool:
        """Whether there is no error; warnings are allowed."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What makes the store invalid."""
        return tuple(each for each in self.findings if each.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is allowed and still worth mending."""
        return tuple(each for each in self.findings if each.severity == "warning")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        """Be true even without findings: ``if report.valid`` is the question to ask."""
        return True

    def codes(self) -> Counter[str]:
        """Return how often each code was found."""
        return Counter(each.code for each in self.findings)

    def raise_for_errors(self) -> None:
        """Do nothing if the store is valid.

        Raises
        ------
        DocumentError
            If it is not; all errors are listed.
        """
        if self.errors:
            problems = [Problem(each.where, each.message, each.code) for each in self.errors]
            raise DocumentError(problems, self.url)

    def to_json(self) -> JsonObject:
        """Return the report as JSON."""
        return {
            "url": self.url,
            "valid": self.valid,
            "version": self.version,
            "strict": self.strict,
            "deep": self.deep,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "groups": self.groups,
            "arrays": self.arrays,
            "chunks": self.chunks,
            "findings": [each.to_json() for each in self.findings],
        }

    def summary(self) -> str:
        """Return the verdict in one line."""
        seen = [_count(self.groups, "group"), _count(self.arrays, "array")]
        if self.deep:
            seen.append(_count(self.chunks, "chunk"))
        verdict = "valid" if self.valid else "not valid"
        standard = f"OME-Zarr {self.version}" if self.version else "OME-Zarr"
        found = [
            _count(len(some), name)
            for some, name in ((self.errors, "error"), (self.warnings, "warning"))
            if some
        ]
        text = f"{self.url}: {verdict} {standard}" + (" (strict)" if self.strict else "")
        return f"{text}; {', '.join([*found, *seen])}"

    def grouped(self) -> list[tuple[Finding, list[str]]]:
        """Return each different finding once, with the paths of the nodes that it was found in."""
        groups: dict[tuple[str, ...], tuple[Finding, list[str]]] = {}
        for each in self.findings:
            key = (each.severity, each.code, each.document, each.pointer, each.message)
            groups.setdefault(key, (each, []))[1].append(each.path)
        return list(groups.values())

    def __str__(self) -> str:
        return "\n".join([*(_lines(*group) for group in self.grouped()), self.summary()])

    def __repr__(self) -> str:
        return f"<Report {self.summary()}>"


def _lines(finding: Finding, paths: Sequence[str]) -> str:
    text = f"{finding}\n    {finding.rule}. {finding.advice}".rstrip()
    if len(paths) > 1:
        shown = ", ".join(paths[1 : _SHOWN + 1]) + (", …" if len(paths) > _SHOWN + 1 else "")
        text += f"\n    The same in {_count(len(paths) - 1, 'more node')}: {shown}"
    return text


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")
