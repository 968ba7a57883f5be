"""Consolidated metadata: copies of documents that readers trust, and that may be out of date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iohub.errors import DocumentError
from iohub.models.validator.collector import Collector
from iohub.models.validator.loading import Documents, Node
from iohub.storage.documents import parse_document

if TYPE_CHECKING:
    from iohub.models.validator.walk import Walk

_SHOWN = 3


def check_consolidated(documents: Documents, root: Node, walk: Walk, out: Collector) -> None:
    """Compare the copies at the root with the groups and arrays that were read.

    Parameters
    ----------
    documents : Documents
        Reads the hierarchy.
    root : Node
        The group that holds the copies.
    walk : Walk
        What was read.
    out : Collector
        Gets what is wrong.
    """
    v3 = root.zarr_format == 3
    raw = documents.store.get(documents.key("", "zarr.json" if v3 else ".zmetadata"))
    if raw is None or (v3 and b'"consolidated_metadata"' not in raw):
        return
    try:
        whole = parse_document(raw, "")
    except DocumentError as error:
        whole = {}
        out.array(root, "consolidated-stale", f".zmetadata: {error.problems[0].what}")
    holder = whole.get("consolidated_metadata") if v3 else whole
    copies = holder.get("metadata") if isinstance(holder, Mapping) else None
    if not isinstance(copies, Mapping):
        return
    stale = [path for path, wrong in _compare(copies, walk, v3) if wrong]
    if stale:
        shown = ", ".join(repr(path) for path in stale[:_SHOWN])
        text = f"the copies of {len(stale)} documents are out of date: {shown}"
        out.array(root, "consolidated-stale", text, "/consolidated_metadata" if v3 else "")


def _compare(copies: Mapping[str, Any], walk: Walk, v3: bool) -> list[tuple[str, bool]]:
    found = []
    for path, node in walk.groups.items():
        if v3 and path:
            copy = copies.get(path)
            attributes = copy.get("attributes") if isinstance(copy, Mapping) else None
            found.append((path, copy is None or (attributes or {}) != node.meta.attrs))
        elif not v3:
            prefix = f"{path}/" if path else ""
            absent = f"{prefix}.zgroup" not in copies
            found.append(
                (path, absent or (copies.get(f"{prefix}.zattrs") or {}) != node.meta.attrs)
            )
    for path, node in walk.arrays.items():
        if node.spec is not None:
            copy = copies.get(path if v3 else f"{path}/.zarray")
            shape = copy.get("shape") if isinstance(copy, Mapping) else None
            found.append((path, shape != list(node.spec.shape)))
    return found
