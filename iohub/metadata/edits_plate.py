"""Edits of plates and wells: a document in, a new document out.

Every edit checks everything before it returns; the document that is given never changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from string import ascii_uppercase
from typing import TypeAlias

from iohub.errors import ExistsError, MissingNodeError, PathError, ShapeError
from iohub.metadata.names import check_field, check_row_column, warn_case_collisions
from iohub.metadata.plate import (
    AcquisitionMeta,
    PlateAxisMeta,
    PlateMeta,
    WellGroupMeta,
    WellImageMeta,
    WellIndexMeta,
)

WellSpec: TypeAlias = tuple[str, str, int | None, int | None]
"""Row name, column name, row index and column index; an index may be None."""


def new_plate(name: str | None = None) -> PlateMeta:
    """Return a plate without wells.

    Parameters
    ----------
    name : str or None
        For people.
    """
    return PlateMeta(name=name or None)


def well_paths(doc: PlateMeta) -> list[str]:
    """Return the paths of the wells along rows and columns.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    """
    ordered = sorted(doc.wells, key=lambda well: (well.row_index, well.column_index))
    return [well.path for well in ordered]


def row_label(index: int) -> str:
    """Return what plates call a row: A to Z, then AA, AB and so on.

    Parameters
    ----------
    index : int
        From 0.
    """
    label = ""
    while index >= 0:
        label = ascii_uppercase[index % 26] + label
        index = index // 26 - 1
    return label


def column_label(index: int) -> str:
    """Return what plates call a column: 1, 2 and so on.

    Parameters
    ----------
    index : int
        From 0.
    """
    return str(index + 1)


def add_wells(doc: PlateMeta, wells: Iterable[WellSpec], *, exist_ok: bool = False) -> PlateMeta:
    """Add wells, and the rows and columns that they are in.

    An index says where a name is in the plate's rows or columns. A known name keeps its place,
    and an index that is given must be that place. A new name without an index goes to the end.
    A new name with an index beyond the end is allowed where the names between can be known:
    because they come in the same call, or because the name is the one that plates have there (B
    is the second row, 3 the third column), so that the rows or columns between are added under
    such names, without wells.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    wells : iterable of (str, str, int or None, int or None)
        Row name, column name, row index, column index.
    exist_ok : bool
        Whether wells may be there already; they stay as they are.

    Raises
    ------
    PathError
        If a name is not allowed.
    ExistsError
        If a well is there already, or comes twice.
    ShapeError
        If an index is not the place of its name, is taken by another name, or leaves a gap that
        cannot be filled.

    Warns
    -----
    NameWarning
        If two rows or two columns differ by case only.
    """
    specs = [(check_row_column(row), check_row_column(col), i, j) for row, col, i, j in wells]
    rows = _extended(doc.get_row_names(), [(s[0], s[2]) for s in specs], "row")
    columns = _extended(doc.get_column_names(), [(s[1], s[3]) for s in specs], "column")
    row_at = {name: index for index, name in enumerate(rows)}
    column_at = {name: index for index, name in enumerate(columns)}
    listed = list(doc.wells)
    known = set(doc.get_well_paths())
    for row, column, *_ in specs:
        path = f"{row}/{column}"
        if path in known:
            if exist_ok:
                continue
            raise ExistsError(f"the plate has a well {path!r} already, or it is given twice")
        known.add(path)
        listed.append(
            WellIndexMeta(path=path, row_index=row_at[row], column_index=column_at[column])
        )
    warn_case_collisions(set(rows) - set(doc.get_row_names()), rows, "row")
    warn_case_collisions(set(columns) - set(doc.get_column_names()), columns, "column")
    return doc.replace(
        rows=_lengthened(doc.rows, rows),
        columns=_lengthened(doc.columns, columns),
        wells=tuple(listed),
    )


def _lengthened(
    items: tuple[PlateAxisMeta, ...], names: Sequence[str]
) -> tuple[PlateAxisMeta, ...]:
    return items + tuple(PlateAxisMeta(name=name) for name in names[len(items) :])


def _extended(
    known: Sequence[str], items: Sequence[tuple[str, int | None]], what: str
) -> list[str]:
    """Return the names with new ones added, each where its index says."""
    place = {name: index for index, name in enumerate(known)}
    slots = _slots(known, place, items, what)
    reserved = set(slots.values())
    names = list(known)
    for name, _ in items:
        if name not in place and name not in reserved:
            while len(names) in slots:
                names.append(slots.pop(len(names)))
            place[name] = len(names)
            names.append(name)
    while slots:
        index = len(names)
        names.append(slots.pop(index) if index in slots else _filler(index, names, slots, what))
    return names


def _slots(
    known: Sequence[str], place: dict[str, int], items: Sequence[tuple[str, int | None]], what: str
) -> dict[int, str]:
    """Return the new names that have an index, by index."""
    slots: dict[int, str] = {}
    stated: dict[str, int] = {}
    for name, index in items:
        if index is None:
            continue
        if not _is_natural(index):
            raise ShapeError(
                f"the index of {what} {name!r} must be an integer from 0, not {index!r}"
            )
        at = place.get(name, stated.get(name, index))
        if at != index:
            raise ShapeError(f"the {what} {name!r} is at index {at}, not {index}")
        holder = known[index] if index < len(known) else slots.get(index, name)
        if holder != name:
            raise ShapeError(f"index {index} is the place of {what} {holder!r}, not of {name!r}")
        if name not in place:
            stated[name] = index
            slots[index] = name
    return slots


def _is_natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _filler(index: int, names: list[str], slots: dict[int, str], what: str) -> str:
    """Return the usual name for a place between, if that is what the plate's names are."""
    label = row_label if what == "row" else column_label
    name = label(index)
    usual = all(slot == label(at) for at, slot in slots.items())
    if not usual or name in names or name in slots.values():
        at = min(slots)
        raise ShapeError(
            f"the {what} {slots[at]!r} cannot be at index {at}, as nothing is at index {index}: "
            f"add the {what}s before it first, or leave the index out to append it"
        )
    return name


def add_acquisition(doc: PlateMeta, acquisition: AcquisitionMeta) -> PlateMeta:
    """Add a run of the microscope.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    acquisition : AcquisitionMeta
        With an ``id`` of its own.

    Raises
    ------
    ExistsError
        If there is an acquisition with that ``id``.
    """
    if any(other.id == acquisition.id for other in doc.acquisitions):
        raise ExistsError(f"the plate has an acquisition {acquisition.id} already")
    return doc.replace(acquisitions=(*doc.acquisitions, acquisition))


def note_fields(doc: PlateMeta, wells: Iterable[WellGroupMeta]) -> PlateMeta:
    """Raise each acquisition's maximum of fields to what some wells have now.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    wells : iterable of WellGroupMeta
        Wells that have changed.
    """
    most: dict[int, int] = {}
    for well in wells:
        counts = Counter(image.acquisition for image in well.images)
        for acquisition, count in counts.items():
            if acquisition is not None:
                most[acquisition] = max(most.get(acquisition, 0), count)
    entries = tuple(
        entry.replace(maximum_field_count=max(entry.maximum_field_count or 0, most[entry.id]))
        if most.get(entry.id, 0) > (entry.maximum_field_count or 0)
        else entry
        for entry in doc.acquisitions
    )
    return doc.replace(acquisitions=entries)


def set_field_count(doc: PlateMeta, count: int | None) -> PlateMeta:
    """Say how many fields of view the well has that has most.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    count : int or None
        None and 0 take the member away.

    Raises
    ------
    ShapeError
        If it is negative or no integer.
    """
    if count is not None and not _is_natural(count):
        raise ShapeError(f"the number of fields must be an integer from 0, not {count!r}")
    return doc.replace(field_count=count or None)


def add_fields(
    doc: WellGroupMeta | None,
    fields: Iterable[tuple[str, int | None]],
    *,
    exist_ok: bool = False,
    check: Callable[[str], str] = check_field,
) -> WellGroupMeta:
    """Add fields of view to a well.

    Parameters
    ----------
    doc : WellGroupMeta or None
        The well; None begins one.
    fields : iterable of (str, int or None)
        Name of the field, and ``id`` of its acquisition if acquisitions are told apart.
    exist_ok : bool
        Whether fields may be there already; they stay as they are.
    check : callable
        Raises PathError for names that the version does not allow.

    Raises
    ------
    PathError
        If a name is not allowed, or an acquisition is no integer from 0.
    ExistsError
        If a field is there already, or comes twice.

    Warns
    -----
    NameWarning
        If two fields differ by case only.
    """
    doc = doc or WellGroupMeta()
    images = list(doc.images)
    known = set(doc.get_image_paths())
    added = []
    for name, acquisition in fields:
        check(name)
        if acquisition is not None and not _is_natural(acquisition):
            raise PathError(f"an acquisition must be an integer from 0, not {acquisition!r}")
        if name in known:
            if exist_ok:
                continue
            raise ExistsError(f"the well has a field {name!r} already, or it is given twice")
        known.add(name)
        added.append(name)
        images.append(WellImageMeta(path=name, acquisition=acquisition))
    warn_case_collisions(added, known, "field")
    return doc.replace(images=tuple(images))


def remove_field(doc: WellGroupMeta, name: str) -> WellGroupMeta:
    """Take a field of view away.

    Parameters
    ----------
    doc : WellGroupMeta
        The well.
    name : str
        Of the field.

    Raises
    ------
    MissingNodeError
        If there is no such field.
    """
    names = doc.get_image_paths()
    if name not in names:
        raise MissingNodeError(name, "the well's fields of view", names)
    return doc.replace(images=tuple(image for image in doc.images if image.path != name))
