"""The image of OME-Zarr 0.6 as its JSON is, and how it corresponds to the neutral document.

The levels of 0.6 have one transformation each, to the *intrinsic* system, whose axes are those of
the image. What the neutral document holds for the image as a whole becomes a transformation from
there to a system of its own.
"""

from __future__ import annotations

from typing import Any

from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.documents import Document, JsonValue, Many, Str
from iohub.metadata.image import (
    CoordinateSpaceMeta,
    DatasetMeta,
    MultiScaleMeta,
    Transforms,
)
from iohub.metadata.transform_types import (
    AnyTransform,
    Identity,
    Scale,
    Sequence,
    Transform,
    Translation,
)
from iohub.metadata.transforms import TransformationMeta, canonical_form, is_canonical
from iohub.types import JsonObject

WHOLE_IMAGE = "whole image"
"""Name of the transformation that applies to the image as a whole."""

WHOLE_SYSTEM = "world"
"""Name of the system that it leads to, unless an image has one of this name."""

_NO_MORE = CoordinateSpaceMeta()
_STATED = {"type", "input", "output", "scale", "translation", "transformations"}


class Dataset(Document):
    """One level.

    Attributes
    ----------
    path : str
        Of the array, relative to the image's group.
    coordinate_transformations : tuple of Transform
        Exactly one, from the array to the intrinsic system.
    """

    path: Str
    coordinate_transformations: Many[AnyTransform]


class Multiscale(Document):
    """An image as a series of levels, the highest resolution first.

    Attributes
    ----------
    coordinate_systems : tuple of CoordinateSystem
        One of them is the intrinsic one.
    datasets : tuple of Dataset
        The levels.
    coordinate_transformations : tuple of Transform
        Between the intrinsic system and others.
    name, type : str or None
        Of the image; how the lower levels were made.
    metadata : JSON value
        Details of how they were made.
    """

    coordinate_systems: Many[CoordinateSystem]
    datasets: Many[Dataset]
    coordinate_transformations: Many[AnyTransform] | None = None
    name: Str | None = None
    type: Str | None = None
    metadata: JsonValue = None

    @property
    def intrinsic(self) -> CoordinateSystem | None:
        """The system that the levels lead to; None if they do not say."""
        for dataset in self.datasets:
            for transform in dataset.coordinate_transformations:
                name = transform.output.name if transform.output is not None else None
                for system in self.coordinate_systems:
                    if system.name == name:
                        return system
        return None


def simple_parts(transform: Transform) -> Transforms | None:
    """Return a transformation as scales, translations and identities.

    Parameters
    ----------
    transform : Transform
        What is to be said so.

    Returns
    -------
    tuple of TransformationMeta or None
        None if it is something else.
    """
    match transform:
        case Identity():
            return (TransformationMeta(type="identity"),)
        case Scale():
            return (TransformationMeta(type="scale", scale=transform.scale),)
        case Translation():
            return (TransformationMeta(type="translation", translation=transform.translation),)
        case Sequence():
            parts = [simple_parts(part) for part in transform.transformations]
            if any(part is None for part in parts):
                return None
            return tuple(one for part in parts if part is not None for one in part)
        case _:
            return None


# -- reading -------------------------------------------------------------------------------


def to_neutral(item: Multiscale) -> MultiScaleMeta:
    """Return the neutral document of an image that follows the rules.

    Parameters
    ----------
    item : Multiscale
        As it is stored.
    """
    intrinsic = item.intrinsic
    assert intrinsic is not None, "an image is checked before it is read"
    further = item.coordinate_transformations or ()
    systems = [system for system in item.coordinate_systems if system.name != intrinsic.name]
    order = [system.name for system in item.coordinate_systems]
    whole = _whole_image(item, intrinsic)
    if whole is not None:
        further = further[:-1]
        systems = systems[:-1]
        order = order[:-1]
    default_order = [intrinsic.name, *(system.name for system in systems)]
    space = CoordinateSpaceMeta(
        intrinsic=intrinsic.name,
        intrinsic_members=dict(intrinsic.model_extra or {}) or None,
        systems=tuple(systems),
        order=() if order == default_order else tuple(order),
        transforms=further,
    )
    members: dict[str, Any] = dict(item.model_extra or {})
    # Earlier versions had these two, with another meaning than the systems have.
    members.pop("axes", None)
    members.pop("version", None)
    return MultiScaleMeta(
        axes=intrinsic.axes,
        datasets=tuple(map(_level_to_neutral, item.datasets)),
        name=item.name,
        type=item.type,
        metadata=item.metadata,
        coordinate_transformations=whole,
        coordinate_space=None if space == _NO_MORE else space,
        **members,
    )


def _whole_image(item: Multiscale, intrinsic: CoordinateSystem) -> Transforms | None:
    """Return what a transformation says that only iohub could have written."""
    if not item.coordinate_transformations:
        return None
    last = item.coordinate_transformations[-1]
    system = item.coordinate_systems[-1]
    others = {other.name for other in item.coordinate_systems[:-1]}
    parts = simple_parts(last)
    written = {
        "name": WHOLE_IMAGE,
        "input": SystemReference(name=intrinsic.name),
        "output": SystemReference(name=system.name),
    }
    if (
        parts is None
        or not is_canonical(parts)
        or system != CoordinateSystem(name=_free_name(others), axes=intrinsic.axes)
        or last != _combined(parts, **written)
        or any(system.name in _names(t) for t in item.coordinate_transformations[:-1])
    ):
        return None
    return parts


def _names(transform: Transform) -> set[str | None]:
    return {end.name for end in (transform.input, transform.output) if end is not None}


def _level_to_neutral(dataset: Dataset) -> DatasetMeta:
    transform = dataset.coordinate_transformations[0]
    members = _other(transform)
    for name, end in (("input", transform.input), ("output", transform.output)):
        if end is not None and end.model_extra:
            members[name] = dict(end.model_extra)
    parts = simple_parts(transform)
    assert parts is not None, "an image is checked before it is read"
    if isinstance(transform, Sequence):
        pairs = zip(parts, transform.transformations, strict=True)
        parts = tuple(p.replace(**more) if (more := _other(t)) else p for p, t in pairs)
    return DatasetMeta(
        path=dataset.path,
        coordinate_transformations=parts,
        transform_members=members or None,
        **(dataset.model_extra or {}),
    )


def _other(transform: Transform) -> JsonObject:
    if transform.model_fields_set <= _STATED:
        return {}
    return {name: value for name, value in transform.to_json().items() if name not in _STATED}


# -- writing -------------------------------------------------------------------------------


def from_neutral(image: MultiScaleMeta) -> Multiscale:
    """Return an image as OME-Zarr 0.6 stores it.

    Parameters
    ----------
    image : MultiScaleMeta
        The neutral document.
    """
    space = image.space
    intrinsic = CoordinateSystem(
        name=space.intrinsic, axes=image.axes, **(space.intrinsic_members or {})
    )
    by_name = {system.name: system for system in (intrinsic, *space.systems)}
    ordered = [by_name.pop(name) for name in space.order if name in by_name]
    systems = [*ordered, *by_name.values()]
    transforms = list(space.transforms)
    if image.coordinate_transformations:
        system = _free_name({system.name for system in systems})
        systems.append(CoordinateSystem(name=system, axes=image.axes))
        transforms.append(
            _combined(
                canonical_form(image.coordinate_transformations, len(image.axes)),
                name=WHOLE_IMAGE,
                input=SystemReference(name=space.intrinsic),
                output=SystemReference(name=system),
            )
        )
    return Multiscale(
        coordinate_systems=tuple(systems),
        datasets=tuple(_level_from_neutral(level, image) for level in image.datasets),
        coordinate_transformations=tuple(transforms) or None,
        name=image.name,
        type=image.type,
        metadata=image.metadata,
        **(image.model_extra or {}),
    )


def _level_from_neutral(level: DatasetMeta, image: MultiScaleMeta) -> Dataset:
    parts = level.coordinate_transformations
    is_identity = [part.type for part in parts] == ["identity"]
    if not is_identity and not is_canonical(parts):
        parts = canonical_form(parts, len(image.axes))
    members = dict(level.transform_members or {})
    ends = {
        "input": SystemReference(**{**members.pop("input", {}), "path": level.path}),
        "output": SystemReference(**{**members.pop("output", {}), "name": image.space.intrinsic}),
    }
    return Dataset(
        path=level.path,
        coordinate_transformations=(_combined(parts, **ends, **members),),
        **(level.model_extra or {}),
    )


def _combined(parts: Transforms, **members: Any) -> Transform:
    if len(parts) == 1:
        return _one(parts[0], **members)
    return Sequence(transformations=tuple(_one(part) for part in parts), **members)


def _one(part: TransformationMeta, **members: Any) -> Transform:
    members = {**(part.model_extra or {}), **members}
    if part.scale is not None:
        return Scale(scale=part.scale, **members)
    if part.translation is not None:
        return Translation(translation=part.translation, **members)
    return Identity(**members)


def _free_name(taken: set[str]) -> str:
    name, number = WHOLE_SYSTEM, 2
    while name in taken:
        name, number = f"{WHOLE_SYSTEM}-{number}", number + 1
    return name
