"""Label images, and whether they fit the image that they are of.

Source: OME-Zarr specification, sections "labels" and "image-label".
"""

from __future__ import annotations

from collections.abc import Sequence

from iohub.models.validator.collector import Collector, Weight
from iohub.models.validator.loading import Node
from iohub.models.validator.members import Image, Level, Place, followed, objects
from iohub.storage.keys import join

LABELS = "labels"


def label_paths(group: Node) -> list[tuple[int, str]]:
    """Return the label images that a group lists, with their indexes.

    Parameters
    ----------
    group : Node
        The group ``labels``.
    """
    listed = group.meta.ome.get(LABELS)
    if not isinstance(listed, list | tuple):
        return []
    first: dict[str, int] = {}
    for index, path in enumerate(listed):
        if followed(path):
            first.setdefault(path, index)
    return [(index, path) for path, index in first.items()]


def check_listed(
    group: Node, listed: Sequence[tuple[int, str]], found: Sequence[Node], out: Collector
) -> None:
    """Check that what a group of labels lists is there and is an image.

    Parameters
    ----------
    group : Node
        The group ``labels``.
    listed : sequence of (int, str)
        What it lists.
    found : sequence of Node
        What lies there.
    out : Collector
        Gets what is wrong.
    """
    if group.meta.ome.get(LABELS) is None:
        out.member(group, "labels-absent", "must list the label images, and does not", LABELS)
    for (index, path), node in zip(listed, found, strict=True):
        if node.what == "missing":
            out.member(group, "label-missing", f"there is no group {path!r}", LABELS, index)
        elif node.what == "foreign":
            text = f"{path!r} {node.problems[0].what}"
            out.member(group, "label-missing", text, LABELS, index)
        elif node.what == "group" and node.meta.ome.get("multiscales") is None:
            text = "must have 'multiscales', as every label image"
            out.member(node, "label-image", text, "multiscales")


def check_label(
    label: Node,
    image: Image,
    found: Sequence[tuple[Level, Node]],
    parent: tuple[Image, Sequence[tuple[Level, Node]]] | None,
    out: Collector,
) -> None:
    """Check a label image beside the image that it is of.

    Parameters
    ----------
    label : Node
        Its group.
    image : Image
        What its metadata say.
    found : sequence of (Level, Node)
        Its levels.
    parent : (Image, sequence of (Level, Node)) or None
        The image that was labelled, and its levels; None if that is not at hand.
    out : Collector
        Gets what is wrong.
    """
    old = label.zarr_format == 2
    for _, node in found:
        if node.spec is not None and node.spec.dtype.kind not in "iu":
            text = f"labels must be integers, found {node.spec.dtype}"
            where = "/dtype" if old else "/data_type"
            out.array(node, "label-dtype", text, where, "should" if old else "must")
    if parent is None:
        return
    whole, levels = parent
    if len(image.levels) != len(whole.levels):
        text = f"must have {len(whole.levels)} levels as the image, found {len(image.levels)}"
        entries: Place = image.levels[0].where[:3] if image.levels else ("multiscales",)
        out.member(label, "label-levels", text, *entries)
    for (_, node), (_, above) in zip(found, levels, strict=False):
        if node.spec is None or above.spec is None:
            continue
        for name in image.axes or ():
            size = image.size_along(name, node.spec.shape)
            wanted = whole.size_along(name, above.spec.shape)
            if size is not None and wanted is not None and size not in (1, wanted):
                text = f"has {size} pixels along {name!r}, and the image {wanted}"
                out.array(node, "label-shape", text, "/shape", "should")


def check_source(label: Node, image_path: str | None, out: Collector) -> None:
    """Check what a label image says of itself.

    Parameters
    ----------
    label : Node
        Its group.
    image_path : str or None
        Path of the image that has the group ``labels``; None if it is not at hand.
    out : Collector
        Gets what is wrong.
    """
    about = label.meta.ome.get("image-label")
    if about is None:
        weight: Weight = "may" if label.zarr_format == 2 else "should"
        out.member(label, "label-metadata", "should be there", "image-label", weight=weight)
        return
    source = about.get("source") if isinstance(about, dict) else None
    stated = source.get("image") if isinstance(source, dict) else None
    if not isinstance(stated, str) or image_path is None:
        return
    found = _resolved(label.path, stated)
    if found != image_path:
        place = "outside of the store" if found is None else repr(found or ".")
        text = f"leads to {place}, while the labels are those of {image_path or '.'!r}"
        out.member(label, "label-source", text, "image-label", "source", "image", weight="should")


def _resolved(base: str, relative: str) -> str | None:
    parts = base.split("/") if base else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def check_links(group: Node, image: Image, labels: dict[str, Node], out: Collector) -> None:
    """Check that the systems of label images that an image names are there.

    Parameters
    ----------
    group : Node
        The image's group.
    image : Image
        What its metadata say.
    labels : dict of str to Node
        The label images, by their paths below the image.
    out : Collector
        Gets what is wrong.
    """
    for path, name, where in image.links:
        node = labels.get(path)
        if node is None or node.what == "missing":
            out.member(group, "label-missing", f"there is no label image {path!r}", *where, "path")
        elif node.what == "group" and name not in system_names(node):
            text = f"{path!r} has no coordinate system {name!r}"
            out.member(group, "system-unknown", text, *where, "name")


def system_names(group: Node) -> set[str]:
    """Return the names of the coordinate systems of an image.

    Parameters
    ----------
    group : Node
        Its group.
    """
    return {
        str(system.get("name"))
        for _, image in objects(group.meta.ome, "multiscales")
        for _, system in objects(image, "coordinateSystems")
    }


def in_between(base: str, paths: Sequence[str]) -> list[str]:
    """Return the groups between a group and what lies below it, each once.

    Parameters
    ----------
    base : str
        Path of the group.
    paths : sequence of str
        What lies below, relative to it.
    """
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        for count in range(1, len(parts)):
            found.setdefault(join(base, "/".join(parts[:count])))
    return list(found)
