"""What a repair does: changes of single documents, each said in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iohub.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Change:
    """A document that is changed.

    Attributes
    ----------
    path : str
        Path of the node below what is repaired.
    document : str
        File in the node's folder.
    what : tuple of str
        Each change in words.
    before, after : JSON value
        The document; None before if there was none or it could not be read.
    """

    path: str
    document: str
    what: tuple[str, ...]
    before: Json
    after: Json

    @property
    def where(self) -> str:
        """Path of the document below what is repaired."""
        return "/".join(part for part in (self.path, self.document) if part)

    def to_json(self) -> JsonObject:
        """Return the change as JSON."""
        return {
            "path": self.path,
            "document": self.document,
            "what": list(self.what),
            "before": self.before,
            "after": self.after,
        }

    def __str__(self) -> str:
        return "\n".join(f"{self.where}: {text}" for text in self.what)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was repaired, or would be.

    Attributes
    ----------
    url : str
        What was repaired.
    changes : tuple of Change
        Document by document.
    left : tuple of str
        What is wrong still, and why it was left.
    dry_run : bool
        Whether nothing was written.
    """

    url: str
    changes: tuple[Change, ...]
    left: tuple[str, ...]
    dry_run: bool

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __bool__(self) -> bool:
        """Whether there was something to change."""
        return bool(self.changes)

    def to_json(self) -> JsonObject:
        """Return the repair as JSON."""
        return {
            "url": self.url,
            "dry_run": self.dry_run,
            "changes": [change.to_json() for change in self.changes],
            "left": list(self.left),
        }

    def __str__(self) -> str:
        number = len(self.changes)
        documents = f"{number:,} document" + ("" if number == 1 else "s")
        done = "would change" if self.dry_run else "changed"
        lines = [*map(str, self.changes), *(f"left: {text}" for text in self.left)]
        return "\n".join([*lines, f"{self.url}: {done} {documents}"])
