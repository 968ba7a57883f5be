"""Pixels of tiles that are files: TIFF, pictures, ``.npy``, and images that iohub opens."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from typing import Any

import numpy as np

from iohub.errors import ArgumentError, FormatError, IohubError, NotFoundError
from iohub.optional import need
from iohub.tiles.loader_interface import ImageLoaderInterface, TileData
from iohub.tiles.urls import (
    basename_url,
    filesystem_for_url,
    is_absolute_url,
    is_remote,
    join_url_paths,
    read_bytes,
)
from iohub.types import NDArray

_KINDS = {
    "tiff": ("tif", "tiff", "tf2", "tf8", "btf", "stk"),
    "picture": ("png", "jpg", "jpeg", "bmp"),
    "npy": ("npy",),
    "image": ("zarr", "ozx", "nd2"),
}
_KIND_OF = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}


class DefaultImageLoader(ImageLoaderInterface):
    """Pixels of a TIFF, a picture (PNG, JPEG, BMP), a ``.npy`` file, or an image that iohub opens.

    Attributes
    ----------
    file_path : str
        Path or URL; below ``resource``, if that is given, unless it is absolute.
    """

    file_path: str

    def path(self, resource: Any | None = None) -> str:
        """Return where the file is.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.

        Raises
        ------
        ArgumentError
            If it is neither; a :class:`ValueError`.
        """
        if resource is None or resource == "":
            return self.file_path
        if not isinstance(resource, str | PathLike):
            raise ArgumentError(
                "DefaultImageLoader wants a directory (str or Path) or None as resource, got "
                f"{type(resource).__name__}"
            )
        base = str(fspath(resource))
        return (
            self.file_path
            if is_absolute_url(self.file_path)
            else join_url_paths(base, self.file_path)
        )

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels of the file.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.

        Raises
        ------
        NotFoundError
            If there is no such file.
        ArgumentError
            If its ending is unknown; a :class:`ValueError`.
        FormatError
            If it cannot be read.
        """
        path = self.path(resource)
        match _kind(path):
            case "tiff":
                return self.load_tiff(path)
            case "picture":
                return self.load_png(path)
            case "npy":
                return self.load_npy(path)
        return np.asarray(_open_image(path)[...])

    def load_tiff(self, path: str) -> NDArray:
        """Return the pixels of the first series of a TIFF.

        Parameters
        ----------
        path : str
            Path or URL.

        Raises
        ------
        FormatError
            If it is no TIFF, or is damaged.
        """
        tifffile = need("tifffile", extra="tiff", why=path)
        with _reading(path), tifffile.TiffFile(_source(path)) as file:
            return np.asarray(file.asarray())

    def load_png(self, path: str) -> NDArray:
        """Return the pixels of a picture.

        Parameters
        ----------
        path : str
            Path or URL.

        Raises
        ------
        FormatError
            If it is no picture, or is damaged.
        """
        pillow = need("PIL.Image", extra="pictures", why=path)
        with _reading(path), pillow.open(_source(path)) as picture:
            return np.asarray(picture)

    def load_npy(self, path: str) -> NDArray:
        """Return the pixels of a ``.npy`` file; one with pickled objects is refused.

        Parameters
        ----------
        path : str
            Path or URL.

        Raises
        ------
        FormatError
            If it is no such file, or is damaged.
        """
        with _reading(path):
            return np.asarray(np.load(io.BytesIO(read_bytes(path)), allow_pickle=False))

    def probe(self, resource: Any | None = None) -> TileData:
        """Return shape and data type, as the start of the file says them.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.
        """
        path = self.path(resource)
        match _kind(path):
            case "tiff":
                tifffile = need("tifffile", extra="tiff", why=path)
                with _reading(path), tifffile.TiffFile(_source(path)) as file:
                    return TileData(tuple(file.series[0].shape), np.dtype(file.series[0].dtype))
            case "npy" if not is_remote(path):
                with _reading(path):
                    array = np.load(path, mmap_mode="r", allow_pickle=False)
                    return TileData(tuple(array.shape), array.dtype)
            case "picture":
                pillow = need("PIL.Image", extra="pictures", why=path)
                with _reading(path), pillow.open(_source(path)) as picture:
                    known = _of_mode(picture.mode, picture.height, picture.width)
                if known is not None:
                    return known
            case "image":
                array = _open_image(path)
                return TileData(tuple(array.shape), np.dtype(array.dtype))
        return super().probe(resource)

    def glance(self, resource: Any | None = None) -> TileData | None:
        """Return shape and data type of a local file; a remote one is not asked before it is read.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.
        """
        return None if is_remote(self.path(resource)) else self.probe(resource)

    def describe_source(self, resource: Any | None = None) -> str:
        """Return the path of the file.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.
        """
        return self.path(resource)

    def preflight(self, resource: Any | None = None) -> None:
        """Raise an error if the file's ending is unknown, or its start cannot be read.

        Parameters
        ----------
        resource : str or os.PathLike, optional
            Directory that a relative path starts from.
        """
        self.probe(resource)


def _kind(path: str) -> str:
    _, dot, suffix = basename_url(path).rpartition(".")
    kind = _KIND_OF.get(suffix.lower()) if dot else None
    if kind is None:
        known = ", ".join(f".{suffix}" for suffix in _KIND_OF)
        raise ArgumentError(f"{path!r}: cannot handle a file of this kind; those known are {known}")
    return kind


def _of_mode(mode: str, height: int, width: int) -> TileData | None:
    """Return what a picture of a mode is as an array; None where that depends on its pixels."""
    samples = {"L": (), "I;16": (), "RGB": (3,), "RGBA": (4,)}.get(mode)
    if samples is None:
        return None
    return TileData((height, width, *samples), np.dtype(np.uint16 if ";" in mode else np.uint8))


def _source(path: str) -> Any:
    """Return what readers take: a local path, or an open file that reads by ranges."""
    if not is_remote(path):
        return path
    return filesystem_for_url(path, "Loading image").open(path, "rb")


def _open_image(path: str) -> Any:
    from iohub._open import open_ome_zarr

    node = open_ome_zarr(path, mode="r")
    first = getattr(node, "data", None)
    if first is None or not hasattr(first, "shape"):
        raise ArgumentError(f"{path!r} is no single image but {node!r}; give the path of an image")
    return first


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Say which file could not be read."""
    try:
        yield
    except IohubError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path!r}") from error
    except (OSError, ValueError, EOFError, IndexError, KeyError, RuntimeError) as error:
        raise FormatError(f"{path!r} cannot be read: {error}") from error
