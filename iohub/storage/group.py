"""Zarr groups, v2 and v3: changed under a lock, each document written once; opened and created.

Reading them is in ``group_reading.py``, edits of several documents in ``transaction.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from iohub.errors import (
    DocumentError,
    ExistsError,
    LayoutError,
    MissingNodeError,
    NotFoundError,
    PathError,
    Problem,
)
from iohub.storage import creation, hierarchy, journal
from iohub.storage.documents import encode_document, parse_document, same_document
from iohub.storage.group_reading import ReadableGroup
from iohub.storage.keys import check_key, check_prefix, join
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, WritableByteStore

if TYPE_CHECKING:
    import zarr

    from iohub.storage.array import ZarrArray
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject


class ZarrGroup(ReadableGroup):
    """A Zarr group: attributes, arrays and groups below a path of a store.

    Parameters
    ----------
    store : ByteStore
        The bytes.
    path : str
        Path in the store, ``""`` for the root.
    zarr_format : {2, 3}
        Which documents it has.
    engine : str, optional
        Name of the engine for its arrays; None chooses for each.
    """

    __slots__ = ()

    def edit_attrs(self, edit: Callable[[JsonObject], JsonObject]) -> JsonObject:
        """Read, change and write the attributes under the group's lock; return the new ones.

        Parameters
        ----------
        edit : callable
            Gets the attributes that are on disk now, its own to change, and returns the new
            ones. If it raises, or returns them unchanged, nothing is written.

        Returns
        -------
        dict
            As written; the caller must not change it.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        NotFoundError
            If there is no such group.
        DocumentError
            If the document on disk is broken, or the new attributes cannot be JSON.
        LockTimeoutError
            If another writer holds the group all the time.
        """
        store = self._begin_change()
        with self.lock():
            _, raw = hierarchy.fetch(store, self._attrs_key)
            before = self._shared_attributes(raw)
            after: object = edit(self._attributes_in(raw))
            if not isinstance(after, dict):
                what = f"attributes must be an object, not {type(after).__name__}"
                raise DocumentError([Problem("", what, "json")], self.url)
            if same_document(before, after):
                return before
            return self._put_attrs(store, raw or b"", after)

    def put_attrs(self, attrs: JsonObject) -> JsonObject:
        """Write new attributes, made from what :meth:`attrs` gave under the lock; return them.

        Parameters
        ----------
        attrs : dict
            All attributes. The caller holds the group's lock and has checked them.

        Raises
        ------
        ReadOnlyError, NotFoundError, DocumentError, LockTimeoutError
            As :meth:`edit_attrs`.
        """
        store = self._begin_change()
        with self.lock():
            _, raw = hierarchy.fetch(store, self._attrs_key)
            return self._put_attrs(store, raw or b"", attrs)

    def _put_attrs(self, store: WritableByteStore, raw: bytes, attrs: JsonObject) -> JsonObject:
        where = hierarchy.where(store, self._attrs_key)
        document = attrs
        if self.zarr_format == 3:
            document = {**parse_document(raw, where), "attributes": attrs}
        encoded = encode_document(document, where, raw)
        state = hierarchy.store_one(store, self._attrs_key, encoded)
        # Parsed again: what is kept must neither alias the caller's object nor hold tuples.
        written = self._attributes_in(encoded)
        self._cached = None if state is None else (state, written)
        return written

    def lock(self) -> AbstractContextManager[None]:
        """Hold the group's writer lock, across threads and (locally) processes; re-entrant.

        Raises
        ------
        ReadOnlyError
            If the store or its directory is read-only.
        LockTimeoutError
            If another writer holds it all the time.
        """
        store = hierarchy.writable(self._store)
        journal.recover_above(store, self.path)
        return store.lock(self.path)

    def create_group(self, path: str, attrs: JsonObject | None = None) -> Self:
        """Create one group below this one; see :meth:`create_groups`."""
        self.create_groups([(path, attrs or {})])
        return self.group(path)

    def create_groups(
        self,
        items: Iterable[tuple[str, JsonObject]],
        *,
        exist_ok: bool = False,
        previous: bytes = b"",
    ) -> None:
        """Create many groups with their attributes, each document written once.

        Groups in between that do not exist are made without attributes. Everything is checked
        before the first byte is written.

        Parameters
        ----------
        items : iterable of (str, dict)
            Relative paths and attributes.
        exist_ok : bool
            Leave groups that exist as they are, instead of raising.
        previous : bytes
            Where the attributes come from, as for
            :func:`iohub.storage.documents.encode_document`.

        Raises
        ------
        ExistsError
            If something is at a path already, or an array in between.
        PathError
            If a path leads out of the group.
        DocumentError
            If attributes cannot be JSON.
        NotFoundError
            If this group itself does not exist.
        """
        self._create(items, (), exist_ok=exist_ok, previous=previous)

    def create_array(self, path: str, spec: ArraySpec) -> ZarrArray:
        """Create one array without pixels; see :meth:`create_arrays`."""
        return self.create_arrays([(path, spec)])[0]

    def create_arrays(self, items: Iterable[tuple[str, ArraySpec]]) -> list[ZarrArray]:
        """Create many arrays without pixels, each document written once.

        Groups in between that do not exist are made without attributes. Everything is checked
        before the first byte is written.

        Parameters
        ----------
        items : iterable of (str, ArraySpec)
            Relative paths and what the arrays are like.

        Raises
        ------
        ExistsError
            If something is at a path already, or an array in between.
        PathError
            If a path leads out of the group.
        NotFoundError
            If this group itself does not exist.
        """
        from iohub.storage.array import ZarrArray

        wanted = list(items)
        store = self._create((), wanted)
        return [ZarrArray(store, join(self.path, path), spec, self.engine) for path, spec in wanted]

    def _create(
        self,
        groups: Iterable[tuple[str, JsonObject]],
        arrays: Iterable[tuple[str, ArraySpec]],
        **how: Any,
    ) -> WritableByteStore:
        """Create what is not there yet; return the store."""
        store = self._begin_change()
        with self.lock():
            if not self.load():
                raise NotFoundError(f"no Zarr v{self.zarr_format} group at {self.url}")
            creation.create(store, self.path, self.zarr_format, groups, arrays, **how)
        return store

    def delete(self, path: str) -> None:
        """Delete a group or an array with everything below it.

        Raises
        ------
        MissingNodeError
            If there is none.
        """
        full = join(self.path, check_key(path))
        store = self._begin_change()
        with self.lock():
            if hierarchy.kinds(store, [full])[0] is None:
                raise MissingNodeError(path, self.url)
            store.delete_dir(full)
            if isinstance(store, LocalBytes):
                store.drop_empty(self.path, path)

    def _begin_change(self) -> WritableByteStore:
        store = hierarchy.writable(self._store)
        if store.has_tokens:
            journal.recover(store, self.path)
        hierarchy.drop_consolidated(store, self.path, self.zarr_format)
        return store


def open_group(
    store: ByteStore, path: str = "", *, engine: str | None = None, zarr_format: int | None = None
) -> ZarrGroup:
    """Open an existing group; its document is read and kept.

    Parameters
    ----------
    store : ByteStore
        The bytes.
    path : str
        Path in the store.
    engine : str, optional
        Name of the engine for its arrays.
    zarr_format : {2, 3}, optional
        Accept only this format. If not given, v3 is preferred to v2 where there are both.

    Raises
    ------
    NotFoundError
        If there is no group.
    LayoutError
        If there is an array.
    DocumentError
        If the document is broken; the file is named.
    """
    for version in (3, 2) if zarr_format is None else (zarr_format,):
        hierarchy.check_format(version)
        group = ZarrGroup(store, path, version, engine=engine)
        if group.load():
            return group
    where = hierarchy.where(store, path)
    if store.get(join(path, ".zarray")) is not None:
        raise LayoutError(f"{where} is an array; open the group above it")
    which = "" if zarr_format is None else f"v{zarr_format} "
    raise NotFoundError(f"no Zarr {which}group at {where} {journal.remedy(store, path)}".rstrip())


def create_group(
    store: ByteStore,
    path: str,
    zarr_format: int,
    attrs: JsonObject | None = None,
    *,
    engine: str | None = None,
) -> ZarrGroup:
    """Create a group where there is none, without groups above it.

    Raises
    ------
    ExistsError
        If there is a group or an array, of either format.
    DocumentError
        If the attributes cannot be JSON.
    ReadOnlyError
        If the store is read-only.
    """
    hierarchy.check_format(zarr_format)
    target = hierarchy.writable(store)
    documents = hierarchy.group_documents(check_prefix(path), zarr_format, attrs or {})
    with target.lock(path):
        kind = hierarchy.kinds(store, [path])[0]
        if kind is not None:
            raise ExistsError(f"there is {kind} at {hierarchy.where(store, path)} already")
        for key, value in documents:
            target.set(key, value)
    return ZarrGroup(store, path, zarr_format, engine=engine)


def adopt_group(group: zarr.Group | ZarrGroup, *, engine: str | None = None) -> ZarrGroup:
    """Return a group of ours for one of zarr's; one of ours is returned as it is.

    Raises
    ------
    PathError
        If it is neither.
    """
    if isinstance(group, ZarrGroup):
        return group
    if "zarr" in sys.modules:
        from iohub.storage import zarr_bytes

        found = zarr_bytes.unwrap_zarr(group)
        if found is not None and hasattr(group, "metadata"):
            store = zarr_bytes.byte_store(found[0])
            return ZarrGroup(store, found[1], group.metadata.zarr_format, engine=engine)
    raise PathError(f"a {type(group).__name__} is no Zarr group; open it with open_ome_zarr(path)")
