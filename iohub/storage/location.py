"""From what a user passes as a place (path, URL, zarr store) to bytes; and whether it is Zarr."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from iohub.errors import PathError, ReadOnlyError
from iohub.storage.keys import OWN_PREFIX, check_prefix, join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, WritableByteStore

if TYPE_CHECKING:
    from zarr.abc.store import Store
    from zarr.storage import StorePath

StoreLike: TypeAlias = "str | os.PathLike[str] | Store | StorePath | ByteStore"

_WIPING = f"{OWN_PREFIX}-wiping"
_MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs", _WIPING)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@runtime_checkable
class Reopens(ByteStore, Protocol):
    """A byte store that can be opened in another mode: what a plug-in passes as a place."""

    def with_read_only(self, read_only: bool = True) -> ByteStore:
        """Return the same bytes, opened for reading only or for writing too."""


@dataclass(frozen=True)
class Location:
    """A place where a dataset is, or may be created.

    Attributes
    ----------
    store : ByteStore
        The bytes.
    path : str
        Path in the store, ``""`` for its root.
    url : str
        The whole, for people.
    zarr_store : zarr.abc.store.Store or None
        The zarr store that was passed in, if one was.
    """

    store: ByteStore
    path: str
    url: str
    zarr_store: Store | None = None

    @property
    def local_path(self) -> str | None:
        """The directory or file, None if it is not in the local file system."""
        if isinstance(self.store, LocalBytes):
            return self.store.path(self.path)
        return None

    @property
    def name(self) -> str:
        """Last part of the place's name."""
        return re.split(r"[/\\]", self.url.rstrip("/\\"))[-1]


def locate(store_path: StoreLike, *, writable: bool) -> Location:
    """Find the bytes of a place; nothing is read or created.

    Parameters
    ----------
    store_path : path-like, str, zarr store or ByteStore
        A local path (``~`` is expanded), ``file://…``, ``memory://name`` (one memory store per
        name in a process), any zarr ``Store`` or ``StorePath``, or a byte store of one's own.
    writable : bool
        Whether the bytes may be changed.

    Raises
    ------
    PathError
        If it is a URL of a kind that is not supported, or no place at all.
    ReadOnlyError
        If `writable` is asked of a read-only zarr store.
    """
    if isinstance(store_path, str | os.PathLike):
        return _locate_text(os.fspath(store_path), writable)
    if isinstance(store_path, Reopens):
        return _locate_bytes(store_path, writable)
    # An object of zarr exists only after zarr was imported.
    if "zarr" in sys.modules:
        from iohub.storage.zarr_bytes import unwrap_zarr

        found = unwrap_zarr(store_path)
        if found is not None:
            return _locate_zarr(*found, writable)
    raise PathError(
        f"a {type(store_path).__name__} is no place for a dataset; "
        "pass a path, a URL, a zarr Store or a zarr StorePath"
    )


def _locate_bytes(store: Reopens, writable: bool) -> Location:
    if writable and store.read_only:
        raise ReadOnlyError(f"{store.url} is a read-only store; open it for writing first")
    own = store if store.read_only == (not writable) else store.with_read_only(not writable)
    return Location(own, "", own.url)


def _locate_text(text: object, writable: bool) -> Location:
    if not isinstance(text, str) or not text:
        raise PathError(f"{text!r} is no path; pass a non-empty str")
    if _SCHEME.match(text):
        scheme = text.partition("://")[0].lower()
        if scheme == "memory":
            return _locate_memory(text, writable)
        if scheme != "file":
            raise PathError(
                f"{text}: {scheme} URLs are not opened directly; supported are local paths, "
                "file://, memory:// and zarr stores: "
                "pass for example zarr.storage.FsspecStore.from_url(…) or an ObjectStore"
            )
        text = _file_path(text)
    store = LocalBytes(os.path.expanduser(text), read_only=not writable)
    return Location(store, "", store.root)


def _locate_memory(text: str, writable: bool) -> Location:
    from iohub.storage.zarr_bytes import ZarrBytes, memory_store

    name, _, path = text.partition("://")[2].partition("/")
    if not name:
        raise PathError(f"{text}: give the memory store a name, as in memory://plate")
    store = memory_store(name)
    path = check_prefix(path.strip("/"))
    return Location(ZarrBytes(store, not writable), path, text.rstrip("/"), store)


def _locate_zarr(store: Store, path: str, writable: bool) -> Location:
    from iohub.storage.zarr_bytes import byte_store

    own = byte_store(store, read_only=not writable)
    path = check_prefix(path.strip("/"))
    return Location(own, path, join(own.url.rstrip("/") or "/", path), store)


def _file_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise PathError(f"{url}: files of another host are not supported; mount them")
    path = url2pathname(parts.path) if os.name == "nt" else unquote(url.partition("://")[2])
    return path.removeprefix("localhost") if parts.netloc else path


def exists(location: Location) -> bool:
    """Whether anything is there, be it an empty directory."""
    if isinstance(location.store, LocalBytes):
        return location.store.exists(location.path)
    return any(location.store.list_dir(location.path))


def is_empty(location: Location) -> bool:
    """Whether nothing is there: no directory, or an empty one. A file is not empty."""
    local = location.local_path
    if local is not None and os.path.lexists(local) and not os.path.isdir(local):
        return False
    return not any(location.store.list_dir(location.path))


def has_zarr_document(location: Location) -> bool:
    """Whether there is a document of a Zarr group or array; only then may it be wiped.

    What an interrupted :func:`wipe` left counts too.
    """
    keys = [join(location.path, mark) for mark in _MARKS]
    return any(value is not None for value in location.store.get_many(keys))


def wipe(location: Location) -> None:
    """Delete everything that is there; the directory itself stays. Check before you call.

    Raises
    ------
    ReadOnlyError
        If the location is not writable.
    """
    store = location.store
    if store.read_only or not isinstance(store, WritableByteStore):
        raise ReadOnlyError(f"{location.url} was not opened for writing")
    if not isinstance(store, LocalBytes) or location.path:
        store.delete_dir(location.path)
        return
    # Half-way, the documents that say that this is a store are gone already.
    store.set(_WIPING, b"")
    store.sweep("")
    store.delete_dir("")
    store.delete(_WIPING)
