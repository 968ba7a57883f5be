"""OME-Arrow: an image as one Arrow value, in memory and in Parquet, without an object per pixel.

The names of the public ``ome_arrow`` package work here with the import line changed. Needs pyarrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from iohub.optional import need

if TYPE_CHECKING:
    from iohub.arrow.describing import describe_ome_arrow, verify_ome_arrow
    from iohub.arrow.export import to_numpy, to_ome_parquet, to_ome_tiff, to_ome_zarr
    from iohub.arrow.image import OMEArrow
    from iohub.arrow.ingest import (
        from_jax_array,
        from_numpy,
        from_ome_parquet,
        from_ome_zarr,
        from_tiff,
        from_torch_array,
        to_ome_arrow,
    )
    from iohub.arrow.meta import (
        OME_ARROW_BYTE_STRUCT,
        OME_ARROW_STRUCT,
        OME_ARROW_TAG_TYPE,
        OME_ARROW_TAG_VERSION,
    )

# Every module of this room needs it; said here, with the extra that brings it.
need("pyarrow", extra="arrow", why="OME-Arrow")

__all__ = [
    "OME_ARROW_BYTE_STRUCT",
    "OME_ARROW_STRUCT",
    "OME_ARROW_TAG_TYPE",
    "OME_ARROW_TAG_VERSION",
    "OMEArrow",
    "describe_ome_arrow",
    "from_jax_array",
    "from_numpy",
    "from_ome_parquet",
    "from_ome_zarr",
    "from_tiff",
    "from_torch_array",
    "to_numpy",
    "to_ome_arrow",
    "to_ome_parquet",
    "to_ome_tiff",
    "to_ome_zarr",
    "verify_ome_arrow",
]

_ROOMS = {
    "OMEArrow": "image",
    "describe_ome_arrow": "describing",
    "to_ome_arrow": "ingest",
    "verify_ome_arrow": "describing",
}


def __getattr__(name: str) -> object:
    """Import what a public name stands for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    word = name.partition("_")[0]
    room = _ROOMS.get(name) or {"OME": "meta", "from": "ingest", "to": "export"}[word]
    value = getattr(importlib.import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
