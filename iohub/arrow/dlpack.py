"""Tensors given to other libraries by DLPack, without a copy; torch and JAX, if they are there."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub import optional
from iohub.errors import ArgumentError, DeviceError

if TYPE_CHECKING:
    from iohub.types import NDArray

DEVICES = ("cpu", "cuda")
MODES = ("arrow", "numpy")


class Given:
    """An array that one other library takes over, by ``from_dlpack``.

    Parameters
    ----------
    values : ndarray
        The array; its memory lives as long as what was made of it.
    """

    def __init__(self, values: NDArray):
        self._values: NDArray | None = values

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Return the capsule, once.

        Raises
        ------
        DeviceError
            If it was taken before; a RuntimeError.
        """
        if self._values is None:
            raise DeviceError("this tensor was given away: ask for another one by to_dlpack()")
        values, self._values = self._values, None
        return capsule(
            values, stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return that the memory is the processor's."""
        return (1, 0)


class _Alias:
    """Memory of an array under another name, which may be written to; it keeps the array alive."""

    def __init__(self, values: NDArray):
        self._values = values
        self.__array_interface__ = {
            **values.__array_interface__,
            "data": (values.ctypes.data, False),
        }


def capsule(values: NDArray, **options: Any) -> Any:
    """Return the capsule of an array that may be read-only.

    Libraries that speak DLPack before version 1 cannot be told that memory is read-only. They get
    it none the less, as pyarrow gives it to them: what they do is for reading, as all of JAX.

    Parameters
    ----------
    values : ndarray
        The array.
    **options
        As ``numpy.ndarray.__dlpack__`` has them.
    """
    given = {key: value for key, value in options.items() if value is not None}
    if "max_version" in given:
        return values.__dlpack__(**given)
    shown = values if values.flags.writeable else np.asarray(_Alias(values))
    with warnings.catch_warnings():
        # NumPy 2.5 warns of such libraries.
        warnings.filterwarnings("ignore", "Exporting an unversioned", DeprecationWarning)
        return shown.__dlpack__(**given)


def check(device: str, mode: str) -> None:
    """Refuse devices and modes that there are not.

    Raises
    ------
    ArgumentError
        If one is unknown, or both do not go together; a ValueError.
    """
    if device not in DEVICES:
        raise ArgumentError(f"device is 'cpu' or 'cuda', not {device!r}")
    if mode not in MODES:
        raise ArgumentError(f"mode is 'arrow' or 'numpy', not {mode!r}")
    if mode == "arrow" and device == "cuda":
        raise ArgumentError(
            "mode='arrow' is memory of the processor as it is: give mode='numpy' for device='cuda'"
        )


def given(values: NDArray, device: str) -> Any:
    """Return an array as something that other libraries take, on a device.

    Raises
    ------
    DeviceError
        If there is no such device; a RuntimeError.
    MissingDependencyError
        If torch, which copies to it, is not installed; a RuntimeError.
    """
    return Given(values) if device == "cpu" else as_torch(values, device)


def as_torch(values: NDArray, device: str) -> Any:
    """Return an array as a torch tensor, which on the processor is the same memory.

    Raises
    ------
    MissingDependencyError
        If torch is not installed; a RuntimeError.
    DeviceError
        If there is no such device; a RuntimeError.
    """
    torch = optional.need("torch", why="tensors of torch")
    tensor = torch.from_dlpack(Given(values))
    if device == "cpu":
        return tensor
    if not torch.cuda.is_available():
        raise DeviceError("torch finds no CUDA device here: give device='cpu'")
    return tensor.to(device)


def as_jax(values: NDArray, device: str) -> Any:
    """Return an array as one of JAX; the same memory where JAX can use that, else a copy.

    Raises
    ------
    ArgumentError
        If there are gaps between the pixels.
    MissingDependencyError
        If JAX is not installed; a RuntimeError.
    DeviceError
        If there is no such device; a RuntimeError.
    """
    jax = optional.need("jax", why="arrays of JAX")
    optional.need("jax.dlpack", why="arrays of JAX")
    by_stride = np.argsort(values.strides)[::-1]
    if not values.transpose(by_stride).flags.c_contiguous:
        raise ArgumentError("JAX takes no pixels with gaps between them: give contiguous=True")
    array = jax.dlpack.from_dlpack(Given(values))
    if device == "cpu":
        return array
    try:
        return jax.device_put(array, jax.devices(device)[0])
    except RuntimeError as error:
        raise DeviceError(f"JAX finds no device {device!r} here: give device='cpu'") from error
