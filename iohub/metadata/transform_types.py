"""Documents of every coordinate transformation of OME-Zarr 0.6; the maths is in another room.

Source: OME-Zarr specification 0.6, section "coordinateTransformations" (RFC-5). What a
transformation must be by itself is checked when it is made; how it fits the systems that it
connects is checked in :mod:`iohub.metadata.check_transforms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from iohub.metadata.coordinate_systems import SystemReference
from iohub.metadata.documents import Document, Int, Many, Str, Vector
from iohub.metadata.rotations import MAX_NDIM, rotation_problem


def _rows(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


Matrix: TypeAlias = Annotated[Many[Vector], BeforeValidator(_rows)]
_Index = Annotated[Int, Field(ge=0, lt=MAX_NDIM)]
_Path = Annotated[Str, Field(min_length=1)]


class Transform(Document):
    """What all coordinate transformations have.

    Attributes
    ----------
    type : str
        Which of the transformations it is.
    name : str or None
        For people.
    input, output : SystemReference or None
        The systems that it leads from and to; None inside of another transformation.
    """

    type: Str
    name: Str | None = None
    input: SystemReference | None = None
    output: SystemReference | None = None

    # The maths is on a higher floor: imported when it is asked for, by these methods only.

    @property
    def has_inverse(self) -> bool:
        """Whether :meth:`get_inverse` returns the way back."""
        from iohub.transforms.inverses import has_inverse

        return has_inverse(self)

    def get_inverse(self) -> Transform:
        """Return the way back, with input and output exchanged.

        Raises
        ------
        TransformError
            If there is none, or parameters are stored: a node's ``transform_to`` reads them.
        """
        from iohub.transforms.inverses import inverse

        return inverse(self)

    def transform_point(self, point: SequenceOf[float]) -> tuple[float, ...]:
        """Take one point through the transformation.

        Parameters
        ----------
        point : sequence of float
            A coordinate per input axis.

        Returns
        -------
        tuple of float
            A coordinate per output axis.

        Raises
        ------
        ShapeError, ArgumentError, TransformError
            If it is no point of as many coordinates, or the transformation cannot be applied.
        """
        from iohub.transforms.points import apply_to_point

        return apply_to_point(self, point)

    def as_affine(self, ndim: int | None = None) -> Affine:
        """Return the same transformation as one affine map, with its name and ends.

        Parameters
        ----------
        ndim : int, optional
            Number of input axes; needed where the transformation takes any, as an identity does.

        Raises
        ------
        TransformError, ShapeError
            If it is no affine map, `ndim` is needed or another, or its parameters are stored.
        """
        from iohub.transforms.matrices import as_affine

        return as_affine(self, ndim)


class Identity(Transform):
    """Coordinates as they are."""

    type: Literal["identity"] = "identity"


class MapAxis(Transform):
    """Axes in another order.

    Attributes
    ----------
    map_axis : tuple of int
        For each output axis, which input axis it is.
    """

    type: Literal["mapAxis"] = "mapAxis"
    map_axis: Many[Int]

    @model_validator(mode="after")
    def _permutes(self) -> Self:
        if not 2 <= len(self.map_axis) <= MAX_NDIM:
            raise PydanticCustomError("map-axis", "'mapAxis' must have 2 to 5 values")
        if sorted(self.map_axis) != list(range(len(self.map_axis))):
            raise PydanticCustomError(
                "map-axis", "'mapAxis' must have each of 0 to its length less one, once"
            )
        return self


class ProjectAxis(Transform):
    """Axes dropped, and axes with the coordinate 0 put in; the others keep their order.

    Attributes
    ----------
    dropped_inputs : tuple of int or None
        Which input axes are left out.
    created_outputs : tuple of int or None
        Which output axes are new.
    """

    type: Literal["projectAxis"] = "projectAxis"
    dropped_inputs: Many[_Index] | None = None
    created_outputs: Many[_Index] | None = None

    @model_validator(mode="after")
    def _projects(self) -> Self:
        if self.dropped_inputs is None and self.created_outputs is None:
            raise PydanticCustomError(
                "project-axis", "needs 'droppedInputs', 'createdOutputs' or both"
            )
        for name, axes in (
            ("droppedInputs", self.dropped_inputs),
            ("createdOutputs", self.created_outputs),
        ):
            if axes is not None and not 1 <= len(axes) <= 3:
                raise PydanticCustomError("project-axis", f"{name!r} must have 1 to 3 values")
            if axes is not None and len(set(axes)) != len(axes):
                raise PydanticCustomError("project-axis", f"{name!r} must name each axis once")
        return self


class Translation(Transform):
    """A shift.

    Attributes
    ----------
    translation : tuple of float
        What is added to each coordinate.
    """

    type: Literal["translation"] = "translation"
    translation: Vector


class Scale(Transform):
    """A factor for each axis.

    Attributes
    ----------
    scale : tuple of float
        What each coordinate is multiplied with.
    """

    type: Literal["scale"] = "scale"
    scale: Vector


class Affine(Transform):
    """A linear map and a shift.

    Attributes
    ----------
    affine : tuple of tuple of float or None
        One row per output axis: a factor for each input axis, then the shift.
    path : str or None
        The array that has the matrix, instead of the matrix itself.
    """

    type: Literal["affine"] = "affine"
    affine: Matrix | None = None
    path: _Path | None = None

    @model_validator(mode="after")
    def _one_matrix(self) -> Self:
        _one_of(self, "affine", self.affine, self.path)
        if self.affine is not None:
            lengths = {len(row) for row in self.affine}
            if len(lengths) != 1 or min(lengths) < 2:
                raise PydanticCustomError(
                    "affine-shape",
                    "'affine' must have one row per output axis, each with a value per input "
                    "axis and one more",
                )
        return self


class Rotation(Transform):
    """A rotation about the origin.

    Attributes
    ----------
    rotation : tuple of tuple of float or None
        Orthonormal, with the determinant 1; rounded values will do.
    path : str or None
        The array that has the matrix, instead of the matrix itself.
    """

    type: Literal["rotation"] = "rotation"
    rotation: Matrix | None = None
    path: _Path | None = None

    @model_validator(mode="after")
    def _one_matrix(self) -> Self:
        _one_of(self, "rotation", self.rotation, self.path)
        if self.rotation is not None:
            problem = rotation_problem(self.rotation)
            if problem:
                raise PydanticCustomError("rotation-matrix", f"'rotation' {problem}")
        return self


class Sequence(Transform):
    """Several transformations, one after the other.

    Attributes
    ----------
    transformations : tuple of Transform
        The first is applied first.
    """

    type: Literal["sequence"] = "sequence"
    transformations: Many[AnyTransform]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.transformations:
            raise PydanticCustomError("sequence-empty", "a sequence must not be empty")
        return self


class _FieldTransform(Transform):
    path: _Path
    interpolation: Literal["nearest", "linear", "cubic", "bspline-cubic"] | None = None


class Displacements(_FieldTransform):
    """A shift that is another at every point.

    Attributes
    ----------
    path : str
        The image whose pixels are the shifts.
    interpolation : {"nearest", "linear", "cubic", "bspline-cubic"} or None
        Between the pixels; None is linear.
    """

    type: Literal["displacements"] = "displacements"


class Coordinates(_FieldTransform):
    """Coordinates that are looked up.

    Attributes
    ----------
    path : str
        The image whose pixels are the coordinates.
    interpolation : {"nearest", "linear", "cubic", "bspline-cubic"} or None
        Between the pixels; None is linear.
    """

    type: Literal["coordinates"] = "coordinates"


class Bijection(Transform):
    """A transformation with its inverse, where that cannot be computed.

    Attributes
    ----------
    forward, inverse : Transform
        From input to output, and back.
    """

    type: Literal["bijection"] = "bijection"
    forward: AnyTransform
    inverse: AnyTransform


class AxesTransform(Document):
    """A transformation of some of the axes.

    Attributes
    ----------
    transformation : Transform
        What is done.
    input_axes, output_axes : tuple of int
        Which axes go in, and which come out.
    """

    transformation: AnyTransform
    input_axes: Many[Annotated[Int, Field(ge=0)]]
    output_axes: Many[Annotated[Int, Field(ge=0)]]


class ByDimension(Transform):
    """Transformations of a few axes each.

    Attributes
    ----------
    transformations : tuple of AxesTransform
        Every output axis belongs to exactly one of them.
    """

    type: Literal["byDimension"] = "byDimension"
    transformations: Many[AxesTransform]

    @model_validator(mode="after")
    def _separate(self) -> Self:
        axes = [axis for item in self.transformations for axis in item.output_axes]
        if not axes:
            raise PydanticCustomError("by-dimension", "must have an output axis")
        if len(set(axes)) != len(axes):
            raise PydanticCustomError(
                "by-dimension", "every output axis must be of one transformation only"
            )
        return self


class UnknownTransform(Transform):
    """A transformation of a type that iohub does not know: it is kept, and cannot be applied."""


TRANSFORMS: dict[str, type[Transform]] = {
    model.model_fields["type"].default: model
    for model in (
        Identity,
        MapAxis,
        ProjectAxis,
        Translation,
        Scale,
        Affine,
        Rotation,
        Sequence,
        Displacements,
        Coordinates,
        Bijection,
        ByDimension,
    )
}
"""The transformations that the specification has, by their type."""


def _dispatch(value: Any) -> Any:
    # By hand: a tagged union of pydantic would put its tags into the pointers of problems.
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        return TRANSFORMS.get(value["type"], UnknownTransform).model_validate(value)
    return value


AnyTransform: TypeAlias = Annotated[Transform, BeforeValidator(_dispatch)]
"""A transformation of any type, built from its JSON."""

for _model in (Sequence, Bijection, AxesTransform, ByDimension):
    _model.model_rebuild()


def _one_of(transform: Transform, name: str, matrix: object, path: str | None) -> None:
    if (matrix is None) == (path is None):
        raise PydanticCustomError(
            f"{transform.type}-form", f"needs either {name!r} or 'path', and not both"
        )
