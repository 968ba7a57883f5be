"""The attributes of OME-Zarr 0.6 groups: as in 0.5, but images have coordinate systems."""

from __future__ import annotations

from iohub.metadata.documents import Document, Str
from iohub.metadata.scene import SceneMeta
from iohub.metadata.v06 import StoredImage
from iohub.models.v05.attributes import (
    BaseZarrAttrs,
    BioFormats2RawAttrs,
    HCSAttrs,
    LabelsAttrs,
    WellAttrs,
)


class ImageAttrs(StoredImage):
    """Metadata of an image.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    """

    version: Str


ImageLabelAttrs = ImageAttrs
"""Metadata of a label image."""


class BaseSceneAttrs(Document):
    """Metadata of a scene.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    scene : SceneMeta
        The document of the scene.
    """

    version: Str
    scene: SceneMeta


__all__ = [
    "BaseSceneAttrs",
    "BaseZarrAttrs",
    "BioFormats2RawAttrs",
    "HCSAttrs",
    "ImageAttrs",
    "ImageLabelAttrs",
    "LabelsAttrs",
    "WellAttrs",
]
