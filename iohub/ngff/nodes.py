"""Node classes; re-exports only."""

from __future__ import annotations

from iohub._open import open_ome_zarr
from iohub.metadata.axes import AxisMeta
from iohub.metadata.documents import TO_DICT_SETTINGS
from iohub.metadata.omero import WindowDict
from iohub.metadata.transforms import TransformationMeta
from iohub.nodes.base import NGFFNode
from iohub.nodes.image_array import ImageArray
from iohub.nodes.label import Label
from iohub.nodes.labels import Labels
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.row import Row
from iohub.nodes.scene import Scene
from iohub.nodes.series import Series
from iohub.nodes.tables import Tables
from iohub.nodes.tiled import TiledImageArray, TiledPosition
from iohub.nodes.well import Well
from iohub.types import PositionSpec

__all__ = [
    "TO_DICT_SETTINGS",
    "AxisMeta",
    "ImageArray",
    "Label",
    "Labels",
    "NGFFNode",
    "Plate",
    "Position",
    "PositionSpec",
    "Row",
    "Scene",
    "Series",
    "Tables",
    "TiledImageArray",
    "TiledPosition",
    "TransformationMeta",
    "Well",
    "WindowDict",
    "open_ome_zarr",
]
