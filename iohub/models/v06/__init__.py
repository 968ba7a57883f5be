"""OME-Zarr 0.6 groups without data, and the documents that they are made of."""

from __future__ import annotations

from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.plate import AcquisitionMeta, PlateMeta, WellGroupMeta
from iohub.metadata.scene import SceneMeta
from iohub.metadata.v06_image import Dataset, Multiscale
from iohub.models.arrays import ArraySpecV3 as ArraySpec
from iohub.models.groups import GroupSpec
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
from iohub.models.v06.coordinate_transforms import (
    Affine,
    AnyTransform,
    Axis,
    Bijection,
    ByDimension,
    ByDimensionTransform,
    Coordinates,
    CoordinateSystem,
    CoordinateSystemIdentifier,
    Displacements,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Transform,
    Translation,
)
from iohub.models.v06.groups import (
    HCS,
    BioFormats2Raw,
    Image,
    ImageLabel,
    Labels,
    Scene,
    Well,
)
from iohub.transforms.graph import TransformGraph
from iohub.transforms.graph_nodes import TransformGraphNode

__all__ = [
    "HCS",
    "AcquisitionMeta",
    "Affine",
    "AnyTransform",
    "ArraySpec",
    "Axis",
    "BaseSceneAttrs",
    "BaseZarrAttrs",
    "Bijection",
    "BioFormats2Raw",
    "BioFormats2RawAttrs",
    "ByDimension",
    "ByDimensionTransform",
    "CoordinateSystem",
    "CoordinateSystemIdentifier",
    "Coordinates",
    "Dataset",
    "Displacements",
    "GroupSpec",
    "HCSAttrs",
    "Identity",
    "Image",
    "ImageAttrs",
    "ImageLabel",
    "ImageLabelAttrs",
    "ImageLabelMeta",
    "Labels",
    "LabelsAttrs",
    "MapAxis",
    "Multiscale",
    "OMEROMeta",
    "PlateMeta",
    "ProjectAxis",
    "Rotation",
    "Scale",
    "Scene",
    "SceneMeta",
    "Sequence",
    "Transform",
    "TransformGraph",
    "TransformGraphNode",
    "Translation",
    "Well",
    "WellAttrs",
    "WellGroupMeta",
]
