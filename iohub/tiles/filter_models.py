"""Which tiles are converted: the models that say it; the functions that decide are in filters."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator

from iohub.tiles.spellings import TilesModel

Mode: TypeAlias = Literal["Include", "Exclude"]


class FilterModel(TilesModel):
    """What a filter is to do; make a model of this for a filter of another kind.

    Attributes
    ----------
    name : str
        Name under which its function is registered.
    """

    model_config = ConfigDict(extra="allow")

    name: Any


class _Pattern(FilterModel):
    model_config = ConfigDict(extra="forbid")

    regex: str

    @field_validator("regex")
    @classmethod
    def _compiles(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"{text!r} is no regular expression: {error}") from error
        return text


class RegexFilter(_Pattern):
    """Tiles by the path of their image.

    Attributes
    ----------
    name : str
        "Path Regex Filter".
    mode : {"Include", "Exclude"}
        Whether those that match are kept or left out.
    regex : str
        Regular expression, searched for in such as ``Plate.zarr/A/01/0``.
    """

    name: Literal["Path Regex Filter"] = "Path Regex Filter"
    mode: Mode = "Include"


class RegexIncludeFilter(_Pattern):
    """Keep tiles by the path of their image.

    Attributes
    ----------
    name : str
        "Path Regex Include Filter".
    regex : str
        Regular expression, searched for in such as ``Plate.zarr/A/01/0``.
    """

    name: Literal["Path Regex Include Filter"] = "Path Regex Include Filter"


class RegexExcludeFilter(_Pattern):
    """Leave out tiles by the path of their image.

    Attributes
    ----------
    name : str
        "Path Regex Exclude Filter".
    regex : str
        Regular expression, searched for in such as ``Plate.zarr/A/01/0``.
    """

    name: Literal["Path Regex Exclude Filter"] = "Path Regex Exclude Filter"


class FovNameFilter(_Pattern):
    """Tiles by the name of their field of view.

    Attributes
    ----------
    name : str
        "FOV Name Filter".
    mode : {"Include", "Exclude"}
        Whether those that match are kept or left out.
    regex : str
        Regular expression, searched for in the name.
    """

    name: Literal["FOV Name Filter"] = "FOV Name Filter"
    mode: Mode = "Include"


class WellFilter(FilterModel):
    """Tiles by their well.

    Attributes
    ----------
    name : str
        "Well Filter".
    mode : {"Include", "Exclude"}
        Whether those of the wells are kept or left out.
    wells : list of str
        Names such as "A01"; "A1" and "A/1" are the same well.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Well Filter"] = "Well Filter"
    mode: Mode = "Include"
    wells: list[str]


class WellIncludeFilter(FilterModel):
    """Keep tiles by their well.

    Attributes
    ----------
    name : str
        "Well Include Filter".
    wells_to_include : list of str
        Names such as "A01".
    """

    model_config = ConfigDict(extra="forbid")
    renamed: ClassVar[dict[str, str]] = {"wells": "wells_to_include"}

    name: Literal["Well Include Filter"] = "Well Include Filter"
    wells_to_include: list[str]


class WellExcludeFilter(FilterModel):
    """Leave out tiles by their well.

    Attributes
    ----------
    name : str
        "Well Exclude Filter".
    wells_to_remove : list of str
        Names such as "A01".
    """

    model_config = ConfigDict(extra="forbid")
    renamed: ClassVar[dict[str, str]] = {"wells": "wells_to_remove"}

    name: Literal["Well Exclude Filter"] = "Well Exclude Filter"
    wells_to_remove: list[str]


class AcquisitionFilter(FilterModel):
    """Tiles by the number of their acquisition.

    Attributes
    ----------
    name : str
        "Acquisition Filter".
    mode : {"Include", "Exclude"}
        Whether those are kept or left out.
    acquisitions : list of int
        Numbers.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Acquisition Filter"] = "Acquisition Filter"
    mode: Mode = "Include"
    acquisitions: list[int]


class AttributeValue(TilesModel):
    """A value that an attribute may have.

    Attributes
    ----------
    type : str
        "Bool", "String", "Integer" or "Float", with a value; "Is None" or "Is Not None".
    value : bool, str, int or float
        The value.
    """

    type: Literal["Bool", "String", "Integer", "Float", "Is None", "Is Not None"]
    value: bool | int | float | str | None = None

    def holds(self, value: Any) -> bool:
        """Whether a value of an attribute is this one.

        Parameters
        ----------
        value : object
            As the tile has it.
        """
        if self.type == "Is None":
            return value is None
        if self.type == "Is Not None":
            return value is not None
        if isinstance(value, bool) or self.type == "Bool":
            return isinstance(value, bool) and self.type == "Bool" and value == self.value
        # Whole numbers in a column with gaps come as floats.
        return isinstance(value, str) == (self.type == "String") and bool(value == self.value)


class AttributeFilter(FilterModel):
    """Tiles by an attribute.

    Attributes
    ----------
    name : str
        "Attribute Filter".
    mode : {"Include", "Exclude"}
        Whether those that have one of the values are kept or left out.
    key : str
        Name of the attribute; of tiles that do not have it the value is None.
    values : list of AttributeValue
        The values.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Attribute Filter"] = "Attribute Filter"
    mode: Mode = "Include"
    key: str
    values: list[AttributeValue]


class ChannelFilter(FilterModel):
    """Tiles by the label of their channels.

    Attributes
    ----------
    name : str
        "Channel Filter".
    mode : {"Include", "Exclude"}
        Whether those with one of the channels are kept or left out.
    channel_labels : list of str
        Labels, as the acquisition names its channels.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Channel Filter"] = "Channel Filter"
    mode: Mode = "Include"
    channel_labels: list[str]


class ZRangeFilter(FilterModel):
    """Keep tiles by where they start along z.

    Attributes
    ----------
    name : str
        "Z Range Filter".
    min_z, max_z : float or None
        First and last start, in the units of ``start_z``; None for no limit.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Z Range Filter"] = "Z Range Filter"
    min_z: float | None = None
    max_z: float | None = None


class TRangeFilter(FilterModel):
    """Keep tiles by where they start along t.

    Attributes
    ----------
    name : str
        "Time Range Filter".
    min_t, max_t : float or None
        First and last start, in the units of ``start_t``; None for no limit.
    """

    model_config = ConfigDict(extra="forbid")

    name: Literal["Time Range Filter"] = "Time Range Filter"
    min_t: float | None = None
    max_t: float | None = None


ImplementedFilters: TypeAlias = Annotated[
    RegexExcludeFilter
    | RegexIncludeFilter
    | WellExcludeFilter
    | WellIncludeFilter
    | RegexFilter
    | WellFilter
    | FovNameFilter
    | AcquisitionFilter
    | AttributeFilter
    | ChannelFilter
    | ZRangeFilter
    | TRangeFilter,
    Field(discriminator="name"),
]
