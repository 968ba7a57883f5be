"""``OMEArrow``: an image as a record, or a plan to read one from a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from os import PathLike, fspath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from iohub.arrow import forms
from iohub.arrow.arrays import from_any_array
from iohub.arrow.describing import describe_ome_arrow
from iohub.arrow.export import to_numpy
from iohub.arrow.lazy_tensor import LazyTensorView
from iohub.arrow.plain_values import plain_record
from iohub.arrow.plans import Plan, is_stack, of_type
from iohub.arrow.selection import Index, Request, RoiType
from iohub.arrow.tensor_view import ChannelPolicy, ChunkPolicy, TensorView
from iohub.arrow.transform import slice_ome_arrow
from iohub.errors import ArgumentError
from iohub.formats.ome_arrow.records import as_array, as_record
from iohub.types import NDArray


class OMEArrow:
    """An image as an OME-Arrow record.

    Parameters
    ----------
    data : str, path-like, dict, pyarrow.StructScalar or array
        A Parquet or Vortex file, an OME-Arrow dataset, OME-Zarr, OME-TIFF, TIFF, or a pattern of
        such files; a record; or an array of NumPy, torch or JAX.
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
        self._plan: Plan | None = None
        self._source: Plan | None = None
        self._record: pa.StructScalar | None = None
        is_array = hasattr(data, "ndim") and hasattr(data, "dtype")
        if dim_order is not None and not is_array:
            raise ArgumentError("dim_order is for arrays; other data say what their axes are")
        if lazy and not isinstance(data, str | PathLike):
            raise ArgumentError(f"lazy=True is for paths, not for {type(data)}")
        if isinstance(data, str | PathLike):
            path = fspath(data)
            if lazy and is_stack(path):
                raise ArgumentError(f"{path!r} is a pattern of files, which is not read lazily")
            self._plan = self._source = Plan.of(path, column_name, row_index, image_type)
            if not lazy:
                self.collect()
            return
        record = from_any_array(data, dim_order) if is_array else as_record(data)
        self._record = record if image_type is None else of_type(record, image_type)

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
        """Describe the image, of which no pixel is read; see :func:`.describe_ome_arrow`."""
        return describe_ome_arrow(self.data) if self._plan is None else self._plan.describe()

    def __repr__(self) -> str:
        if self._plan is not None:
            return f"<OMEArrow of {self._plan.path!r}, not read yet>"
        return f"<OMEArrow: {self.info()['summary']}>"

    def _repr_html_(self) -> str:
        from iohub.arrow.notebook import to_html

        if self._plan is not None:
            return to_html(None, self.tcz, repr(self))
        limits = self._source.limits(self.tcz[1]) if self._source is not None else None
        return to_html(self.data, self.tcz, repr(self), limits)

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
        how : str
            ``"numpy"`` for an array (T, C, Z, Y, X), ``"dict"`` for plain Python values,
            ``"scalar"`` for the record; or to write ``"ome-tiff"``, ``"ome-zarr"``,
            ``"ome-parquet"``, ``"ome-vortex"``, each also without ``ome-``, or
            ``"ome-arrow-dataset"``, a directory.
        dtype, strict, clamp
            For arrays, OME-TIFF and OME-Zarr; as for :func:`.to_numpy`. Tables keep the type.
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
            For Vortex.

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
            return plain_record(self.data)
        if how == "scalar":
            return self.data
        options = {
            "dtype": dtype,
            "clamp": clamp,
            "dim_order": dim_order,
            "compression": compression,
            "compression_level": compression_level,
            "tile": tile,
            "chunks": chunks,
            "zarr_compressor": zarr_compressor,
            "zarr_level": zarr_level,
            "use_channel_colors": use_channel_colors,
            "parquet_column_name": parquet_column_name,
            "parquet_compression": parquet_compression,
            "parquet_metadata": parquet_metadata,
            "vortex_column_name": vortex_column_name,
            "vortex_metadata": vortex_metadata,
        }
        return forms.write(self.data, how, out, options)

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
        made._plan = made._source = replace(self._plan, cuts=(*self._plan.cuts, cut))
        return made

    def tensor_view(
        self,
        *,
        scene: int | None = None,
        t: Index = None,
        z: Index = None,
        c: Index = None,
        roi: tuple[int, int, int, int] | None = None,
        roi3d: tuple[int, int, int, int, int, int] | None = None,
        roi_nd: tuple[int, ...] | None = None,
        roi_type: RoiType | None = None,
        tile: tuple[int, int] | None = None,
        layout: str | None = None,
        dtype: DTypeLike | None = None,
        chunk_policy: ChunkPolicy = "auto",
        channel_policy: ChannelPolicy = "error",
    ) -> TensorView | LazyTensorView:
        """Return pixels as a tensor, or a plan of one if the image is still to be read.

        Such a plan reads its own part of the file; the image stays as it is.

        Parameters
        ----------
        scene : int, optional
            0: a record has one image.
        t, z, c, roi, roi3d, roi_nd, roi_type, tile, layout, dtype, chunk_policy, channel_policy
            As for :class:`.TensorView`.

        Raises
        ------
        ArgumentError
            If `scene` is another one; a ValueError.
        """
        if scene not in (None, 0):
            raise ArgumentError(f"a record has one image, whose scene is 0, not {scene}")
        asked: dict[str, Any] = {
            **vars(Request(t, z, c, roi, roi3d, roi_nd, roi_type, tile)),
            "layout": layout,
            "dtype": dtype,
            "chunk_policy": chunk_policy,
            "channel_policy": channel_policy,
        }
        if self._plan is not None:
            return self._plan.tensor(asked)
        return TensorView(self.data, **asked)

    def view(
        self,
        how: str = "matplotlib",
        tcz: tuple[int, int, int] = (0, 0, 0),
        autoscale: bool = True,
        vmin: int | None = None,
        vmax: int | None = None,
        cmap: str = "gray",
        show: bool = True,
        c: int | None = None,
        downsample: int = 1,
        opacity: str | float = "sigmoid",
        clim: tuple[float, float] | None = None,
        show_axes: bool = True,
        scaling_values: tuple[float, float, float] | None = None,
    ) -> Any:
        """Show a plane with Matplotlib, or a volume with PyVista.

        Parameters
        ----------
        how : {"matplotlib", "pyvista"}
            With what.
        tcz : tuple of int
            Which plane; of a volume its channel, if `c` is not given.
        autoscale, vmin, vmax, cmap
            For a plane; as for :func:`.view_matplotlib`. Without `autoscale` contrast limits are
            used that an image has, or a table of iohub's.
        show : bool
            Whether to show it at once.
        c, downsample, opacity, clim, show_axes, scaling_values
            For a volume; as for :func:`.view_pyvista`.

        Returns
        -------
        tuple of (Figure, Axes, AxesImage), or pyvista.Plotter
            What is shown.

        Raises
        ------
        ArgumentError
            If `how` is another one; nothing is read then. A ValueError.
        ShapeError
            If there is no such plane; a ValueError.
        MissingDependencyError
            If the package is not installed; a RuntimeError.
        """
        if how not in ("matplotlib", "pyvista"):
            raise ArgumentError(f"how is 'matplotlib' or 'pyvista', not {how!r}")
        from iohub.arrow import view

        if how == "matplotlib":
            if not autoscale and self._source is not None and vmin is vmax is None:
                limits = self._source.limits(tcz[1])
                if limits is not None:
                    return view.view_matplotlib(self.data, tcz, False, *limits, cmap, show)
            return view.view_matplotlib(self.data, tcz, autoscale, vmin, vmax, cmap, show)
        return view.view_pyvista(
            self.data,
            c=tcz[1] if c is None else c,
            downsample=downsample,
            scaling_values=scaling_values,
            opacity=opacity,
            clim=clim,
            show_axes=show_axes,
            show=show,
        )
