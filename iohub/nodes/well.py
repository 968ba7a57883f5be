"""A well of a plate: the positions (fields of view) that its document names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import Summary, TreeSummary
from iohub.errors import IohubError, LayoutError, MissingNodeError, NotFoundError
from iohub.metadata.plate import WellGroupMeta
from iohub.nodes import plate_reading as reading
from iohub.nodes.base import NGFFNode, join
from iohub.nodes.position import Position

if TYPE_CHECKING:
    from iohub.metadata.axes import AxisMeta
    from iohub.nodes.plate import Plate
    from iohub.types import JsonObject


class Well(NGFFNode):
    """A well: positions (fields of view) at one place of a plate.

    See :class:`NGFFNode` for the parameters; `plate` is the plate that the well belongs to.
    """

    _kind: ClassVar[str] = "well"

    def __init__(self, *args: Any, plate: Plate | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._plate = plate

    def _parse(self, attrs: JsonObject) -> WellGroupMeta:
        if not self._spelling.has(attrs, "well"):
            return WellGroupMeta()
        document: WellGroupMeta = self._spelling.parse_well(attrs, strict=self._session.strict)
        return document

    def _dump(self, document: WellGroupMeta, attrs: JsonObject) -> JsonObject:
        return dict(self._spelling.dump_well(document, attrs))

    @property
    def metadata(self) -> WellGroupMeta:
        """The well's document: its images and their acquisitions."""
        document: WellGroupMeta = self._document()
        return document

    def _names(self) -> list[str]:
        return [image.path for image in self._document().images or ()]

    def _child(self, key: str) -> Position:
        position = self._position(key)
        # The position's own document says whether it is there, and is needed next.
        if not _is_there(position):
            if not self._group.exists():
                hint = self._absent("")
                raise MissingNodeError(key, f"well {self.url}", (), hint)
            raise self._missing(key, self._absent(key) if key in self._names() else "")
        return position

    def _position(self, key: str) -> Position:
        return Position(
            self._group.group(key),
            parse_meta=False,
            channel_names=self._given_channels,
            axes=self._given_axes,
            version=self.version,
            session=self._session,
            defaults=self._plate,
        )

    def positions(self) -> Iterator[tuple[str, Position]]:
        """Return a generator over name and value of all the positions in the well.

        Yields
        ------
        tuple of (str, Position)
            Name and position object. One that is listed but missing or unreadable is named by a
            :class:`CorruptNodeWarning`, and the others go on.
        """
        return reading.well_positions(self)

    def create_position(self, name: str, acquisition: int = 0) -> Position:
        """Create a new position group in the well.

        Parameters
        ----------
        name : str
            Name key of the new position, alphanumeric.
        acquisition : int
            Index of the acquisition, by default 0.

        Returns
        -------
        Position
            Position node object.

        Raises
        ------
        MissingNodeError
            If the well was opened on its own: create positions through its plate.
        ExistsError
            If there is such a position.
        """
        if self._plate is None:
            raise MissingNodeError(
                name, f"well {self.url}", (), "Open the plate to create positions in its wells."
            )
        row, column = self.path.split("/")[-2:]
        return self._plate.create_position(row, column, name, acq_index=acquisition)

    def __delitem__(self, key: Any) -> None:
        """Delete a position, and what the metadata say of it; see :meth:`Plate.remove_position`.

        Raises
        ------
        MissingNodeError
            If there is no such position, or the well was opened on its own.
        """
        name = join(*self._split(key))
        if self._plate is None:
            raise self._missing(name, "Open the plate to remove positions of its wells.")
        del self._plate[join(*self.path.split("/")[-2:], name)]

    @property
    def channel_names(self) -> list[str]:
        """Channel names of the plate."""
        return self._plate.channel_names if self._plate is not None else super().channel_names

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes of the plate."""
        return self._plate.axes if self._plate is not None else super().axes

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.well(self, brief=brief)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.well_tree(self, level)


def _is_there(position: Position) -> bool:
    """Whether a position has a document, be it broken; an array is none."""
    try:
        position._document()
    except (NotFoundError, LayoutError):
        return False
    except IohubError:
        return True
    return True
