"""Readable bytes of ours shown as a ``zarr.abc.store.Store``, so that zarr reads every format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)

from iohub.storage.protocol import ReadsRanges

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer, BufferPrototype

    from iohub.storage.protocol import ByteStore


class ByteStoreView(Store):
    """A read-only zarr store over a :class:`~iohub.storage.protocol.ByteStore`.

    Parameters
    ----------
    store : ByteStore
        The bytes; asked in threads, so several chunks are decoded at once.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, store: ByteStore):
        super().__init__(read_only=True)
        self._bytes = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByteStoreView) and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash((ByteStoreView, self._bytes))

    def __str__(self) -> str:
        return self._bytes.url

    def __repr__(self) -> str:
        return f"ByteStoreView({self._bytes!r})"

    def with_read_only(self, read_only: bool = False) -> ByteStoreView:
        """Return a view of the same bytes; a writable one there is not."""
        if not read_only:
            raise ValueError(f"{self._bytes.url} can only be read")
        return ByteStoreView(self._bytes)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value of a key, or a part of it."""
        if byte_range is not None and isinstance(self._bytes, ReadsRanges):
            part = await asyncio.to_thread(self._bytes.get_range, key, *_limits(byte_range))
            return None if part is None else prototype.buffer.from_bytes(part)
        value = await asyncio.to_thread(self._bytes.get, key)
        if value is None:
            return None
        return prototype.buffer.from_bytes(value[slice(*_limits(byte_range))])

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return parts of several values."""
        wanted = [self.get(key, prototype, part) for key, part in key_ranges]
        return list(await asyncio.gather(*wanted))

    async def exists(self, key: str) -> bool:
        """Whether there is a key."""
        if self._bytes.has_tokens:
            return await asyncio.to_thread(self._bytes.token, key) is not None
        return await asyncio.to_thread(self._bytes.get, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Refuse."""
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        """List all documents; keys of chunks are not listed where they are made on demand."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """List the keys below a prefix."""
        waiting = [prefix.strip("/")]
        while waiting:
            path = waiting.pop()
            folders, files = await asyncio.to_thread(self._bytes.list_dir, path)
            for name in files:
                yield f"{path}/{name}" if path else name
            waiting += [f"{path}/{name}" if path else name for name in folders]

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """List the names right below a prefix."""
        folders, files = await asyncio.to_thread(self._bytes.list_dir, prefix.strip("/"))
        for name in (*folders, *files):
            yield name


def _limits(byte_range: ByteRequest | None) -> tuple[int, int | None]:
    """Return a range as the limits of a slice."""
    if isinstance(byte_range, RangeByteRequest):
        return byte_range.start, byte_range.end
    if isinstance(byte_range, OffsetByteRequest):
        return byte_range.offset, None
    if isinstance(byte_range, SuffixByteRequest):
        return (-byte_range.suffix, None) if byte_range.suffix else (0, 0)
    return 0, None
