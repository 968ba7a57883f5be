"""New images without data: levels checked against each other and against the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from iohub.errors import DocumentError, DTypeError, ExistsError, ShapeError, VersionError
from iohub.metadata.axes import AxisMeta, require_axes
from iohub.metadata.check_v06 import DEMANDED
from iohub.metadata.image import DatasetMeta, ImageMeta, MultiScaleMeta
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.names import check_array_path
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.transforms import scale_translation
from iohub.models.arrays import ArraySpec, ArraySpecV3
from iohub.models.ome_group import OmeGroup
from iohub.types import JsonObject

AnyArraySpec: TypeAlias = Any
"""An ArraySpec, of ours or of pydantic-zarr, its members, or an array that exists."""

Vectors: TypeAlias = Sequence[Sequence[float] | None]


def levels_of(
    kind: type[OmeGroup],
    array_specs: Sequence[AnyArraySpec],
    paths: Sequence[str],
    axes: Sequence[AxisMeta],
    scales: Sequence[Sequence[float]],
    translations: Vectors,
) -> dict[str, ArraySpec]:
    """Return the arrays of a new image by path, with the names of the axes.

    Parameters
    ----------
    kind : type of OmeGroup
        What the image is to be.
    array_specs : sequence of ArraySpec
        The highest resolution first.
    paths : sequence of str
        One per array.
    axes : sequence of AxisMeta
        Of every array.
    scales, translations : sequence of sequence of float
        One per array, with one value per axis; a translation may be None.

    Raises
    ------
    ShapeError
        If there is not one of each per array, an array has not one dimension per axis, its
        dimension names are others than the axes', or a level is larger or finer than the one
        before.
    DTypeError
        If the arrays are not of one type.
    VersionError
        If an array is of another Zarr format than the image.
    ExistsError
        If two arrays have one path.
    PathError
        If a path leads out of the group.
    DocumentError
        If an array's members are not those of an array.
    """
    counts = {
        "array_specs": len(array_specs),
        "paths": len(paths),
        "scales": len(scales),
        "translations": len(translations),
    }
    if len(set(counts.values())) != 1 or not paths:
        shown = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise ShapeError(f"give one of each for every array, and one array at least, not {shown}")
    levels: dict[str, ArraySpec] = {}
    before: ArraySpec | None = None
    for path, given, scale, shift in zip(paths, array_specs, scales, translations, strict=True):
        if check_array_path(path) in levels:
            raise ExistsError(f"two arrays are to be at {path!r}")
        _check_vectors(path, axes, scale, shift)
        spec = _fitted(kind, path, ArraySpec.of(given), axes)
        if before is not None:
            _check_order(path, before, spec)
        levels[path] = before = spec
    _check_scales(paths, scales)
    return levels


def _check_vectors(
    path: str, axes: Sequence[AxisMeta], scale: Sequence[float], shift: Sequence[float] | None
) -> None:
    for name, vector in (("scale", scale), ("translation", shift)):
        if vector is not None and len(vector) != len(axes):
            raise ShapeError(
                f"the {name} of {path!r} has {len(vector)} values and the image {len(axes)} axes"
            )
    if any(factor <= 0 for factor in scale):
        raise ShapeError(f"the scale of {path!r} must be positive, not {list(scale)}")


def _fitted(
    kind: type[OmeGroup], path: str, spec: ArraySpec, axes: Sequence[AxisMeta]
) -> ArraySpec:
    known = kind.spelling()
    if spec.zarr_format != known.zarr_format:
        raise VersionError(
            f"the array {path!r} is of Zarr v{spec.zarr_format}; OME-Zarr {known.version} is on "
            f"v{known.zarr_format}"
        )
    if spec.ndim != len(axes):
        raise ShapeError(
            f"the array {path!r} has {spec.ndim} dimensions and the image {len(axes)} axes"
        )
    if not isinstance(spec, ArraySpecV3):
        return spec
    names = tuple(axis.name for axis in axes)
    if spec.dimension_names is not None and spec.dimension_names != names:
        raise ShapeError(
            f"the dimension names of {path!r}, {spec.dimension_names}, are not the axes, {names}"
        )
    return spec.with_names(names)


def _check_order(path: str, before: ArraySpec, spec: ArraySpec) -> None:
    types = before.to_storage().dtype, spec.to_storage().dtype
    if types[0] != types[1]:
        raise DTypeError(
            f"levels are of one type; {path!r} has {types[1]}, those before {types[0]}"
        )
    if any(size > larger for size, larger in zip(spec.shape, before.shape, strict=True)):
        raise ShapeError(
            f"the level {path!r}, {spec.shape}, is larger than the one before, {before.shape}: "
            "the highest resolution comes first"
        )


def _check_scales(paths: Sequence[str], scales: Sequence[Sequence[float]]) -> None:
    for path, before, scale in zip(paths[1:], scales, scales[1:], strict=False):
        if any(now < then for then, now in zip(before, scale, strict=True)):
            raise ShapeError(
                f"the scale of {path!r}, {list(scale)}, is finer than the one before, "
                f"{list(before)}: the highest resolution comes first"
            )


def image_attributes(
    kind: type[OmeGroup],
    axes: Sequence[AxisMeta],
    paths: Sequence[str],
    scales: Sequence[Sequence[float]],
    translations: Vectors,
    *,
    whole: tuple[Sequence[float] | None, Sequence[float] | None],
    omero: OMEROMeta | None,
    image_label: ImageLabelMeta | None,
    **members: Any,
) -> JsonObject:
    """Return the attributes of a new image of a version that has axes in its images.

    Parameters
    ----------
    kind : type of OmeGroup
        What the image is to be.
    axes : sequence of AxisMeta
        Of every array.
    paths, scales, translations : sequence
        One of each per array.
    whole : (sequence of float or None, sequence of float or None)
        Scale and translation of the image as a whole, after those of its arrays.
    omero : OMEROMeta or None
        Channels and rendering defaults.
    image_label : ImageLabelMeta or None
        Of a label image.
    **members
        Of the image.

    Raises
    ------
    DocumentError
        If the metadata break the rules; all problems are listed.
    AxisError
        If the axes are not allowed.
    """
    levels = tuple(
        DatasetMeta(path=path, coordinate_transformations=scale_translation(scale, shift))
        for path, scale, shift in zip(paths, scales, translations, strict=True)
    )
    scale, shift = whole
    if scale is None and shift is not None:
        scale = [1.0] * len(axes)
    image = MultiScaleMeta(
        axes=require_axes(axes),
        datasets=levels,
        coordinate_transformations=None if scale is None else scale_translation(scale, shift),
        **members,
    )
    doc = ImageMeta(multiscales=(image,), omero=omero, image_label=image_label)
    return written_image(kind, kind.spelling().dump_image(doc, {}))


def written_image(kind: type[OmeGroup], attrs: JsonObject) -> JsonObject:
    """Return attributes of a new image if they follow the rules, those beyond the schema too.

    Parameters
    ----------
    kind : type of OmeGroup
        What the image is to be.
    attrs : dict
        Its attributes.

    Raises
    ------
    DocumentError
        If they do not; all problems are listed.
    """
    known = kind.spelling()
    found = known.findings(attrs)
    problems = [*found.must, *(p for p in found.should if p.code in DEMANDED)]
    if problems:
        raise DocumentError(problems)
    return known.dump_image(known.parse_image(attrs), attrs)
