"""What the nodes of one opened store share: mode, engine, strictness, whether it is closed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from iohub.errors import ClosedError, MetadataWarning, ReadOnlyError
from iohub.storage.keys import place_name

if TYPE_CHECKING:
    from iohub.types import JsonObject


class Parsed:
    """Documents parsed lately, by the attributes that spell them.

    Groups with equal documents share one object of attributes, see
    :meth:`iohub.storage.group_reading.ReadableGroup.attrs`; so most positions of a plate are
    parsed and checked once.
    """

    SIZE = 64

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[JsonObject, Any]] = {}

    def get(self, kind: Hashable, attrs: JsonObject, parse: Callable[[JsonObject], Any]) -> Any:
        """Return the document that attributes spell.

        Parameters
        ----------
        kind : hashable
            What else the result depends on.
        attrs : dict
            Recognised by identity; nobody changes them.
        parse : callable
            Makes the document where it is not known.
        """
        key = (kind, id(attrs))
        held = self._held.get(key)
        if held is not None and held[0] is attrs:
            return held[1]
        document = parse(attrs)
        self.put(kind, attrs, document)
        return document

    def put(self, kind: Hashable, attrs: JsonObject, document: Any) -> None:
        """Keep a document that attributes spell.

        Parameters
        ----------
        kind : hashable
            What else it depends on.
        attrs : dict
            Recognised by identity; nobody changes them.
        document : object
            What parsing them would give.
        """
        if len(self._held) >= self.SIZE:
            self._held.clear()
        self._held[kind, id(attrs)] = (attrs, document)


@dataclass
class Session:
    """State shared by every node of one opened store.

    Parameters
    ----------
    url : str
        Where the store is, for messages.
    mode : str
        Persistence mode it was opened with.
    engine : str, optional
        Name of the storage engine; None chooses one per array.
    strict : bool
        Whether documents that break a SHOULD of the specification are refused.
    overwriting : bool
        Whether creating a child that exists replaces it.
    on_close : callable, optional
        Releases what the store holds.
    base : str
        Path in the store of the node that was opened.
    title : str
        What new documents call the store; the last part of its place if not given.
    remedy : str
        What to do where it is open for reading only.
    """

    url: str
    mode: str = "r"
    engine: str | None = None
    strict: bool = False
    overwriting: bool = False
    on_close: Callable[[], None] | None = None
    base: str = ""
    title: str = ""
    remedy: str = "open it with mode='r+' to change it"
    closed: bool = field(default=False, init=False)
    told: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False, compare=False)
    parsed: Parsed = field(default_factory=Parsed, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.title = self.title or place_name(self.url)

    def listener(self, url: str) -> Callable[[str], None]:
        """Return what warns of an odd document, once as long as the store is open.

        Parameters
        ----------
        url : str
            Where the document is.
        """

        def warn(text: str) -> None:
            if (url, text) not in self.told:
                self.told.add((url, text))
                warnings.warn(f"{url}: {text}", MetadataWarning, stacklevel=3)

        return warn

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self.mode == "r"

    def check_open(self) -> None:
        """Refuse to go on after ``close()``."""
        if self.closed:
            raise ClosedError(f"{self.url} is closed; open it again with open_ome_zarr(...)")

    def check_writable(self) -> None:
        """Refuse to write in mode "r" or after ``close()``."""
        self.check_open()
        if self.read_only:
            raise ReadOnlyError(f"{self.url} is open for reading only; {self.remedy}")

    def close(self) -> None:
        """Release the store; a second call does nothing."""
        if not self.closed:
            self.closed = True
            if self.on_close is not None:
                self.on_close()
