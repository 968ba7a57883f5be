"""The five axes of a tile and the spaces in which its numbers are given; no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

CanonicalAxis: TypeAlias = Literal["t", "c", "z", "y", "x"]
Space: TypeAlias = Literal["world", "pixel"]

CANONICAL_AXES: tuple[CanonicalAxis, ...] = ("t", "c", "z", "y", "x")
"""Every axis that a tile may have, in the order in which they are stored."""


def check_axes(axes: Sequence[CanonicalAxis]) -> list[CanonicalAxis]:
    """Return axes as a list, if they are in the canonical order.

    Parameters
    ----------
    axes : sequence of str
        Of "t", "c", "z", "y" and "x".

    Raises
    ------
    ValueError
        If they are in another order or one is named twice; pydantic turns it into its own error.
    """
    places = [CANONICAL_AXES.index(axis) for axis in axes]
    if places != sorted(set(places)):
        raise ValueError(
            f"Axes must be in canonical order {', '.join(CANONICAL_AXES)}, each once; "
            f"got {', '.join(axes)}"
        )
    return list(axes)


def default_axes_builder(is_time_series: bool) -> list[CanonicalAxis]:
    """Return the axes of an acquisition.

    Parameters
    ----------
    is_time_series : bool
        Whether it has an axis of time.

    Returns
    -------
    list of str
        t, c, z, y, x, or those without t.
    """
    return list(CANONICAL_AXES if is_time_series else CANONICAL_AXES[1:])
