"""What people are told of a record, and whether a value is one; pixels are not read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from iohub.formats.ome_arrow.records import as_record, describe


def describe_ome_arrow(data: pa.StructScalar | dict[str, Any]) -> dict[str, Any]:
    """Describe the structure of a record.

    Parameters
    ----------
    data : pyarrow.StructScalar or dict
        The record.

    Returns
    -------
    dict
        ``shape`` (T, C, Z, Y, X), ``type`` (an image, a stack, a movie or a movie of stacks),
        ``channels`` (how many), ``is_multichannel``, and ``summary`` for people.

    Raises
    ------
    MissingNodeError
        If it has no ``pixels_meta``; a KeyError.
    """
    if isinstance(data, dict):
        # Pixels are left out before Arrow would look at each of them.
        data = {key: value for key, value in data.items() if key not in ("planes", "chunks")}
    return describe_shape(describe(as_record(data)).shape)


def describe_shape(shape: tuple[int, int, int, int, int]) -> dict[str, Any]:
    """Describe an image of a shape (T, C, Z, Y, X); see :func:`describe_ome_arrow`."""
    t, c, z, y, x = shape
    kinds = {
        (False, False): "2D image",
        (False, True): "3D image (z-stack)",
        (True, False): "movie / timelapse",
        (True, True): "4D timelapse-volume",
    }
    kind = kinds[t > 1, z > 1]
    channels = f"multi-channel ({c} channels)" if c > 1 else "single-channel"
    return {
        "shape": shape,
        "type": kind,
        "channels": c,
        "is_multichannel": c > 1,
        "summary": f"{kind}, {channels} - shape (T={t}, C={c}, Z={z}, Y={y}, X={x})",
    }


def verify_ome_arrow(data: Any, struct: pa.StructType) -> bool:
    """Whether a value can become one of a type.

    Parameters
    ----------
    data : any
        A mapping, or a record.
    struct : pyarrow.StructType
        Such as ``OME_ARROW_STRUCT``.
    """
    if isinstance(data, pa.StructScalar):
        try:
            data.cast(struct)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            return False
        return True
    try:
        pa.scalar(data, type=struct)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError):
        return False
    return True
