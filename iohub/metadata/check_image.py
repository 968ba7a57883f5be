"""The rules that an image's document must or should follow, beyond the types of its members.

Source: OME-Zarr specification 0.4 and 0.5, sections "multiscales" and "omero".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from iohub.errors import Problem
from iohub.metadata.axes import check_axes, check_units
from iohub.metadata.documents import Findings, pointer
from iohub.metadata.image import ImageMeta, MultiScaleMeta
from iohub.metadata.labels import ImageLabelMeta, check_image_label
from iohub.metadata.names import path_problem
from iohub.metadata.omero import OMEROMeta, is_color
from iohub.metadata.transforms import TransformationMeta, compose, is_canonical


def check_image(doc: ImageMeta, *, recommended: bool = True) -> Findings:
    """Check an image's document.

    Parameters
    ----------
    doc : ImageMeta
        What is checked; pointers are relative to the mapping that holds ``multiscales``.
    recommended : bool
        Whether to check also what only should be so; reading many images goes without.
    """
    found = Findings.none()
    if not doc.multiscales:
        text = "must have at least one image"
        found.must.append(Problem("/multiscales", text, "multiscales-empty"))
    for index, image in enumerate(doc.multiscales):
        where = pointer("multiscales", index)
        _check_multiscale(image, where, found)
        if recommended:
            _check_recommended(image, where, found)
    check_label_and_channels(doc.omero, doc.image_label, found, recommended=recommended)
    return found


def check_label_and_channels(
    omero: OMEROMeta | None, label: ImageLabelMeta | None, found: Findings, *, recommended: bool
) -> None:
    """Check what lies beside the images of a document.

    Parameters
    ----------
    omero : OMEROMeta or None
        Channels and rendering defaults.
    label : ImageLabelMeta or None
        Colours and properties of labels.
    found : Findings
        Gets what is wrong; pointers are relative to the mapping that holds these members.
    recommended : bool
        Whether to check also what only should be so.
    """
    if omero is not None and recommended:
        _check_omero(omero, found)
    if label is not None:
        part = check_image_label(label)
        found.must.extend(p._replace(where=f"/image-label{p.where}") for p in part.must)
        found.should.extend(p._replace(where=f"/image-label{p.where}") for p in part.should)


def unspeakable(doc: ImageMeta, version: str) -> list[Problem]:
    """Return what would be lost if an image were written before OME-Zarr 0.6.

    Parameters
    ----------
    doc : ImageMeta
        What is to be written.
    version : str
        That is to say it.
    """
    lost = []
    for index, image in enumerate(doc.multiscales):
        for what, members in (
            ("coordinateSystems", [repr(system.name) for system in image.space.systems]),
            (
                "coordinateTransformations",
                [t.name or t.type for t in image.space.transforms],
            ),
        ):
            if members:
                text = f"OME-Zarr {version} cannot say this, it would be lost: {', '.join(members)}"
                lost.append(Problem(pointer("multiscales", index, what), text, "inexpressible"))
    return lost


def _check_multiscale(image: MultiScaleMeta, where: str, found: Findings) -> None:
    axes = check_axes(image.axes)
    found.must.extend(p._replace(where=f"{where}/axes{p.where}") for p in axes)
    if not image.datasets:
        found.must.append(Problem(f"{where}/datasets", "must have at least one", "datasets-empty"))
    seen: set[str] = set()
    for index, dataset in enumerate(image.datasets):
        place = f"{where}/datasets/{index}"
        check_dataset_path(dataset.path, f"{place}/path", seen, found)
        place += "/coordinateTransformations"
        transforms = dataset.coordinate_transformations
        _check_transforms(transforms, len(image.axes), place, found, level=True)
    if image.coordinate_transformations:
        place = f"{where}/coordinateTransformations"
        transforms = image.coordinate_transformations
        _check_transforms(transforms, len(image.axes), place, found, level=False)


def _check_recommended(image: MultiScaleMeta, where: str, found: Findings) -> None:
    units = check_units(image.axes)
    found.should.extend(p._replace(where=f"{where}/axes{p.where}") for p in units)
    if not found.must:
        _check_level_order(image, where, found)
    # How levels were made can be said only where there are several.
    for name in ("name", "type", "metadata") if len(image.datasets) > 1 else ("name",):
        if getattr(image, name) is None:
            found.should.append(Problem(f"{where}/{name}", "should be there", f"{name}-missing"))


def _check_transforms(
    transforms: Sequence[TransformationMeta], ndim: int, where: str, found: Findings, *, level: bool
) -> None:
    types = [transform.type for transform in transforms]
    if types.count("scale") > 1 or types.count("translation") > 1:
        text = f"only one scale and one translation are allowed, found {', '.join(types)}"
        found.must.append(Problem(where, text, "transform-count"))
    elif level and "scale" not in types and "identity" not in types:
        found.must.append(Problem(where, "must have a scale", "transform-scale"))
    elif not is_canonical(transforms):
        text = f"should be a scale, or a scale and then a translation, found {', '.join(types)}"
        found.should.append(Problem(where, text, "transform-form"))
    for index, transform in enumerate(transforms):
        if transform.type == "identity":
            continue
        vector = transform.vector
        if vector is None:
            text = f"the {transform.type} must be given as numbers, not as a path"
            found.must.append(Problem(f"{where}/{index}/path", text, "transform-path"))
            continue
        place = f"{where}/{index}/{transform.type}"
        if len(vector) != ndim:
            text = f"has {len(vector)} values and the image {ndim} axes"
            found.must.append(Problem(place, text, "transform-length"))
        if transform.type == "scale" and min(vector, default=1) <= 0:
            text = f"should be positive, found {list(vector)}"
            found.should.append(Problem(place, text, "scale-positive"))


def _check_level_order(image: MultiScaleMeta, where: str, found: Findings) -> None:
    if len(image.datasets) == 1:
        return
    ndim = len(image.axes)
    sizes = [prod(compose(d.coordinate_transformations, ndim)[0]) for d in image.datasets]
    if sizes != sorted(sizes):
        text = "should be ordered from the highest to the lowest resolution"
        found.should.append(Problem(f"{where}/datasets", text, "datasets-order"))


def _check_omero(omero: OMEROMeta, found: Findings) -> None:
    seen: set[str] = set()
    for index, channel in enumerate(omero.channels):
        where = pointer("omero", "channels", index)
        if channel.color is None:
            found.should.append(Problem(f"{where}/color", "should be there", "channel-color"))
        elif not is_color(channel.color):
            text = f"should be six hexadecimal digits, found {channel.color!r}"
            found.should.append(Problem(f"{where}/color", text, "channel-color"))
        if channel.window is None:
            found.should.append(Problem(f"{where}/window", "should be there", "channel-window"))
        if channel.label is not None and channel.label in seen:
            text = f"two channels are called {channel.label!r}"
            found.should.append(Problem(f"{where}/label", text, "channel-unique"))
        seen.add(channel.label or "")


def check_dataset_path(path: str, where: str, seen: set[str], found: Findings) -> None:
    """Check that the path of a level lies in the image, and is that of no level before.

    Parameters
    ----------
    path : str
        Of the array.
    where : str
        Pointer to it.
    seen : set of str
        Paths of the levels before; the path is added.
    found : Findings
        Where problems are added.
    """
    problem = path_problem(path)
    if problem:
        found.must.append(Problem(where, f"the path {path!r} {problem}", "path"))
    if path in seen:
        found.must.append(Problem(where, f"{path!r} is there twice", "datasets-unique"))
    seen.add(path)
