"""Verbs of a scene that lead through its images: its graph, ways in it, and resampling."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from iohub.errors import (
    ChannelError,
    CorruptNodeWarning,
    IohubError,
    LayoutError,
)
from iohub.metadata.edits_labels import FOLDER
from iohub.metadata.scene import SceneMeta
from iohub.nodes.base import NGFFNode, join
from iohub.nodes.position import Position
from iohub.nodes.stored_parameters import StoredParameters

if TYPE_CHECKING:
    import xarray

    from iohub.metadata.image import MultiScaleMeta
    from iohub.transforms.graph import TransformGraph
    from iohub.transforms.graph_nodes import NodeLike, TransformGraphNode
    from iohub.transforms.mapping import PointMap


class SceneWays(NGFFNode):
    """Ways between the systems and arrays of a scene and of its images."""

    def transform_graph(self) -> TransformGraph:
        """Return systems and arrays of the scene, its images and their labels as one graph.

        An image that cannot be read is left out with a warning.
        """
        from iohub.transforms.graphs import image_graph, scene_graph

        document = self._document() or SceneMeta(coordinate_transformations=())
        images, named = {}, document.get_image_paths()
        for path in self._names():
            try:
                node = self[path]
                if node.metadata is None and path not in named:
                    continue  # it waits for its pixels
                image = node._image_document().multiscales[0]
                images[path] = image_graph(image, labels=self._labels(node, path))
            except IohubError as error:
                warnings.warn(f"image {path!r}: {error}", CorruptNodeWarning, stacklevel=2)
        return scene_graph(document, images, lookup=StoredParameters(self._group))

    def _labels(self, image: Position, path: str) -> dict[str, MultiScaleMeta]:
        """Return the documents of an image's labels by their paths in the image."""
        found = {}
        for name in image.labels:
            try:
                document = image.labels[name]._image_document()
            except IohubError as error:
                where = join(path, FOLDER, name)
                warnings.warn(f"labels {where!r}: {error}", CorruptNodeWarning, stacklevel=3)
            else:
                found[join(FOLDER, name)] = document.multiscales[0]
        return found

    def get_transform(self, source: NodeLike, target: NodeLike) -> PointMap:
        """Return the shortest way between two systems or arrays, through images if need be.

        Parameters
        ----------
        source, target : str or (name, path)
            A system of the scene by name, ``(name, path)`` for one of an image or of its labels,
            or the path of an array such as ``"light/0"``, whose coordinates are pixel indexes.

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
        ArgumentError
            If an end is neither a string nor a pair.
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
        changes them. Along an axis that `like` has not, the way says where the image is read: at
        the first time and channel, where `like` are labels that have neither.

        Parameters
        ----------
        image : str
            Path of the image, or of labels such as ``"light/labels/cells"``, whose pixels are
            wanted.
        like : str
            Path of the image, or of labels, whose grid is wanted.
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
        ChannelError
            If the images have other channels, and the way mixes the channel axis with others: a
            field of all axes, say, rather than one of those in space. Then nothing tells which
            channel is which.
        """
        from iohub.bridges import xarray as bridge
        from iohub.bridges.resample import Resampling
        from iohub.transforms.structure import passing_axes

        ours, theirs = self._image(image), self._image(like)
        level, grid = ours._level_name(image_level), theirs._level_name(like_level)
        way = self.get_transform((None, f"{like}/{grid}"), (None, f"{image}/{level}"))
        pixels, pattern = ours[level], theirs[grid]
        axes = list(theirs.axes)
        may_pass = [axis.type != "space" for axis in axes]
        passing = passing_axes(way.transform, may_pass, lookup=way.lookup)
        _check_channels(ours, theirs, passing)
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


def _check_channels(ours: Position, theirs: Position, passing: dict[int, int]) -> None:
    """Refuse to call the channels of one image as those of another."""
    ends = [[i for i, axis in enumerate(n.axes) if axis.type == "channel"] for n in (ours, theirs)]
    if not all(ends) or passing.get(ends[1][0]) == ends[0][0]:
        return
    if ours.channel_names != theirs.channel_names:
        raise ChannelError(
            f"the way from {theirs.url} to {ours.url} does not leave the channel axis alone, and "
            f"the channels are {ours.channel_names} and {theirs.channel_names}: give a way that "
            "leaves the channels as they are, such as a byDimension"
        )
