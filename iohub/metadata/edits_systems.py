"""Edits of an image's coordinate systems: a document in, a new document out."""

from __future__ import annotations

from iohub.errors import ExistsError, MissingNodeError, TransformError
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.edits_levels import first_image, with_first_image
from iohub.metadata.image import CoordinateSpaceMeta, ImageMeta
from iohub.metadata.transform_types import Transform


def add_system(
    doc: ImageMeta, system: CoordinateSystem, transform: Transform, source: str | None = None
) -> ImageMeta:
    """Add a coordinate system and the way to it.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    system : CoordinateSystem
        The new system.
    transform : Transform
        From `source` to the new system.
    source : str or None
        Name of a system; the one that the levels lead to if None.

    Raises
    ------
    ExistsError
        If the image has a system of that name.
    MissingNodeError
        If it has no system `source`.
    """
    image = first_image(doc)
    names = [image.space.intrinsic, *(known.name for known in image.space.systems)]
    source = source or image.space.intrinsic
    if system.name in names:
        raise ExistsError(f"there is a coordinate system {system.name!r} already")
    if source not in names:
        raise MissingNodeError(source, "the image's coordinate systems", names)
    placed = transform.replace(
        input=SystemReference(name=source), output=SystemReference(name=system.name)
    )
    space = image.space.replace(
        systems=(*image.space.systems, system),
        order=(*image.space.order, system.name) if image.space.order else (),
        transforms=(*image.space.transforms, placed),
    )
    return with_first_image(doc, coordinate_space=space)


def remove_system(doc: ImageMeta, name: str) -> ImageMeta:
    """Remove a coordinate system and the transformations from and to it.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    name : str
        Name of the system.

    Raises
    ------
    MissingNodeError
        If there is no such system.
    TransformError
        If the levels lead to it.
    """
    image = first_image(doc)
    if name == image.space.intrinsic:
        raise TransformError(f"the levels of the image lead to {name!r}: it cannot be removed")
    names = [system.name for system in image.space.systems]
    if name not in names:
        raise MissingNodeError(name, "the image's coordinate systems", names)

    def ends(transform: Transform) -> bool:
        return any(
            end is not None and end.path is None and end.name == name
            for end in (transform.input, transform.output)
        )

    space = image.space.replace(
        systems=tuple(system for system in image.space.systems if system.name != name),
        order=tuple(known for known in image.space.order if known != name),
        transforms=tuple(t for t in image.space.transforms if not ends(t)),
    )
    plain = space == CoordinateSpaceMeta()
    return with_first_image(doc, coordinate_space=None if plain else space)
