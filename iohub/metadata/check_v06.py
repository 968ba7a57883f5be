"""The rules of an image of OME-Zarr 0.6 that earlier versions do not have.

Source: OME-Zarr specification 0.6, sections "coordinateSystems", "multiscales" and
"coordinateTransformations".
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from math import prod

from iohub.errors import Problem
from iohub.metadata.check_image import check_dataset_path
from iohub.metadata.check_transforms import check_transform
from iohub.metadata.connections import check_connected
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference, check_systems
from iohub.metadata.documents import Findings
from iohub.metadata.names import path_problem
from iohub.metadata.transform_types import Scale, Sequence, Transform
from iohub.metadata.v06_image import Dataset, Multiscale, simple_parts

LABELS = "labels"

DEMANDED = frozenset(
    {
        "by-dimension-coverage",
        "input-path",
        "level-transform-order",
        "reference-members",
        "systems-connected",
        "transform-intrinsic",
        "version-missing",
        "well-index",
        "well-path",
    }
)
"""Codes of what the specification demands although a document without it can be read safely."""


def check_multiscale(image: Multiscale, where: str, *, recommended: bool = True) -> Findings:
    """Check one image.

    Parameters
    ----------
    image : Multiscale
        As it is stored.
    where : str
        Its JSON pointer.
    recommended : bool
        Whether to check also what only should be so.
    """
    found = Findings.none()
    if not image.coordinate_systems:
        text = "must have at least one"
        found.must.append(Problem(f"{where}/coordinateSystems", text, "systems-empty"))
    systems = check_systems(image.coordinate_systems, images=True)
    for target, problems in ((found.must, systems.must), (found.should, systems.should)):
        target.extend(p._replace(where=f"{where}/coordinateSystems{p.where}") for p in problems)
    if not image.datasets:
        found.must.append(Problem(f"{where}/datasets", "must have at least one", "datasets-empty"))
    _check_levels(image, where, found)
    _check_further(image, where, found)
    if recommended:
        _check_recommended(image, where, found)
    return found


def _check_levels(image: Multiscale, where: str, found: Findings) -> None:
    systems = {system.name: system for system in image.coordinate_systems}
    intrinsic = image.intrinsic
    seen: set[str] = set()
    for index, dataset in enumerate(image.datasets):
        place = f"{where}/datasets/{index}"
        check_dataset_path(dataset.path, f"{place}/path", seen, found)
        place += "/coordinateTransformations"
        if len(dataset.coordinate_transformations) != 1:
            text = f"must be exactly one, found {len(dataset.coordinate_transformations)}"
            found.must.append(Problem(place, text, "transform-count"))
        for number, transform in enumerate(dataset.coordinate_transformations):
            end = _check_level_ends(dataset, transform, systems, f"{place}/{number}", found)
            if end is not None and intrinsic is not None and end.name != intrinsic.name:
                text = f"must be {intrinsic.name!r}, as for the first level, found {end.name!r}"
                found.must.append(Problem(f"{place}/{number}/output", text, "intrinsic-unique"))
            _check_level_transform(transform, end, f"{place}/{number}", found)


def _check_level_ends(
    dataset: Dataset,
    transform: Transform,
    systems: dict[str, CoordinateSystem],
    where: str,
    found: Findings,
) -> CoordinateSystem | None:
    if transform.input is None or transform.input.path is None:
        text = f"must be the array, {{'path': {dataset.path!r}}}"
        found.must.append(Problem(f"{where}/input", text, "input-missing"))
    else:
        if transform.input.path != dataset.path:
            text = f"must be {dataset.path!r}, found {transform.input.path!r}"
            found.should.append(Problem(f"{where}/input/path", text, "input-path"))
        if transform.input.name is not None:
            text = f"must be omitted, found {transform.input.name!r}"
            found.should.append(Problem(f"{where}/input/name", text, "reference-members"))
    output = transform.output
    if output is None or output.name is None:
        text = "must be a coordinate system, {'name': …}"
        found.must.append(Problem(f"{where}/output", text, "output-missing"))
        return None
    if output.path is not None:
        text = f"must be omitted, found {output.path!r}"
        found.must.append(Problem(f"{where}/output/path", text, "output-path"))
    if output.name not in systems:
        text = f"there is no coordinate system {output.name!r}"
        found.must.append(Problem(f"{where}/output/name", text, "system-unknown"))
    return systems.get(output.name)


def _check_level_transform(
    transform: Transform, system: CoordinateSystem | None, where: str, found: Findings
) -> None:
    parts = (
        [part.type for part in transform.transformations]
        if isinstance(transform, Sequence)
        else [transform.type]
    )
    if isinstance(transform, Sequence) and sorted(parts) == ["scale", "translation"]:
        if parts[0] != "scale":
            text = "must be a scale and then a translation"
            found.should.append(Problem(where, text, "level-transform-order"))
    elif isinstance(transform, Sequence) or parts[0] not in {"scale", "identity"}:
        text = (
            "must be a scale, an identity, or a sequence of a scale and a translation, "
            f"found {transform.type} {parts if isinstance(transform, Sequence) else ''}".rstrip()
        )
        found.must.append(Problem(where, text, "level-transform"))
        return
    count = len(system.axes) if system is not None else None
    check_transform(transform, count, count, where, found)


def _check_further(image: Multiscale, where: str, found: Findings) -> None:
    transforms = image.coordinate_transformations or ()
    place = f"{where}/coordinateTransformations"
    if image.coordinate_transformations == ():
        found.should.append(Problem(place, "must not be empty; omit it", "transforms-empty"))
    systems = {system.name: system for system in image.coordinate_systems}
    intrinsic = image.intrinsic
    for index, transform in enumerate(transforms):
        here = f"{place}/{index}"
        ends = [
            _check_end(end, systems, f"{here}/{name}", found)
            for name, end in (("input", transform.input), ("output", transform.output))
        ]
        check_transform(transform, ends[0], ends[1], here, found)
        references = [end for end in (transform.input, transform.output) if end is not None]
        linked = [end for end in references if end.path is not None]
        if intrinsic is not None and not any(
            end.path is None and end.name == intrinsic.name for end in references
        ):
            text = f"must lead to or from {intrinsic.name!r}, where the levels lead to"
            found.should.append(Problem(here, text, "transform-intrinsic"))
        if linked:
            _check_label_link(transform, linked, here, found)
    check_connected(systems, transforms, f"{where}/coordinateSystems", found)


def _check_end(
    end: SystemReference | None,
    systems: dict[str, CoordinateSystem],
    where: str,
    found: Findings,
) -> int | None:
    if end is None or end.name is None:
        place = where if end is None else f"{where}/name"
        found.must.append(Problem(place, "is required and missing", "missing"))
        return None
    if end.path is not None:
        return None
    if end.name not in systems:
        text = f"there is no coordinate system {end.name!r}"
        found.must.append(Problem(f"{where}/name", text, "system-unknown"))
        return None
    return len(systems[end.name].axes)


def _check_label_link(
    transform: Transform, linked: SequenceOf[SystemReference], where: str, found: Findings
) -> None:
    for end in linked:
        name = "input" if end is transform.input else "output"
        path = end.path or ""
        problem = path_problem(path)
        if problem is None and (not path.startswith(f"{LABELS}/")):
            problem = f"is not that of a label image, {LABELS}/…"
        if problem:
            text = f"the path {path!r} {problem}"
            found.must.append(Problem(f"{where}/{name}/path", text, "path"))
    if simple_parts(transform) is None:
        text = f"must be an identity, a scale or a translation, found {transform.type}"
        found.must.append(Problem(where, text, "label-transform"))


def _pixel_size(transform: Transform) -> float:
    if isinstance(transform, Sequence):
        return prod(map(_pixel_size, transform.transformations))
    return prod(transform.scale) if isinstance(transform, Scale) else 1.0


def _check_recommended(image: Multiscale, where: str, found: Findings) -> None:
    if not found.must and len(image.datasets) > 1 and image.intrinsic is not None:
        sizes = [_pixel_size(level.coordinate_transformations[0]) for level in image.datasets]
        if sizes != sorted(sizes):
            text = "should be ordered from the highest to the lowest resolution"
            found.should.append(Problem(f"{where}/datasets", text, "datasets-order"))
    # How levels were made can be said only where there are several.
    for name in ("name", "type", "metadata") if len(image.datasets) > 1 else ("name",):
        if getattr(image, name) is None:
            found.should.append(Problem(f"{where}/{name}", "should be there", f"{name}-missing"))
    for name in ("axes", "version"):
        if name in (image.model_extra or {}):
            text = "does not belong here since coordinate systems have the axes"
            found.should.append(Problem(f"{where}/{name}", text, f"{name}-member"))
