"""Edits of a plate's document that move wells or take them away; new wells are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iohub.errors import MissingNodeError
from iohub.metadata.edits_plate import add_wells
from iohub.metadata.names import split_well
from iohub.metadata.plate import PlateMeta


def rename_wells(doc: PlateMeta, names: Mapping[str, str]) -> PlateMeta:
    """Move wells to other places of the plate, all at once, so that they may swap places.

    A row or column that is new is appended; see :func:`remove_well` for those left empty.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    names : mapping of str to str
        New path of each well, such as ``{"A/1": "B/2"}``.

    Raises
    ------
    MissingNodeError
        If there is no such well.
    ExistsError
        If two wells are to have one path, or there is a well that keeps it.
    PathError
        If a new path is not two allowed names.
    """
    known = doc.get_well_paths()
    for old in names.keys() - set(known):
        raise MissingNodeError(old, "the plate's wells", known)
    specs = [(*split_well(new), None, None) for new in names.values()]
    moved = {old: new for old, new in names.items() if old != new}
    if not moved and len(set(names.values())) == len(names):
        return doc
    staying = tuple(well for well in doc.wells if well.path not in names)
    longer = add_wells(doc.replace(wells=staying), specs)
    placed = {well.path: well for well in longer.wells}
    wells = []
    for well in doc.wells:
        there = placed[names.get(well.path, well.path)]
        place = {"row_index": there.row_index, "column_index": there.column_index}
        wells.append(well.replace(path=there.path, **place))
    return _without_empty(doc, longer.replace(wells=tuple(wells)), moved)


def remove_well(doc: PlateMeta, path: str) -> PlateMeta:
    """Take a well away.

    Its row and its column go with it if nothing else is in them, unless the plate lists other
    rows (or columns) without wells: then it describes what is physically there.

    Parameters
    ----------
    doc : PlateMeta
        The plate.
    path : str
        Such as ``"A/1"``.

    Raises
    ------
    MissingNodeError
        If there is no such well.
    """
    index = _well_at(doc, path)
    shorter = doc.replace(wells=doc.wells[:index] + doc.wells[index + 1 :])
    return _without_empty(doc, shorter, [path])


def _without_empty(before: PlateMeta, doc: PlateMeta, gone: Iterable[str]) -> PlateMeta:
    """Drop the rows and the columns of wells that are gone, and count the indexes anew."""
    left = [tuple(path.split("/")) for path in gone]
    pairs = [tuple(well.path.split("/")) for well in doc.wells]
    old_pairs = [tuple(well.path.split("/")) for well in before.wells]
    kept = []
    for side, items, listed in ((0, doc.rows, before.rows), (1, doc.columns, before.columns)):
        physical = {pair[side] for pair in old_pairs} != {item.name for item in listed}
        unused = {pair[side] for pair in left} - {pair[side] for pair in pairs}
        kept.append(items if physical else tuple(item for item in items if item.name not in unused))
    rows, columns = kept
    row_at = {item.name: index for index, item in enumerate(rows)}
    column_at = {item.name: index for index, item in enumerate(columns)}
    wells = tuple(
        well.model_copy(update={"row_index": row_at[r], "column_index": column_at[c]})
        for well, (r, c) in zip(doc.wells, pairs, strict=True)
    )
    return doc.replace(rows=rows, columns=columns, wells=wells)


def _well_at(doc: PlateMeta, path: str) -> int:
    paths = doc.get_well_paths()
    if path not in paths:
        raise MissingNodeError(path, "the plate's wells", paths)
    return paths.index(path)
