"""The lines that a summary is filled with: an axis, a channel, a level, a well; plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from iohub.display.blocks import Ramp, Spot, WellState, hex_color
from iohub.display.characters import flat
from iohub.display.quantities import human_count, human_number, human_quantity, unit_symbol


@dataclass(frozen=True, kw_only=True)
class AxisEntry:
    """One axis of an image.

    Attributes
    ----------
    name : str
        Such as ``"x"``.
    type : str
        ``"space"``, ``"time"``, ``"channel"`` or anything else; empty if it has none.
    unit : str
        As the document names it, empty if there is none.
    size : int, optional
        Pixels along the axis at full resolution.
    scale : float, optional
        Distance between two pixels [`unit`].
    translation : float, optional
        Position of the first pixel's centre [`unit`].
    """

    name: str
    type: str = ""
    unit: str = ""
    size: int | None = None
    scale: float | None = None
    translation: float | None = None

    @property
    def extent(self) -> float | None:
        """Physical extent ``size · scale`` [`unit`]; None where no unit makes it physical."""
        if self.size is None or self.scale is None or not self.unit:
            return None
        return self.size * self.scale

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Write name, type, size, pixel size, origin and extent; empty where not known."""
        symbol = unit_symbol(self.unit)
        return (
            self.name,
            self.type,
            "" if self.size is None else str(self.size),
            _quantity(self.scale, symbol) if self.unit or self.scale != 1 else "",
            _quantity(self.translation, symbol) if self.translation else "",
            "" if self.extent is None else human_quantity(self.extent, self.unit),
        )


@dataclass(frozen=True, kw_only=True)
class ChannelEntry:
    """One channel with how it is displayed.

    Attributes
    ----------
    name : str
        Its name.
    color : str, optional
        ``"RRGGBB"``, as the document has it.
    window : tuple of float, optional
        Intensities ``(start, end)`` that are stretched over the colour.
    limits : tuple of float, optional
        Intensities ``(min, max)`` that the window may be set within.
    active : bool
        Whether a viewer shows it.
    """

    name: str
    color: str | None = None
    window: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    active: bool = True

    def ramp(self) -> Ramp:
        """Return the colour with the window as fractions of the limits."""
        color = hex_color(self.color)
        if self.window is None or self.limits is None:
            return Ramp(color)
        low, high = self.limits
        # Documents hold anything: a range that has no width, or no end, gives the plain colour.
        if not (high > low and all(map(math.isfinite, (low, high, *self.window)))):
            return Ramp(color)
        start, end = (min(max((edge - low) / (high - low), 0.0), 1.0) for edge in self.window)
        return Ramp(color, start, end)

    def cells(self) -> tuple[Ramp, str, str, str, str]:
        """Write ramp, name, window, limits and whether it is shown."""
        color = hex_color(self.color)
        return (
            self.ramp(),
            self.name,
            f"#{color}" if color else self.color or "",
            _interval(self.window),
            _interval(self.limits),
        )


@dataclass(frozen=True, kw_only=True)
class LevelEntry:
    """One array of an image or of a pyramid.

    Attributes
    ----------
    path : str
        Name of the array, such as ``"0"``.
    shape : tuple of int
        Its size.
    dtype : str
        Its data type.
    chunks, shards : tuple of int, optional
        Size of a chunk, and of a shard if chunks are packed into such.
    nbytes : int, optional
        Bytes of the decoded pixels.
    stored : int, optional
        Bytes that it takes in the store, if they were counted.
    scale : tuple of float, optional
        Pixel size per axis, in the units of the axes.
    problem : str
        Why it cannot be read; empty if it can.
    """

    path: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    chunks: tuple[int, ...] | None = None
    shards: tuple[int, ...] | None = None
    nbytes: int | None = None
    stored: int | None = None
    scale: tuple[float, ...] | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class WellEntry:
    """One well of a plate.

    Attributes
    ----------
    row, column : str
        Names of its row and column.
    fields : int, optional
        Fields of view that it lists; None if its document was not read.
    missing : int
        Fields that it should have and that are absent or unreadable.
    problem : str
        Why the well itself cannot be read; empty if it can.
    note : str
        Anything to say about it, such as the condition in it.
    """

    row: str
    column: str
    fields: int | None = None
    missing: int = 0
    problem: str = ""
    note: str = ""

    @property
    def path(self) -> str:
        """``row/column``."""
        return f"{self.row}/{self.column}"

    @property
    def state(self) -> WellState:
        """How it is drawn; the worst that is known of it."""
        if self.problem:
            return "unreadable"
        if self.missing:
            return "partial"
        if self.fields is None:
            return "unknown"
        return "well" if self.fields else "empty"

    def spot(self, most: int) -> Spot:
        """Return how it is drawn on a plate whose fullest well has `most` fields."""
        says = [] if self.fields is None else [human_count(self.fields, "field")]
        says += [f"{self.missing:,} missing"] if self.missing else []
        says += [part for part in (flat(self.problem), self.note) if part]
        return Spot(
            state=self.state,
            text="" if self.fields is None else str(self.fields),
            tip=f"{self.path}: {', '.join(says)}" if says else self.path,
            weight=(self.fields or 0) / most if most else 0.0,
        )


@dataclass(frozen=True, kw_only=True)
class AcquisitionEntry:
    """One acquisition of a plate.

    Attributes
    ----------
    id : int
        Its number.
    name : str
        Its name, empty if it has none.
    description : str
        What the document says about it.
    max_fields : int, optional
        The most fields per well that the document announces.
    """

    id: int
    name: str = ""
    description: str = ""
    max_fields: int | None = None

    @property
    def says_more(self) -> bool:
        """Whether anything is known of it beside its number."""
        return bool(self.name or self.description) or self.max_fields is not None


@dataclass(frozen=True, kw_only=True)
class FieldEntry:
    """One field of view of a well.

    Attributes
    ----------
    name : str
        Its path in the well.
    shape : tuple of int
        Size of its first array; empty if it was not read.
    dtype : str
        Data type of its first array.
    acquisition : int, optional
        The acquisition that it belongs to.
    problem : str
        Why it cannot be read; empty if it can.
    """

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    acquisition: int | None = None
    problem: str = ""


def _quantity(value: float | None, symbol: str) -> str:
    if value is None:
        return ""
    return f"{human_number(value)} {symbol}".rstrip()


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else " to ".join(map(human_number, ends))
