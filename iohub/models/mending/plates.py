"""Repairs of plates and wells: their lists are written anew by what is on disk."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import ValidationError

from iohub.errors import DocumentError
from iohub.metadata.documents import Document, thaw
from iohub.metadata.names import ALPHANUMERIC, FIELD_READ
from iohub.metadata.plate import (
    AcquisitionMeta,
    PlateAxisMeta,
    PlateMeta,
    WellGroupMeta,
    WellImageMeta,
    WellIndexMeta,
)
from iohub.models.mending.plan import Plan, reason
from iohub.models.validator.loading import Node, Want
from iohub.models.validator.members import objects
from iohub.storage.keys import join

_NAME = re.compile(ALPHANUMERIC[1:-1])
_FIELD = re.compile(FIELD_READ[1:-1])


def wells_on_disk(plan: Plan, base: str) -> dict[str, list[str]]:
    """Return the wells below a plate, with the names of their fields of view.

    Parameters
    ----------
    plan : Plan
        Reads the hierarchy.
    base : str
        Path of the plate.
    """
    paths = [
        f"{row}/{column}"
        for row in plan.folders(base)
        if _NAME.fullmatch(row)
        for column in plan.folders(join(base, row))
        if _NAME.fullmatch(column)
    ]
    fields = [(path, name) for path in paths for name in _field_names(plan, join(base, path))]
    nodes = plan.load(*(join(base, join(path, name)) for path, name in fields))
    found: dict[str, list[str]] = {}
    for (path, name), node in zip(fields, nodes, strict=True):
        if is_image(node):
            found.setdefault(path, []).append(name)
    return {path: sorted(found[path], key=natural) for path in sorted(found, key=natural)}


def is_image(node: Node) -> bool:
    """Whether a group is an image, which may be broken in part.

    Parameters
    ----------
    node : Node
        The group.
    """
    return node.what == "group" and node.meta.ome.get("multiscales") is not None


def _field_names(plan: Plan, well: str) -> list[str]:
    return [name for name in plan.folders(well) if _FIELD.fullmatch(name)]


def natural(path: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts A/2 before A/10.

    Parameters
    ----------
    path : str
        What is sorted.
    """
    parts = re.split(r"(\d+)", path)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def mend_plate(plan: Plan, node: Node) -> list[str]:
    """Repair a plate and its wells.

    Parameters
    ----------
    plan : Plan
        Gets the changes.
    node : Node
        The plate's group.

    Returns
    -------
    list of str
        Paths of the images in it.
    """
    on_disk = wells_on_disk(plan, node.path)
    what: list[str] = []
    before = _read_plate(plan, node, what)
    listed = {well.path: well for well in reversed(before.wells)}
    groups = dict(zip(listed, plan.load(*(join(node.path, path) for path in listed)), strict=True))
    kept = [
        path
        for path in dict.fromkeys(well.path for well in before.wells)
        if path in on_disk or groups[path].what != "missing" or plan.holds(join(node.path, path))
    ]
    added = [path for path in on_disk if path not in listed]
    what += [f"the well {p!r} is dropped: it is not there" for p in listed if p not in kept][::-1]
    what += [f"the well {path!r} is listed" for path in added]
    rows = _names(before.rows, [path.split("/")[0] for path in [*kept, *added]])
    columns = _names(before.columns, [path.split("/")[1] for path in [*kept, *added]])
    wells = []
    for path in [*kept, *added]:
        row, column = path.split("/")
        index = {"row_index": _at(rows, row), "column_index": _at(columns, column)}
        well = listed.get(path)
        if well is None:
            wells.append(WellIndexMeta(path=path, **index))
        else:
            wells.append(well.replace(**index))
    doc = before.replace(rows=tuple(rows), columns=tuple(columns), wells=tuple(wells))
    attrs = _attributes(node)
    plan.group(node, plan.spelling.dump_plate(doc, attrs), what)
    _mend_rows(plan, node.path, [*kept, *added])
    images = []
    for path, fields in on_disk.items():
        mend_well(plan, join(node.path, path), fields, doc)
        images += [join(node.path, join(path, name)) for name in fields]
    for path in kept:
        if path not in on_disk:
            plan.left.append(f"{join(node.path, path)}: the well has no images")
            mend_well(plan, join(node.path, path), [], doc)
    _tell_unlistable(plan, node.path)
    return images


def _tell_unlistable(plan: Plan, base: str) -> None:
    """Tell of wells whose names are none that a plate can list."""
    for row in plan.folders(base):
        for column in plan.folders(join(base, row)):
            path = join(base, join(row, column))
            if not (_NAME.fullmatch(row) and _NAME.fullmatch(column)):
                fields = plan.load(*(join(path, name) for name in plan.folders(path)))
                if any(map(is_image, fields)):
                    text = "is not listed: names of rows and columns have letters and digits only"
                    plan.left.append(f"{path}: {text}")


def _attributes(node: Node) -> dict[str, Any]:
    attrs = thaw(node.meta.attrs) if node.what == "group" else {}
    if node.meta.root and not isinstance(attrs.get(node.meta.root[0], {}), dict):
        del attrs[node.meta.root[0]]
    return dict(attrs)


def _read_plate(plan: Plan, node: Node, what: list[str]) -> PlateMeta:
    """Read the document of a plate; of one that breaks rules, what can be understood."""
    if node.what != "group" or node.meta.ome.get("plate") is None:
        what.append("the plate is described by what is on disk")
        return PlateMeta()
    try:
        doc = plan.spelling.parse_plate(node.meta.attrs)
        what += [
            f"{problem}: mended by the path"
            for problem in node.meta.findings.should
            if problem.code in ("well-index", "well-path")
        ]
        return doc
    except DocumentError as error:
        what += [f"{problem}: mended by what is on disk" for problem in error.problems]
    stored = node.meta.ome["plate"]
    if not isinstance(stored, dict):
        return PlateMeta()
    known: dict[str, type[Document]] = {
        "rows": PlateAxisMeta,
        "columns": PlateAxisMeta,
        "wells": WellIndexMeta,
        "acquisitions": AcquisitionMeta,
    }
    read: dict[str, Any] = {}
    for name, model in known.items():
        items = [_read(model, item) for _, item in objects(stored, name)]
        read[name] = tuple(_once([item for item in items if item is not None]))
    for name, value in stored.items():
        if name not in known and _read(PlateMeta, {name: value}) is not None:
            read[name] = thaw(value)
    return PlateMeta.model_validate(read)


def _read(model: type[Document], value: Any) -> Any:
    try:
        if model is WellIndexMeta:
            value = {**value, "rowIndex": 0, "columnIndex": 0}
        return model.model_validate(thaw(value))
    except ValidationError:
        return None


def _once(items: list[Any]) -> list[Any]:
    """Leave out what has the name, path or id of another one before it."""
    found: dict[Any, Any] = {}
    for item in items:
        key = next(getattr(item, n) for n in ("path", "id", "name") if hasattr(item, n))
        found.setdefault(key, item)
    return list(found.values())


def _names(before: Sequence[PlateAxisMeta], needed: Sequence[str]) -> list[PlateAxisMeta]:
    known = {item.name for item in before}
    new = sorted({name for name in needed if name not in known}, key=natural)
    return [*before, *(PlateAxisMeta(name=name) for name in new)]


def _at(items: Sequence[PlateAxisMeta], name: str) -> int:
    return [item.name for item in items].index(name)


def _mend_rows(plan: Plan, base: str, wells: Sequence[str]) -> None:
    rows = [join(base, row) for row in dict.fromkeys(path.split("/")[0] for path in wells)]
    for node in plan.load(*rows):
        if node.what in ("missing", "broken"):
            plan.group(node, plan.spelling.empty_group(), [])


def mend_well(plan: Plan, path: str, fields: Sequence[str], plate: PlateMeta | None = None) -> None:
    """Repair the list of a well.

    Parameters
    ----------
    plan : Plan
        Gets the changes.
    path : str
        Of the well.
    fields : sequence of str
        Fields of view that are there, in natural order.
    plate : PlateMeta or None
        The well's plate.
    """
    [node] = plan.load(path)
    what: list[str] = []
    before = _read_well(plan, node, what)
    listed = [image.path for image in before.images]
    held = plan.held(join(path, name) for name in listed if name not in fields)
    plan.left += [f"{field}: {why}; it stays listed" for field, why in held.items()]
    _tell_unlisted(plan, path, {*listed, *fields})
    kept = [i for i in before.images if i.path in fields or join(path, i.path) in held]
    added = [name for name in fields if name not in listed]
    what += [
        f"the field of view {name!r} is dropped: it is not there"
        for name in listed
        if name not in fields and join(path, name) not in held
    ]
    what += [f"the field of view {name!r} is listed" for name in added]
    if not kept and not added:
        return
    images = (*kept, *(WellImageMeta(path=name) for name in added))
    if plate is not None and len(plate.acquisitions) > 1:
        untold = [image.path for image in images if image.acquisition is None]
        if untold:
            plan.left.append(f"{path}: nothing tells the acquisition of {', '.join(untold)}")
    doc = before.replace(images=images)
    plan.group(node, plan.spelling.dump_well(doc, _attributes(node)), what)


def _tell_unlisted(plan: Plan, well: str, known: Collection[str]) -> None:
    """Tell of what may be a field of view and cannot be listed."""
    names = [name for name in plan.folders(well) if name not in known]
    for name, node in zip(names, plan.load(*(join(well, name) for name in names)), strict=True):
        why = reason(node)
        if is_image(node):
            why = f"{name!r} is no name of a field of view"
        elif node.what == "missing":
            below = [Want(join(node.path, each), "array", True) for each in plan.folders(node.path)]
            if all(array.what != "array" for array in plan.documents.load(below)):
                continue
        elif node.what != "broken":
            continue
        plan.left.append(f"{node.path}: {why}; it is not listed")


def _read_well(plan: Plan, node: Node, what: list[str]) -> WellGroupMeta:
    if node.what != "group" or node.meta.ome.get("well") is None:
        return WellGroupMeta()
    try:
        return plan.spelling.parse_well(node.meta.attrs)
    except DocumentError as error:
        what += [f"{problem}: mended by what is on disk" for problem in error.problems]
    images = [_read(WellImageMeta, item) for _, item in objects(node.meta.ome, "well", "images")]
    return WellGroupMeta(images=tuple(_once([image for image in images if image is not None])))
