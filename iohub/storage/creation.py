"""New groups and arrays, many at a time: all is checked first, then each document written once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from iohub.errors import ExistsError
from iohub.storage import hierarchy
from iohub.storage.hierarchy import where
from iohub.storage.keys import check_key, join, parents
from iohub.storage.protocol import WritableByteStore

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject


def create(
    store: WritableByteStore,
    base: str,
    zarr_format: int,
    groups: Iterable[tuple[str, JsonObject]],
    arrays: Iterable[tuple[str, ArraySpec]],
    *,
    exist_ok: bool = False,
    previous: bytes = b"",
) -> None:
    """Create groups and arrays below a group, and the groups in between.

    Parameters
    ----------
    store : WritableByteStore
        The bytes.
    base : str
        Path of an existing group below which to create; its lock is taken.
    zarr_format : {2, 3}
        Of all documents.
    groups, arrays : iterable of (path, attributes), iterable of (path, spec)
        What to create, by relative path.
    exist_ok : bool
        Leave groups that exist as they are, instead of raising.
    previous : bytes
        Where the attributes come from, as for :func:`iohub.storage.documents.encode_document`.

    Raises
    ------
    ExistsError
        If something is at a path already, or an array in between, or a path comes twice.
    PathError
        If a path leads out of the group.
    DocumentError
        If attributes cannot be JSON.
    """
    documents: dict[str, list[tuple[str, bytes]]] = {}
    for path, attrs in groups:
        new = hierarchy.group_documents(join(base, path), zarr_format, attrs, previous)
        _add(documents, path, new)
    new_arrays: set[str] = set()
    for path, spec in arrays:
        _add(documents, path, _array_documents(join(base, path), spec))
        new_arrays.add(path)
    if not documents:
        return
    with store.lock(base):
        above = {parent for path in documents for parent in parents(path) if parent}
        inside = sorted(above & new_arrays)
        if inside:
            raise ExistsError(f"{inside[0]!r} is to be an array; nothing can be created in it")
        between = above - documents.keys()
        paths = sorted({*documents, *between}, key=lambda path: (path.count("/"), path))
        # With exist_ok only groups may be there; an array never is "the same one".
        tolerated = between | (documents.keys() - new_arrays if exist_ok else set())
        found = hierarchy.kinds(store, [join(base, path) for path in paths])
        batch: list[tuple[str, bytes]] = []
        for path, kind in zip(paths, found, strict=True):
            if kind is not None:
                if path not in tolerated or kind != (zarr_format, "group"):
                    raise ExistsError(f"there is {kind} at {where(store, join(base, path))}")
            elif path in documents:
                batch += documents[path]
            else:
                batch += hierarchy.group_documents(join(base, path), zarr_format, {})
        hierarchy.store_new(store, batch)


def _add(
    documents: dict[str, list[tuple[str, bytes]]], path: str, new: list[tuple[str, bytes]]
) -> None:
    if check_key(path) in documents:
        raise ExistsError(f"{path!r} is to be created twice")
    documents[path] = new


def _array_documents(path: str, spec: ArraySpec) -> list[tuple[str, bytes]]:
    """Documents of an array by key; the one without which there is no array comes last."""
    names = hierarchy.array_names(spec.zarr_format)
    documents = spec.documents()
    return [(join(path, name), documents[name]) for name in reversed(names) if name in documents]
