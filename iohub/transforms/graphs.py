"""The transform graphs of images and scenes, from their documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iohub.metadata.axes import AxisMeta
from iohub.metadata.image import MultiScaleMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.transform_types import Identity, ProjectAxis, Transform
from iohub.metadata.v06_image import from_neutral
from iohub.transforms.fields import Lookup
from iohub.transforms.graph import TransformGraph
from iohub.transforms.graph_nodes import TransformGraphNode


def image_graph(
    image: MultiScaleMeta,
    *,
    labels: Mapping[str, MultiScaleMeta] | None = None,
    lookup: Lookup | None = None,
) -> TransformGraph:
    """Return the graph of an image: its arrays, its systems, and those of linked label images.

    Images of every version have one: those before coordinate systems were written have the
    system ``"physical"``, and ``"world"`` if there are transformations of the whole image.

    Parameters
    ----------
    image : MultiScaleMeta
        The image's document.
    labels : mapping of str to MultiScaleMeta, or None
        Its label images, by their paths in the image. They lie in the physical axes of the image,
        unless the image says another way.
    lookup : callable or None
        Returns the array at a path: ways back through a stored matrix need it.
    """
    stored = from_neutral(image)
    graph = TransformGraph("Image", lookup=lookup)
    for system in stored.coordinate_systems:
        graph.add_system(system)
    for dataset in stored.datasets:
        array = graph.add_array(dataset.path)
        for transform in dataset.coordinate_transformations:
            graph.add_transform(transform, start=array)
    for transform in stored.coordinate_transformations or ():
        graph.add_transform(transform)
    linked = {node.path for edge in graph.edges for node in (edge.start, edge.end)}
    for path, label in (labels or {}).items():
        graph.add_subgraph(path, image_graph(label))
        way = None if path in linked else _same_axes(label.axes, image.axes)
        if way is not None:
            start = TransformGraphNode(label.space.intrinsic, path)
            graph.add_transform(way, start, TransformGraphNode(image.space.intrinsic))
    return graph


def _same_axes(few: Sequence[AxisMeta], all_axes: Sequence[AxisMeta]) -> Transform | None:
    """Return the way from some axes to all, the others 0; None if they are in another order."""
    names = [axis.name.lower() for axis in few]
    absent = [i for i, axis in enumerate(all_axes) if axis.name.lower() not in names]
    if names != [axis.name.lower() for i, axis in enumerate(all_axes) if i not in absent]:
        return None
    return ProjectAxis(created_outputs=tuple(absent)) if absent else Identity()


def scene_graph(
    scene: SceneMeta,
    images: Mapping[str, MultiScaleMeta | TransformGraph] | None = None,
    *,
    lookup: Lookup | None = None,
) -> TransformGraph:
    """Return the graph of a scene, joined with those of its images.

    Ways lead through the images: from the array of one to the system of another.

    Parameters
    ----------
    scene : SceneMeta
        The scene's document.
    images : mapping of str to MultiScaleMeta or TransformGraph, or None
        The images, by their paths; of others the graph knows only what the scene names.
    lookup : callable or None
        Returns the array at a path: ways back through a stored matrix need it.
    """
    graph = TransformGraph("Scene", lookup=lookup)
    for system in scene.coordinate_systems:
        graph.add_system(system)
    for path, image in (images or {}).items():
        below = image if isinstance(image, TransformGraph) else image_graph(image)
        graph.add_subgraph(path, below)
    for transform in scene.coordinate_transformations:
        graph.add_transform(transform)
    return graph
