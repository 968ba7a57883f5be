"""Which documents make a Zarr v2 or v3 hierarchy: their names, kinds, and what becomes stale.

Functions on bytes and paths; the object that users of this room hold is in ``group.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable
from weakref import WeakKeyDictionary

from iohub.errors import (
    DocumentError,
    IohubError,
    LayoutError,
    Problem,
    ReadOnlyError,
    UnreadableError,
    VersionError,
)
from iohub.storage.documents import encode_document, parse_document
from iohub.storage.keys import join, parents
from iohub.storage.local import LocalBytes
from iohub.storage.protocol import ByteStore, ReadsEach, WritableByteStore
from iohub.types import JsonObject

_CONSOLIDATED = "consolidated_metadata"

Fetched: TypeAlias = "tuple[Hashable, bytes | UnreadableError | None]"
"""State and value of a key, or why it cannot be read."""


class Kind(NamedTuple):
    """What lies at a path: its Zarr format (2 or 3), and whether its document says what it is."""

    zarr_format: int
    what: Literal["group", "array", "corrupt"]

    def __str__(self) -> str:
        if self.what == "corrupt":
            return "a broken zarr.json"
        return f"{'an' if self.what == 'array' else 'a'} {self.what} of Zarr v{self.zarr_format}"


@runtime_checkable
class StoresMany(Protocol):
    """A byte store that stores many values faster than one after the other."""

    def set_many(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Store many values, each key once."""


def writable(store: ByteStore) -> WritableByteStore:
    """Return a store as one that can be written.

    Raises
    ------
    ReadOnlyError
        If it cannot.
    """
    if store.read_only:
        raise ReadOnlyError(f"{store.url} was opened for reading; open it with mode='r+'")
    # The protocol is slow to check, and almost every store is a local one.
    if not isinstance(store, LocalBytes) and not isinstance(store, WritableByteStore):
        raise ReadOnlyError(f"{store.url}: a {type(store).__name__} can only be read")
    return store


def store_new(store: WritableByteStore, items: Sequence[tuple[str, bytes]]) -> None:
    """Store documents of new groups and arrays, at once if the store can."""
    if not isinstance(store, LocalBytes) and isinstance(store, StoresMany):
        store.set_many(items)
    else:
        for key, value in items:
            store_one(store, key, value)


def attributes_name(zarr_format: int) -> str:
    """Name of the document that holds a group's attributes."""
    return "zarr.json" if zarr_format == 3 else ".zattrs"


def group_name(zarr_format: int) -> str:
    """Name of the document without which there is no group."""
    return "zarr.json" if zarr_format == 3 else ".zgroup"


def array_names(zarr_format: int) -> tuple[str, ...]:
    """Names of the documents of an array; the first is the one it cannot be without."""
    return ("zarr.json",) if zarr_format == 3 else (".zarray", ".zattrs")


def check_format(zarr_format: int) -> None:
    """Refuse a Zarr format that is neither 2 nor 3.

    Raises
    ------
    VersionError
        If it is.
    """
    if zarr_format not in (2, 3):
        raise VersionError(f"Zarr format {zarr_format!r} is unknown; there are 2 and 3")


def group_attributes(document: JsonObject, where: str) -> JsonObject:
    """Return the attributes in a v3 group document.

    Raises
    ------
    LayoutError
        If it is the document of an array.
    DocumentError
        If it is no v3 group document.
    """
    node, attributes = document.get("node_type"), document.get("attributes")
    if node == "array":
        raise LayoutError(f"{where} is the document of an array, where a group should be")
    problems = []
    if document.get("zarr_format") != 3:
        found = document.get("zarr_format")
        problems.append(Problem("/zarr_format", f"must be 3, not {found!r}", "zarr-format"))
    if node != "group":
        what = f"must be 'group' or 'array', not {node!r}"
        problems.append(Problem("/node_type", what, "node-type"))
    if attributes is not None and not isinstance(attributes, dict):
        what = f"must be an object, not {type(attributes).__name__}"
        problems.append(Problem("/attributes", what, "attributes"))
    if problems:
        raise DocumentError(problems, where)
    return attributes if isinstance(attributes, dict) else {}


def group_documents(
    path: str, zarr_format: int, attrs: JsonObject, previous: bytes = b""
) -> list[tuple[str, bytes]]:
    """Documents of a new group, by key; the one without which there is no group comes last.

    `previous` is as for :func:`iohub.storage.documents.encode_document`.

    Raises
    ------
    DocumentError
        If the attributes cannot be JSON.
    """
    key = join(path, attributes_name(zarr_format))
    if zarr_format == 3:
        document = {"zarr_format": 3, "node_type": "group", "attributes": attrs}
        return [(key, encode_document(document, key, previous))]
    own = encode_document({"zarr_format": 2}, key)
    found = [(key, encode_document(attrs, key, previous))] if attrs else []
    return [*found, (join(path, ".zgroup"), own)]


def kinds(store: ByteStore, paths: Sequence[str]) -> list[Kind | None]:
    """Tell what lies at each path, by its documents; v3 is preferred to v2. None: nothing."""
    found: list[Kind | None] = [None] * len(paths)
    open_ = list(range(len(paths)))
    if isinstance(store, LocalBytes):
        # One call for what is not there, as it is with most paths that are asked for.
        open_ = [index for index in open_ if store.exists(paths[index])]
    for name, kind in (
        ("zarr.json", None),
        (".zgroup", Kind(2, "group")),
        (".zarray", Kind(2, "array")),
    ):
        if not open_:
            break
        raws = store.get_many([join(paths[index], name) for index in open_])
        for index, raw in zip(open_, raws, strict=True):
            if raw is not None:
                found[index] = kind or _v3_kind(raw)
        open_ = [index for index in open_ if found[index] is None]
    return found


def _v3_kind(raw: bytes) -> Kind:
    try:
        node = parse_document(raw, "").get("node_type")
    except DocumentError:
        return Kind(3, "corrupt")
    if node == "group":
        return Kind(3, "group")
    return Kind(3, "array" if node == "array" else "corrupt")


def refuse_v2_array(store: ByteStore, path: str) -> None:
    """Refuse an array of Zarr v2, whose attributes are in a file such as groups have.

    Raises
    ------
    LayoutError
        If there is an array and no group.
    """
    group, array = store.get_many([join(path, ".zgroup"), join(path, ".zarray")])
    if group is None and array is not None:
        raise LayoutError(f"{where(store, path)} is an array, where a group should be")


# Documents that are known to be without consolidated metadata, by the token they had then.
_clean: WeakKeyDictionary[ByteStore, dict[str, Hashable]] = WeakKeyDictionary()


def drop_consolidated(store: WritableByteStore, path: str, zarr_format: int) -> None:
    """Remove consolidated metadata at a path and above, before something there changes.

    Readers trust these copies of the documents below, so a stale one is worse than none.
    ``zarr.consolidate_metadata`` makes a new one. Costs a ``stat`` per level on a local store,
    one batch of reads elsewhere.
    """
    name = "zarr.json" if zarr_format == 3 else ".zmetadata"
    keys = [join(prefix, name) for prefix in (path, *parents(path))]
    if not store.has_tokens:
        for key, raw in zip(keys, store.get_many(keys), strict=True):
            _drop_consolidated(store, key, raw)
        return
    clean = _clean.setdefault(store, {})
    for key in keys:
        token = store.token(key)
        if token is not None and clean.get(key) != token:
            _drop_consolidated(store, key, store.get(key))
            clean[key] = store.token(key)


def _drop_consolidated(store: WritableByteStore, key: str, raw: bytes | None) -> None:
    if raw is None:
        return
    if key.endswith(".zmetadata"):
        store.delete(key)
    elif f'"{_CONSOLIDATED}"'.encode() in raw:
        # A corrupt document has no copies that anyone could read.
        with suppress(DocumentError), store.lock(key.rpartition("/")[0]):
            raw = store.get(key) or b""
            document = parse_document(raw, key)
            if document.pop(_CONSOLIDATED, None) is not None:
                store.set(key, encode_document(document, key, raw))


def where(store: ByteStore, path: str) -> str:
    """Where a path is, for people."""
    return join(store.url.rstrip("/"), path)


def fetch(store: ByteStore, key: str) -> tuple[Hashable, bytes | None]:
    """Return the state of a key, to compare with later, and its value; None for no value."""
    if isinstance(store, LocalBytes):
        found = store.get_with_token(key)
        return (None, None) if found is None else (found[1], found[0])
    state = store.token(key) if store.has_tokens else None
    raw = store.get(key)
    return (state if store.has_tokens else raw), raw


def store_one(store: WritableByteStore, key: str, value: bytes) -> Hashable:
    """Store a value; return its state, as :func:`fetch` would, or None if that is not known."""
    if isinstance(store, LocalBytes):
        token = store.set_with_token(key, value)
        if _CONSOLIDATED.encode() not in value:
            _clean.setdefault(store, {})[key] = token
        return token
    store.set(key, value)
    return None if store.has_tokens else value


def fetch_many(store: ByteStore, keys: Sequence[str]) -> list[Fetched]:
    """Like :func:`fetch`, for many keys in one batch; one that cannot be read spares the others."""
    if not store.has_tokens:
        if not isinstance(store, ReadsEach):
            return [(raw, raw) for raw in store.get_many(keys)]
        return [
            (None, UnreadableError(str(raw))) if isinstance(raw, IohubError) else (raw, raw)
            for raw in store.get_each(keys)
        ]
    found: list[Fetched] = []
    for key in keys:
        try:
            found.append(fetch(store, key))
        except OSError as error:
            what = f"{where(store, key)} cannot be read: {error.strerror or error}"
            found.append((None, UnreadableError(what)))
    return found
