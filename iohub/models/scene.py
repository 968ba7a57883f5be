"""Scenes without data: images, and how their coordinate systems lie to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from iohub.errors import DocumentError, NotFoundError
from iohub.metadata.check_v06 import DEMANDED
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.documents import validate
from iohub.metadata.image import MultiScaleMeta
from iohub.metadata.scene import SceneMeta, check_scene
from iohub.metadata.transform_types import Transform
from iohub.metadata.versions import SceneSpelling, scene_spelling
from iohub.models.described import DescribedGroup
from iohub.models.groups import Node, find, put
from iohub.models.image import ImageGroup
from iohub.models.loading import Named
from iohub.models.ome_group import as_kind, make
from iohub.models.parameters import parameters_of, require_parameters
from iohub.storage.group import ZarrGroup
from iohub.transforms.graph import TransformGraph
from iohub.transforms.graphs import scene_graph

S = TypeVar("S", bound="SceneGroup")
M = TypeVar("M", bound=ImageGroup)


class SceneGroup(DescribedGroup):
    """A scene."""

    kind = "scene"
    document = "scene"
    key = "scene"
    image_class: ClassVar[type[ImageGroup]]

    @classmethod
    def spelling(cls) -> SceneSpelling:
        """Return how the version writes its metadata."""
        return scene_spelling(cls.version)

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the images that transformations lead from and to, and of parameters.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        scene = _scene(attributes)
        named = parameters_of(scene.coordinate_transformations, group)
        images = dict.fromkeys(scene.get_image_paths(), cls.image_class)
        return named._replace(groups={**named.groups, **images})

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, the images as such.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        NotFoundError
            If an image is named that is not there, or parameters of a transformation are not.
        LayoutError
            If an array is there.
        DocumentError
            If a coordinate system of an image is named that it does not have, or a transformation
            does not fit its axes; all problems are listed.
        """
        scene = _scene(attributes)
        require_parameters(scene.coordinate_transformations, members, "the scene")
        images: dict[str, Node] = {}
        systems: dict[str, dict[str, CoordinateSystem]] = {}
        for path in scene.get_image_paths():
            found = find(members, path)
            if found is None:
                raise NotFoundError(f"the scene names the image {path!r}, where there is nothing")
            image = as_kind(cls.image_class, found, path, "the scene")
            images[path] = image
            systems[path] = systems_of(image)
        problems = check_scene(scene, systems).must
        if problems:
            raise DocumentError(p._replace(where=f"/ome/scene{p.where}") for p in problems)
        return put(members, images)

    @property
    def image_paths(self) -> list[str]:
        """Paths of the images that transformations lead from and to, and of those given beside."""
        named = _scene(self.attributes).get_image_paths()
        beside = [
            path
            for path, node in self.to_flat().items()
            if path and isinstance(node, ImageGroup) and path not in named
        ]
        return [*named, *beside]

    def _images(self, kind: type[M]) -> dict[str, M]:
        return {
            path: as_kind(kind, find(self.members, path), path, "the scene")
            for path in self.image_paths
        }

    def transform_graph(self) -> TransformGraph:
        """Return the coordinate systems and arrays of the scene and its images, and the ways.

        Ways lead through the images: from the array of one to a system of another.
        """
        images: dict[str, MultiScaleMeta | TransformGraph] = {
            path: image.meta().multiscales[0] for path, image in self._images(ImageGroup).items()
        }
        return scene_graph(_scene(self.attributes), images)


def _scene(attributes: Any) -> SceneMeta:
    found = attributes.ome.scene
    assert isinstance(found, SceneMeta), "attributes of a scene have one"
    return found


def systems_of(image: ImageGroup) -> dict[str, CoordinateSystem]:
    """Return the coordinate systems of an image by name.

    Parameters
    ----------
    image : ImageGroup
        Of whichever version.
    """
    found: dict[str, CoordinateSystem] = {}
    for part in image.meta().multiscales:
        found[part.intrinsic_system.name] = part.intrinsic_system
        found |= {system.name: system for system in part.space.systems}
    return found


def new_scene(
    kind: type[S],
    images: Mapping[str, ImageGroup],
    transforms: tuple[Transform, ...],
    systems: tuple[CoordinateSystem, ...],
    parameters: Mapping[str, Node],
) -> S:
    """Return a new scene.

    Parameters
    ----------
    kind : type of SceneGroup
        Of which version.
    images : mapping of str to ImageGroup
        By path.
    transforms : tuple of Transform
        Between systems.
    systems : tuple of CoordinateSystem
        Of the scene.
    parameters : mapping of str to ArraySpec or GroupSpec
        By path, what holds matrices and fields.

    Raises
    ------
    NotFoundError
        If a transformation names an image that is not given, or parameters that are not.
    DocumentError
        If names or transformations do not fit; all problems are listed.
    """
    document = {
        "coordinateSystems": [system.to_json() for system in systems],
        "coordinateTransformations": [transform.to_json() for transform in transforms],
    }
    scene = validate(SceneMeta, document, "ome", "scene")
    unknown = [path for path in scene.get_image_paths() if path not in images]
    if unknown:
        raise NotFoundError(f"transformations name images that are not given: {', '.join(unknown)}")
    found = check_scene(scene, {path: systems_of(image) for path, image in images.items()})
    problems = [*found.must, *(p for p in found.should if p.code in DEMANDED)]
    if problems:
        raise DocumentError(p._replace(where=f"/ome/scene{p.where}") for p in problems)
    attributes = kind.spelling().dump_scene(scene, {})
    return make(kind, attributes=attributes, members={**parameters, **images})
