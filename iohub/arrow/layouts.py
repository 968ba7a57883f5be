"""Order of the axes of a tensor, by letters: T, Z, C, and Y and X, or H and W."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iohub.errors import AxisError

if TYPE_CHECKING:
    from iohub.types import NDArray, Shape

_STORED = "TCZHW"
_ALSO = str.maketrans("YX", "HW")


def layout_of(given: str | None, shape: Shape, *, lone_channel: bool = False) -> str:
    """Return the layout of a tensor.

    Parameters
    ----------
    given : str or None
        As people write it; by default ``CHW`` of one time and one plane, else ``TZCHW``.
    shape : tuple of int
        Of what is shown (T, C, Z, Y, X).
    lone_channel : bool
        Whether of several channels the first one is shown if the layout has no C.

    Raises
    ------
    AxisError
        If letters are unknown or repeated, or an axis of more or less than one pixel is left out;
        a ValueError.
    """
    if not given:
        return "CHW" if shape[0] == shape[2] == 1 else "TZCHW"
    layout = given.upper().translate(_ALSO)
    if len(set(layout)) != len(layout) or not set(layout) <= set(_STORED):
        raise AxisError(
            f"a layout has the letters T, Z, C, Y (or H) and X (or W), each once, not {given!r}"
        )
    for axis, size in zip(_STORED, shape, strict=True):
        if axis not in layout and size != 1 and not (axis == "C" and lone_channel and size):
            advice = "; channel_policy='first' takes the first one" if axis == "C" else ""
            raise AxisError(f"layout {layout!r} drops {axis}, of which there are {size}{advice}")
    return layout


def sizes(layout: str, shape: Shape) -> Shape:
    """Return the shape of a tensor from that of its pixels (T, C, Z, Y, X)."""
    return tuple(shape[_STORED.index(letter)] for letter in layout)


def arranged(values: NDArray, layout: str) -> NDArray:
    """Return pixels (T, C, Z, Y, X) by a layout, as a view."""
    lost = tuple(axis for axis, letter in enumerate(_STORED) if letter not in layout)
    kept = [letter for letter in _STORED if letter in layout]
    return values.squeeze(lost).transpose([kept.index(letter) for letter in layout])
