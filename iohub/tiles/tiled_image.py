"""An image made of tiles, before it is written: places, sources, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

import numpy as np
from pydantic import Field, field_validator

from iohub.errors import TilingError
from iohub.tiles.acquisition import AcquisitionDetails, AxisFrame
from iohub.tiles.axes import CANONICAL_AXES, CanonicalAxis, check_axes
from iohub.tiles.channels import ChannelInfo
from iohub.tiles.collections import CollectionInterfaceType
from iohub.tiles.layout import TileTable
from iohub.tiles.loader_interface import ImageLoaderInterfaceType
from iohub.tiles.pasting import Pasted, boxes, lazy
from iohub.tiles.regions import PixelSize, Roi, RoiSlice, bulk_union
from iohub.tiles.spellings import TilesModel
from iohub.tiles.tile import AttributeType, Tile, collection_of
from iohub.tiles.tile_groups import TileFOVGroup, TileSlice
from iohub.types import NDArray

if TYPE_CHECKING:
    import dask.array as da

# Sizes of pixels that differ by less come from rounding, not from another objective.
_SAME = 1e-6
_NUMBERS: dict[str, int] = {axis: number for number, axis in enumerate(CANONICAL_AXES)}
_SIZES: dict[CanonicalAxis, str] = {
    "x": "pixelsize",
    "y": "pixelsize_y",
    "z": "z_spacing",
    "t": "t_spacing",
}


class TiledImage(TilesModel, Generic[CollectionInterfaceType, ImageLoaderInterfaceType]):
    """An image made of tiles.

    Attributes
    ----------
    regions : list of TileSlice
        Its tiles; of those that overlap, the last is seen.
    path : str
        Where it goes, below the directory of the conversion.
    name : str or None
        Its name.
    pixelsize : float
        Size of a pixel along x [µm], and along y unless ``pixelsize_y`` is given; also taken, and
        read, as ``xy_pixel_size``.
    pixelsize_y : float or None
        Size of a pixel along y [µm].
    z_spacing, t_spacing : float
        Distance of two planes [µm], time between two frames [s].
    data_type : str
        Data type of its pixels.
    axes : list of str
        Its axes.
    collection : CollectionInterface
        Where it goes.
    channels : list of ChannelInfo or None
        One for each index of the c axis.
    translation : list of float or None
        Where its first pixel lies on the stage, by axis [µm].
    attributes : dict
        What else is known of it, by name a list of values.
    """

    renamed: ClassVar[dict[str, str]] = {"xy_pixel_size": "pixelsize"}

    regions: list[TileSlice[ImageLoaderInterfaceType]] = Field(default_factory=list)
    path: str
    name: str | None = None
    pixelsize: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    pixelsize_y: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    z_spacing: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    t_spacing: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    data_type: str
    axes: list[CanonicalAxis]
    collection: CollectionInterfaceType
    channels: list[ChannelInfo] | None = None
    translation: list[float | int] | None = None
    attributes: dict[str, AttributeType] = Field(default_factory=dict)

    @field_validator("axes")
    @classmethod
    def _canonical(cls, axes: list[CanonicalAxis]) -> list[CanonicalAxis]:
        return check_axes(axes)

    @field_validator("data_type")
    @classmethod
    def _known_type(cls, name: str) -> str:
        try:
            return str(np.dtype(name))
        except TypeError as error:
            raise ValueError(f"{name!r} is no data type") from error

    @field_validator("collection", mode="before")
    @classmethod
    def _collection_of(cls, value: Any) -> Any:
        return collection_of(cls, value)

    @property
    def pixel_size(self) -> PixelSize:
        """Sizes of a pixel."""
        y = self.pixelsize_y or self.pixelsize
        return PixelSize(x=self.pixelsize, y=y, z=self.z_spacing, t=self.t_spacing)

    def group_by_fov(self) -> list[TileFOVGroup[ImageLoaderInterfaceType]]:
        """Return the tiles of each field of view, in the order in which these first come.

        Raises
        ------
        TilingError
            If the region of a tile has no name; a :class:`ValueError`.
        """
        groups: dict[str, list[TileSlice[ImageLoaderInterfaceType]]] = {}
        for region in self.regions:
            groups.setdefault(self._fov_of(region), []).append(region)
        size = self.pixel_size
        return [
            TileFOVGroup.model_construct(
                fov_name=name,
                regions=regions,
                axes=self.axes,
                pixel_size=size,
                data_type=self.data_type,
            )
            for name, regions in groups.items()
        ]

    def _fov_of(self, region: TileSlice[Any]) -> str:
        if region.roi.name is None:
            raise TilingError(
                f"image {self.path!r} has a tile without a name, so that its field of view is not "
                f"known: {region.image_loader.describe_source()}"
            )
        return region.roi.name

    def add_tile(self, tile: Tile[Any, Any], add_translation: bool = False) -> None:
        """Add a tile.

        Parameters
        ----------
        tile : Tile
            The tile; its acquisition must have the channels, axes and sizes of the image.
        add_translation : bool
            Whether the image's translation becomes the smallest start of its tiles.

        Raises
        ------
        TilingError
            If the acquisition differs; image, tile, and both values are named.
        """
        self.add_tiles([tile], add_translation)

    def add_tiles(self, tiles: Sequence[Tile[Any, Any]], add_translation: bool = False) -> None:
        """Add several tiles.

        Parameters
        ----------
        tiles : sequence of Tile
            The tiles; their acquisitions must have the channels, axes and sizes of the image.
        add_translation : bool
            Whether the image's translation becomes the smallest start of its tiles.

        Raises
        ------
        TilingError
            If an acquisition differs; image, tile, and both values are named.
        """
        # Tiles mostly share one object, which is looked at once.
        frames: dict[int, tuple[AxisFrame, ...]] = {}
        regions = []
        for tile in tiles:
            details = tile.acquisition_details
            frame = frames.get(id(details))
            if frame is None:
                self._check(tile)
                frame = frames[id(details)] = details.frame()
            regions.append(TileSlice[Any].from_tile(tile, frame))
        self.regions.extend(regions)
        if add_translation and regions:
            corners = [
                [slice_.start if slice_.axis_name in "zyx" else 0.0 for slice_ in r.roi.slices]
                for r in regions
            ]
            known = [self.translation] if self.translation else []
            self.translation = [min(starts) for starts in zip(*known, *corners, strict=True)]

    def _check(self, tile: Tile[Any, Any]) -> None:
        details: AcquisitionDetails = tile.acquisition_details
        for name in ("channels", "axes"):
            if getattr(details, name) != getattr(self, name):
                self._refuse(tile, name, getattr(details, name), getattr(self, name))
        own = self.pixel_size
        for axis, name in _SIZES.items():
            if not isclose(details.spacing(axis), own.get(axis), rel_tol=_SAME):
                self._refuse(tile, name, details.spacing(axis), own.get(axis))

    def _refuse(self, tile: Tile[Any, Any], name: str, value: Any, own: Any) -> None:
        if name == "channels":
            value, own = ([c.channel_label for c in each or ()] or None for each in (value, own))
        first = f", as its first tile {self.regions[0].describe()} has" if self.regions else ""
        raise TilingError(
            f"{tile.describe()} cannot go into image {self.path!r}: {name} of tile and image do "
            f"not match: it is {value}, the image has {own}{first}; tiles of one image share their "
            "acquisition_details"
        )

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the smallest box around all tiles [pixels]."""
        return self._pasted().shape

    def output_shape(self) -> tuple[int, ...]:
        """Return the shape of the image that is written: from 0 to the last pixel [pixels].

        Raises
        ------
        TilingError
            If a tile starts below 0; remove offsets first.
        """
        pasted = self._pasted()
        if min(pasted.origin) < 0:
            raise TilingError(
                f"image {self.path!r} has tiles that start below 0 ({pasted.origin} along "
                f"{', '.join(self.axes)}): remove the offset"
            )
        return tuple(n + start for n, start in zip(pasted.shape, pasted.origin, strict=True))

    def roi(self) -> Roi:
        """Return the box around all tiles, named as the image."""
        return bulk_union([region.roi for region in self.regions], self.name or self.path)

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels of the box around all tiles; where there is no tile they are 0.

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
        return self._pasted(resource)[...]

    def load_data_dask(
        self, resource: Any | None = None, chunks: tuple[int, ...] | None = None
    ) -> da.Array:
        """Return the pixels as a dask array, which reads them when they are needed.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.
        chunks : tuple of int, optional
            Sizes of its chunks; one chunk if not given.
        """
        pasted = self._pasted(resource)
        return lazy(pasted, chunks or pasted.shape)

    def _pasted(self, resource: Any | None = None) -> Pasted:
        return Pasted(self.regions, self.axes, self.pixel_size, self.data_type, resource)

    def table(self) -> TileTable:
        """Return where the tiles lie as arrays; sources are indices of ``regions``."""
        names = [self._fov_of(region) for region in self.regions]
        starts, lengths = boxes([r.roi for r in self.regions], CANONICAL_AXES, self.pixel_size)
        return TileTable.of(names, starts, lengths)

    def placed(self, table: TileTable, channels: Sequence[int] | None = None) -> Self:
        """Return the image with its tiles at other places.

        Parameters
        ----------
        table : TileTable
            Made of :meth:`table`: as many tiles, in the same order.
        channels : sequence of int, optional
            Indices of the channels that are left, in their order.
        """
        sizes = np.array([self.pixel_size.get(axis) for axis in CANONICAL_AXES])
        starts, lengths = (table.starts * sizes).tolist(), (table.lengths * sizes).tolist()
        regions = []
        for region, start, length in zip(self.regions, starts, lengths, strict=True):
            slices = []
            for each in region.roi.slices:
                number = _NUMBERS[each.axis_name]
                slices.append(RoiSlice(each.axis_name, start[number], length[number]))
            roi = region.roi.with_slices(slices, "world")
            regions.append(region.model_copy(update={"roi": roi}))
        update: dict[str, Any] = {"regions": regions}
        if channels is not None and self.channels is not None:
            update["channels"] = [self.channels[index] for index in channels]
        return self.model_copy(update=update)
