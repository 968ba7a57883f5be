"""Plates and wells: what they list beside what is there.

Source: OME-Zarr specification, sections "plate" and "well".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeGuard

from iohub.models.validator.collector import Collector
from iohub.models.validator.loading import Node
from iohub.models.validator.members import objects, paths_in


def well_paths(plate: Node) -> list[tuple[int, str]]:
    """Return the wells that a plate lists, each once, with their indexes.

    Parameters
    ----------
    plate : Node
        The plate's group.
    """
    return _once(paths_in(plate.meta.ome, "plate", "wells"))


def field_paths(well: Node) -> list[tuple[int, str]]:
    """Return the fields of view that a well lists, each once, with their indexes.

    Parameters
    ----------
    well : Node
        The well's group.
    """
    return _once(paths_in(well.meta.ome, "well", "images"))


def _once(found: Any) -> list[tuple[int, str]]:
    first: dict[str, int] = {}
    for index, path in found:
        first.setdefault(path, index)
    return [(index, path) for path, index in first.items()]


def check_wells(
    plate: Node, listed: Sequence[tuple[int, str]], found: Sequence[Node], out: Collector
) -> None:
    """Check that the wells that a plate lists are there.

    Parameters
    ----------
    plate : Node
        The plate's group.
    listed : sequence of (int, str)
        What it lists.
    found : sequence of Node
        What lies there.
    out : Collector
        Gets what is wrong.
    """
    for (index, path), node in zip(listed, found, strict=True):
        if node.what == "missing":
            text = f"there is no group {path!r}: the well is listed and has no data"
            out.member(plate, "well-missing", text, "plate", "wells", index, weight="may")
        elif node.what == "foreign":
            text = f"{path!r} {node.problems[0].what}"
            out.member(plate, "group-kind", text, "plate", "wells", index)
        elif node.what == "group" and node.meta.version and node.meta.ome.get("well") is None:
            text = "must list the fields of view, as every well does"
            out.member(node, "well-metadata", text, "well")
    _check_counts(plate, [node for node in found if node.what == "group"], out)


def _check_counts(plate: Node, wells: Sequence[Node], out: Collector) -> None:
    described = plate.meta.ome.get("plate")
    stated = described.get("field_count") if isinstance(described, dict) else None
    fields = [list(objects(well.meta.ome, "well", "images")) for well in wells]
    most = max(map(len, fields), default=0)
    if _is_count(stated) and most > stated:
        text = f"says {stated}, and a well has {most}"
        out.member(plate, "field-count", text, "plate", "field_count", weight="should")
    per_run: Counter[Any] = Counter()
    for images in fields:
        runs = Counter(_hashable(image.get("acquisition")) for _, image in images)
        per_run |= runs
    for index, run in objects(described, "acquisitions"):
        stated, number = run.get("maximumfieldcount"), per_run[_hashable(run.get("id"))]
        if _is_count(stated) and number > stated:
            text = f"says {stated}, and a well has {number}"
            where = ("plate", "acquisitions", index, "maximumfieldcount")
            out.member(plate, "field-count", text, *where, weight="should")


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _hashable(value: Any) -> Any:
    return value if _is_count(value) else None


def check_acquisitions(plate: Node, well: Node, out: Collector) -> None:
    """Check that the fields of a well name acquisitions of its plate.

    Parameters
    ----------
    plate, well : Node
        Their groups.
    out : Collector
        Gets what is wrong.
    """
    known = {
        _hashable(run.get("id")) for _, run in objects(plate.meta.ome, "plate", "acquisitions")
    } - {None}
    if not known:
        return
    for index, image in objects(well.meta.ome, "well", "images"):
        stated = image.get("acquisition")
        if stated is None and len(known) > 1:
            text = f"must be one of the plate's acquisitions, {_listed(known)}, and is not there"
        elif _is_count(stated) and stated not in known:
            text = f"must be one of the plate's acquisitions, {_listed(known)}, found {stated}"
        else:
            continue
        where = ("well", "images", index, "acquisition")
        out.member(well, "acquisition-unknown", text, *where)


def _listed(known: set[Any]) -> str:
    return ", ".join(map(str, sorted(known)))


def check_fields(
    well: Node, listed: Sequence[tuple[int, str]], found: Sequence[Node], out: Collector
) -> None:
    """Check that the fields of view that a well lists are there and are images.

    Parameters
    ----------
    well : Node
        The well's group.
    listed : sequence of (int, str)
        What it lists.
    found : sequence of Node
        What lies there.
    out : Collector
        Gets what is wrong.
    """
    for (index, path), node in zip(listed, found, strict=True):
        if node.what == "missing":
            text = f"there is no group {path!r}"
            out.member(well, "field-missing", text, "well", "images", index)
        elif node.what == "foreign":
            text = f"{path!r} {node.problems[0].what}"
            out.member(well, "field-missing", text, "well", "images", index)
        elif (
            node.what == "group" and node.meta.version and node.meta.ome.get("multiscales") is None
        ):
            text = "must have 'multiscales', as every field of view"
            out.member(node, "field-image", text, "multiscales")
