"""Records shown: planes by Matplotlib, volumes by PyVista (``pip install "iohub[view]"``)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub import optional
from iohub.arrow.picture import color_of, range_of, read_plane, real
from iohub.arrow.pixel_sources import record_pixels
from iohub.arrow.selection import Request, select
from iohub.errors import ArgumentError, ShapeError
from iohub.formats.ome_arrow.records import as_record

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from iohub.types import NDArray

# Backends of Matplotlib that show nothing.
_SILENT = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
_BACKENDS = ("auto", "trame", "html", "static")


def view_matplotlib(
    data: dict[str, object] | pa.StructScalar,
    tcz: tuple[int, int, int] = (0, 0, 0),
    autoscale: bool = True,
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str = "gray",
    show: bool = True,
) -> tuple[Figure, Axes, AxesImage]:
    """Show a plane.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    tcz : tuple of int
        Which plane.
    autoscale : bool
        Whether limits that are not given are the least and the largest pixel; else they are those
        of integers of the data type, or 0 and 1.
    vmin, vmax : number, optional
        What is black, and what is bright.
    cmap : str
        A colour map of Matplotlib. ``"gray"`` goes from black to the colour of the channel, if it
        has one; ``"Greys_r"`` is gray in any case.
    show : bool
        Whether to show it at once, where something can be shown.

    Returns
    -------
    tuple of (Figure, Axes, AxesImage)
        Of Matplotlib.

    Raises
    ------
    ShapeError, FormatError
        If there is no such plane; ValueErrors.
    MissingDependencyError
        If Matplotlib is not installed; an ImportError and a RuntimeError.
    """
    record = as_record(data)
    plane = real(read_plane(record, tcz))
    pyplot = optional.need("matplotlib.pyplot", extra="view", why="pictures")
    low, high = range_of(plane) if autoscale else _full_range(plane)
    figure, axes = pyplot.subplots()
    image = axes.imshow(
        plane,
        cmap=_colormap(record, tcz[1], cmap),
        vmin=low if vmin is None else vmin,
        vmax=high if vmax is None else vmax,
    )
    axes.set_axis_off()
    figure.tight_layout()
    if show and pyplot.get_backend().lower() not in _SILENT:
        pyplot.show()
    return figure, axes, image


def view_pyvista(
    data: dict[str, Any] | pa.StructScalar,
    c: int = 0,
    downsample: int = 1,
    scaling_values: tuple[float, float, float] | None = None,
    opacity: str | float = "sigmoid",
    clim: tuple[float, float] | None = None,
    show_axes: bool = True,
    backend: str = "auto",
    interpolation: str = "nearest",
    background: str = "black",
    percentile_clim: tuple[float, float] = (1.0, 99.9),
    sampling_scale: float = 0.5,
    show: bool = True,
) -> Any:
    """Show the volume of a channel at the first time.

    Parameters
    ----------
    data : dict or pyarrow.StructScalar
        The record.
    c : int
        The channel.
    downsample : int
        Every how many pixels along z, y and x are shown.
    scaling_values : tuple of float, optional
        Size of a pixel along x, y and z; by default that of the record.
    opacity : str or float
        A ramp that PyVista knows, or one number from 0 to 1.
    clim : tuple of float, optional
        What is transparent and what is opaque; by default percentiles.
    show_axes : bool
        Whether axes are shown.
    backend : {"auto", "trame", "html", "static"}
        How notebooks show it; by default the first of these that is installed.
    interpolation : {"nearest", "linear"}
        Between pixels.
    background : str
        Colour behind the volume.
    percentile_clim : tuple of float
        Percentiles [%] of the pixels, if `clim` is not given.
    sampling_scale : float
        Distance of samples along a ray in least sizes of a pixel; less is finer and slower.
    show : bool
        Whether to show it at once; else ``plotter.show()`` does it.

    Returns
    -------
    pyvista.Plotter
        What shows it.

    Raises
    ------
    ArgumentError, ShapeError, FormatError
        If an argument is out of its range, or there is no such channel; ValueErrors.
    MissingDependencyError
        If PyVista is not installed; an ImportError and a RuntimeError.
    """
    if backend not in _BACKENDS:
        raise ArgumentError(f"backend is one of {', '.join(_BACKENDS)}, not {backend!r}")
    if interpolation not in ("nearest", "linear"):
        raise ArgumentError(f"interpolation is 'nearest' or 'linear', not {interpolation!r}")
    if downsample < 1 or sampling_scale <= 0:
        raise ArgumentError("downsample is 1 or more, and sampling_scale more than 0")
    record = as_record(data)
    volume, spacing = _volume(record, c, downsample, scaling_values)
    pyvista = optional.need("pyvista", extra="view", why="volumes")
    grid = pyvista.ImageData(dimensions=volume.shape[::-1], spacing=spacing)
    grid.point_data["intensity"] = volume.reshape(-1)
    plotter = pyvista.Plotter(off_screen=True if _has_no_screen() else None)
    plotter.set_background(background)
    limits = clim or _percentiles(volume, percentile_clim)
    options = {"cmap": _colormap(record, c, "gray"), "clim": limits, "show_scalar_bar": False}
    if min(volume.shape) > 1:
        actor = plotter.add_volume(grid, scalars="intensity", opacity=opacity, **options)
        actor.prop.interpolation_type = interpolation
        actor.mapper.SetAutoAdjustSampleDistances(False)
        actor.mapper.SetSampleDistance(float(min(spacing)) * sampling_scale)
    else:
        # A plane has no inside that rays could go through.
        plotter.add_mesh(grid, scalars="intensity", lighting=False, **options)
    if show_axes:
        plotter.add_axes()
    if show:
        _show(plotter, backend)
    return plotter


def _volume(
    record: pa.StructScalar,
    channel: int,
    step: int,
    scaling: tuple[float, float, float] | None,
) -> tuple[NDArray, tuple[float, float, float]]:
    """Return a volume (Z, Y, X), and the size of its pixels along x, y and z."""
    source = record_pixels(record)
    if not 0 <= channel < source.said.shape[1]:
        raise ShapeError(f"c = {channel} is not within 0 and {source.said.shape[1] - 1}")
    part = select(Request(t=0, c=channel, z=slice(None, None, step)), source.said)
    values = real(source.read(part)[0, 0, :, ::step, ::step])
    x, y, z = (size * step for size in scaling or source.said.size)
    return np.ascontiguousarray(values), (x, y, z)


def _full_range(values: NDArray) -> tuple[float, float]:
    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        return float(limits.min), float(limits.max)
    return 0.0, 1.0


def _percentiles(values: NDArray, which: tuple[float, float]) -> tuple[float, float]:
    finite = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(each) for each in np.percentile(finite, which))
    return low, high if high > low else low + 1.0


def _colormap(record: pa.StructScalar, channel: int, name: str) -> Any:
    color = color_of(record, channel) if name == "gray" else None
    if color is None:
        return name
    colors = optional.need("matplotlib.colors", extra="view", why="pictures")
    ends = ["black", tuple(part / 255 for part in color)]
    return colors.LinearSegmentedColormap.from_list(f"channel {channel}", ends)


def _has_no_screen() -> bool:
    return sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _show(plotter: Any, backend: str) -> None:
    """Show a volume in a notebook, as far as what is installed can, or in a window."""
    if not _in_notebook():
        plotter.show()
        return
    interactive = optional.have("trame") and optional.have("trame_vtk")
    chosen = ("trame" if interactive else "static") if backend == "auto" else backend
    plotter.show(jupyter_backend=chosen)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
