"""A row of a plate: a name that the wells of the row share; it has no document of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import Summary, TreeSummary
from iohub.nodes.base import NGFFNode, join
from iohub.nodes.well import Well

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.nodes.plate import Plate


class Row(NGFFNode):
    """A row of a plate.

    See :class:`NGFFNode` for the parameters; `plate` is the plate that the row belongs to, whose
    document names its wells.
    """

    _kind: ClassVar[str] = "row"

    def __init__(self, *args: Any, plate: Plate | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._plate = plate

    def _names(self) -> list[str]:
        if self._plate is None:
            return self.group_keys()
        start = f"{self.name}/"
        return [p[len(start) :] for p in self._plate._well_paths() if p.startswith(start)]

    def _child(self, key: str) -> Well:
        if self._plate is not None:
            if f"{self.name}/{key}" not in self._plate._known_wells():
                raise self._missing(key)
            return self._plate._well(f"{self.name}/{key}")
        if key not in self._names():
            raise self._missing(key)
        return Well(self._group.group(key), parse_meta=False, session=self._session)

    def __delitem__(self, key: Any) -> None:
        """Delete a well, and what the metadata say of it; see :meth:`Plate.remove_well`."""
        name = join(*self._split(key))
        if self._plate is None:
            super().__delitem__(name)
        else:
            del self._plate[join(self.name, name)]

    def wells(self) -> Iterator[tuple[str, Well]]:
        """Return a generator over name and value of all the wells in the row.

        Yields
        ------
        tuple of (str, Well)
            Column name and well object.
        """
        for name in self._names():
            yield name, self._child(name)

    @property
    def channel_names(self) -> list[str]:
        """Channel names of the plate."""
        return self._plate.channel_names if self._plate is not None else super().channel_names

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes of the plate."""
        return self._plate.axes if self._plate is not None else super().axes

    @property
    def version(self) -> str:
        """OME-Zarr version of the plate."""
        return self._plate.version if self._plate is not None else super().version

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.row(self, brief=brief)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.row_tree(self, level)
