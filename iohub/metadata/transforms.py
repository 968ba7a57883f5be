"""Coordinate transformations of OME-Zarr 0.4 and 0.5: scale and translation, one value per axis.

A pixel index x becomes the coordinate s·x + t, in the units of the axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Literal, Self

from pydantic import model_validator

from iohub.errors import ShapeError, VersionError
from iohub.metadata.documents import Document, Str, Vector


class TransformationMeta(Document):
    """One coordinate transformation.

    Attributes
    ----------
    type : {"identity", "scale", "translation"}
        What it does.
    scale : tuple of float or None
        Size of a pixel along each axis, in the unit of the axis; for the type ``"scale"``.
    translation : tuple of float or None
        Coordinate of the first pixel along each axis; for the type ``"translation"``.
    path : str or None
        Where the vector is stored, instead of the vector itself.

    Raises
    ------
    pydantic.ValidationError
        If the vector of the type is missing, or one of another type is given.
    """

    type: Literal["identity", "scale", "translation"]
    scale: Vector | None = None
    translation: Vector | None = None
    path: Str | None = None

    @model_validator(mode="after")
    def _one_vector(self) -> Self:
        for name, vector in (("scale", self.scale), ("translation", self.translation)):
            if name == self.type:
                if (vector is None) == (self.path is None):
                    raise ValueError(
                        f"a {name} needs either {name!r}, one number per axis, or 'path'"
                    )
            elif vector is not None:
                raise ValueError(f"{name!r} does not belong to the type {self.type!r}")
        if self.type == "identity" and self.path is not None:
            raise ValueError("'path' does not belong to the type 'identity'")
        return self

    @property
    def vector(self) -> tuple[float, ...] | None:
        """The scale or the translation; None for an identity or a stored vector."""
        return self.scale if self.type == "scale" else self.translation


def compose(
    transforms: Iterable[TransformationMeta] | None, ndim: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Apply transformations one after the other.

    Each maps the result of the one before (specification 0.4, "coordinateTransformations"), so
    a later scale also scales an earlier translation.

    Parameters
    ----------
    transforms : iterable of TransformationMeta or None
        In the order in which they are applied.
    ndim : int
        Number of axes.

    Returns
    -------
    scale, translation : tuple of float
        One value per axis, in the units of the axes.

    Raises
    ------
    ShapeError
        If a vector has not one value per axis.
    VersionError
        If a vector is stored elsewhere.
    """
    scale, shift = [1.0] * ndim, [0.0] * ndim
    for transform in transforms or ():
        if transform.type == "identity":
            continue
        vector = transform.vector
        if vector is None:
            raise VersionError(
                f"the {transform.type} is stored at {transform.path!r}: OME-Zarr 0.4 and 0.5 want "
                "the numbers in the metadata"
            )
        if len(vector) != ndim:
            raise ShapeError(
                f"the {transform.type} has {len(vector)} value(s) and the image {ndim} axes: "
                "give one value per axis"
            )
        if transform.type == "scale":
            scale = [a * b for a, b in zip(scale, vector, strict=True)]
            shift = [a * b for a, b in zip(shift, vector, strict=True)]
        else:
            shift = [a + b for a, b in zip(shift, vector, strict=True)]
    return tuple(scale), tuple(shift)


def is_canonical(transforms: Sequence[TransformationMeta]) -> bool:
    """Whether transformations are one scale, or one scale and then one translation.

    Parameters
    ----------
    transforms : sequence of TransformationMeta
        As they are written.
    """
    return [transform.type for transform in transforms] in (["scale"], ["scale", "translation"])


def canonical_form(
    transforms: Sequence[TransformationMeta], ndim: int
) -> tuple[TransformationMeta, ...]:
    """Return equivalent transformations in the form that is written, whatever their values.

    Parameters
    ----------
    transforms : sequence of TransformationMeta
        In the order in which they are applied.
    ndim : int
        Number of axes.

    Raises
    ------
    ShapeError, VersionError
        As :func:`compose`.
    """
    scale, shift = compose(transforms, ndim)
    if is_canonical(transforms):
        return tuple(transforms)
    moved = any(shift) or any(transform.type == "translation" for transform in transforms)
    return scale_translation(scale, shift if moved else None)


def scale_translation(
    scale: Sequence[float], translation: Sequence[float] | None = None
) -> tuple[TransformationMeta, ...]:
    """Return a scale, and a translation if one is given.

    Parameters
    ----------
    scale, translation : sequence of float
        One value per axis, in the units of the axes.
    """
    first = TransformationMeta(type="scale", scale=tuple(scale))
    if translation is None:
        return (first,)
    return first, TransformationMeta(type="translation", translation=tuple(translation))


def normalise(
    transforms: Sequence[TransformationMeta] | None, ndim: int
) -> tuple[TransformationMeta, ...]:
    """Return the one scale, or scale and translation, that may be written.

    An identity becomes a scale of ones; a translation before a scale is multiplied by it and put
    behind; without a scale there is one of ones.

    Parameters
    ----------
    transforms : sequence of TransformationMeta or None
        In the order in which they are applied.
    ndim : int
        Number of axes.

    Raises
    ------
    ShapeError
        If a vector has not one value per axis, or a scale is not positive and finite.
    VersionError
        If a vector is stored elsewhere.
    """
    transforms = tuple(transforms or ())
    scale, shift = compose(transforms, ndim)
    if not all(isfinite(value) and value > 0 for value in scale):
        raise ShapeError(f"a scale must be positive and finite, not {list(scale)}")
    if not all(isfinite(value) for value in shift):
        raise ShapeError(f"a translation must be finite, not {list(shift)}")
    return canonical_form(transforms, ndim)
