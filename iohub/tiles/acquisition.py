"""What is fixed about an acquisition before its tiles are converted; no tile is named here."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, field_validator

from iohub.tiles.axes import CANONICAL_AXES, CanonicalAxis, Space, check_axes
from iohub.tiles.channels import ChannelInfo
from iohub.tiles.spellings import TilesModel


class DataTypeEnum(StrEnum):
    """Data types of pixels; AUTODETECT asks the first tile."""

    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    AUTODETECT = "autodetect"


class StageOrientation(TilesModel):
    """How the axes of the stage lie to those of the camera; applied to positions, not to pixels.

    Attributes
    ----------
    flip_x, flip_y : bool
        Whether positions run the other way along an axis of the image.
    swap_xy : bool
        Whether the stage's x is the image's y; done before the flips.
    """

    flip_x: bool = Field(default=False, title="Flip X")
    flip_y: bool = Field(default=False, title="Flip Y")
    swap_xy: bool = Field(default=False, title="Swap XY")


_SWAPPED: dict[CanonicalAxis, CanonicalAxis] = {"x": "y", "y": "x"}


class AxisFrame(NamedTuple):
    """How the numbers of a tile along one axis become a place in the world.

    Attributes
    ----------
    axis : str
        Axis of the image.
    start_field, length_field : str
        Fields of the tile.
    start_factor, length_factor : float
        What they are multiplied with: micrometers (seconds) by their unit.
    """

    axis: CanonicalAxis
    start_field: str
    start_factor: float
    length_field: str
    length_factor: float


_OTHER_SPACE = {
    f"{what}_{axis}_space": f"{what}_{axis}_coo" for what in ("start", "length") for axis in "xyzt"
}


class AcquisitionDetails(TilesModel):
    """What holds for every tile of an acquisition.

    Later names are taken as well: ``xy_pixel_size``, ``start_x_space`` …, ``stage_orientation``.

    Attributes
    ----------
    start_x_coo, start_y_coo, start_z_coo, start_t_coo : {"world", "pixel"}
        Whether starts are in micrometers (seconds for t) or in pixels.
    length_x_coo, length_y_coo, length_z_coo, length_t_coo : {"world", "pixel"}
        The same for lengths.
    pixelsize : float
        Size of a pixel along x [µm]; along y too, unless ``pixelsize_y`` is given.
    pixelsize_y : float or None
        Size of a pixel along y [µm].
    z_spacing : float
        Distance of two planes [µm].
    t_spacing : float
        Time between two frames [s].
    channels : list of ChannelInfo or None
        One for each index of the c axis.
    axes : list of str
        Axes of the image, in the order t, c, z, y, x; those that are missing have one index.
    data_type : DataTypeEnum or None
        Data type of the image; None and AUTODETECT ask the first tile.
    condition_table_path : str or None
        Path of a table with one row per condition.
    stage_corrections : StageOrientation
        How the stage lies to the camera.
    """

    renamed: ClassVar[dict[str, str]] = {
        "xy_pixel_size": "pixelsize",
        "stage_orientation": "stage_corrections",
        **_OTHER_SPACE,
    }

    start_x_coo: Space = "world"
    start_y_coo: Space = "world"
    start_z_coo: Space = "world"
    start_t_coo: Space = "world"
    length_x_coo: Space = "pixel"
    length_y_coo: Space = "pixel"
    length_z_coo: Space = "pixel"
    length_t_coo: Space = "pixel"
    pixelsize: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    pixelsize_y: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    z_spacing: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    t_spacing: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    channels: list[ChannelInfo] | None = None
    axes: list[CanonicalAxis] = Field(
        default_factory=lambda: list(CANONICAL_AXES), min_length=2, max_length=5
    )
    data_type: DataTypeEnum | None = None
    condition_table_path: str | None = None
    stage_corrections: StageOrientation = Field(default_factory=StageOrientation)

    @field_validator("axes")
    @classmethod
    def validate_axes(cls, v: list[CanonicalAxis]) -> list[CanonicalAxis]:
        """Return the axes, if they are in canonical order.

        Parameters
        ----------
        v : list of str
            As given.

        Raises
        ------
        ValueError
            If they are in another order, or x or y is missing.
        """
        axes = check_axes(v)
        if missing := {"y", "x"} - set(axes):
            raise ValueError(f"an image has the axes y and x; {sorted(missing)} is missing")
        return axes

    def frame(self) -> tuple[AxisFrame, ...]:
        """Return for each axis of the image how a tile's numbers become places in the world.

        The stage's axes are swapped first, then flipped. Only positions are: a picture lies as the
        camera took it, so its lengths stay.
        """
        stage = self.stage_corrections
        flipped = {"x": stage.flip_x, "y": stage.flip_y}
        found = []
        for axis in self.axes:
            source = _SWAPPED.get(axis, axis) if stage.swap_xy else axis
            in_pixels = getattr(self, f"start_{source}_coo", "world") == "pixel"
            start = self.spacing(source) if in_pixels else 1.0
            in_pixels = getattr(self, f"length_{axis}_coo", "world") == "pixel"
            length = self.spacing(axis) if in_pixels else 1.0
            sign = -1.0 if flipped.get(axis) else 1.0
            found.append(AxisFrame(axis, f"start_{source}", sign * start, f"length_{axis}", length))
        return tuple(found)

    def spacing(self, axis: CanonicalAxis) -> float:
        """Return the size of a pixel along an axis [µm, for t s]; 1 along c.

        Parameters
        ----------
        axis : str
            One of t, c, z, y, x.
        """
        sizes: dict[str, Any] = {
            "x": self.pixelsize,
            "y": self.pixelsize_y or self.pixelsize,
            "z": self.z_spacing,
            "t": self.t_spacing,
        }
        return float(sizes.get(axis, 1.0))
