"""Edits of an image's coordinate systems: a document in, a new document out."""

from __future__ import annotations

from iohub.errors import DocumentError, ExistsError, MissingNodeError, TransformError
from iohub.metadata.check_v06 import DEMANDED, check_multiscale
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.edits_levels import first_image, with_first_image
from iohub.metadata.image import CoordinateSpaceMeta, ImageMeta
from iohub.metadata.transform_types import Transform
from iohub.metadata.v06_image import from_neutral


def add_system(doc: ImageMeta, system: CoordinateSystem, transform: Transform) -> ImageMeta:
    """Add a coordinate system and the way to it.

    Parameters
    ----------
    doc : ImageMeta
        The image.
    system : CoordinateSystem
        The new system.
    transform : Transform
        From the system that the levels lead to, which the specification demands, to the new one.

    Raises
    ------
    ExistsError
        If the image has a system of that name.
    DocumentError
        If the transformation lacks what the specification demands.
    """
    image = first_image(doc)
    if system.name in _names(doc):
        raise ExistsError(f"there is a coordinate system {system.name!r} already")
    placed = transform.replace(
        input=SystemReference(name=image.space.intrinsic),
        output=SystemReference(name=system.name),
    )
    space = image.space.replace(
        systems=(*image.space.systems, system),
        order=(*image.space.order, system.name) if image.space.order else (),
        transforms=(*image.space.transforms, placed),
    )
    return _no_worse(doc, with_first_image(doc, coordinate_space=space))


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
        If the levels, or transformations of the whole image, lead to it.
    DocumentError
        If others lose their way with it.
    """
    image = first_image(doc)
    if name == image.space.intrinsic:
        raise TransformError(f"the levels of the image lead to {name!r}: it cannot be removed")
    names = _names(doc)
    if name not in names:
        raise MissingNodeError(name, "the image's coordinate systems", names)
    if name not in [system.name for system in image.space.systems]:
        raise TransformError(
            f"transformations of the whole image lead to {name!r}: take them away with "
            "set_transform('*', [])"
        )

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
    return _no_worse(doc, with_first_image(doc, coordinate_space=None if plain else space))


def _names(doc: ImageMeta) -> list[str]:
    return [system.name for system in from_neutral(first_image(doc)).coordinate_systems]


def _no_worse(before: ImageMeta, after: ImageMeta) -> ImageMeta:
    """Return the document after an edit, unless it breaks a demand that it met before.

    What others wrote may break one: that is read, and may be edited.
    """
    was, now = (
        check_multiscale(from_neutral(first_image(doc)), "", recommended=False).should
        for doc in (before, after)
    )
    known = [problem.what for problem in was]
    new = [p for p in now if p.code in DEMANDED and p.what not in known]
    if new:
        raise DocumentError(new)
    return after
