"""A high-content-screening plate: rows, wells and positions, found by the plate's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from iohub.display import Summary, TreeSummary
from iohub.errors import MissingNodeError
from iohub.metadata import own
from iohub.metadata.plate import PlateMeta
from iohub.nodes import plate_reading as reading
from iohub.nodes.base import join
from iohub.nodes.ome_xml import OmeXmlVerbs
from iohub.nodes.plate_channels import PlateChannelVerbs
from iohub.nodes.plate_edits import PlateEditVerbs
from iohub.nodes.position import Position
from iohub.nodes.row import Row
from iohub.nodes.streaming import PlateStreamVerbs
from iohub.nodes.tables import Tables
from iohub.nodes.tiling import PlateTileVerbs
from iohub.nodes.well import Well

if TYPE_CHECKING:
    import pandas as pd

    from iohub.metadata.axes import AxisMeta
    from iohub.storage.group import ZarrGroup
    from iohub.types import JsonObject, PathLikeStr


class Plate(
    PlateEditVerbs,
    PlateChannelVerbs,
    PlateTileVerbs,
    OmeXmlVerbs,
    PlateStreamVerbs,
):
    """An HCS plate: rows of wells, which hold positions (fields of view).

    Its document names the wells, so navigating reads no directory. See :class:`NGFFNode` for the
    parameters.

    Examples
    --------
    >>> plate = open_ome_zarr("plate.zarr")
    >>> plate["A/1/0"]  # one position
    >>> plate["A", "1", "0"]["0"].shape  # its full-resolution image
    >>> for path, position in plate.positions():
    ...     print(path, position.scale)
    """

    _kind: ClassVar[str] = "plate"

    def _parse(self, attrs: JsonObject) -> PlateMeta:
        if not self._spelling.has(attrs, "plate"):
            return own.read_plate(attrs)
        document: PlateMeta = self._spelling.parse_plate(attrs, strict=self._session.strict)
        return document

    def _dump(self, document: PlateMeta, attrs: JsonObject) -> JsonObject:
        if document.wells:
            return self._spelling.dump_plate(document, own.write_plate(attrs, None))
        # OME-Zarr knows no plate without wells: one is left as a new one is, with a note.
        ome = self._spelling.ome(attrs)
        rest = self._spelling.with_ome(attrs, {k: v for k, v in ome.items() if k != "plate"})
        return own.write_layout(own.write_plate(rest, document), "hcs")

    @property
    def metadata(self) -> PlateMeta:
        """The plate's document: rows, columns, wells, acquisitions."""
        document: PlateMeta = self._document()
        return document

    # ---- navigation ---------------------------------------------------------------------------

    @cached_property
    def _index_cache(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Close the store. Its nodes refuse to go on; a repr still works."""
        super().close()
        self._index_cache.pop("first", None)  # refers back: all would stay until Python looks

    def _well_paths(self) -> list[str]:
        """Well paths in the order of rows, then columns."""
        document = self._document()
        wells = sorted(document.wells, key=lambda well: (well.row_index, well.column_index))
        return [well.path for well in wells]

    def _known_wells(self) -> frozenset[str]:
        """Well paths as a set, made once per document."""
        document = self._document()
        if self._index_cache.get("document") is not document:
            self._index_cache.update(
                document=document, wells=frozenset(well.path for well in document.wells)
            )
        known: frozenset[str] = self._index_cache["wells"]
        return known

    def _names(self) -> list[str]:
        used = {path.split("/")[0] for path in self._known_wells()}
        return [row.name for row in self._document().rows or () if row.name in used]

    def _well(self, path: str, group: ZarrGroup | None = None) -> Well:
        well: Well = self._make(Well, path, group, plate=self)
        return well

    def _position(self, path: str, group: ZarrGroup | None = None) -> Position:
        position: Position = self._make(Position, path, group, defaults=self)
        return position

    def _make(self, kind: type[Any], path: str, group: ZarrGroup | None = None, **more: Any) -> Any:
        return kind(
            self._group.group(path) if group is None else group,
            parse_meta=False,
            channel_names=self._given_channels,
            axes=self._given_axes,
            version=self.version,
            session=self._session,
            **more,
        )

    def __getitem__(self, key: Any) -> Any:
        """Get a row ("A"), a well ("A/1"), a position ("A/1/0") or an image ("A/1/0/0").

        Parameters
        ----------
        key : str, int or tuple
            A path, or its parts.

        Raises
        ------
        MissingNodeError
            If there is no such child; a :class:`KeyError` that names the nearest ones.
        """
        names = self._split(key)
        if not names:
            raise self._missing(key)
        if len(names) == 1:
            return self._child(names[0])
        path = join(*names[:2])
        if path not in self._known_wells():
            raise MissingNodeError(path, f"plate {self.url}", self._well_paths())
        well = self._well(path)
        return well[tuple(names[2:])] if len(names) > 2 else well

    def _child(self, key: str) -> Row:
        if not any(path.startswith(f"{key}/") for path in self._known_wells()):
            raise self._missing(key)
        row: Row = self._make(Row, key, plate=self)
        return row

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Return a generator over name and value of all the rows in the plate.

        Yields
        ------
        tuple of (str, Row)
            Name and row object.
        """
        for name in self._names():
            yield name, self._make(Row, name, plate=self)

    def wells(self) -> Iterator[tuple[str, Well]]:
        """Return a generator over path and value of all the wells (along rows, columns).

        Yields
        ------
        tuple of (str, Well)
            Path and well object.
        """
        for path in self._well_paths():
            yield path, self._well(path)

    def positions(self) -> Iterator[tuple[str, Position]]:
        """Return a generator over path and value of all the positions (rows, columns, wells).

        Documents are read in batches. A well that the plate lists and that does not exist is
        normal and is passed over; one that cannot be read, or a position that is listed but
        missing or unreadable, is named by a :class:`CorruptNodeWarning`, and the others go on.

        Yields
        ------
        tuple of (str, Position)
            Path and position object.
        """
        return reading.positions(self, self._well_paths())

    def _ipython_key_completions_(self) -> list[str]:
        if self._session.closed:
            return []
        wells = self._well_paths()
        found = list(self._names()) + wells
        if len(wells) <= reading.COMPLETED_WELLS:
            found += reading.position_paths(self, wells)
        return found

    # ---- what the positions have in common ----------------------------------------------------

    @property
    def channel_names(self) -> list[str]:
        """Channel names of the first position, else those given when the plate was made."""
        return self._channels_of(first_wells=None)

    def _channels_of(self, first_wells: int | None) -> list[str]:
        known = super().channel_names
        first = reading.first_position(self, reading.LOOKED_AT if known else first_wells)
        return first.channel_names if first is not None else known

    def _last_channel_names(self) -> list[str]:
        # Closing must not search a large plate in which nothing has an image yet.
        if not self._session.closed:
            self._seen_channels = self._channels_of(first_wells=reading.LOOKED_AT)
        return super()._last_channel_names() if self._session.closed else self._seen_channels

    @property
    def axes(self) -> list[AxisMeta]:
        """Axes of the first position, else those given when the plate was made."""
        stored = self._noted_defaults().axes or self._given_axes
        first = reading.first_position(self, reading.LOOKED_AT if stored else None)
        return first.axes if first is not None else super().axes

    @property
    def acquisitions(self) -> list[Any]:
        """Acquisitions of the plate, each with ``id`` and perhaps ``name``."""
        return list(self._document().acquisitions or ())

    @property
    def tables(self) -> Tables:
        """Tables of the plate, such as conditions of its wells; empty where there are none yet."""
        self._session.check_open()
        return Tables.of(self)

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with one row per position; no pixel is read.

        Returns
        -------
        pandas.DataFrame
            Columns ``path``, ``row``, ``column``, ``field``, ``acquisition``, ``shape``,
            ``dtype``, ``chunks``, ``shards``, ``axes``, ``scale``, ``channels``, ``levels`` and
            ``nbytes`` (decoded, of the first image). What cannot be read is missing, and named
            by a :class:`CorruptNodeWarning`.
        """
        return reading.dataframe(self)

    # ---- how it looks -------------------------------------------------------------------------

    def _summary(self, *, brief: bool = False) -> Summary:
        from iohub.nodes import summaries

        return summaries.plate(self, brief=brief)

    def _tree(self, level: int | None) -> TreeSummary:
        from iohub.nodes import summaries

        return summaries.plate_tree(self, level)

    # ---- assembly -----------------------------------------------------------------------------

    @classmethod
    def from_positions(
        cls,
        store_path: PathLikeStr,
        positions: Mapping[str, Position],
        *,
        how: str = "copy",
        version: str | None = None,
        overwrite: bool = False,
    ) -> Plate:
        """Create a new HCS store from existing stores by copying images and metadata.

        Chunks are copied as they are encoded; nothing is decoded unless `version` asks for another
        encoding.

        Parameters
        ----------
        store_path : path-like
            Path of the new store.
        positions : dict of str to Position
            Keys are destination path names ("row/column/fov"), values are the positions to copy.
        how : {"copy", "reflink", "hardlink"}
            How local files are copied. A reflink shares blocks until one side changes, where the
            file system can; a hard link shares the file, which is safe as long as every writer
            replaces chunks instead of changing them in place (iohub does).
        version : str, optional
            OME-Zarr version of the new store; that of the first position if not given.
        overwrite : bool
            Whether an existing Zarr store at the path is replaced, once the copy is complete.

        Returns
        -------
        Plate
            New plate with copied data.

        Raises
        ------
        ExistsError
            If there is something at the path and `overwrite` is false.
        ChannelError, AxisError
            If channel names or axes differ between the positions.
        PathError
            If a key is not "row/column/fov", or the place is inside a plate, a well or a position.

        Examples
        --------
        >>> with open_ome_zarr("hcs.zarr") as hcs, open_ome_zarr("fov.zarr") as fov:
        ...     Plate.from_positions(
        ...         "combined.zarr", {"A/1/0": hcs["B/2/0"], "A/2/0": fov}
        ...     )
        """
        from iohub.nodes.assembly import assemble

        return assemble(cls, store_path, positions, how=how, version=version, overwrite=overwrite)
