"""A store becomes another OME-Zarr version in place: new documents over the same chunks."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import LayoutError
from iohub.formats import registry
from iohub.metadata import own, versions
from iohub.nodes.base import join
from iohub.nodes.upgrade_plan import DocumentChange, Planner, Rewrite, Upgrade
from iohub.storage import hierarchy
from iohub.storage import location as place
from iohub.storage.array import ZarrArray
from iohub.storage.copying import copy
from iohub.storage.documents import AS_READ, encode_document
from iohub.storage.group import ZarrGroup
from iohub.storage.journal import attend
from iohub.storage.text_arrays import encode_text
from iohub.storage.transaction import Transaction, recover

if TYPE_CHECKING:
    from iohub.storage.location import Location, StoreLike

__all__ = ["DocumentChange", "Rewrite", "Upgrade", "upgrade"]

_ANCESTORS = 4  # a plate, a row, a well, an image, its labels


def upgrade(
    store_path: StoreLike, to: str, *, dry_run: bool = False, rewrite: bool = False
) -> Upgrade:
    """Make a store one of another OME-Zarr version, newer or older, in place.

    The chunks stay as they are: only documents are written. From 0.4, whose chunks are those of
    Zarr v2, the new documents say that the chunks have the keys of v2. Back to 0.4, directories
    of chunks are renamed if they have the prefix of v3. Tables are kept as they are, but for the
    Zarr format of their documents.

    On a local store it survives a kill at any moment: either nothing has changed, or the change
    is completed when the store is next opened for writing. Nodes that are open must be reopened.

    Parameters
    ----------
    store_path : str, Path or zarr Store
        The whole store: a plate, or an image that is no part of a plate.
    to : {"0.4", "0.5", "0.6"}
        The version that it gets.
    dry_run : bool
        Return what would be done, and do nothing.
    rewrite : bool
        Whether to encode an array anew if its chunks cannot be read by the version's Zarr format,
        such as shards by that of 0.4. The new chunks take the place of the old ones
        when all is written; until then both need room.

    Returns
    -------
    Upgrade
        What was done, or would be.

    Raises
    ------
    DocumentError
        If metadata break the rules, or say what that version cannot; all such problems are
        listed with the document that has them, and nothing has changed.
    EngineError
        If the chunks of an array cannot be read by that version's Zarr format, and are not to be
        rewritten; or hold what it has no type for.
    LayoutError
        If it is not a whole OME-Zarr store.
    VersionError
        If there is no such version.
    """
    theirs = versions.spelling(to)
    location = place.locate(store_path, writable=not dry_run)
    if not dry_run and place.exists(location):
        location.begin(theirs.zarr_format)
    if not dry_run and location.store.has_tokens:
        attend(location.store, location.path)
    group = registry.open_group(location)
    if not dry_run:
        recover(group)
    _check_whole(location, group)
    if dry_run:
        return Planner(group, theirs, rewrite=rewrite).plan(location.url)
    with group.lock():
        plan = Planner(group, theirs, rewrite=rewrite).plan(location.url)
        _apply(group, plan)
    location.finish()
    return plan


def _check_whole(location: Location, group: ZarrGroup) -> None:
    attrs = group.attrs()
    kind = versions.kind(attrs, group.zarr_format)
    if kind is None and own.layout(attrs) is None and "ome" not in attrs:
        raise LayoutError(f"{location.url} has no OME-Zarr metadata: give the store that has them")
    folder = location.local_path
    for _ in range(_ANCESTORS if folder is not None else 0):
        folder = os.path.dirname(folder or "")
        above = place.locate(folder, writable=False) if folder else None
        if above is not None and place.has_zarr_document(above):
            raise LayoutError(
                f"{location.url} is part of {folder}, whose version it must have: upgrade that"
            )


def _apply(group: ZarrGroup, plan: Upgrade) -> None:
    """Write the documents.

    Where both kinds of documents are there, those of v3 count. So on the way up the old ones are
    deleted last, and there is no moment without either; on the way down the root's comes away
    first, and nobody reads chunks that are being renamed.
    """
    older = plan.zarr_format < group.zarr_format
    with Transaction(group) as edit:
        for change in plan.deleted:
            edit.delete(change.key, last=not older)
        for source, target in plan.moves:
            edit.move(source, target)
        for rewrite in plan.rewrites:
            _encode_anew(group, edit, rewrite)
        for change in plan.changes:
            if change.after is not None:
                edit.put(change.key, encode_document(change.after, change.key, AS_READ))
    store = hierarchy.writable(group.store)
    for folder in {source.rpartition("/")[0] for source, _ in plan.moves}:
        if not any(store.list_dir(join(group.path, folder))):
            store.delete_dir(join(group.path, folder))


def _encode_anew(group: ZarrGroup, edit: Transaction, rewrite: Rewrite) -> None:
    path, store = rewrite.path, hierarchy.writable(group.store)
    edit.replace(path)
    if rewrite.target is not None:
        staged = edit.stage_array(path, rewrite.target)
        copy(group.array(path), ZarrArray(store, staged, rewrite.target, group.engine))
        return
    staged = edit.stage(path)
    for name, document in rewrite.after.items():
        store.set(join(staged, name), encode_document(document, name))
    with warnings.catch_warnings():
        # Text is not yet in the specification of Zarr v3, and zarr says so at every array.
        warnings.simplefilter("ignore")
        array: Any = group.zarr_group()[path]
        texts = np.asarray(array[...])
    if texts.size:
        key = "/".join([*(["c"] if "zarr.json" in rewrite.after else []), *["0"] * texts.ndim])
        store.set(join(staged, key or "0"), encode_text([str(v) for v in texts.ravel()]))
