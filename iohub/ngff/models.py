"""Metadata documents; re-exports only."""

from __future__ import annotations

from iohub.metadata.axes import AxisMeta, ChannelAxisMeta, SpaceAxisMeta, TimeAxisMeta
from iohub.metadata.documents import TO_DICT_SETTINGS
from iohub.metadata.image import DatasetMeta, ImageMeta, ImagesMeta, MultiScaleMeta
from iohub.metadata.labels import ImageLabelMeta, LabelColorMeta, LabelsMeta
from iohub.metadata.omero import ChannelMeta, OMEROMeta, RDefsMeta, WindowDict
from iohub.metadata.plate import (
    AcquisitionMeta,
    FieldMeta,
    PlateAxisMeta,
    PlateMeta,
    WellGroupMeta,
    WellImageMeta,
    WellIndexMeta,
)
from iohub.metadata.transforms import TransformationMeta

__all__ = [
    "TO_DICT_SETTINGS",
    "AcquisitionMeta",
    "AxisMeta",
    "ChannelAxisMeta",
    "ChannelMeta",
    "DatasetMeta",
    "FieldMeta",
    "ImageLabelMeta",
    "ImageMeta",
    "ImagesMeta",
    "LabelColorMeta",
    "LabelsMeta",
    "MultiScaleMeta",
    "OMEROMeta",
    "PlateAxisMeta",
    "PlateMeta",
    "RDefsMeta",
    "SpaceAxisMeta",
    "TimeAxisMeta",
    "TransformationMeta",
    "WellGroupMeta",
    "WellImageMeta",
    "WellIndexMeta",
    "WindowDict",
]
