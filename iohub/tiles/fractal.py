"""Tasks of the Fractal platform under the import path of the public package."""

from __future__ import annotations

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
    RunnerType,
    SequentialRunner,
    ThreadedRunner,
    exec_compound_task,
    generic_compute_task,
    setup_images_for_conversion,
)

__all__ = [
    "AcquisitionOptions",
    "ConvertParallelInitArgs",
    "ImageListUpdateDict",
    "MultiprocessingRunner",
    "PixelSizeModel",
    "RunnerType",
    "SequentialRunner",
    "ThreadedRunner",
    "cleanup_if_exists",
    "converters_tools_models",
    "dump_json_str",
    "dump_to_json",
    "exec_compound_task",
    "generic_compute_task",
    "remove_json",
    "setup_images_for_conversion",
    "tiled_image_from_json",
    "tiled_image_from_json_str",
]
