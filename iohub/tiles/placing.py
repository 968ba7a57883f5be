"""An image whose tiles are moved as numbers: models of regions are made once, at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iohub.tiles.axes import CanonicalAxis
    from iohub.tiles.channels import ChannelInfo
    from iohub.tiles.layout import TileTable
    from iohub.tiles.tiled_image import TiledImage


@dataclass(frozen=True)
class Placing:
    """What registration steps use of a :class:`~iohub.tiles.tiled_image.TiledImage`.

    Attributes
    ----------
    image : TiledImage
        As it was before.
    places : TileTable
        Where its tiles are now.
    channels : list of ChannelInfo or None
        The channels that are left.
    """

    image: TiledImage[Any, Any]
    places: TileTable
    channels: list[ChannelInfo] | None

    @classmethod
    def of(cls, image: TiledImage[Any, Any]) -> Placing:
        """Begin to move the tiles of an image."""
        return cls(image, image.table(), image.channels)

    @property
    def axes(self) -> list[CanonicalAxis]:
        """Axes of the image."""
        return self.image.axes

    @property
    def path(self) -> str:
        """Where the image goes."""
        return self.image.path

    def table(self) -> TileTable:
        """Return where the tiles lie."""
        return self.places

    def placed(self, table: TileTable, channels: Sequence[int] | None = None) -> Placing:
        """Return it with the tiles at other places; see ``TiledImage.placed``."""
        left = self.channels
        if channels is not None and left is not None:
            left = [left[index] for index in channels]
        return replace(self, places=table, channels=left)

    def done(self) -> TiledImage[Any, Any]:
        """Return the image with its tiles where they are now."""
        made = self.image.placed(self.places)
        return made.model_copy(update={"channels": self.channels})
