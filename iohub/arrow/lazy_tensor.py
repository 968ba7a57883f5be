"""``LazyTensorView``: a plan of a tensor, whose record is read when pixels are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from iohub.arrow.selection import Index, Request, RoiType
from iohub.arrow.tensor_view import ChannelPolicy, ChunkPolicy, Data, TensorView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike

    from iohub.types import NDArray, Shape


class _Unset:
    """Says of an argument that it was not given."""

    def __repr__(self) -> str:
        return "<unset>"


_UNSET = _Unset()


class _Once:
    """A loader that is asked once; all plans that are made of one share what it has read."""

    def __init__(self, loader: Callable[[], Data]):
        self._loader: Callable[[], Data] | None = loader
        self._data: Data | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Data:
        with self._lock:
            if self._loader is not None:
                self._data = self._loader()
                self._loader = None
        assert self._data is not None
        return self._data


class LazyTensorView:
    """Plan of a :class:`.TensorView`; errors of selections come when it is carried out.

    Parameters
    ----------
    loader : callable
        Returns the record; called once, also for the plans that are made of this one.
    resolver : callable, optional
        Returns the tensor from the other arguments, as a dict; instead of `loader`.
    t, z, c, roi, roi3d, roi_nd, roi_type, tile, layout, dtype, chunk_policy, channel_policy
        As for :class:`.TensorView`.
    """

    def __init__(
        self,
        *,
        loader: Callable[[], Data],
        resolver: Callable[[dict[str, Any]], TensorView] | None = None,
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
        self._loader = loader if isinstance(loader, _Once) else _Once(loader)
        self._resolver = resolver
        self._asked: dict[str, Any] = {
            **vars(Request(t, z, c, roi, roi3d, roi_nd, roi_type, tile)),
            "layout": layout,
            "dtype": dtype,
            "chunk_policy": chunk_policy,
            "channel_policy": channel_policy,
        }
        self._view: TensorView | None = None
        self._lock = threading.Lock()

    def collect(self) -> TensorView:
        """Return the tensor; it is made once, by one thread.

        Raises
        ------
        IohubError
            As :class:`.TensorView`, and as reading the source does.
        """
        with self._lock:
            if self._view is None:
                if self._resolver is not None:
                    self._view = self._resolver(dict(self._asked))
                else:
                    self._view = TensorView(self._loader(), **self._asked)
            return self._view

    def select(
        self,
        *,
        t: Index | _Unset = _UNSET,
        z: Index | _Unset = _UNSET,
        c: Index | _Unset = _UNSET,
        roi: tuple[int, int, int, int] | _Unset | None = _UNSET,
        roi3d: tuple[int, int, int, int, int, int] | _Unset | None = _UNSET,
        roi_nd: tuple[int, ...] | _Unset | None = _UNSET,
        roi_type: RoiType | _Unset | None = _UNSET,
        tile: tuple[int, int] | _Unset | None = _UNSET,
    ) -> LazyTensorView:
        """Return a plan with other indices or regions; those that are not given stay.

        Parameters
        ----------
        t, z, c, roi, roi3d, roi_nd, roi_type, tile
            As for :class:`.TensorView`; None takes one back.
        """
        given = {
            "t": t,
            "z": z,
            "c": c,
            "roi": roi,
            "roi3d": roi3d,
            "roi_nd": roi_nd,
            "roi_type": roi_type,
            "tile": tile,
        }
        return self._with(
            **{name: value for name, value in given.items() if not isinstance(value, _Unset)}
        )

    def with_layout(self, layout: str) -> LazyTensorView:
        """Return a plan with other axes."""
        return self._with(layout=layout)

    @property
    def layout(self) -> str:
        """Letters of the axes: those that were asked for, else those that the image leads to."""
        given = self._asked["layout"]
        return given.upper() if given else self.collect().layout

    @property
    def shape(self) -> Shape:
        """Size along each axis; what the image says of itself is read for it."""
        return self.collect().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the tensor; what the image says of itself is read for it."""
        return self.collect().dtype

    @property
    def strides(self) -> Shape:
        """Steps along each axis [bytes]; pixels are read for it."""
        return self.collect().strides

    @property
    def device(self) -> str:
        """Where the pixels are: ``"cpu"``; nothing is read for it."""
        return "cpu"

    def __repr__(self) -> str:
        if self._view is not None:
            return repr(self._view).replace("<", "<Lazy", 1)
        given = [f"{name}={value!r}" for name, value in self._asked.items() if value is not None]
        return f"<LazyTensorView, not read yet: {', '.join(given)}>"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        """Return the pixels to NumPy."""
        return self.collect().__array__(dtype, copy)

    def __dlpack__(self, **options: Any) -> Any:
        """Give the tensor to another library; see :meth:`.TensorView.__dlpack__`."""
        return self.collect().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return that the memory is the processor's."""
        return (1, 0)

    def to_numpy(self, *, contiguous: bool = False) -> NDArray:
        """Return the pixels; see :meth:`.TensorView.to_numpy`."""
        return self.collect().to_numpy(contiguous=contiguous)

    def to_dlpack(
        self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow"
    ) -> Any:
        """Return the tensor for ``from_dlpack``; see :meth:`.TensorView.to_dlpack`."""
        return self.collect().to_dlpack(device=device, contiguous=contiguous, mode=mode)

    def to_torch(self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow") -> Any:
        """Return a torch tensor; see :meth:`.TensorView.to_torch`."""
        return self.collect().to_torch(device=device, contiguous=contiguous, mode=mode)

    def to_jax(self, *, device: str = "cpu", contiguous: bool = True, mode: str = "arrow") -> Any:
        """Return a JAX array; see :meth:`.TensorView.to_jax`."""
        return self.collect().to_jax(device=device, contiguous=contiguous, mode=mode)

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
        """Return batches or tiles; see :meth:`.TensorView.iter_dlpack`."""
        return self.collect().iter_dlpack(
            batch_size=batch_size,
            tile_size=tile_size,
            tiles=tiles,
            shuffle=shuffle,
            seed=seed,
            prefetch=prefetch,
            device=device,
            contiguous=contiguous,
            mode=mode,
        )

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
        """Return boxes; see :meth:`.TensorView.iter_tiles_3d`."""
        return self.collect().iter_tiles_3d(
            tile_size=tile_size,
            shuffle=shuffle,
            seed=seed,
            prefetch=prefetch,
            device=device,
            contiguous=contiguous,
            mode=mode,
        )

    def _with(self, **changed: Any) -> LazyTensorView:
        return LazyTensorView(
            loader=self._loader, resolver=self._resolver, **{**self._asked, **changed}
        )
