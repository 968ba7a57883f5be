"""Images and label images without data: the levels that their metadata name, not the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iohub.errors import LayoutError
from iohub.metadata.image import ImageMeta
from iohub.models.arrays import ArraySpec
from iohub.models.described import DescribedGroup
from iohub.models.groups import Node, find
from iohub.models.loading import Named
from iohub.storage.group import ZarrGroup
from iohub.transforms.graph import TransformGraph
from iohub.transforms.graphs import image_graph


class MultiscaleGroup(DescribedGroup):
    """A group with levels."""

    kind = "image"
    document = "image"
    key = "multiscales"

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the levels.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        return Named(arrays=tuple(level_paths(attributes)))

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, after a look at the levels.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If a level is no array, or has not one axis per axis of the image.
        """
        for image in _ome(attributes).multiscales:
            count = axes_count(image)
            for dataset in image.datasets:
                found = find(members, dataset.path)
                if not isinstance(found, ArraySpec):
                    what = "nothing" if found is None else "a group"
                    raise LayoutError(
                        f"the metadata name the array {dataset.path!r}, where there is {what}"
                    )
                if found.ndim != count:
                    raise LayoutError(
                        f"the array {dataset.path!r} has {found.ndim} dimensions and the image "
                        f"{count} axes"
                    )
        return members

    @property
    def level_specs(self) -> tuple[tuple[ArraySpec, ...], ...]:
        """The arrays of the levels: per multiscale image, the highest resolution first."""
        return tuple(
            tuple(self._array(dataset.path) for dataset in image.datasets)
            for image in self.ome_attributes.multiscales
        )

    def _array(self, path: str) -> ArraySpec:
        found = self.member(path)
        assert isinstance(found, ArraySpec), "levels were checked when the group was made"
        return found

    def meta(self) -> ImageMeta:
        """Return what the metadata say, in the form that is the same for all versions."""
        return self.spelling().parse_image(self.attributes.to_json())

    def transform_graph(self) -> TransformGraph:
        """Return the coordinate systems and arrays of the image, and the ways between them.

        Of several multiscale images in the group, the first is meant.
        """
        return image_graph(self.meta().multiscales[0])


def _ome(attributes: Any) -> Any:
    return getattr(attributes, "ome", attributes)


def level_paths(attributes: Any) -> list[str]:
    """Return the paths of all levels, each once.

    Parameters
    ----------
    attributes : Document
        Of an image.
    """
    images = _ome(attributes).multiscales
    return list(dict.fromkeys(dataset.path for image in images for dataset in image.datasets))


def axes_count(image: Any) -> int:
    """Return how many axes the levels of an image have.

    Parameters
    ----------
    image : MultiScaleMeta or Multiscale
        As a version has it.
    """
    axes = image.axes if hasattr(image, "axes") else image.intrinsic.axes
    return len(axes)
