"""What is known of a channel before the conversion: its label, wavelength and display colour."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from pydantic import field_validator

from iohub.metadata.omero import default_color
from iohub.tiles.spellings import TilesModel

_HEX = re.compile(r"#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")
_IN_MENU = re.compile(r".+\(#?([0-9A-Fa-f]{6})\)")


class DefaultColors(StrEnum):
    """Display colours by name; the value shows the six hexadecimal digits."""

    blue = "Blue (0000FF)"
    red = "Red (FF0000)"
    yellow = "Yellow (FFFF00)"
    magenta = "Magenta (FF00FF)"
    cyan = "Cyan (00FFFF)"
    gray = "Gray (808080)"
    green = "Green (00FF00)"
    orange = "Orange (FF8000)"
    purple = "Purple (8000FF)"
    teal = "Teal (008080)"
    lime = "Lime (00FF80)"
    amber = "Amber (FFBF00)"
    pink = "Pink (FF0080)"
    navy = "Navy (000080)"
    maroon = "Maroon (800000)"
    olive = "Olive (808000)"
    coral = "Coral (FF7F50)"
    violet = "Violet (8000FF)"

    def to_hex(self) -> str:
        """Return the six hexadecimal digits."""
        return self.value.rpartition("(")[2].removesuffix(")")


_BY_DIGITS = {color.to_hex(): color for color in reversed(DefaultColors)}


class ChannelInfo(TilesModel):
    """What is known of a channel.

    Attributes
    ----------
    channel_label : str
        Name of the channel.
    wavelength_id : str or None
        A second name, by which tasks may find the channel again in other acquisitions.
    colors : DefaultColors or str or None
        Display colour: one of the names, or ``"#RRGGBB"`` (also ``"#RGB"``); None chooses one by
        what the label or the wavelength says. Also taken, and read, as ``color``.
    """

    channel_label: str
    wavelength_id: str | None = None
    colors: DefaultColors | str | None = DefaultColors.blue

    @classmethod
    def translated(cls, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Take ``color`` for ``colors``."""
        if "color" in values:
            if "colors" in values:
                raise ValueError("'colors' and 'color' are one thing; give one of them")
            values["colors"] = values.pop("color")
        return values, False

    @field_validator("colors", mode="before")
    @classmethod
    def _known_color(cls, value: Any) -> DefaultColors | str | None:
        if value is None or value == "Auto" or isinstance(value, DefaultColors):
            return None if value == "Auto" else value
        text = str(value).strip()
        if text.lower() in DefaultColors.__members__:
            return DefaultColors[text.lower()]
        match = _HEX.fullmatch(text) or _IN_MENU.fullmatch(text)
        if match is None:
            names = ", ".join(DefaultColors.__members__)
            raise ValueError(f"{value!r} is no colour: give '#RRGGBB' or one of {names}")
        digits = match[1].upper()
        digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        return _BY_DIGITS.get(digits, f"#{digits}")

    @property
    def color(self) -> str:
        """Display colour as ``"#RRGGBB"``."""
        return f"#{self.digits()}"

    def digits(self, index: int = 0) -> str:
        """Return the display colour as six hexadecimal digits.

        Parameters
        ----------
        index : int
            Place among the channels; chooses from a cycle where nothing says a colour.
        """
        if isinstance(self.colors, DefaultColors):
            return self.colors.to_hex()
        if self.colors is not None:
            return self.colors.removeprefix("#")
        return default_color(f"{self.channel_label} {self.wavelength_id or ''}", index)
