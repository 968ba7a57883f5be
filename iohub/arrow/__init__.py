"""OME-Arrow: an image as one Arrow value, in memory and in files, without an object per pixel.

The names of the public ``ome_arrow`` package work here with the import line changed. Needs pyarrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from iohub.optional import need

if TYPE_CHECKING:
    from iohub.arrow.describing import describe_ome_arrow, verify_ome_arrow
    from iohub.arrow.export import (
        plane_from_chunks,
        to_numpy,
        to_ome_dataset,
        to_ome_parquet,
        to_ome_tiff,
        to_ome_vortex,
        to_ome_zarr,
    )
    from iohub.arrow.image import OMEArrow
    from iohub.arrow.ingest import (
        from_jax_array,
        from_numpy,
        from_ome_parquet,
        from_ome_vortex,
        from_ome_zarr,
        from_stack_pattern_path,
        from_tiff,
        from_torch_array,
        open_lazy_plane_source,
        to_ome_arrow,
    )
    from iohub.arrow.meta import (
        OME_ARROW_BYTE_STRUCT,
        OME_ARROW_STRUCT,
        OME_ARROW_TAG_TYPE,
        OME_ARROW_TAG_VERSION,
    )
    from iohub.arrow.tensor import LazyTensorView, TensorView
    from iohub.arrow.transform import slice_ome_arrow
    from iohub.arrow.view import view_matplotlib, view_pyvista

# Every module of this room needs it; said here, with the extra that brings it.
need("pyarrow", extra="arrow", why="OME-Arrow")

__all__ = [
    "OME_ARROW_BYTE_STRUCT",
    "OME_ARROW_STRUCT",
    "OME_ARROW_TAG_TYPE",
    "OME_ARROW_TAG_VERSION",
    "LazyTensorView",
    "OMEArrow",
    "TensorView",
    "describe_ome_arrow",
    "from_jax_array",
    "from_numpy",
    "from_ome_parquet",
    "from_ome_vortex",
    "from_ome_zarr",
    "from_stack_pattern_path",
    "from_tiff",
    "from_torch_array",
    "open_lazy_plane_source",
    "plane_from_chunks",
    "slice_ome_arrow",
    "to_numpy",
    "to_ome_arrow",
    "to_ome_dataset",
    "to_ome_parquet",
    "to_ome_tiff",
    "to_ome_vortex",
    "to_ome_zarr",
    "verify_ome_arrow",
    "view_matplotlib",
    "view_pyvista",
]

# Where names are that do not begin with that of their module's verb.
_ROOMS = {
    "LazyTensorView": "tensor",
    "OMEArrow": "image",
    "TensorView": "tensor",
    "describe_ome_arrow": "describing",
    "open_lazy_plane_source": "ingest",
    "plane_from_chunks": "export",
    "slice_ome_arrow": "transform",
    "to_ome_arrow": "ingest",
    "verify_ome_arrow": "describing",
}
_VERBS = {"OME": "meta", "from": "ingest", "to": "export", "view": "view"}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = _ROOMS.get(name) or _VERBS[name.partition("_")[0]]
    value = getattr(importlib.import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
