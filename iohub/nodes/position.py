"""A position (field of view): an image with its resolution levels, channels and axes."""

from __future__ import annotations

from typing import ClassVar

from iohub.display import Summary, TreeSummary
from iohub.errors import IohubError
from iohub.nodes.channels import ChannelVerbs
from iohub.nodes.labels import Labels
from iohub.nodes.multiscale import MultiscaleNode
from iohub.nodes.tables import Tables


class Position(MultiscaleNode, ChannelVerbs):
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

    def _label_names(self) -> tuple[str, ...]:
        try:
            attrs = self._group.group("labels").attrs()
        except IohubError:
            return ()
        labels = self._spelling.ome(attrs).get("labels")
        return tuple(str(name) for name in labels) if isinstance(labels, list) else ()

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.position(self, brief=brief)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.position_tree(self, level)
