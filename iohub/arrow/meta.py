"""The names of the page's `meta`: the types of an OME-Arrow record; no code."""

from __future__ import annotations

from iohub.formats.ome_arrow.schema import (
    OME_ARROW_BYTE_STRUCT,
    OME_ARROW_STRUCT,
    OME_ARROW_TAG_TYPE,
    OME_ARROW_TAG_VERSION,
)

__all__ = [
    "OME_ARROW_BYTE_STRUCT",
    "OME_ARROW_STRUCT",
    "OME_ARROW_TAG_TYPE",
    "OME_ARROW_TAG_VERSION",
]
