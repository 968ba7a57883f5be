"""Repairs of an image: its list of levels, names of dimensions, chunk keys, its list of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iohub.metadata.documents import thaw
from iohub.models.mending.plan import Plan, reason
from iohub.models.validator.labels import LABELS
from iohub.models.validator.levels import other_key
from iohub.models.validator.loading import Node, Want
from iohub.models.validator.members import Image, objects
from iohub.storage.keys import join
from iohub.types import JsonObject

SEPARATORS = {"/": ".", ".": "/"}


def mend_image(plan: Plan, node: Node) -> None:
    """Repair an image and the label images beside it.

    Parameters
    ----------
    plan : Plan
        Gets the changes.
    node : Node
        The image's group.
    """
    images = node.meta.images
    levels = [level for image in images for level in image.levels]
    found = plan.documents.load([Want(join(node.path, level.path), "array") for level in levels])
    there = dict(zip((level.path for level in levels), found, strict=True))
    _drop_levels(plan, node, there)
    for image in images:
        for level in image.levels:
            if there[level.path].what == "array":
                _mend_array(plan, there[level.path], image)
            elif there[level.path].what == "broken":
                problem = there[level.path].problems[0].what
                plan.left.append(f"{there[level.path].path}: the array's document: {problem}")
            elif there[level.path].what == "foreign" or plan.holds(there[level.path].path):
                node_there = there[level.path]
                plan.left.append(f"{node_there.path}: {reason(node_there)}; the level stays listed")
    if node.path.rpartition("/")[2] != LABELS:
        _mend_labels(plan, node)


def _drop_levels(plan: Plan, node: Node, there: dict[str, Node]) -> None:
    attrs = thaw(node.meta.attrs)
    ome = attrs
    for name in node.meta.root:
        ome = ome[name]
    what = []
    for _, item in objects(ome, "multiscales"):
        entries = item.get("datasets")
        if not isinstance(entries, list) or not isinstance(item, dict):
            continue
        gone = [entry["path"] for entry in entries if _is_gone(plan, entry, there)]
        kept = [entry for entry in entries if not _is_gone(plan, entry, there)]
        if kept and gone:
            what += [f"the level {path!r} is dropped: there is no such array" for path in gone]
            item["datasets"] = kept
        elif not kept and entries:
            plan.left.append(f"{node.path or '.'}: none of the levels is there")
    if what:
        plan.group(node, attrs, what)


def _is_gone(plan: Plan, entry: Any, there: dict[str, Node]) -> bool:
    path = entry.get("path") if isinstance(entry, dict) else None
    node = there.get(path) if isinstance(path, str) else None
    return node is not None and node.what == "missing" and not plan.holds(node.path)


def _mend_array(plan: Plan, node: Node, image: Image) -> None:
    spec = node.spec
    if spec is None:
        return
    what, members, separator = [], {}, None
    v3 = spec.zarr_format == 3
    stated = spec.metadata.get("dimension_names")
    fits = v3 and image.axes is not None and len(image.axes) == spec.ndim
    # Names that were given otherwise are as good where nothing says how they must be.
    if fits and image.axes and (stated is None or not image.systems):
        names = list(image.axes)
        if stated != names:
            members["dimension_names"] = names
            was = "" if stated is None else f" instead of {stated}"
            what.append(f"dimension_names are {', '.join(names)}{was}")
    key = plan.documents.key(node.path)
    own = join(key, spec.unit_key((0,) * spec.ndim))
    if spec.ndim and _exists(plan, join(key, other_key(spec))) and not _exists(plan, own):
        separator = SEPARATORS[spec.separator]
        what.append(f"the chunks' separator is {separator!r}, as that of the files")

    def changed(document: JsonObject) -> JsonObject:
        document.update(members)
        if separator is not None and not v3:
            document["dimension_separator"] = separator
        elif separator is not None:
            encoding = document["chunk_key_encoding"]
            settings = {**encoding.get("configuration", {}), "separator": separator}
            document["chunk_key_encoding"] = {**encoding, "configuration": settings}
        return document

    if what:
        plan.array(node, what, changed)


def _exists(plan: Plan, key: str) -> bool:
    store = plan.documents.store
    return bool(store.exists(key)) if hasattr(store, "exists") else store.get(key) is not None


def _mend_labels(plan: Plan, node: Node) -> None:
    path = join(node.path, LABELS)
    [group] = plan.load(path)
    names = plan.folders(path)
    if group.what == "missing" and not names:
        return
    listed = group.meta.ome.get(LABELS) if group.what == "group" else None
    stated = [p for p in listed if isinstance(p, str)] if isinstance(listed, list) else []
    found = _label_images(plan, path, list(dict.fromkeys([*stated, *names])))
    held = plan.held(join(path, name) for name in stated if name not in found)
    new = [name for name in stated if name in found or join(path, name) in held]
    plan.left += [f"{label}: {why}; it stays listed" for label, why in held.items()]
    for label in plan.load(*(join(path, name) for name in names if name not in stated)):
        if label.what == "broken":
            plan.left.append(f"{label.path}: {reason(label)}; it is not listed")
    what = [f"the label image {p!r} is dropped: there is none" for p in stated if p not in new]
    new += [name for name in found if name not in stated]
    what += [f"the label image {p!r} is listed" for p in new if p not in stated]
    if what or (group.what == "group" and listed is None and node.meta.version):
        attrs = thaw(group.meta.attrs) if group.what == "group" else {}
        ome = {**plan.spelling.ome(attrs), LABELS: new}
        plan.group(group, plan.spelling.with_ome(attrs, ome), what or ["the list is written"])
    for label in plan.load(*(join(path, name) for name in new)):
        if label.what == "group":
            mend_label(plan, label)


def _label_images(plan: Plan, base: str, names: Sequence[str]) -> list[str]:
    """Names of images below, in natural order; folders in between are gone through."""
    found: list[str] = []
    for name, node in zip(names, plan.load(*(join(base, n) for n in names)), strict=True):
        if node.what == "group" and node.meta.ome.get("multiscales") is not None:
            found.append(name)
        elif node.what == "group" or (node.what == "missing" and plan.folders(join(base, name))):
            below = [join(name, each) for each in plan.folders(join(base, name))]
            found += _label_images(plan, base, below)
    return list(dict.fromkeys(found))


def mend_label(plan: Plan, node: Node) -> None:
    """Repair a label image.

    Parameters
    ----------
    plan : Plan
        Gets the changes.
    node : Node
        Its group.
    """
    images = node.meta.images
    for image in images:
        wants = [Want(join(node.path, level.path), "array") for level in image.levels]
        for array in plan.documents.load(wants):
            _mend_array(plan, array, image)
