"""Which formats there are, and which one a location holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from iohub.errors import NotFoundError
from iohub.formats import zarr as _zarr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location


class Adapter(Protocol):
    """How a format is recognised and opened."""

    @property
    def name(self) -> str:
        """Name of the format."""

    def sniff(self, location: Location) -> bool:
        """Whether the location holds this format, from names and a few bytes."""

    def open_group(self, location: Location, *, engine: str | None = None) -> ZarrGroup:
        """Show it as a group."""


def adapters() -> Iterator[Adapter]:
    """Every format that is known, in the order in which they are tried."""
    yield _zarr


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Open what is at a location as a group.

    Raises
    ------
    NotFoundError
        If nothing is there, or nothing that an adapter recognises.
    """
    for adapter in adapters():
        if adapter.sniff(location):
            return adapter.open_group(location, engine=engine)
    tried = ", ".join(adapter.name for adapter in adapters())
    raise NotFoundError(
        f"no image store at {location.url} (tried: {tried}); give the path of a store, or of a "
        "position in it"
    )
