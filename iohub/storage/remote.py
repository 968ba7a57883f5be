"""Bytes by key on a server: ``s3://``, ``gs://``, ``az://``, ``http(s)://`` and fsspec's URLs.

What is needed is asked for by name, many documents at once; listings are for writing only.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, cast

from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import FsspecStore, ObjectStore

from iohub.errors import (
    AccessError,
    ArgumentError,
    ExistsError,
    IohubError,
    MissingDependencyError,
    NotFoundError,
    PathError,
    ReadOnlyError,
    UnreachableError,
)
from iohub.optional import need
from iohub.storage import leases, locks
from iohub.storage.keys import DOCUMENTS, DRAFT_PREFIX, OWN_PREFIX, check_key, check_prefix, join
from iohub.storage.objects import FsspecObjects, Objects, ObstoreObjects
from iohub.storage.remote_errors import translated
from iohub.storage.remote_options import EXTRA, Place, object_store, place_of
from iohub.storage.remote_store import RemoteStore
from iohub.storage.zarr_bytes import ZarrBytes, concurrently, wait

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from iohub.storage.objects import Tag
    from iohub.storage.remote_file import RemoteFile

# How many times the threads of this process hold a lease; the holder of the thread lock counts.
_leased: dict[Hashable, int] = {}


class RemoteBytes(ZarrBytes):
    """Bytes by key below a URL.

    Parameters
    ----------
    store : RemoteStore
        The same as a zarr store.
    read_only : bool, optional
        Refuse every write; None asks the store.
    place : Place, optional
        The URL, taken apart.
    options : mapping
        What it was opened with.
    """

    def __init__(
        self,
        store: RemoteStore,
        read_only: bool | None = None,
        *,
        place: Place | None = None,
        options: Mapping[str, Any] | None = None,
    ):
        super().__init__(store, read_only)
        self._place, self._options = place, dict(options or {})
        self._watched: dict[str, tuple[object, float]] = {}
        self.file: RemoteFile | None = None  # the same URL taken for a file, by who reads it so

    @property
    def remote(self) -> RemoteStore:
        """The same as a zarr store."""
        return cast(RemoteStore, self.store)

    @property
    def path_in_bucket(self) -> str:
        """The URL without the name of its bucket or server."""
        return self.url.partition("://")[2].partition("/")[2]

    @property
    def options(self) -> Mapping[str, Any]:
        """What it was opened with."""
        return self._options

    def with_read_only(self, read_only: bool = True) -> RemoteBytes:
        """Return the same bytes, opened for reading only or for writing too."""
        if not read_only and self._place is not None and not self._place.writable:
            raise _cannot_write(self.url)
        store = self.remote.with_read_only(read_only)
        return RemoteBytes(store, place=self._place, options=self._options)

    def above(self) -> RemoteBytes | None:
        """Return the place that this one lies in, for reading; None for a bucket or a server."""
        place = None if self._place is None else self._place.above()
        return None if place is None else _opened(place, place.url, self._options, read_only=True)

    # reading

    def get_each(self, keys: Sequence[str]) -> list[bytes | IohubError | None]:
        """Values of many keys, in order, or why one cannot be had; requested concurrently."""

        async def get(key: str) -> bytes | IohubError | None:
            try:
                return await self._get(key)
            except (AccessError, NotFoundError, UnreachableError) as error:
                return error

        return wait(concurrently(get, keys)) if keys else []

    def get_range(self, key: str, start: int, stop: int) -> bytes | None:
        """Bytes of a part of the value of a key, None if there is none."""
        part = RangeByteRequest(start, stop)
        found = wait(self.store.get(key, default_buffer_prototype(), part))
        return None if found is None else found.to_bytes()

    def exists(self, path: str) -> bool:
        """Whether there is a key of this name, or one below it."""
        return wait(self._exists(check_prefix(path)))

    def has_documents(self, prefix: str, names: Sequence[str]) -> bool:
        """Whether one of some documents is there; the first alone, then the others at once.

        Raises
        ------
        AccessError
            If there is none to be had, and access was refused.
        """
        first, rest = join(prefix, names[0]), [join(prefix, name) for name in names[1:]]
        if self.get(first) is not None:
            return True
        if any(value is not None for value in self.get_many(rest)):
            return True
        seen = self.remote.seen
        if seen.refused is not None and not seen.granted:
            raise seen.refused
        return False

    # writing

    def delete(self, key: str) -> None:
        """Remove a key; no error if it is absent."""
        self._check_deletes()
        wait(self.remote.delete_many([check_key(key)]))

    def move(self, source: str, target: str) -> None:
        """Move a key, or everything below a prefix: copied on the server, then deleted.

        Raises
        ------
        NotFoundError
            If there is nothing at `source`.
        ExistsError
            If there is something at `target`.
        """
        self._check_deletes()
        if self.exists(target):
            raise ExistsError(f"cannot move {source!r}: {target!r} exists already in {self.url}")
        wait(self._move(check_key(source), check_key(target)))

    def lock(self, prefix: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the one writer's lock of a group, across threads and processes.

        Where the server has no conditional writes, between the threads of this process only.

        Raises
        ------
        LockTimeoutError
            If another writer holds it all the time.
        ReadOnlyError
            If the store is read-only.
        """
        self._check_writable()
        return self._locked(check_prefix(prefix), timeout)

    @contextmanager
    def _locked(self, prefix: str, timeout: float | None) -> Iterator[None]:
        where = join(self.url, prefix)
        end = time.monotonic() + (locks.TIMEOUT if timeout is None else timeout)
        with locks.thread_lock(where, where=where, timeout=timeout):
            held = _leased.get(where, 0)
            _leased[where] = held + 1
            try:
                if held or not self.remote.objects.conditional:
                    yield
                    return
                left = max(0.0, end - time.monotonic())
                with leases.lease(self, prefix, where=where, timeout=left):
                    yield
            finally:
                _leased[where] = held
                if not held:
                    del _leased[where]

    def is_drafted(self, prefix: str) -> bool:
        """Whether a living writer prepares something in a group; what a dead one left is dropped.

        A writer on another machine is known to be dead when it has been asked for long enough.
        """
        found = False
        folders, _ = wait(self.remote.children(check_prefix(prefix)))
        for name in folders:
            if name.startswith(DRAFT_PREFIX):
                draft = join(prefix, name)
                alive = self._is_held(draft)
                found |= alive
                if not alive:
                    self.delete_dir(draft)
        return found

    def _is_held(self, prefix: str) -> bool:
        """Whether a lease is held: for all that is known, until it has not changed for long."""
        if join(self.url, prefix) in _leased:
            return True
        key = leases.lease_key(prefix)
        now, state = time.monotonic(), self.fetch(key)
        if state is None:
            return False
        before = self._watched.get(key)
        if before is None or before[0] != state:
            self._watched[key] = (state, now)
            return True
        return now - before[1] < leases.DEAD_AFTER

    # what a lease asks for

    def put_if(self, key: str, value: bytes, state: Tag | None) -> Tag | None:
        """Write an object if it is in a state, None for absent; TakenError if it is not."""

        async def put() -> Tag | None:
            with translated(self.remote.where(key)):
                return await self.remote.objects.put_if(key, value, state)

        return wait(put())

    def fetch(self, key: str) -> tuple[bytes, Tag | None] | None:
        """Return an object and its state; None if there is none."""

        async def get() -> tuple[bytes, Tag | None] | None:
            try:
                with translated(self.remote.where(key)):
                    return await self.remote.objects.get(key)
            except NotFoundError:
                return None

        return wait(get())

    def remove(self, key: str) -> None:
        """Remove an object."""
        wait(self.remote.delete_many([key]))

    # steps

    async def _ready(self) -> Store:
        return self.store

    async def _get(self, key: str) -> bytes | None:
        if key.rpartition("/")[2] in DOCUMENTS:
            return await self.remote.document(check_key(key))
        return await super()._get(key)

    async def _size(self, key: str) -> int | None:
        return await self.remote.getsize_or_none(check_key(key))

    async def _exists(self, path: str) -> bool:
        if not self.remote.supports_listing:
            return bool(path) and await self.remote.exists(path)
        folders, names = await self.remote.children(path)
        if folders or names:
            return True
        return bool(path) and await self.remote.exists(path)

    async def _list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        folders, names = await self.remote.children(check_prefix(prefix))
        return _shown(folders), _shown(names)

    async def _move(self, source: str, target: str) -> None:
        keys = await self.remote.below(source)
        if await self.remote.exists(source):
            keys.append(source)
        if not keys:
            raise NotFoundError(f"nothing to move at {source!r} in {self.url}")

        async def copy(key: str) -> None:
            await self.remote.copy(key, target + key[len(source) :])

        # Documents last there and first to go here: what looks whole is whole.
        documents = [key for key in keys if key.rpartition("/")[2] in DOCUMENTS]
        others = [key for key in keys if key.rpartition("/")[2] not in DOCUMENTS]
        await concurrently(copy, others)
        await concurrently(copy, documents)
        await self.remote.delete_many([*documents, *others])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteBytes):
            return NotImplemented
        return (self.url, self._read_only) == (other.url, other._read_only)

    def __hash__(self) -> int:
        return hash((RemoteBytes, self.url, self._read_only))

    def __repr__(self) -> str:
        return f"RemoteBytes({self.url!r}{', read_only=True' if self._read_only else ''})"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self.store, self._read_only, self._place, self._options)


def _restored(
    store: RemoteStore, read_only: bool, place: Place | None, options: dict[str, Any]
) -> RemoteBytes:
    return RemoteBytes(store, read_only, place=place, options=options)


def remote_bytes(
    url: str, *, writable: bool, options: Mapping[str, Any] | None = None
) -> RemoteBytes:
    """Return the bytes below a URL; nothing is asked of the server but where a bucket is.

    Parameters
    ----------
    url : str
        ``s3://bucket/path``, ``gs://…``, ``az://container/path``, ``https://…``, or any that
        fsspec knows, chained ones too.
    writable : bool
        Whether the bytes may be changed.
    options : mapping, optional
        Of obstore or of fsspec, such as ``{"anon": True}``.

    Raises
    ------
    PathError
        If nobody knows such URLs.
    ReadOnlyError
        If `writable` is asked of a web server.
    ArgumentError
        If there is no such option.
    MissingDependencyError
        If what reads such URLs is not installed.
    """
    if options is not None and not isinstance(options, Mapping):
        raise ArgumentError(f"storage_options are a dict, not {options!r:.60}")
    place = place_of(url)
    if writable and not place.writable:
        raise _cannot_write(place.url)
    return _opened(place, url, options or {}, read_only=not writable)


def _opened(place: Place, url: str, options: Mapping[str, Any], *, read_only: bool) -> RemoteBytes:
    found = object_store(place, url, options)
    if found is not None:
        objects: Objects = ObstoreObjects(ObjectStore(found))
    else:
        objects = FsspecObjects(_fsspec_store(place, url, options))
    listable = not place.scheme.startswith("http")
    store = RemoteStore(objects, place.url, read_only=read_only, listable=listable)
    return RemoteBytes(store, place=place, options=options)


def _fsspec_store(place: Place, url: str, options: Mapping[str, Any]) -> FsspecStore:
    need("fsspec", extra=EXTRA, why=place.url)
    given = dict(options)
    if place.scheme.startswith("http") and "headers" in given:
        nested = dict(given.get("client_kwargs", {}))
        headers = {**nested.get("headers", {}), **given.pop("headers")}
        given["client_kwargs"] = {**nested, "headers": headers}
    try:
        if "::" not in url:
            return FsspecStore.from_url(url.rstrip("/"), storage_options=given)
        # Of chained ones not all are made for zarr's loop; threads do for each.
        files, path = need("fsspec").url_to_fs(url.rstrip("/"), **given)
        wrapper = need("fsspec.implementations.asyn_wrapper").AsyncFileSystemWrapper
        return FsspecStore(wrapper(files, asynchronous=True), path=path)
    except ImportError as error:
        raise MissingDependencyError(
            f"{place.url}: {error}", name=getattr(error, "name", None)
        ) from error
    except ValueError as error:
        raise PathError(
            f"{place.url}: {error}; supported are local paths, file://, memory://, s3://, gs://, "
            "az://, http(s):// and what fsspec knows"
        ) from error
    except TypeError as error:
        raise ArgumentError(f"storage_options for {place.url}: {error}") from error


def _cannot_write(url: str) -> ReadOnlyError:
    return ReadOnlyError(
        f"{url}: a web server is for reading only; open it with mode='r', or write to s3://, "
        "gs://, az:// or a local path"
    )


def _shown(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if name and not name.startswith(OWN_PREFIX)})
