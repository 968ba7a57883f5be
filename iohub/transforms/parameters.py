"""What is in a transformation at any depth: paths of stored parameters, and types unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iohub.metadata.transform_types import (
    Affine,
    AxesTransform,
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    Rotation,
    Sequence,
    Transform,
    UnknownTransform,
)


def with_paths_below(path: str, transform: Transform) -> Transform:
    """Return a transformation of an image below, with the paths of its parameters from here.

    Parameters
    ----------
    path : str
        Of the image's group.
    transform : Transform
        As the image says it.
    """
    match transform:
        case Affine() | Rotation() | Displacements() | Coordinates() if transform.path is not None:
            return transform.replace(path=f"{path}/{transform.path}")
        case Sequence():
            return transform.replace(transformations=_all_below(path, transform.transformations))
        case Bijection():
            return transform.replace(
                forward=with_paths_below(path, transform.forward),
                inverse=with_paths_below(path, transform.inverse),
            )
        case ByDimension():
            items: tuple[AxesTransform, ...] = tuple(
                item.replace(transformation=with_paths_below(path, item.transformation))
                for item in transform.transformations
            )
            return transform.replace(transformations=items)
        case _:
            return transform


def parts_of(transform: Transform) -> Iterator[Transform]:
    """Iterate over a transformation and those inside of it.

    Parameters
    ----------
    transform : Transform
        Of any type.
    """
    yield transform
    inside: Iterable[Transform] = ()
    match transform:
        case Sequence():
            inside = transform.transformations
        case Bijection():
            inside = (transform.forward, transform.inverse)
        case ByDimension():
            inside = [item.transformation for item in transform.transformations]
    for part in inside:
        yield from parts_of(part)


def parameter_paths(transforms: Iterable[Transform]) -> list[str]:
    """Return the paths where transformations have their parameters, each once.

    Parameters
    ----------
    transforms : iterable of Transform
        Of one group, which the paths are relative to.
    """
    parts = (part for transform in transforms for part in parts_of(transform))
    stored = (p for p in parts if isinstance(p, Affine | Rotation | Displacements | Coordinates))
    return list(dict.fromkeys(part.path for part in stored if part.path is not None))


def unknown_types(transform: Transform) -> list[str]:
    """Return the types in a transformation that iohub does not know.

    Parameters
    ----------
    transform : Transform
        Of any type.
    """
    return [part.type for part in parts_of(transform) if isinstance(part, UnknownTransform)]


def _all_below(path: str, transforms: Iterable[Transform]) -> tuple[Transform, ...]:
    return tuple(with_paths_below(path, transform) for transform in transforms)
