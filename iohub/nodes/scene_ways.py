"""Verbs of a scene that lead through its images: its graph, ways in it, and resampling."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from iohub.errors import CorruptNodeWarning, IohubError, LayoutError
from iohub.metadata.scene import SceneMeta
from iohub.nodes.base import NGFFNode
from iohub.nodes.coordinates import lookup_below
from iohub.nodes.position import Position

if TYPE_CHECKING:
    import xarray

    from iohub.transforms.graph import NodeLike, TransformGraph, TransformGraphNode
    from iohub.transforms.mapping import PointMap


class SceneWays(NGFFNode):
    """Ways between the systems and arrays of a scene and of its images."""

    def transform_graph(self) -> TransformGraph:
        """Return systems and arrays of the scene and its images as one graph.

        An image that cannot be read is left out with a warning.
        """
        from iohub.transforms.graphs import scene_graph

        images = {}
        for path in self._names():
            try:
                images[path] = self[path]._image_document().multiscales[0]
            except IohubError as error:
                warnings.warn(f"image {path!r}: {error}", CorruptNodeWarning, stacklevel=2)
        document = self._document() or SceneMeta(coordinate_transformations=())
        return scene_graph(document, images, lookup=lookup_below(self._group))

    def get_transform(self, source: NodeLike, target: NodeLike) -> PointMap:
        """Return the shortest way between two systems or arrays, through images if need be.

        Parameters
        ----------
        source, target : str or (name, path)
            A system of the scene by name, ``(name, path)`` for one of an image, or the path of an
            array such as ``"light/0"``, whose coordinates are pixel indexes.

        Returns
        -------
        PointMap
            Called with points (N, D) it returns their coordinates (N, M).

        Raises
        ------
        MissingNodeError
            If there is no such system or array.
        TransformError
            If no way leads there.
        """
        from iohub.transforms.mapping import PointMap

        graph = self.transform_graph()
        way = graph.get_transform(from_sys=source, to_sys=target)
        return PointMap(way, self._ndim(graph, graph.find(source)), graph.lookup)

    def _ndim(self, graph: TransformGraph, node: TransformGraphNode) -> int | None:
        system = graph.system(node)
        if system is not None:
            return len(system.axes)
        return len(self[node.path].shape) if node.name is None else None

    def resample(
        self,
        image: str,
        *,
        like: str,
        image_level: str | None = None,
        like_level: str | None = None,
        order: int = 1,
        fill_value: float = 0,
    ) -> xarray.DataArray:
        """Put an image on the grid of another one; lazily, through the scene's transformations.

        Axes that are no space, such as channels, stay those of the image if nothing on the way
        changes them.

        Parameters
        ----------
        image : str
            Path of the image whose pixels are wanted.
        like : str
            Path of the image whose grid is wanted.
        image_level, like_level : str, optional
            Which levels; the highest resolutions if not given.
        order : int
            Of the splines: 0 nearest (for labels), 1 linear, up to 5.
        fill_value : float
            Of pixels where there is no image.

        Returns
        -------
        xarray.DataArray
            With the coordinates of `like`, on a dask array; nothing is read before it is
            computed.

        Raises
        ------
        MissingNodeError
            If there is no such image.
        TransformError
            If no way leads from `like` to the image.
        """
        from iohub.bridges import xarray as bridge
        from iohub.bridges.resample import Resampling, passing_axes

        ours, theirs = self._image(image), self._image(like)
        level, grid = ours._level_name(image_level), theirs._level_name(like_level)
        way = self.get_transform((None, f"{like}/{grid}"), (None, f"{image}/{level}"))
        pixels, pattern = ours[level], theirs[grid]
        axes = list(theirs.axes)
        passing: dict[int, int] = {}
        if way.is_affine():
            passing = passing_axes(way.as_affine(), [axis.type != "space" for axis in axes])
        scale, shift = theirs.get_effective_scale(grid), theirs.get_effective_translation(grid)
        shape, chunks, names = list(pattern.shape), list(pattern.chunks), theirs.channel_names
        for axis, source in passing.items():
            shape[axis], chunks[axis] = pixels.shape[source], pixels.chunks[source]
            scale[axis] = ours.get_effective_scale(level)[source]
            shift[axis] = ours.get_effective_translation(level)[source]
            if axes[axis].type == "channel":
                names = ours.channel_names
        put = Resampling(pixels, way, tuple(shape), passing, order, fill_value)
        return bridge.to_dataarray(put.lazily(chunks), axes, scale, shift, names)

    def _image(self, path: str) -> Position:
        image = self[path]
        if not isinstance(image, Position):
            raise LayoutError(f"{path!r} of {self.url} is an array; give the image, and its level")
        return image
