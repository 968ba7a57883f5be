"""Scenes: the images that they name, and the systems of these.

Source: OME-Zarr specification 0.6, section "scene".
"""

from __future__ import annotations

from collections.abc import Mapping

from iohub.errors import DocumentError, Problem
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.documents import validate
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.models.validator.collector import Collector, pointer_in
from iohub.models.validator.loading import Node
from iohub.models.validator.members import followed, objects


def image_paths(scene: Node) -> list[str]:
    """Return the paths of the images that a scene names, each once.

    Parameters
    ----------
    scene : Node
        Its group.
    """
    ends = (
        transform.get(side)
        for _, transform in objects(scene.meta.ome, "scene", "coordinateTransformations")
        for side in ("input", "output")
    )
    paths = (end.get("path") for end in ends if isinstance(end, Mapping))
    return list(dict.fromkeys(path for path in paths if followed(path)))


def check_scene_images(scene: Node, images: Mapping[str, Node], out: Collector) -> None:
    """Check that the images of a scene are there and have the systems that it names.

    Parameters
    ----------
    scene : Node
        Its group.
    images : mapping of str to Node
        What lies at the paths that it names.
    out : Collector
        Gets what is wrong.
    """
    systems: dict[str, dict[str, CoordinateSystem]] = {}
    for path, node in images.items():
        if node.what in ("missing", "foreign"):
            out.member(scene, "scene-image", f"there is no image {path!r}", "scene")
        elif node.what == "group" and node.meta.ome.get("multiscales") is None:
            out.member(scene, "scene-image", f"the group {path!r} is no image", "scene")
        else:
            systems[path] = _systems_of(node)
    if scene.meta.ome.get("scene") is None:
        return
    try:
        doc = validate(SceneMeta, scene.meta.ome["scene"])
    except DocumentError:
        return  # told by the checks of the document
    for problem in check_scene(doc, systems).must:
        if problem.code == "system-unknown" and not _of_absent(doc, problem, systems):
            where = pointer_in(scene, "scene") + problem.where
            out.attribute(scene, problem._replace(where=where))


def _systems_of(image: Node) -> dict[str, CoordinateSystem]:
    found = {}
    for _, item in objects(image.meta.ome, "multiscales"):
        for _, system in objects(item, "coordinateSystems"):
            try:
                each = validate(CoordinateSystem, system)
            except DocumentError:
                continue  # told where the image is checked
            found[each.name] = each
    return found


def _of_absent(doc: SceneMeta, problem: Problem, systems: Mapping[str, object]) -> bool:
    """Whether a system is unknown because its image is."""
    _, _, index, side, _ = problem.where.split("/")
    transform = doc.coordinate_transformations[int(index)]
    end = transform.input if side == "input" else transform.output
    return end is not None and end.path is not None and end.path not in systems
