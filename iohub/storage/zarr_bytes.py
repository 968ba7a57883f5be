"""Bytes by key over any ``zarr.abc.store.Store``, and back: zarr's own objects over our bytes.

A zarr ``LocalStore`` is not wrapped but taken for the directory that it is, and a ``ZipStore`` that
is open for reading for the archive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeAlias, TypeVar

import zarr
from zarr.abc.store import RangeByteRequest, Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import SyncError, sync
from zarr.storage import LocalStore, MemoryStore, StorePath, WrapperStore, ZipStore

from iohub.errors import EventLoopError, ExistsError, NotFoundError, PathError, ReadOnlyError
from iohub.storage import locks
from iohub.storage.keys import DOCUMENTS, DRAFT_PREFIX, OWN_PREFIX, check_key, check_prefix, join
from iohub.storage.local import LocalBytes
from iohub.storage.ozx import ArchiveBytes
from iohub.storage.ozx_draft_units import all_files
from iohub.storage.protocol import ByteStore
from iohub.storage.zarr_view import ByteStoreView

_T = TypeVar("_T")
_R = TypeVar("_R")
_CONCURRENCY = 64
_Own: TypeAlias = "LocalBytes | ArchiveBytes | ZarrBytes"


class ZarrBytes:
    """Bytes by key in a zarr store that is not a local directory.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Memory, object store, zip, a wrapper of another one …
    read_only : bool, optional
        Refuse every write; None asks the store.
    """

    has_tokens = False

    def __init__(self, store: Store, read_only: bool | None = None):
        self.store = store
        self._read_only = store.read_only if read_only is None else read_only
        self._opened = False

    @property
    def url(self) -> str:
        """What the store calls itself."""
        return str(self.store)

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._read_only

    def with_read_only(self, read_only: bool = True) -> ZarrBytes:
        """Return the same store, opened for reading only or for writing too."""
        return ZarrBytes(self.store, read_only or self.store.read_only)

    # reading

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None if there is none."""
        return wait(self._get(key))

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of many keys, in order, requested concurrently."""
        return wait(concurrently(self._get, keys)) if keys else []

    def token(self, key: str) -> Hashable | None:
        """Return the value itself; other stores have nothing cheaper in common."""
        return self.get(key)

    def size(self, key: str) -> int | None:
        """Bytes stored under a key; None if there is none."""
        return wait(self._size(key))

    def exists(self, path: str) -> bool:
        """Whether there is a key of this name, or one below it."""
        if path and wait(self._is_key(path)):
            return True
        return bool(wait(self._names(path)))

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the directories and of the files right below a prefix, each sorted.

        Raises
        ------
        NotFoundError
            If the store cannot be listed at all, such as a web server.
        """
        return wait(self._list_dir(prefix))

    # writing

    def set(self, key: str, value: bytes | memoryview) -> None:
        """Store a value; whether atomically is up to the zarr store."""
        wait(self._set((key, value)))

    def set_many(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Store many values concurrently, each key once."""
        wait(concurrently(self._set, list(items)))

    def delete(self, key: str) -> None:
        """Remove a key; no error if it is absent."""
        self._check_deletes()
        wait(self.store.delete(check_key(key)))

    def delete_dir(self, prefix: str) -> None:
        """Remove everything below a prefix; no error if it is absent."""
        self._check_deletes()
        wait(self.store.delete_dir(check_prefix(prefix)))

    def move(self, source: str, target: str) -> None:
        """Move a key, or everything below a prefix, by copying and deleting; not atomic.

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
        keys = wait(self._below(check_key(source)))
        if not keys:
            raise NotFoundError(f"nothing to move at {source!r} in {self.url}")
        # Documents last there and first to go here: what looks whole is whole.
        keys.sort(key=lambda key: key.rpartition("/")[2] in DOCUMENTS)
        pairs = [(key, target + key[len(source) :]) for key in keys]
        wait(concurrently(self._copy, [p for p in pairs if not _is_document(p[0])]))
        wait(concurrently(self._copy, [p for p in pairs if _is_document(p[0])]))
        wait(concurrently(self.store.delete, keys[::-1]))

    def replace(self, source: str, target: str) -> None:
        """Move a key over another one, which is lost."""
        self._check_deletes()
        value = self.get(source)
        if value is None:
            raise NotFoundError(f"nothing to move at {source!r} in {self.url}")
        self.set(target, value)
        self.delete(source)

    def lock(self, prefix: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the one writer's lock of a group, between the threads of this process.

        Raises
        ------
        LockTimeoutError
            If another thread holds it all the time.
        ReadOnlyError
            If the store is read-only.
        """
        self._check_writable()
        where = join(self.url, check_prefix(prefix))
        return locks.thread_lock((_identity(self.store), prefix), where=where, timeout=timeout)

    def is_drafted(self, prefix: str) -> bool:
        """Whether a thread of this process prepares something in a group."""
        start, store = join(prefix, DRAFT_PREFIX), _identity(self.store)
        return any(
            isinstance(key, tuple) and key[0] == store and key[1].startswith(start)
            for key in locks.held_keys()
        )

    # comparing

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZarrBytes):
            return NotImplemented
        return (_identity(self.store), self._read_only) == (
            _identity(other.store),
            other._read_only,
        )

    def __hash__(self) -> int:
        return hash((ZarrBytes, _identity(self.store), self._read_only))

    def __repr__(self) -> str:
        return f"ZarrBytes({self.store!r}{', read_only=True' if self._read_only else ''})"

    # steps

    def _check_writable(self) -> None:
        if self._read_only:
            raise ReadOnlyError(f"{self.url} was opened for reading; open it with mode='r+'")

    def _check_deletes(self) -> None:
        self._check_writable()
        if not self.store.supports_deletes:
            kind = type(self.store).__name__
            raise ReadOnlyError(f"{self.url}: nothing can be removed from a {kind}")

    async def _ready(self) -> Store:
        """Return the store, opened: some, such as a ZipStore, must be before anything else."""
        if not self._opened:
            await StorePath.open(self.store, "")
            self._opened = True
        return self.store

    async def _get(self, key: str) -> bytes | None:
        value = await (await self._ready()).get(check_key(key), default_buffer_prototype())
        return None if value is None else value.to_bytes()

    async def _size(self, key: str) -> int | None:
        store = await self._ready()
        try:
            return await store.getsize(check_key(key))
        except FileNotFoundError:
            return None

    async def _set(self, item: tuple[str, bytes | memoryview]) -> None:
        self._check_writable()
        key, value = item
        buffer = default_buffer_prototype().buffer.from_bytes(bytes(value))
        await (await self._ready()).set(check_key(key), buffer)

    async def _copy(self, pair: tuple[str, str]) -> None:
        value = await self.store.get(pair[0], default_buffer_prototype())
        if value is not None:
            await self.store.set(check_key(pair[1]), value)

    async def _is_key(self, key: str) -> bool:
        # Stores disagree on whether a directory "exists"; none of them has its first byte.
        first = RangeByteRequest(0, 1)
        prototype = default_buffer_prototype()
        store = await self._ready()
        return await store.get(check_key(key), prototype, first) is not None

    async def _names(self, prefix: str) -> list[str]:
        if not self.store.supports_listing:
            raise NotFoundError(f"{self.url} cannot be listed; name what you want from it")
        store = await self._ready()
        return [
            name
            async for name in store.list_dir(check_prefix(prefix))
            if name and not name.startswith(OWN_PREFIX)
        ]

    async def _list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        names = sorted({name.rstrip("/") for name in await self._names(prefix)})
        unknown = [name for name in names if name not in DOCUMENTS]
        is_key = await concurrently(self._is_key, [join(prefix, name) for name in unknown])
        folders = {name for name, key in zip(unknown, is_key, strict=True) if not key}
        return [n for n in names if n in folders], [n for n in names if n not in folders]

    async def _below(self, path: str) -> list[str]:
        store = await self._ready()
        keys = [key async for key in store.list_prefix(f"{path}/")]
        return [path, *keys] if await self._is_key(path) else keys


def _is_document(key: str) -> bool:
    return key.rpartition("/")[2] in DOCUMENTS


def wait(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in zarr's event loop and wait for it, which that loop itself cannot do.

    Raises
    ------
    EventLoopError
        If it is that loop that asks.
    """
    try:
        return sync(coroutine)
    except SyncError as error:
        coroutine.close()
        raise EventLoopError(
            "a store cannot be asked from inside zarr's own event loop; ask it before"
        ) from error


async def concurrently(
    function: Callable[[_T], Awaitable[_R]], arguments: Sequence[_T]
) -> list[_R]:
    """Call a function for many arguments, so many at a time; results are in order."""
    slots = asyncio.Semaphore(_CONCURRENCY)

    async def call(argument: _T) -> _R:
        async with slots:
            return await function(argument)

    return list(await asyncio.gather(*map(call, arguments)))


def _identity(store: Store) -> Hashable:
    """Return what two objects on the same bytes have in common."""
    while isinstance(store, WrapperStore):
        store = store._store
    return type(store), str(store)


def byte_store(store: Store, *, read_only: bool | None = None) -> _Own:
    """Return the bytes of a zarr store.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Any store; a ``LocalStore`` becomes a :class:`~iohub.storage.local.LocalBytes`, a
        ``ZipStore`` for reading an :class:`~iohub.storage.ozx.ArchiveBytes`.
    read_only : bool, optional
        Refuse writes; None asks the store whether it can write and remove.

    Raises
    ------
    ReadOnlyError
        If writing is asked for and the store is read-only.
    """
    if read_only is False and store.read_only:
        raise ReadOnlyError(f"{store} is a read-only zarr store; open it for writing first")
    if read_only is None:
        # An edit rewrites documents: where that cannot be, nothing is to be begun.
        read_only = store.read_only or not store.supports_deletes
    if type(store) is LocalStore:
        return LocalBytes(store.root, read_only)
    if type(store) is ZipStore and store.read_only:
        return ArchiveBytes(store.path)
    return ZarrBytes(store, read_only)


def zarr_store(store: ByteStore, *, read_only: bool | None = None) -> Store:
    """Return the zarr store of our bytes; a read-only view where zarr has none of that kind.

    Parameters
    ----------
    store : ByteStore
        The bytes.
    read_only : bool, optional
        Refuse writes; None asks the bytes.

    Raises
    ------
    PathError
        If zarr has no store for it and it is open for writing.
    """
    read_only = store.read_only if read_only is None else read_only
    if isinstance(store, LocalBytes):
        return LocalStore(all_files(store), read_only=read_only)
    if isinstance(store, ZarrBytes):
        if read_only and not store.store.read_only:
            return _read_only_view(store.store)
        return store.store
    if not read_only:
        raise PathError(f"{store.url}: zarr has no store to write a {type(store).__name__}")
    return ByteStoreView(store)


def _read_only_view(store: Store) -> Store:
    try:
        return store.with_read_only(True)
    except NotImplementedError:
        return store  # a kind that cannot be reopened; our own objects refuse to write to it


def zarr_group(store: ByteStore, path: str, zarr_format: int) -> zarr.Group:
    """Open a group as zarr's own object, for reading or writing as the store is.

    Raises
    ------
    NotFoundError
        If there is no group.
    """
    try:
        return zarr.open_group(
            zarr_store(store),
            path=path,
            mode="r" if store.read_only else "r+",
            zarr_format=2 if zarr_format == 2 else 3,
            use_consolidated=False,
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"no Zarr v{zarr_format} group at {join(store.url, path)}") from error


def unwrap_zarr(source: Any) -> tuple[Store, str] | None:
    """Return store and path of a zarr store, store path, group or array; else None."""
    if isinstance(source, Store):
        return source, ""
    if isinstance(source, zarr.Group | zarr.Array):
        source = source.store_path
    if isinstance(source, StorePath):
        return source.store, source.path
    return None


@cache
def memory_store(name: str) -> MemoryStore:
    """Return the memory store of a name, the same one throughout the process."""
    return MemoryStore()
