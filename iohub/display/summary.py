"""What every summary of a node has, as frozen data that outlives the node; draws nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from iohub.display.blocks import Block, Fields, Notes


@dataclass(frozen=True, kw_only=True)
class Summary(ABC):
    """What every summary has; a subclass adds its own facts and blocks.

    Attributes
    ----------
    kind : str
        Class of the node, such as ``"Plate"``.
    title : str
        Name of the node: its path, or the name of the store at the root.
    url : str
        Where the store is.
    format : str
        Format of the store; OME-Zarr is meant if only a version is given.
    version : str
        Version of the format, empty if it has none.
    closed : bool
        Whether the node has been closed.
    fields : tuple of (str, str)
        More facts as label and value, shown after the known ones.
    problems : tuple of str
        What is wrong with the node, one sentence each.
    """

    kind: str = "Node"
    title: str = ""
    url: str = ""
    format: str = ""
    version: str = ""
    closed: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    @abstractmethod
    def facts(self) -> tuple[str, ...]:
        """Return the few words that a one-line repr has room for."""

    @abstractmethod
    def body(self) -> tuple[Block, ...]:
        """Return the blocks that only this kind of node has."""

    @property
    def format_name(self) -> str:
        """Format and version, such as ``"OME-Zarr 0.5"``; empty if neither is known."""
        return f"{self.format or 'OME-Zarr'} {self.version}" if self.version else self.format

    def details(self) -> tuple[tuple[str, str], ...]:
        """Return the labelled facts that head the page."""
        known = (("location", self.url), ("format", self.format_name))
        return (*(pair for pair in known if pair[1]), *self.fields)

    def blocks(self) -> tuple[Block, ...]:
        """Return everything below the title, in the order in which it is drawn."""
        head: tuple[Block, ...] = (Notes(self.problems),) if self.problems else ()
        details = self.details()
        if details:
            head += (Fields(details),)
        return head + self.body()


@dataclass(frozen=True, kw_only=True)
class PageSummary(Summary):
    """A summary whose facts and blocks are given; for what has no summary of its own.

    Attributes
    ----------
    says : tuple of str
        Words of the one-line repr.
    page : tuple of Block
        Blocks below the title.
    """

    says: tuple[str, ...] = ()
    page: tuple[Block, ...] = ()

    def facts(self) -> tuple[str, ...]:
        """Return `says`."""
        return self.says

    def body(self) -> tuple[Block, ...]:
        """Return `page`."""
        return self.page
