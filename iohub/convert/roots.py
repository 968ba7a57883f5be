"""Documents above the positions of a new store: plate, rows and wells, or a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from iohub.errors import DocumentError, IohubError
from iohub.metadata import edits_plate, own, series
from iohub.metadata.respelling import respelled
from iohub.nodes.plate import Plate
from iohub.nodes.series import Series
from iohub.storage.keys import place_name

if TYPE_CHECKING:
    from iohub.convert.notes import Note
    from iohub.convert.plan import Plan
    from iohub.metadata.plate import PlateMeta
    from iohub.types import JsonObject

CONVERSION = "conversion"
"""Member of the key ``iohub`` that says which conversion made a store, and a position in it."""

_WHOLE, _IMAGE = "id", "image"


def root_groups(plan: Plan, notes: Sequence[Note]) -> list[tuple[str, JsonObject]]:
    """Return paths and attributes of the groups above positions; that of the root comes last.

    Parameters
    ----------
    plan : Plan
        Of one of the calls that made the store.
    notes : sequence of Note
        Every position of the store, in order.
    """
    if plan.layout == "fov":
        return []
    groups = _series(plan, notes) if plan.layout == "series" else _plate(plan, notes)
    *others, (path, attrs) = groups
    return [*others, (path, own.with_member(attrs, CONVERSION, {_WHOLE: plan.identity}))]


def signed(attrs: JsonObject, plan: Plan, image: str) -> JsonObject:
    """Return attributes of a position that say by which conversion its pixels were made.

    Parameters
    ----------
    attrs : dict
        Attributes of the position.
    plan : Plan
        The conversion.
    image : str
        Identity of the position's own plan.
    """
    said = {_IMAGE: image}
    if plan.layout == "fov":
        said[_WHOLE] = plan.identity
    return own.with_member(attrs, CONVERSION, said)


def signature(attrs: JsonObject) -> tuple[str | None, str | None]:
    """Return the identities of the conversion of a store, and of that of a position."""
    try:
        said = own.member(attrs, CONVERSION)
    except DocumentError:
        said = None
    said = said if isinstance(said, dict) else {}
    return said.get(_WHOLE), said.get(_IMAGE)


def acquisition_of(plan: Plan, place: str) -> int | None:
    """Return to which acquisition of the source's plate a position belongs."""
    if not isinstance(plan.node, Plate):
        return None
    well, _, name = place.rpartition("/")
    if well not in plan.node._known_wells():
        return None
    document = plan.node[well].metadata
    return next((i.acquisition for i in document.images if i.path == name), None)


def _series(plan: Plan, notes: Sequence[Note]) -> list[tuple[str, JsonObject]]:
    spelling = plan.spelling
    attrs = _kept(plan, spelling.empty_group())
    listed = series.write_series(spelling, spelling.empty_group(), [note.place for note in notes])
    return [(series.FOLDER, listed), ("", series.write_layout(spelling, attrs))]


def _plate(plan: Plan, notes: Sequence[Note]) -> list[tuple[str, JsonObject]]:
    spelling, node = plan.spelling, plan.node
    wells: dict[str, list[tuple[str, int | None]]] = {}
    for note in notes:
        well, _, name = note.place.rpartition("/")
        wells.setdefault(well, []).append((name, note.acquisition))
    known = isinstance(node, Plate) and plan.options.wells is None
    document = _same_plate(node, wells) if known and isinstance(node, Plate) else _new_plate(wells)
    title = document.name or place_name(plan.url).partition(".")[0] or None
    count = max(map(len, wells.values()))
    document = edits_plate.set_field_count(document.replace(name=title), count)
    root = spelling.dump_plate(document, _kept(plan, spelling.empty_group()))
    groups = [
        (row, spelling.empty_group()) for row in dict.fromkeys(w.split("/")[0] for w in wells)
    ]
    for well, fields in wells.items():
        attrs = spelling.empty_group()
        if known and isinstance(node, Plate):
            attrs = _reduced(node[well]._attrs(), node, plan)
        meta = edits_plate.add_fields(None, fields, check=spelling.check_field)
        groups.append((well, spelling.dump_well(meta, attrs)))
    return [*groups, ("", root)]


def _same_plate(node: Plate, wells: dict[str, list[tuple[str, int | None]]]) -> PlateMeta:
    """Return the source's document with the wells that there are."""
    document = node.metadata
    kept = tuple(well for well in document.wells if well.path in wells)
    return document.replace(wells=kept, version=None)


def _new_plate(wells: dict[str, list[tuple[str, int | None]]]) -> PlateMeta:
    rows = sorted({well.split("/")[0] for well in wells}, key=lambda name: (len(name), name))
    columns = sorted({well.split("/")[1] for well in wells}, key=_natural)
    ordered = sorted(wells, key=lambda w: (rows.index(w.split("/")[0]), _natural(w.split("/")[1])))
    specs = [
        (row, column, rows.index(row), columns.index(column))
        for row, column in (well.split("/") for well in ordered)
    ]
    return edits_plate.add_wells(edits_plate.new_plate(), specs)


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


def _kept(plan: Plan, empty: JsonObject) -> JsonObject:
    """Return attributes of the source's root that are no plate's, for a root of the same kind."""
    if isinstance(plan.node, Plate | Series):
        return _reduced(plan.node._attrs(), plan.node, plan)
    return empty


def _reduced(attrs: JsonObject, node: Plate | Series, plan: Plan) -> JsonObject:
    """Return what attributes say beside the OME metadata, as the other version spells it."""
    ours = node._spelling
    rest = {n: v for n, v in ours.ome(attrs).items() if n not in ("plate", "well", "multiscales")}
    bare = ours.with_ome(attrs, rest)
    bare = own.with_member(own.write_defaults(own.write_layout(bare, None)), CONVERSION, None)
    try:
        return respelled(bare, ours, plan.spelling)
    except IohubError:
        return plan.spelling.empty_group()
