"""A label image: integers that say to which object a pixel belongs; an image with a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from iohub.display import PositionSummary, Summary, TreeSummary
from iohub.errors import (
    ArgumentError,
    DocumentError,
    DTypeError,
    MissingNodeError,
    PathError,
    Problem,
    PyramidError,
)
from iohub.metadata import edits_labels
from iohub.metadata.documents import pointer
from iohub.nodes import arguments
from iohub.nodes.multiscale import MultiscaleNode
from iohub.pyramids.build import MEMORY
from iohub.pyramids.plan import DOWNSCALE, check_method
from iohub.storage.pieces import plan

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import DTypeLike

    from iohub.metadata.axes import AxisMeta
    from iohub.metadata.image import ImageMeta
    from iohub.nodes.position import Position
    from iohub.pyramids.plan import Downscale
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject, NDArray, PyramidMethod

# Each pixel of these is one of those it is made of.
KEEPS_IDS = ("mode", "stride", "min", "max")


def check_label_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return a data type that labels can have.

    Raises
    ------
    DTypeError
        If it is no integer type; a :class:`TypeError`.
    """
    found = arguments.pixel_type(dtype)
    if found.kind not in "iu":
        hint = "a mask becomes labels with .astype('uint8')" if found.kind == "b" else "use .astype"
        raise DTypeError(f"labels are integers, not {found}: {hint}")
    return found


def check_label_method(method: str) -> None:
    """Refuse a way to make a pyramid that mixes ids into new ones.

    Raises
    ------
    PyramidError
        If it does; a :class:`ValueError`.
    """
    check_method(method)
    if method in ("mean", "median"):
        raise PyramidError(
            f"method={method!r} would make ids that no object has; labels are reduced by "
            f"{', '.join(KEEPS_IDS)}"
        )


class Label(MultiscaleNode):
    """A label image: levels of integers, with colours and properties of its labels.

    Found with ``position.labels[name]``. It has the verbs of an image (levels, pyramid, scale,
    xarray), and its pyramid never has ids that no object has.

    Examples
    --------
    >>> cells = position.labels.create("cells", ids)
    >>> cells.colors = {1: "FF0000", 2: (0, 255, 0)}
    >>> cells.regionprops(["area", "centroid"])  # measured, and kept as properties
    >>> cells.properties.loc[1, "area"]
    """

    _kind: ClassVar[str] = "label image"

    def __init__(self, *args: Any, image: Position | None = None, **kwargs: Any):
        self._labelled = image
        super().__init__(*args, **kwargs)

    def _parsed_from(self, attrs: JsonObject) -> ImageMeta | None:
        # Not part of parsing: label images that say the same may belong to different images.
        problems = self._wrong_levels(attrs) if self._session.strict else []
        try:
            document: ImageMeta | None = super()._parsed_from(attrs)
        except DocumentError as error:
            raise DocumentError([*problems, *error.problems], error.source) from error
        if problems:
            raise DocumentError(problems, self.url)
        return document

    def _wrong_levels(self, attrs: JsonObject) -> list[Problem]:
        """Say if the label image has more or fewer levels than the image."""
        image = self._labelled._document() if self._labelled is not None else None
        if image is None or not self._spelling.has(attrs, "multiscales"):
            return []
        ours = len(self._spelling.parse_image(attrs).multiscales[0].datasets)
        theirs = len(image.multiscales[0].datasets)
        text = f"must have as many levels as the image, {theirs}; it has {ours}"
        where = pointer(*self._spelling.root, "multiscales", 0, "datasets")
        return [] if ours == theirs else [Problem(where, text, "labels-levels")]

    def _default_axes(self, attrs: JsonObject) -> tuple[AxisMeta, ...]:
        if self._labelled is None:
            return super()._default_axes(attrs)
        return tuple(axis for axis in self._labelled.axes if axis.type != "channel")

    def _new_spec(
        self,
        shape: Sequence[int],
        dtype: DTypeLike,
        chunks: Sequence[int] | None,
        shards_ratio: Sequence[int] | None,
        compression: object,
        axes: Sequence[AxisMeta],
    ) -> ArraySpec:
        kind = check_label_dtype(dtype)
        return super()._new_spec(shape, kind, chunks, shards_ratio, compression, axes)

    # ---- what is known of the labels ----------------------------------------------------------

    @property
    def image(self) -> Position:
        """The position that was labelled.

        Raises
        ------
        MissingNodeError
            If the label image was opened on its own; open the position instead.
        """
        if self._labelled is None:
            raise MissingNodeError(
                self.source, f"label image {self.url}", (), "Open the position that it belongs to."
            )
        return self._labelled

    @property
    def source(self) -> str:
        """Path of the image that was labelled, relative to the label image."""
        source = edits_labels.label_of(self._image_document()).source
        return (source.image if source is not None else None) or "../../"

    @source.setter
    def source(self, path: str | None) -> None:
        self._image_document()
        self._commit(lambda document: edits_labels.set_source(document, path))

    @property
    def colors(self) -> pd.DataFrame:
        """Colours by label: columns ``r``, ``g``, ``b``, ``a`` (0 to 255), and others if stored.

        Assign such a table, or a mapping of labels to colours ("FF0000", "red" or numbers); an
        empty one removes them.
        """
        from iohub.bridges.label_frames import colors_frame

        return colors_frame(edits_labels.label_of(self._image_document()).colors or ())

    @colors.setter
    def colors(self, given: pd.DataFrame | Mapping[int, str | Sequence[int]]) -> None:
        from iohub.bridges.label_frames import colors_from

        self._image_document()
        colors = colors_from(given)
        self._commit(lambda document: edits_labels.set_colors(document, colors))

    @property
    def properties(self) -> pd.DataFrame:
        """Properties by label, of any name.

        Assign a table that is indexed by label, or has a column ``label-value`` or ``label``; an
        empty one removes them.
        """
        from iohub.bridges.label_frames import properties_frame

        return properties_frame(edits_labels.label_of(self._image_document()).properties or ())

    @properties.setter
    def properties(self, table: pd.DataFrame) -> None:
        from iohub.bridges.label_frames import properties_from

        self._image_document()
        properties = properties_from(table)
        self._commit(lambda document: edits_labels.set_properties(document, properties))

    # ---- pixels -------------------------------------------------------------------------------

    def ids(self, image: str | None = None) -> NDArray:
        """Return the labels that are in the image, without 0, read piece by piece.

        Parameters
        ----------
        image : str, optional
            Name of a level; the highest resolution if not given.

        Returns
        -------
        numpy.ndarray
            Sorted, of the image's data type.
        """
        array = (self.data if image is None else self[image])._array
        spec = array.spec
        found = np.empty(0, spec.dtype)
        for piece in plan(spec):
            found = np.union1d(found, np.unique(array.read(piece.region)))
        seen: NDArray = found[found != 0]
        return seen

    def regionprops(
        self,
        properties: Sequence[str] = ("area", "centroid", "bbox"),
        *,
        channels: Sequence[str] | None = None,
        level: int = 0,
        physical: bool = False,
        extra_properties: Sequence[Callable[..., Any]] = (),
        store: bool = True,
    ) -> pd.DataFrame:
        """Measure the labelled regions with scikit-image, one time point at a time.

        Parameters
        ----------
        properties : sequence of str
            As :func:`skimage.measure.regionprops_table` takes them.
        channels : sequence of str, optional
            Channels of the labelled image to measure intensities in; columns that end in
            ``-0``, ``-1`` … are of these channels, in this order.
        level : int
            Which level of the pyramid, 0 by default.
        physical : bool
            Whether scikit-image is told the pixel size, so that areas and centroids are in the
            units of the axes; centroids then count from the first pixel.
        extra_properties : sequence of callable
            Functions of a region's mask, or of its mask and intensities.
        store : bool
            Whether to put the table into :attr:`properties`, joined to those that are there.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``label-value``; a column ``t`` where there are several time points.

        Raises
        ------
        ChannelError
            If there is no such channel.
        ShapeError
            If the labels have not the shape of the image in which intensities are measured.
        """
        from iohub.nodes.measuring import measured, merged

        wanted = arguments.all_of(properties, str, "properties")
        names = None if channels is None else arguments.all_of(channels, str, "channels")
        if names == []:
            raise ArgumentError("channels names no channel; leave it out to measure shapes alone")
        extra = arguments.listed(extra_properties, "extra_properties", "functions")
        if not all(map(callable, extra)):
            raise ArgumentError(f"extra_properties is a list of functions, not {extra}")
        flags = arguments.flag(physical, "physical"), arguments.flag(store, "store")
        depth = arguments.whole(level, "level")
        table = measured(self, wanted, names, depth, flags[0], extra)
        if flags[1]:
            self.properties = merged(self.properties, table)
        return table

    def _emptied(self, attrs: JsonObject) -> JsonObject:
        raise PathError(
            f"this is the only array of the label image {self.url}; delete that, as in "
            "del position.labels['cells']"
        )

    # ---- the pyramid --------------------------------------------------------------------------

    def compute_pyramid(
        self,
        levels: int | None = None,
        method: PyramidMethod = "mode",
        *,
        downscale: Downscale = DOWNSCALE,
        memory: int = MEMORY,
        workers: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Compute the pyramid of the labels; no level has ids that are not in level 0.

        Parameters
        ----------
        levels : int, optional
            Number of levels. If None, those that exist are filled, or as many are made as the
            labelled image has.
        method : {"mode", "stride", "min", "max"}
            Downsampling method, by default "mode": the most frequent label.
        downscale, memory, workers, progress
            As in :meth:`Position.compute_pyramid`.

        Raises
        ------
        PyramidError
            If the method would make new ids, or as in :meth:`Position.compute_pyramid`.
        """
        check_label_method(method)
        if levels is None and len(self._names()) == 1 and self._labelled is not None:
            levels = len(self._labelled._names()) or None
        super().compute_pyramid(
            levels, method, downscale=downscale, memory=memory, workers=workers, progress=progress
        )

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from dataclasses import replace

        from iohub.nodes import summaries

        summary = summaries.position(self, brief=brief)
        document = self._parsed_document() if isinstance(summary, PositionSummary) else None
        if document is None:
            return summary
        said = edits_labels.label_of(document)
        fields = (
            ("colors", str(len(said.colors or ()))),
            ("properties", str(len(said.properties or ()))),
            ("source", (said.source.image if said.source else None) or ""),
        )
        return replace(summary, fields=tuple(f for f in fields if f[1] not in ("", "0")))

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.position_tree(self, level)
