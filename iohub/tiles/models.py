"""Models of options, places and loaders under the import path of the public package."""

from __future__ import annotations

from iohub.tiles.acquisition import (
    AcquisitionDetails,
    DataTypeEnum,
    StageOrientation,
)
from iohub.tiles.axes import (
    default_axes_builder,
)
from iohub.tiles.channels import (
    ChannelInfo,
    DefaultColors,
)
from iohub.tiles.chunking import (
    ChunkingStrategy,
    ChunkMultipleSharding,
    FixedSizeChunking,
    FovBasedChunking,
    NamedLevels,
    NoSharding,
    NumberOfLevels,
    PyramidLevels,
    Scalings,
    ShardingStrategy,
)
from iohub.tiles.collections import (
    CollectionInterface,
    CollectionInterfaceType,
    ImageInPlate,
    SingleImage,
)
from iohub.tiles.file_loaders import (
    DefaultImageLoader,
)
from iohub.tiles.loader_interface import (
    ImageLoaderInterface,
    ImageLoaderInterfaceType,
)
from iohub.tiles.loaders import (
    ArrayImageLoader,
    CallableImageLoader,
)
from iohub.tiles.options import (
    AlignmentCorrections,
    BackendType,
    ConverterOptions,
    DefaultNgffVersion,
    NgffVersions,
    OmeZarrOptions,
    OverwriteMode,
    StagePositionCorrections,
    TilingMode,
    WriterMode,
)
from iohub.tiles.regions import (
    PixelSize,
    Roi,
    RoiSlice,
)
from iohub.tiles.runtime import (
    DaskScheduler,
    DefaultScheduler,
    ProcessScheduler,
    RuntimeSettings,
    SynchronousScheduler,
    TempJsonOptions,
    ThreadScheduler,
)
from iohub.tiles.tiling import (
    AutoTiling,
    Grouping,
    InplaceTiling,
    MosaicGrouping,
    PerFovGrouping,
    SnapToCornersTiling,
    SnapToGridTiling,
    TilingStrategy,
)
from iohub.tiles.urls import (
    UrlType,
    basename_url,
    filesystem_for_url,
    find_url_type,
    glob_url_paths,
    is_absolute_url,
    join_url_paths,
    local_url_to_path,
    parent_url,
)

__all__ = [
    "AcquisitionDetails",
    "AlignmentCorrections",
    "ArrayImageLoader",
    "AutoTiling",
    "BackendType",
    "CallableImageLoader",
    "ChannelInfo",
    "ChunkMultipleSharding",
    "ChunkingStrategy",
    "CollectionInterface",
    "CollectionInterfaceType",
    "ConverterOptions",
    "DaskScheduler",
    "DataTypeEnum",
    "DefaultColors",
    "DefaultImageLoader",
    "DefaultNgffVersion",
    "DefaultScheduler",
    "FixedSizeChunking",
    "FovBasedChunking",
    "Grouping",
    "ImageInPlate",
    "ImageLoaderInterface",
    "ImageLoaderInterfaceType",
    "InplaceTiling",
    "MosaicGrouping",
    "NamedLevels",
    "NgffVersions",
    "NoSharding",
    "NumberOfLevels",
    "OmeZarrOptions",
    "OverwriteMode",
    "PerFovGrouping",
    "PixelSize",
    "ProcessScheduler",
    "PyramidLevels",
    "Roi",
    "RoiSlice",
    "RuntimeSettings",
    "Scalings",
    "ShardingStrategy",
    "SingleImage",
    "SnapToCornersTiling",
    "SnapToGridTiling",
    "StageOrientation",
    "StagePositionCorrections",
    "SynchronousScheduler",
    "TempJsonOptions",
    "ThreadScheduler",
    "TilingMode",
    "TilingStrategy",
    "UrlType",
    "WriterMode",
    "basename_url",
    "default_axes_builder",
    "filesystem_for_url",
    "find_url_type",
    "glob_url_paths",
    "is_absolute_url",
    "join_url_paths",
    "local_url_to_path",
    "parent_url",
]
