"""Verbs of an image about coordinate systems: which there are, and the ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import IohubError, MissingNodeError, TransformError
from iohub.metadata import edits_image, edits_systems, versions
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import Scale, Sequence, Translation
from iohub.metadata.v06_image import from_neutral
from iohub.nodes.labelled import LabelledVerbs

if TYPE_CHECKING:
    import xarray

    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.image import ImageMeta
    from iohub.metadata.transform_types import Transform
    from iohub.storage.group import ZarrGroup
    from iohub.transforms.fields import Field, Lookup
    from iohub.transforms.graph import TransformGraph
    from iohub.transforms.mapping import PointMap

_VECTORS = ("displacement", "coordinate")


class CoordinateVerbs(LabelledVerbs):
    """Coordinate systems of an image, its transformations, and points through them."""

    @property
    def coordinate_systems(self) -> dict[str, CoordinateSystem]:
        """Coordinate systems by name; images of every version have one at least.

        The first is the one of the physical axes, unless the metadata have another order.
        """
        stored = from_neutral(self._image_document().multiscales[0])
        return {system.name: system for system in stored.coordinate_systems}

    @property
    def transforms(self) -> list[Transform]:
        """Every transformation with its input and output: those of the levels, then others."""
        stored = from_neutral(self._image_document().multiscales[0])
        levels = [t for level in stored.datasets for t in level.coordinate_transformations]
        return [*levels, *(stored.coordinate_transformations or ())]

    def transform_graph(self) -> TransformGraph:
        """Return systems and arrays as a graph.

        It finds the shortest path and the composed transformation between any two, and draws
        itself: ``to_graphviz()`` and in notebooks, ``to_mermaid()`` for documents.
        """
        from iohub.transforms.graphs import image_graph

        return image_graph(self._image_document().multiscales[0], lookup=lookup_below(self._group))

    def transform_to(self, system: str, image: str | None = None) -> PointMap:
        """Return the way from pixel indexes to a coordinate system.

        Parameters
        ----------
        system : str
            Name of the system, one of :attr:`coordinate_systems`.
        image : str, optional
            Name of the image, any level; the highest resolution if not given.

        Returns
        -------
        PointMap
            Called with points (N, D) it returns their coordinates (N, M); has ``inverse()`` and
            ``as_affine()``. Index 0 is the centre of the first pixel.

        Raises
        ------
        MissingNodeError
            If there is no such image or system; a :class:`KeyError`.
        TransformError
            If no transformations lead there.
        """
        from iohub.transforms.mapping import PointMap

        names = list(self.coordinate_systems)
        if system not in names:
            raise MissingNodeError(system, f"the coordinate systems of {self.url}", names)
        name = self._level_name(image)
        graph = self.transform_graph()
        way = graph.get_transform(from_sys=(None, name), to_sys=(system, None))
        return PointMap(way, len(self.axes), graph.lookup)

    def _level_name(self, image: str | None) -> str:
        if image is None:
            return self._image_document().multiscales[0].datasets[0].path
        return self._check_image(str(image))

    def add_coordinate_system(
        self,
        system: CoordinateSystem | str,
        transform: Transform,
        source: str | None = None,
    ) -> None:
        """Add a coordinate system, and the transformation that leads to it.

        Parameters
        ----------
        system : CoordinateSystem or str
            The system; a name alone stands for one with the axes of the image.
        transform : Transform
            From `source` to the new system.
        source : str, optional
            Name of a system; by default the one that the levels lead to.

        Raises
        ------
        ExistsError
            If there is a system of that name.
        MissingNodeError
            If there is no system `source`, or no image yet.
        DocumentError
            If the transformation does not fit the axes, or the version of the store has no
            coordinate systems.
        """
        image = self._image_document().multiscales[0]
        if isinstance(system, str):
            system = CoordinateSystem(name=system, axes=image.axes)
        new = system
        self._commit(lambda doc: edits_systems.add_system(doc, new, transform, source))

    def remove_coordinate_system(self, name: str) -> None:
        """Remove a coordinate system and the transformations from and to it.

        Parameters
        ----------
        name : str
            Name of the system.

        Raises
        ------
        MissingNodeError
            If there is no such system.
        TransformError
            If the levels lead to it.
        DocumentError
            If others lose their way with it.
        """
        self._image_document()
        self._commit(lambda doc: edits_systems.remove_system(doc, name))

    def to_xarray(
        self, image: str | None = None, *, coordinate_system: str | None = None
    ) -> xarray.DataArray:
        """Export full Position data as a labeled xarray.DataArray.

        The DataArray is backed by a dask array (lazy, no data loaded until ``.values`` or
        ``.compute()`` is called). Coordinate units follow CF conventions: each coordinate carries
        its own ``attrs["units"]`` (e.g. ``xa.coords["z"].attrs["units"] == "micrometer"``).
        ``xa.attrs`` is reserved for value-level metadata (e.g. ``xa.attrs["units"] = "nanometer"``
        for retardance).

        Parameters
        ----------
        image : str, optional
            Name of the image, any level; the highest resolution if not given.
        coordinate_system : str, optional
            System that the coordinates are given in, one of :attr:`coordinate_systems`; by
            default the physical axes of the image. Its axes may be scaled, shifted and in another
            order; pixels are not resampled.

        Returns
        -------
        xarray.DataArray
            Labeled array with coordinates derived from channel names and physical scales/units.

        Raises
        ------
        MissingNodeError
            If there is no such image or system; a :class:`KeyError`.
        TransformError
            If the system is rotated, sheared or deformed against the pixels, so that no axis of
            it is one of theirs: resample the image, or take points there with
            :meth:`transform_to`.
        """
        if coordinate_system is None:
            return super().to_xarray(image)
        from iohub.bridges import xarray as bridge

        array = self[self._level_name(image)]
        way = self.transform_to(coordinate_system, image)
        axes = self.coordinate_systems[coordinate_system].axes
        matrix = way.as_affine() if way.is_affine() else None
        order = None if matrix is None else aligned_axes(matrix)
        if matrix is None or order is None:
            raise TransformError(
                f"the axes of {coordinate_system!r} are not those of the pixels of {self.url}: "
                "take points there with transform_to(), or resample the image in a scene"
            )
        scale = [float(matrix[row, column]) for row, column in enumerate(order)]
        return bridge.to_dataarray(
            array.dask_array().transpose(order),
            axes,
            scale,
            [float(value) for value in matrix[:, -1]],
            self.channel_names,
        )


def aligned_axes(matrix: Any) -> list[int] | None:
    """Return which input axis each output axis is; None if they are not the same axes.

    Parameters
    ----------
    matrix : ndarray
        (M, D + 1), the shift last.
    """
    linear = np.asarray(matrix)[:, :-1]
    used = linear != 0
    if linear.shape[0] != linear.shape[1]:
        return None
    if not ((used.sum(axis=0) == 1).all() and (used.sum(axis=1) == 1).all()):
        return None
    return [int(column) for column in used.argmax(axis=1)]


def lookup_below(group: ZarrGroup) -> Lookup:
    """Return what reads the matrices and fields that transformations of a group name.

    Parameters
    ----------
    group : ZarrGroup
        The group that the paths are relative to.
    """

    def lookup(path: str) -> Field | Any:
        from iohub.transforms.fields import Field

        found = group.load_arrays([path])[0]
        if not isinstance(found, IohubError):
            values = found.read(tuple(slice(0, n) for n in found.spec.shape))
            return _bare_field(found.spec, values) or values
        inner = group.group(path)
        attrs = inner.attrs()
        spelling = versions.spelling(versions.detect(attrs, inner.zarr_format))
        image = spelling.parse_image(attrs)
        level = image.multiscales[0].datasets[0].path
        pixels = inner.array(level)
        axis = _vector_axis(image.multiscales[0].axes, path)
        values = pixels.read(tuple(slice(0, n) for n in pixels.spec.shape))
        return Field.of(values, vector_axis=axis, to_coordinates=_grid(image, level, axis))

    return lookup


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
        if axis.type in _VECTORS:
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
