"""Edits of an image's transformations, and the scale and translation that come of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from iohub.errors import AxisError, ShapeError
from iohub.metadata.edits_levels import first_image, level_index, with_first_image
from iohub.metadata.image import DatasetMeta, ImageMeta
from iohub.metadata.transforms import TransformationMeta, compose, normalise, scale_translation

WHOLE = "*"
"""Stands for the image as a whole, where an edit takes the path of a level."""

Vectors = tuple[tuple[float, ...], tuple[float, ...]]


def own_transforms(doc: ImageMeta, image: str) -> tuple[TransformationMeta, ...]:
    """Return the transformations that a level, or the image as a whole, has itself.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    image : str
        Path of a level, or ``"*"``.

    Raises
    ------
    MissingNodeError
        If it is none of the levels.
    """
    whole = first_image(doc)
    if image == WHOLE:
        return whole.coordinate_transformations or ()
    return whole.datasets[level_index(doc, image)].coordinate_transformations


def effective(doc: ImageMeta, image: str) -> Vectors:
    """Return the scale and the translation that take pixel indexes to coordinates.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    image : str
        Path of a level: its own transformations, then those of the whole image. ``"*"``: only
        those of the whole image.

    Returns
    -------
    scale, translation : tuple of float
        One value per axis, in the units of the axes.

    Raises
    ------
    MissingNodeError
        If it is none of the levels.
    """
    ndim = len(first_image(doc).axes)
    chain = own_transforms(doc, image)
    if image != WHOLE:
        chain = (*chain, *own_transforms(doc, WHOLE))
    return compose(chain, ndim)


def set_transforms(
    doc: ImageMeta, image: str, transforms: Sequence[TransformationMeta] | None
) -> ImageMeta:
    """Replace the transformations of one level, or of the image as a whole.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    image : str
        Path of a level, or ``"*"``.
    transforms : sequence of TransformationMeta or None
        In the order in which they are applied. None and an empty sequence stand for an identity.

    Raises
    ------
    MissingNodeError
        If it is none of the levels.
    ShapeError
        If a vector has not one value per axis, or a scale is not positive and finite.
    """
    whole = first_image(doc)
    written = normalise(transforms, len(whole.axes))
    if image == WHOLE:
        return with_first_image(doc, coordinate_transformations=written if transforms else None)
    levels = list(whole.datasets)
    index = level_index(doc, image)
    levels[index] = levels[index].replace(coordinate_transformations=written)
    return with_first_image(doc, datasets=tuple(levels))


def place(doc: ImageMeta, image: str, transforms: Sequence[TransformationMeta] | None) -> ImageMeta:
    """Replace transformations; with those of the first level the others keep their proportion.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    image : str
        Path of a level, or ``"*"``.
    transforms : sequence of TransformationMeta or None
        As for :func:`set_transforms`.

    Raises
    ------
    MissingNodeError, ShapeError
        As for :func:`set_transforms`.
    """
    placed = set_transforms(doc, image, transforms)
    levels, ndim = first_image(placed).datasets, len(first_image(placed).axes)
    if image != levels[0].path:
        return placed
    before, after = (compose(own_transforms(each, image), ndim) for each in (doc, placed))
    lower = (_moved(level, before, after) for level in levels[1:])
    return with_first_image(placed, datasets=(levels[0], *lower))


def set_scale(doc: ImageMeta, image: str, axis_index: int, value: float) -> ImageMeta:
    """Set the scale of one axis.

    For ``"*"`` it is the scale that applies to the whole image, after that of each level. For
    the first level the others keep their proportion: their scale, and their shift against it,
    are multiplied alike. For another level only that one changes.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    image : str
        Path of a level, or ``"*"``.
    axis_index : int
        Which axis.
    value : float
        Its scale, in the unit of the axis.

    Raises
    ------
    MissingNodeError
        If `image` is none of the levels.
    AxisError
        If there is no such axis.
    ShapeError
        If `value` is not positive and finite.
    """
    whole = first_image(doc)
    ndim = len(whole.axes)
    if not 0 <= axis_index < ndim:
        raise AxisError(f"no axis {axis_index}: the image has {ndim} axes")
    value = float(value)
    if not (isfinite(value) and value > 0):
        raise ShapeError(f"a scale must be positive and finite, not {value}")
    if image == WHOLE:
        changed = _rescaled(own_transforms(doc, WHOLE), ndim, axis_index, value)
        return with_first_image(doc, coordinate_transformations=changed)
    return place(doc, image, _rescaled(own_transforms(doc, image), ndim, axis_index, value))


def _rescaled(
    transforms: Sequence[TransformationMeta], ndim: int, axis: int, value: float
) -> tuple[TransformationMeta, ...]:
    scales, shifts = (list(vector) for vector in compose(transforms, ndim))
    scales[axis] = value
    return _written(transforms, scales, shifts)


def _written(
    before: Sequence[TransformationMeta], scales: Sequence[float], shifts: Sequence[float]
) -> tuple[TransformationMeta, ...]:
    moved = any(shifts) or any(transform.type == "translation" for transform in before)
    return scale_translation(scales, shifts if moved else None)


def _moved(level: DatasetMeta, before: Vectors, after: Vectors) -> DatasetMeta:
    """Return a lower level whose first one was at `before` and is at `after`."""
    if before == after:
        return level
    own = level.coordinate_transformations
    scales, shifts = (list(vector) for vector in compose(own, len(before[0])))
    for axis, (old, new) in enumerate(zip(before[0], after[0], strict=True)):
        origin, target = before[1][axis], after[1][axis]
        if (old, origin) == (new, target):
            continue
        # A scale of 0 or less says nothing of the proportion: the level gets that of the first.
        ratio = new / old if old > 0 else 1.0
        scales[axis] = scales[axis] * ratio if old > 0 and scales[axis] > 0 else new
        shifts[axis] = target + (shifts[axis] - origin) * ratio
    return level.replace(coordinate_transformations=_written(own, scales, shifts))
