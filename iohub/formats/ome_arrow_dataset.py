"""OME-Arrow as a directory of tables: images in chunks, with a table that says what each is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from iohub.formats.opening import local_group

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

name = "ome-arrow-dataset"
title = "OME-Arrow (dataset directory)"
suffixes: tuple[str, ...] = ()
packages: tuple[str, ...] = ("pyarrow",)
extra = "arrow"

_MARK = "_ome_arrow_dataset.json"


def sniff(location: Location) -> bool:
    """Whether the location is a directory with the file that marks a dataset."""
    path = location.local_path
    return path is not None and os.path.isfile(os.path.join(path, _MARK))


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show a dataset as a position, a series or a plate, without reading pixels.

    Parameters
    ----------
    location : Location
        The directory.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If a table is damaged, or there is no image.
    LayoutError
        If two rows are the same array.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show a dataset as the store that it could be; see :func:`open_group`."""
    from iohub.formats.ome_arrow.dataset_rows import from_dataset
    from iohub.formats.ome_arrow.store import table_store

    return table_store(from_dataset(path), reopen=(open_store, (path,)))
