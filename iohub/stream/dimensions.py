"""Dimensions of an acquisition and the channels along one of them, as a user says them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

from pydantic import Field, PositiveInt, model_validator
from pydantic_extra_types.color import Color

from iohub.errors import UnsupportedError
from iohub.metadata.units import SPACE_UNITS, TIME_UNITS, canonical
from iohub.stream.plates import Name, Position, Setting, named

DimensionType: TypeAlias = Literal["space", "time", "channel", "position", "other"]

_TYPES_OF_NAMES: dict[str, DimensionType] = {
    "t": "time",
    "time": "time",
    "c": "channel",
    "channel": "channel",
    "z": "space",
    "y": "space",
    "x": "space",
    "p": "position",
    "position": "position",
}
_UNITS: Mapping[str, frozenset[str]] = {"space": SPACE_UNITS, "time": TIME_UNITS}


class Channel(Setting):
    """A channel; a text stands for a channel of that name.

    Attributes
    ----------
    name : str
        Shown to users.
    excitation_wavelength_nm, emission_wavelength_nm : int or None
        Wavelengths [nm].
    fluorophore : str or None
        Name of the dye.
    color : Color or None
        That it is shown in: a name, ``"#00FF00"`` or (red, green, blue).
    """

    name: Name
    excitation_wavelength_nm: PositiveInt | None = None
    emission_wavelength_nm: PositiveInt | None = None
    fluorophore: str | None = None
    color: Color | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return named(value)


class Dimension(Setting):
    """One dimension of an acquisition, such as time, channels, z, y or x.

    Attributes
    ----------
    name : str
        Unique among the dimensions.
    count : int or None
        Size along it; None if it is not known how many there will be, which only the first
        dimension may say. That of `coords` if they are given.
    type : {"space", "time", "channel", "position", "other"} or None
        By default what the coordinates, the unit, or the name (t, c, z, y, x, p) tell, in this
        order.
    coords : list of (str, float, Channel or Position) or None
        What each index stands for.
    chunk_size : int or None
        Pixels along it that are stored together; all of the last two dimensions and one of others
        by default.
    shard_size_chunks : int or None
        Chunks along it that one file holds.
    unit : str or None
        A name or a symbol of a length or a time, kept as the name that OME-Zarr recommends
        (``"um"`` as ``"micrometer"``). Of other types it may be anything.
    scale : float or None
        Distance between two indexes, in `unit`; 1 if not given.
    translation : float or None
        Coordinate of the first index, in `unit`.

    Raises
    ------
    pydantic.ValidationError
        If members do not fit each other; a :class:`ValueError`.
    UnsupportedError
        If it is not said how many positions there are; a :class:`NotImplementedError`.
    """

    name: Name
    count: PositiveInt | None = None
    type: DimensionType | None = None
    coords: list[str | float | Channel | Position] | None = None
    chunk_size: PositiveInt | None = None
    shard_size_chunks: PositiveInt | None = None
    unit: str | None = None
    scale: float | None = Field(default=None, allow_inf_nan=False)
    translation: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _cast_coords(cls, value: Any) -> Any:
        """Make channels and positions of texts and mappings, where the type is known already."""
        if not isinstance(value, dict) or not isinstance(value.get("coords"), Sequence):
            return value
        coords = list(value["coords"])
        if isinstance(value["coords"], str):
            raise ValueError(f"coords is a list such as [{value['coords']!r}], not a text")
        kind = value.get("type") or _named_type(value.get("name"), coords)
        made: type[Channel | Position] | None = _MODELS.get(kind or "")
        for known in (Channel, Position):
            made = known if any(isinstance(item, known) for item in coords) else made
        if made is not None:
            mixed = [c for c in coords if isinstance(c, Channel | Position) and type(c) is not made]
            if mixed:
                raise ValueError(f"coords may not mix {made.__name__} objects with {mixed[0]!r}")
            coords = [
                item if isinstance(item, made) else made.model_validate(item) for item in coords
            ]
        return {**value, "coords": coords}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        # Not by assignment, which would check again and again.
        known = self.__dict__
        if known["coords"] and known["count"] is None:
            known["count"] = len(known["coords"])
        if known["type"] is None:
            known["type"] = self._inferred_type()
        if known["type"] == "position":
            self._complete_positions()
        if known["coords"] is not None and known["count"] != len(known["coords"]):
            count, found = known["count"], len(known["coords"])
            raise ValueError(f"there are {found} coords of {self.name!r}, but its count is {count}")
        self._check_coords()
        if known["unit"] is not None and known["type"] in _UNITS:
            known["unit"] = _checked_unit(known["unit"], known["type"])
        return self

    def _inferred_type(self) -> DimensionType | None:
        by_coords: DimensionType | None = None
        for item in self.coords or ():
            if isinstance(item, Channel | Position):
                by_coords = "channel" if isinstance(item, Channel) else "position"
        unit = None if self.unit is None else canonical(self.unit)
        by_unit: DimensionType | None = None
        if unit in SPACE_UNITS or unit in TIME_UNITS:
            by_unit = "space" if unit in SPACE_UNITS else "time"
        if by_coords and by_unit:
            raise ValueError(
                f"the coords of {self.name!r} are of the type {by_coords!r}, but its unit "
                f"{self.unit!r} is of {by_unit!r}: say type=..., or take one away"
            )
        return by_coords or by_unit or _named_type(self.name, self.coords or ())

    def _complete_positions(self) -> None:
        if self.coords is not None and not self.coords:
            raise UnsupportedError(
                f"the dimension {self.name!r} has no position: name them in coords, or give a count"
            )
        if self.count is None:
            raise UnsupportedError(
                f"the number of positions of {self.name!r} must be known: give coords or a count"
            )
        if self.coords is None:
            self.__dict__["coords"] = [Position(name=str(i)) for i in range(self.count)]

    def _check_coords(self) -> None:
        for made, kind in ((Channel, "channel"), (Position, "position")):
            if any(isinstance(item, made) for item in self.coords or ()) and self.type != kind:
                raise ValueError(
                    f"{made.__name__} objects need type={kind!r}; {self.name!r} has {self.type!r}"
                )
        seen: set[object] = set()
        for item in self.coords or ():
            if not isinstance(item, Channel | Position):
                continue
            key = item.name if isinstance(item, Channel) else item.key
            if key in seen:
                what = "channels" if isinstance(item, Channel) else "positions of one well and grid"
                raise ValueError(
                    f"the names of {what} must be unique; {item.name!r} is there twice"
                )
            seen.add(key)


_MODELS: Mapping[str, type[Channel | Position]] = {"channel": Channel, "position": Position}


class PositionDimension(Dimension):
    """The dimension of positions; ``Dimension(name="p", type="position")`` is the same."""

    name: str = "p"
    type: DimensionType | None = "position"

    def __init__(self, **data: Any) -> None:
        warnings.warn(
            "PositionDimension is deprecated; use Dimension(name='p', type='position', coords=...)",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(**data)


def _named_type(name: object, coords: Sequence[object]) -> DimensionType | None:
    """Return the type of the usual names; numbers along an axis are no channels."""
    kind = _TYPES_OF_NAMES.get(name.lower()) if isinstance(name, str) else None
    if kind in {"channel", "position"} and any(isinstance(c, int | float) for c in coords):
        return None
    return kind


def _checked_unit(unit: str, kind: str) -> str:
    name = canonical(unit)
    if name not in _UNITS[kind]:
        known = ", ".join(sorted(_UNITS[kind]))
        what = "length" if kind == "space" else "time"
        raise ValueError(f"{unit!r} is no unit of {what} that OME-Zarr knows; there are {known}")
    return name
