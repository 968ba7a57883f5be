"""The image of one record as an adapter's array: its axes, and chunks that are read alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeGuard

import numpy as np

from iohub.errors import AccessError, FormatError, IohubError, NotFoundError, UnreachableError
from iohub.formats.ome_arrow.casting import holds
from iohub.formats.ome_arrow.pixels import PartPixels, Sizes, Stored
from iohub.storage import grid
from iohub.types import NDArray, Region, Shape

AXES = "tczyx"
"""The axes of a record, in their order."""


class ReadsLines(PartPixels, Protocol):
    """Pixels of parts, of which some lines can be read without the others."""

    @property
    def raw(self) -> bool:
        """Whether no part has to be decoded as a whole."""

    def lines(self, index: int, width: int, start: int, stop: int) -> NDArray | None:
        """Return lines of a part of one plane; None if it has to be decoded as a whole."""


class Gathers(Protocol):
    """Pixels of an image that are read by regions, whatever parts they lie in."""

    def gather(self, region: Region) -> NDArray:
        """Return a region (T, C, Z, Y, X)."""


def _reads_lines(pixels: object) -> TypeGuard[ReadsLines]:
    return hasattr(pixels, "lines")  # asking Python for the protocol takes as long as reading some


class RecordReader:
    """Pixels of a record.

    Parameters
    ----------
    load : callable
        Finds the pixels.
    sizes : tuple of int
        Of the image (T, C, Z, Y, X).
    dtype : numpy dtype
        What the record says that pixels are.
    axes : str
        Letters of the array's axes in their order; axes of the record that are left out have
        one pixel.
    chunk : tuple of int
        What is read at a time (Z, Y, X).
    where : str
        File, column and row, for messages.
    resident : bool
        Whether what `load` returns is in memory anyway, so that it may be kept.
    """

    def __init__(
        self,
        load: Callable[[], Stored | Gathers],
        sizes: Sizes,
        dtype: np.dtype[Any],
        axes: str,
        chunk: tuple[int, int, int],
        where: str,
        resident: bool = False,
    ):
        self._load, self._axes = load, axes
        self._where, self._resident = where, resident
        self._kept: Stored | Gathers | None = None
        self.dtype = dtype
        full = (1, 1, *(max(1, min(a, b)) for a, b in zip(chunk, sizes[2:], strict=True)))
        order = [AXES.index(letter) for letter in axes]
        self.shape: Shape = tuple(sizes[i] for i in order)
        self.chunks: Shape = tuple(full[i] for i in order)

    def _found(self) -> Stored | Gathers:
        """Return where pixels are; kept, if that does not keep pixels themselves."""
        found = self._kept
        if found is None:
            found = self._load()
            light = not isinstance(found, Stored) or _reads_lines(found.pixels)
            if self._resident or light:
                self._kept = found
        return found

    def chunk(self, index: Shape) -> NDArray:
        """Return a chunk, cut at the border of the array."""
        return self._read(grid.unit_region(index, self.shape, self.chunks))

    def region(self, region: Region, out: NDArray | None) -> NDArray | None:
        """Return a region if only its lines are to be read; None if parts are to be decoded."""
        with self._named():
            if not _is_raw(self._found()):
                return None
        found = self._read(region)
        if out is None:
            return found
        out[...] = found
        return out

    # steps

    def _read(self, region: Region) -> NDArray:
        spans = dict(zip(self._axes, region, strict=True))
        wanted = tuple(spans.get(letter, slice(0, 1)) for letter in AXES)
        with self._named():
            block = self._gather(wanted)
            if block.dtype != self.dtype:
                if not holds(block, self.dtype):
                    raise FormatError(
                        f"pixels of type {block.dtype} do not fit the type {self.dtype} that the "
                        "record says; iohub.arrow.OMEArrow reads them as they are"
                    )
                block = block.astype(self.dtype)
        kept = tuple(slice(None) if letter in self._axes else 0 for letter in AXES)
        left = [letter for letter in AXES if letter in self._axes]
        return block[kept].transpose([left.index(letter) for letter in self._axes])

    def _gather(self, wanted: Region) -> NDArray:
        stored = self._found()
        if not isinstance(stored, Stored):
            return stored.gather(wanted)
        starts = np.array([part.start for part in wanted])
        stops = np.array([part.stop for part in wanted])
        places = stored.places
        begins = places[:, :5]
        ends = begins + np.concatenate([np.ones_like(places[:, :2]), places[:, 5:]], axis=1)
        touched = np.flatnonzero(((begins < stops) & (ends > starts)).all(axis=1))
        shape = tuple((stops - starts).tolist())
        kind = self.dtype if stored.pixels is None else stored.pixels.dtype
        out = np.zeros(shape, kind)
        for index in touched.tolist():
            low = np.maximum(begins[index], starts)
            high = np.minimum(ends[index], stops)
            offsets = low - begins[index], high - begins[index]
            block = _part(stored, index, places[index], *offsets)
            at = tuple(slice(a, b) for a, b in zip(low - starts, high - starts, strict=True))
            out[at] = block
        return out

    def _named(self) -> _Named:
        return _Named(self._where)


def _is_raw(stored: Stored | Gathers) -> bool:
    """Whether some lines can be read without the others."""
    if not isinstance(stored, Stored):
        return False
    pixels: object = stored.pixels
    return _reads_lines(pixels) and pixels.raw and bool((stored.places[:, 5] == 1).all())


def _part(stored: Stored, index: int, place: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """Return what is wanted of a part (1, 1, Z, Y, X)."""
    pixels = stored.pixels
    assert pixels is not None
    depth, height, width = place[5:].tolist()
    y, stop = int(low[3]), int(high[3])
    x = slice(int(low[4]), int(high[4]))
    if depth == 1 and _reads_lines(pixels):
        lines = pixels.lines(index, width, y, stop)
        if lines is not None:
            return lines[None, None, None, :, x]
    count = depth * height * width
    values = pixels.part(index, count)
    if values.size != count:
        raise FormatError(f"part {index} has {values.size} pixels, not {count}")
    z = slice(int(low[2]), int(high[2]))
    return values.reshape(1, 1, depth, height, width)[:, :, z, y:stop, x]


class _Named:
    """Says in errors which record they are about."""

    def __init__(self, where: str):
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AccessError | UnreachableError | NotFoundError):
            return  # of a server, and about the file
        if isinstance(error, IohubError):
            raise FormatError(f"{self._where}: {error}") from error
        if isinstance(error, OSError | ValueError | IndexError | OverflowError):
            raise FormatError(f"{self._where}: its pixels cannot be read: {error}") from error
