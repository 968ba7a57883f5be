"""From what a user passes as a place (path, URL, zarr store) to bytes; and whether it is Zarr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from iohub.errors import AccessError, ArgumentError, NotFoundError, PathError, ReadOnlyError
from iohub.storage.journal import STAGE
from iohub.storage.keys import OWN_PREFIX, check_prefix, join, place_name
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, WritableByteStore

if TYPE_CHECKING:
    from zarr.abc.store import Store
    from zarr.storage import StorePath

    from iohub.storage.ozx import ArchiveBytes
    from iohub.storage.ozx_draft import ArchiveDraft
    from iohub.storage.remote import RemoteBytes

StoreLike: TypeAlias = "str | os.PathLike[str] | Store | StorePath | ByteStore"

_WIPING = f"{OWN_PREFIX}-wiping"
_MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs", _WIPING)
_MAYBE_ARCHIVE = re.compile(r"\.(?:ozx|zip|z\d)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+::)*[A-Za-z][A-Za-z0-9+.-]+://")


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
        archive = as_archive(self.store)
        return None if archive is None or self.path or not archive.is_local else archive.archive

    def begin(self, zarr_format: int | None = None, *, anew: bool = False) -> None:
        """Make ready to write, where that is more than to write: see ozx_draft.py.

        Parameters
        ----------
        zarr_format : {2, 3}, optional
            Of a new dataset.
        anew : bool
            Whether what is there is to be replaced as a whole.

        Raises
        ------
        VersionError
            If there can be no dataset of that format.
        ConflictError
            If someone else is writing there.
        """
        draft = _draft(self.store)
        if draft is not None:
            if zarr_format is not None:
                draft.check_format(zarr_format)
            draft.begin(anew=anew)

    def finish(self) -> None:
        """Write what was kept back because it can be written only once, and let go of files."""
        archive = as_archive(self.store)
        if archive is not None:
            archive.close()
        if type(self.store) is not LocalBytes and isinstance(self.store, LocalBytes):
            from iohub.storage.packed import PackedBytes

            if isinstance(self.store, PackedBytes):
                self.store.finish()

    @property
    def name(self) -> str:
        """Last part of the place's name, empty for a store in memory without a name."""
        return place_name(self.url)


def locate(
    store_path: StoreLike, *, writable: bool, options: Mapping[str, Any] | None = None
) -> Location:
    """Find the bytes of a place; nothing is created, and nothing read but what an archive holds.

    Parameters
    ----------
    store_path : path-like, str, zarr store or ByteStore
        A local path (``~`` is expanded), also of a ``.zip`` or ``.ozx`` archive or into it,
        ``file://…``, ``memory://name`` (one memory store per name in a process), a URL of a
        server (see remote.py), any zarr ``Store`` or ``StorePath``, or a byte store of one's own.
    writable : bool
        Whether the bytes may be changed.
    options : mapping, optional
        For a URL of a server.

    Raises
    ------
    ArgumentError
        If there are no such options, or options for what is no URL of a server.
    PathError
        If it is a URL of a kind that is not supported, or no place at all; or if `writable` is
        asked of a place inside an archive, or names in an archive lead out of it.
    FormatError
        If an archive is damaged.
    ReadOnlyError
        If `writable` is asked of a read-only zarr store, or of one in which nothing can be changed
        and something is.
    """
    if isinstance(store_path, str | os.PathLike):
        text: object = os.fspath(store_path)
        if isinstance(text, str) and _is_remote(text):
            return _locate_remote(text, writable, options)
        if not options:
            return _locate_text(text, writable)
    if options:
        raise ArgumentError(
            f"storage_options are for URLs such as s3:// and https://, not for {store_path!r:.60}"
        )
    if isinstance(store_path, Reopens):
        return _locate_bytes(store_path, writable)
    # An object of zarr exists only after zarr was imported.
    if "zarr" in sys.modules:
        from iohub.storage.zarr_bytes import unwrap_zarr

        found = unwrap_zarr(store_path)
        if found is not None:
            return _locate_zarr(*found, writable)
    raise PathError(
        f"{store_path!r:.60} ({type(store_path).__name__}) is no place for a dataset; "
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
        if text.lower().startswith("memory://"):
            return _locate_memory(text, writable)
        text = _file_path(text)
    path = os.path.abspath(os.path.expanduser(text))
    found = _locate_archive(path, writable) if _MAYBE_ARCHIVE.search(path) else None
    store = LocalBytes(path, read_only=not writable)
    return found or Location(store, "", store.root)


def _is_remote(text: str) -> bool:
    return bool(_SCHEME.match(text)) and not text.lower().startswith(("file://", "memory://"))


def _locate_remote(url: str, writable: bool, options: Mapping[str, Any] | None) -> Location:
    from iohub.storage.remote import remote_bytes

    if not writable and _MAYBE_ARCHIVE.search(url):
        from iohub.storage.remote_archive import open_remote_archive, split_url

        split = split_url(url)
        archive = None if split is None else open_remote_archive(*split, options)
        if split is not None and archive is not None:
            return Location(archive, check_prefix(split[1]), url.rstrip("/"))
    found = remote_bytes(url, writable=writable, options=options)
    return Location(found, "", found.url)


def as_remote(store: ByteStore) -> RemoteBytes | None:
    """Return a store as one on a server; None if it is none."""
    if isinstance(store, LocalBytes) or "iohub.storage.remote" not in sys.modules:
        return None
    from iohub.storage.remote import RemoteBytes

    return store if isinstance(store, RemoteBytes) else None


def _locate_archive(path: str, writable: bool) -> Location | None:
    from iohub.storage import ozx

    found = ozx.split_path(path)
    if found is None:
        return None
    archive, inside = found
    if not writable:
        return Location(ozx.open_archive(archive, inside), check_prefix(inside), path)
    if inside:
        raise PathError(f"{path} is inside an archive: open {archive} itself to change it")
    from iohub.storage.ozx_draft import ArchiveDraft

    return Location(ArchiveDraft(archive), "", archive)


def as_archive(store: ByteStore) -> ArchiveBytes | None:
    """Return a store as the archive that it is; None if it is none."""
    if isinstance(store, LocalBytes):
        return None
    from iohub.storage.ozx import ArchiveBytes

    return store if isinstance(store, ArchiveBytes) else None


def _draft(store: ByteStore) -> ArchiveDraft | None:
    """Return a store as the archive that is being written; None if it is none."""
    if type(store) is LocalBytes or not isinstance(store, LocalBytes):
        return None
    from iohub.storage.ozx_draft import ArchiveDraft

    return store if isinstance(store, ArchiveDraft) else None


def is_archive(location: Location) -> bool:
    """Whether it is a ``.zip`` or ``.ozx`` file, or is going to be one."""
    return as_archive(location.store) is not None or _draft(location.store) is not None


def _before(location: Location) -> Location:
    """Return where to look for what there is, before anything is written."""
    draft = _draft(location.store)
    if draft is None or draft.begun:
        return location
    return replace(location, store=draft.as_it_is())


def _locate_memory(text: str, writable: bool) -> Location:
    from iohub.storage.zarr_bytes import ZarrBytes, memory_store

    name, _, path = text.partition("://")[2].partition("/")
    if not name:
        raise PathError(f"{text}: give the memory store a name, as in memory://plate")
    store = memory_store(name)
    path = check_prefix(path.strip("/"))
    return Location(ZarrBytes(store, not writable), path, text.rstrip("/"), store)


def _locate_zarr(store: Store, path: str, writable: bool) -> Location:
    from iohub.storage.zarr_bytes import ZarrBytes, byte_store

    own: ByteStore = byte_store(store, read_only=not writable)
    path = check_prefix(path.strip("/"))
    if writable and isinstance(own, ZarrBytes) and not store.supports_deletes:
        from iohub.storage.packed import StoreDraft

        own = StoreDraft(own, path)
    return Location(own, path, join(own.url.rstrip("/") or "/", path), store)


def _file_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise PathError(f"{url}: files of another host are not supported; mount them")
    path = url2pathname(parts.path) if os.name == "nt" else unquote(url.partition("://")[2])
    return path.removeprefix("localhost") if parts.netloc else path


def above(location: Location) -> Iterator[Location]:
    """Return the places that a location lies in, the nearest first.

    Parameters
    ----------
    location : Location
        Within its store, and, if it is local, in the directories around that.
    """
    path = location.path
    while path:
        path = path.rpartition("/")[0]
        root = location.url.removesuffix(location.path).rstrip("/")
        yield Location(location.store, path, f"{root}/{path}".rstrip("/"), location.zarr_store)
    if isinstance(location.store, LocalBytes):
        inner, folder = location.store.root, os.path.dirname(location.store.root)
        while folder != inner:
            yield Location(LocalBytes(folder, read_only=True), "", folder)
            inner, folder = folder, os.path.dirname(folder)
    outer = as_remote(location.store)
    while outer is not None and (outer := outer.above()) is not None:
        yield Location(outer, "", outer.url)


def exists(location: Location) -> bool:
    """Whether anything is there, be it an empty directory."""
    location = _before(location)
    if isinstance(location.store, LocalBytes):
        return location.store.exists(location.path)
    archive = as_archive(location.store)
    if archive is not None:
        return archive.exists(location.path)
    remote = as_remote(location.store)
    if remote is not None:
        # Most are found by their documents (no mark is left by wiping); some servers list nothing.
        if remote.has_documents(location.path, _MARKS[:-1]):
            return True
        if not remote.remote.supports_listing:
            return False
    return any(location.store.list_dir(location.path))


def is_empty(location: Location) -> bool:
    """Whether nothing is there: no directory, or an empty one. A file is not empty."""
    location = _before(location)
    local = location.local_path
    if local is not None and os.path.lexists(local) and not os.path.isdir(local):
        return False
    try:
        return not any(location.store.list_dir(location.path))
    except (AccessError, NotFoundError):
        if as_remote(location.store) is None:
            raise
        return not has_zarr_document(location)  # who may write need not be allowed to list


def has_zarr_document(location: Location) -> bool:
    """Whether there is a document of a Zarr group or array; only then may it be wiped.

    What an interrupted :func:`wipe` left counts too.
    """
    location = _before(location)
    remote = as_remote(location.store)
    if remote is not None:
        return remote.has_documents(location.path, _MARKS[:-1])
    keys = [join(location.path, mark) for mark in _MARKS]
    return any(value is not None for value in location.store.get_many(keys))


def wiped_path(location: Location) -> str | None:
    """Return the path by which to tell whether a place may be wiped.

    None for a store in memory, or of one's own, where nothing else can be meant.
    """
    remote = as_remote(location.store)
    return location.local_path if remote is None else remote.path_in_bucket


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
    draft = _draft(store)
    if draft is not None and not draft.begun:
        draft.begin(anew=True)  # the archive itself stays until the new one is complete
        return
    if not isinstance(store, LocalBytes) or location.path:
        store.delete_dir(location.path)
        return
    # Half-way, the documents that say that this is a store are gone already.
    store.set(_WIPING, b"")
    store.delete_dir(STAGE)
    store.sweep("")
    store.delete_dir("")
    store.delete(_WIPING)
