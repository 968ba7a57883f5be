"""Verbs of an image about coordinate systems: which there are, and the ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, MissingNodeError, TransformError
from iohub.metadata import edits_systems
from iohub.metadata.coordinate_systems import CoordinateSystem
from iohub.metadata.transform_types import Transform
from iohub.metadata.v06_image import from_neutral
from iohub.nodes import arguments
from iohub.nodes.labelled import LabelledVerbs
from iohub.nodes.stored_parameters import StoredParameters

if TYPE_CHECKING:
    import xarray

    from iohub.metadata.image import ImageMeta
    from iohub.transforms.graph import TransformGraph
    from iohub.transforms.mapping import PointMap


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

        return image_graph(
            self._image_document().multiscales[0], lookup=StoredParameters(self._group)
        )

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
        if arguments.text(system, "a coordinate system") not in names:
            raise MissingNodeError(system, f"the coordinate systems of {self.url}", names)
        name = self._level_name(image)
        graph = self.transform_graph()
        way = graph.get_transform(from_sys=(None, name), to_sys=(system, None))
        return PointMap(way, len(self.axes), graph.lookup)

    def _level_name(self, image: str | None) -> str:
        if image is None:
            return self._image_document().multiscales[0].datasets[0].path
        return self._check_image(image)

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
            Name of a system; by default the one that the levels lead to. What is written leads
            from that one in any case, as the specification demands: the way to `source`, and
            then `transform`.

        Raises
        ------
        ExistsError
            If there is a system of that name.
        MissingNodeError
            If there is no system `source`, or no image yet.
        TransformError
            If no way leads to `source`.
        DocumentError
            If the transformation does not fit the axes, or the version of the store has no
            coordinate systems.
        """
        image = self._image_document().multiscales[0]
        if isinstance(system, str) and system:
            system = CoordinateSystem(name=system, axes=image.axes)
        if not isinstance(system, CoordinateSystem):
            raise ArgumentError(
                f"system is a CoordinateSystem or a name, not {arguments.shown(system)}"
            )
        way = arguments.one_of(transform, Transform, "transform")
        start = None if source is None else arguments.text(source, "source")

        def edit(doc: ImageMeta) -> ImageMeta:
            return edits_systems.add_system(doc, system, self._from_intrinsic(doc, start, way))

        self._commit(edit)

    def _from_intrinsic(self, doc: ImageMeta, source: str | None, then: Transform) -> Transform:
        """Return a transformation from `source` as one from where the levels lead to."""
        from iohub.transforms.composition import compose
        from iohub.transforms.graphs import image_graph

        image = doc.multiscales[0]
        start = image.space.intrinsic
        if source is None or source == start:
            return then
        names = [system.name for system in from_neutral(image).coordinate_systems]
        if source not in names:
            raise MissingNodeError(source, f"the coordinate systems of {self.url}", names)
        graph = image_graph(image, lookup=StoredParameters(self._group))
        way = graph.get_transform(from_sys=(start, None), to_sys=(source, None))
        whole = compose([way, then])
        parts = whole.transformations
        return whole.replace(name=then.name) if len(parts) > 1 else parts[0].replace(name=then.name)

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
            If the levels, or transformations of the whole image, lead to it.
        DocumentError
            If others lose their way with it.
        """
        self._image_document()
        known = arguments.text(name, "name")
        self._commit(lambda doc: edits_systems.remove_system(doc, known))

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
    from iohub.transforms.structure import stand_out

    linear = np.asarray(matrix)[:, :-1]
    used = stand_out(linear)
    if linear.shape[0] != linear.shape[1]:
        return None
    if not ((used.sum(axis=0) == 1).all() and (used.sum(axis=1) == 1).all()):
        return None
    return [int(column) for column in used.argmax(axis=1)]
