"""Coordinate systems and transformations of OME-Zarr 0.6, under the names that users expect."""

from __future__ import annotations

from iohub.metadata.axes import AxisMeta as Axis
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.coordinate_systems import SystemReference as CoordinateSystemIdentifier
from iohub.metadata.transform_types import (
    Affine,
    AnyTransform,
    Bijection,
    ByDimension,
    Coordinates,
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
from iohub.metadata.transform_types import AxesTransform as ByDimensionTransform

__all__ = [
    "Affine",
    "AnyTransform",
    "Axis",
    "Bijection",
    "ByDimension",
    "ByDimensionTransform",
    "CoordinateSystem",
    "CoordinateSystemIdentifier",
    "Coordinates",
    "Displacements",
    "Identity",
    "MapAxis",
    "ProjectAxis",
    "Rotation",
    "Scale",
    "Sequence",
    "Transform",
    "Translation",
]
