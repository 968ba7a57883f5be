"""The document of a scene: images, and how their coordinate systems lie to each other.

Source: OME-Zarr specification 0.6, section "scene".
"""

from __future__ import annotations

from collections.abc import Mapping

from iohub.errors import Problem
from iohub.metadata.check_transforms import check_transform
from iohub.metadata.connections import check_connected
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference, check_systems
from iohub.metadata.documents import NONE, Document, Findings, Many
from iohub.metadata.names import path_problem
from iohub.metadata.transform_types import AnyTransform

Systems = Mapping[str, CoordinateSystem]


class SceneMeta(Document):
    """A scene.

    Attributes
    ----------
    coordinate_systems : tuple of CoordinateSystem
        Its own, the common reference first; those of its images are in the images.
    coordinate_transformations : tuple of Transform
        Between these systems and those of the images.
    """

    coordinate_systems: Many[CoordinateSystem] = NONE
    coordinate_transformations: Many[AnyTransform]

    def get_image_paths(self) -> list[str]:
        """Return the paths of the images that transformations name, each once."""
        ends = [end for t in self.coordinate_transformations for end in (t.input, t.output)]
        return list(dict.fromkeys(end.path for end in ends if end is not None and end.path))

    def get_system_names(self) -> list[str]:
        """Return the names of the scene's own systems."""
        return [system.name for system in self.coordinate_systems]


def check_scene(doc: SceneMeta, images: Mapping[str, Systems] | None = None) -> Findings:
    """Check a scene's document.

    Parameters
    ----------
    doc : SceneMeta
        What is checked; pointers are relative to it.
    images : mapping of str to mapping of str to CoordinateSystem, or None
        The systems of the images, by path and by name, if they are at hand: references into them
        are then checked too.
    """
    found = Findings.none()
    systems = check_systems(doc.coordinate_systems, images=False)
    found.must.extend(p._replace(where="/coordinateSystems" + p.where) for p in systems.must)
    found.should.extend(p._replace(where="/coordinateSystems" + p.where) for p in systems.should)
    if not doc.coordinate_transformations:
        text = "must have at least one"
        problem = Problem("/coordinateTransformations", text, "scene-transforms")
        found.must.append(problem)
    own = {system.name: system for system in doc.coordinate_systems}
    for index, transform in enumerate(doc.coordinate_transformations):
        where = f"/coordinateTransformations/{index}"
        ends = [
            _count(end, own, images, f"{where}/{name}", found)
            for name, end in (("input", transform.input), ("output", transform.output))
        ]
        check_transform(transform, ends[0], ends[1], where, found)
    check_connected(own, doc.coordinate_transformations, "/coordinateTransformations", found)
    return found


def _count(
    end: SystemReference | None,
    own: Systems,
    images: Mapping[str, Systems] | None,
    where: str,
    found: Findings,
) -> int | None:
    if end is None or end.name is None:
        place = where if end is None else f"{where}/name"
        found.must.append(Problem(place, "is required and missing", "missing"))
        return None
    if end.model_extra:
        text = f"may have 'name' and 'path' only, found {', '.join(sorted(end.model_extra))}"
        found.should.append(Problem(where, text, "reference-members"))
    known: Systems | None = own
    if end.path is not None:
        problem = path_problem(end.path)
        if problem:
            text = f"the path {end.path!r} {problem}"
            found.must.append(Problem(f"{where}/path", text, "path"))
            return None
        known = None if images is None else images.get(end.path, {})
    if known is None:
        return None
    if end.name not in known:
        text = f"there is no coordinate system {end.describe()}"
        found.must.append(Problem(f"{where}/name", text, "system-unknown"))
        return None
    return len(known[end.name].axes)
