"""From tiles to images on disk, step by step, under the import path of the public package."""

from __future__ import annotations

from iohub.tiles.aggregation import (
    tiles_aggregation_pipeline,
)
from iohub.tiles.collection_setup import (
    add_collection_handler,
    setup_ome_zarr_collection,
    setup_plates,
    setup_singleimage,
)
from iohub.tiles.creation import (
    tiled_image_creation_pipeline,
    write_tiled_image_as_zarr,
)
from iohub.tiles.filter_models import (
    AcquisitionFilter,
    AttributeFilter,
    AttributeValue,
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
from iohub.tiles.registration import (
    RegistrationStep,
    add_registration_func,
    apply_registration_pipeline,
    build_default_registration_pipeline,
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
    "AcquisitionFilter",
    "AttributeFilter",
    "AttributeValue",
    "ChannelFilter",
    "FilterModel",
    "FovNameFilter",
    "ImplementedFilters",
    "ImplementedValidators",
    "RegexExcludeFilter",
    "RegexFilter",
    "RegexIncludeFilter",
    "RegistrationStep",
    "ShapeDtypeProbeValidator",
    "TRangeFilter",
    "ValidatorModel",
    "ValidatorStep",
    "WellExcludeFilter",
    "WellFilter",
    "WellIncludeFilter",
    "ZRangeFilter",
    "add_collection_handler",
    "add_filter",
    "add_registration_func",
    "add_validator",
    "apply_filter_pipeline",
    "apply_registration_pipeline",
    "apply_validator_pipeline",
    "build_default_registration_pipeline",
    "setup_ome_zarr_collection",
    "setup_plates",
    "setup_singleimage",
    "tiled_image_creation_pipeline",
    "tiles_aggregation_pipeline",
    "write_tiled_image_as_zarr",
]
