"""Tiles on a stage grid become images and plates: planned, then written in one pass.

The names of the public page on tiles work here with the import line changed, also those that later
releases gave to the same things. Nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iohub.tiles.acquisition import (
        AcquisitionDetails,
        DataTypeEnum,
        StageOrientation,
    )
    from iohub.tiles.aggregation import (
        tiled_image_from_tiles,
        tiles_aggregation_pipeline,
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
    from iohub.tiles.collection_setup import (
        add_collection_handler,
        setup_ome_zarr_collection,
        setup_singleimage,
    )
    from iohub.tiles.collections import (
        CollectionInterface,
        CollectionInterfaceType,
        ImageInPlate,
        SingleImage,
    )
    from iohub.tiles.creation import (
        tiled_image_creation_pipeline,
        write_tiled_image_as_zarr,
    )
    from iohub.tiles.dataframe import (
        hcs_images_from_dataframe,
        single_images_from_dataframe,
    )
    from iohub.tiles.dummy_tiles import (
        StartPosition,
        TileShape,
        build_dummy_tile,
    )
    from iohub.tiles.file_loaders import (
        DefaultImageLoader,
    )
    from iohub.tiles.filter_models import (
        AcquisitionFilter,
        AttributeFilter,
        ChannelFilter,
        FilterModel,
        FovNameFilter,
        ImplementedFilters,
        RegexExcludeFilter,
        RegexFilter,
        RegexIncludeFilter,
        TRangeFilter,
        WellExcludeFilter,
        WellFilter,
        WellIncludeFilter,
        ZRangeFilter,
    )
    from iohub.tiles.filters import (
        add_filter,
        apply_filter_pipeline,
    )
    from iohub.tiles.fractal_json import (
        cleanup_if_exists,
        dump_json_str,
        dump_to_json,
        remove_json,
        tiled_image_from_json,
        tiled_image_from_json_str,
    )
    from iohub.tiles.fractal_models import (
        AcquisitionOptions,
        ConvertParallelInitArgs,
        ImageListUpdateDict,
        PixelSizeModel,
        converters_tools_models,
    )
    from iohub.tiles.fractal_tasks import (
        MultiprocessingRunner,
        SequentialRunner,
        ThreadedRunner,
        exec_compound_task,
        generic_compute_task,
        setup_images_for_conversion,
    )
    from iohub.tiles.loader_interface import (
        ImageLoaderInterface,
        ImageLoaderInterfaceType,
    )
    from iohub.tiles.loaders import (
        ArrayImageLoader,
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
    from iohub.tiles.registration import (
        RegistrationStep,
        add_registration_func,
        apply_registration_pipeline,
        build_default_registration_pipeline,
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
    from iohub.tiles.tile import (
        AttributeType,
        Tile,
    )
    from iohub.tiles.tile_groups import (
        TileFOVGroup,
        TileSlice,
    )
    from iohub.tiles.tiled_image import (
        TiledImage,
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
    from iohub.tiles.validators import (
        ImplementedValidators,
        ShapeDtypeProbeValidator,
        ValidatorModel,
        ValidatorStep,
        add_validator,
        apply_validator_pipeline,
    )

__all__ = [
    "AcquisitionDetails",
    "AcquisitionFilter",
    "AcquisitionOptions",
    "AlignmentCorrections",
    "ArrayImageLoader",
    "AttributeFilter",
    "AttributeType",
    "AutoTiling",
    "BackendType",
    "ChannelFilter",
    "ChannelInfo",
    "ChunkMultipleSharding",
    "ChunkingStrategy",
    "CollectionInterface",
    "CollectionInterfaceType",
    "ConvertParallelInitArgs",
    "ConverterOptions",
    "DaskScheduler",
    "DataTypeEnum",
    "DefaultColors",
    "DefaultImageLoader",
    "DefaultNgffVersion",
    "DefaultScheduler",
    "FilterModel",
    "FixedSizeChunking",
    "FovBasedChunking",
    "FovNameFilter",
    "Grouping",
    "ImageInPlate",
    "ImageListUpdateDict",
    "ImageLoaderInterface",
    "ImageLoaderInterfaceType",
    "ImplementedFilters",
    "ImplementedValidators",
    "InplaceTiling",
    "MosaicGrouping",
    "MultiprocessingRunner",
    "NamedLevels",
    "NgffVersions",
    "NoSharding",
    "NumberOfLevels",
    "OmeZarrOptions",
    "OverwriteMode",
    "PerFovGrouping",
    "PixelSize",
    "PixelSizeModel",
    "ProcessScheduler",
    "PyramidLevels",
    "RegexExcludeFilter",
    "RegexFilter",
    "RegexIncludeFilter",
    "RegistrationStep",
    "Roi",
    "RoiSlice",
    "RuntimeSettings",
    "Scalings",
    "SequentialRunner",
    "ShapeDtypeProbeValidator",
    "ShardingStrategy",
    "SingleImage",
    "SnapToCornersTiling",
    "SnapToGridTiling",
    "StageOrientation",
    "StagePositionCorrections",
    "StartPosition",
    "SynchronousScheduler",
    "TRangeFilter",
    "TempJsonOptions",
    "ThreadScheduler",
    "ThreadedRunner",
    "Tile",
    "TileFOVGroup",
    "TileShape",
    "TileSlice",
    "TiledImage",
    "TilingMode",
    "TilingStrategy",
    "UrlType",
    "ValidatorModel",
    "ValidatorStep",
    "WellExcludeFilter",
    "WellFilter",
    "WellIncludeFilter",
    "WriterMode",
    "ZRangeFilter",
    "add_collection_handler",
    "add_filter",
    "add_registration_func",
    "add_validator",
    "apply_filter_pipeline",
    "apply_registration_pipeline",
    "apply_validator_pipeline",
    "basename_url",
    "build_default_registration_pipeline",
    "build_dummy_tile",
    "cleanup_if_exists",
    "converters_tools_models",
    "default_axes_builder",
    "dump_json_str",
    "dump_to_json",
    "exec_compound_task",
    "filesystem_for_url",
    "find_url_type",
    "generic_compute_task",
    "glob_url_paths",
    "hcs_images_from_dataframe",
    "is_absolute_url",
    "join_url_paths",
    "local_url_to_path",
    "parent_url",
    "remove_json",
    "setup_images_for_conversion",
    "setup_ome_zarr_collection",
    "setup_singleimage",
    "single_images_from_dataframe",
    "tiled_image_creation_pipeline",
    "tiled_image_from_json",
    "tiled_image_from_json_str",
    "tiled_image_from_tiles",
    "tiles_aggregation_pipeline",
    "write_tiled_image_as_zarr",
]

# Rooms and the public names in them.
_ROOMS = {
    "acquisition": "AcquisitionDetails DataTypeEnum StageOrientation",
    "aggregation": "tiled_image_from_tiles tiles_aggregation_pipeline",
    "axes": "default_axes_builder",
    "channels": "ChannelInfo DefaultColors",
    "chunking": (
        "ChunkMultipleSharding ChunkingStrategy FixedSizeChunking FovBasedChunking "
        "NamedLevels NoSharding NumberOfLevels PyramidLevels Scalings ShardingStrategy"
    ),
    "collection_setup": "add_collection_handler setup_ome_zarr_collection setup_singleimage",
    "collections": "CollectionInterface CollectionInterfaceType ImageInPlate SingleImage",
    "creation": "tiled_image_creation_pipeline write_tiled_image_as_zarr",
    "dataframe": "hcs_images_from_dataframe single_images_from_dataframe",
    "dummy_tiles": "StartPosition TileShape build_dummy_tile",
    "file_loaders": "DefaultImageLoader",
    "filter_models": (
        "AcquisitionFilter AttributeFilter ChannelFilter FilterModel "
        "FovNameFilter ImplementedFilters RegexExcludeFilter RegexFilter "
        "RegexIncludeFilter TRangeFilter WellExcludeFilter WellFilter WellIncludeFilter "
        "ZRangeFilter"
    ),
    "filters": "add_filter apply_filter_pipeline",
    "fractal_json": (
        "cleanup_if_exists dump_json_str dump_to_json remove_json tiled_image_from_json "
        "tiled_image_from_json_str"
    ),
    "fractal_models": (
        "AcquisitionOptions ConvertParallelInitArgs ImageListUpdateDict PixelSizeModel "
        "converters_tools_models"
    ),
    "fractal_tasks": (
        "MultiprocessingRunner SequentialRunner ThreadedRunner "
        "exec_compound_task generic_compute_task setup_images_for_conversion"
    ),
    "loader_interface": "ImageLoaderInterface ImageLoaderInterfaceType",
    "loaders": "ArrayImageLoader",
    "options": (
        "AlignmentCorrections BackendType ConverterOptions DefaultNgffVersion "
        "NgffVersions OmeZarrOptions OverwriteMode StagePositionCorrections TilingMode "
        "WriterMode"
    ),
    "regions": "PixelSize Roi RoiSlice",
    "registration": (
        "RegistrationStep add_registration_func apply_registration_pipeline "
        "build_default_registration_pipeline"
    ),
    "runtime": (
        "DaskScheduler DefaultScheduler ProcessScheduler RuntimeSettings "
        "SynchronousScheduler TempJsonOptions ThreadScheduler"
    ),
    "tile": "AttributeType Tile",
    "tile_groups": "TileFOVGroup TileSlice",
    "tiled_image": "TiledImage",
    "tiling": (
        "AutoTiling Grouping InplaceTiling MosaicGrouping PerFovGrouping "
        "SnapToCornersTiling SnapToGridTiling TilingStrategy"
    ),
    "urls": (
        "UrlType basename_url filesystem_for_url find_url_type glob_url_paths "
        "is_absolute_url join_url_paths local_url_to_path parent_url"
    ),
    "validators": (
        "ImplementedValidators ShapeDtypeProbeValidator ValidatorModel ValidatorStep "
        "add_validator apply_validator_pipeline"
    ),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
