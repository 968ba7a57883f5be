"""What every adapter of local files does to open them: find the path, and close after an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from iohub.errors import FormatError
from iohub.storage.group import ZarrGroup
from iohub.storage.virtual import ZARR_FORMAT

if TYPE_CHECKING:
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes


def local_group(
    location: Location, open_store: Callable[[str], VirtualBytes], engine: str | None
) -> ZarrGroup:
    """Return the group of a local file or folder.

    Parameters
    ----------
    location : Location
        Where it is.
    open_store : callable
        Shows what is at a path as the store that it could be.
    engine : str or None
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If it is not in the local file system.
    """
    path = location.local_path
    if path is None:
        raise FormatError(f"{location.url} is not in the local file system; copy it there first")
    return ZarrGroup(open_store(path), "", ZARR_FORMAT, engine=engine)


@contextmanager
def closed_on_error(close: Callable[[], object]) -> Iterator[None]:
    """Release files if what is done with them raises; else they stay open."""
    with ExitStack() as undo:
        undo.callback(close)
        yield
        undo.pop_all()
