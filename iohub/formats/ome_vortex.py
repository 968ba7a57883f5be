"""OME-Arrow in Vortex files: positions, and plates of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.formats.opening import local_group

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "ome-vortex"
title = "OME-Arrow (Vortex)"
suffixes: tuple[str, ...] = (".vortex",)
packages: tuple[str, ...] = ("pyarrow", "vortex")
extra = "vortex"

_MAGIC = b"VTXF"


def sniff(location: Location) -> bool:
    """Whether the location is a Vortex file; which columns it has is not looked at."""
    path = location.local_path
    if path is None:
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a table as a position, a series or a plate, without reading pixels.

    Parameters
    ----------
    location : Location
        The file.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If it is damaged, or has no image.
    LayoutError
        If no column holds records, or two rows are the same array.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a Vortex file as the store that it could be; see :func:`open_group`."""
    from iohub.formats.ome_arrow.store import table_store
    from iohub.formats.ome_arrow.vortex_rows import from_vortex

    return table_store(from_vortex(path), reopen=(open_store, (path,)))
