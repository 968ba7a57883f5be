"""Records made of arrays in memory: NumPy's, those of torch and of JAX."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from iohub.arrow.images import fitting_names
from iohub.errors import ArgumentError, AxisError, ShapeError
from iohub.formats.ome_arrow.casting import cast
from iohub.formats.ome_arrow.records import (
    MICROMETER,
    UNKNOWN,
    UNNAMED,
    Chunk,
    Description,
    build,
    channel,
    in_utc,
)
from iohub.types import NDArray

CLAMPED = "give clamp_to_uint16=False to keep them"
"""For the warning that pixels changed: how to keep them."""

_ORDERS = {2: "YX", 3: "ZYX", 4: "TCYX", 5: "TCZYX"}


def from_numpy(
    arr: NDArray,
    *,
    dim_order: str = "TCZYX",
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
    channel_names: Sequence[str] | None = None,
    acquisition_datetime: datetime | None = None,
    clamp_to_uint16: bool = True,
    chunk_shape: Chunk | None = (1, 512, 512),
    chunk_order: str = "ZYX",
    build_chunks: bool = True,
    physical_size_x: float = 1.0,
    physical_size_y: float = 1.0,
    physical_size_z: float = 1.0,
    physical_size_unit: str = MICROMETER,
    dtype_meta: str | None = None,
) -> pa.StructScalar:
    """Build a record from an array.

    The record shares the memory of an array of uint16 that is contiguous by T, C, Z, Y, X: copy
    the array if it is to be changed later. Chunks of less than whole planes are copies.

    Parameters
    ----------
    arr : ndarray
        The pixels.
    dim_order : str
        A letter for each axis, such as ``"CYX"``.
    image_id, name, image_type : str, optional
        What the image is called, and what kind of image it is.
    channel_names : sequence of str, optional
        One per channel; by default, and if they do not fit, C0, C1, …
    acquisition_datetime : datetime, optional
        By default now.
    clamp_to_uint16 : bool
        Whether pixels become uint16. Without it every data type is kept, as bytes unless it is
        uint8 or uint16.
    chunk_shape : tuple of int, optional
        Size of a chunk (Z, Y, X).
    chunk_order : {"ZYX"}
        Order of pixels in a chunk.
    build_chunks : bool
        Whether the record has chunks beside planes.
    physical_size_x, physical_size_y, physical_size_z : float
        Size of a pixel in `physical_size_unit`.
    physical_size_unit : str
        Of all three.
    dtype_meta : str, optional
        What the record says of the data type; by default what it is.

    Returns
    -------
    pyarrow.StructScalar
        The record.

    Raises
    ------
    ArgumentError, AxisError, ShapeError
        If an argument is wrong or does not fit the array; all are ValueErrors, and an array that
        is none is a TypeError.
    """
    if not isinstance(arr, np.ndarray):
        raise ArgumentError(f"from_numpy makes records of NumPy arrays, not of {type(arr)}")
    values = _ordered(arr, dim_order)
    if clamp_to_uint16:
        values = cast(values, np.dtype(np.uint16), clamp=True, why=CLAMPED)
    chunk = checked_chunk(chunk_shape, chunk_order, build_chunks)
    count = values.shape[1]
    names = fitting_names(channel_names, count)
    t, c, z, y, x = values.shape
    said = Description(
        (t, c, z, y, x),
        dtype_meta or values.dtype.name,
        UNNAMED if image_id is None else image_id,
        UNKNOWN if name is None else name,
        image_type,
        in_utc(acquisition_datetime),
        (physical_size_x, physical_size_y, physical_size_z),
        (physical_size_unit,) * 3,
        tuple(channel(i, names[i] if names else None) for i in range(count)),
        chunk,
        order="XYZCT" if "Z" in dim_order.upper() else "XYCT",
    )
    return build(said, values)


def from_torch_array(
    arr: Any,
    *,
    dim_order: str | None = None,
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
    channel_names: Sequence[str] | None = None,
    acquisition_datetime: datetime | None = None,
    clamp_to_uint16: bool = True,
    chunk_shape: Chunk | None = (1, 512, 512),
    chunk_order: str = "ZYX",
    build_chunks: bool = True,
    physical_size_x: float = 1.0,
    physical_size_y: float = 1.0,
    physical_size_z: float = 1.0,
    physical_size_unit: str = MICROMETER,
    dtype_meta: str | None = None,
) -> pa.StructScalar:
    """Build a record from a torch tensor; see :func:`from_numpy`.

    Without `dim_order` axes are YX, ZYX, TCYX or TCZYX.
    """
    if not _is_of(arr, "torch"):
        raise ArgumentError(f"from_torch_array makes records of torch tensors, not of {type(arr)}")
    return from_numpy(
        arr.detach().cpu().numpy(),
        dim_order=dim_order or default_order(arr.ndim),
        image_id=image_id,
        name=name,
        image_type=image_type,
        channel_names=channel_names,
        acquisition_datetime=acquisition_datetime,
        clamp_to_uint16=clamp_to_uint16,
        chunk_shape=chunk_shape,
        chunk_order=chunk_order,
        build_chunks=build_chunks,
        physical_size_x=physical_size_x,
        physical_size_y=physical_size_y,
        physical_size_z=physical_size_z,
        physical_size_unit=physical_size_unit,
        dtype_meta=dtype_meta,
    )


def from_jax_array(
    arr: Any,
    *,
    dim_order: str | None = None,
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
    channel_names: Sequence[str] | None = None,
    acquisition_datetime: datetime | None = None,
    clamp_to_uint16: bool = True,
    chunk_shape: Chunk | None = (1, 512, 512),
    chunk_order: str = "ZYX",
    build_chunks: bool = True,
    physical_size_x: float = 1.0,
    physical_size_y: float = 1.0,
    physical_size_z: float = 1.0,
    physical_size_unit: str = MICROMETER,
    dtype_meta: str | None = None,
) -> pa.StructScalar:
    """Build a record from a JAX array; see :func:`from_numpy`.

    Without `dim_order` axes are YX, ZYX, TCYX or TCZYX.
    """
    if not _is_of(arr, "jax", "jaxlib"):
        raise ArgumentError(f"from_jax_array makes records of JAX arrays, not of {type(arr)}")
    return from_numpy(
        np.asarray(arr),
        dim_order=dim_order or default_order(arr.ndim),
        image_id=image_id,
        name=name,
        image_type=image_type,
        channel_names=channel_names,
        acquisition_datetime=acquisition_datetime,
        clamp_to_uint16=clamp_to_uint16,
        chunk_shape=chunk_shape,
        chunk_order=chunk_order,
        build_chunks=build_chunks,
        physical_size_x=physical_size_x,
        physical_size_y=physical_size_y,
        physical_size_z=physical_size_z,
        physical_size_unit=physical_size_unit,
        dtype_meta=dtype_meta,
    )


def from_any_array(data: Any, order: str | None) -> pa.StructScalar:
    """Build a record from an array of NumPy, torch or JAX, with their defaults."""
    if _is_of(data, "torch"):
        return from_torch_array(data, dim_order=order)
    if _is_of(data, "jax", "jaxlib"):
        return from_jax_array(data, dim_order=order)
    return from_numpy(data, dim_order=order or "TCZYX")


def default_order(ndim: int) -> str:
    """Return the axes of an array of which only the number is known."""
    if ndim not in _ORDERS:
        raise ShapeError(f"an array of {ndim} dimensions is no image: give 2 to 5, or dim_order")
    return _ORDERS[ndim]


def _is_of(value: Any, *packages: str) -> bool:
    return type(value).__module__.partition(".")[0] in packages


def _ordered(arr: NDArray, order: str) -> NDArray:
    """Return an array as (T, C, Z, Y, X)."""
    axes = order.upper()
    if len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes) <= set("TCZYX"):
        raise AxisError(f"dim_order is of T, C, Z, Y and X, with Y and X, not {order!r}")
    if len(axes) != arr.ndim:
        raise ShapeError(f"dim_order {order!r} has not the {arr.ndim} dimensions of the array")
    if 0 in arr.shape:
        raise ShapeError(f"an image of shape {arr.shape} has no pixels")
    if arr.dtype.kind not in "biufc":
        raise ArgumentError(f"pixels of type {arr.dtype} are no numbers")
    missing = tuple(axis for axis, letter in enumerate("TCZYX") if letter not in axes)
    kept = [axes.index(letter) for letter in "TCZYX" if letter in axes]
    return np.expand_dims(arr.transpose(kept), missing)


def checked_chunk(shape: Sequence[int] | None, order: str, wanted: bool) -> Chunk | None:
    """Return the size of chunks; None if there are to be none."""
    if order != "ZYX":
        raise ArgumentError(f"chunk_order is 'ZYX', not {order!r}")
    if shape is None:
        return (1, 512, 512) if wanted else None
    if len(shape) != 3 or min(shape) < 1:
        raise ShapeError(f"chunk_shape is three sizes of 1 or more (Z, Y, X), not {shape!r}")
    depth, height, width = shape
    return (depth, height, width) if wanted else None
