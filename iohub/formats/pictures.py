"""PNG and JPEG files, one or a sequence of them by a pattern, through Pillow."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ClosedError, FormatError, NotFoundError
from iohub.formats.file_pattern import PatternFiles
from iohub.formats.image_sequence import (
    FileImage,
    first_file,
    pattern_of,
    sequence_files,
    sequence_images,
)
from iohub.formats.images import virtual_store
from iohub.formats.opening import local_group
from iohub.formats.tiff_plain_images import color_channels
from iohub.optional import need
from iohub.storage import grid
from iohub.storage.damage import named_errors
from iohub.storage.group import ZarrGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iohub.formats.tiff_pages import PageTable
    from iohub.storage.location import Location
    from iohub.storage.virtual import VirtualBytes
    from iohub.types import NDArray, Shape

name = "pictures"
title = "PNG and JPEG pictures"
suffixes: tuple[str, ...] = (".png", ".jpg", ".jpeg")
packages: tuple[str, ...] = ("PIL",)
extra = "pictures"

_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

# Modes of Pillow that are pixels as they are; others are turned into one of them.
_PLAIN = {"1", "L", "I;16", "I", "F", "RGB", "RGBA"}


def sniff(location: Location) -> bool:
    """Whether it is a PNG or JPEG file, or a pattern of which the first file is one."""
    path = location.local_path
    first = path if path is None or os.path.isfile(path) else first_file(path)
    if path is not None and pattern_of(path) is not None:
        first = first_file(path)
    if first is None:
        return False
    try:
        with open(first, "rb", buffering=0) as file:
            return file.read(8).startswith(_BEGINNINGS)
    except OSError:
        return False


def open_group(location: Location, *, engine: str | None = None) -> ZarrGroup:
    """Show pictures as a position, a series of positions or a plate.

    Parameters
    ----------
    location : Location
        A file, a pattern of files, or a file with one.
    engine : str, optional
        Name of the engine for pixels.

    Raises
    ------
    FormatError
        If the first one is damaged.
    MissingDependencyError
        If Pillow is not installed.
    """
    return local_group(location, open_store, engine)


def open_store(path: str) -> VirtualBytes:
    """Show pictures as the store that they could be; see :func:`open_group`."""
    if pattern_of(path) is None:
        found = PatternFiles((), (), (), {(): path})
    else:
        found = sequence_files(path)
    files = _Files(path, list(found.paths.values()))
    first = files.paths[list(found.paths).index(min(found.paths))]
    shape, dtype = files.describe(first)
    image = FileImage(np.zeros((1, 1, 1), np.int64), color_channels(shape[2], 1))
    reader = partial(PicturePixels, files, shape, dtype)
    images = sequence_images(path, found, image, reader, "pictures")
    return virtual_store(path, images, reopen=(open_store, (path,)), close=files.close)


class _Files:
    """Files that are opened for as long as each is read."""

    def __init__(self, url: str, paths: Sequence[str]):
        self.url, self.paths = url, paths
        self._closed = False

    def close(self) -> None:
        """Refuse to read from now on."""
        self._closed = True

    def describe(self, path: str) -> tuple[tuple[int, int, int], np.dtype[Any]]:
        """Return rows, columns and samples, and the type of the pixels; no pixel is decoded."""
        with self._open(path) as picture:
            mode = _mode(picture)
            width, height = picture.size
        shape = (height, width, len(mode) if mode in ("RGB", "RGBA") else 1)
        return shape, np.dtype({"1": "?", "I;16": "u2", "I": "i4", "F": "f4"}.get(mode, "u1"))

    def pixels(self, number: int) -> NDArray:
        """Decode a picture: rows, columns, samples."""
        if self._closed:
            raise ClosedError(f"{self.url} is closed; open it again with open_ome_zarr(...)")
        path = self.paths[number]
        with named_errors(path), self._open(path) as picture:
            mode = _mode(picture)
            found = np.asarray(picture if picture.mode in _PLAIN else picture.convert(mode))
        return found[..., None] if found.ndim == 2 else found

    def _open(self, path: str) -> Any:
        image = need("PIL.Image", extra="pictures", why="PNG and JPEG pictures")
        try:
            with named_errors(path):
                with open(path, "rb", buffering=0) as file:
                    if _is_deep_color(file.read(26)):
                        raise FormatError(
                            f"{path} has colors of 16 bit, of which Pillow reads 8; write it as "
                            "TIFF"
                        )
                return image.open(path, formats=("PNG", "JPEG"))
        except image.DecompressionBombError as error:
            raise FormatError(
                f"{path} says that it is larger than Pillow reads; it is damaged, or set "
                f"PIL.Image.MAX_IMAGE_PIXELS ({error})"
            ) from error
        except NotFoundError as error:
            raise NotFoundError(f"{path} is missing; {self.url} names it") from error


def _mode(picture: Any) -> str:
    """Return the mode in which a picture is read: colors of a palette as colors."""
    if picture.mode.startswith("I;16"):
        return "I;16"
    if picture.mode in _PLAIN:
        return str(picture.mode)
    return "RGBA" if picture.mode in ("LA", "PA") or "transparency" in picture.info else "RGB"


def _is_deep_color(head: bytes) -> bool:
    """Whether a file begins as a PNG with more than one sample of 16 bit."""
    return head.startswith(_BEGINNINGS[0]) and len(head) == 26 and head[24] == 16 and head[25] != 0


class PicturePixels:
    """Planes of pictures; a chunk is a picture, samples are channels.

    Parameters
    ----------
    files : _Files
        The pictures.
    shape : tuple of int
        Rows, columns and samples of each.
    dtype : numpy.dtype
        Of the pixels.
    table : PageTable
        Which file is which plane (t, c, z).
    """

    def __init__(
        self,
        files: _Files,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        table: PageTable,
    ):
        height, width, samples = shape
        t, c, z = table.file.shape
        self.shape: Shape = (t, c * samples, z, height, width)
        self.chunks: Shape = (1, samples, 1, height, width)
        self.dtype = dtype
        self._files, self._table, self._plane = files, table, shape

    def chunk(self, index: Shape) -> NDArray:
        """Decode a picture."""
        number = int(self._table.file[index[:3]])
        out = np.zeros(
            grid.region_shape(grid.unit_region(index, self.shape, self.chunks)), self.dtype
        )
        if number >= 0:
            found = self._files.pixels(number)
            if (found.shape, found.dtype) != (self._plane, self.dtype):
                raise FormatError(
                    f"{self._files.paths[number]} has {found.shape} {found.dtype} pixels, the "
                    f"others of {self._files.url} have {self._plane} {self.dtype}"
                )
            out[0, :, 0] = np.moveaxis(found, -1, 0)
        return out
