"""Which node a group is, and whether that is the one that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub.errors import LayoutError
from iohub.metadata import own, versions
from iohub.nodes.label import Label
from iohub.nodes.labels import Labels
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.scene import Scene
from iohub.nodes.series import Series
from iohub.nodes.tiled import TiledPosition
from iohub.nodes.well import Well

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup

_LAYOUTS: dict[str, type[Any]] = {
    "fov": Position,
    "hcs": Plate,
    "tiled": TiledPosition,
    "series": Series,
    "scene": Scene,
}
_KINDS: dict[str, tuple[str, type[Any]]] = {
    "image": ("fov", Position),
    "plate": ("hcs", Plate),
    "well": ("well", Well),
    "labels": ("labels", Labels),
    "bioformats2raw": ("series", Series),
    "scene": ("scene", Scene),
}
_SAID = {
    "fov": "a position (fov)",
    "hcs": "an HCS plate",
    "well": "a well of a plate",
    "labels": "the labels of a position",
    "series": "a series of images",
    "scene": "a scene",
}


def node_class(group: ZarrGroup, layout: str) -> type[Any]:
    """Return the class of the node that a group is.

    Parameters
    ----------
    group : ZarrGroup
        The group.
    layout : {"auto", "fov", "hcs", "tiled", "series", "scene"}
        What was asked for.

    Raises
    ------
    LayoutError
        If the group has another layout, or none can be told.
    VersionError
        If its OME-Zarr version is not known.
    """
    attrs = group.attrs()
    kind = versions.kind(attrs, group.zarr_format)
    found = _KINDS[kind][0] if kind in _KINDS else own.layout(attrs) if kind is None else None
    if kind is not None:
        versions.detect(attrs, group.zarr_format)
    if found is None:
        if kind is None and layout != "auto":
            return _LAYOUTS[layout]  # a group without metadata is whatever it is said to be
        raise LayoutError(_unknown(group, kind))
    if layout == "auto" and kind == "image":
        return _image_class(group)
    if layout == "auto":
        return _KINDS[kind][1] if kind is not None else _LAYOUTS[found]
    wanted = "fov" if layout == "tiled" else layout
    if wanted != found:
        raise LayoutError(
            f"{group.url} is {_SAID[found]}, not layout={layout!r}; open it with "
            f"layout={found if found in _LAYOUTS else 'auto'!r}"
        )
    return _LAYOUTS[layout]


def _image_class(group: ZarrGroup) -> type[Any]:
    """Return the class of an image opened on its own: a label image says that it is one."""
    attrs = group.attrs()
    spelling = versions.spelling(versions.detect(attrs, group.zarr_format))
    return Label if spelling.has(attrs, "image-label") else Position


def layout_class(layout: str) -> type[Any]:
    """Return the class of the node that a new store of a layout gives."""
    return _LAYOUTS[layout]


def _unknown(group: ZarrGroup, kind: str | None) -> str:
    if kind is not None:
        return (
            f"{group.url} holds OME-Zarr metadata of kind {kind!r}, which is no image and no plate"
        )
    groups, arrays = group.group_names()[:5], group.array_names()[:5]
    inside = ", ".join([*(f"group {n!r}" for n in groups), *(f"array {n!r}" for n in arrays)])
    return (
        f"no OME-Zarr metadata in {group.url} ({inside or 'it is empty'}); say what it is with "
        "layout='fov' or layout='hcs', or open the group that has them"
    )
