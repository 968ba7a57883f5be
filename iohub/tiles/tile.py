"""One tile: where it lies on the stage, how large it is, how its pixels are had, where they go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Self, TypeAlias, TypeVar

from pydantic import Field, field_validator, model_validator

from iohub.tiles.acquisition import AcquisitionDetails, AxisFrame, DataTypeEnum
from iohub.tiles.collections import (
    CollectionInterface,
    CollectionInterfaceType,
    ImageInPlate,
    SingleImage,
)
from iohub.tiles.loader_interface import ImageLoaderInterface, ImageLoaderInterfaceType
from iohub.tiles.loaders import as_loader
from iohub.tiles.regions import Roi, RoiSlice
from iohub.tiles.spellings import TilesModel

AttributeType: TypeAlias = (
    list[str | None] | list[int | None] | list[float | None] | list[bool | None]
)
"""Values of an attribute; an image may have several."""


class Tile(TilesModel, Generic[CollectionInterfaceType, ImageLoaderInterfaceType]):
    """A tile of an image.

    Attributes
    ----------
    fov_name : str
        Its field of view; tiles of one name are planes of one field of view.
    start_x, start_y, start_z, start_t : float
        Where it starts: micrometers (seconds for t) or pixels, as the acquisition says.
    start_c : int
        Index of its first channel.
    length_x, length_y, length_z, length_t : float
        How large it is: pixels or micrometers (seconds), as the acquisition says.
    length_c : int
        How many channels it has.
    attributes : dict
        What else is known of it, by name a list of values; goes to the condition table.
    collection : CollectionInterface
        Where the image goes.
    image_loader : ImageLoaderInterface
        How its pixels are had; also a path, an array, a node or a function.
    acquisition_details : AcquisitionDetails
        What holds for every tile.
    """

    fov_name: str
    start_x: float = Field(allow_inf_nan=False)
    start_y: float = Field(allow_inf_nan=False)
    start_z: float = Field(default=0.0, allow_inf_nan=False)
    start_c: int = 0
    start_t: float = Field(default=0.0, allow_inf_nan=False)
    length_x: float = Field(gt=0, allow_inf_nan=False)
    length_y: float = Field(gt=0, allow_inf_nan=False)
    length_z: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    length_c: int = Field(default=1, gt=0)
    length_t: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    attributes: dict[str, AttributeType] = Field(default_factory=dict)
    collection: CollectionInterfaceType
    image_loader: ImageLoaderInterfaceType
    acquisition_details: AcquisitionDetails

    @field_validator("image_loader", mode="before")
    @classmethod
    def _loader_of(cls, value: Any) -> Any:
        return loader_of(cls, "image_loader", value)

    @field_validator("collection", mode="before")
    @classmethod
    def _collection_of(cls, value: Any) -> Any:
        return collection_of(cls, value)

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        if self.start_c < 0:
            raise ValueError(f"{self.describe()} has start_c={self.start_c}; channels count from 0")
        channels = self.acquisition_details.channels
        last = self.start_c + self.length_c - 1
        if channels is not None and last >= len(channels):
            raise ValueError(
                f"{self.describe()} has channel {last}, but acquisition_details.channels has "
                f"{len(channels)}; give one for each index, or None"
            )
        return self

    def describe(self, resource: Any | None = None) -> str:
        """Return what messages call the tile: its field of view and its source.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.
        """
        return f"tile {self.fov_name!r} ({self.image_loader.describe_source(resource)})"

    def to_roi(self, frame: tuple[AxisFrame, ...] | None = None) -> Roi:
        """Return where the tile lies as a box in micrometers.

        Parameters
        ----------
        frame : tuple of AxisFrame, optional
            That of the acquisition, where it is known already.

        Returns
        -------
        Roi
            Named as the field of view, with ``x_micrometer_original`` (y, z) beside: the start
            before positions are corrected.
        """
        slices = []
        members: dict[str, Any] = {"name": self.fov_name, "label": None, "space": "world"}
        for axis, start, start_factor, length, length_factor in (
            frame or self.acquisition_details.frame()
        ):
            begin = getattr(self, start) * start_factor + 0.0  # no negative zero
            slices.append(RoiSlice(axis, begin, getattr(self, length) * length_factor))
            if axis in "zyx":
                members[f"{axis}_micrometer_original"] = begin
        return Roi.model_construct(slices=tuple(slices), **members)

    def find_data_type(self, resource: Any | None = None) -> str:
        """Return the name of the data type: what the acquisition says, else what the pixels have.

        Parameters
        ----------
        resource : object, optional
            What loaders are given.
        """
        known = self.acquisition_details.data_type
        if known is not None and known is not DataTypeEnum.AUTODETECT:
            return known.value
        return self.image_loader.find_data_type(resource)


def loader_of(model: type[TilesModel], field: str, value: Any) -> Any:
    """Return the loader of what a field was given, unless the field wants a certain kind.

    Parameters
    ----------
    model : type
        The model with the field.
    field : str
        Its name.
    value : object
        What it was given.
    """
    wanted = model.model_fields[field].annotation
    if isinstance(value, Mapping) and not isinstance(wanted, TypeVar):
        return value
    if wanted is ImageLoaderInterface or isinstance(wanted, TypeVar):
        return as_loader(value)
    is_path = wanted is not None and "file_path" in getattr(wanted, "model_fields", {})
    return as_loader(value) if is_path else value


def collection_of(model: type[TilesModel], value: Any) -> Any:
    """Return the collection of a mapping, unless the field ``collection`` wants a certain kind.

    Parameters
    ----------
    model : type
        The model with the field.
    value : object
        What it was given.
    """
    wanted = model.model_fields["collection"].annotation
    if not isinstance(value, Mapping) or not (
        wanted is CollectionInterface or isinstance(wanted, TypeVar)
    ):
        return value
    kind = ImageInPlate if "plate_name" in value else SingleImage
    return kind.model_validate(value)
