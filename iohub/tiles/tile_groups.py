"""Parts of an image of tiles: one tile's pixels with their place, and a field of view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, cast

import numpy as np
from pydantic import Field, field_validator

from iohub.errors import ShapeError
from iohub.tiles.acquisition import AxisFrame
from iohub.tiles.axes import CanonicalAxis
from iohub.tiles.loader_interface import ImageLoaderInterfaceType
from iohub.tiles.pasting import Pasted, boxes, lazy
from iohub.tiles.regions import PixelSize, Roi, bulk_union
from iohub.tiles.spellings import TilesModel
from iohub.tiles.tile import Tile, loader_of
from iohub.types import NDArray

if TYPE_CHECKING:
    import dask.array as da


class TileSlice(TilesModel, Generic[ImageLoaderInterfaceType]):
    """The pixels of one tile and where they lie.

    Attributes
    ----------
    roi : Roi
        Where they lie; named as the field of view.
    image_loader : ImageLoaderInterface
        How they are had.
    """

    roi: Roi
    image_loader: ImageLoaderInterfaceType

    @field_validator("image_loader", mode="before")
    @classmethod
    def _loader_of(cls, value: Any) -> Any:
        return loader_of(cls, "image_loader", value)

    @classmethod
    def from_tile(cls, tile: Tile[Any, Any], frame: tuple[AxisFrame, ...] | None = None) -> Self:
        """Return the part of a tile that is left once its image is known.

        Parameters
        ----------
        tile : Tile
            The tile.
        frame : tuple of AxisFrame, optional
            That of the acquisition, where it is known already.
        """
        made = cls.model_construct(roi=tile.to_roi(frame), image_loader=tile.image_loader)
        return cast("Self", made)

    def describe(self, resource: Any | None = None) -> str:
        """Return what messages call the tile: its field of view and its source.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.
        """
        return f"tile {self.roi.name!r} ({self.image_loader.describe_source(resource)})"

    def load_data(self, *, axes: Sequence[CanonicalAxis], resource: Any | None = None) -> NDArray:
        """Return the pixels with all axes of the image.

        Parameters
        ----------
        axes : sequence of str
            Axes of the image.
        resource : object, optional
            What loaders are given.

        Returns
        -------
        numpy.ndarray
            With one axis for each; axes that the source does not have come first and have length 1.

        Raises
        ------
        ShapeError
            If the source has more axes, which are longer than 1; a :class:`ValueError`.
        """
        data = self.image_loader.load_data(resource=resource)
        return data.reshape(self.fitted_shape(data.shape, axes, resource))

    def fitted_shape(
        self, shape: Sequence[int], axes: Sequence[CanonicalAxis], resource: Any | None = None
    ) -> tuple[int, ...]:
        """Return a shape with one number for each axis of the image.

        Parameters
        ----------
        shape : sequence of int
            As the source has it.
        axes : sequence of str
            Axes of the image.
        resource : object, optional
            What loaders are given; for the message.

        Raises
        ------
        ShapeError
            If the source has more axes, which are longer than 1; a :class:`ValueError`.
        """
        more = len(shape) - len(axes)
        if more > 0 and any(length != 1 for length in shape[:more]):
            raise ShapeError(
                f"{self.describe(resource)} has more axes than expected: its shape is "
                f"{tuple(shape)}, the axes are {', '.join(axes)}"
            )
        return (1,) * max(0, -more) + tuple(shape[max(0, more) :])


class TileFOVGroup(TilesModel, Generic[ImageLoaderInterfaceType]):
    """The tiles of one field of view.

    Attributes
    ----------
    fov_name : str
        Its name.
    regions : list of TileSlice
        Its tiles.
    axes : list of str
        Axes of the image.
    pixel_size : PixelSize
        Sizes of a pixel.
    data_type : str or None
        Data type of the image; None is that of the first tile.
    """

    fov_name: str
    regions: list[TileSlice[ImageLoaderInterfaceType]] = Field(default_factory=list)
    axes: list[CanonicalAxis]
    pixel_size: PixelSize
    data_type: str | None = None

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the box around all tiles [pixels]."""
        return self._pasted().shape

    def _pasted(self, dtype: str = "uint8", resource: Any | None = None) -> Pasted:
        return Pasted(self.regions, self.axes, self.pixel_size, dtype, resource)

    def roi(self) -> Roi:
        """Return the box around all tiles."""
        return bulk_union([region.roi for region in self.regions], self.fov_name)

    def ref_slice(self) -> TileSlice[ImageLoaderInterfaceType]:
        """Return the tile that is nearest to the origin: the first, if several are."""
        sizes = np.array([self.pixel_size.get(axis) for axis in self.axes])
        corners, _ = boxes([region.roi for region in self.regions], self.axes, self.pixel_size)
        return self.regions[int(np.argmin(np.linalg.norm(corners * sizes, axis=1)))]

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels of the field of view; where there is no tile they are 0.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.

        Raises
        ------
        ShapeError
            If a tile has another size than its region says; a :class:`ValueError`.
        DTypeError
            If a tile has values that the data type cannot hold; a :class:`TypeError`.
        """
        return self._pasted(self._dtype(resource), resource)[...]

    def _dtype(self, resource: Any | None) -> str:
        return self.data_type or self.ref_slice().image_loader.find_data_type(resource)

    def load_data_dask(
        self, resource: Any | None = None, chunks: tuple[int, ...] | None = None
    ) -> da.Array:
        """Return the pixels as a dask array, which reads them when they are needed.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.
        chunks : tuple of int, optional
            Sizes of its chunks; those of a tile if not given.
        """
        if chunks is None:
            chunks = Pasted([self.ref_slice()], self.axes, self.pixel_size).shape
        return lazy(self._pasted(self._dtype(resource), resource), chunks)
