"""Zarr groups, v2 and v3, reading: each document is read once, directly.

A group is a path; making one reads nothing. Attributes are cached and revalidated, so another
process's change is seen. Of OME it knows nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self

from iohub.errors import (
    CorruptNodeWarning,
    DocumentError,
    DTypeError,
    IohubError,
    LayoutError,
    MissingNodeError,
    NotFoundError,
    UnreadableError,
)
from iohub.storage import hierarchy, journal
from iohub.storage.documents import parse_document
from iohub.storage.keys import check_key, check_prefix, join
from iohub.storage.protocol import ByteStore

if TYPE_CHECKING:
    import zarr

    from iohub.storage.array import ZarrArray
    from iohub.types import JsonObject

# Documents parsed lately, by their bytes; so many, and none that is larger.
_SHARED = 128
_SHARED_BYTES = 16 * 1024
_shared: dict[tuple[int, bytes], JsonObject] = {}


class ReadableGroup:
    """A Zarr group, reading: attributes, arrays and groups below a path of a store.

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

    __slots__ = (
        "_attrs_key",
        "_cached",
        "_journal_seen",
        "_store",
        "engine",
        "path",
        "zarr_format",
    )

    def __init__(self, store: ByteStore, path: str, zarr_format: int, *, engine: str | None = None):
        self._store = store
        self.path = check_prefix(path)
        self.zarr_format = zarr_format
        self.engine = engine
        self._attrs_key = join(path, hierarchy.attributes_name(zarr_format))
        self._cached: tuple[Hashable, JsonObject] | None = None
        self._journal_seen = False

    @property
    def store(self) -> ByteStore:
        """The bytes below."""
        return self._store

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._store.read_only

    @property
    def url(self) -> str:
        """Where it is, for people."""
        return hierarchy.where(self._store, self.path)

    def exists(self) -> bool:
        """Whether there is a group document of this format; a corrupt one counts."""
        if self.zarr_format == 3:
            try:
                self.attrs()
            except DocumentError:
                return True
            except (NotFoundError, LayoutError):
                return False
            return True
        kind = hierarchy.kinds(self._store, [self.path])[0]
        return kind is not None and kind[0] == self.zarr_format and kind[1] != "array"

    def load(self) -> bool:
        """Read the attributes; return whether there is such a group.

        Raises
        ------
        LayoutError
            If there is an array of Zarr v3.
        DocumentError
            If its document is broken.
        """
        if self.zarr_format == 2:
            if self._store.get(join(self.path, ".zgroup")) is None:
                return False
            self.attrs()
            return True
        try:
            self.attrs()
        except NotFoundError:
            return False
        return True

    # attributes

    def attrs(self) -> JsonObject:
        """Attributes as they are on disk now, the same object until they change.

        The caller must not change it.

        Raises
        ------
        NotFoundError
            If there is no such group.
        DocumentError
            If its document is no JSON, or not one of a group.
        """
        store, cached = self._store, self._cached
        if cached is None:
            self._see_journal()
        elif (
            store.has_tokens and cached[0] is not None and cached[0] == store.token(self._attrs_key)
        ):
            return cached[1]
        state, raw = hierarchy.fetch(store, self._attrs_key)
        if cached is not None and state is not None and cached[0] == state:
            return cached[1]
        attrs = self._shared_attributes(raw)
        if cached is not None and cached == (None, attrs) and state is None:
            return cached[1]  # a v2 group without attributes, as before
        self._cached = (state, attrs)
        return attrs

    def last_attrs(self) -> JsonObject:
        """Attributes as they were when last read, which must not be changed; read if never."""
        return self.attrs() if self._cached is None else self._cached[1]

    def load_many(self, paths: Sequence[str]) -> list[JsonObject | IohubError]:
        """Attributes of many groups below this one, read in one batch.

        Parameters
        ----------
        paths : sequence of str
            Relative paths.

        Returns
        -------
        list
            For each path its attributes, or the NotFoundError or DocumentError why not.
        """
        name = hierarchy.attributes_name(self.zarr_format)
        groups = [self.group(path) for path in paths]
        raws = self._store.get_many([join(group.path, name) for group in groups])
        found: list[JsonObject | IohubError] = []
        for group, raw in zip(groups, raws, strict=True):
            try:
                found.append(group._attributes_in(raw))
            except IohubError as error:
                found.append(error)
        return found

    def load_groups(self, paths: Sequence[str]) -> list[Self | IohubError]:
        """Many groups below this one, their attributes read in one batch and kept.

        Parameters
        ----------
        paths : sequence of str
            Relative paths.

        Returns
        -------
        list
            For each path its group, or the NotFoundError, LayoutError (it is an array),
            DocumentError or UnreadableError why not.
        """
        groups = [self.group(path) for path in paths]
        found = hierarchy.fetch_many(self._store, [group._attrs_key for group in groups])
        loaded: list[Self | IohubError] = []
        for group, (state, raw) in zip(groups, found, strict=True):
            try:
                if isinstance(raw, UnreadableError):
                    raise raw
                group._cached = (state, group._shared_attributes(raw))
            except IohubError as error:
                loaded.append(error)
            else:
                group._see_journal()
                loaded.append(group)
        return loaded

    def _shared_attributes(self, raw: bytes | None) -> JsonObject:
        """Parse attributes that nobody changes: equal documents give the same object.

        Most wells and positions of a plate have equal documents.
        """
        if raw is None or len(raw) > _SHARED_BYTES:
            return self._attributes_in(raw)
        found = _shared.get((self.zarr_format, raw))
        if found is None:
            found = self._attributes_in(raw)
            if len(_shared) >= _SHARED:
                _shared.clear()
            _shared[self.zarr_format, raw] = found
        return found

    def _attributes_in(self, raw: bytes | None) -> JsonObject:
        """Parse the attributes in the bytes of the document that holds them."""
        where = hierarchy.where(self._store, self._attrs_key)
        if self.zarr_format == 3:
            if raw is None:
                raise NotFoundError(f"no Zarr v3 group at {self.url}: there is no zarr.json")
            return hierarchy.group_attributes(parse_document(raw, where), where)
        if raw is None and self._store.get(join(self.path, ".zgroup")) is None:
            hierarchy.refuse_v2_array(self._store, self.path)
            raise NotFoundError(f"no Zarr v2 group at {self.url}: there is no .zgroup")
        return {} if raw is None else parse_document(raw, where)

    # children

    def group(self, path: str) -> Self:
        """Return the group at a relative path, this one for ``""``; nothing is read.

        Raises
        ------
        PathError
            If the path leads out of the group.
        """
        return type(self)(
            self._store,
            join(self.path, check_prefix(path)),
            self.zarr_format,
            engine=self.engine,
        )

    def array(self, path: str) -> ZarrArray:
        """Return the array at a relative path; its document is read.

        Raises
        ------
        MissingNodeError
            If there is none; it names those that there are.
        DocumentError
            If its document is broken.
        PathError
            If the path is empty or leads out of the group.
        """
        found = self.load_arrays((path,))[0]
        if isinstance(found, IohubError):
            raise found
        return found

    def load_arrays(self, paths: Sequence[str]) -> list[ZarrArray | IohubError]:
        """Many arrays below this group, their documents read in one batch.

        Parameters
        ----------
        paths : sequence of str
            Relative paths.

        Returns
        -------
        list
            For each path its array, or the MissingNodeError, DocumentError or DTypeError (pixels
            of an unknown type) why not.
        """
        self._see_journal()
        names = hierarchy.array_names(self.zarr_format)
        full = [join(self.path, check_key(path)) for path in paths]
        found = hierarchy.fetch_many(
            self._store, [join(path, name) for path in full for name in names]
        )
        step = len(names)
        return [
            self._array_of(path, found[start : start + step])
            for path, start in zip(full, range(0, len(found), step), strict=True)
        ]

    def _array_of(self, path: str, found: Sequence[hierarchy.Fetched]) -> ZarrArray | IohubError:
        from iohub.storage.array import ZarrArray
        from iohub.storage.revalidation import parse_spec

        names = hierarchy.array_names(self.zarr_format)
        if found[0][1] is None:
            return self._no_array(path)
        documents: dict[str, bytes | None] = {}
        for name, (_, raw) in zip(names, found, strict=True):
            if isinstance(raw, UnreadableError):
                return raw
            documents[name] = raw
        try:
            spec = parse_spec(documents, hierarchy.where(self._store, path))
        except (DocumentError, DTypeError) as error:
            if hierarchy.kinds(self._store, [path])[0] == hierarchy.Kind(3, "group"):
                return self._no_array(path, "It is a group.")
            return error
        # The array need not read its document again to know that it is still the same.
        mark = tuple(state for state, _ in found)
        return ZarrArray(self._store, path, spec, self.engine, mark=mark)

    def _no_array(self, path: str, hint: str = "") -> MissingNodeError:
        relative = path[len(self.path) :].lstrip("/")
        hint = hint or journal.remedy(self._store, self.path)
        # Only the children are worth a listing; and some stores cannot be listed.
        with suppress(NotFoundError):
            return MissingNodeError(relative, self.url, self.members("array"), hint)
        return MissingNodeError(relative, self.url, (), hint)

    def members(self, what: Literal["group", "array"]) -> list[str]:
        """Names of the child groups or arrays, by listing; navigate by metadata if you can.

        A child whose document is broken is left out with a CorruptNodeWarning that names it.
        """
        folders, _ = self._store.list_dir(self.path)
        paths = [join(self.path, name) for name in folders]
        found = []
        for name, kind in zip(folders, hierarchy.kinds(self._store, paths), strict=True):
            if kind == (self.zarr_format, what):
                found.append(name)
            elif kind == (self.zarr_format, "corrupt"):
                where = hierarchy.where(self._store, join(self.path, name))
                warnings.warn(f"{where}/zarr.json is broken", CorruptNodeWarning, stacklevel=3)
        return found

    def group_names(self) -> list[str]:
        """Child groups, by listing; see :meth:`members`."""
        return self.members("group")

    def array_names(self) -> list[str]:
        """Child arrays, by listing; see :meth:`members`."""
        return self.members("array")

    def zarr_group(self) -> zarr.Group:
        """Return the group as zarr's own object, writable if the store is.

        Raises
        ------
        NotFoundError
            If there is no such group.
        """
        from iohub.storage import zarr_bytes

        return zarr_bytes.zarr_group(self._store, self.path, self.zarr_format)

    def _see_journal(self) -> None:
        """On first use: complete an edit that was interrupted here, or warn of it."""
        if not self._journal_seen:
            self._journal_seen = True
            if self._store.has_tokens:
                journal.attend(self._store, self.path)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadableGroup):
            return NotImplemented
        return (self._store, self.path, self.zarr_format) == (
            other._store,
            other.path,
            other.zarr_format,
        )

    def __hash__(self) -> int:
        return hash((self._store, self.path, self.zarr_format))

    def __repr__(self) -> str:
        mode = "r" if self.read_only else "r+"
        return f"<{type(self).__name__} {self.url!r} v{self.zarr_format} mode={mode!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self._store, self.path, self.zarr_format, self.engine)


def _restore(
    kind: type[ReadableGroup], store: ByteStore, path: str, zarr_format: int, engine: str | None
) -> ReadableGroup:
    return kind(store, path, zarr_format, engine=engine)
