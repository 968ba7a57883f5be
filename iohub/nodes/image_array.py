"""An image: one Zarr array with NumPy's reading and writing; opened when pixels are asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from iohub.display import Displayed, Summary, TreeSummary
from iohub.errors import AxisError, ReadOnlyError
from iohub.metadata.axes import AxisMeta, axes_named
from iohub.nodes import arguments
from iohub.nodes.attributes import Attributes
from iohub.nodes.streaming import ArrayStreamVerbs
from iohub.storage import indexing
from iohub.storage.array import Indexer, ZarrArray
from iohub.storage.casting import cast_exactly
from iohub.storage.grid import as_shape
from iohub.storage.virtual import how_to_write

if TYPE_CHECKING:
    import dask.array
    import tensorstore
    import zarr

    from iohub.nodes.session import Session
    from iohub.storage.spec import ArraySpec
    from iohub.types import NDArray, Shape


class ImageArray(ArrayStreamVerbs, Displayed):
    """Container object for image stored as a zarr array (up to 5D).

    Reading and writing with ``image[...]`` follow NumPy. Attributes that are not here are those of
    the :class:`zarr.Array` of :meth:`zarr_array`; ``isinstance(image, zarr.Array)`` is true.

    After its store was closed an image still says what it is (shape, dtype, repr); pixels,
    attributes and edits are a :class:`~iohub.errors.ClosedError`. Arrays of other libraries that
    were made before, such as :meth:`dask_array`, go on reading.

    Parameters
    ----------
    array : ZarrArray
        The array below.
    axes : sequence of AxisMeta, optional
        Its axes; by number if not given.
    session : Session, optional
        Shared state of the tree that it was found in.
    """

    _kind: ClassVar[str] = "image"

    def __init__(
        self,
        array: ZarrArray,
        axes: Sequence[AxisMeta] | None = None,
        session: Session | None = None,
    ):
        self._array = array
        self._axes = tuple(axes) if axes is not None else None
        self._session = session

    def _seen_class(self) -> type[Any]:
        """Return what ``isinstance`` takes the image for, beside its own class."""
        zarr = sys.modules.get("zarr")
        return type(self) if zarr is None else zarr.Array

    # A zarr.Array to isinstance(), without opening one: the documented way of proxies.
    if not TYPE_CHECKING:
        __class__ = property(_seen_class)

    # ---- what it is ---------------------------------------------------------------------------

    @property
    def spec(self) -> ArraySpec:
        """Everything that the array's document says, as it is on disk now."""
        return self._array.spec

    @property
    def path(self) -> str:
        """Path of the array in its store."""
        return self._array.path

    @property
    def name(self) -> str:
        """Path of the array in its store, with a leading slash, as zarr has it."""
        return f"/{self._array.path}"

    @property
    def basename(self) -> str:
        """Last part of the path."""
        return self._array.path.rpartition("/")[2]

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis, now: an array that another process extends is seen to grow."""
        return self._array.spec.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._array.dtype

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self._array.spec.size

    @property
    def nbytes(self) -> int:
        """Size of the pixels in memory [bytes]."""
        return self._array.spec.nbytes

    @property
    def itemsize(self) -> int:
        """Size of one pixel [bytes]."""
        return self._array.spec.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...]:
        """Chunk shape; inside a shard if there are shards."""
        return self._array.spec.chunks

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shard shape, None if the array is not sharded."""
        return self._array.spec.shards

    @property
    def fill_value(self) -> Any:
        """Value of pixels that were never written."""
        return self._array.spec.fill_value

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._array.read_only

    @property
    def engine(self) -> str:
        """Name of the storage engine that reads and writes the pixels."""
        return self._array.engine_name

    # ---- axes ---------------------------------------------------------------------------------

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes in order; those of the position, if the array has as many.

        Else they are called as the array calls its dimensions, or by their number.
        """
        if self._axes is not None and len(self._axes) == self.ndim:
            return list(self._axes)
        return list(axes_named(self.spec.dimension_names, self.ndim))

    def _size_along(self, name: str, kind: str | None = None) -> int:
        for axis, size in zip(self.axes, self.shape, strict=True):
            if (axis.type == kind) if kind else (axis.name.lower() == name):
                return size
        return 1

    @property
    def frames(self) -> int:
        """Number of time points; 1 if there is no time axis."""
        return self._size_along("t", "time")

    @property
    def channels(self) -> int:
        """Number of channels; 1 if there is no channel axis."""
        return self._size_along("c", "channel")

    @property
    def slices(self) -> int:
        """Number of z slices; 1 if there is no z axis."""
        return self._size_along("z")

    @property
    def height(self) -> int:
        """Number of pixels along y."""
        return self._size_along("y")

    @property
    def width(self) -> int:
        """Number of pixels along x."""
        return self._size_along("x")

    # ---- pixels -------------------------------------------------------------------------------

    def _opened(self) -> ZarrArray:
        """Return the array below; ClosedError if the store was closed."""
        if self._session is not None:
            self._session.check_open()
        return self._array

    def _get(self, how: Callable[[Any, Shape], indexing.Selection], key: Any) -> Any:
        return self._opened().select(how, key)

    def _put(self, selection: indexing.Selection, value: Any) -> None:
        array = self._opened()
        if self.read_only:
            remedy = how_to_write(array.store)
            raise ReadOnlyError(f"image {array.url} is open for reading only; {remedy}")
        if hasattr(value, "dask") and not isinstance(value, np.ndarray):
            from iohub.bridges import dask as bridge

            sizes = tuple(p.stop - p.start if isinstance(p, slice) else -1 for p in selection.index)
            # An axis that an integer dropped comes back with length one.
            whole = selection.kind == "region" and prod(sizes) == prod(selection.shape)
            if whole and bridge.is_dask(value) and tuple(value.shape) == selection.shape:
                bridge.write_dask(value.reshape(sizes), array, selection.index)
                return
        indexing.put(array, selection, cast_exactly(np.asarray(value), self.dtype))

    def __getitem__(self, key: Any) -> Any:
        return self._get(indexing.basic, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._put(indexing.basic(key, self.shape), value)

    @property
    def oindex(self) -> Indexer:
        """Orthogonal indexing: the outer product of what is chosen along each axis."""
        return Indexer(self, indexing.orthogonal)

    @property
    def vindex(self) -> Indexer:
        """Coordinate indexing: points, one integer array per axis, or a mask."""
        return Indexer(self, indexing.vectorised)

    def numpy(self) -> NDArray:
        """Return the whole image as an in-RAM NumPy array.

        ``self.numpy()`` is equivalent to ``self[:]``.
        """
        whole: NDArray = self[...]
        return whole

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        if copy is False:
            raise ValueError("an image on disk cannot become an array without a copy")
        whole = np.asarray(self[...])
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an image without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError("the truth value of an image with several pixels is ambiguous")
        return bool(self[...])

    def dask_array(self) -> dask.array.Array:
        """Return as a dask array, one block per chunk (per shard where shards are small)."""
        from iohub.bridges.dask import as_dask

        self._opened()
        # Without the session: what dask computes later, or elsewhere, does not end with it.
        return as_dask(type(self)(self._array, self._axes), self.chunks, self.shards)

    def tensorstore(self, **kwargs: Any) -> tensorstore.TensorStore:
        """Open the zarr array as a TensorStore object.

        Parameters
        ----------
        **kwargs : dict
            For ``tensorstore.open``; for ``virtual_chunked`` if the file is not Zarr.

        Returns
        -------
        tensorstore.TensorStore
            Handle to the Zarr array.

        Raises
        ------
        EngineError
            If the store is not one that TensorStore can open.
        """
        return self._opened().tensorstore(**kwargs)

    def zarr_array(self) -> zarr.Array[Any]:
        """Return the same array as a real :class:`zarr.Array`."""
        return self._opened().zarr_array("r" if self.read_only else "r+")

    # ---- editing ------------------------------------------------------------------------------

    def resize(self, shape: Sequence[int]) -> None:
        """Change the shape; the metadata of the position is not touched.

        Parameters
        ----------
        shape : sequence of int
            New size along each axis. Pixels outside are deleted, new ones have the fill value.

        Raises
        ------
        AxisError, ShapeError
            If the number of axes differs, or it is no shape; a :class:`ValueError`.
        """
        sizes = as_shape(shape)
        if len(sizes) != self.ndim:
            raise AxisError(f"cannot resize {self.shape} to {sizes}: other number of axes")
        self._opened().resize(sizes)

    def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Append pixels along one axis.

        Parameters
        ----------
        data : array-like
            Pixels of the array's shape, but for `axis`.
        axis : int
            Which axis grows.

        Returns
        -------
        tuple of int
        """
        values = cast_exactly(np.asarray(arguments.pixels(data)), self.dtype)
        old = self.shape
        axis = arguments.place(axis, self.ndim, "axis")
        if values.ndim != len(old) or any(
            values.shape[i] != size for i, size in enumerate(old) if i != axis
        ):
            raise AxisError(f"cannot append {values.shape} to {old} along axis {axis}")
        new = tuple(s + values.shape[axis] if i == axis else s for i, s in enumerate(old))
        self.resize(new)
        self[(slice(None),) * axis + (slice(old[axis], None),)] = values
        return new

    @property
    def attrs(self) -> Any:
        """Attributes of the array; assignments are written at once."""
        return Attributes(self._opened())

    # ---- for other libraries ------------------------------------------------------------------

    def __dir__(self) -> list[str]:
        # Not the default, which asks __class__. What makes other arrays is no verb of this one.
        from iohub.storage.zarr_engine import array_attributes

        return sorted({*dir(type(self)), *vars(self), *array_attributes()})

    def __getattr__(self, name: str) -> Any:
        # What zarr.Array has and this class has not; other private names are looked for by
        # protocols. zarr's own functions take the one field of an array.
        if not name.startswith("_") or name == "_async_array":
            from iohub.storage.zarr_engine import is_array_attribute

            if is_array_attribute(name):
                return getattr(self.zarr_array(), name)
        hint = f"; NumPy's is that of image.numpy().{name}" if hasattr(np.ndarray, name) else ""
        what = f"{type(self).__name__!r} object has no attribute {name!r}{hint}"
        raise AttributeError(what, name=name, obj=self)

    def __dask_tokenize__(self) -> Any:
        return (
            type(self).__name__,
            self._array.store.url,
            self.path,
            json.dumps(self.spec.metadata),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._array, self._axes)

    def __eq__(self, other: object) -> Any:
        # Like zarr.Array: two handles on one array are equal; pixels are compared with NumPy.
        return isinstance(other, ImageArray) and (
            (self._array.store.url, self.path) == (other._array.store.url, other.path)
        )

    def __hash__(self) -> int:
        return hash((self._array.store.url, self.path))

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.image(self)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.image_tree(self)
