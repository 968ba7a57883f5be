"""Objects on a server by key, through obstore or through fsspec: the same few requests for both.

Errors are as the libraries raise them; ``remote_errors.py`` explains them.
"""

from __future__ import annotations

import atexit
import functools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import FsspecStore, ObjectStore

from iohub.errors import ConflictError
from iohub.optional import need
from iohub.storage import forks
from iohub.storage.remote_options import EXTRA

if TYPE_CHECKING:
    from zarr.abc.store import Store

_DELETED_AT_ONCE = 1000
_LAST_MOMENT = 0.05


@functools.cache
def _rest_at_exit() -> None:
    """Let obstore's threads drop their last Python objects before the interpreter ends.

    One that asks for the interpreter while it ends is killed by Python 3.11 to 3.13, and the
    process with it (SIGABRT), although all its work is done.
    """
    atexit.register(time.sleep, _LAST_MOMENT)


class Tag(NamedTuple):
    """State of an object: another one whenever it is written.

    Attributes
    ----------
    e_tag : str or None
        As HTTP has it.
    version : str or None
        For servers that have versions.
    """

    e_tag: str | None
    version: str | None


class TakenError(ConflictError):
    """An object is not in the state that a conditional request names."""


class Objects(Protocol):
    """Objects by key, below a URL."""

    @property
    def store(self) -> Store:
        """The same objects as a zarr store."""

    conditional: bool
    """Whether :meth:`put` can be made to depend on what is there."""

    async def get(self, key: str) -> tuple[bytes, Tag | None]:
        """Return an object and its state; FileNotFoundError if there is none."""

    async def put(self, key: str, value: bytes) -> Tag | None:
        """Write an object, whatever is there."""

    async def put_if(self, key: str, value: bytes, state: Tag | None) -> Tag | None:
        """Write an object if it is in a state, None for absent; else TakenError."""

    async def size(self, key: str) -> int:
        """Bytes of an object; FileNotFoundError if there is none."""

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are absent are no error."""

    async def children(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the folders and of the objects right below a prefix."""

    async def below(self, prefix: str) -> list[str]:
        """Keys of all objects below a prefix."""


class ObstoreObjects:
    """Objects through obstore.

    Parameters
    ----------
    store : ObjectStore
        zarr's store over obstore's.
    """

    def __init__(self, store: ObjectStore[Any]):
        self._store = store
        self.conditional = True
        _rest_at_exit()

    @property
    def store(self) -> ObjectStore[Any]:
        """The same objects as a zarr store.

        Raises
        ------
        ForkError
            If obstore was used before this process was forked.
        """
        forks.mark_used("obstore")
        return self._store

    def _obstore(self) -> Any:
        return need("obstore", extra=EXTRA)

    async def get(self, key: str) -> tuple[bytes, Tag | None]:
        """Return an object and its state."""
        found = await self._obstore().get_async(self.store.store, key)
        meta = found.meta
        return bytes(await found.bytes_async()), _tag(meta)

    async def put(self, key: str, value: bytes) -> Tag | None:
        """Write an object, whatever is there."""
        return _tag(await self._obstore().put_async(self.store.store, key, value))

    async def put_if(self, key: str, value: bytes, state: Tag | None) -> Tag | None:
        """Write an object if it is in a state."""
        exceptions = need("obstore.exceptions")
        mode: Any = "create"
        if state is not None:
            mode = {name: part for name, part in state._asdict().items() if part is not None}
        try:
            put = self._obstore().put_async(self.store.store, key, value, mode=mode)
            return _tag(await put)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
            raise TakenError(f"{key} was written by someone else") from error
        except (NotImplementedError, exceptions.NotSupportedError):
            self.conditional = False
            return await self.put(key, value)

    async def size(self, key: str) -> int:
        """Bytes of an object."""
        return int((await self._obstore().head_async(self.store.store, key))["size"])

    async def copy(self, source: str, target: str) -> None:
        """Copy an object, on the server."""
        await self._obstore().copy_async(self.store.store, source, target)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, many with one request where the server can."""
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            batch = list(keys[start : start + _DELETED_AT_ONCE])
            try:
                await self._obstore().delete_async(self.store.store, batch)
            except FileNotFoundError:
                for key in batch:
                    await self.store.delete(key)

    async def children(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the folders and of the objects right below a prefix."""
        found = await self._obstore().list_with_delimiter_async(
            self.store.store, prefix=prefix or None
        )
        folders = [path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"]]
        return folders, [meta["path"].rpartition("/")[2] for meta in found["objects"]]

    async def below(self, prefix: str) -> list[str]:
        """Keys of all objects below a prefix."""
        stream = self._obstore().list(self.store.store, prefix=prefix or None)
        return [meta["path"] for meta in await stream.collect_async()]


class FsspecObjects:
    """Objects through fsspec, where a write cannot be made to depend on what is there.

    Parameters
    ----------
    store : FsspecStore
        zarr's store over fsspec's file system.
    """

    conditional = False

    def __init__(self, store: FsspecStore):
        self._store = store

    @property
    def store(self) -> FsspecStore:
        """The same objects as a zarr store."""
        return self._store

    async def get(self, key: str) -> tuple[bytes, Tag | None]:
        """Return an object."""
        value = await self.store.get(key, default_buffer_prototype())
        if value is None:
            raise FileNotFoundError(key)
        return value.to_bytes(), None

    async def put(self, key: str, value: bytes) -> Tag | None:
        """Write an object, whatever is there."""
        await self.store.set(key, default_buffer_prototype().buffer.from_bytes(value))
        return None

    async def put_if(self, key: str, value: bytes, state: Tag | None) -> Tag | None:
        """Write an object, whatever is there."""
        return await self.put(key, value)

    async def size(self, key: str) -> int:
        """Bytes of an object."""
        found = await self.store.fs._info(f"{self.store.path}/{key}")
        if found["type"] == "directory":
            raise FileNotFoundError(key)
        return int(found["size"])

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        await self.put(target, (await self.get(source))[0])

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        for key in keys:
            await self.store.delete(key)

    async def children(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of the folders and of the objects right below a prefix."""
        root = f"{self.store.path}/{prefix}".rstrip("/")
        folders: list[str] = []
        files: list[str] = []
        try:
            entries = await self.store.fs._ls(root, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return folders, files
        for entry in entries:
            if entry["name"].strip("/") == root.strip("/"):
                continue  # an object that is asked as a folder
            name = entry["name"].rstrip("/").rpartition("/")[2]
            (folders if entry["type"] == "directory" else files).append(name)
        return folders, files

    async def below(self, prefix: str) -> list[str]:
        """Keys of all objects below a prefix."""
        # File systems differ on whether paths begin with a slash.
        root = f"{self.store.path.strip('/')}/"
        try:
            found = await self.store.fs._find(f"{self.store.path}/{prefix}".rstrip("/"))
        except FileNotFoundError:
            return []
        keys = [name.lstrip("/").removeprefix(root) for name in found]
        return [key for key in keys if not prefix or key.startswith(f"{prefix}/")]


def _tag(meta: Any) -> Tag | None:
    tag = Tag(meta.get("e_tag"), meta.get("version"))
    return None if tag == (None, None) else tag
