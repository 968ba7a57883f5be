"""A zarr store on a server: documents kept for a moment and changed by compare-and-swap.

Both our documents and zarr's pixels go through it, so errors, what is kept and what is refused are
the same for both. Locks are in ``leases.py``, the bytes as the other rooms see them in
``remote.py``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import warnings
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from zarr.abc.store import Store

from iohub.errors import (
    AccessError,
    ConflictError,
    IohubError,
    IohubWarning,
    NotFoundError,
    ReadOnlyError,
)
from iohub.storage import settings
from iohub.storage.keys import DOCUMENTS, OWN_PREFIX, join
from iohub.storage.objects import TakenError
from iohub.storage.remote_errors import NoBucketError, translated

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

    from iohub.storage.objects import Objects, Tag

_KEPT_BYTES = 64 * 2**20


class _Kept(NamedTuple):
    """A document as it was seen; `value` is None if there was none."""

    value: bytes | None
    at: float


@dataclass
class _Seen:
    """What is known of one store, shared by its views.

    Attributes
    ----------
    kept : dict
        Documents as they were read or written lately.
    tags : dict
        States of documents as they were last seen; None if there was none.
    granted : bool
        Whether the server has let anything be read.
    hides_absence : bool or None
        Whether it refuses (403) what is not there, as S3 does where listing is refused.
    refused : AccessError or None
        The first refusal that was taken for absence.
    warned : bool
        Whether it was warned of pixels that may be refused.
    """

    kept: dict[str, _Kept] = field(default_factory=dict)
    tags: dict[str, Tag | None] = field(default_factory=dict)
    size: int = 0
    granted: bool = False
    hides_absence: bool | None = None
    refused: AccessError | None = None
    warned: bool = False

    def keep(self, key: str, value: bytes | None, tag: Tag | None) -> None:
        """Note a document, or that there is none."""
        self.size += len(value or b"") + 100
        if self.size > _KEPT_BYTES:
            self.kept.clear()
            self.size = 0
        self.kept[key] = _Kept(value, time.monotonic())
        self.tags[key] = tag

    def forget(self, prefix: str) -> None:
        """Forget all about the documents at and below a prefix."""
        for known in (self.kept, self.tags):
            for key in [k for k in list(known) if not prefix or f"{k}/".startswith(f"{prefix}/")]:
                known.pop(key, None)


class RemoteStore(Store):
    """Objects below a URL as a zarr store.

    Opened for reading only, a document that was read less than ``set_options(remote_max_age=…)``
    ago is not asked for again. One that someone else has changed since it was read is not
    overwritten.

    Parameters
    ----------
    objects : Objects
        The requests.
    url : str
        Where it is, for people.
    read_only : bool
        Refuse every write.
    listable : bool
        Whether it is worth to ask for listings.
    """

    supports_writes = True
    supports_deletes = True

    def __init__(self, objects: Objects, url: str, *, read_only: bool, listable: bool):
        super().__init__(read_only=read_only)
        self.objects, self.url, self._listable = objects, url, listable
        self.seen = _Seen()

    @property
    def supports_listing(self) -> bool:
        """Whether it is worth to ask for listings."""
        return self._listable

    def with_read_only(self, read_only: bool = False) -> RemoteStore:
        """Return the same store, opened for reading only or for writing too."""
        view = RemoteStore(self.objects, self.url, read_only=read_only, listable=self._listable)
        view.seen = self.seen
        return view

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteStore):
            return NotImplemented
        return (self.url, self.read_only) == (other.url, other.read_only)

    def __hash__(self) -> int:
        return hash((RemoteStore, self.url, self.read_only))

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"RemoteStore({self.url!r}{', read_only=True' if self.read_only else ''})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "seen": _Seen()}

    # reading

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value of a key, or a part of it; None if there is none."""
        if byte_range is None and _is_document(key):
            value = await self.document(key)
            return None if value is None else prototype.buffer.from_bytes(value)
        try:
            with translated(self.where(key)):
                found = await self.objects.store.get(key, prototype, byte_range)
        except NotFoundError:
            return None
        except AccessError as error:
            if not await self._means_absent(error):
                raise
            self._warn()
            return None
        self.seen.granted |= found is not None
        return found

    async def document(self, key: str) -> bytes | None:
        """Return a document, as it was seen lately or as it is now; None if there is none."""
        # Whoever writes decides by what is there now.
        kept = self.seen.kept.get(key) if self.read_only else None
        if kept is not None and time.monotonic() - kept.at < settings.get_options().remote_max_age:
            return kept.value
        value, tag = None, None
        try:
            with translated(self.where(key)):
                value, tag = await self.objects.get(key)
        except NoBucketError:
            raise
        except NotFoundError:
            pass
        except AccessError as error:
            if not await self._means_absent(error):
                raise
        self.seen.granted |= value is not None
        self.seen.keep(key, value, tag)
        return value

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return parts of several values."""
        wanted = [self.get(key, prototype, part) for key, part in key_ranges]
        return list(await asyncio.gather(*wanted))

    async def exists(self, key: str) -> bool:
        """Whether there is a key."""
        if _is_document(key):
            return await self.document(key) is not None
        return await self.getsize_or_none(key) is not None

    async def getsize(self, key: str) -> int:
        """Bytes of a value."""
        size = await self.getsize_or_none(key)
        if size is None:
            raise FileNotFoundError(key)
        return size

    async def getsize_or_none(self, key: str) -> int | None:
        """Bytes of a value; None if there is none."""
        try:
            with translated(self.where(key)):
                return await self.objects.size(key)
        except NotFoundError:
            return None
        except AccessError as error:
            if not await self._means_absent(error):
                raise
            return None

    # writing

    async def set(self, key: str, value: Buffer) -> None:
        """Store a value; a document only if nobody else has changed it since it was read.

        Raises
        ------
        ConflictError
            If someone has.
        """
        self._check_may_write()
        with translated(self.where(key)):
            if not _is_document(key):
                await self.objects.store.set(key, value)
            else:
                await self._put_document(key, value.to_bytes())

    async def _put_document(self, key: str, value: bytes) -> None:
        if key in self.seen.tags and self.objects.conditional:
            try:
                tag = await self.objects.put_if(key, value, self.seen.tags[key])
            except TakenError as error:
                self.seen.forget(key)
                # A request that was sent again after its answer was lost finds its own work.
                if await self.document(key) != value:
                    self.seen.forget(key)
                    raise ConflictError(
                        f"{self.where(key)} was changed by someone else since it was read; this "
                        "change was not made: try again"
                    ) from error
                return
        else:
            tag = await self.objects.put(key, value)
        self.seen.keep(key, value, tag)
        if tag is None:
            self.seen.tags.pop(key, None)  # a server that names no states cannot compare them

    async def copy(self, source: str, target: str) -> None:
        """Copy a value, on the server where it can."""
        self._check_may_write()
        with translated(self.where(target)):
            await self.objects.copy(source, target)
        self.seen.forget(target)

    async def delete(self, key: str) -> None:
        """Remove a key; no error if it is absent."""
        await self.delete_many([key])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove keys; no error for those that are absent."""
        self._check_may_write()
        try:
            with translated(self.where(keys[0] if len(keys) == 1 else "")):
                await self.objects.delete(keys)
        except NotFoundError:
            pass
        for key in keys:
            self.seen.kept.pop(key, None)
            self.seen.tags.pop(key, None)

    async def delete_dir(self, prefix: str) -> None:
        """Remove everything below a prefix, documents last and those of the root after all."""
        keys = await self.below(prefix)
        keys.sort(key=lambda key: (_is_document(key), -key.count("/")))
        if keys:
            await self.delete_many(keys)
        self.seen.forget(prefix)

    # listing

    async def children(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the folders and of the objects right below a prefix, iohub's own too.

        Raises
        ------
        NotFoundError
            If the server does not list.
        AccessError
            If it refuses to.
        """
        self._check_may_list()
        with translated(self.where(prefix)):
            return await self.objects.children(prefix)

    async def below(self, prefix: str) -> list[str]:
        """Keys of all objects below a prefix; errors as :meth:`children`."""
        self._check_may_list()
        with translated(self.where(prefix)):
            return await self.objects.below(prefix)

    async def list(self) -> AsyncIterator[str]:
        """List all keys."""
        for key in await self.below(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """List the keys below a prefix."""
        for key in await self.below(prefix.strip("/")):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """List the names right below a prefix."""
        folders, files = await self.children(prefix.strip("/"))
        for name in (*folders, *files):
            if not name.startswith(OWN_PREFIX):
                yield name

    # steps

    def where(self, key: str) -> str:
        """Where a key is, for people."""
        return join(self.url, key)

    def _check_may_write(self) -> None:
        if self.read_only:
            raise ReadOnlyError(f"{self.url} was opened for reading; open it with mode='r+'")

    def _check_may_list(self) -> None:
        if not self._listable:
            raise NotFoundError(f"{self.url} cannot be listed; name what you want from it")

    async def _means_absent(self, error: AccessError) -> bool:
        """Whether a refusal may be this server's way to say that there is no such thing."""
        if error.status != 403:
            return False
        if self.seen.hides_absence is None:
            probe = f"{OWN_PREFIX}-absent-{secrets.token_hex(8)}"
            try:
                with translated(self.where(probe)):
                    await self.objects.get(probe)
            except AccessError:
                self.seen.hides_absence = True
            except IohubError:
                self.seen.hides_absence = False
            else:
                self.seen.hides_absence = False
        if self.seen.hides_absence:
            self.seen.refused = self.seen.refused or error
        return self.seen.hides_absence

    def _warn(self) -> None:
        if not self.seen.warned:
            self.seen.warned = True
            warnings.warn(
                f"{self.url}: the server refuses (403 Forbidden) chunks as it refuses what is not "
                "there; they are taken for never written",
                IohubWarning,
                stacklevel=2,
            )


def _is_document(key: str) -> bool:
    return key.rpartition("/")[2] in DOCUMENTS
