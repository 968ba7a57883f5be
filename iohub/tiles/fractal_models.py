"""What the two Fractal tasks are given and return."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self, TypedDict

from pydantic import Field, model_validator

from iohub.errors import AxisError
from iohub.tiles.acquisition import AcquisitionDetails, DataTypeEnum, StageOrientation
from iohub.tiles.axes import CANONICAL_AXES, CanonicalAxis, check_axes
from iohub.tiles.channels import ChannelInfo
from iohub.tiles.chunking import FixedSizeChunking, FovBasedChunking
from iohub.tiles.filter_models import (
    ImplementedFilters,
    RegexExcludeFilter,
    RegexIncludeFilter,
    WellExcludeFilter,
    WellIncludeFilter,
)
from iohub.tiles.options import (
    ConverterOptions,
    OmeZarrOptions,
    OverwriteMode,
    StagePositionCorrections,
)
from iohub.tiles.runtime import TempJsonOptions
from iohub.tiles.spellings import TilesModel


class UpdateDict(TypedDict):
    """What Fractal is told of one image.

    Attributes
    ----------
    zarr_url : str
        Where it is.
    types : dict of str to bool
        ``is_3D``, and ``is_time_series`` if it is one.
    attributes : dict
        Plate, well, acquisition, and what was known of its tiles.
    """

    zarr_url: str
    types: dict[str, bool]
    attributes: dict[str, Any]


class ImageListUpdateDict(TypedDict):
    """What Fractal is told of the images that a task wrote.

    Attributes
    ----------
    image_list_updates : list of UpdateDict
        One for each image.
    """

    image_list_updates: list[UpdateDict]


class PixelSizeModel(TilesModel):
    """Sizes of a pixel.

    Attributes
    ----------
    pixelsize : float
        Along y and x [µm]; also taken, and read, as ``xy_pixel_size``.
    z_spacing : float
        Distance of two planes [µm].
    t_spacing : float
        Time between two frames [s].
    """

    renamed: ClassVar[dict[str, str]] = {"xy_pixel_size": "pixelsize"}

    pixelsize: float = Field(gt=0, allow_inf_nan=False)
    z_spacing: float = Field(gt=0, allow_inf_nan=False)
    t_spacing: float = Field(gt=0, allow_inf_nan=False)


class AcquisitionOptions(TilesModel):
    """What a user says of an acquisition, in place of what its files say.

    Attributes
    ----------
    channels : list of ChannelInfo or None
        One for each index of the c axis.
    pixel_info : PixelSizeModel or None
        Sizes of a pixel.
    condition_table_path : str or None
        Path of a table with one row per condition.
    axes : str or None
        Axes of the image, such as "czyx".
    data_type : DataTypeEnum or None
        Data type of the image.
    stage_corrections : StageOrientation
        How the stage lies to the camera; also taken, and read, as ``stage_orientation``.
    filters : list of FilterModel
        Which tiles are converted.
    """

    renamed: ClassVar[dict[str, str]] = {"stage_orientation": "stage_corrections"}

    channels: list[ChannelInfo] | None = None
    pixel_info: PixelSizeModel | None = Field(default=None, title="Pixel Size Information")
    condition_table_path: str | None = None
    axes: str | None = None
    data_type: DataTypeEnum | None = Field(default=None, title="Data Type")
    stage_corrections: StageOrientation = Field(
        default_factory=StageOrientation, title="Stage Corrections"
    )
    filters: list[ImplementedFilters] = Field(default_factory=list)

    def to_axes_list(self) -> list[CanonicalAxis] | None:
        """Return the axes one by one; None if they are not given.

        Raises
        ------
        AxisError
            If a letter is no axis, or they are not in the order t, c, z, y, x; a
            :class:`ValueError`.
        """
        if self.axes is None:
            return None
        known: dict[str, CanonicalAxis] = {str(axis): axis for axis in CANONICAL_AXES}
        for letter in self.axes:
            if letter not in known:
                raise AxisError(
                    f"Invalid axis {letter!r} in axes {self.axes!r}: use the letters "
                    f"{', '.join(CANONICAL_AXES)}, such as 'czyx'"
                )
        try:
            return check_axes([known[letter] for letter in self.axes])
        except ValueError as error:
            raise AxisError(f"axes={self.axes!r}: {error}") from error

    def update_acquisition_details(
        self, acquisition_details: AcquisitionDetails
    ) -> AcquisitionDetails:
        """Return details with what is said here in place of theirs.

        Parameters
        ----------
        acquisition_details : AcquisitionDetails
            As the files say; stays as it is.

        Raises
        ------
        AxisError
            If the axes are none; a :class:`ValueError`.
        """
        axes = self.to_axes_list()
        said: dict[str, Any] = {
            "channels": self.channels,
            "axes": None if axes is None else AcquisitionDetails.validate_axes(axes),
            "condition_table_path": self.condition_table_path,
            "data_type": None if self.data_type is DataTypeEnum.AUTODETECT else self.data_type,
        }
        if self.pixel_info is not None:
            said.update(self.pixel_info.model_dump(), pixelsize_y=None)
        if "stage_corrections" in self.model_fields_set:
            said["stage_corrections"] = self.stage_corrections
        optional = {"pixelsize_y"}
        update = {k: v for k, v in said.items() if v is not None or k in optional}
        return acquisition_details.model_copy(update=update)


class ConvertParallelInitArgs(TilesModel):
    """What the compute task is given of the init task: the image as a file, or as text.

    Attributes
    ----------
    tiled_image_json_dump_url : str or None
        Where the image waits as JSON.
    tiled_image_json_str : str or None
        The same, here.
    converter_options : ConverterOptions
        How the image is written.
    overwrite_mode : OverwriteMode
        What happens to an image that is there.
    """

    tiled_image_json_dump_url: str | None = None
    tiled_image_json_str: str | None = None
    converter_options: ConverterOptions
    overwrite_mode: OverwriteMode = OverwriteMode.NO_OVERWRITE

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.tiled_image_json_dump_url is None) == (self.tiled_image_json_str is None):
            raise ValueError(
                "give exactly one of 'tiled_image_json_dump_url' and 'tiled_image_json_str'"
            )
        return self


_MODELS: tuple[type[TilesModel], ...] = (
    AcquisitionOptions,
    WellExcludeFilter,
    WellIncludeFilter,
    RegexIncludeFilter,
    RegexExcludeFilter,
    ConverterOptions,
    StageOrientation,
    StagePositionCorrections,
    OmeZarrOptions,
    TempJsonOptions,
    FovBasedChunking,
    FixedSizeChunking,
    ChannelInfo,
)


def converters_tools_models(base: str = "iohub") -> list[tuple[str, str, str]]:
    """Return the models that tasks take, for Fractal's own tools.

    Parameters
    ----------
    base : str
        Name of the package.

    Returns
    -------
    list of (str, str, str)
        Package, module file in it, and class of each.
    """
    return [(base, _file_of(model), model.__name__) for model in _MODELS]


def _file_of(model: type[TilesModel]) -> str:
    file: Iterable[str] = Path(inspect.getfile(model)).parts[-2:]
    return "/".join(file)
