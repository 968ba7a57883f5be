"""The ways of placing tiles, and whether the fields of view become one image or one each."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from iohub.tiles.spellings import TilesModel


class AutoTiling(TilesModel):
    """Snap to a grid where positions are one, else to corners.

    Attributes
    ----------
    mode : str
        "Auto".
    tolerance : float
        How far positions may be from a grid [pixel].
    """

    mode: Literal["Auto"] = "Auto"
    tolerance: float = Field(default=1, ge=0, allow_inf_nan=False)


class SnapToGridTiling(TilesModel):
    """Close gaps and overlaps of a regular grid.

    Attributes
    ----------
    mode : str
        "Snap to Grid".
    tolerance : float
        How far positions may be from the grid [pixel].
    """

    mode: Literal["Snap to Grid"] = "Snap to Grid"
    tolerance: float = Field(default=1, ge=0, allow_inf_nan=False)


class SnapToCornersTiling(TilesModel):
    """Put each field of view on the nearest free cell of a grid with the size of a tile."""

    mode: Literal["Snap to Corners"] = "Snap to Corners"


class InplaceTiling(TilesModel):
    """Leave tiles where the stage was."""

    mode: Literal["Inplace"] = "Inplace"


TilingStrategy: TypeAlias = Annotated[
    AutoTiling | SnapToGridTiling | SnapToCornersTiling | InplaceTiling,
    Field(discriminator="mode"),
]


class MosaicGrouping(TilesModel):
    """The fields of view of a well become one image.

    Attributes
    ----------
    mode : str
        "Mosaic".
    tiling_strategy : AutoTiling or SnapToGridTiling or SnapToCornersTiling or InplaceTiling
        Where tiles go.
    """

    mode: Literal["Mosaic"] = "Mosaic"
    tiling_strategy: TilingStrategy = Field(default_factory=AutoTiling)

    @property
    def split_per_fov(self) -> bool:
        """Whether each field of view becomes an image of its own."""
        return False

    def tiling_for_registration(self) -> TilingStrategy:
        """Return where tiles go."""
        return self.tiling_strategy


class PerFovGrouping(TilesModel):
    """Each field of view becomes an image of its own.

    Attributes
    ----------
    mode : str
        "Per-FOV".
    """

    mode: Literal["Per-FOV"] = "Per-FOV"

    @property
    def split_per_fov(self) -> bool:
        """Whether each field of view becomes an image of its own."""
        return True

    def tiling_for_registration(self) -> TilingStrategy:
        """Return where tiles go: nowhere else."""
        return InplaceTiling()


Grouping: TypeAlias = Annotated[MosaicGrouping | PerFovGrouping, Field(discriminator="mode")]
