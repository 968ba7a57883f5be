"""OME-Arrow in Parquet files: positions, plates of them, and foreign tables with images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.errors import NotFoundError
from iohub.formats.opening import file_group, file_name
from iohub.storage.remote_file import RemoteFile, RemoteName

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "ome-parquet"
title = "OME-Arrow (Parquet)"
suffixes: tuple[str, ...] = (".parquet", ".pq")
packages: tuple[str, ...] = ("pyarrow",)
extra = "arrow"

_MAGIC = b"PAR1"


def sniff(location: Location) -> bool:
    """Whether the location is a Parquet file; which columns it has is not looked at."""
    path = file_name(location, suffixes)
    if path is None:
        return False
    if isinstance(path, RemoteName):
        return _is_parquet(path.open())
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _is_parquet(file: RemoteFile) -> bool:
    try:
        # The end is read in any case, as the footer is there.
        return any(file.read(at, len(_MAGIC)) == _MAGIC for at in (file.size - len(_MAGIC), 0))
    except NotFoundError:
        return False


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a table as a position, a series or a plate, without reading pixels.

    Parameters
    ----------
    location : Location
        The file, which may be on a server.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If it is damaged, or has no image.
    LayoutError
        If no column holds records, or two rows are the same array.
    """
    return file_group(location, suffixes, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a Parquet file as the store that it could be; see :func:`open_group`."""
    from iohub.formats.ome_arrow.rows import from_file
    from iohub.formats.ome_arrow.store import table_store

    return table_store(from_file(path), reopen=(open_store, (path,)))
