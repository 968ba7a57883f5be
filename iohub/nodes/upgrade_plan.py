"""What it takes to make a store one of another OME-Zarr version: read and decided, nothing done."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from iohub.errors import DocumentError, DTypeError, EngineError, IohubError, LayoutError, Problem
from iohub.metadata import own, versions
from iohub.metadata.respelling import respelled
from iohub.metadata.versions import Spelling
from iohub.nodes.base import join
from iohub.nodes.tables import FOLDER as TABLES
from iohub.storage import hierarchy
from iohub.storage.array import ZarrArray
from iohub.storage.documents import AS_READ, parse_document
from iohub.storage.group import ZarrGroup
from iohub.storage.same_chunks import documents_over_chunks, rewritten
from iohub.storage.spec import ArraySpec
from iohub.storage.text_arrays import is_text, text_documents, text_keys, text_over_chunks
from iohub.types import JsonObject

_STALE = (".zmetadata",)


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


@dataclass(frozen=True)
class Rewrite:
    """One array that is decoded, and encoded anew.

    Attributes
    ----------
    path : str
        Of the array, relative to the store.
    before, after : dict
        Its documents, by name.
    target : ArraySpec or None
        The new array; None for one of text.
    """

    path: str
    before: dict[str, JsonObject]
    after: dict[str, JsonObject]
    target: ArraySpec | None

    def describe(self) -> str:
        """Return that it is encoded anew, and what changes in its documents."""
        changes = [
            DocumentChange(join(self.path, name), self.before.get(name), self.after.get(name))
            for name in dict.fromkeys([*self.before, *self.after])
        ]
        return "\n".join([*(change.diff() for change in changes), f"encode {self.path} anew"])


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
    rewrites : list of Rewrite
        Arrays whose pixels are encoded anew.
    """

    url: str
    found: str
    to: str
    zarr_format: int
    changes: list[DocumentChange] = field(default_factory=list)
    deleted: list[DocumentChange] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes or self.deleted or self.moves or self.rewrites)

    def describe(self) -> str:
        """Return every changed document, as unified diffs, and what else is done."""
        parts = [change.diff() for change in (*self.changes, *self.deleted)]
        parts += [f"rename {old} => {new}" for old, new in self.moves]
        return "\n".join([*parts, *(rewrite.describe() for rewrite in self.rewrites)])


class Planner:
    """Find out what has to be written; reads documents only.

    Parameters
    ----------
    group : ZarrGroup
        Of the store.
    theirs : Spelling
        The version that it gets.
    rewrite : bool
        Whether pixels may be encoded anew where the other Zarr format cannot read the chunks.
    """

    def __init__(self, group: ZarrGroup, theirs: Spelling, *, rewrite: bool):
        self.group, self.theirs, self.rewrite = group, theirs, rewrite
        self.problems: list[Problem] = []
        self.unreadable: list[str] = []
        self.dimensions: dict[str, list[str]] = {}

    def plan(self, url: str) -> Upgrade:
        """Return what has to be written.

        Parameters
        ----------
        url : str
            Of the store, for messages.

        Raises
        ------
        DocumentError, EngineError, LayoutError
            As :func:`iohub.nodes.upgrade.upgrade` says.
        """
        group, theirs = self.group, self.theirs
        found = versions.detect(group.attrs(), group.zarr_format)
        plan = Upgrade(url, found, theirs.version, theirs.zarr_format)
        respelled = theirs.zarr_format != group.zarr_format
        nodes = list(_walk(group, "", tables=respelled))
        for path, node, is_ours in nodes:
            self._group(path, node, plan, is_ours=is_ours)
        for path, node, _ in nodes:
            names = [name for name, kind in _below(node) if kind.what == "array"]
            for name, array in zip(names, node.load_arrays(names), strict=True):
                self._array(join(path, name), array, plan)
        if self.problems:
            raise DocumentError(self.problems, url)
        if self.unreadable:
            raise EngineError(f"{url} cannot become {theirs.version}: {'; '.join(self.unreadable)}")
        # Readers look at the root's document first: it changes when all else is there.
        plan.changes.sort(key=lambda change: -change.key.count("/"))
        plan.deleted.sort(key=lambda change: change.key.count("/"))
        return plan

    def _group(self, path: str, node: ZarrGroup, plan: Upgrade, *, is_ours: bool) -> None:
        attrs = node.attrs()
        new = attrs
        known = not path or _is_known(node) or "ome" in attrs or own.KEY in attrs
        if is_ours and known:
            try:
                new = self._respelled(path, node, attrs)
            except DocumentError as error:
                where = join(path, hierarchy.attributes_name(node.zarr_format))
                self.problems += [p._replace(where=f"{where}#{p.where}") for p in error.problems]
                return
        before = _stored(node, ("zarr.json", ".zgroup", ".zattrs", *_STALE))
        documents = {
            key.rpartition("/")[2]: parse_document(raw, key)
            for key, raw in hierarchy.group_documents("", self.theirs.zarr_format, new, AS_READ)
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

    def _array(self, path: str, array: ZarrArray | IohubError, plan: Upgrade) -> None:
        full = join(self.group.path, path)
        node = ZarrGroup(self.group.store, full, self.group.zarr_format)
        before = _stored(node, ("zarr.json", ".zarray", ".zattrs"))
        to = self.theirs.zarr_format
        if self.group.zarr_format == to:
            if to == 3:
                self._note(path, before, {"zarr.json": before["zarr.json"]}, plan)
            return
        dimensions = self.dimensions.get(path)
        try:
            if isinstance(array, ZarrArray):
                prefix, separator = array.spec.key_prefix, array.spec.separator
                documents = documents_over_chunks(array.spec, to, dimensions)
            elif isinstance(array, DTypeError) and is_text(before):
                prefix, separator = text_keys(before)
                documents = text_over_chunks(before, to)
            else:
                raise array
        except EngineError as error:
            if self.rewrite:
                plan.rewrites.append(_rewrite(path, array, before, to, dimensions))
                return
            text = f"array {path!r}: {error}; rewrite=True (--rewrite) encodes it anew"
            self.unreadable.append(text)
            return
        plan.moves += self._moves(path, prefix, separator)
        self._note(path, before, documents, plan)

    def _moves(self, path: str, prefix: str, separator: str) -> list[tuple[str, str]]:
        """Return what chunks are called with the prefix of their keys, and without."""
        if not prefix:
            return []
        store, full = self.group.store, join(self.group.path, path)
        folders, files = store.list_dir(full)
        if prefix in files:  # the only chunk of an array without axes
            return [(join(path, prefix), join(path, "0"))]
        if prefix in folders:
            names = [n for part in store.list_dir(join(full, prefix)) for n in part]
            return [(join(path, prefix, name), join(path, name)) for name in names]
        start = prefix + separator
        return [
            (join(path, n), join(path, n.removeprefix(start))) for n in files if n.startswith(start)
        ]

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
            same = self.group.zarr_format == plan.zarr_format
            if name not in after and not (same and name in _STALE):
                plan.deleted.append(DocumentChange(join(path, name), document, None))


def _rewrite(
    path: str,
    array: ZarrArray | IohubError,
    before: dict[str, JsonObject],
    zarr_format: int,
    dimensions: list[str] | None,
) -> Rewrite:
    if isinstance(array, ZarrArray):
        target = rewritten(array.spec, zarr_format, dimensions)
        after = {name: parse_document(raw, name) for name, raw in target.documents().items()}
        return Rewrite(path, before, after, target)
    document = before.get("zarr.json") or before[".zarray"]
    chunk = [max(1, size) for size in document["shape"]]
    attributes = document.get("attributes") or before.get(".zattrs") or {}
    after = text_documents(document["shape"], chunk, zarr_format, attributes)
    return Rewrite(path, before, after, None)


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


def _is_known(node: ZarrGroup) -> bool:
    return versions.kind(node.attrs(), node.zarr_format) is not None


def _walk(
    node: ZarrGroup, path: str, *, tables: bool, is_ours: bool = True
) -> Iterator[tuple[str, ZarrGroup, bool]]:
    """Iterate over the groups, and whether their attributes may be of OME-Zarr.

    Tables are laid out by others, whose attributes mean what they say; whether to enter them at
    all is `tables`.
    """
    yield path, node, is_ours
    names = [name for name, kind in _below(node) if kind.what == "group"]
    for name, child in zip(names, node.load_groups(names), strict=True):
        if isinstance(child, IohubError):
            raise child
        is_table = name == TABLES and is_ours and _is_known(node) and not _is_known(child)
        if tables or not is_table:
            below = is_ours and not is_table
            yield from _walk(child, join(path, name), tables=tables, is_ours=below)
