"""What metadata say of levels, axes and links, read from JSON that may be wrong in any place.

A store is looked at although its metadata break rules: what can be understood is used, the rest
is left to the checks of the documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeGuard

from iohub.metadata.names import path_problem
from iohub.types import JsonMapping

Vector = tuple[float, ...]
Place = tuple[str | int, ...]

_SYSTEMS = "coordinateSystems"


@dataclass(frozen=True, slots=True)
class Level:
    """A level that an image lists.

    Attributes
    ----------
    path : str
        Of its array, relative to the image.
    scale : tuple of float or None
        Size of a pixel; None if it cannot be told.
    where : tuple
        Names and indexes from the OME metadata to its entry.
    """

    path: str
    scale: Vector | None
    where: Place


@dataclass(frozen=True, slots=True)
class Image:
    """A multiscale image.

    Attributes
    ----------
    axes : tuple of str or None
        Names; None if they cannot be told.
    types : tuple of (str or None)
        Of the axes.
    levels : tuple of Level
        Those whose paths can be followed.
    links : tuple of (path, name, where)
        Systems of label images that transformations name.
    systems : bool
        Whether its axes are those of coordinate systems, as from OME-Zarr 0.6 on.
    """

    axes: tuple[str, ...] | None
    types: tuple[str | None, ...]
    levels: tuple[Level, ...]
    links: tuple[tuple[str, str, Place], ...] = ()
    systems: bool = False

    def size_along(self, name: str, shape: Sequence[int]) -> int | None:
        """Return the size of an array along the axis of a name; None if there is no such axis.

        Parameters
        ----------
        name : str
            Of the axis.
        shape : sequence of int
            Of the array.
        """
        if self.axes is None or name not in self.axes or len(self.axes) != len(shape):
            return None
        return shape[self.axes.index(name)]


def objects(value: Any, *names: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Iterate over the objects in an array, with their indexes.

    Parameters
    ----------
    value : JSON value
        Holds the array.
    *names : str
        Members to go through to get to it.
    """
    # What JSON gives comes first: to look at an abstract class for each object takes a while.
    for name in names:
        value = value.get(name) if isinstance(value, dict | Mapping) else None
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, dict | Mapping):
                yield index, item


def paths_in(value: Any, *names: str) -> Iterator[tuple[int, str]]:
    """Iterate over the member ``path`` of objects in an array, if it can be followed.

    Parameters
    ----------
    value : JSON value
        Holds the array.
    *names : str
        Members to go through to get to it.
    """
    for index, item in objects(value, *names):
        path = item.get("path")
        if followed(path):
            yield index, path


def followed(path: Any) -> TypeGuard[str]:
    """Whether a value is a path that stays in its group."""
    return isinstance(path, str) and path_problem(path) is None


def images_in(ome: JsonMapping) -> list[Image]:
    """Return the images that metadata describe.

    Parameters
    ----------
    ome : mapping
        The OME metadata of a group.
    """
    return [_image(index, item) for index, item in objects(ome, "multiscales")]


def _image(index: int, item: Mapping[str, Any]) -> Image:
    axes = _axes_of(item)
    names = [axis.get("name") for axis in axes]
    types = [axis.get("type") for axis in axes]
    levels = [
        Level(entry["path"], _scale_of(entry), ("multiscales", index, "datasets", number))
        for number, entry in objects(item, "datasets")
        if followed(entry.get("path"))
    ]
    links = [
        (end["path"], end["name"], ("multiscales", index, "coordinateTransformations", k, side))
        for k, transform in objects(item, "coordinateTransformations")
        for side in ("input", "output")
        for end in [transform.get(side)]
        if isinstance(end, Mapping)
        and followed(end.get("path"))
        and isinstance(end.get("name"), str)
    ]
    known = bool(names) and all(isinstance(name, str) for name in names)
    return Image(
        axes=tuple(map(str, names)) if known else None,
        types=tuple(kind if isinstance(kind, str) else None for kind in types),
        levels=tuple(levels),
        links=tuple(links),
        systems=_SYSTEMS in item,
    )


def _axes_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if _SYSTEMS not in item:
        return [axis for _, axis in objects(item, "axes")]
    intrinsic = next(
        (
            end.get("name")
            for _, entry in objects(item, "datasets")
            for _, transform in objects(entry, "coordinateTransformations")
            for end in [transform.get("output")]
            if isinstance(end, Mapping)
        ),
        None,
    )
    for _, system in objects(item, _SYSTEMS):
        if system.get("name") == intrinsic:
            return [axis for _, axis in objects(system, "axes")]
    return []


def _scale_of(entry: Mapping[str, Any]) -> Vector | None:
    """Multiply the scales of a level; what is in a sequence counts like what is side by side."""
    found: list[Vector] = []
    for _, transform in objects(entry, "coordinateTransformations"):
        inside = "transformations" in transform
        parts = [part for _, part in objects(transform, "transformations")] if inside else ()
        for part in parts or (transform,):
            if part.get("type") == "scale":
                vector = part.get("scale")
                if not isinstance(vector, list | tuple) or not all(map(_is_factor, vector)):
                    return None
                found.append(tuple(map(float, vector)))
    if not found or len({len(vector) for vector in found}) != 1:
        return None
    product = found[0]
    for vector in found[1:]:
        product = tuple(a * b for a, b in zip(product, vector, strict=True))
    return product


def _is_factor(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and isfinite(value)
        and value > 0
    )


_STORED = {"affine", "rotation", "displacements", "coordinates"}


def stored_parameters(value: Any, *where: str | int) -> Iterator[tuple[str, str, Place]]:
    """Iterate over transformations whose parameters are in an array.

    Parameters
    ----------
    value : JSON value
        An array of transformations, or one with others inside of it.
    *where : str or int
        Names and indexes from the OME metadata to it.

    Yields
    ------
    type, path : str
        Of the transformation, and of its parameters.
    where : tuple
        Names and indexes to its path.
    """
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from stored_parameters(item, *where, index)
    elif isinstance(value, Mapping):
        kind, path = value.get("type"), value.get("path")
        if isinstance(kind, str) and kind in _STORED and followed(path):
            yield kind, str(path), (*where, "path")
        for name in ("transformations", "transformation", "forward", "inverse"):
            if name in value:
                yield from stored_parameters(value[name], *where, name)
