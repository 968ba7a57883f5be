"""Documents above the positions of a new store: plate, rows and wells, or a series."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from iohub.convert.documents import SOURCE_METADATA
from iohub.errors import DocumentError
from iohub.metadata import edits_plate, own, series, versions
from iohub.metadata.documents import thaw
from iohub.metadata.respelling import respelled
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.row import Row
from iohub.nodes.series import Series
from iohub.nodes.well import Well
from iohub.storage.keys import place_name

if TYPE_CHECKING:
    from iohub.convert.notes import Note
    from iohub.convert.options import Options
    from iohub.convert.plan import ImagePlan, Plan
    from iohub.metadata.plate import PlateMeta
    from iohub.nodes.base import NGFFNode
    from iohub.types import JsonObject


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
    return _series(plan, notes) if plan.layout == "series" else _plate(plan, notes)


def acquisition_of(plan: Plan, image: ImagePlan) -> int | None:
    """Return to which acquisition of the source's plate a position belongs."""
    if not isinstance(plan.node, Plate):
        return None
    well, _, name = image.source.key.rpartition("/")
    if well not in plan.node._known_wells():
        return None
    document = plan.node[well].metadata
    return next((i.acquisition for i in document.images if i.path == name), None)


def left_out(node: NGFFNode, layout: str, options: Options) -> tuple[str, ...]:
    """Name what groups above the positions say that has no place in the destination."""
    columns = _columns(node)
    if isinstance(node, Position):
        return tuple(columns)
    found = columns if _is_kept(node, layout) else [*columns, *_named(node)]
    if isinstance(node, Plate) and layout != "hcs" and len(node.tables):
        found.append("the tables of the plate")
    if isinstance(node, Plate) and not (layout == "hcs" and options.wells is None):
        for _, well in node.wells():
            found += [f"{what} of wells" for what in _named(well)]
    return tuple(found)


def _columns(node: NGFFNode) -> list[str]:
    """Name the columns of a table of records that are the user's own."""
    table = node.table_columns
    names = [] if table is None else [repr(str(name)) for name in table.columns]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"columns of the table, {', '.join(names[:3])}{more}"] if names else []


def _named(node: NGFFNode) -> list[str]:
    """Name the attributes of a node that are not OME's."""
    known = {own.KEY, *versions.MEMBERS}
    return [f"the attribute {name!r}" for name in node._attrs() if name not in known]


def _series(plan: Plan, notes: Sequence[Note]) -> list[tuple[str, JsonObject]]:
    spelling = plan.spelling
    attrs = _kept(plan, spelling.empty_group())
    listed = series.write_series(spelling, spelling.empty_group(), [note.place for note in notes])
    return [(series.FOLDER, listed), ("", series.write_layout(spelling, attrs))]


def _plate(plan: Plan, notes: Sequence[Note]) -> list[tuple[str, JsonObject]]:
    spelling, node = plan.spelling, plan.node
    wells: dict[str, list[tuple[str, int | None]]] = {}
    empty: Sequence[str] = ()
    for note in notes:
        well, _, name = note.place.rpartition("/")
        wells.setdefault(well, []).append((name, note.acquisition))
    document = _new_plate(wells)
    if isinstance(node, Plate):
        said = node.metadata
        if plan.options.wells is None:
            empty = _empty_wells(plan, wells)
            kept = tuple(w for w in said.wells if w.path in wells or w.path in empty)
            document = said.replace(wells=kept, version=None)
        else:
            document = document.replace(name=said.name, acquisitions=said.acquisitions)
    title = document.name or place_name(plan.url).partition(".")[0] or None
    document = document.replace(name=title)
    same = isinstance(node, Plate) and plan.options.wells is None
    if not same or document.field_count is not None:
        document = edits_plate.set_field_count(document, max(map(len, wells.values())))
    root = spelling.dump_plate(document, _kept(plan, spelling.empty_group()))
    groups = []
    for row in dict.fromkeys(well.split("/")[0] for well in (*wells, *empty)):
        groups.append((row, _said(plan, _source_row(plan, row))))
    for well, fields in wells.items():
        meta = edits_plate.add_fields(None, fields, check=spelling.check_field)
        groups.append((well, spelling.dump_well(meta, _said(plan, _source_well(plan, well)))))
    groups += [(well, _said(plan, plan.node[well])) for well in empty]
    return [*groups, ("", root)]


def _empty_wells(plan: Plan, taken: Container[str]) -> list[str]:
    """Return the wells of a plate that hold no image, where all of it is taken."""
    node = plan.node
    if not isinstance(node, Plate) or plan.options.positions is not None:
        return []
    rest = [well.path for well in node.metadata.wells if well.path not in taken]
    return [path for path in rest if node._group.group(path).exists()]


def _source_row(plan: Plan, row: str) -> NGFFNode | None:
    """Return the row of the source that becomes one, if its wells stay where they are."""
    if plan.options.wells is not None:
        return None
    if isinstance(plan.node, Row):
        return plan.node
    found = isinstance(plan.node, Plate) and plan.node._group.group(row).exists()
    return plan.node[row] if found and isinstance(plan.node, Plate) else None


def _source_well(plan: Plan, well: str) -> NGFFNode | None:
    """Return the well of the source that becomes one, if wells stay where they are."""
    if plan.options.wells is not None:
        return None
    found: NGFFNode | None = None
    match plan.node:
        case Plate() as plate:
            found = plate[well]
        case Row() as row:
            found = row[well.split("/")[1]]
        case Well() as found:
            pass
    return found


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


def _is_kept(node: NGFFNode, layout: str) -> bool:
    """Whether the root of the destination is of the kind of the source."""
    return isinstance(node, Plate) if layout == "hcs" else isinstance(node, Series)


def _kept(plan: Plan, empty: JsonObject) -> JsonObject:
    """Return attributes of the source's root that are no plate's, for a root of the same kind."""
    return _said(plan, plan.node) if _is_kept(plan.node, plan.layout) else empty


def _said(plan: Plan, node: NGFFNode | None) -> JsonObject:
    """Return what a node says beside its place, as the version of the destination spells it.

    What that version cannot say is kept under the key ``iohub``.
    """
    empty = plan.spelling.empty_group()
    if node is None:
        return empty
    attrs, ours = node._attrs(), node._spelling
    if not attrs:
        return {}
    if not ours.ome(attrs):
        return _chosen_channels(dict(attrs), plan.options)
    rest = {n: v for n, v in ours.ome(attrs).items() if n not in ("plate", "well", "multiscales")}
    bare = _chosen_channels(ours.with_ome(attrs, rest), plan.options)
    try:
        return respelled(bare, ours, plan.spelling)
    except DocumentError:
        noted = {"version": ours.version, "ome": thaw(rest)}
        bare = own.with_member(ours.with_ome(bare, {}), SOURCE_METADATA, noted)
        return respelled(bare, ours, plan.spelling)


def _chosen_channels(attrs: JsonObject, options: Options) -> JsonObject:
    """Return attributes whose note of the channels of images to come has those that are taken."""
    names, axes, shown = own.read_defaults(attrs)
    if options.channels is None or names is None:
        return attrs
    kept = [
        names[each] if isinstance(each, int) and each < len(names) else str(each)
        for each in options.channels
    ]
    return own.write_defaults(attrs, kept, axes, [each for each in shown if each.label in kept])
