"""Tiles whose pixels are made up, to try a conversion without files."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np

from iohub.tiles.acquisition import AcquisitionDetails
from iohub.tiles.collections import CollectionInterface
from iohub.tiles.loader_interface import ImageLoaderInterface, TileData
from iohub.tiles.tile import Tile
from iohub.types import NDArray


class StartPosition(NamedTuple):
    """Where a made-up tile starts.

    Attributes
    ----------
    x, y, z, t : float
        In the units that the acquisition says.
    c : int
        Index of its first channel.
    """

    x: float = 0
    y: float = 0
    z: float = 0
    c: int = 0
    t: float = 0


class TileShape(NamedTuple):
    """How many pixels a made-up tile has.

    Attributes
    ----------
    x, y, z, c, t : int
        Along each axis.
    """

    x: int = 256
    y: int = 256
    z: int = 1
    c: int = 1
    t: int = 1


class DummyLoader(ImageLoaderInterface):
    """Made-up pixels: a frame of 255, and inside one value for each plane and name.

    Attributes
    ----------
    shape : TileShape
        How many pixels.
    text : str
        Name of the field of view; decides on the values.
    font_scale : float
        Kept for files of the public package, which draws the name.
    """

    shape: TileShape
    text: str
    font_scale: float = 0.22

    def load_data(self, resource: Any | None = None) -> NDArray:
        """Return the pixels.

        Parameters
        ----------
        resource : object, optional
            Not used.

        Returns
        -------
        numpy.ndarray
            ``(T, C, Z, Y, X)``, uint8.
        """
        x, y, z, c, t = self.shape
        planes = np.arange(t * c * z, dtype=np.int64).reshape(t, c, z, 1, 1)
        values = 1 + (zlib.crc32(self.text.encode()) + planes) % 254
        data = np.repeat(np.repeat(values, y, axis=3), x, axis=4).astype(np.uint8)
        data[..., [0, -1], :] = 255
        data[..., [0, -1]] = 255
        return data

    def probe(self, resource: Any | None = None) -> TileData:
        """Return shape and data type.

        Parameters
        ----------
        resource : object, optional
            Not used.
        """
        return TileData(tuple(reversed(self.shape)), np.dtype(np.uint8))


def build_dummy_tile(
    *,
    fov_name: str,
    start: StartPosition,
    shape: TileShape,
    collection: CollectionInterface,
    acquisition_details: AcquisitionDetails,
    font_scale: float = 0.22,
) -> Tile[Any, Any]:
    """Return a tile with made-up pixels.

    Parameters
    ----------
    fov_name : str
        Its field of view.
    start : StartPosition
        Where it starts.
    shape : TileShape
        How many pixels it has.
    collection : CollectionInterface
        Where the image goes.
    acquisition_details : AcquisitionDetails
        What holds for every tile.
    font_scale : float
        Kept for files of the public package, which draws the name.
    """
    starts = {f"start_{axis}": value for axis, value in start._asdict().items()}
    lengths = {f"length_{axis}": value for axis, value in shape._asdict().items()}
    return Tile[Any, Any].model_validate(
        {
            "fov_name": fov_name,
            **starts,
            **lengths,
            "collection": collection,
            "image_loader": DummyLoader(shape=shape, text=fov_name, font_scale=font_scale),
            "acquisition_details": acquisition_details,
        }
    )
