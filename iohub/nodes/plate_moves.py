"""Verbs of a plate that move and remove wells and positions: disk and documents at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, MissingNodeError, PathError
from iohub.metadata import edits_plate, edits_wells
from iohub.metadata.names import split_well
from iohub.nodes import arguments
from iohub.nodes.base import NGFFNode, join
from iohub.storage.transaction import moving

if TYPE_CHECKING:
    from iohub.nodes.well import Well


class PlateMoveVerbs(NGFFNode):
    """Rename and remove wells and positions of a plate."""

    # ---- moving and removing ------------------------------------------------------------------

    def rename_well(self, old: str, new: str) -> None:
        """Rename a well, moving exactly that well, once nobody is preparing pixels in it.

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
        LockTimeoutError
            If an image, a pyramid or labels are being made in the well all the time.
        """
        self.rename_wells({arguments.text(old, "old"): arguments.text(new, "new")})

    def rename_wells(self, names: Mapping[str, str]) -> None:
        """Rename wells, all of them or, if one cannot be renamed, none.

        Wells may swap their names, or pass them on in a circle. Images, pyramids and labels that
        are being made in them are waited for; who writes pixels of an image that exists gets a
        :class:`~iohub.errors.NotFoundError` when it has moved.

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
        LockTimeoutError
            If an image, a pyramid or labels are being made in a well all the time.
        """
        self._session.check_writable()
        names = _checked_names(names)
        moved = {old: new for old, new in names.items() if old != new}
        if not moved:
            for old in names:
                self._well_entry(old)
            return
        with moving(self._group, moved) as edit:
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

        What is being made in it is waited for, as in :meth:`rename_wells`.

        Parameters
        ----------
        path : str
            Name of the well, e.g. "A/1".

        Raises
        ------
        MissingNodeError
            If there is no such well; a :class:`KeyError`.
        LockTimeoutError
            If an image, a pyramid or labels are being made in the well all the time.
        """
        self._remove_wells(["/".join(self._split(path))])

    def _remove_wells(self, paths: Sequence[str]) -> None:
        self._session.check_writable()
        with moving(self._group, paths) as edit:
            document = self._document()
            for path in paths:
                self._well_entry(path)
                document = edits_wells.remove_well(document, path)
                if self._group.group(path).exists():
                    edit.delete(path)
            edit.put_attrs("", self._dump(document, self._group.attrs()))
        for row in sorted({split_well(path)[0] for path in paths}):
            self._tidy_row(row)

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
        with moving(self._group, ["/".join(names)]) as edit:
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
        """Delete a row ("A"), a well, a position or an image, and what the metadata say of it.

        Parameters
        ----------
        key : str, int or tuple
            A path, or its parts. A row goes with all of its wells, all or none.

        Raises
        ------
        MissingNodeError
            If there is no such child; a :class:`KeyError`.
        """
        names = self._split(key)
        if len(names) > 3:
            del self[tuple(names[:3])][tuple(names[3:])]
        elif len(names) == 3:
            self.remove_position(join(*names))
        elif len(names) == 2:
            self.remove_well(join(*names))
        else:
            row = join(*names)
            wells = [p for p in self._document().get_well_paths() if split_well(p)[0] == row]
            if not wells:
                raise self._missing(key)
            self._remove_wells(wells)

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


def _checked_names(names: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(names, Mapping):
        raise ArgumentError(
            "names is a dict of old and new names such as {'A/1': 'B/1'}, not "
            + arguments.shown(names)
        )
    return {
        arguments.text(old, "an old name"): arguments.text(new, "a new name")
        for old, new in names.items()
    }
