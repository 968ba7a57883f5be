"""Documents of an image: its levels, axes, channels, and what a label image says of itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import INTRINSIC, CoordinateSystem
from iohub.metadata.documents import NONE, Document, JsonValue, Many, Str
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.transform_types import AnyTransform
from iohub.metadata.transforms import TransformationMeta

Transforms = Many[TransformationMeta]


def _none_if_empty(value: Transforms | None) -> Transforms | None:
    return value or None


class CoordinateSpaceMeta(Document):
    """What an image says of coordinates beyond its axes and levels, from OME-Zarr 0.6 on.

    Attributes
    ----------
    intrinsic : str
        Name of the system that the levels lead to; its axes are those of the image.
    intrinsic_members : JSON value
        Members of that system besides its name and axes.
    systems : tuple of CoordinateSystem
        The other systems.
    order : tuple of str
        Names of all systems as they are written; empty for the intrinsic one first.
    transforms : tuple of Transform
        Between the systems, and to systems of label images.
    """

    intrinsic: Str = INTRINSIC
    intrinsic_members: JsonValue = None
    systems: Many[CoordinateSystem] = NONE
    order: Many[Str] = NONE
    transforms: Many[AnyTransform] = NONE


class DatasetMeta(Document):
    """One level of an image.

    Attributes
    ----------
    path : str
        Of the array, relative to the image's group.
    coordinate_transformations : tuple of TransformationMeta
        One scale and at most one translation, from pixel indexes to coordinates.
    transform_members : JSON value
        Members of the one transformation that OME-Zarr 0.6 writes, besides its parameters.
    """

    path: Str
    coordinate_transformations: Transforms
    # Aliases of members that no version writes begin with a word of ours, to hide nobody's.
    transform_members: JsonValue = Field(default=None, alias="iohub:transform", exclude=True)


class MultiScaleMeta(Document):
    """An image as a series of levels, the highest resolution first.

    Attributes
    ----------
    version : str or None
        As read from OME-Zarr 0.4.
    axes : tuple of AxisMeta
        Of every level, slowest first.
    datasets : tuple of DatasetMeta
        The levels.
    name : str or None
        Of the image.
    type : str or None
        How the lower levels were made, such as ``"mean"``.
    metadata : JSON value
        Details of how they were made.
    coordinate_transformations : tuple of TransformationMeta or None
        Applied to every level after its own; None if there are none.
    coordinate_space : CoordinateSpaceMeta or None
        Further systems and transformations; None if there are none.
    """

    version: Str | None = None
    axes: Many[AxisMeta]
    datasets: Many[DatasetMeta]
    name: Str | None = None
    type: Str | None = None
    metadata: JsonValue = None
    coordinate_transformations: Annotated[Transforms | None, AfterValidator(_none_if_empty)] = None
    coordinate_space: CoordinateSpaceMeta | None = Field(
        default=None, alias="iohub:space", exclude=True
    )

    def get_dataset_paths(self) -> list[str]:
        """Return the paths of the levels, the highest resolution first."""
        return [dataset.path for dataset in self.datasets]

    def get_axis_names(self) -> list[str]:
        """Return the names of the axes, slowest first."""
        return [axis.name for axis in self.axes]

    @property
    def space(self) -> CoordinateSpaceMeta:
        """Name of the intrinsic system, further systems and transformations."""
        return self.coordinate_space or CoordinateSpaceMeta()

    @property
    def intrinsic_system(self) -> CoordinateSystem:
        """The system that the levels lead to."""
        return CoordinateSystem(name=self.space.intrinsic, axes=self.axes)


class ImageMeta(Document):
    """Everything that the group of an image says about it.

    Attributes
    ----------
    multiscales : tuple of MultiScaleMeta
        Usually one; edits are of the first.
    omero : OMEROMeta or None
        Channels and rendering defaults.
    image_label : ImageLabelMeta or None
        Colours and properties of labels, if the image is a label image.
    """

    multiscales: Many[MultiScaleMeta]
    omero: OMEROMeta | None = None
    image_label: ImageLabelMeta | None = None


ImagesMeta = ImageMeta
"""The name of :class:`ImageMeta` in the public API."""
