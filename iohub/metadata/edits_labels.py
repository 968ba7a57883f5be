"""Edits of what is said of label images: a document in, a new document out."""

from __future__ import annotations

from collections.abc import Iterable

from iohub.errors import ExistsError, MissingNodeError, PathError
from iohub.metadata.edits_transforms import WHOLE, effective
from iohub.metadata.image import ImageMeta
from iohub.metadata.labels import (
    ImageLabelMeta,
    LabelColorMeta,
    LabelPropertyMeta,
    LabelsMeta,
    LabelSourceMeta,
)
from iohub.metadata.names import check_member_path
from iohub.metadata.transforms import compose, scale_translation

FOLDER = "labels"
"""Name of the group of the label images, beside the levels of the image."""

_FILES = {"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"}


def check_label_path(path: str, known: Iterable[str] = ()) -> str:
    """Return the path of a new label image if it is allowed.

    Parameters
    ----------
    path : str
        Relative to the group ``labels``, such as ``"cells"`` or ``"original/0"``.
    known : iterable of str
        Paths of the label images there are.

    Raises
    ------
    PathError
        If it leads out of the group, or a part is a file name of Zarr itself.
    ExistsError
        If there is such a label image, or it would lie inside of one, or one inside of it.
    """
    parts = check_member_path(path).split("/")
    taken = _FILES.intersection(parts)
    if taken:
        raise PathError(f"{path!r} cannot name a label image: {taken.pop()!r} is a file of Zarr")
    for other in known:
        if other == path:
            raise ExistsError(f"there is a label image {path!r} already")
        if path.startswith(f"{other}/") or other.startswith(f"{path}/"):
            raise ExistsError(f"the label images {path!r} and {other!r} would lie in each other")
    return path


def add_label(doc: LabelsMeta | None, path: str) -> LabelsMeta:
    """Return the list of label images with one more at its end.

    Parameters
    ----------
    doc : LabelsMeta or None
        The list of before.
    path : str
        Path of the new one; a path that is listed stays where it is.
    """
    known = doc.labels if doc is not None else ()
    if doc is None:
        return LabelsMeta(labels=(path,))
    return doc if path in known else doc.replace(labels=(*known, path))


def remove_label(doc: LabelsMeta, path: str) -> LabelsMeta:
    """Return the list of label images without one.

    Parameters
    ----------
    doc : LabelsMeta
        The list of before.
    path : str
        Path of the one to leave out; one that is not listed is left out already.
    """
    return doc.replace(labels=tuple(name for name in doc.labels if name != path))


def rename_label(doc: LabelsMeta, old: str, new: str) -> LabelsMeta:
    """Return the list of label images with one under another path, at the same place.

    Parameters
    ----------
    doc : LabelsMeta
        The list of before.
    old, new : str
        Its path before and now.

    Raises
    ------
    MissingNodeError
        If `old` is not listed.
    ExistsError
        If there is a label image `new`.
    """
    if old not in doc.labels:
        raise MissingNodeError(old, "the list of label images", doc.labels)
    check_label_path(new, (name for name in doc.labels if name != old))
    return doc.replace(labels=tuple(new if name == old else name for name in doc.labels))


def set_colors(doc: ImageMeta, colors: Iterable[LabelColorMeta]) -> ImageMeta:
    """Return the document of a label image with other colours; none at all removes them.

    Parameters
    ----------
    doc : ImageMeta
        Of before.
    colors : iterable of LabelColorMeta
        At most one per label.
    """
    return _with_label(doc, colors=tuple(colors) or None)


def set_properties(doc: ImageMeta, properties: Iterable[LabelPropertyMeta]) -> ImageMeta:
    """Return the document of a label image with other properties; none at all removes them.

    Parameters
    ----------
    doc : ImageMeta
        Of before.
    properties : iterable of LabelPropertyMeta
        In any number.
    """
    return _with_label(doc, properties=tuple(properties) or None)


def set_source(doc: ImageMeta, image: str | None) -> ImageMeta:
    """Return the document of a label image that says which image was labelled.

    Parameters
    ----------
    doc : ImageMeta
        Of before.
    image : str or None
        Path of the image, relative to the label image; None removes it.
    """
    if image is None:
        return _with_label(doc, source=None)
    old = label_of(doc).source or LabelSourceMeta()
    return _with_label(doc, source=old.replace(image=image))


def label_of(doc: ImageMeta) -> ImageLabelMeta:
    """Return what a label image says of its labels, empty if it says nothing.

    Parameters
    ----------
    doc : ImageMeta
        Its document.
    """
    return doc.image_label or ImageLabelMeta()


def _with_label(doc: ImageMeta, **changes: object) -> ImageMeta:
    return doc.replace(image_label=label_of(doc).replace(**changes))


def way_up(path: str) -> str:
    """Return the path from a label image to the image that it belongs to.

    Parameters
    ----------
    path : str
        Path of the label image, relative to the group ``labels``.

    Returns
    -------
    str
        ``"../../"``, with one more step for each group in between.
    """
    return "../" * (path.count("/") + 2)


def moved_links(doc: ImageMeta, old: str, new: str | None) -> ImageMeta:
    """Return an image's document whose transformations lead to a label image at its new path.

    Parameters
    ----------
    doc : ImageMeta
        Document of the image that has the label image.
    old : str
        Path of the label image before, relative to the group ``labels``.
    new : str or None
        Its path now; None leaves the transformations to it out.
    """
    before = f"{FOLDER}/{old}"
    images = []
    for image in doc.multiscales:
        kept = []
        for transform in image.space.transforms:
            ends = {
                end: reference
                for end in ("input", "output")
                if (reference := getattr(transform, end)) is not None
                and (reference.path or "").strip("/") == before
            }
            if ends and new is None:
                continue
            moved = {end: ref.replace(path=f"{FOLDER}/{new}") for end, ref in ends.items()}
            kept.append(transform.replace(**moved) if moved else transform)
        if tuple(kept) == image.space.transforms:
            images.append(image)
        else:
            space = image.space.replace(transforms=tuple(kept))
            images.append(image.replace(coordinate_space=space))
    return doc.replace(multiscales=tuple(images)) if tuple(images) != doc.multiscales else doc


def is_linked(doc: ImageMeta, path: str) -> bool:
    """Whether an image's own transformations say how one of its label images lies to it.

    Parameters
    ----------
    doc : ImageMeta
        Document of the image that has the label image.
    path : str
        Of the label image, relative to the group ``labels``.
    """
    ends = [
        end
        for image in doc.multiscales
        for transform in image.space.transforms
        for end in (transform.input, transform.output)
    ]
    wanted = f"{FOLDER}/{path}"
    return any(end is not None and (end.path or "").strip("/") == wanted for end in ends)


def moved_along(label: ImageMeta, before: ImageMeta, after: ImageMeta) -> ImageMeta:
    """Return a label image's document as the image's space has been scaled and shifted.

    Where the highest resolution of the image was and is says how; every level of the label image
    keeps its place in it. Axes that the label image has not do not matter.

    Parameters
    ----------
    label : ImageMeta
        Document of the label image.
    before, after : ImageMeta
        Document of the image before and now.
    """
    first = before.multiscales[0].datasets[0].path
    names = [axis.name.lower() for axis in before.multiscales[0].axes]
    old, new = effective(before, first), effective(after, first)
    whole = label.multiscales[0]
    where = [names.index(n.lower()) if n.lower() in names else None for n in whole.get_axis_names()]
    axes = [
        (i, j)
        for i, j in enumerate(where)
        if j is not None and (old[0][j], old[1][j]) != (new[0][j], new[1][j])
    ]
    if not axes:
        return label
    outer, outer_shift = effective(label, WHOLE)
    levels = []
    for level in whole.datasets:
        own = level.coordinate_transformations
        scales, shifts = (list(vector) for vector in compose(own, len(whole.axes)))
        scale, shift = effective(label, level.path)
        for i, j in axes:
            # A scale of 0 or less says nothing of the proportion.
            ratio = new[0][j] / old[0][j] if old[0][j] > 0 else 1.0
            stretched = new[0][j] if scale[i] == old[0][j] else scale[i] * ratio
            scales[i] = stretched / outer[i]
            shifts[i] = ((shift[i] - old[1][j]) * ratio + new[1][j] - outer_shift[i]) / outer[i]
        moved = any(shifts) or any(transform.type == "translation" for transform in own)
        changed = scale_translation(scales, shifts if moved else None)
        levels.append(level.replace(coordinate_transformations=changed))
    image = whole.replace(datasets=tuple(levels))
    return label.replace(multiscales=(image, *label.multiscales[1:]))
