"""The transform graphs of images and scenes, from their documents."""

from __future__ import annotations

from collections.abc import Mapping

from iohub.metadata.image import MultiScaleMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.v06_image import from_neutral
from iohub.transforms.fields import Lookup
from iohub.transforms.graph import TransformGraph


def image_graph(image: MultiScaleMeta, *, lookup: Lookup | None = None) -> TransformGraph:
    """Return the graph of an image: its arrays, its systems, and those of linked label images.

    Images of every version have one: those before coordinate systems were written have the
    system ``"physical"``, and ``"world"`` if there are transformations of the whole image.

    Parameters
    ----------
    image : MultiScaleMeta
        The image's document.
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
    return graph


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
