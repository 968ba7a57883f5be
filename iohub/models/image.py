"""Images without data, with the labels that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from iohub.errors import LayoutError
from iohub.models.groups import GroupSpec, Node, put
from iohub.models.labels import ImageLabelGroup, LabelsGroup
from iohub.models.loading import Named
from iohub.models.multiscale import MultiscaleGroup
from iohub.models.ome_group import as_kind
from iohub.storage.group import ZarrGroup

LABELS = "labels"


class ImageGroup(MultiscaleGroup):
    """An image."""

    labels_class: ClassVar[type[LabelsGroup]]

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the levels, and of the labels if there are any.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        named = super().named(attributes, group)
        return named._replace(groups={**named.groups, LABELS: cls.labels_class})

    @classmethod
    def fit(cls, attributes: Any, members: Mapping[str, Node]) -> Mapping[str, Node]:
        """Return the members, the labels as such.

        Parameters
        ----------
        attributes : Document
            Of the group.
        members : mapping of str to GroupSpec or ArraySpec
            By name.

        Raises
        ------
        LayoutError
            If a level is no array of the image's axes, or a label image has another number of
            levels than the image.
        """
        members = super().fit(attributes, members)
        node = members.get(LABELS)
        if not isinstance(node, GroupSpec):
            return members
        labels = as_kind(cls.labels_class, node, LABELS, "the image")
        images = getattr(attributes, "ome", attributes).multiscales
        if len(images) == 1:
            check_level_counts(labels, len(images[0].datasets))
        return put(members, {LABELS: labels})


def check_level_counts(labels: LabelsGroup, count: int) -> None:
    """Refuse label images with another number of levels than their image.

    Parameters
    ----------
    labels : LabelsGroup
        The label images.
    count : int
        Levels of the image.

    Raises
    ------
    LayoutError
        If there is one.
    """
    for path in labels.label_paths:
        label = labels.member(path)
        assert isinstance(label, ImageLabelGroup), "label images were checked with their group"
        for levels in label.level_specs:
            if len(levels) != count:
                raise LayoutError(
                    f"the label image {path!r} has {len(levels)} levels and its image {count}"
                )
