"""New images of the versions that have axes rather than coordinate systems, without data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from iohub.metadata.axes import AxisMeta
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.omero import OMEROMeta
from iohub.models.creating import AnyArraySpec, image_attributes, levels_of
from iohub.models.image import LABELS, ImageGroup
from iohub.models.labels import ImageLabelGroup, LabelsGroup
from iohub.models.ome_group import make
from iohub.types import Json


class AxesImage(ImageGroup):
    """An image whose levels lead to its axes."""

    @classmethod
    def new(
        cls,
        *,
        array_specs: Sequence[AnyArraySpec],
        paths: Sequence[str],
        axes: Sequence[AxisMeta],
        scales: Sequence[Sequence[float]],
        translations: Sequence[Sequence[float] | None],
        name: str | None = None,
        multiscale_type: str | None = None,
        metadata: Json = None,
        global_scale: Sequence[float] | None = None,
        global_translation: Sequence[float] | None = None,
        omero: OMEROMeta | None = None,
        labels: LabelsGroup | None = None,
    ) -> Self:
        """Make an image from its arrays; no data are stored or copied.

        Parameters
        ----------
        array_specs : sequence of ArraySpec
            The levels, the highest resolution first; see :meth:`ArraySpec.of`.
        paths : sequence of str
            Where each array is to be, relative to the image.
        axes : sequence of AxisMeta
            Of every array, slowest first.
        scales : sequence of sequence of float
            For each array one value per axis, in the unit of the axis.
        translations : sequence of (sequence of float or None)
            For each array one value per axis, in the unit of the axis.
        name : str, optional
            Of the image.
        multiscale_type : str, optional
            How the lower levels were made.
        metadata : JSON value, optional
            Details of how they were made.
        global_scale, global_translation : sequence of float, optional
            Applied to all levels after their own.
        omero : OMEROMeta, optional
            Channels and rendering defaults.
        labels : Labels, optional
            Label images.

        Raises
        ------
        ShapeError, DTypeError, VersionError, ExistsError, PathError, AxisError
            If arrays do not fit each other or the axes; see
            :func:`iohub.models.creating.levels_of`.
        DocumentError
            If the metadata break the rules; all problems are listed.
        LayoutError
            If the labels do not fit the image.
        """
        members: dict[str, Any] = dict(
            levels_of(cls, array_specs, paths, axes, scales, translations)
        )
        attributes = image_attributes(
            cls,
            axes,
            paths,
            scales,
            translations,
            whole=(global_scale, global_translation),
            omero=omero,
            image_label=None,
            name=name,
            type=multiscale_type,
            metadata=metadata,
        )
        return make(cls, attributes=attributes, members=with_labels(members, labels))


class AxesImageLabel(ImageLabelGroup):
    """A label image whose levels lead to its axes."""

    @classmethod
    def new(
        cls,
        *,
        array_specs: Sequence[AnyArraySpec],
        paths: Sequence[str],
        axes: Sequence[AxisMeta],
        scales: Sequence[Sequence[float]],
        translations: Sequence[Sequence[float] | None],
        name: str | None = None,
        multiscale_type: str | None = None,
        metadata: Json = None,
        image_label: ImageLabelMeta | None = None,
    ) -> Self:
        """Make a label image from its arrays; no data are stored or copied.

        Parameters
        ----------
        array_specs, paths, axes, scales, translations, name, multiscale_type, metadata
            As for an image.
        image_label : ImageLabelMeta, optional
            Colours and properties of the labels, and where they come from.

        Raises
        ------
        ShapeError, DTypeError, VersionError, ExistsError, PathError, AxisError, DocumentError
            As for an image.
        LayoutError
            If the pixels are no integers.
        """
        members = levels_of(cls, array_specs, paths, axes, scales, translations)
        attributes = image_attributes(
            cls,
            axes,
            paths,
            scales,
            translations,
            whole=(None, None),
            omero=None,
            image_label=image_label or ImageLabelMeta(),
            name=name,
            type=multiscale_type,
            metadata=metadata,
        )
        made = make(cls, attributes=attributes, members=members)
        made.check_integers(name or "")
        return made


def with_labels(members: Mapping[str, Any], labels: LabelsGroup | None) -> dict[str, Any]:
    """Return the members of an image with its labels, if it has any.

    Parameters
    ----------
    members : mapping of str to ArraySpec
        The levels by path.
    labels : LabelsGroup or None
        The label images.
    """
    return {**members} if labels is None else {**members, LABELS: labels}
