"""The rules that the documents of plates and wells must or should follow.

Source: OME-Zarr specification 0.4 and 0.5, sections "plate" and "well".
"""

from __future__ import annotations

from collections.abc import Sequence

from iohub.errors import PathError, Problem
from iohub.metadata.documents import Findings, pointer
from iohub.metadata.names import check_field
from iohub.metadata.plate import PlateAxisMeta, PlateMeta, WellGroupMeta, WellIndexMeta


def check_plate(doc: PlateMeta) -> Findings:
    """Check a plate's document.

    Parameters
    ----------
    doc : PlateMeta
        What is checked; pointers are relative to it.
    """
    found = Findings.none()
    rows = _positions(doc.rows, "rows", found)
    columns = _positions(doc.columns, "columns", found)
    seen: set[str] = set()
    for index, well in enumerate(doc.wells):
        if well.path in seen:
            text = f"the well {well.path!r} is there twice"
            found.must.append(Problem(pointer("wells", index), text, "wells-unique"))
        seen.add(well.path)
        _check_well_index(well, index, rows, columns, found)
    if not doc.wells:
        found.should.append(Problem("/wells", "should have at least one", "wells-empty"))
    if doc.name is None:
        found.should.append(Problem("/name", "should be there", "name-missing"))
    _check_acquisitions(doc, found)
    return found


def read_plate(doc: PlateMeta) -> tuple[PlateMeta, Findings]:
    """Check a plate's document, and trust the paths of the wells where the rest disagrees.

    Parameters
    ----------
    doc : PlateMeta
        As read; pointers are relative to it.
    """
    found = check_plate(doc)
    if found.must:
        doc, odd = trust_well_paths(doc)
        found = check_plate(doc)
        found.should.extend(odd)
    return doc, found


def _positions(items: Sequence[PlateAxisMeta], what: str, found: Findings) -> dict[str, int]:
    positions: dict[str, int] = {}
    folded: dict[str, str] = {}
    for index, item in enumerate(items):
        where = pointer(what, index, "name")
        if item.name in positions:
            text = f"{item.name!r} is there twice"
            found.must.append(Problem(where, text, f"{what}-unique"))
            continue
        positions[item.name] = index
        other = folded.setdefault(item.name.casefold(), item.name)
        if other != item.name:
            text = f"{other!r} and {item.name!r} differ by case only"
            found.should.append(Problem(where, text, "name-case"))
    return positions


def _check_well_index(
    well: WellIndexMeta,
    index: int,
    rows: dict[str, int],
    columns: dict[str, int],
    found: Findings,
) -> None:
    row, column = well.path.split("/")
    if row not in rows or column not in columns:
        what, name = ("rows", row) if row not in rows else ("columns", column)
        text = f"{well.path!r} must be row/column, and {name!r} is not among the {what}"
        found.must.append(Problem(pointer("wells", index, "path"), text, "well-path"))
        return
    if (well.row_index, well.column_index) == (rows[row], columns[column]):
        return
    for member, stated, true in (
        ("rowIndex", well.row_index, rows[row]),
        ("columnIndex", well.column_index, columns[column]),
    ):
        if stated != true:
            text = f"must be {true}, as the path is {well.path!r}, found {stated}"
            found.must.append(Problem(pointer("wells", index, member), text, "well-index"))


def _check_acquisitions(doc: PlateMeta, found: Findings) -> None:
    seen: set[int] = set()
    for index, acquisition in enumerate(doc.acquisitions):
        where = pointer("acquisitions", index)
        if acquisition.id in seen:
            text = f"the acquisition {acquisition.id} is there twice"
            found.must.append(Problem(f"{where}/id", text, "acquisitions-unique"))
        seen.add(acquisition.id)
        if acquisition.name is None:
            found.should.append(Problem(f"{where}/name", "should be there", "name-missing"))
        if acquisition.maximum_field_count is None:
            place = f"{where}/maximumfieldcount"
            found.should.append(Problem(place, "should be there", "field-count-missing"))


def trust_well_paths(doc: PlateMeta) -> tuple[PlateMeta, list[Problem]]:
    """Bring a plate's rows, columns and indexes into accord with the paths of its wells.

    Paths are where the data are. Plates of OME-Zarr 0.4 exist, the official examples among them,
    whose indexes are exchanged or whose paths are column/row.

    Parameters
    ----------
    doc : PlateMeta
        As read.

    Returns
    -------
    doc : PlateMeta
        The same where no accord is needed, or none is possible.
    problems : list of Problem
        What did not agree; pointers are relative to the document.
    """
    rows, columns = doc.get_row_names(), doc.get_column_names()
    problems = []
    pairs = [tuple(well.path.split("/")) for well in doc.wells]
    if _resolve(pairs, columns, rows) and not _resolve(pairs, rows, columns):
        text = "paths are column/row where row/column is specified"
        problems.append(Problem("/wells", text, "well-path"))
        rows, columns = columns, rows
        doc = doc.model_copy(update={"rows": doc.columns, "columns": doc.rows})
    elif not _resolve(pairs, rows, columns):
        return doc, []
    row_at = {name: index for index, name in enumerate(rows)}
    column_at = {name: index for index, name in enumerate(columns)}
    wells = []
    for index, (well, (row, column)) in enumerate(zip(doc.wells, pairs, strict=True)):
        stated, true = (well.row_index, well.column_index), (row_at[row], column_at[column])
        if stated != true:
            text = f"rowIndex and columnIndex should be {true} for {well.path!r}, found {stated}"
            problems.append(Problem(pointer("wells", index), text, "well-index"))
        wells.append(well.model_copy(update={"row_index": true[0], "column_index": true[1]}))
    return (doc.model_copy(update={"wells": tuple(wells)}) if problems else doc), problems


def _resolve(pairs: Sequence[tuple[str, ...]], first: list[str], second: list[str]) -> bool:
    one, two = set(first), set(second)
    return all(a in one and b in two for a, b in pairs)


def check_well(doc: WellGroupMeta, plate: PlateMeta | None = None) -> Findings:
    """Check a well's document.

    Parameters
    ----------
    doc : WellGroupMeta
        What is checked; pointers are relative to it.
    plate : PlateMeta or None
        The well's plate; if given, acquisitions are checked against it.
    """
    found = Findings.none()
    if not doc.images:
        found.must.append(Problem("/images", "must have at least one", "images-empty"))
    known = {acquisition.id for acquisition in plate.acquisitions} if plate else set()
    seen: set[str] = set()
    for index, image in enumerate(doc.images):
        where = pointer("images", index)
        if image.path in seen:
            text = f"the field of view {image.path!r} is there twice"
            found.must.append(Problem(f"{where}/path", text, "images-unique"))
        seen.add(image.path)
        try:
            check_field(image.path)
        except PathError as error:
            found.should.append(Problem(f"{where}/path", str(error), "field-name"))
        if (
            known
            and image.acquisition not in known
            and (image.acquisition is not None or len(known) > 1)
        ):
            text = f"should be one of the plate's acquisitions, found {image.acquisition}"
            found.should.append(Problem(f"{where}/acquisition", text, "acquisition-unknown"))
    return found
