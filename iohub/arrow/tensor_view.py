"""``TensorView``: pixels of a record as a tensor, for NumPy and by DLPack for other libraries."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from iohub.arrow import batches, dlpack, layouts
from iohub.arrow.pixel_sources import Pixels, PixelSource, loaded_planes, record_pixels
from iohub.arrow.selection import Cut, Index, Request, RoiType, select
from iohub.errors import ArgumentError, ShapeError
from iohub.formats.ome_arrow.pixels import dtype_of
from iohub.formats.ome_arrow.records import as_record

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.types import NDArray, Shape

ChunkPolicy: TypeAlias = Literal["auto", "combine", "keep"]
ChannelPolicy: TypeAlias = Literal["error", "first"]
Data: TypeAlias = Mapping[str, Any] | pa.StructScalar | pa.StructArray | pa.ChunkedArray


class TensorView:
    """Pixels of a record as a tensor.

    Pixels are read when they are first asked for; where they lie in memory as asked for, they are
    shown and not copied, and are read-only then.

    Parameters
    ----------
    data : dict, pyarrow.StructScalar, pyarrow.StructArray or pyarrow.ChunkedArray
        The record; of an array its first row.
    plane_loader : callable, optional
        Returns a plane (Y, X) by t, c and z; then `data` only says what the image is.
    t, z, c : int, slice or sequence of int, optional
        Which indices; by default all. No axis is dropped by one number.
    roi : tuple of int, optional
        Rectangle (x, y, width, height) [pixels].
    roi3d : tuple of int, optional
        Box (x, y, z, width, height, depth) [pixels].
    roi_nd : tuple of int, optional
        Lower bounds and then upper bounds of the axes that `roi_type` names.
    roi_type : {"2d", "2d_timelapse", "3d", "4d"}, optional
        Bounds are of (y, x), (t, y, x), (z, y, x) or (t, z, y, x); needed for six values.
    tile : tuple of int, optional
        Row and column of a chunk.
    layout : str, optional
        Axes of the tensor, of T, Z, C, Y and X, or of H and W; by default CHW of one time and
        plane, else TZCHW.
    dtype : dtype, optional
        Of the tensor; by default that of the record.
    chunk_policy : {"auto", "combine", "keep"}
        Whether an array of several chunks is made one: if there is one only, always, or never.
    channel_policy : {"error", "first"}
        What becomes of several channels if the layout has no C.

    Raises
    ------
    ArgumentError, ShapeError, AxisError
        If a selection or a layout does not fit the image, or an argument is none; ValueErrors.
    MissingNodeError
        If the record does not say its sizes; a KeyError.
    """

    def __init__(
        self,
        data: Data,
        *,
        plane_loader: Callable[[int, int, int], NDArray] | None = None,
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
    ):
        _one_of(chunk_policy, ("auto", "combine", "keep"), "chunk_policy")
        self.data = _by_policy(data, chunk_policy)
        if plane_loader is not None:
            source: PixelSource = loaded_planes(_first(self.data), plane_loader)
        else:
            source = record_pixels(as_record(_first(self.data)))
        request = Request(t, z, c, roi, roi3d, roi_nd, roi_type, tile)
        self._show(source, request, layout, dtype, channel_policy)

    @classmethod
    def of_source(
        cls,
        source: PixelSource,
        request: Request,
        *,
        layout: str | None = None,
        dtype: DTypeLike | None = None,
        channel_policy: ChannelPolicy = "error",
    ) -> TensorView:
        """Return a view of pixels that are in no record; arguments are as for the class."""
        made = cls.__new__(cls)
        made.data = None
        made._show(source, request, layout, dtype, channel_policy)
        return made

    @property
    def layout(self) -> str:
        """Letters of the axes: T, Z, C, H and W."""
        return self._layout

    @property
    def shape(self) -> Shape:
        """Size along each axis of the layout."""
        return layouts.sizes(self._layout, self._pixels.part.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the tensor."""
        return self._pixels.dtype

    @property
    def device(self) -> str:
        """Where the pixels are: ``"cpu"``."""
        return "cpu"

    @property
    def strides(self) -> Shape:
        """Steps along each axis of the layout [bytes]; pixels are read for it."""
        return self.to_numpy().strides

    def __repr__(self) -> str:
        return f"<TensorView {self._layout} {self.shape} {self.dtype}>"

    def with_layout(self, layout: str) -> TensorView:
        """Return a view of the same pixels with other axes; they are not read again."""
        return self._with(self._pixels, layout)

    def to_numpy(self, *, contiguous: bool = False) -> NDArray:
        """Return the pixels by the layout.

        Parameters
        ----------
        contiguous : bool
            Whether they are to lie in memory by the layout, if need be as a copy.

        Raises
        ------
        FormatError
            If the record does not have all planes, or is damaged; a ValueError.
        """
        shown = layouts.arranged(self._pixels.values(), self._layout)
        return np.ascontiguousarray(shown) if contiguous else shown

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        """Return the pixels to NumPy."""
        return np.array(self.to_numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        """Give the tensor by its layout to another library, without a copy; any number of times."""
        return dlpack.capsule(self.to_numpy(), **options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return that the memory is the processor's."""
        return (1, 0)

    def to_dlpack(
        self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow"
    ) -> Any:
        """Return the tensor for ``from_dlpack`` of another library, which takes it once.

        Parameters
        ----------
        device : {"cpu", "cuda"}
            Where to.
        contiguous : bool
            Whether to copy pixels that do not lie together; without it that is an error in mode
            ``"arrow"``, and the tensor has gaps in mode ``"numpy"``.
        mode : {"arrow", "numpy"}
            ``"arrow"`` gives pixels one after the other, by T, C, Z, Y and X, as they lie in the
            record; ``"numpy"`` the tensor by its layout.

        Raises
        ------
        ArgumentError
            If a device or mode is unknown, or pixels do not lie together; a ValueError.
        DeviceError, MissingDependencyError
            If the device or torch, which copies to it, is not there; RuntimeErrors.
        """
        dlpack.check(device, mode)
        return dlpack.given(self._buffer(contiguous, mode), device)

    def to_torch(self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow") -> Any:
        """Return a torch tensor, on the processor of the same memory; see :meth:`to_dlpack`."""
        dlpack.check(device, mode)
        return dlpack.as_torch(self._buffer(contiguous, mode), device)

    def to_jax(self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow") -> Any:
        """Return a JAX array; see :meth:`to_dlpack`.

        JAX shares memory that begins at a multiple of 64 bytes, as that of Arrow, and copies other.
        """
        dlpack.check(device, mode)
        return dlpack.as_jax(self._buffer(contiguous, mode), device)

    def iter_dlpack(
        self,
        *,
        batch_size: int | None = None,
        tile_size: tuple[int, int] | None = None,
        tiles: tuple[int, int] | None = None,
        shuffle: bool = False,
        seed: int | None = None,
        prefetch: int = 0,
        device: str = "cpu",
        contiguous: bool = True,
        mode: str = "arrow",
    ) -> Iterator[Any]:
        """Return batches along T, or tiles along Y and X, for ``from_dlpack``.

        Parameters
        ----------
        batch_size : int, optional
            Times in a batch; the last one may have fewer.
        tile_size : tuple of int, optional
            Height and width of a tile; those at the border may be smaller.
        tiles : tuple of int, optional
            Former name of `tile_size`.
        shuffle, seed : bool and int, optional
            Whether the order is random, the same for the same seed.
        prefetch : int
            How many are read ahead, in threads.
        device, contiguous, mode
            As for :meth:`to_dlpack`.

        Raises
        ------
        ArgumentError
            If a size is not positive, or one is given twice; a ValueError.
        """
        if tiles is not None:
            warnings.warn("tiles= is called tile_size= now", DeprecationWarning, stacklevel=2)
            if tile_size is not None:
                raise ArgumentError("give tile_size or its former name tiles, not both")
            tile_size = tiles
        dlpack.check(device, mode)
        found = batches.in_batches(self._pixels.part.shape, batch_size, tile_size)
        parts = batches.ordered(found, shuffle, seed)
        return self._each(parts, prefetch, device, contiguous, mode, tiled=tile_size is not None)

    def iter_tiles_3d(
        self,
        *,
        tile_size: tuple[int, int, int],
        shuffle: bool = False,
        seed: int | None = None,
        prefetch: int = 0,
        device: str = "cpu",
        contiguous: bool = True,
        mode: str = "numpy",
    ) -> Iterator[Any]:
        """Return boxes along Z, Y and X, time after time, for ``from_dlpack``.

        Parameters
        ----------
        tile_size : tuple of int
            Depth, height and width; those at the border may be smaller.
        shuffle, seed, prefetch, device, contiguous
            As for :meth:`iter_dlpack`.
        mode : {"numpy"}
            Boxes do not lie together in memory.

        Raises
        ------
        ArgumentError
            If a size is not positive, or the mode another one; a ValueError.
        """
        if mode != "numpy":
            raise ArgumentError(f"boxes are given with mode='numpy', not {mode!r}")
        dlpack.check(device, mode)
        found = batches.in_blocks(self._pixels.part.shape, tile_size)
        parts = batches.ordered(found, shuffle, seed)
        return self._each(parts, prefetch, device, contiguous, mode, tiled=True)

    # steps

    def _show(
        self,
        source: PixelSource,
        request: Request,
        layout: str | None,
        dtype: DTypeLike | None,
        channel_policy: str,
    ) -> None:
        _one_of(channel_policy, ("error", "first"), "channel_policy")
        said = source.said
        kind = np.dtype(dtype) if dtype is not None else dtype_of(said.dtype)
        self._first_channel = channel_policy == "first"
        part = select(request, said)
        pixels = Pixels(source, part, np.dtype(np.uint16) if kind is None else kind)
        self._layout, self._pixels = self._laid_out(pixels, layout)

    def _laid_out(self, pixels: Pixels, layout: str | None) -> tuple[str, Pixels]:
        part = pixels.part
        made = layouts.layout_of(layout, part.shape, lone_channel=self._first_channel)
        if "C" not in made and len(part.c) > 1:
            everything = slice(None)
            pixels = pixels.of((everything, slice(0, 1), everything, everything, everything))
        return made, pixels

    def _with(self, pixels: Pixels, layout: str) -> TensorView:
        made = TensorView.__new__(TensorView)
        made.data, made._first_channel = self.data, self._first_channel
        made._layout, made._pixels = made._laid_out(pixels, layout)
        return made

    def _buffer(self, contiguous: bool, mode: str) -> NDArray:
        """Return what another library is given."""
        if mode == "numpy":
            shown = self.to_numpy(contiguous=contiguous)
            if min(shown.strides, default=0) < 0:
                raise ArgumentError("DLPack has no steps backward: give contiguous=True")
            return shown
        values = self._pixels.values()
        if not values.flags.c_contiguous and not contiguous:
            raise ArgumentError(
                "these pixels do not lie together in the record: give contiguous=True for a copy, "
                "or mode='numpy'"
            )
        return values.reshape(-1)

    def _each(
        self,
        parts: Sequence[Cut],
        prefetch: int,
        device: str,
        contiguous: bool,
        mode: str,
        *,
        tiled: bool,
    ) -> Iterator[Any]:
        pixels = self._pixels

        def make(part: Cut) -> Any:
            if tiled and not pixels.source.by_region:
                pixels.values()  # else each plane would be decoded for each of its tiles
            view = self._with(pixels.of(part), self._layout)
            return dlpack.given(view._buffer(contiguous, mode), device)

        return batches.ahead(make, parts, prefetch)


def _by_policy(data: Data, policy: str) -> Data:
    if not isinstance(data, pa.ChunkedArray):
        return data
    if policy == "keep" or (policy == "auto" and data.num_chunks != 1):
        return data
    combined = data.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _first(data: Data) -> Any:
    if not isinstance(data, pa.Array | pa.ChunkedArray):
        return data
    if not len(data):
        raise ShapeError("an array without rows has no record")
    return data[0]


def _one_of(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise ArgumentError(f"{name} is one of {', '.join(known)}, not {value!r}")
