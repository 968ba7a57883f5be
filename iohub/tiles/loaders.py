"""Pixels of tiles that are no files: arrays, nodes, functions; and the loader of anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np
from pydantic import ConfigDict, field_serializer

from iohub.errors import ArgumentError
from iohub.tiles.file_loaders import DefaultImageLoader
from iohub.tiles.loader_interface import ImageLoaderInterface, TileData
from iohub.types import NDArray


class ArrayImageLoader(ImageLoaderInterface):
    """Pixels of an array, or of a node: whatever has a shape, a data type and an index.

    It can be sent to another process if the array can, but it has no JSON.

    Attributes
    ----------
    array : array_like
        NumPy, dask, Zarr, xarray, or an :class:`~iohub.ngff.ImageArray`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, revalidate_instances="never")

    array: Any

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels.

        Parameters
        ----------
        resource : object, optional
            Not used.
        """
        return np.asarray(self.array[...])

    def probe(self, resource: Any | None = None) -> TileData:
        """Return shape and data type; no pixel is read.

        Parameters
        ----------
        resource : object, optional
            Not used.
        """
        return TileData(tuple(self.array.shape), np.dtype(self.array.dtype))

    def describe_source(self, resource: Any | None = None) -> str:
        """Return what messages call the array.

        Parameters
        ----------
        resource : object, optional
            Not used.
        """
        where = getattr(self.array, "path", None) or getattr(self.array, "name", None)
        name = type(self.array).__name__
        return f"{name} {where!r}" if isinstance(where, str) else f"{name} {self.array.shape}"

    @field_serializer("array")
    def _no_json(self, array: Any) -> Any:
        raise ArgumentError(
            f"{self.describe_source()} has no JSON: save it, and give its path as image_loader"
        )


class CallableImageLoader(ImageLoaderInterface):
    """Pixels that a function returns.

    Attributes
    ----------
    function : callable
        Called with ``resource`` if that is given, else with nothing.
    """

    function: Callable[..., Any]

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return what the function returns.

        Parameters
        ----------
        resource : object, optional
            Given to the function if it is not None.
        """
        return np.asarray(self.function() if resource is None else self.function(resource))

    def describe_source(self, resource: Any | None = None) -> str:
        """Return the name of the function.

        Parameters
        ----------
        resource : object, optional
            Not used.
        """
        return f"function {getattr(self.function, '__qualname__', self.function)}"

    @field_serializer("function")
    def _no_json(self, function: Callable[..., Any]) -> Any:
        raise ArgumentError(f"{self.describe_source()} has no JSON: make a loader model of it")


def as_loader(source: Any) -> Any:
    """Return the loader of what may be one: a path, an array, a node, a function, a mapping.

    Parameters
    ----------
    source : object
        Loaders, and what is none of these, are returned as they are.
    """
    if isinstance(source, ImageLoaderInterface):
        return source
    if isinstance(source, str | PathLike):
        return DefaultImageLoader(file_path=str(fspath(source)))
    if isinstance(source, Mapping):
        return DefaultImageLoader.model_validate(source)
    if hasattr(source, "shape") and hasattr(source, "dtype"):
        return ArrayImageLoader(array=source)
    if hasattr(source, "multiscales") or hasattr(source, "data"):
        return ArrayImageLoader(array=source["0"])
    return CallableImageLoader(function=source) if callable(source) else source
