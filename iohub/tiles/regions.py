"""Boxes with named axes, in micrometers or in pixels, and the sizes of pixels between the two.

The JSON of a box is that of the public packages, so that their files are read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from iohub.errors import AxisError, ShapeError
from iohub.tiles.axes import Space

# A pixel edge that differs from a whole number by less is that whole number: what is left of
# dividing micrometers by the size of a pixel.
_NEAR = 1e-6


class PixelSize(BaseModel):
    """Sizes of a pixel.

    Attributes
    ----------
    x, y, z : float
        Size along an axis of space.
    t : float
        Time between two frames.
    space_unit, time_unit : str or None
        Units of both.
    """

    x: float
    y: float
    z: float
    t: float = 1
    space_unit: str | None = "micrometer"
    time_unit: str | None = "second"

    def get(self, axis: str, default: float | None = 1.0) -> float:
        """Return the size along an axis.

        Parameters
        ----------
        axis : str
            One of t, c, z, y, x.
        default : float or None
            What an axis without a size has, such as c.

        Raises
        ------
        AxisError
            If the axis has no size and there is no default; a :class:`ValueError`.
        """
        size = {"x": self.x, "y": self.y, "z": self.z, "t": self.t}.get(axis, default)
        if size is None:
            raise AxisError(f"no size of a pixel along {axis!r}")
        return size


@dataclass(slots=True)
class RoiSlice:
    """From where to where along one axis.

    Attributes
    ----------
    axis_name : str
        Name of the axis.
    start : float or None
        Where it starts; None at the edge.
    length : float or None
        How far it goes; None to the other edge.
    """

    axis_name: str
    start: float | None = None
    length: Annotated[float, Field(ge=0)] | None = None

    @property
    def end(self) -> float | None:
        """Where it ends; None at the edge."""
        return None if self.length is None else (self.start or 0.0) + self.length

    def scaled(self, factor: float) -> RoiSlice:
        """Return it in units that are so much smaller.

        Parameters
        ----------
        factor : float
            Old unit by new unit.
        """
        start = None if self.start is None else self.start * factor
        length = None if self.length is None else self.length * factor
        return RoiSlice(self.axis_name, start, length)


class Roi(BaseModel):
    """A box with named axes; further members are kept, such as ``x_micrometer_original``.

    Attributes
    ----------
    name : str or None
        Name of the box; of a tile, that of its field of view.
    slices : tuple of RoiSlice
        One for each axis.
    label : int or None
        The object that it belongs to.
    space : {"world", "pixel"}
        Whether numbers are in micrometers (seconds for t) or in pixels.
    """

    model_config = ConfigDict(extra="allow")

    name: str | None
    slices: tuple[RoiSlice, ...]
    label: int | None = Field(default=None, ge=0)
    space: Space = "world"

    @classmethod
    def from_values(
        cls,
        slices: Mapping[str, float | tuple[float | None, float | None] | RoiSlice],
        name: str | None,
        label: int | None = None,
        space: Space = "world",
        **kwargs: float,
    ) -> Self:
        """Return a box from numbers.

        Parameters
        ----------
        slices : mapping
            By axis a slice, its start and its length, or one number, which has length 1.
        name : str or None
            Name of the box.
        label : int or None
            The object that it belongs to.
        space : {"world", "pixel"}
            What the numbers are in.
        **kwargs : float
            Further members.
        """
        made = []
        for axis, value in slices.items():
            if isinstance(value, RoiSlice):
                made.append(value)
            else:
                start, length = value if isinstance(value, tuple) else (value, 1.0)
                made.append(RoiSlice(axis_name=axis, start=start, length=length))
        members = {"name": name, "slices": tuple(made), "label": label, "space": space}
        return cls.model_validate({**members, **kwargs})

    def get(self, axis_name: str, default: RoiSlice | None = None) -> RoiSlice | None:
        """Return what there is along an axis.

        Parameters
        ----------
        axis_name : str
            Name of the axis.
        default : RoiSlice or None
            What is returned if there is no such axis.
        """
        return next((each for each in self.slices if each.axis_name == axis_name), default)

    def span(self, axis_name: str) -> tuple[float, float]:
        """Return where the box starts along an axis and how long it is; 0 and 1 if it has none.

        Parameters
        ----------
        axis_name : str
            Name of the axis.

        Raises
        ------
        ShapeError
            If the box is open along that axis; a :class:`ValueError`.
        """
        found = self.get(axis_name)
        if found is None:
            return 0.0, 1.0
        if found.start is None or found.length is None:
            raise ShapeError(f"region {self.name!r} has no start or no length along {axis_name!r}")
        return found.start, found.length

    def edges(self, axis_name: str) -> tuple[float, float]:
        """Return where the box starts and ends along an axis; 0 and 1 if it has none.

        Parameters
        ----------
        axis_name : str
            Name of the axis.

        Raises
        ------
        ShapeError
            If the box is open along that axis; a :class:`ValueError`.
        """
        start, length = self.span(axis_name)
        return start, start + length

    def with_slices(self, slices: Iterable[RoiSlice], space: Space | None = None) -> Self:
        """Return the box with other numbers; all else is kept.

        Parameters
        ----------
        slices : iterable of RoiSlice
            One for each axis.
        space : {"world", "pixel"}, optional
            What the numbers are in, if that changes.
        """
        update = {"slices": tuple(slices), "space": space or self.space}
        return self.model_copy(update=update)

    def update_slice(self, slice_: RoiSlice) -> Self:
        """Return the box with another slice along one axis.

        Parameters
        ----------
        slice_ : RoiSlice
            Takes the place of the one with its axis, or comes last.
        """
        names = [each.axis_name for each in self.slices]
        if slice_.axis_name not in names:
            return self.with_slices([*self.slices, slice_])
        same = slice_.axis_name
        return self.with_slices(slice_ if e.axis_name == same else e for e in self.slices)

    def to_pixel(self, pixel_size: PixelSize | None = None) -> Self:
        """Return the box in pixels.

        Parameters
        ----------
        pixel_size : PixelSize or None
            Needed if it is in micrometers.

        Raises
        ------
        ShapeError
            If it is needed and not given; a :class:`ValueError`.
        """
        if self.space == "pixel":
            return self
        sizes = self._needed(pixel_size)
        slices = (each.scaled(1 / sizes.get(each.axis_name)) for each in self.slices)
        return self.with_slices(slices, "pixel")

    def to_world(self, pixel_size: PixelSize | None = None) -> Self:
        """Return the box in micrometers, and seconds along t.

        Parameters
        ----------
        pixel_size : PixelSize or None
            Needed if it is in pixels.

        Raises
        ------
        ShapeError
            If it is needed and not given; a :class:`ValueError`.
        """
        if self.space == "world":
            return self
        sizes = self._needed(pixel_size)
        slices = (each.scaled(sizes.get(each.axis_name)) for each in self.slices)
        return self.with_slices(slices, "world")

    def _needed(self, pixel_size: PixelSize | None) -> PixelSize:
        if pixel_size is None:
            raise ShapeError(f"region {self.name!r} is in {self.space} units: give pixel_size=")
        return pixel_size

    def to_slicing_dict(self, pixel_size: PixelSize | None = None) -> dict[str, slice]:
        """Return by axis the pixels that the box touches.

        Parameters
        ----------
        pixel_size : PixelSize or None
            Needed if it is in micrometers.
        """
        box = self.to_pixel(pixel_size)
        found = {}
        for each in box.slices:
            start = None if each.start is None else _floor(each.start)
            end = None if each.end is None else _ceil(each.end)
            found[each.axis_name] = slice(start, end)
        return found

    def union(self, other: Self) -> Self:
        """Return the smallest box around this one and another.

        Parameters
        ----------
        other : Roi
            In the same space.

        Raises
        ------
        ShapeError
            If it is in another space, has other axes, or one of both is open.
        """
        names = [each.axis_name for each in self.slices]
        if self.space != other.space or names != [each.axis_name for each in other.slices]:
            raise ShapeError(
                f"regions {self.name!r} and {other.name!r} differ in their axes or their space"
            )
        made = []
        for axis in names:
            (start, end), (first, last) = self.edges(axis), other.edges(axis)
            low = min(start, first)
            made.append(RoiSlice(axis_name=axis, start=low, length=max(end, last) - low))
        return self.with_slices(made)


def bulk_union(boxes: Sequence[Roi], name: str | None = None) -> Roi:
    """Return the smallest box around several.

    Parameters
    ----------
    boxes : sequence of Roi
        At least one, all in one space and with the same axes.
    name : str or None
        Its name.

    Raises
    ------
    ShapeError
        If there is none, or they do not fit together.
    """
    if not boxes:
        raise ShapeError("there is no region: an image needs at least one tile")
    union = reduce(Roi.union, boxes)
    corners = {
        key: min(float((box.model_extra or {}).get(key, value)) for box in boxes)
        for key, value in (union.model_extra or {}).items()
        if isinstance(value, int | float)
    }
    return union.model_copy(update={"name": name, "label": None, **corners})


def _floor(value: float) -> int:
    near = round(value)
    return near if abs(value - near) < _NEAR else math.floor(value)


def _ceil(value: float) -> int:
    near = round(value)
    return near if abs(value - near) < _NEAR else math.ceil(value)
