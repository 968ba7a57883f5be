"""Images of OME-Zarr 0.6 without data: levels lead to a coordinate system; there may be more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from iohub.errors import ArgumentError
from iohub.metadata.axes import AxisMeta
from iohub.metadata.coordinate_systems import CoordinateSystem, SystemReference
from iohub.metadata.labels import ImageLabelMeta
from iohub.metadata.omero import OMEROMeta
from iohub.metadata.transform_types import AnyTransform, Scale, Transform, Translation
from iohub.metadata.transform_types import Sequence as SequenceTransform
from iohub.metadata.v06_image import Dataset, Multiscale
from iohub.models.axes_image import with_labels
from iohub.models.creating import AnyArraySpec, Vectors, levels_of, written_image
from iohub.models.groups import Node
from iohub.models.image import ImageGroup
from iohub.models.labels import ImageLabelGroup, LabelsGroup
from iohub.models.loading import Named
from iohub.models.ome_group import OmeGroup, make
from iohub.models.parameters import parameters_of, require_parameters
from iohub.storage.group import ZarrGroup
from iohub.types import Json, JsonObject


class SystemsImage(ImageGroup):
    """An image whose levels lead to a coordinate system."""

    @classmethod
    def named(cls, attributes: Any, group: ZarrGroup) -> Named:
        """Return the paths of the levels, of the labels, and of parameters of transformations.

        Parameters
        ----------
        attributes : Document
            Of :meth:`read_attributes`.
        group : ZarrGroup
            Where it is.
        """
        named = super().named(attributes, group)
        stored = parameters_of(_further(attributes), group)
        return Named(named.arrays + stored.arrays, {**stored.groups, **named.groups})

    @classmethod
    def new(
        cls,
        *,
        array_specs: Sequence[AnyArraySpec],
        paths: Sequence[str],
        scales: Sequence[Sequence[float]],
        translations: Sequence[Sequence[float] | None],
        physical_coord_system: CoordinateSystem,
        name: str | None = None,
        multiscale_type: str | None = None,
        metadata: Json = None,
        coord_transforms: Sequence[AnyTransform] = (),
        coord_systems: Sequence[CoordinateSystem] = (),
        omero: OMEROMeta | None = None,
        labels: LabelsGroup | None = None,
        parameters: Mapping[str, Node] | None = None,
    ) -> Self:
        """Make an image from its arrays and coordinate systems; no data are stored or copied.

        To store data, write the image with :meth:`to_zarr`, then the arrays in the group that it
        returns.

        Parameters
        ----------
        array_specs : sequence of ArraySpec
            The levels, the highest resolution first; see :meth:`ArraySpec.of`.
        paths : sequence of str
            Where each array is to be, relative to the image.
        scales : sequence of sequence of float
            For each array one value per axis, in the unit of the axis.
        translations : sequence of (sequence of float or None)
            For each array one value per axis, in the unit of the axis.
        physical_coord_system : CoordinateSystem
            What scales and translations lead to.
        name : str, optional
            Of the image.
        multiscale_type : str, optional
            How the lower levels were made.
        metadata : JSON value, optional
            Details of how they were made.
        coord_transforms : sequence of Transform
            Further ones, from or to the physical system.
        coord_systems : sequence of CoordinateSystem
            Further ones.
        omero : OMEROMeta, optional
            Channels and rendering defaults.
        labels : Labels, optional
            Label images.
        parameters : mapping of str to ArraySpec or GroupSpec, optional
            By path, the arrays, or images, that hold matrices and fields of transformations.

        Raises
        ------
        ShapeError, DTypeError, VersionError, ExistsError, PathError
            If arrays do not fit each other or the axes; see
            :func:`iohub.models.creating.levels_of`.
        DocumentError
            If the metadata break the rules, such as a transformation to a system that there is
            not; all problems are listed.
        LayoutError
            If the labels do not fit the image.
        NotFoundError
            If a transformation says a path for its parameters where there is nothing.
        """
        axes = _axes(physical_coord_system)
        levels = levels_of(cls, array_specs, paths, axes, scales, translations)
        members: dict[str, Any] = {**(parameters or {}), **levels}
        image = Multiscale(
            coordinate_systems=(physical_coord_system, *coord_systems),
            datasets=_datasets(paths, scales, translations, physical_coord_system.name),
            coordinate_transformations=tuple(coord_transforms) or None,
            name=name,
            type=multiscale_type,
            metadata=metadata,
        )
        attributes = _attributes(cls, image, {"omero": omero})
        require_parameters(coord_transforms, members, "the image")
        return make(cls, attributes=attributes, members=with_labels(members, labels))


class SystemsImageLabel(ImageLabelGroup):
    """A label image whose levels lead to a coordinate system."""

    @classmethod
    def new(
        cls,
        *,
        array_specs: Sequence[AnyArraySpec],
        paths: Sequence[str],
        scales: Sequence[Sequence[float]],
        translations: Sequence[Sequence[float] | None],
        physical_coord_system: CoordinateSystem,
        name: str | None = None,
        multiscale_type: str | None = None,
        metadata: Json = None,
        image_label: ImageLabelMeta | None = None,
    ) -> Self:
        """Make a label image from its arrays; no data are stored or copied.

        Parameters
        ----------
        array_specs, paths, scales, translations, physical_coord_system
            As for an image.
        name, multiscale_type, metadata
            As for an image.
        image_label : ImageLabelMeta, optional
            Colours and properties of the labels, and where they come from.

        Raises
        ------
        ShapeError, DTypeError, VersionError, ExistsError, PathError, DocumentError
            As for an image.
        LayoutError
            If the pixels are no integers.
        """
        axes = _axes(physical_coord_system)
        members = levels_of(cls, array_specs, paths, axes, scales, translations)
        image = Multiscale(
            coordinate_systems=(physical_coord_system,),
            datasets=_datasets(paths, scales, translations, physical_coord_system.name),
            name=name,
            type=multiscale_type,
            metadata=metadata,
        )
        attributes = _attributes(cls, image, {"image-label": image_label or ImageLabelMeta()})
        made = make(cls, attributes=attributes, members=members)
        made.check_integers(name or "")
        return made


def _further(attributes: Any) -> list[Transform]:
    images = attributes.ome.multiscales
    return [way for image in images for way in image.coordinate_transformations or ()]


def _axes(system: CoordinateSystem) -> tuple[AxisMeta, ...]:
    if not isinstance(system, CoordinateSystem):
        raise ArgumentError(f"physical_coord_system is a CoordinateSystem, not {system!r:.80}")
    return system.axes


def _datasets(
    paths: Sequence[str], scales: Sequence[Sequence[float]], translations: Vectors, system: str
) -> tuple[Dataset, ...]:
    levels = []
    for path, scale, shift in zip(paths, scales, translations, strict=True):
        ends: dict[str, Any] = {
            "input": SystemReference(path=path),
            "output": SystemReference(name=system),
        }
        one: Transform
        if shift is None:
            one = Scale(scale=tuple(scale), **ends)
        else:
            parts = (Scale(scale=tuple(scale)), Translation(translation=tuple(shift)))
            one = SequenceTransform(transformations=parts, **ends)
        levels.append(Dataset(path=path, coordinate_transformations=(one,)))
    return tuple(levels)


def _attributes(
    kind: type[OmeGroup], image: Multiscale, beside: dict[str, OMEROMeta | ImageLabelMeta | None]
) -> JsonObject:
    ome: JsonObject = {"multiscales": [image.to_json()]}
    ome |= {name: doc.to_json() for name, doc in beside.items() if doc is not None}
    return written_image(kind, kind.spelling().with_ome({}, ome))
