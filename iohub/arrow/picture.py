"""A plane of a record as a picture: limits, colour, and a PNG for notebooks without Matplotlib."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from iohub.errors import FormatError, ShapeError
from iohub.formats.ome_arrow.records import WHITE, describe, native, stored

if TYPE_CHECKING:
    import pyarrow as pa

    from iohub.types import NDArray

Limits: TypeAlias = tuple[float, float]

_LONGEST = 512


def read_plane(record: pa.StructScalar, tcz: tuple[int, int, int]) -> NDArray:
    """Return a plane (Y, X) in the record's data type; no other one is decoded.

    Raises
    ------
    ShapeError
        If it is not within the image; a ValueError.
    FormatError
        If the record does not have it; a ValueError.
    """
    said = describe(record)
    for index, size, axis in zip(tcz, said.shape[:3], "tcz", strict=True):
        if not 0 <= index < size:
            raise ShapeError(f"{axis} = {index} is not within 0 and {size - 1}")
    found = stored(record, said.shape)
    if not found.present()[tcz]:
        t, c, z = tcz
        raise FormatError(f"the record has no plane at t={t}, c={c}, z={z}")
    return native(found.plane(*tcz), said.dtype)


def color_of(record: pa.StructScalar, channel: int) -> tuple[int, int, int] | None:
    """Return red, green and blue of a channel (0 to 255); None if white, which says nothing."""
    channels = describe(record).channels
    rgba = channels[channel].get("color_rgba") if channel < len(channels) else None
    if rgba is None or rgba | 0xFF == WHITE:
        return None
    return rgba >> 24 & 0xFF, rgba >> 16 & 0xFF, rgba >> 8 & 0xFF


def range_of(values: NDArray) -> Limits:
    """Return the least and the largest finite value; 0 and 1 if there is none."""
    finite = values if values.dtype.kind in "biu" else values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    return float(finite.min()), float(finite.max())


def real(values: NDArray) -> NDArray:
    """Return what can be shown of pixels: the size of complex numbers, 8 bits of booleans."""
    if values.dtype.kind == "c":
        return np.abs(values)
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def to_png(values: NDArray, color: tuple[int, int, int] | None, limits: Limits) -> bytes:
    """Return a plane (Y, X) as PNG of at most 512 pixels along each axis."""
    step = max(1, -(-max(values.shape) // _LONGEST))
    shown = real(values[::step, ::step]).astype(np.float32)
    low, high = limits
    scaled = np.clip((shown - low) / ((high - low) or 1.0), 0.0, 1.0)
    bright = np.nan_to_num(scaled)[..., None]
    pixels = (bright * np.array(color or (255, 255, 255), np.float32)).round().astype(np.uint8)
    height, width, _ = pixels.shape
    # Each line of a PNG begins with a byte that says how it is filtered: 0, not at all.
    lines = np.zeros((height, 1 + 3 * width), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), 6)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
