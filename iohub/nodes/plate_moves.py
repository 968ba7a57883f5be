"""Verbs of a plate that move and remove wells and positions: disk and documents at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iohub.errors import MissingNodeError, PathError
from iohub.metadata import edits_plate, edits_wells
from iohub.metadata.names import split_well
from iohub.nodes.base import NGFFNode, join
from iohub.storage.transaction import Transaction

if TYPE_CHECKING:
    from iohub.nodes.well import Well


class PlateMoveVerbs(NGFFNode):
    """Rename and remove wells and positions of a plate."""

    # ---- moving and removing ------------------------------------------------------------------

    def rename_well(self, old: str, new: str) -> None:
        """Rename a well, moving exactly that well.

        Parameters
        ----------
        old : str
            Old name of well, e.g. "A/1".
        new : str
            New name of well, e.g. "B/2". Its row and column are added if the plate has them not.

        Raises
        ------
        MissingNodeError
            If there is no well `old`; a :class:`KeyError`.
        ExistsError
            If there is a well `new`.
        PathError
            If a name is not allowed.
        """
        self.rename_wells({old: new})

    def rename_wells(self, names: Mapping[str, str]) -> None:
        """Rename wells, all of them or, if one cannot be renamed, none.

        Wells may swap their names, or pass them on in a circle.

        Parameters
        ----------
        names : mapping of str to str
            New name of each well, e.g. ``{"A/1": "A/2", "A/2": "A/1"}``.

        Raises
        ------
        MissingNodeError
            If there is no such well; a :class:`KeyError`.
        ExistsError
            If two wells are to have one name, or there is a well that keeps it.
        PathError
            If a name is not allowed.
        """
        self._session.check_writable()
        moved = {old: new for old, new in names.items() if old != new}
        if not moved:
            for old in names:
                self._well_entry(old)
            return
        with Transaction(self._group) as edit:
            for old in names:
                self._well_entry(old)
            document = edits_wells.rename_wells(self._document(), names)
            rows = set()
            for old, new in moved.items():
                if self._group.group(old).exists():
                    edit.move(old, new)
                    rows.add(split_well(new)[0])
            for row in sorted(rows):
                if not self._group.group(row).exists():
                    edit.put_attrs(row, {})
            edit.put_attrs("", self._dump(document, self._group.attrs()))
        for row in sorted({split_well(old)[0] for old in moved}):
            self._tidy_row(row)

    def remove_well(self, path: str) -> None:
        """Remove a well with its positions from the plate, and from the disk.

        Parameters
        ----------
        path : str
            Name of the well, e.g. "A/1".

        Raises
        ------
        MissingNodeError
            If there is no such well; a :class:`KeyError`.
        """
        self._session.check_writable()
        name = "/".join(self._split(path))
        with Transaction(self._group) as edit:
            self._well_entry(name)
            document = edits_wells.remove_well(self._document(), name)
            if self._group.group(name).exists():
                edit.delete(name)
            edit.put_attrs("", self._dump(document, self._group.attrs()))
        self._tidy_row(split_well(name)[0])

    def remove_position(self, path: str) -> None:
        """Remove a position from its well, and from the disk.

        The last position takes its well with it: a well has at least one (OME-Zarr, HCS layout).

        Parameters
        ----------
        path : str
            Name of the position, e.g. "A/1/0".

        Raises
        ------
        MissingNodeError
            If there is no such position; a :class:`KeyError`.
        """
        self._session.check_writable()
        names = self._split(path)
        if len(names) != 3:
            raise PathError(f"{path!r} is not 'row/column/position'")
        well_path, field = join(*names[:2]), names[2]
        with Transaction(self._group) as edit:
            self._well_entry(well_path)
            well = self._well(well_path)
            listed = well._names()
            if field not in listed:
                raise MissingNodeError(field, f"well {well.url}", listed)
            if len(listed) > 1:
                if self._group.group(join(*names)).exists():
                    edit.delete(join(*names))
                document = edits_plate.remove_field(well.metadata, field)
                edit.put_attrs(well_path, well._dump(document, well._attrs()))
                return
        self.remove_well(well_path)

    def __delitem__(self, key: Any) -> None:
        """Delete a well ("A/1") or a position ("A/1/0"), and what the metadata say of it."""
        names = self._split(key)
        if len(names) == 2:
            self.remove_well(join(*names))
        elif len(names) == 3:
            self.remove_position(join(*names))
        else:
            raise PathError(f"{key!r} is neither a well ('row/column') nor a position")

    def _well_entry(self, path: str) -> None:
        known = self._document().get_well_paths()
        if path not in known:
            raise MissingNodeError(path, f"plate {self.url}", known)

    def _tidy_row(self, row: str) -> None:
        """Delete the group of a row that has no well any more."""
        with self._group.lock():
            used = any(p.startswith(f"{row}/") for p in self._document().get_well_paths())
            group = self._group.group(row)
            if not used and group.exists() and not group.group_names() and not group.array_names():
                self._group.delete(row)

    def _well(self, path: str) -> Well:
        raise PathError("a plate says how its wells are made")
