"""The attributes of OME-Zarr 0.5 groups: the metadata lie under the key ``ome``."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from iohub.metadata.documents import Document, Str
from iohub.metadata.image import ImageMeta
from iohub.metadata.labels import LabelsMeta
from iohub.metadata.plate import PlateMeta, WellGroupMeta

A = TypeVar("A", bound=Document)


class BaseZarrAttrs(Document, Generic[A]):
    """Attributes of a group.

    Attributes
    ----------
    ome : Document
        The metadata.
    """

    ome: A

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by what the class was made of: one with a type in brackets is in no module."""
        made = type(self).__pydantic_generic_metadata__
        return _restored, (made["origin"] or type(self), made["args"]), self.__getstate__()


def _restored(kind: Any, of: tuple[Any, ...]) -> Any:
    made = kind[of] if of else kind
    return made.__new__(made)


class ImageAttrs(ImageMeta):
    """Metadata of an image.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    """

    version: Str


ImageLabelAttrs = ImageAttrs
"""Metadata of a label image."""


class LabelsAttrs(LabelsMeta):
    """Metadata of the group that lists label images.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    """

    version: Str


class HCSAttrs(Document):
    """Metadata of a plate.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    plate : PlateMeta
        The document of the plate.
    """

    version: Str
    plate: PlateMeta


class WellAttrs(Document):
    """Metadata of a well.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    well : WellGroupMeta
        The document of the well.
    """

    version: Str
    well: WellGroupMeta


class BioFormats2RawAttrs(Document):
    """Metadata of the uppermost group of the layout of bioformats2raw.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    bioformats2raw_layout : {3}
        Number of the layout.
    plate : PlateMeta or None
        If there is one, images are where it says.
    """

    version: Str
    bioformats2raw_layout: Literal[3] = Field(alias="bioformats2raw.layout")
    plate: PlateMeta | None = None
