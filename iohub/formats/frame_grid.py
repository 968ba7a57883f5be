"""Which frames of an image were written, and what is said of those that were not."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Generic, TypeVar

from iohub.errors import MissingFramesWarning

F = TypeVar("F")

_MOST_NAMED = 5


@dataclass(frozen=True)
class FrameGrid(Generic[F]):
    """Frames of an image by their indexes ``(t, c, z)``; the shape is that of what was written.

    Attributes
    ----------
    frames : mapping of (int, int, int) to F
        The frames that were written.
    """

    frames: Mapping[tuple[int, int, int], F]

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """How many time points, channels and planes there are."""
        t, c, z = (1 + max(index) for index in zip(*self.frames, strict=True))
        return t, c, z

    @property
    def missing(self) -> int:
        """How many frames within the shape were not written; they read as zeros."""
        return prod(self.shape) - len(self.frames)

    def in_order(self) -> list[tuple[tuple[int, int, int], F]]:
        """Frames by time, then channel, then depth."""
        return sorted(self.frames.items(), key=lambda each: each[0])


def without_gaps(values: Iterable[int | str], first: int | None = None) -> list[int | str]:
    """Return the values along an axis in order, whole numbers with those between them.

    A frame that was dropped must not move those after it; but numbers of which fewer than half
    were used are names rather than a count.

    Parameters
    ----------
    values : iterable of int or str
        Values that occur, text in the order in which it is to stay.
    first : int, optional
        Number that the axis begins with; the lowest one if it is not given.
    """
    there = list(dict.fromkeys(values))
    numbers = [value for value in there if isinstance(value, int)]
    if len(numbers) != len(there) or not numbers:
        return there
    low, high = min(numbers), max(numbers)
    low = low if first is None else min(first, low)
    return list(range(low, high + 1)) if high - low < 2 * len(numbers) else sorted(numbers)


def warn_missing(
    url: str, grids: Mapping[str, FrameGrid[Any]], lost: Mapping[str, int] | None = None
) -> None:
    """Say how many frames of a file were not written, and of which images.

    Parameters
    ----------
    url : str
        The file.
    grids : mapping of str to FrameGrid
        Frames of each image.
    lost : mapping of str to int, optional
        How many frames more are named that are not in a file, by the file's name.
    """
    some = {name: grid for name, grid in grids.items() if grid.missing}
    if some:
        total = sum(prod(grid.shape) for grid in grids.values())
        count = sum(grid.missing for grid in some.values())
        named = _first(f"{key!r}: {grid.missing}" for key, grid in some.items())
        warnings.warn(
            f"{url}: {count} of {total} frames were not written and read as zeros ({named}); "
            "frame_metadata lists those that were",
            MissingFramesWarning,
            stacklevel=2,
        )
    if lost:
        named = _first(f"{count} of {name}" for name, count in lost.items())
        warnings.warn(
            f"{url}: {sum(lost.values())} frames that it names are not in its files ({named}): "
            "they were cut or removed, or the acquisition was interrupted",
            MissingFramesWarning,
            stacklevel=2,
        )


def _first(texts: Iterable[str]) -> str:
    named = list(texts)
    return ", ".join(named[:_MOST_NAMED] + ["…"] * (len(named) > _MOST_NAMED))
