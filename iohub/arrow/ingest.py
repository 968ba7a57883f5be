"""Records made of arrays, and of the images in files: the functions of the page.

Their default clamps pixels to uint16, as on the page; they warn when that changes a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from iohub.arrow import images
from iohub.arrow.arrays import (
    CLAMPED,
    checked_chunk,
    from_jax_array,
    from_numpy,
    from_torch_array,
)
from iohub.arrow.stacks import from_stack_pattern_path
from iohub.errors import ArgumentError, ShapeError
from iohub.formats.ome_arrow import parquet, vortex
from iohub.formats.ome_arrow.casting import cast
from iohub.formats.ome_arrow.records import (
    MICROMETER,
    Chunk,
    Description,
    as_array,
    as_record,
    build,
    channel,
    describe,
    in_utc,
    native,
    stored,
)
from iohub.formats.ome_arrow.schema import OME_ARROW_TAG_TYPE, OME_ARROW_TAG_VERSION
from iohub.types import NDArray

__all__ = [
    "from_jax_array",
    "from_numpy",
    "from_ome_parquet",
    "from_ome_vortex",
    "from_ome_zarr",
    "from_stack_pattern_path",
    "from_tiff",
    "from_torch_array",
    "open_lazy_plane_source",
    "to_ome_arrow",
]

_IMAGES = (".tif", ".tiff", ".tf8", ".btf", ".zarr", ".ozx")


def from_ome_parquet(
    parquet_path: str | Path,
    *,
    column_name: str | None = "ome_arrow",
    row_index: int = 0,
    strict_schema: bool = False,
    return_array: bool = False,
) -> pa.StructScalar | tuple[pa.StructScalar, pa.StructArray]:
    """Read a record from a Parquet file; only its column in its row group is read.

    Parameters
    ----------
    parquet_path : path-like
        The file.
    column_name : str, optional
        Name of the column; if there is no such one, that which holds records.
    row_index : int
        Number of the row.
    strict_schema : bool
        Whether only the exact types of a record are accepted; others are converted else.
    return_array : bool
        Whether to return an array of one row too.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError, LayoutError, ShapeError
        If it is damaged, has no column of records, or no such row; ValueErrors.
    """
    record = parquet.read_row(parquet_path, column_name, row_index, strict=strict_schema)
    return (record, as_array(record)) if return_array else record


def from_ome_vortex(
    vortex_path: str | Path,
    *,
    column_name: str | None = "ome_arrow",
    row_index: int = 0,
    strict_schema: bool = False,
    return_array: bool = False,
) -> pa.StructScalar | tuple[pa.StructScalar, pa.StructArray]:
    """Read a record from a Vortex file; only its column and row are read.

    Parameters
    ----------
    vortex_path : path-like
        The file.
    column_name, row_index, return_array
        As for :func:`from_ome_parquet`.
    strict_schema : bool
        Whether only a column with the fields of a record and no others is accepted.

    Raises
    ------
    NotFoundError
        If there is no such file.
    FormatError, LayoutError, ShapeError
        If it is damaged, has no column of records, or no such row; ValueErrors.
    MissingDependencyError
        If vortex-data is not installed; an ImportError.
    """
    record = vortex.read_row(vortex_path, column_name, row_index, strict=strict_schema)
    return (record, as_array(record)) if return_array else record


def from_ome_zarr(
    zarr_path: str | Path,
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
    channel_names: Sequence[str] | None = None,
    acquisition_datetime: datetime | None = None,
    clamp_to_uint16: bool = True,
) -> pa.StructScalar:
    """Read an image of OME-Zarr at full resolution.

    Parameters
    ----------
    zarr_path : path-like
        The image; of a series the first one is read.
    image_id, name : str, optional
        By default the path's name without and with its ending.
    image_type : str, optional
        What kind of image it is.
    channel_names : sequence of str, optional
        By default those of the image.
    acquisition_datetime : datetime, optional
        By default now.
    clamp_to_uint16 : bool
        Whether pixels become uint16; without it their type is kept.

    Returns
    -------
    pyarrow.StructScalar
        The record; lengths are in micrometer.
    """
    node, position = images.open_image(zarr_path)
    with node:
        values = images.read_pixels(position)
        said = images.describe_image(position)
    if clamp_to_uint16:
        values = cast(values, np.dtype(np.uint16), clamp=True, why=CLAMPED)
    path = Path(zarr_path)
    named = images.renamed(
        said, channel_names, image_id or path.stem, name or path.name, image_type
    )
    moment = in_utc(acquisition_datetime)
    made = replace(named, dtype=values.dtype.name, chunk=(1, 512, 512), acquired=moment)
    return build(made, values)


def from_tiff(
    tiff_path: str | Path,
    image_id: str | None = None,
    name: str | None = None,
    image_type: str | None = None,
    channel_names: Sequence[str] | None = None,
    acquisition_datetime: datetime | None = None,
    clamp_to_uint16: bool = True,
) -> pa.StructScalar:
    """Read the first image of a TIFF, OME-TIFF or the like; see :func:`from_ome_zarr`."""
    return from_ome_zarr(
        tiff_path,
        image_id,
        name,
        image_type,
        channel_names,
        acquisition_datetime,
        clamp_to_uint16,
    )


def open_lazy_plane_source(
    source: str,
) -> tuple[dict[str, Any], Callable[[int, int, int], NDArray]] | None:
    """Open a TIFF or an OME-Zarr image to read single planes.

    Parameters
    ----------
    source : str
        The path; its ending says what it is.

    Returns
    -------
    tuple of (dict, callable) or None
        What a record says in ``pixels_meta``, and a function of t, c and z that returns a plane
        (Y, X) in the image's own data type; None if the path is of another kind.
    """
    if not source.lower().rstrip("/").endswith(_IMAGES):
        return None
    _, position = images.open_image(source)
    said = images.describe_image(position)
    meta: dict[str, Any] = {"type": said.dtype, "channels": list(said.channels)}
    meta |= {f"size_{a}": size for a, size in zip("tczyx", said.shape, strict=True)}
    for axis, size, unit in zip("xyz", said.size, said.units, strict=True):
        meta |= {f"physical_size_{axis}": size, f"physical_size_{axis}_unit": unit}

    def plane(t: int, c: int, z: int) -> NDArray:
        for index, size, axis in zip((t, c, z), said.shape[:3], "tcz", strict=True):
            if not 0 <= index < size:
                raise ShapeError(f"{axis} = {index} is not within 0 and {size - 1}")
        values: NDArray = images.read_pixels(position, t, c, z)[0, 0, 0]
        return values

    return meta, plane


def to_ome_arrow(
    type_: str = OME_ARROW_TAG_TYPE,
    version: str = OME_ARROW_TAG_VERSION,
    image_id: str = "unnamed",
    name: str = "unknown",
    image_type: str | None = "image",
    acquisition_datetime: datetime | None = None,
    dimension_order: str = "XYZCT",
    dtype: str = "uint16",
    size_x: int = 1,
    size_y: int = 1,
    size_z: int = 1,
    size_c: int = 1,
    size_t: int = 1,
    physical_size_x: float = 1.0,
    physical_size_y: float = 1.0,
    physical_size_z: float = 1.0,
    physical_size_unit: str = MICROMETER,
    channels: list[dict[str, Any]] | None = None,
    planes: list[dict[str, Any]] | None = None,
    chunks: list[dict[str, Any]] | None = None,
    chunk_shape: Chunk | None = (1, 512, 512),
    chunk_order: str = "ZYX",
    build_chunks: bool = True,
    masks: Any = None,
) -> pa.StructScalar:
    """Create a record from its parts.

    Parameters
    ----------
    type_, version : str
        What the record says of itself.
    image_id, name, image_type, acquisition_datetime
        As for :func:`from_numpy`.
    dimension_order : str
        ``"XYZCT"`` or ``"XYCT"``.
    dtype : str
        NumPy's name of the data type.
    size_x, size_y, size_z, size_c, size_t : int
        Shape of the image.
    physical_size_x, physical_size_y, physical_size_z, physical_size_unit
        As for :func:`from_numpy`.
    channels, planes, chunks : list of dict, optional
        As the record has them; pixels may be arrays. Without planes and chunks there is one plane
        of zeros.
    chunk_shape, chunk_order, build_chunks
        As for :func:`from_numpy`; chunks that are given are kept as they are.
    masks : None
        Records have no masks yet.

    Raises
    ------
    ArgumentError, ShapeError, FormatError
        If parts do not fit the image; ValueErrors.
    """
    if masks is not None:
        raise ArgumentError("records have no masks: masks is None")
    chunk = checked_chunk(chunk_shape, chunk_order, build_chunks)
    if chunks is not None and not chunks:
        raise ShapeError("chunks must not be an empty list")
    said = Description(
        (size_t, size_c, size_z, size_y, size_x),
        dtype,
        image_id,
        name,
        image_type,
        in_utc(acquisition_datetime),
        (physical_size_x, physical_size_y, physical_size_z),
        (physical_size_unit,) * 3,
        tuple(channels or [channel(0, "default")]),
        chunk,
        type_,
        version,
        dimension_order,
    )
    # Sizes are checked as those of any record are.
    empty = {f"size_{axis}": size for axis, size in zip("tczyx", said.shape, strict=True)}
    given = {"pixels_meta": empty, "planes": planes, "chunks": chunks}
    parts = as_record(given)
    shape = describe(parts).shape
    found = stored(parts, shape)
    values = native(found.read(), dtype)
    here = found.present() if planes or chunks else np.ones(shape[:3], bool)
    return build(
        said, values, keep=None if here.all() else here, planes=planes is not None or not chunks
    )
