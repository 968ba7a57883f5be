"""What every adapter of files does to open them: find the path, and close after an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from iohub.errors import FormatError, NotFoundError
from iohub.storage.group import ZarrGroup
from iohub.storage.location import as_remote
from iohub.storage.remote_file import RemoteName
from iohub.storage.virtual import ZARR_FORMAT

if TYPE_CHECKING:
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes

FILE_SUFFIXES = (".tif", ".tiff", ".tf2", ".tf8", ".btf", ".parquet", ".pq")
"""How the names of files end that are read from servers."""


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


def file_name(location: Location, suffixes: tuple[str, ...]) -> str | None:
    """Return the path of a local file or folder, or the name of a file on a server.

    Parameters
    ----------
    location : Location
        Where it is.
    suffixes : tuple of str
        How the names of such files end: only those are asked for on a server.

    Returns
    -------
    str or None
        A :class:`~iohub.storage.remote_file.RemoteName` for a file on a server; None for all else.
    """
    remote = as_remote(location.store)
    if remote is None:
        return location.local_path
    if location.path or not location.url.lower().endswith(suffixes):
        return None
    if remote.file is None:  # what was read to recognise it is not read again to open it
        remote.file = RemoteName(location.url, remote.options).open()
    return remote.file.name


def is_file_on_server(location: Location) -> bool:
    """Whether there is a file of this name on a server, of a kind that is read there."""
    name = file_name(location, FILE_SUFFIXES)
    if not isinstance(name, RemoteName):
        return False
    try:
        return name.open().size > 0
    except NotFoundError:
        return False


def file_group(
    location: Location,
    suffixes: tuple[str, ...],
    open_store: Callable[[str], VirtualBytes],
    engine: str | None,
) -> ZarrGroup:
    """Return the group of a file, or of a local folder; see :func:`file_name`."""
    name = file_name(location, suffixes)
    if not isinstance(name, RemoteName):
        return local_group(location, open_store, engine)
    return ZarrGroup(open_store(name), "", ZARR_FORMAT, engine=engine)


@contextmanager
def closed_on_error(close: Callable[[], object]) -> Iterator[None]:
    """Release files if what is done with them raises; else they stay open."""
    with ExitStack() as undo:
        undo.callback(close)
        yield
        undo.pop_all()
