"""The types of an OME-Arrow record, as its files have them; no code."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

OME_ARROW_TAG_TYPE: Final = "ome.arrow"
"""What a record and a file say that they are."""

OME_ARROW_TAG_VERSION: Final = "0.1.0"
"""Version of the record's form."""

_CHANNEL = pa.struct(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("emission_um", pa.float32()),
        ("excitation_um", pa.float32()),
        ("illumination", pa.string()),
        ("color_rgba", pa.uint32()),
    ]
)

_PIXELS_META = pa.struct(
    [
        ("dimension_order", pa.string()),
        ("type", pa.string()),
        ("size_x", pa.int32()),
        ("size_y", pa.int32()),
        ("size_z", pa.int32()),
        ("size_c", pa.int16()),
        ("size_t", pa.int32()),
        ("physical_size_x", pa.float32()),
        ("physical_size_y", pa.float32()),
        ("physical_size_z", pa.float32()),
        ("physical_size_x_unit", pa.string()),
        ("physical_size_y_unit", pa.string()),
        ("physical_size_z_unit", pa.string()),
        ("channels", pa.list_(_CHANNEL)),
    ]
)

_CHUNK_GRID = pa.struct(
    [
        ("order", pa.string()),
        ("chunk_t", pa.int32()),
        ("chunk_c", pa.int16()),
        ("chunk_z", pa.int32()),
        ("chunk_y", pa.int32()),
        ("chunk_x", pa.int32()),
        ("chunk_order", pa.string()),
    ]
)

_CHUNK_PLACE = [
    ("t", pa.int32()),
    ("c", pa.int16()),
    ("z", pa.int32()),
    ("y", pa.int32()),
    ("x", pa.int32()),
    ("shape_z", pa.int32()),
    ("shape_y", pa.int32()),
    ("shape_x", pa.int32()),
]

_BYTE_CHUNK = [
    *_CHUNK_PLACE,
    ("dtype", pa.string()),
    ("compression", pa.string()),
    ("pixel_bytes", pa.large_binary()),
]

_PLANE = pa.struct(
    [
        ("z", pa.int32()),
        ("t", pa.int32()),
        ("c", pa.int16()),
        ("pixels", pa.list_(pa.uint16())),
    ]
)


def _record(chunk: pa.DataType) -> pa.StructType:
    return pa.struct(
        [
            ("type", pa.string()),
            ("version", pa.string()),
            ("id", pa.string()),
            ("name", pa.string()),
            ("image_type", pa.string()),
            ("acquisition_datetime", pa.timestamp("us")),
            ("pixels_meta", _PIXELS_META),
            ("chunk_grid", _CHUNK_GRID),
            ("chunks", pa.list_(chunk)),
            ("planes", pa.list_(_PLANE)),
            ("masks", pa.null()),
        ]
    )


OME_ARROW_STRUCT: Final[pa.StructType] = _record(
    pa.struct([*_CHUNK_PLACE, ("pixels", pa.list_(pa.uint16()))])
)
"""A record whose pixels are lists of numbers: 8 or 16 bits without sign."""

OME_ARROW_BYTE_STRUCT: Final[pa.StructType] = _record(pa.struct(_BYTE_CHUNK))
"""A record whose pixels are the bytes of chunks: any data type."""

OME_ARROW_KNOWN_STRUCTS: Final = (OME_ARROW_STRUCT, OME_ARROW_BYTE_STRUCT)
"""Both forms."""
