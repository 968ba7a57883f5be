"""``OMEArrow``: an image as a record, or a plan to read one from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike, fspath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from iohub.arrow import export, ingest
from iohub.arrow.describing import describe_ome_arrow
from iohub.arrow.export import to_numpy
from iohub.arrow.transform import slice_ome_arrow
from iohub.errors import ArgumentError
from iohub.formats.ome_arrow.records import as_array, as_record
from iohub.types import NDArray

_TABLES = (".parquet", ".pq")
_IMAGES = (".zarr", ".ozx", ".tif", ".tiff", ".tf8", ".btf")


@dataclass(frozen=True)
class _Plan:
    """What is to be read, and which parts of it are to be cut out, one after the other."""

    path: str
    column: str
    row: int
    image_type: str | None
    cuts: tuple[Callable[[pa.StructScalar], pa.StructScalar], ...] = ()

    def collect(self) -> pa.StructScalar:
        record = _read(self.path, self.column, self.row)
        if self.image_type is not None:
            record = _of_type(record, self.image_type)
        for cut in self.cuts:
            record = cut(record)
        return record


class OMEArrow:
    """An image as an OME-Arrow record.

    Parameters
    ----------
    data : str, path-like, dict, pyarrow.StructScalar or array
        A Parquet file, OME-Zarr, OME-TIFF or TIFF; a record; or an array of NumPy, torch or JAX.
    tcz : tuple of int
        Which plane is looked at.
    dim_order : str, optional
        Axes of an array; by default TCZYX of a NumPy array, and by the number of dimensions of
        others.
    column_name, row_index
        Where the record is in a table.
    image_type : str, optional
        What kind of image it is to be.
    lazy : bool
        Whether to read when the record is asked for; `data` is a path then.

    Raises
    ------
    ArgumentError
        If the data or their combination with other arguments are of no use.
    """

    def __init__(
        self,
        data: str | dict[str, Any] | pa.StructScalar | NDArray,
        tcz: tuple[int, int, int] = (0, 0, 0),
        *,
        dim_order: str | None = None,
        column_name: str = "ome_arrow",
        row_index: int = 0,
        image_type: str | None = None,
        lazy: bool = False,
    ):
        self.tcz = tcz
        self._plan: _Plan | None = None
        self._record: pa.StructScalar | None = None
        is_array = hasattr(data, "ndim") and hasattr(data, "dtype")
        if dim_order is not None and not is_array:
            raise ArgumentError("dim_order is for arrays; other data say what their axes are")
        if lazy and not isinstance(data, str | PathLike):
            raise ArgumentError(f"lazy=True is for paths, not for {type(data)}")
        if isinstance(data, str | PathLike):
            self._plan = _Plan(_known(fspath(data)), column_name, row_index, image_type)
            if not lazy:
                self.collect()
            return
        record = _from_array(data, dim_order) if is_array else as_record(data)
        self._record = record if image_type is None else _of_type(record, image_type)

    @classmethod
    def scan(
        cls,
        data: str,
        *,
        tcz: tuple[int, int, int] = (0, 0, 0),
        column_name: str = "ome_arrow",
        row_index: int = 0,
        image_type: str | None = None,
    ) -> OMEArrow:
        """Return an image that is read when it is first asked for.

        Parameters
        ----------
        data : str
            The path.
        tcz, column_name, row_index, image_type
            As for the class.
        """
        return cls(
            data,
            tcz,
            column_name=column_name,
            row_index=row_index,
            image_type=image_type,
            lazy=True,
        )

    def collect(self) -> OMEArrow:
        """Read what is still to be read, and return the image itself."""
        if self._plan is not None:
            self._record = self._plan.collect()
            self._plan = None
        return self

    @property
    def is_lazy(self) -> bool:
        """Whether something is still to be read."""
        return self._plan is not None

    @property
    def data(self) -> pa.StructScalar:
        """The record, read if need be."""
        self.collect()
        return self._record

    def info(self) -> dict[str, Any]:
        """Describe the image; see :func:`.describe_ome_arrow`."""
        return describe_ome_arrow(self.data)

    def __repr__(self) -> str:
        if self._plan is not None:
            return f"<OMEArrow of {self._plan.path!r}, not read yet>"
        return f"<OMEArrow: {self.info()['summary']}>"

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Give the record to another Arrow library, as an array of one row, without a copy."""
        given: tuple[object, object] = as_array(self.data).__arrow_c_array__(requested_schema)
        return given

    def export(
        self,
        how: str = "numpy",
        dtype: DTypeLike = np.uint16,
        strict: bool = True,
        clamp: bool = False,
        *,
        out: str | None = None,
        dim_order: str = "TCZYX",
        compression: str | None = "zlib",
        compression_level: int = 6,
        tile: tuple[int, int] | None = None,
        chunks: tuple[int, int, int, int, int] | None = None,
        zarr_compressor: str | None = "zstd",
        zarr_level: int = 7,
        use_channel_colors: bool = False,
        parquet_column_name: str = "ome_arrow",
        parquet_compression: str | None = "zstd",
        parquet_metadata: dict[str, str] | None = None,
        vortex_column_name: str = "ome_arrow",
        vortex_metadata: dict[str, str] | None = None,
    ) -> Any:
        """Return the image in another form, or write it.

        Parameters
        ----------
        how : {"numpy", "dict", "scalar", "ome-tiff", "ome-zarr", "parquet"}
            An array (T, C, Z, Y, X), a dict of Python values, the record; or a file.
        dtype, strict, clamp
            For arrays, OME-TIFF and OME-Zarr; as for :func:`.to_numpy`. Parquet keeps the type.
        out : str, optional
            Path of the file; what is there is replaced.
        dim_order : str
            Axes in OME-TIFF and OME-Zarr.
        compression, compression_level, tile, use_channel_colors
            For OME-TIFF.
        chunks, zarr_compressor, zarr_level
            For OME-Zarr.
        parquet_column_name, parquet_compression, parquet_metadata
            For Parquet.
        vortex_column_name, vortex_metadata
            Not used; they stand here for scripts that give them.

        Returns
        -------
        ndarray, dict, pyarrow.StructScalar or str
            What was asked for; the path of a file.

        Raises
        ------
        ArgumentError
            If `how` is unknown, or `out` is missing.
        """
        if how == "numpy":
            return to_numpy(self.data, dtype, strict, clamp)
        if how == "dict":
            return _plain(self.data)
        if how == "scalar":
            return self.data
        typed: dict[str, Any] = {"dtype": dtype, "clamp": clamp, "dim_order": dim_order}
        writers = {
            "tiff": partial(
                export.to_ome_tiff,
                **typed,
                compression=compression,
                compression_level=compression_level,
                tile=tile,
                use_channel_colors=use_channel_colors,
            ),
            "zarr": partial(
                export.to_ome_zarr,
                **typed,
                chunks=chunks,
                compressor=zarr_compressor,
                compressor_level=zarr_level,
            ),
            "parquet": partial(
                export.to_ome_parquet,
                column_name=parquet_column_name,
                compression=parquet_compression,
                file_metadata=parquet_metadata,
            ),
        }
        kind = how.lower().replace("_", "").replace("-", "").removeprefix("ome")
        if kind not in writers:
            forms = "numpy, dict, scalar, ome-tiff, ome-zarr and parquet"
            raise ArgumentError(f"there is no form {how!r}; there are {forms}")
        if not out:
            raise ArgumentError(f"to write {how!r}, give the path of the file: out='…'")
        writers[kind](self.data, out)
        return out

    def slice(
        self,
        x_min: int,
        x_max: int,
        y_min: int,
        y_max: int,
        t_indices: Iterable[int] | None = None,
        c_indices: Iterable[int] | None = None,
        z_indices: Iterable[int] | None = None,
        fill_missing: bool = True,
    ) -> OMEArrow:
        """Return a part of the image; see :func:`.slice_ome_arrow`."""
        limits = (x_min, x_max, y_min, y_max)
        return OMEArrow(
            slice_ome_arrow(self.data, *limits, t_indices, c_indices, z_indices, fill_missing),
            self.tcz,
        )

    def slice_lazy(
        self,
        x_min: int,
        x_max: int,
        y_min: int,
        y_max: int,
        t_indices: Iterable[int] | None = None,
        c_indices: Iterable[int] | None = None,
        z_indices: Iterable[int] | None = None,
        fill_missing: bool = True,
    ) -> OMEArrow:
        """Return a part of the image that is cut out when it is asked for.

        The image itself is not changed. One that was read already is cut at once.
        """
        kept = [None if each is None else list(each) for each in (t_indices, c_indices, z_indices)]
        if self._plan is None:
            return self.slice(x_min, x_max, y_min, y_max, kept[0], kept[1], kept[2], fill_missing)
        cut = partial(
            slice_ome_arrow,
            x_min=x_min,
            x_max=x_max,
            y_min=y_min,
            y_max=y_max,
            t_indices=kept[0],
            c_indices=kept[1],
            z_indices=kept[2],
            fill_missing=fill_missing,
        )
        made = OMEArrow(self._plan.path, self.tcz, lazy=True)
        made._plan = replace(self._plan, cuts=(*self._plan.cuts, cut))
        return made


def _known(path: str) -> str:
    if not path.lower().rstrip("/").endswith((*_TABLES, *_IMAGES)):
        endings = ", ".join((*_TABLES, *_IMAGES))
        raise ArgumentError(f"{path!r} is of no known kind: paths end with {endings}")
    return path


def _read(path: str, column: str, row: int) -> pa.StructScalar:
    if path.lower().endswith(_TABLES):
        return ingest.from_ome_parquet(path, column_name=column, row_index=row)
    return ingest.from_ome_zarr(path)


def _from_array(data: Any, order: str | None) -> pa.StructScalar:
    package = type(data).__module__.partition(".")[0]
    if package == "torch":
        return ingest.from_torch_array(data, dim_order=order)
    if package in ("jax", "jaxlib"):
        return ingest.from_jax_array(data, dim_order=order)
    return ingest.from_numpy(data, dim_order=order or "TCZYX")


def _of_type(record: pa.StructScalar, image_type: str) -> pa.StructScalar:
    """Return the record with another kind of image; its pixels are the same memory."""
    array = as_array(record)
    fields = list(array.type)
    columns = [array.field(index) for index in range(len(fields))]
    index = array.type.get_field_index("image_type")
    columns[index] = pa.array([image_type], fields[index].type)
    return pa.StructArray.from_arrays(columns, fields=fields)[0]


def _plain(record: pa.StructScalar) -> dict[str, Any]:
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
