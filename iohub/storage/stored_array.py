"""The stored side of an array: where it is, its document kept up to date, its encoded units.

No pixel is decoded here; that is :mod:`iohub.storage.array`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import NotFoundError, ReadOnlyError
from iohub.storage import leftovers
from iohub.storage.documents import AS_READ, encode_document
from iohub.storage.drafts import drop_empty
from iohub.storage.keys import join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, WritableByteStore
from iohub.storage.revalidation import DOCUMENTS, Known, read_document
from iohub.storage.virtual import how_to_write

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, Shape


class StoredArray:
    """An array as it lies in a store; nothing is read on construction.

    Parameters
    ----------
    store : ByteStore
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        Its document as it was read or written.
    mark : hashable, optional
        Of a document read just now; see :class:`~iohub.storage.revalidation.Known`.
    """

    def __init__(self, store: ByteStore, path: str, spec: ArraySpec, *, mark: Hashable = None):
        self._store, self._path = store, path
        self._known = Known(mark, spec)

    def __repr__(self) -> str:
        spec = self._known.spec
        return (
            f"<{type(self).__name__} {join(self._store.url, self._path)} {spec.shape} {spec.dtype}>"
        )

    @property
    def store(self) -> ByteStore:
        """The bytes below."""
        return self._store

    @property
    def path(self) -> str:
        """Path in the store."""
        return self._path

    @property
    def url(self) -> str:
        """Store and path, for messages."""
        return join(self._store.url, self._path)

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._store.read_only

    @property
    def spec(self) -> ArraySpec:
        """The document as it is in the store now: one ``stat`` locally, one read elsewhere.

        Raises
        ------
        NotFoundError
            If the array was deleted.
        DocumentError
            If its document became unreadable.
        """
        known = self._known
        fresh = read_document(self._store, self._path, known.spec.zarr_format, known)
        if fresh is not known:
            self._known = fresh
        return fresh.spec

    @property
    def mark(self) -> Hashable:
        """State of the document when it was last read: another one whenever it was changed."""
        return self._known.mark

    @property
    def shape(self) -> Shape:
        """Size along each axis, as it is now."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in memory."""
        return self._known.spec.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._known.spec.ndim

    def attrs(self) -> JsonObject:
        """Attributes as they are now; the caller must not change them."""
        return self.spec.attributes

    def edit_attrs(self, edit: Callable[[JsonObject], JsonObject]) -> JsonObject:
        """Read, change and write the attributes under the array's lock.

        Parameters
        ----------
        edit : callable
            Takes the attributes, returns new ones.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        DocumentError
            If the new attributes cannot be written as JSON.
        """
        with self._locked() as target:
            spec = self.spec
            new = spec.with_attributes(edit(dict(spec.attributes)))
            name = DOCUMENTS[spec.zarr_format][-1]
            if new.attributes != spec.attributes:
                old = encode_document(spec.attributes, name, AS_READ)
                encode_document(new.attributes, f"{self._path}/{name}", old)  # refuses new NaN
                # An emptied .zattrs is written as {}, so that no older content stays.
                value = new.documents().get(name, b"{}")
                target.set(join(self._path, name), value)
            return new.attributes

    def encoded(self, index: Sequence[int]) -> bytes | None:
        """Bytes of a unit as they are stored; None if it was never written.

        Parameters
        ----------
        index : sequence of int
            Index of the unit in the grid.
        """
        return self._store.get(self.unit_key(index))

    def write_encoded(self, index: Sequence[int], value: bytes | None) -> None:
        """Store the bytes of a unit as they are; None removes it.

        Parameters
        ----------
        index : sequence of int
            Index of the unit in the grid.
        value : bytes or None
            From an array with :meth:`~iohub.storage.spec.ArraySpec.same_encoding`.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        """
        target, key = self._writable(), self.unit_key(index)
        if value is None:
            target.delete(key)
        else:
            target.set(key, value)

    def unit_key(self, index: Sequence[int]) -> str:
        """Key of a unit in the store.

        Parameters
        ----------
        index : sequence of int
            Index of the unit in the grid.
        """
        return join(self._path, self._known.spec.unit_key(index))

    def _writable(self) -> WritableByteStore:
        if self._store.read_only or not isinstance(self._store, WritableByteStore):
            raise ReadOnlyError(f"{self.url} is open for reading only; {how_to_write(self._store)}")
        return self._store

    @contextmanager
    def _staying(self) -> Iterator[None]:
        """Refuse to have written where the array was moved or removed meanwhile; one ``stat``."""
        failed = True
        try:
            yield
            failed = False
        finally:
            store = self._store
            name = DOCUMENTS[self._known.spec.zarr_format][0]
            if isinstance(store, LocalBytes) and store.token(join(self._path, name)) is None:
                # Writing makes directories that are missing; an engine that failed in one chunk
                # goes on with others for a moment.
                for pause in (0.0, 0.05, 0.2) if failed else (0.0,):
                    time.sleep(pause)
                    leftovers.drop_strays(store.path(self._path), name)
                    drop_empty(store, self._path)
                raise NotFoundError(
                    f"{self.url} was moved or removed by someone else while it was written; open "
                    "it where it is now and write it again"
                )

    def _locked(self) -> AbstractContextManager[WritableByteStore]:
        target = self._writable()
        return _Held(target, target.lock(self._path))


class _Held(AbstractContextManager[WritableByteStore]):
    """A store while its lock is held."""

    def __init__(self, store: WritableByteStore, lock: AbstractContextManager[None]):
        self._store, self._lock = store, lock

    def __enter__(self) -> WritableByteStore:
        self._lock.__enter__()
        return self._store

    def __exit__(self, *error: Any) -> bool | None:
        return self._lock.__exit__(*error)
