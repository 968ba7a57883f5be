"""Which images of a position are the levels of a pyramid, by sizes and names; reads nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.metadata.transforms import TransformationMeta


def rounded_up(shapes: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the shapes that levels have which were reduced by the same factors, rounded up.

    A factor is taken from the sizes as they are; only a level that is one pixel short changes.
    """
    found = [tuple(shapes[0])]
    for above, shape in pairwise(shapes):
        sizes = []
        for whole, n, new in zip(above, shape, found[-1], strict=True):
            factor = max(1, round(whole / n)) if n else 1
            full = -(-new // factor)
            sizes.append(full if whole // factor == n or full == n else n)
        found.append(tuple(sizes))
    return found


def is_reduced(
    shape: Sequence[int] | None, other: Sequence[int] | None, factors: Sequence[float]
) -> bool:
    """Whether a shape is another one divided by factors, of which one is more than 1."""
    if max(factors) <= 1 + 1e-6:
        return False
    if shape is None or other is None:
        return True  # a level that is listed and missing
    if shape == other or len(shape) != len(other):
        return False
    return all(abs(n - m / f) <= 1 for n, m, f in zip(shape, other, factors, strict=True))


def numbered(first: str, count: int) -> list[str]:
    """Return names counted on from the first one: "0" "1" "2", or "raw" "raw_1" "raw_2"."""
    match = re.fullmatch(r"(.*?)(\d+)", first)
    if match is None:
        return [first, *(f"{first}_{i}" for i in range(1, count))]
    stem, number = match[1], int(match[2])
    return [f"{stem}{number + i}" for i in range(count)]


def level_names(document: ImageMeta, present: Sequence[str], count: int) -> list[str]:
    """Return names of the levels: those there are, else counted on from the first one."""
    if len(present) > 1:
        return list(present)
    names = numbered(present[0], count)
    if set(names[1:]).isdisjoint(document.multiscales[0].get_dataset_paths()):
        return names
    return [present[0], *(f"{present[0]}_{i}" for i in range(1, count))]


def first_transforms(
    document: ImageMeta | None, shapes: Sequence[Sequence[int] | None], shape: Sequence[int]
) -> Sequence[TransformationMeta] | None:
    """Return the transforms of the first image for another one of its size, else None.

    Without them a mask of an image would count as one of other, perhaps smaller, pixels.
    """
    if document is None or shapes[0] != shape:
        return None
    return document.multiscales[0].datasets[0].coordinate_transformations
