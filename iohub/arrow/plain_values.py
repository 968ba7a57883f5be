"""Records as plain Python values, whose pixels NumPy makes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def plain_record(record: pa.StructScalar) -> dict[str, Any]:
    """Return a record as Python values, whose pixels NumPy makes."""
    made: dict[str, Any] = {}
    for name in record.type.names:
        value = record[name]
        if name not in ("planes", "chunks") or not value.is_valid:
            made[name] = value.as_py()
            continue
        parts = value.values
        names = [each for each in parts.type.names if each != "pixels"]
        rows = [
            dict(zip(names, row, strict=True))
            for row in zip(*(parts.field(each).to_pylist() for each in names), strict=True)
        ]
        if "pixels" in parts.type.names:
            pixels = parts.field("pixels")
            offsets, values = pixels.offsets.to_numpy(), pixels.values.to_numpy()
            for index, row in enumerate(rows):
                row["pixels"] = values[offsets[index] : offsets[index + 1]].tolist()
        made[name] = rows
    return made
