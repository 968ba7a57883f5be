"""Images made of equal tiles on a grid: one chunk (or stack of chunks) per tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from iohub.errors import ShapeError
from iohub.nodes import arguments
from iohub.nodes.image_array import ImageArray
from iohub.nodes.position import Position
from iohub.storage.grid import as_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from iohub.metadata.transforms import TransformationMeta
    from iohub.types import NDArray

PreDims = Sequence[int | slice | None]


class TiledImageArray(ImageArray):
    """An image whose Y and X chunks are tiles on a grid.

    A tile is addressed by row and column; the axes before Y and X are chosen by `pre_dims`.
    """

    _kind: ClassVar[str] = "tiled image"

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of a tile, the same as the chunk size of the underlying array."""
        return self.chunks

    @property
    def rows(self) -> int:
        """Number of tiles along Y."""
        return self.shape[-2] // self.tile_shape[-2]

    @property
    def columns(self) -> int:
        """Number of tiles along X."""
        return self.shape[-1] // self.tile_shape[-1]

    def get_tile_slice(
        self, row: int, column: int, pre_dims: PreDims | None = None
    ) -> tuple[slice, ...]:
        """Get the slices for a tile.

        Parameters
        ----------
        row, column : int
            Indices of the tile; negative ones count from the end.
        pre_dims : tuple of int, slice or None, optional
            Indices or slices of the axes before Y and X, such as (t, c, z). None, also for one
            axis, selects all.

        Returns
        -------
        tuple of slice
            One per axis; an index is a slice of length one.

        Raises
        ------
        BoundsError
            If there is no such tile; an :class:`IndexError`.
        ShapeError
            If `pre_dims` has not one entry per axis before Y and X; a :class:`ValueError`.
        """
        places = []
        for index, count, what in ((row, self.rows, "row"), (column, self.columns, "column")):
            places.append(arguments.place(index, count, f"tile {what}"))
        leading = self.ndim - 2
        chosen: list[int | slice | None] = [None] * leading
        if pre_dims is not None:
            chosen = arguments.listed(pre_dims, "pre_dims", "integers, slices or None")
        if len(chosen) != leading:
            raise ShapeError(
                f"pre_dims {tuple(chosen)} has {len(chosen)} entries for the {leading} axes before "
                "Y and X"
            )
        slices = [_as_slice(c, n) for c, n in zip(chosen, self.shape, strict=False)]
        tile = zip(places, self.tile_shape[-2:], strict=True)
        return (*slices, *(slice(p * size, (p + 1) * size) for p, size in tile))

    def get_tile(self, row: int, column: int, pre_dims: PreDims | None = None) -> NDArray:
        """Read a tile, of all axes.

        Parameters
        ----------
        row, column, pre_dims
            As in :meth:`get_tile_slice`.

        Returns
        -------
        numpy.ndarray
            Pixels with the axes of the image, such as (T, C, Z, Y, X).
        """
        tile: NDArray = self[self.get_tile_slice(row, column, pre_dims)]
        return tile

    def write_tile(
        self, data: ArrayLike, row: int, column: int, pre_dims: PreDims | None = None
    ) -> None:
        """Write a tile.

        Parameters
        ----------
        data : array-like
            Pixels with the axes of the image; leading axes of length one may be left out.
        row, column, pre_dims
            As in :meth:`get_tile_slice`.

        Raises
        ------
        ShapeError
            If the data have another shape; a :class:`ValueError`.
        DTypeError
            If the image's data type cannot hold a value.
        """
        region = self.get_tile_slice(row, column, pre_dims)
        expected = tuple(
            len(range(*part.indices(n))) for part, n in zip(region, self.shape, strict=True)
        )
        values = np.asarray(arguments.pixels(data))
        squeezed = (1,) * (len(expected) - values.ndim) + values.shape
        if squeezed != expected:
            raise ShapeError(
                f"data of shape {values.shape} do not fit tile ({row}, {column}), which is "
                f"{expected}"
            )
        self[region] = values.reshape(expected)


def _as_slice(choice: int | slice | None, size: int) -> slice:
    if choice is None:
        return slice(0, size)
    if isinstance(choice, slice):
        return choice
    index = arguments.place(choice, size, "an index of pre_dims")
    return slice(index, index + 1)


class TiledPosition(Position):
    """Variant of the NGFF position node with methods to create and access tiled arrays.

    Other parameters and attributes are the same as :class:`Position`.
    """

    _kind: ClassVar[str] = "tiled position"
    _image_type: ClassVar[type[ImageArray]] = TiledImageArray

    def make_tiles(
        self,
        name: str,
        grid_shape: tuple[int, int],
        tile_shape: Sequence[int],
        dtype: DTypeLike,
        transform: Sequence[TransformationMeta] | None = None,
        chunk_dims: int = 2,
    ) -> TiledImageArray:
        """Make a tiled image array filled with zeros.

        Chunk size is inferred from tile shape.

        Parameters
        ----------
        name : str
            Name of the array.
        grid_shape : tuple of int
            2-tuple of the tiling grid shape (rows, columns).
        tile_shape : tuple of int
            Shape of each tile (up to 5D); missing leading axes have length one.
        dtype : dtype-like
            Data type in NumPy convention.
        transform : list of TransformationMeta, optional
            List of coordinate transformations, by default None. Should be specified for a
            non-native resolution level.
        chunk_dims : int
            Non-singleton dimensions of the chunksize, by default 2 (chunk by 2D (y, x) tile size).

        Returns
        -------
        TiledImageArray
            The new image.

        Raises
        ------
        ShapeError
            If the grid or the tile is no possible shape; a :class:`ValueError`.
        """
        ndim = len(self.axes)
        sizes = as_shape(tile_shape, "tile_shape")
        tile = (1,) * (ndim - len(sizes)) + sizes
        grid = as_shape(grid_shape, "grid_shape")
        if len(grid) != 2 or min(grid) < 1 or len(tile) != ndim or min(tile) < 1:
            raise ShapeError(
                f"grid_shape {grid} and tile_shape {sizes} must be (rows, columns) "
                f"and at most {ndim} positive sizes"
            )
        if not 2 <= arguments.whole(chunk_dims, "chunk_dims") <= ndim:
            raise ShapeError(f"chunk_dims must be 2 to {ndim}, not {chunk_dims}")
        shape = (*tile[:-2], tile[-2] * grid[0], tile[-1] * grid[1])
        chunks = (1,) * (ndim - chunk_dims) + tile[ndim - chunk_dims :]
        image = self.create_zeros(name, shape, dtype, chunks=chunks, transform=transform)
        return TiledImageArray(image._array, self.axes, self._session)
