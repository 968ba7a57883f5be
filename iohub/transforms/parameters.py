"""Where the parameters of a transformation are stored, seen from another group."""

from __future__ import annotations

from collections.abc import Iterable

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


def _all_below(path: str, transforms: Iterable[Transform]) -> tuple[Transform, ...]:
    return tuple(with_paths_below(path, transform) for transform in transforms)
