"""The groups of OME-Zarr 0.6, without data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Generic, Literal

from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import AnyTransform
from iohub.metadata.v06_image import Dataset
from iohub.models.bioformats2raw import BioFormats2RawGroup
from iohub.models.groups import Node
from iohub.models.hcs import PlateGroup, WellGroup
from iohub.models.labels import LabelsGroup
from iohub.models.ome_group import OmeGroup
from iohub.models.scene import SceneGroup, new_scene
from iohub.models.v05.attributes import A
from iohub.models.v06.attributes import (
    BaseSceneAttrs,
    BaseZarrAttrs,
    BioFormats2RawAttrs,
    HCSAttrs,
    ImageAttrs,
    ImageLabelAttrs,
    LabelsAttrs,
    WellAttrs,
)
from iohub.models.v06.systems_image import SystemsImage, SystemsImageLabel


class BaseGroupv06(OmeGroup, Generic[A]):
    """What all groups of the version have.

    Attributes
    ----------
    zarr_format : {3}
        Which documents it has.
    node_type : {"group"}
        What it is.
    attributes : BaseZarrAttrs
        The metadata, under the key ``ome``, and other attributes.
    members : mapping of str to GroupSpec or ArraySpec
        What the metadata name.
    """

    version: ClassVar[str] = "0.6"

    zarr_format: Literal[3] = 3
    attributes: BaseZarrAttrs[A]

    @property
    def ome_attributes(self) -> A:
        """The metadata, without the key ``ome`` that they are under."""
        return self.attributes.ome


class ImageLabel(BaseGroupv06[ImageLabelAttrs], SystemsImageLabel):
    """A label image."""

    @property
    def datasets(self) -> tuple[tuple[Dataset, ...], ...]:
        """The levels; the first index is for the multiscale images, usually one."""
        return tuple(image.datasets for image in self.ome_attributes.multiscales)


class Labels(BaseGroupv06[LabelsAttrs], LabelsGroup):
    """The label images of an image."""

    label_class = ImageLabel

    def get_image_labels_group(self, path: str) -> ImageLabel:
        """Return a label image.

        Parameters
        ----------
        path : str
            One of :attr:`label_paths`.

        Raises
        ------
        MissingNodeError
            If there is no such label image.
        """
        return self._label(ImageLabel, path)


class Image(BaseGroupv06[ImageAttrs], SystemsImage):
    """An image."""

    labels_class = Labels

    @property
    def datasets(self) -> tuple[tuple[Dataset, ...], ...]:
        """The levels; the first index is for the multiscale images, usually one."""
        return tuple(image.datasets for image in self.ome_attributes.multiscales)

    @property
    def labels(self) -> Labels | None:
        """The label images; None if there are none."""
        found = self.members.get("labels")
        return found if isinstance(found, Labels) else None


class Well(BaseGroupv06[WellAttrs], WellGroup):
    """A well."""

    image_class = Image

    @property
    def images(self) -> dict[str, Image]:
        """The fields of view that are there, by path."""
        return self._images(Image)

    def get_image(self, i: int) -> Image:
        """Return a field of view.

        Parameters
        ----------
        i : int
            Number in :attr:`image_paths`.

        Raises
        ------
        IndexError
            If there are not so many.
        """
        return self.images[self.image_paths[i]]


class HCS(BaseGroupv06[HCSAttrs], PlateGroup):
    """A plate of high-content screening."""

    well_class = Well

    @property
    def well_groups(self) -> Iterator[Well]:
        """The wells that are there: fewer than :attr:`n_wells` if some have no group."""
        return self._wells(Well)

    def get_well_group(self, i: int) -> Well:
        """Return a well.

        Parameters
        ----------
        i : int
            Number in the metadata.

        Raises
        ------
        WellGroupNotFoundError
            If the well has no group.
        IndexError
            If there are not so many.
        """
        return self._well(Well, i)


class BioFormats2Raw(BaseGroupv06[BioFormats2RawAttrs], BioFormats2RawGroup):
    """A group in the layout of bioformats2raw."""

    image_class = Image
    well_class = Well

    @property
    def images(self) -> dict[str, Image]:
        """All images, by path."""
        return self._images(Image)


class Scene(BaseGroupv06[BaseSceneAttrs], SceneGroup):
    """Images, and how their coordinate systems lie to each other."""

    image_class = Image

    @property
    def images(self) -> dict[str, Image]:
        """The images by path, which may be nested."""
        return self._images(Image)

    @classmethod
    def new(
        cls,
        *,
        images: Mapping[str, Image],
        coord_transforms: Sequence[AnyTransform] = (),
        coord_systems: Sequence[CoordinateSystem] = (),
        parameters: Mapping[str, Node] | None = None,
    ) -> Scene:
        """Make a scene from images; no data are stored or copied.

        Parameters
        ----------
        images : mapping of str to Image
            By path in the scene, which may be nested.
        coord_transforms : sequence of Transform
            Between the systems of the images and those of the scene; one at least.
        coord_systems : sequence of CoordinateSystem
            Of the scene, the common reference first.
        parameters : mapping of str to ArraySpec or GroupSpec, optional
            By path, the arrays, or images, that hold matrices and fields of transformations.

        Raises
        ------
        NotFoundError
            If a transformation names an image that is not given, or parameters that are not.
        DocumentError
            If names or transformations do not fit; all problems are listed.
        """
        return new_scene(
            cls, images, tuple(coord_transforms), tuple(coord_systems), parameters or {}
        )
