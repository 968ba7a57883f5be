"""A store becomes another OME-Zarr version in place: new documents over the same chunks."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from iohub.errors import DocumentError, EngineError, IohubError, LayoutError, Problem
from iohub.formats import registry
from iohub.metadata import own, versions
from iohub.metadata.respelling import respelled
from iohub.nodes.base import join
from iohub.storage import hierarchy
from iohub.storage import location as place
from iohub.storage.documents import encode_document, parse_document
from iohub.storage.group import ZarrGroup
from iohub.storage.journal import attend
from iohub.storage.same_chunks import documents_over_chunks
from iohub.storage.transaction import Transaction, recover

if TYPE_CHECKING:
    from iohub.metadata.versions import Spelling
    from iohub.storage.location import Location, StoreLike
    from iohub.types import JsonObject

_STALE = (".zmetadata",)
_ANCESTORS = 4  # a plate, a row, a well, an image, its labels


@dataclass(frozen=True)
class DocumentChange:
    """One document that is written, changed or deleted.

    Attributes
    ----------
    key : str
        Of the document, relative to the store.
    before, after : dict or None
        Its content; None where there is none.
    """

    key: str
    before: JsonObject | None
    after: JsonObject | None

    def diff(self) -> str:
        """Return what changes, in the form of a unified diff."""
        lines = difflib.unified_diff(
            _lines(self.before),
            _lines(self.after),
            f"a/{self.key}" if self.before is not None else "/dev/null",
            f"b/{self.key}" if self.after is not None else "/dev/null",
            lineterm="",
        )
        return "\n".join(lines)


def _lines(document: JsonObject | None) -> list[str]:
    return [] if document is None else json.dumps(document, indent=2).splitlines()


@dataclass
class Upgrade:
    """What becoming another version takes; data only.

    Attributes
    ----------
    url : str
        Of the store.
    found, to : str
        The version that it has, and the one that it gets.
    zarr_format : int
        That of the version that it gets.
    changes : list of DocumentChange
        What is written; the root's own document comes last.
    deleted : list of DocumentChange
        What is deleted; the root's own documents come first.
    moves : list of (str, str)
        Directories of chunks that get another name.
    """

    url: str
    found: str
    to: str
    zarr_format: int
    changes: list[DocumentChange] = field(default_factory=list)
    deleted: list[DocumentChange] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes or self.deleted or self.moves)

    def describe(self) -> str:
        """Return every changed document, as unified diffs."""
        parts = [change.diff() for change in (*self.changes, *self.deleted)]
        return "\n".join([*parts, *(f"rename {old} => {new}" for old, new in self.moves)])


def upgrade(store_path: StoreLike, to: str, *, dry_run: bool = False) -> Upgrade:
    """Make a store one of another OME-Zarr version, newer or older, in place.

    The chunks stay as they are: only documents are written. From 0.4, whose chunks are those of
    Zarr v2, the new documents say that the chunks have the keys of v2. Back to 0.4, directories
    of chunks are renamed if they have the prefix of v3.

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
        If the chunks of an array cannot be read by that version's Zarr format.
    LayoutError
        If it is not a whole OME-Zarr store.
    VersionError
        If there is no such version.
    """
    theirs = versions.spelling(to)
    location = place.locate(store_path, writable=not dry_run)
    if not dry_run and location.store.has_tokens:
        attend(location.store, location.path)
    group = registry.open_group(location)
    if not dry_run:
        recover(group)
    _check_whole(location, group)
    if dry_run:
        return _Planner(group, theirs).plan(location.url)
    with group.lock():
        plan = _Planner(group, theirs).plan(location.url)
        _apply(group, plan)
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


class _Planner:
    """Find out what has to be written; reads documents only."""

    def __init__(self, group: ZarrGroup, theirs: Spelling):
        self.group, self.theirs = group, theirs
        self.problems: list[Problem] = []
        self.unreadable: list[str] = []
        self.dimensions: dict[str, list[str]] = {}

    def plan(self, url: str) -> Upgrade:
        group, theirs = self.group, self.theirs
        found = versions.detect(group.attrs(), group.zarr_format)
        plan = Upgrade(url, found, theirs.version, theirs.zarr_format)
        nodes = list(_walk(group, ""))
        for path, node in nodes:
            self._group(path, node, plan)
        for path, node in nodes:
            names = [name for name, kind in _below(node) if kind.what == "array"]
            for name, array in zip(names, node.load_arrays(names), strict=True):
                if isinstance(array, IohubError):
                    raise array
                self._array(join(path, name), array.spec, plan)
        if self.problems:
            raise DocumentError(self.problems, url)
        if self.unreadable:
            raise EngineError(f"{url} cannot become {theirs.version}: {'; '.join(self.unreadable)}")
        # Readers look at the root's document first: it changes when all else is there.
        plan.changes.sort(key=lambda change: -change.key.count("/"))
        plan.deleted.sort(key=lambda change: change.key.count("/"))
        return plan

    def _group(self, path: str, node: ZarrGroup, plan: Upgrade) -> None:
        attrs = node.attrs()
        new = attrs
        known = versions.kind(attrs, node.zarr_format) is not None
        if known or not path or "ome" in attrs or own.KEY in attrs:
            try:
                new = self._respelled(path, node, attrs)
            except DocumentError as error:
                where = join(path, hierarchy.attributes_name(node.zarr_format))
                self.problems += [p._replace(where=f"{where}#{p.where}") for p in error.problems]
                return
        before = _stored(node, ("zarr.json", ".zgroup", ".zattrs", *_STALE))
        documents = {
            key.rpartition("/")[2]: parse_document(raw, key)
            for key, raw in hierarchy.group_documents("", self.theirs.zarr_format, new)
        }
        if node.zarr_format == self.theirs.zarr_format == 3:
            # Members of others stay; consolidated metadata would be stale.
            kept = {k: v for k, v in before["zarr.json"].items() if k != "consolidated_metadata"}
            if attrs == new:
                kept = before["zarr.json"]
            documents = {"zarr.json": {**kept, "attributes": new}}
        self._note(path, before, documents, plan)

    def _respelled(self, path: str, node: ZarrGroup, attrs: JsonObject) -> JsonObject:
        ours = versions.spelling(versions.detect(attrs, node.zarr_format))
        if ours.has(attrs, "multiscales"):
            for image in ours.parse_image(attrs).multiscales:
                for level in image.get_dataset_paths():
                    self.dimensions[join(path, level)] = image.get_axis_names()
        stated = ours.ome(attrs).get("version")
        if ours.version == self.theirs.version and stated in (None, ours.version):
            return attrs
        return respelled(attrs, ours, self.theirs)

    def _array(self, path: str, spec: Any, plan: Upgrade) -> None:
        store, full = self.group.store, join(self.group.path, path)
        if spec.zarr_format == self.theirs.zarr_format and spec.zarr_format == 2:
            return
        before = _stored(
            ZarrGroup(store, full, spec.zarr_format), ("zarr.json", ".zarray", ".zattrs")
        )
        if spec.zarr_format == self.theirs.zarr_format:
            self._note(path, before, {"zarr.json": before["zarr.json"]}, plan)
            return
        try:
            dimensions = self.dimensions.get(path)
            documents = documents_over_chunks(spec, self.theirs.zarr_format, dimensions)
        except EngineError as error:
            self.unreadable.append(f"array {path!r}: {error}")
            return
        if spec.key_prefix:
            folders, files = store.list_dir(join(full, spec.key_prefix))
            if spec.separator != "/" and not folders:
                names = store.list_dir(full)[1]
                chunks = [n for n in names if n.startswith(spec.key_prefix + spec.separator)]
                plan.moves += [(join(path, n), join(path, n[2:])) for n in chunks]
            plan.moves += [
                (join(path, spec.key_prefix, name), join(path, name)) for name in folders + files
            ]
        self._note(path, before, documents, plan)

    def _note(
        self,
        path: str,
        before: dict[str, JsonObject],
        after: dict[str, JsonObject],
        plan: Upgrade,
    ) -> None:
        for name, document in after.items():
            if before.get(name) != document:
                plan.changes.append(DocumentChange(join(path, name), before.get(name), document))
        for name, document in before.items():
            stale = name not in after and (name not in _STALE or plan.zarr_format == 3)
            if stale:
                plan.deleted.append(DocumentChange(join(path, name), document, None))


def _stored(node: ZarrGroup, names: tuple[str, ...]) -> dict[str, JsonObject]:
    """Return the documents of a node that exist."""
    keys = [join(node.path, name) for name in names]
    raws = node.store.get_many(keys)
    return {
        name: parse_document(raw, key)
        for name, key, raw in zip(names, keys, raws, strict=True)
        if raw is not None
    }


def _below(node: ZarrGroup) -> list[tuple[str, hierarchy.Kind]]:
    """Return what lies right below a group, by listing: all of it must change."""
    folders, _ = node.store.list_dir(node.path)
    kinds = hierarchy.kinds(node.store, [join(node.path, name) for name in folders])
    found = [(name, kind) for name, kind in zip(folders, kinds, strict=True) if kind is not None]
    for name, kind in found:
        if kind.what == "corrupt" or kind.zarr_format != node.zarr_format:
            where = hierarchy.where(node.store, join(node.path, name))
            raise LayoutError(f"{where} is {kind}, in a group of Zarr v{node.zarr_format}")
    return found


def _walk(node: ZarrGroup, path: str) -> Iterator[tuple[str, ZarrGroup]]:
    yield path, node
    names = [name for name, kind in _below(node) if kind.what == "group"]
    for name, child in zip(names, node.load_groups(names), strict=True):
        if isinstance(child, IohubError):
            raise child
        yield from _walk(child, join(path, name))


def _apply(group: ZarrGroup, plan: Upgrade) -> None:
    """Write the documents.

    Where both kinds of documents are there, those of v3 count. So on the way up the old ones are
    deleted in a second step, and there is no moment without either; on the way down the root's
    comes away first, and nobody reads chunks that are being renamed.
    """
    older = plan.zarr_format < group.zarr_format
    with Transaction(group) as edit:
        if older:
            _delete(edit, plan)
            for source, target in plan.moves:
                edit.move(source, target)
        for change in plan.changes:
            if change.after is not None:
                edit.put(change.key, encode_document(change.after, change.key))
    store = hierarchy.writable(group.store)
    for folder in {source.rpartition("/")[0] for source, _ in plan.moves}:
        if not any(store.list_dir(join(group.path, folder))):
            store.delete_dir(join(group.path, folder))
    if not older and plan.deleted:
        with Transaction(ZarrGroup(group.store, group.path, plan.zarr_format)) as edit:
            _delete(edit, plan)


def _delete(edit: Transaction, plan: Upgrade) -> None:
    for change in plan.deleted:
        edit.delete(change.key)
