"""A Zarr array: its document, kept up to date, and its pixels through the engine that fits.

Making one reads nothing; the engine opens at the first access to pixels and again when another
process changed the document, or after a fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex

from iohub.errors import EngineError, ShapeError
from iohub.storage import engines, grid, indexing
from iohub.storage.casting import cast_exactly
from iohub.storage.damage import chunk_errors
from iohub.storage.keys import join
from iohub.storage.revalidation import DOCUMENTS, read_document
from iohub.storage.shrinking import cut_off_edges, cut_off_units, fill_block
from iohub.storage.stored_array import StoredArray
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    import tensorstore
    import zarr

    from iohub.storage.protocol import ByteStore, Pixels
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray, Region, Shape


class _Open(NamedTuple):
    """Pixels as they were opened: in which process, for which document."""

    pid: int
    metadata: JsonObject
    engine: str
    pixels: Pixels


class Indexer:
    """``array.oindex`` and ``array.vindex`` of whatever gets and puts selections.

    Parameters
    ----------
    array : ZarrArray or iohub.nodes.image_array.ImageArray
        The array.
    select : callable
        Turns a key and the shape into a selection.
    """

    def __init__(self, array: Any, select: Callable[[Any, Shape], indexing.Selection]) -> None:
        self._array, self._select = array, select

    def __getitem__(self, key: Any) -> Any:
        return self._array._get(self._select, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._array._put(self._select(key, self._array.shape), value)


class ZarrArray(StoredArray):
    """An array in a store; implements :class:`~iohub.storage.protocol.WritableArray`.

    Parameters
    ----------
    store : ByteStore
        Where it is.
    path : str
        Path in the store.
    spec : ArraySpec
        Its document as it was read or written.
    engine : str, optional
        Name of the engine; None takes the best that can open it.
    mark : hashable, optional
        What :meth:`load` passes so that a document read just now is not read again.
    """

    def __init__(
        self,
        store: ByteStore,
        path: str,
        spec: ArraySpec,
        engine: str | None = None,
        *,
        mark: Hashable = None,
    ):
        super().__init__(store, path, spec, mark=mark)
        self._engine = engine
        self._open: _Open | None = None

    @classmethod
    def load(
        cls, store: ByteStore, path: str, zarr_format: int, engine: str | None = None
    ) -> ZarrArray:
        """Read an array's document.

        Parameters
        ----------
        store : ByteStore
            Where it is.
        path : str
            Path in the store.
        zarr_format : int
            2 or 3.
        engine : str, optional
            Name of the engine.

        Raises
        ------
        NotFoundError
            If there is no array.
        DocumentError
            If its document is broken.
        """
        known = read_document(store, path, zarr_format, None)
        return cls(store, path, known.spec, engine, mark=known.mark)

    @classmethod
    def create(
        cls, store: ByteStore, path: str, spec: ArraySpec, engine: str | None = None
    ) -> ZarrArray:
        """Write an array's document; it has no pixels then but the fill value.

        Nothing is checked: what is there already is the caller's business.

        Parameters
        ----------
        store : ByteStore
            Where to.
        path : str
            Path in the store.
        spec : ArraySpec
            What it is.
        engine : str, optional
            Name of the engine.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        """
        array = cls(store, path, spec, engine)
        target = array._writable()
        for name, value in reversed(
            spec.documents().items()
        ):  # the one that makes it an array: last
            target.set(join(path, name), value)
        return array

    @property
    def engine_name(self) -> str:
        """Name of the engine that reads and writes the pixels."""
        return engines.choose(self._engine, self._store, self._known.spec).name

    # pixels

    def read(self, region: Region, out: NDArray | None = None) -> NDArray:
        """Pixels of a region.

        Parameters
        ----------
        region : tuple of slice
            Unit-step slices within bounds, one per axis.
        out : numpy.ndarray, optional
            Where to put them: C-contiguous, of the region's shape and the array's dtype.

        Raises
        ------
        ShapeError
            If the region leaves the array, or `out` does not fit.
        FormatError
            If a chunk is damaged.
        """
        pixels, spec = self._pixels()
        region = grid.check_region(region, spec.shape)
        if out is not None:
            shape = grid.region_shape(region)
            fits = out.shape == shape and out.dtype == spec.dtype and out.flags.c_contiguous
            if not (fits and out.flags.writeable):
                raise ShapeError(f"out must be C-contiguous, {shape} and {spec.dtype}")
        with chunk_errors(self.url):
            return pixels.read(region, out)

    def read_orthogonal(self, index: tuple[slice | NDArray, ...]) -> NDArray:
        """Pixels at the outer product of per-axis slices and non-negative integer vectors."""
        pixels = self._pixels()[0]
        with chunk_errors(self.url):
            return pixels.read_orthogonal(index)

    def read_points(self, coords: tuple[NDArray, ...]) -> NDArray:
        """Pixels at points: one non-negative integer array per axis, all of one shape."""
        pixels = self._pixels()[0]
        with chunk_errors(self.url):
            return pixels.read_points(coords)

    def write(self, region: Region, value: NDArray) -> None:
        """Write a region; a chunk written in part keeps its other pixels.

        Parameters
        ----------
        region : tuple of slice
            Unit-step slices within bounds, one per axis.
        value : numpy.ndarray
            Of the region's shape.

        Raises
        ------
        ShapeError
            If the region leaves the array, or the value has another shape.
        DTypeError
            If the array's data type cannot hold the values.
        ReadOnlyError
            If the store is read-only.
        NotFoundError
            If the array was moved or removed, be it while it was written: then part of the value
            may have been written, to where it is now.
        """
        self._writable()
        pixels, spec = self._pixels()
        region = grid.check_region(region, spec.shape)
        value = self._cast(value, spec)
        if value.shape != grid.region_shape(region):
            raise ShapeError(
                f"{self.url}: a value of shape {value.shape} for a region of shape "
                f"{grid.region_shape(region)}"
            )
        with self._staying():
            pixels.write(region, value)

    def write_orthogonal(self, index: tuple[slice | NDArray, ...], value: NDArray) -> None:
        """Write at the outer product of per-axis slices and integer vectors."""
        self._writable()
        pixels, spec = self._pixels()
        with self._staying():
            pixels.write_orthogonal(index, self._cast(value, spec))

    def write_points(self, coords: tuple[NDArray, ...], value: NDArray) -> None:
        """Write at points."""
        self._writable()
        pixels, spec = self._pixels()
        with self._staying():
            pixels.write_points(coords, self._cast(value, spec))

    def select(self, how: Callable[[Any, Shape], indexing.Selection], key: Any) -> Any:
        """Read what a key selects; the document is looked at once.

        Parameters
        ----------
        how : callable
            Turns a key and the shape into a selection, such as :func:`~.indexing.basic`.
        key : object
            What stands in the brackets.

        Raises
        ------
        BoundsError
            If the key does not fit.
        FormatError
            If a chunk is damaged.
        """
        spec = self.spec
        selection = how(key, spec.shape)
        pixels = self._opened(spec)
        with chunk_errors(self.url):
            return indexing.get(pixels, selection, spec.dtype)

    def __getitem__(self, key: Any) -> Any:
        return self.select(indexing.basic, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._put(indexing.basic(key, self.shape), value)

    @property
    def oindex(self) -> Indexer:
        """Orthogonal indexing: ``array.oindex[[0, 2], :, [1, 3]]`` is an outer product."""
        return Indexer(self, indexing.orthogonal)

    @property
    def vindex(self) -> Indexer:
        """Indexing by points: one integer array per axis, or a mask."""
        return Indexer(self, indexing.vectorised)

    def resize(self, shape: Sequence[SupportsIndex]) -> None:
        """Change the shape.

        Growing writes one document. Shrinking first gives the pixels outside the fill value in
        the chunks that stay, then writes the document, then removes the other chunks; so what is
        cut off never comes back when the array grows again.

        Parameters
        ----------
        shape : sequence of int
            New size along each axis.

        Raises
        ------
        ShapeError
            If the number of axes differs, or a size is negative.
        ReadOnlyError
            If the store is read-only.
        """
        with self._locked() as target:
            old = self.spec
            new = old.resized(shape)
            if new.shape == old.shape:
                return
            kept = tuple(min(a, b) for a, b in zip(old.shape, new.shape, strict=True))
            for index, region in cut_off_edges(old, kept):
                if self.encoded(index) is not None:
                    self._pixels()[0].write(region, fill_block(old, region))
            name = DOCUMENTS[old.zarr_format][0]
            target.set(join(self._path, name), new.documents()[name])
            for index in cut_off_units(old, kept):
                target.delete(join(self._path, old.unit_key(index)))

    # other libraries' own objects

    def tensorstore(self, **kwargs: Any) -> tensorstore.TensorStore:
        """Open the array as a ``tensorstore.TensorStore``.

        Parameters
        ----------
        **kwargs
            For ``tensorstore.open``; for an array in a file that is not Zarr, which is shown for
            reading, for ``tensorstore.virtual_chunked``.

        Raises
        ------
        EngineError
            If TensorStore cannot open it.
        ForkError
            If TensorStore was used before this process was forked.
        """
        from iohub.storage.local import LocalBytes
        from iohub.storage.ozx import ArchiveBytes
        from iohub.storage.tensorstore_engine import ENGINE, open_tensorstore, view_tensorstore

        spec = self.spec
        if isinstance(self._store, VirtualBytes | ArchiveBytes):
            return view_tensorstore(self._pixels()[0], spec, **kwargs)
        reason = ENGINE.refuses(self._store, spec)
        if reason is not None or not isinstance(self._store, LocalBytes):
            raise EngineError(f"TensorStore cannot open {self.url}: {reason}")
        return open_tensorstore(self._store, self._path, spec, **kwargs)

    def zarr_array(self, mode: Literal["r", "r+"] | None = None) -> zarr.Array[Any]:
        """Return the array as a real ``zarr.Array``; inside zarr's event loop as last seen.

        Parameters
        ----------
        mode : {"r", "r+"}, optional
            As the store was opened by default.

        Raises
        ------
        ReadOnlyError
            If the store is read-only and writing is asked for.
        """
        from iohub.storage.zarr_engine import open_array

        if mode == "r+":
            self._writable()
        chosen: Literal["r", "r+"] = mode or ("r" if self.read_only else "r+")
        return open_array(self._store, self._path, self.spec, mode=chosen)

    # inside

    def _pixels(self) -> tuple[Pixels, ArraySpec]:
        spec = self.spec
        return self._opened(spec), spec

    def _opened(self, spec: ArraySpec) -> Pixels:
        held, pid = self._open, os.getpid()
        same = held is not None and (
            held.metadata is spec.metadata or held.metadata == spec.metadata
        )
        if held is None or held.pid != pid or not same:
            engine = engines.choose(self._engine, self._store, spec)
            opened = engine.open(self._store, self._path, spec)
            held = self._open = _Open(pid, spec.metadata, engine.name, opened)
        return held.pixels

    def _get(self, how: Callable[[Any, Shape], indexing.Selection], key: Any) -> Any:
        return self.select(how, key)

    def _put(self, selection: indexing.Selection, value: Any) -> None:
        self._writable()
        indexing.put(self, selection, self._cast(value, self._known.spec))

    def _cast(self, value: Any, spec: ArraySpec) -> NDArray:
        return cast_exactly(value, spec.dtype, self.url)
