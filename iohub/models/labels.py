"""Labels and label images without data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from iohub.errors import LayoutError, MissingNodeError
from iohub.metadata.labels import LabelsMeta
from iohub.models.described import DescribedGroup
from iohub.models.groups import Node, find, put
from iohub.models.loading import Named
from iohub.models.multiscale import MultiscaleGroup
from iohub.models.ome_group import as_kind, make
from iohub.storage.group import ZarrGroup

L = TypeVar("L", bound="ImageLabelGroup")


class ImageLabelGroup(MultiscaleGroup):
    """A label image: levels of whole numbers."""

    kind = "label image"

    def check_integers(self, path: str) -> None:
        """Refuse pixels that name no labels.

        Parameters
        ----------
        path : str
            Of the label image, for the message.

        Raises
        ------
        LayoutError
            If the pixels are no integers.
        """
        for levels in self.level_specs:
            for level in levels:
                dtype = level.to_storage().dtype
                if dtype.kind not in "iu":
                    raise LayoutError(f"the pixels of labels are integers; {path!r} has {dtype}")


class LabelsGroup(DescribedGroup):
    """The label images of an image."""

    kind = "group of labels"
    document = "labels"
    key = "labels"
    label_class: ClassVar[type[ImageLabelGroup]]

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the label images.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        return Named(groups=dict.fromkeys(_paths(attributes), cls.label_class))

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, the label images as such.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If a label image is not there, or its pixels are no integers.
        """
        found: dict[str, Node] = {}
        for path in _paths(attributes):
            label = as_kind(cls.label_class, find(members, path), path, "the list of labels")
            label.check_integers(path)
            found[path] = label
        return put(members, found)

    @classmethod
    def new(cls, *, labels: Mapping[str, ImageLabelGroup]) -> Self:
        """Make the group from label images.

        Parameters
        ----------
        labels : mapping of str to ImageLabel
            By path; paths may be nested.

        Raises
        ------
        DocumentError
            If a path is not allowed.
        LayoutError
            If one is no label image of this version.
        """
        doc = LabelsMeta(labels=tuple(labels))
        return make(cls, attributes=cls.spelling().dump_labels(doc, {}), members=dict(labels))

    @property
    def label_paths(self) -> list[str]:
        """Paths of the label images in this group."""
        return _paths(self.attributes)

    def _label(self, kind: type[L], path: str) -> L:
        if path not in self.label_paths:
            raise MissingNodeError(path, "the labels", self.label_paths)
        return as_kind(kind, find(self.members, path), path, "the list of labels")


def _paths(attributes: Any) -> list[str]:
    return list(dict.fromkeys(getattr(attributes, "ome", attributes).labels))
