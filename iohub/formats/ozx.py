"""OME-Zarr in one file: a ``.ozx`` (RFC-9) or plain ``.zip`` archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.errors import NotFoundError
from iohub.storage.group import open_group as _open_group
from iohub.storage.keys import DOCUMENTS, join
from iohub.storage.location import as_archive

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location
    from iohub.storage.ozx import ArchiveBytes

name = "ozx"
title = "zipped OME-Zarr"
suffixes: tuple[str, ...] = (".ozx", ".zip")
packages: tuple[str, ...] = ()
extra = ""


def sniff(location: Location) -> bool:
    """Whether the location is in an archive, whatever that holds; it is not opened."""
    return as_archive(location.store) is not None


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Return the group at the location.

    Raises
    ------
    NotFoundError
        If there is no group there; what the archive holds is said.
    FormatError, PathError
        If the archive is damaged, or refused.
    DocumentError
        If the group's document is no valid JSON.
    """
    archive = as_archive(location.store)
    if archive is not None:
        _check_there(archive, location)
    return _open_group(location.store, location.path, engine=engine)


def _check_there(archive: ArchiveBytes, location: Location) -> None:
    if any(archive.token(join(location.path, name)) is not None for name in DOCUMENTS):
        return
    directory = archive.directory()
    held = [] if directory is None else directory.hierarchies()
    if held and not location.path:
        raise NotFoundError(
            f"{location.url} holds {len(held)} datasets and none at its top: give the path of one, "
            f"such as {location.url}/{held[0]}"
        )
    raise NotFoundError(f"{location.url}: there is no Zarr group at this place of the archive")
