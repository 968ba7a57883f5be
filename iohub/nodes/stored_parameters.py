"""Matrices and fields that transformations of a group name by their paths, as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iohub.errors import IohubError, TransformError
from iohub.metadata import edits_image, versions
from iohub.metadata.coordinate_systems import VECTOR_TYPES, CoordinateSystem
from iohub.metadata.transform_types import Scale, Sequence, Transform, Translation

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.image import ImageMeta
    from iohub.storage.group import ZarrGroup
    from iohub.transforms.fields import Field


@dataclass(frozen=True)
class StoredParameters:
    """Reads the matrices and fields that transformations of a group name.

    No closure: what holds it, such as a point map, goes to other processes.

    Attributes
    ----------
    group : ZarrGroup
        The group that the paths are relative to.
    """

    group: ZarrGroup

    def __call__(self, path: str) -> Field | Any:
        """Return a matrix or a field.

        Parameters
        ----------
        path : str
            Where it is, relative to the group.

        Raises
        ------
        TransformError
            If it is an image without an axis of vectors.
        """
        from iohub.transforms.fields import Field

        found = self.group.load_arrays([path])[0]
        if not isinstance(found, IohubError):
            values = found.read(tuple(slice(0, n) for n in found.spec.shape))
            return _bare_field(found.spec, values) or values
        inner = self.group.group(path)
        attrs = inner.attrs()
        spelling = versions.spelling(versions.detect(attrs, inner.zarr_format))
        image = spelling.parse_image(attrs)
        level = image.multiscales[0].datasets[0].path
        pixels = inner.array(level)
        axis = _vector_axis(image.multiscales[0].axes, path)
        values = pixels.read(tuple(slice(0, n) for n in pixels.spec.shape))
        return Field.of(values, vector_axis=axis, to_coordinates=_grid(image, level, axis))


def _bare_field(spec: Any, values: Any) -> Field | None:
    """Return a field whose systems are in the attributes of its own array, as drafts have it."""
    from iohub.transforms.fields import Field

    ome = spec.attributes.get("ome")
    systems = ome.get("coordinateSystems") if isinstance(ome, dict) else None
    if not systems:
        return None
    axes = CoordinateSystem.model_validate(systems[0]).axes
    return Field.of(values, vector_axis=_vector_axis(axes, "of the array"))


def _vector_axis(axes: tuple[AxisMeta, ...], path: str) -> int:
    for index, axis in enumerate(axes):
        if axis.type in VECTOR_TYPES:
            return index
    raise TransformError(
        f"the field {path!r} has no axis of the type 'displacement' or 'coordinate'"
    )


def _grid(image: ImageMeta, level: str, vector_axis: int) -> Transform:
    """Return the way from pixel indexes of a field, without its vectors, to coordinates."""
    scale, shift = edits_image.effective(image, level)

    def kept(vector: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(value for i, value in enumerate(vector) if i != vector_axis)

    parts = (Scale(scale=kept(scale)), Translation(translation=kept(shift)))
    return Sequence(transformations=parts)
