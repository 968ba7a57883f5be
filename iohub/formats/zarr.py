"""Zarr stores, versions 2 and 3: the format that needs no translation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.storage.group import open_group as _open_group

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location

name = "zarr"
title = "OME-Zarr"
suffixes: tuple[str, ...] = (".zarr",)
packages: tuple[str, ...] = ()
extra = ""

# Documents whose presence makes a directory a Zarr node.
DOCUMENTS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")


def sniff(location: Location) -> bool:
    """Whether there is a Zarr document at the location."""
    store = location.store
    keys = [f"{location.path}/{name}" if location.path else name for name in DOCUMENTS]
    if store.has_tokens:  # a plate's document may be large
        return any(store.token(key) is not None for key in keys)
    return any(store.get(key) is not None for key in keys)


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Return the group at the location.

    Raises
    ------
    NotFoundError
        If there is no group.
    DocumentError
        If its document is no valid JSON.
    """
    return _open_group(location.store, location.path, engine=engine)
