"""Points from one coordinate system of a stored scene or image to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import IohubError, LayoutError, ShapeError, TransformError
from iohub.metadata.drafts import modernise
from iohub.metadata.image import MultiScaleMeta
from iohub.metadata.versions import detect, scene_spelling, spelling
from iohub.storage.group import open_group
from iohub.storage.location import locate
from iohub.transforms.graphs import image_graph, scene_graph
from iohub.transforms.points import apply

if TYPE_CHECKING:
    from iohub.storage.group import ZarrGroup
    from iohub.storage.location import StoreLike
    from iohub.transforms.graph import TransformGraph
    from iohub.types import JsonObject, NDArray

    Points = list[list[float]]


def map_points(path: StoreLike, source: str, target: str, points: object) -> Points:
    """Return where points are in another coordinate system.

    Parameters
    ----------
    path : path-like, str, zarr Store or StorePath
        A scene or an image.
    source, target : str
        Names of coordinate systems; one of an image in a scene is ``path:name``.
    points : array_like
        (N, D), in the order of the axes of `source`.

    Raises
    ------
    MissingNodeError
        If there is no such coordinate system.
    TransformError
        If no way leads from one to the other.
    ShapeError
        If the points are no (N, D) numbers.
    LayoutError
        If it is neither a scene nor an image.
    """
    try:
        given = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"points must be an array of numbers (N, D): {error}") from error
    if given.ndim != 2:
        raise ShapeError(f"points must have the shape (N, D), not {given.shape}")
    location = locate(path, writable=False)
    group = open_group(location.store, location.path)
    graph = _graph(group)

    def lookup(name: str) -> NDArray:
        array = group.array(name)
        pixels: NDArray = array[...]
        return pixels

    graph.lookup = lookup
    way = graph.get_transform(from_sys=source, to_sys=target)
    moved = apply(way, given, lookup=lookup)
    if not np.isfinite(moved).all():
        raise TransformError(f"some of the points have no place in {target!r}")
    found: Any = moved.tolist()
    return list(found)


def _graph(group: ZarrGroup) -> TransformGraph:
    attrs = _readable(group.attrs(), group.zarr_format)
    version = detect(attrs, group.zarr_format)
    known = spelling(version)
    if known.has(attrs, "scene"):
        scene = scene_spelling(version).parse_scene(attrs)
        paths = scene.get_image_paths()
        images = {
            path: _image_of(loaded.attrs(), loaded.zarr_format)
            for path, loaded in zip(paths, group.load_groups(paths), strict=True)
            if not isinstance(loaded, IohubError)
        }
        return scene_graph(scene, images)
    if known.has(attrs, "multiscales"):
        return image_graph(_image_of(attrs, group.zarr_format))
    raise LayoutError(f"{group.url} is neither a scene nor an image")


def _image_of(attrs: JsonObject, zarr_format: int) -> MultiScaleMeta:
    attrs = _readable(attrs, zarr_format)
    return spelling(detect(attrs, zarr_format)).parse_image(attrs).multiscales[0]


def _readable(attrs: JsonObject, zarr_format: int) -> JsonObject:
    """Return attributes in the released shape, if they are in that of a draft.

    The public suite of points states the release, and has the shape of a draft.
    """
    known = spelling(detect(attrs, zarr_format))
    if not known.findings(attrs).must or not isinstance(attrs.get("ome"), dict):
        return attrs
    newer = {**attrs, "ome": dict(modernise(attrs["ome"]))}
    return attrs if known.findings(newer).must else newer
