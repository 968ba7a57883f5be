"""Edits of an image's levels and axes: a document in, a new document out.

Every edit checks everything before it returns; the document that is given never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from iohub.errors import AxisError, ExistsError, MissingNodeError, ShapeError
from iohub.metadata.axes import AxisMeta, axes_for, axis_of_type, require_axes
from iohub.metadata.edits_channels import new_omero
from iohub.metadata.image import DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.names import check_array_path
from iohub.metadata.transforms import TransformationMeta, compose, normalise


def first_image(doc: ImageMeta) -> MultiScaleMeta:
    """Return the multiscale image that edits are of.

    Parameters
    ----------
    doc : ImageMeta
        An image's document.

    Raises
    ------
    MissingNodeError
        If there is none.
    """
    if not doc.multiscales:
        raise MissingNodeError("multiscales", "the image's metadata")
    return doc.multiscales[0]


def with_first_image(doc: ImageMeta, **changes: Any) -> ImageMeta:
    """Return a document with members of its first multiscale image changed.

    Parameters
    ----------
    doc : ImageMeta
        An image's document.
    **changes
        New values, by attribute name.
    """
    image = first_image(doc).replace(**changes)
    return doc.replace(multiscales=(image, *doc.multiscales[1:]))


def level_index(doc: ImageMeta, image: str) -> int:
    """Return which level an array is.

    Parameters
    ----------
    doc : ImageMeta
        An image's document.
    image : str
        Path of the array.

    Raises
    ------
    MissingNodeError
        If it is none of the levels.
    """
    paths = first_image(doc).get_dataset_paths()
    if image not in paths:
        raise MissingNodeError(image, "the image's levels", paths)
    return paths.index(image)


def add_dataset(
    doc: ImageMeta | None,
    path: str,
    transforms: Sequence[TransformationMeta] | None = None,
    axes: Sequence[AxisMeta] | None = None,
    *,
    channel_names: Sequence[str] | None = None,
    dtype: Any = None,
    name: str = "",
    shape: Sequence[int] | None = None,
    shapes: Sequence[Sequence[int] | None] = (),
    replace: bool = False,
) -> ImageMeta:
    """Add a level to an image, or begin an image.

    The level is put behind those that are not coarser, as levels go from the highest to the
    lowest resolution; one without transformations, whose resolution is not known, never becomes
    the first for it. Where sizes are known they have the last word, as the specification wants
    levels from the largest to the smallest: nothing is put behind what is smaller than it.

    Parameters
    ----------
    doc : ImageMeta or None
        The image of before; None begins one.
    path : str
        Of the array, relative to the image's group.
    transforms : sequence of TransformationMeta or None
        From pixel indexes to coordinates; None is one unit per pixel.
    axes : sequence of AxisMeta or None
        Axes of the image. None takes those of `doc`, or the defaults for the dimensions of
        `shape`. To be equal to those of `doc` if both are given.
    channel_names : sequence of str or None
        Names of the channels. Used if `doc` has none yet.
    dtype : numpy data type or str or None
        Of the array; gives the contrast limits of new channels.
    name : str
        Of the image; used if it has none yet.
    shape : sequence of int or None
        Of the array, to check axes and channels against and to choose the plane shown first.
    shapes : sequence of (sequence of int or None)
        Of the arrays of the levels that `doc` has; None for one that is not known.
    replace : bool
        Whether the image may have such a level, which is then replaced, at its place if it fits.

    Returns
    -------
    ImageMeta
        The image with the new level.

    Raises
    ------
    ExistsError
        If the image has such a level, unless `replace`.
    AxisError
        If the axes are not allowed, or others than those of the image.
    ShapeError
        If `shape` or a transformation has not one value per axis, or a scale is not positive.
    ChannelError
        If channel names are repeated, or not as many as there are channels.
    PathError
        If `path` leads out of the group.
    """
    check_array_path(path)
    axes = _axes_of(doc, axes, shape)
    if shape is not None and len(shape) != len(axes):
        names = ", ".join(axis.name for axis in axes)
        raise ShapeError(f"the array has {len(shape)} dimensions and the image the axes {names}")
    level = DatasetMeta(path=path, coordinate_transformations=normalise(transforms, len(axes)))
    omero = doc.omero if doc is not None else None
    if omero is None and channel_names:
        omero = new_omero(channel_names, axes, dtype=dtype, name=name, shape=shape)
    if doc is None or not doc.multiscales:
        image = MultiScaleMeta(axes=axes, datasets=(level,), name=name or None)
        if doc is None:
            return ImageMeta(multiscales=(image,), omero=omero)
        return doc.replace(multiscales=(image,), omero=omero)
    image = first_image(doc)
    levels, known = list(image.datasets), list(shapes or [None] * len(image.datasets))
    if path not in image.get_dataset_paths():
        size = _pixel_size(level, len(axes))
        finer = sum(_pixel_size(other, len(axes)) <= size for other in levels)
        wanted = finer if transforms is not None else max(1, finer)
    elif replace:
        wanted = level_index(doc, path)
        del levels[wanted], known[wanted]
    else:
        raise ExistsError(f"the image has a level {path!r} already")
    levels.insert(_place(wanted, shape, known), level)
    doc = with_first_image(doc, datasets=tuple(levels), name=image.name or name or None)
    return doc.replace(omero=omero)


def is_smaller(shape: Sequence[int] | None, other: Sequence[int] | None) -> bool:
    """Whether a shape is another one, smaller along some axes and larger along none.

    Parameters
    ----------
    shape, other : sequence of int or None
        None for one that is not known.
    """
    if shape is None or other is None or len(shape) != len(other) or tuple(shape) == tuple(other):
        return False
    return all(a <= b for a, b in zip(shape, other, strict=True))


def _place(wanted: int, shape: Sequence[int] | None, shapes: Sequence[Sequence[int] | None]) -> int:
    """Return the place next to the one wanted that is behind larger levels, before smaller."""
    larger = [i for i, other in enumerate(shapes) if is_smaller(shape, other)]
    smaller = [i for i, other in enumerate(shapes) if is_smaller(other, shape)]
    return min([max([wanted, *(i + 1 for i in larger)]), *smaller])


def _axes_of(
    doc: ImageMeta | None, axes: Sequence[AxisMeta] | None, shape: Sequence[int] | None
) -> tuple[AxisMeta, ...]:
    known = first_image(doc).axes if doc is not None and doc.multiscales else None
    if axes is None:
        return known or axes_for(5 if shape is None else len(shape))
    given = require_axes(axes)
    if known is not None and [a.name for a in given] != [a.name for a in known]:
        raise AxisError(
            f"the image has the axes {', '.join(a.name for a in known)}, "
            f"not {', '.join(a.name for a in given)}"
        )
    return known or given


def _pixel_size(level: DatasetMeta, ndim: int) -> float:
    return prod(compose(level.coordinate_transformations, ndim)[0])


def remove_dataset(doc: ImageMeta, path: str, *, keep_last: bool = False) -> ImageMeta | None:
    """Take a level away.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    path : str
        Of the array.
    keep_last : bool
        Whether to return an image without levels rather than None, to add one to it: it cannot
        be written so.

    Returns
    -------
    ImageMeta or None
        None if it was the last level: an image has at least one.

    Raises
    ------
    MissingNodeError
        If it is none of the levels.
    """
    index = level_index(doc, path)
    levels = first_image(doc).datasets
    if len(levels) == 1 and not keep_last:
        rest = doc.multiscales[1:]
        return doc.replace(multiscales=rest) if rest else None
    return with_first_image(doc, datasets=levels[:index] + levels[index + 1 :])


def remove_datasets(doc: ImageMeta, paths: Iterable[str]) -> ImageMeta:
    """Take levels away, but for the last that is left.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    paths : iterable of str
        Of the arrays.

    Returns
    -------
    ImageMeta
        The image without them.

    Raises
    ------
    MissingNodeError
        If one is none of the levels.
    """
    for path in paths:
        doc = remove_dataset(doc, path) or doc
    return doc


def remove_pyramid(doc: ImageMeta, lower: Sequence[str]) -> ImageMeta:
    """Take the lower levels away, and what is said of how they were made.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    lower : sequence of str
        Paths of all levels but the first; if none, nothing changes.

    Raises
    ------
    MissingNodeError
        If one is none of the levels.
    """
    return set_method(remove_datasets(doc, lower), None) if lower else doc


def rename_dataset(doc: ImageMeta, old: str, new: str) -> ImageMeta:
    """Give a level's array another path.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    old, new : str
        Path of before and of now.

    Raises
    ------
    MissingNodeError
        If `old` is none of the levels.
    ExistsError
        If `new` is one.
    PathError
        If `new` leads out of the group.
    """
    index = level_index(doc, old)
    check_array_path(new)
    image = first_image(doc)
    if new == old:
        return doc
    if new in image.get_dataset_paths():
        raise ExistsError(f"the image has a level {new!r} already")
    levels = list(image.datasets)
    levels[index] = levels[index].replace(path=new)
    return with_first_image(doc, datasets=tuple(levels))


def set_axes(doc: ImageMeta, axes: Iterable[AxisMeta]) -> ImageMeta:
    """Describe the axes otherwise: names, types, units.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    axes : iterable of AxisMeta
        As many as there are.

    Raises
    ------
    AxisError
        If the axes are not allowed, or not as many.
    """
    axes = require_axes(axes)
    count = len(first_image(doc).axes)
    if len(axes) != count:
        raise AxisError(f"the image has {count} axes, not {len(axes)}")
    return with_first_image(doc, axes=axes)


def set_method(doc: ImageMeta, method: str | None, metadata: Any = None) -> ImageMeta:
    """Say how the lower levels were made.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    method : str or None
        Such as ``"mean"``.
    metadata : JSON value
        Details.
    """
    return with_first_image(doc, type=method, metadata=metadata)


def set_name(doc: ImageMeta, name: str | None) -> ImageMeta:
    """Name the image.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    name : str or None
        For people; None takes it away.
    """
    return with_first_image(doc, name=name or None)


def channel_axis(doc: ImageMeta) -> int | None:
    """Return where the channel axis of an image is, None if it has none.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    """
    return axis_of_type(first_image(doc).axes, "channel")
