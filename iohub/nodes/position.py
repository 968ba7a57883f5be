"""A position (field of view): an image with its resolution levels, channels and axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import Summary, TreeSummary
from iohub.errors import IohubError, PathError
from iohub.metadata import edits_labels
from iohub.nodes.acquired import AcquisitionVerbs
from iohub.nodes.arrow_tables import ArrowRow
from iohub.nodes.base import join
from iohub.nodes.channels import ChannelVerbs
from iohub.nodes.label_levels import LabelLevels, check_labels_fit, label_levels
from iohub.nodes.labels import Labels
from iohub.nodes.multiscale import MultiscaleNode
from iohub.nodes.ome_xml import OmeXmlVerbs
from iohub.nodes.placement import PlacementVerbs
from iohub.nodes.streaming import PositionStreamVerbs
from iohub.nodes.tables import FOLDER as TABLES
from iohub.nodes.tables import Tables
from iohub.nodes.tiling import PositionTileVerbs

if TYPE_CHECKING:
    from iohub.metadata.image import ImageMeta
    from iohub.storage.spec import ArraySpec


class Position(
    MultiscaleNode,
    ChannelVerbs,
    AcquisitionVerbs,
    ArrowRow,
    OmeXmlVerbs,
    PositionTileVerbs,
    PositionStreamVerbs,
):
    """The Zarr group level directly containing multiscale image arrays.

    See :class:`NGFFNode` for the parameters.

    Attributes
    ----------
    version : str
        OME-Zarr version.
    zgroup : zarr.Group
        The same group as a zarr group.
    zattrs : Attributes
        Attributes of the group; assignments are written at once.
    channel_names : list of str
        Name of the channels.
    axes : list of AxisMeta
        Axes metadata.
    labels : Labels
        Label images by path.
    tables : Tables
        Tables by name.
    acquisition : AcquisitionRecord or None
        What the microscope noted: stage position, optics, times.
    frame_metadata : list of dict
        Metadata of single frames.

    Examples
    --------
    >>> with open_ome_zarr("fov.zarr", layout="fov", mode="w-", channel_names=["DAPI"]) as fov:
    ...     fov.create_image("0", np.zeros((1, 1, 5, 256, 256), "uint16"))
    ...     fov.set_scale("0", "x", 0.325)
    ...     fov.compute_pyramid(levels=3)
    """

    _kind: ClassVar[str] = "position"

    @property
    def labels(self) -> Labels:
        """Label images by path; an empty mapping where there are none yet."""
        self._session.check_open()
        return Labels.of(self)

    @property
    def tables(self) -> Tables:
        """Tables by name, as pandas DataFrames; an empty mapping where there are none yet."""
        self._session.check_open()
        return Tables.of(self)

    def __getitem__(self, key: int | str | tuple[int | str, ...]) -> Any:
        """Get an image array member of the position, e.g. a resolution level, or labels.

        Parameters
        ----------
        key : int or str
            Name or path to the image array; an integer is converted to a name. "labels" are the
            label images, "labels/cells" is one of them, "labels/cells/0" an array of that one;
            "tables" and "tables/sizes" likewise.

        Returns
        -------
        ImageArray, Labels, Label, Tables or pandas.DataFrame
            What the key names.

        Raises
        ------
        MissingNodeError
            If there is no such array or label image; a :class:`KeyError` that names the nearest.
        """
        first, *rest = self._split(key) or [""]
        if first == TABLES and self.tables._group.exists():
            return self.tables["/".join(rest)] if rest else self.tables
        if first != edits_labels.FOLDER:
            return super().__getitem__(key)
        labels = self.labels
        if not labels._group.exists():
            raise self._missing(key, "It has no label images.")
        return labels[tuple(rest)] if rest else labels

    def __delitem__(self, key: int | str) -> None:
        """Delete an image array, or a label image, and what the metadata say of it.

        Parameters
        ----------
        key : int or str
            Name of the image; "labels/cells" names a label image, "tables/sizes" a table.

        Raises
        ------
        MissingNodeError
            If there is no such image; a :class:`KeyError`.
        PathError
            If it is "labels", which holds all label images.
        """
        first, *rest = self._split(key) or [""]
        if first == TABLES and rest:
            del self.tables["/".join(rest)]
        elif first != edits_labels.FOLDER:
            super().__delitem__(key)
        elif rest:
            del self.labels["/".join(rest)]
        else:
            raise PathError(
                f"{first!r} holds the label images of {self.url}; delete each of them, as in "
                "del position.labels['cells']"
            )

    def _label_names(self) -> tuple[str, ...]:
        try:
            return tuple(Labels.of(self)._names())
        except IohubError:
            return ()

    def _followers(self) -> Sequence[tuple[str, PlacementVerbs]]:
        document, labels = self._image_document(), Labels.of(self)
        found = []
        for name in labels:
            label = labels._label(name)
            linked = edits_labels.is_linked(document, name)
            if not linked and label._group.exists() and label._document() is not None:
                found.append((join(edits_labels.FOLDER, name), label))
        return found

    def _label_levels(
        self, document: ImageMeta, specs: Mapping[str, ArraySpec] | None = None
    ) -> list[LabelLevels]:
        return label_levels(self, document, specs)

    def _check_labels(
        self, document: ImageMeta, path: str, replaced: Sequence[object], spec: ArraySpec
    ) -> None:
        first = document.multiscales[0].get_dataset_paths()[0] == path
        if first and replaced and replaced[0] != spec.shape:
            check_labels_fit(self, document, spec)

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.position(self, brief=brief)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.position_tree(self, level)
