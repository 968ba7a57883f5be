"""OME-Zarr 0.4 groups without data, and the documents that they are made of."""

from __future__ import annotations

from iohub.metadata.axes import AxisMeta as Axis
from iohub.metadata.image import DatasetMeta as Dataset
from iohub.metadata.image import MultiScaleMeta as Multiscale
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.plate import AcquisitionMeta, PlateMeta, WellGroupMeta
from iohub.metadata.transforms import TransformationMeta
from iohub.models.arrays import ArraySpecV2 as ArraySpec
from iohub.models.groups import GroupSpec
from iohub.models.v04.attributes import (
    BioFormats2RawAttrs,
    HCSAttrs,
    ImageAttrs,
    ImageLabelAttrs,
    LabelsAttrs,
    WellAttrs,
)
from iohub.models.v04.groups import (
    HCS,
    BioFormats2Raw,
    Image,
    ImageLabel,
    Labels,
    Well,
)

__all__ = [
    "HCS",
    "AcquisitionMeta",
    "ArraySpec",
    "Axis",
    "BioFormats2Raw",
    "BioFormats2RawAttrs",
    "Dataset",
    "GroupSpec",
    "HCSAttrs",
    "Image",
    "ImageAttrs",
    "ImageLabel",
    "ImageLabelAttrs",
    "ImageLabelMeta",
    "Labels",
    "LabelsAttrs",
    "Multiscale",
    "OMEROMeta",
    "PlateMeta",
    "TransformationMeta",
    "Well",
    "WellAttrs",
    "WellGroupMeta",
]
