"""Records to NumPy and to files: the functions of the page, with its defaults.

Their default data type is uint16, as on the page; they warn when that changes a value.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from iohub.arrow import images
from iohub.errors import ArgumentError, ShapeError
from iohub.formats.ome_arrow import parquet, vortex
from iohub.formats.ome_arrow.casting import cast
from iohub.formats.ome_arrow.dataset_write import write_dataset
from iohub.formats.ome_arrow.records import (
    UNNAMED,
    Description,
    as_record,
    describe,
    native,
    stored,
)
from iohub.formats.ome_arrow.rows_to_write import Row
from iohub.types import NDArray

_WHY = "give dtype= to keep them"


def to_numpy(
    data: dict[str, Any] | pa.StructScalar,
    dtype: DTypeLike = np.uint16,
    strict: bool = True,
    clamp: bool = False,
) -> NDArray:
    """Convert a record into an array.

    If the record has the data type, and its planes or chunks lie in memory as the array does, this
    is a read-only view of the record: copy it before changing it.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    dtype : dtype
        Of the result.
    strict : bool
        Whether a plane with a wrong number of pixels is an error; else it is cut or filled with 0.
    clamp : bool
        Whether values out of the type's range become the nearest in it; else they wrap around.

    Returns
    -------
    ndarray
        Pixels (T, C, Z, Y, X); planes that are missing are 0.

    Raises
    ------
    MissingNodeError
        If a field is missing; a KeyError.
    FormatError, ShapeError
        If the record is damaged; a ValueError.
    """
    record = as_record(data)
    values = stored(record, describe(record).shape).read(strict=strict)
    return cast(values, np.dtype(dtype), clamp=clamp, why=_WHY)


def plane_from_chunks(
    data: dict[str, Any] | pa.StructScalar,
    *,
    t: int,
    c: int,
    z: int,
    dtype: DTypeLike = np.uint16,
    strict: bool = True,
    clamp: bool = False,
) -> NDArray:
    """Extract a plane; only the chunks that it needs are decoded.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    t, c, z : int
        Which plane.
    dtype, strict, clamp
        As for :func:`to_numpy`.

    Returns
    -------
    ndarray
        Pixels (Y, X).

    Raises
    ------
    ShapeError
        If there is no such plane; a ValueError.
    MissingNodeError, FormatError
        As for :func:`to_numpy`.
    """
    record = as_record(data)
    shape = describe(record).shape
    for index, size, axis in zip((t, c, z), shape[:3], "tcz", strict=True):
        if not 0 <= index < size:
            raise ShapeError(f"{axis} = {index} is not within 0 and {size - 1}")
    values = stored(record, shape).plane(t, c, z, strict=strict)
    return cast(values, np.dtype(dtype), clamp=clamp, why=_WHY)


def to_ome_parquet(
    data: dict[str, Any] | pa.StructScalar,
    out_path: str,
    column_name: str = "image",
    file_metadata: dict[str, str] | None = None,
    compression: str | None = "zstd",
    row_group_size: int | None = None,
) -> None:
    """Write a record to a Parquet file of one row and one column.

    Each pixel is written once, in its own data type: those of a record in lists as planes.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    out_path : str
        The file; what is there is replaced.
    column_name : str
        Name of the column.
    file_metadata : dict of str to str, optional
        More keys for the file's metadata.
    compression : str or None
        A codec of Parquet.
    row_group_size : int, optional
        Rows in a group.
    """
    parquet.write_record(
        data,
        out_path,
        column_name,
        metadata=file_metadata,
        compression=compression,
        row_group_size=row_group_size,
    )


def to_ome_vortex(
    data: dict[str, Any] | pa.StructScalar,
    out_path: str,
    column_name: str = "image",
    file_metadata: dict[str, str] | None = None,
) -> None:
    """Write a record to a Vortex file of one row and one column.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record; its pixels are uint8 or uint16, and each is written once.
    out_path : str
        The file; what is there is replaced.
    column_name : str
        Name of the column.
    file_metadata : dict of str to str, optional
        Keys for the metadata of the table, of which Vortex keeps none.

    Raises
    ------
    DTypeError
        If pixels are of another type, which Vortex would lose; a TypeError.
    MissingDependencyError
        If vortex-data is not installed; an ImportError.

    Warns
    -----
    IohubWarning
        If there are keys.
    """
    vortex.write_record(data, out_path, column_name, metadata=file_metadata)


def to_ome_dataset(data: dict[str, Any] | pa.StructScalar, out_path: str) -> None:
    """Write a record to a directory of tables, the form of newer releases for images of any size.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record; its pixels keep their type.
    out_path : str
        The directory; a dataset or a file that is there is replaced.

    Raises
    ------
    ExistsError
        If there is another directory.
    """
    record = as_record(data)
    said = describe(record)
    found = stored(record, said.shape)
    values = native(found.read(), said.dtype)
    here = found.present()
    row = Row(
        replace(said, image_id=said.image_id or UNNAMED, dtype=values.dtype.name),
        lambda: iter(values[here]),
        keep=None if here.all() else here,
    )
    write_dataset(out_path, [row])


def to_ome_tiff(
    data: dict[str, Any] | pa.StructScalar,
    out_path: str,
    *,
    dtype: DTypeLike = np.uint16,
    clamp: bool = False,
    dim_order: str = "TCZYX",
    compression: str | None = "zlib",
    compression_level: int = 6,
    tile: tuple[int, int] | None = None,
    use_channel_colors: bool = False,
) -> None:
    """Write a record as OME-TIFF; what is at the path is replaced.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    out_path : str
        The file.
    dtype, clamp
        As for :func:`to_numpy`.
    dim_order : str
        Axes of the image; those left out have one pixel.
    compression : {"zlib", "lzw", "zstd", "jpeg2000"} or None
        How pixels are compressed.
    compression_level : int
        How hard.
    tile : tuple of int, optional
        Height and width of tiles.
    use_channel_colors : bool
        Whether the colours of channels are written.
    """
    said, values = _typed(data, dtype, clamp)
    images.write_tiff(
        said,
        values,
        out_path,
        axes=_axes(dim_order, values),
        colors=use_channel_colors,
        compression=compression,
        compression_level=compression_level,
        tile=tile,
    )


def to_ome_zarr(
    data: dict[str, Any] | pa.StructScalar,
    out_path: str,
    *,
    dtype: DTypeLike = np.uint16,
    clamp: bool = False,
    dim_order: str = "TCZYX",
    multiscale_levels: int = 1,
    downscale_spatial_by: int = 2,
    zarr_format: int = 3,
    chunks: tuple[int, int, int, int, int] | None = None,
    shards: tuple[int, int, int, int, int] | None = None,
    compressor: str | None = "zstd",
    compressor_level: int = 3,
    image_name: str | None = None,
) -> None:
    """Write a record as OME-Zarr, with the names and colours of its channels.

    A store that is at the path is replaced.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    out_path : str
        The store.
    dtype, clamp
        As for :func:`to_numpy`.
    dim_order : str
        Axes of the image; those left out have one pixel.
    multiscale_levels : int
        Resolutions, the full one included.
    downscale_spatial_by : int
        Factor between them along y and x.
    zarr_format : {2, 3}
        Of the store.
    chunks, shards : tuple of int, optional
        Sizes (T, C, Z, Y, X).
    compressor : str or None
        A codec of Blosc.
    compressor_level : int
        How hard to compress, 0 to 9.
    image_name : str, optional
        Name of the image; that of the record by default.
    """
    said, values = _typed(data, dtype, clamp)
    images.write_zarr(
        said,
        values,
        out_path,
        axes=_axes(dim_order, values),
        levels=multiscale_levels,
        factor=downscale_spatial_by,
        zarr_format=zarr_format,
        chunks=chunks,
        shards=shards,
        compressor=compressor,
        compressor_level=compressor_level,
        name=image_name,
    )


def _typed(data: Any, dtype: DTypeLike, clamp: bool) -> tuple[Description, NDArray]:
    record = as_record(data)
    said = describe(record)
    values = stored(record, said.shape).read()
    return said, cast(values, np.dtype(dtype), clamp=clamp, why=_WHY)


def _axes(order: str, values: NDArray) -> str:
    axes = order.lower()
    if len(set(axes)) != len(axes) or not {"y", "x"} <= set(axes) <= set("tczyx"):
        raise ArgumentError(f"dim_order is of T, C, Z, Y and X, each once, not {order!r}")
    lost = [a for a, size in zip("tczyx", values.shape, strict=True) if size > 1 and a not in axes]
    if lost:
        raise ArgumentError(f"dim_order {order!r} has no {', '.join(lost)}, which has many pixels")
    return axes
