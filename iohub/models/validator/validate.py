"""``validate``: from a place to a report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from iohub.errors import DocumentError, NotFoundError, Problem
from iohub.metadata import own
from iohub.models.validator.collector import Collector
from iohub.models.validator.consolidated import check_consolidated
from iohub.models.validator.deep import check_pixels
from iohub.models.validator.loading import Documents, Meta, Node, Want, meta_of
from iohub.models.validator.report import Report
from iohub.models.validator.walk import Walk
from iohub.storage import hierarchy
from iohub.storage import location as place
from iohub.storage.group import ZarrGroup, adopt_group
from iohub.storage.protocol import ByteStore

if TYPE_CHECKING:
    import zarr

    from iohub.storage.location import StoreLike
    from iohub.types import JsonObject


def validate(
    path_or_group: StoreLike | zarr.Group | ZarrGroup, *, strict: bool = False, deep: bool = False
) -> Report:
    """Find everything that is wrong in a store of OME-Zarr 0.4, 0.5 or 0.6.

    Metadata are checked, and whether what is there fits them: levels, labels, wells, fields of
    view, series, images of scenes. All is found by what metadata name, in batches; a local store
    is also listed, for what no metadata name.

    Parameters
    ----------
    path_or_group : path-like, str, zarr Store, StorePath or Group, or node
        What to check; everything below it is checked too.
    strict : bool
        Whether what the specification recommends is demanded.
    deep : bool
        Whether every chunk and shard is decoded.

    Returns
    -------
    Report
        With findings in the order of the hierarchy.

    Raises
    ------
    NotFoundError
        If nothing is there at all.
    PathError
        If it is no place.

    Examples
    --------
    >>> report = validate("plate.zarr")  # doctest: +SKIP
    >>> report.valid, report.codes()  # doctest: +SKIP
    (False, Counter({'level-missing': 1}))
    """
    store, path, url = _located(path_or_group)
    out = Collector(strict)
    kind = hierarchy.kinds(store, [path])[0]
    documents = Documents(store, path, 3 if kind is None else kind.zarr_format)
    if kind is None:
        text = "there is no group: neither zarr.json nor .zgroup"
        root = Node("", "missing", 3, problems=(Problem("", text, "group-missing"),))
    else:
        root = documents.load([Want("")])[0]
        if root.what == "foreign":
            text = f"{root.problems[0].what}, and no group"
            root = replace(root, problems=(Problem("", text, "group-kind"),))
    walk = Walk(documents, out)
    walk.run(root)
    if root.what == "group":
        walk.groups.setdefault("", root)
        if root.meta.kind is None and root.meta.version is not None:
            _tell_absent(root, out)
        check_consolidated(documents, root, walk, out)
    chunks = 0
    if deep:
        chunks = sum(check_pixels(documents, node, out) for node in walk.arrays.values())
    return Report(
        url=url,
        version=root.meta.version if root.meta.kind is not None else None,
        strict=strict,
        deep=deep,
        findings=out.results(),
        groups=len(walk.groups),
        arrays=len(walk.arrays),
        chunks=chunks,
    )


def validate_attributes(
    attrs: JsonObject, zarr_format: int, *, strict: bool = False, source: str = ""
) -> Report:
    """Find everything that is wrong in the attributes of one group, whatever is below it.

    Parameters
    ----------
    attrs : dict
        As they are stored.
    zarr_format : {2, 3}
        Of the group.
    strict : bool
        Whether what the specification recommends is demanded.
    source : str
        Where they are from, for the report.
    """
    out = Collector(strict)
    node = attributes_node(meta_of(attrs, zarr_format), zarr_format)
    out.version = node.meta.version
    out.metadata(node)
    if not any(name in node.meta.ome for name in _DESCRIBED) and node.meta.version is not None:
        _tell_absent(node, out)
    version = node.meta.version
    return Report(source, version, strict, deep=False, findings=out.results(), groups=1)


def _tell_absent(node: Node, out: Collector) -> None:
    """Tell that a group is not of OME-Zarr; a scene is not until it has a transformation."""
    noted = None
    with suppress(DocumentError):
        noted = own.layout(node.meta.attrs)
    if noted == "scene":
        text = "the scene has no transformation yet, and so no metadata of OME-Zarr"
        out.member(node, "scene-transforms", text, weight="should")
    else:
        out.member(node, "metadata-absent", "there are no metadata of OME-Zarr")


_DESCRIBED = (
    "bioformats2raw.layout",
    "image-label",
    "labels",
    "multiscales",
    "omero",
    "plate",
    "scene",
    "series",
    "well",
)


def attributes_node(meta: Meta, zarr_format: int) -> Node:
    """Return the node of a group of which only the attributes are known.

    Parameters
    ----------
    meta : Meta
        What they say.
    zarr_format : {2, 3}
        Of the group.
    """
    return Node("", "group", zarr_format, "zarr.json" if zarr_format == 3 else ".zattrs", meta)


def _located(source: StoreLike | zarr.Group | ZarrGroup) -> tuple[ByteStore, str, str]:
    source = getattr(source, "zgroup", source)
    if isinstance(source, ZarrGroup) or hasattr(source, "metadata"):
        group = adopt_group(source)  # type: ignore[arg-type]
        return group.store, group.path, group.url
    location = place.locate(source, writable=False)
    if not place.has_zarr_document(location) and not place.exists(location):
        raise NotFoundError(f"nothing at {location.url}: check the path")
    return location.store, location.path, location.url
