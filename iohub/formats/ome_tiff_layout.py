"""How images are laid out in an OME-TIFF that is to be written: planes, levels, tiles, data types.

A level is that of a plane: TIFF keeps lower resolutions beside each plane, so only y and x shrink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from iohub.errors import AxisError, DTypeError, PyramidError, ShapeError
from iohub.storage.grid import ceil_div

if TYPE_CHECKING:
    from iohub.formats.images import ImageSource
    from iohub.storage.virtual import ChunkReader
    from iohub.types import Shape

OME_TYPES: Final = {
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
    "complex64": "complex",
    "complex128": "double-complex",
}
"""Types of pixels that OME-XML knows, and what it calls them."""

_STORED: Final = {"bool": "uint8", "float16": "float32", "int64": "int32", "uint64": "uint32"}
_RGB: Final = ("red", "green", "blue", "alpha")
_TILE: Final = 512
_UNTILED: Final = 4096
_STRIP_BYTES: Final = 256 * 2**10


@dataclass(frozen=True)
class LevelLayout:
    """A level of each plane of an image.

    Attributes
    ----------
    shape : tuple of int
        Height and width [pixels].
    segment : tuple of int
        Height and width of a tile or a strip [pixels].
    tiled : bool
        Whether segments are tiles, all of one size, or strips, of which the last is cut.
    reader : ChunkReader or None
        Where its pixels are read; None if they are made of those of the level above.
    factors : tuple of int
        How many pixels of the level above make one pixel here, along y and x.
    """

    shape: tuple[int, int]
    segment: tuple[int, int]
    tiled: bool
    reader: ChunkReader | None
    factors: tuple[int, int] = (1, 1)

    @property
    def count(self) -> int:
        """Segments of a plane."""
        return ceil_div(self.shape[0], self.segment[0]) * ceil_div(self.shape[1], self.segment[1])


@dataclass(frozen=True)
class ImageLayout:
    """An image as it will be in the file.

    Attributes
    ----------
    source : ImageSource
        What is written.
    sizes : dict of str to int
        Size along each of t, c, z, y and x.
    samples : int
        Channels that are in one plane; 1, except for colour images.
    dtype : numpy.dtype
        Of the pixels in the file, little-endian.
    levels : tuple of LevelLayout
        The highest resolution first.
    notes : tuple of str
        What of it is not as in the source, for people.
    """

    source: ImageSource
    sizes: dict[str, int]
    samples: int
    dtype: np.dtype[Any]
    levels: tuple[LevelLayout, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def grid(self) -> Shape:
        """How many planes there are along t, c and z; z is the fastest in the file."""
        return self.sizes["t"], self.sizes["c"] // self.samples, self.sizes["z"]

    @property
    def planes(self) -> int:
        """How many planes there are."""
        t, c, z = self.grid
        return t * c * z

    def plane_bytes(self, level: int = 0) -> int:
        """Size of a plane [bytes]."""
        height, width = self.levels[level].shape
        return height * width * self.samples * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Size of all pixels in the file, not compressed, with tiles at the border whole."""
        each = sum(
            level.count * level.segment[0] * level.segment[1]
            if level.tiled
            else np.prod(level.shape)
            for level in self.levels
        )
        return int(each) * self.samples * self.dtype.itemsize * self.planes


def plan_image(
    source: ImageSource,
    *,
    levels: int | None = None,
    can_reduce: bool = False,
    tile: tuple[int, int] | None = None,
    rgb: bool | None = None,
    compressed: bool = True,
) -> ImageLayout:
    """Lay out an image.

    Parameters
    ----------
    source : ImageSource
        What is written.
    levels : int, optional
        How many levels to make; None takes those of the source, if only y and x shrink in them.
    can_reduce : bool
        Whether levels can be made, where those of the source cannot be taken.
    tile : tuple of int, optional
        Height and width of tiles; chosen if not given.
    rgb : bool, optional
        Whether three or four channels become samples of one plane; None: those of 8 or 16 bits
        that are called Red, Green, Blue (and Alpha).
    compressed : bool
        Whether segments are compressed.

    Raises
    ------
    AxisError, DTypeError, PyramidError, ShapeError
        If OME-TIFF cannot hold it.
    """
    top = source.levels[0]
    sizes = _sizes(source, top.shape)
    stored = stored_dtype(top.dtype, source.name)
    samples = _samples(source, sizes, stored, rgb)
    shapes, readers, notes = _levels(source, levels, can_reduce)
    if stored.name != top.dtype.name:
        notes.append(f"pixels of type {top.dtype} are stored as {stored.name}")
    made = []
    above = shapes[0]
    for shape, reader in zip(shapes, readers, strict=True):
        height, width = shape
        tiled = tile is not None or len(shapes) > 1 or max(shapes[0]) > _UNTILED
        if tile is not None:
            segment = tile
        elif tiled:
            segment = (min(_TILE, ceil_div(height, 16) * 16), min(_TILE, ceil_div(width, 16) * 16))
        else:
            row = max(1, width * samples * stored.itemsize)
            rows = max(16, _STRIP_BYTES // row // 16 * 16)
            segment = (min(rows, height) if compressed else height, width)
        factors = (ceil_div(above[0], height), ceil_div(above[1], width))
        made.append(LevelLayout(shape, segment, tiled, reader, factors))
        above = shape
    return ImageLayout(source, sizes, samples, stored, tuple(made), tuple(notes))


def stored_dtype(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """Return the type in which pixels are stored, little-endian.

    Booleans become 0 and 1, half-precision floats single-precision; integers of 64 bits are stored
    in 32 bits, which is checked when they are written.

    Raises
    ------
    DTypeError
        If OME-TIFF has none for them.
    """
    known = _STORED.get(dtype.name, dtype.name)
    if known not in OME_TYPES:
        raise DTypeError(
            f"OME-TIFF has no pixels of type {dtype}, which {name!r} has; there are "
            f"{', '.join(OME_TYPES)}"
        )
    return np.dtype(known).newbyteorder("<")


def _sizes(source: ImageSource, shape: Shape) -> dict[str, int]:
    """Return the size along each axis, 1 along those that the image does not have."""
    axes = source.axes
    if len(axes) != len(shape) or len(set(axes)) != len(axes) or not set("yx") <= set(axes):
        raise AxisError(f"axes {axes!r} do not name those of {source.name!r}, of shape {shape}")
    if not set(axes) <= set("tczyx"):
        raise AxisError(
            f"OME-TIFF has the axes t, c, z, y and x; {source.name!r} has {', '.join(axes)}"
        )
    if 0 in shape:
        raise ShapeError(
            f"{source.name!r} is empty, of shape {shape}; OME-TIFF holds no such image"
        )
    return dict.fromkeys("tczyx", 1) | dict(zip(axes, shape, strict=True))


def _samples(
    source: ImageSource, sizes: dict[str, int], dtype: np.dtype[Any], rgb: bool | None
) -> int:
    count = sizes["c"]
    if rgb is None:
        names = tuple(channel.name.lower() for channel in source.channels)
        small = dtype.kind == "u" and dtype.itemsize <= 2
        return count if small and count in (3, 4) and names == _RGB[:count] else 1
    if rgb and count not in (3, 4):
        raise ShapeError(f"rgb=True is for 3 or 4 channels; {source.name!r} has {count}")
    return count if rgb else 1


def _levels(
    source: ImageSource, wanted: int | None, can_reduce: bool
) -> tuple[list[tuple[int, int]], list[ChunkReader | None], list[str]]:
    """Return the shapes of the levels, who reads them, and what is not as in the source."""
    y, x = source.axes.index("y"), source.axes.index("x")
    top = source.levels[0]
    shapes = [(top.shape[y], top.shape[x])]
    readers: list[ChunkReader | None] = [top]
    if wanted is not None and wanted > 1 and not can_reduce:
        raise PyramidError("levels can only be made if there is a way to reduce pixels")
    if wanted is None:
        fitting = _fitting(source)
        if len(fitting) == len(source.levels):
            return [(each.shape[y], each.shape[x]) for each in fitting], [*fitting], []
        what = "lower levels that are not smaller in y and x alone"
        if not can_reduce:
            kept = [(each.shape[y], each.shape[x]) for each in fitting]
            return kept, [*fitting], [f"{what} are left out"]
        wanted, notes = len(source.levels), [f"{what} are made anew"]
    else:
        notes = []
    while len(shapes) < wanted and max(shapes[-1]) > 1:
        height, width = shapes[-1]
        shapes.append((ceil_div(height, 2), ceil_div(width, 2)))
        readers.append(None)
    return shapes, readers, notes


def _fitting(source: ImageSource) -> Sequence[ChunkReader]:
    """Return the levels, from the first on, that are smaller in y and x alone."""
    plane = [source.axes.index("y"), source.axes.index("x")]
    kept = list(source.levels[:1])
    for level in source.levels[1:]:
        pairs = list(zip(kept[-1].shape, level.shape, strict=True))
        same = all(a == b for axis, (a, b) in enumerate(pairs) if axis not in plane)
        smaller = [pairs[axis] for axis in plane]
        if (
            not same
            or level.dtype != kept[0].dtype
            or any(below > above for above, below in smaller)
            or all(below == above for above, below in smaller)
        ):
            break
        kept.append(level)
    return kept
