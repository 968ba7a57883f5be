"""A hierarchy of documents written to a store: groups and arrays without pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from iohub.errors import ExistsError, PathError
from iohub.storage import creation, location
from iohub.storage.group import ZarrGroup, create_group
from iohub.storage.hierarchy import group_documents as documents_of
from iohub.storage.hierarchy import kinds, store_new, writable
from iohub.storage.keys import check_prefix, join, parents
from iohub.storage.packed import PackedBytes

if TYPE_CHECKING:
    from iohub.storage.location import Location, StoreLike
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject


def create_hierarchy(
    store: StoreLike,
    path: str,
    groups: Mapping[str, JsonObject],
    arrays: Mapping[str, ArraySpec],
    *,
    zarr_format: int,
    overwrite: bool,
) -> ZarrGroup:
    """Write groups and arrays without pixels.

    The attributes of the uppermost group are written last: until everything is there, it is a
    plain group. Groups above `path` that are missing are made.

    Parameters
    ----------
    store : path-like, str, zarr store or ByteStore
        Where; see :func:`iohub.storage.location.locate`.
    path : str
        Of the uppermost group in the store.
    groups, arrays : mapping of str to dict, mapping of str to ArraySpec
        Attributes and array documents by path below `path`; ``""`` is the uppermost group.
    zarr_format : {2, 3}
        Of all documents.
    overwrite : bool
        Delete what is there first, if it is a Zarr group or array.

    Raises
    ------
    ExistsError
        If something is there, and is not to be or may not be overwritten.
    PathError
        If a path leads out of the store.
    ReadOnlyError
        If the store cannot be written.
    DocumentError
        If attributes cannot be JSON.
    """
    where = location.locate(store, writable=True)
    where.begin(zarr_format)
    full = join(where.path, check_prefix(path))
    place = location.Location(where.store, full, join(where.url.rstrip("/"), path))
    if not location.is_empty(place):
        _make_room(place, overwrite=overwrite)
    _create_above(place, zarr_format)
    root = create_group(place.store, full, zarr_format)
    below = [(name, attrs) for name, attrs in groups.items() if name]
    creation.create(writable(place.store), full, zarr_format, below, arrays.items())
    attrs = groups.get("", {})
    if attrs:
        root.edit_attrs(lambda _: dict(attrs))
    if isinstance(where.store, PackedBytes):
        where.finish()
        return ZarrGroup(location.locate(store, writable=False).store, full, zarr_format)
    return root


def _make_room(place: Location, *, overwrite: bool) -> None:
    if not overwrite:
        raise ExistsError(
            f"there is something at {place.url} already; pass overwrite=True to replace it"
        )
    if not location.has_zarr_document(place):
        raise ExistsError(
            f"refusing to delete {place.url}: it holds files but no Zarr metadata; move it away"
        )
    location.wipe(place)


def _create_above(place: Location, zarr_format: int) -> None:
    store = writable(place.store)
    above = parents(place.path)[::-1]
    new = []
    for path, kind in zip(above, kinds(store, above), strict=True):
        if kind is None:
            new += documents_of(path, zarr_format, {})
        elif kind.what != "group" or kind.zarr_format != zarr_format:
            raise PathError(f"there is {kind} above {place.url}; write somewhere else")
    store_new(store, new)
