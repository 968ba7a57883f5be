"""Verbs of a plate that add wells and positions: checked first, each document written once."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from iohub.errors import CorruptNodeWarning, ExistsError, IohubError, NotFoundError, PathError
from iohub.metadata import edits_plate, own
from iohub.metadata.documents import validate
from iohub.metadata.edits_channels import check_channel_names
from iohub.metadata.plate import AcquisitionMeta, PlateMeta, WellGroupMeta
from iohub.nodes import arguments
from iohub.nodes.base import join
from iohub.nodes.places import Place
from iohub.nodes.plate_moves import PlateMoveVerbs
from iohub.storage.hierarchy import group_documents
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.nodes.position import Position
    from iohub.nodes.well import Well
    from iohub.types import JsonObject, PositionSpec


class PlateEditVerbs(PlateMoveVerbs):
    """Create wells and positions of a plate."""

    # ---- creation -----------------------------------------------------------------------------

    def create_well(
        self,
        row_name: str,
        col_name: str,
        row_index: int | None = None,
        col_index: int | None = None,
    ) -> Well:
        """Create a new well group in the plate.

        The new well has empty group metadata until a position is created.

        Parameters
        ----------
        row_name : str
            Name key of the row, alphanumeric.
        col_name : str
            Name key of the column, alphanumeric.
        row_index : int, optional
            Index of the row, will be set by the sequence of creation if not provided.
        col_index : int, optional
            Index of the column, will be set by the sequence of creation if not provided.

        Returns
        -------
        Well
            Well node object.

        Raises
        ------
        ExistsError
            If there is such a well.
        PathError, ShapeError
            If a name is not allowed, or an index is taken or leaves a gap.
        """
        self._session.check_writable()
        names = arguments.name(row_name, "row_name"), arguments.name(col_name, "col_name")
        spec = (*names, row_index, col_index)
        path = join(*names)
        with self._group.lock():
            edits_plate.add_wells(self._document(), [spec])
            self._group.create_groups([(path, self._spelling.empty_group())], exist_ok=True)
            self._commit(lambda document: edits_plate.add_wells(document, [spec]))
        return self._well(path)

    def create_position(
        self,
        row_name: str,
        col_name: str,
        pos_name: str,
        row_index: int | None = None,
        col_index: int | None = None,
        acq_index: int = 0,
        *,
        channel_names: Sequence[str] | None = None,
    ) -> Position:
        """Create a new position group in the plate.

        The new position has empty group metadata until an image is written.

        Parameters
        ----------
        row_name : str
            Name key of the row.
        col_name : str
            Name key of the column.
        pos_name : str
            Name key of the position.
        row_index : int, optional
            Index of the row, will be set by the sequence of creation if not provided.
        col_index : int, optional
            Index of the column, will be set by the sequence of creation if not provided.
        acq_index : int
            Index of the acquisition, by default 0.
        channel_names : list of str, optional
            Channels that the position is to have; those of the plate if not given.

        Returns
        -------
        Position
            Position node object.

        Raises
        ------
        ExistsError
            If there is such a position.
        PathError, ShapeError
            If a name is not allowed, or an index is taken or leaves a gap.
        """
        spec = (row_name, col_name, pos_name, row_index, col_index, acq_index)
        return self.create_positions([spec], channel_names=channel_names)[0]

    def create_positions(
        self,
        positions: Iterable[PositionSpec | Sequence[Any]],
        *,
        channel_names: Sequence[str] | None = None,
    ) -> list[Position]:
        """Create multiple position groups in the plate, each document written once.

        Wells are created as needed. Nothing is written if one of the positions is not possible.

        Parameters
        ----------
        positions : list of PositionSpec
            Tuples of 3 to 6 elements: row name, column name, position name, row index, column
            index, acquisition index. The indices may be None, and are set by the sequence of
            creation then; the acquisition is 0 if not given.
        channel_names : list of str, optional
            Channels that these positions are to have; those of the plate if not given.

        Returns
        -------
        list of Position
            Created position node objects, in the order given.

        Raises
        ------
        ExistsError
            If a position exists, or is given twice.
        PathError, ShapeError, ChannelError
            If a name is not allowed, or an index is taken or leaves a gap.

        Examples
        --------
        >>> plate.create_positions([("A", "1", "0"), ("A", "1", "1"), ("A", "2", "0")])
        >>> plate.create_positions([("B", "3", "0", 1, 2)])  # row and column index
        >>> plate.create_positions([("B", "3", "1", None, None, 1)])  # second acquisition
        """
        self._session.check_writable()
        specs = arguments.listed(positions, "positions", "(row, column, position, …)")
        places = [Place.of(spec, self._spelling.check_field) for spec in specs]
        if not places:
            return []
        new = self._spelling.empty_group()
        if channel_names is not None:
            new = own.write_defaults(new, check_channel_names(channel_names))
        with self._group.lock():
            self._group.attrs()
            plate = self._with_places(self._document(), places)
            wells = self._wells_of(places)
            replaced = self._replaced(places, wells)
            by_well: dict[str, list[Place]] = {path: [] for path in wells}
            for place in places:
                by_well[place.well].append(place)
            after = {
                path: self._with_fields(document, by_well[path]) for path, document in wells.items()
            }
            plate = edits_plate.note_fields(plate, after.values())
            self._write_places(places, wells, after, replaced, new)
            self._list_places(plate, wells, after, replaced, new)
        return [self._position(place.path) for place in places]

    def _with_places(self, document: PlateMeta, places: Sequence[Place]) -> PlateMeta:
        """Return the plate's document with wells and acquisitions of new positions."""
        new: dict[str, tuple[str, str, int | None, int | None]] = {}
        for place in places:
            spec = (place.row, place.column, place.row_index, place.column_index)
            if new.get(place.well, (None,) * 4)[2:] in ((None, None), spec[2:]):
                new[place.well] = spec
            elif spec[2:] != (None, None):
                raise PathError(f"well {place.well!r} is given with two different indices")
        document = edits_plate.add_wells(document, new.values(), exist_ok=True)
        if document.name is None:
            document = document.replace(name=self.name or self._session.title or None)
        for acquisition in sorted({place.acquisition for place in places}):
            if all(known.id != acquisition for known in document.acquisitions):
                entry = AcquisitionMeta(id=acquisition, name=f"acquisition {acquisition}")
                document = edits_plate.add_acquisition(document, entry)
        return document

    def _wells_of(self, places: Sequence[Place]) -> dict[str, WellGroupMeta | None]:
        """Return the wells' documents as they are on disk, None for a well that is not there."""
        paths = list(dict.fromkeys(place.well for place in places))
        found: dict[str, WellGroupMeta | None] = {}
        listed = set(self._document().get_well_paths())
        for path, group in zip(paths, self._group.load_groups(paths), strict=True):
            if isinstance(group, NotFoundError):
                found[path] = None
                continue
            if isinstance(group, IohubError):
                raise group
            found[path] = self._well(path)._parsed_from(group.attrs())
            if path not in listed:
                found[path] = self._without_leftovers(path, found[path])
        return found

    def _without_leftovers(self, path: str, document: WellGroupMeta | None) -> WellGroupMeta | None:
        """Return the document of a well that the plate does not list, without empty positions.

        An interrupted call leaves such a well; the same call is to complete it.
        """
        names = document.get_image_paths() if document is not None else []
        for name in names:
            if document is not None and self._is_empty(f"{path}/{name}"):
                document = edits_plate.remove_field(document, name)
        return document

    def _is_empty(self, path: str) -> bool:
        """Whether a position is missing, or has neither metadata nor anything below it."""
        group = self._group.group(path)
        if not group.exists():
            return True
        folders, _ = group.store.list_dir(group.path)
        return not folders and own.write_defaults(group.attrs()) == self._spelling.empty_group()

    def _replaced(
        self, places: Sequence[Place], wells: dict[str, WellGroupMeta | None]
    ) -> list[str]:
        """Return the positions that exist and give way, if the session allows that."""
        known = {
            f"{path}/{image.path}"
            for path, document in wells.items()
            if document is not None
            for image in document.images
        }
        there = [place.path for place in places if place.path in known]
        if there and not self._session.overwriting:
            raise ExistsError(
                f"there is a position {there[0]!r} in {self.url}; open it with "
                f"plate[{there[0]!r}], or remove it with plate.remove_position({there[0]!r})"
            )
        return [path for path in there if self._group.group(path).exists()]

    def _with_fields(
        self,
        document: WellGroupMeta | None,
        mine: Sequence[Place],
    ) -> WellGroupMeta:
        for place in mine:
            if document is not None and place.field in document.get_image_paths():
                document = edits_plate.remove_field(document, place.field)
        return edits_plate.add_fields(
            document, [(p.field, p.acquisition) for p in mine], check=self._spelling.check_field
        )

    def _write_places(
        self,
        places: Sequence[Place],
        wells: dict[str, WellGroupMeta | None],
        after: dict[str, WellGroupMeta],
        replaced: Sequence[str],
        new: JsonObject,
    ) -> None:
        """Write the groups that are new, nothing lists them yet; `new` is what positions say."""
        empty = self._spelling.empty_group()
        groups: list[tuple[str, JsonObject]] = [
            (place.path, new) for place in places if place.path not in replaced
        ]
        for path, document in wells.items():
            if document is None:
                groups.append((path, self._spelling.dump_well(after[path], empty)))
        self._group.create_groups(groups, exist_ok=True)

    def _list_places(
        self,
        plate: PlateMeta,
        wells: dict[str, WellGroupMeta | None],
        after: dict[str, WellGroupMeta],
        replaced: Sequence[str],
        new: JsonObject,
    ) -> None:
        """Let the wells that were there and the plate list what is new, all at once."""
        attrs = self._group.attrs()
        listed = self._dump(plate, attrs)
        if not replaced and not any(wells.values()):
            if listed != attrs:
                written = self._group.put_attrs(listed)
                # All wells but the new ones were parsed and checked before.
                version = self._spelling.ome(written)["plate"].get("version")
                self._keep_parsed(written, plate.replace(version=version))
            return
        with Transaction(self._group) as edit:
            for path in replaced:
                edit.replace(path)
                for key, value in group_documents(path, self._group.zarr_format, new):
                    edit.put(key, value)
            for path, document in wells.items():
                if document is not None:
                    well = self._spelling.dump_well(after[path], self._group.group(path).attrs())
                    edit.put_attrs(path, well)
            if listed != attrs:
                edit.put_attrs("", listed)

    # ---- the document -------------------------------------------------------------------------

    def add_acquisition(self, id: int, name: str | None = None, **members: Any) -> None:
        """Declare an acquisition.

        Parameters
        ----------
        id : int
            Its number, unique in the plate.
        name : str, optional
            For people.
        **members
            ``description``, ``start_time``, ``end_time``, ``maximum_field_count``.

        Raises
        ------
        ExistsError
            If there is an acquisition with that number.
        DocumentError
            If a value is not what the member holds.
        """
        entry = validate(AcquisitionMeta, {"id": id, "name": name, **members}, "acquisition")
        self._commit(lambda document: edits_plate.add_acquisition(document, entry))

    def dump_meta(self, field_count: bool = False) -> None:
        """Write the metadata once more, as this version spells them.

        Parameters
        ----------
        field_count : bool
            Whether to count all the FOV/positions and populate the metadata field
            'plate.field_count', the most fields in any well; this reads the document of each
            well, by default False.
        """
        self._session.check_writable()
        count = 0
        if arguments.flag(field_count, "field_count"):
            count = max((len(well._names()) for _, well in self._readable_wells()), default=0)

        def edit(document: PlateMeta) -> PlateMeta:
            return edits_plate.set_field_count(document, count) if field_count else document

        if self._document().wells:
            self._commit(edit)

    def _readable_wells(self) -> Iterator[tuple[str, Well]]:
        """Return the wells that are there; one that cannot be read is named by a warning."""
        for path, well in self.wells():
            try:
                well._names()
            except NotFoundError:
                continue  # listed but absent is normal
            except IohubError as error:
                warnings.warn(
                    f"well {path!r} is not counted: {error}", CorruptNodeWarning, stacklevel=3
                )
                continue
            yield path, well

    # ---- what a plate gives -------------------------------------------------------------------

    def _position(self, path: str) -> Position:
        raise PathError("a plate says how its positions are made")

    def wells(self) -> Any:
        """Return a generator over path and value of the wells."""
        raise PathError("a plate says which wells it has")
