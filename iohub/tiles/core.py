"""Tiles and images of tiles under the import path of the public package."""

from __future__ import annotations

from iohub.tiles.aggregation import tiled_image_from_tiles
from iohub.tiles.dataframe import hcs_images_from_dataframe, single_images_from_dataframe
from iohub.tiles.dummy_tiles import StartPosition, TileShape, build_dummy_tile
from iohub.tiles.tile import AttributeType, Tile
from iohub.tiles.tile_groups import TileFOVGroup, TileSlice
from iohub.tiles.tiled_image import TiledImage
from iohub.tiles.urls import find_url_type, join_url_paths, local_url_to_path

__all__ = [
    "AttributeType",
    "StartPosition",
    "Tile",
    "TileFOVGroup",
    "TileShape",
    "TileSlice",
    "TiledImage",
    "build_dummy_tile",
    "find_url_type",
    "hcs_images_from_dataframe",
    "join_url_paths",
    "local_url_to_path",
    "single_images_from_dataframe",
    "tiled_image_from_tiles",
]
