"""What nodes say of themselves, as summaries for display; metadata only, no pixel is read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from iohub.display import (
    AcquisitionEntry,
    ArraySummary,
    AxisEntry,
    ChannelEntry,
    FieldEntry,
    LevelEntry,
    PageSummary,
    PlateSummary,
    PositionSummary,
    RowSummary,
    Summary,
    TreeSummary,
    WellEntry,
    WellSummary,
    human_shape,
)
from iohub.errors import CorruptNodeWarning, IohubError, NotFoundError
from iohub.nodes.base import join
from iohub.storage.keys import place_name
from iohub.storage.virtual import VirtualBytes

if TYPE_CHECKING:
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.image_array import ImageArray
    from iohub.nodes.multiscale import MultiscaleNode
    from iohub.nodes.plate import Plate
    from iohub.nodes.row import Row
    from iohub.nodes.well import Well


def title_of(path: str, url: str) -> str:
    """Return how a node is called on a screen: its path, or for a root the name of the store."""
    return path or place_name(url) or "memory"


def head(node: NGFFNode) -> dict[str, Any]:
    """Return the facts that every node has."""
    store = node._group.store
    format, version = "", ""
    if isinstance(store, VirtualBytes):
        format = store.format
    else:
        version = node._known_version()
    return {
        "format": format,
        "kind": type(node).__name__,
        "title": title_of(node.path, node.url),
        "url": node.url,
        "version": version,
        "closed": node._session.closed,
    }


def _broken(node: NGFFNode, error: IohubError) -> Summary:
    return PageSummary(**head(node), problems=(str(error),), says=("unreadable",))


def image(node: ImageArray) -> Summary:
    """Describe one array."""
    store = node._array.store
    title = title_of(node.path, store.url)
    known: dict[str, Any] = {
        "kind": type(node).__name__,
        "title": title,
        "url": join(store.url, node.path),
        "closed": node._session is not None and node._session.closed,
    }
    try:
        spec = node.spec
    except IohubError as error:
        return PageSummary(**known, problems=(str(error),), says=("unreadable",))
    compressor = spec.compressor or {}
    return ArraySummary(
        **known,
        axes=tuple(axis.name for axis in node.axes),
        shape=spec.shape,
        dtype=str(spec.dtype),
        chunks=spec.chunks,
        shards=spec.shards,
        codecs=str(compressor.get("name") or compressor.get("id") or "none"),
        fill_value=str(spec.fill_value),
        nbytes=spec.nbytes,
        format=store.format if isinstance(store, VirtualBytes) else "Zarr",
        version="" if isinstance(store, VirtualBytes) else str(spec.zarr_format),
    )


def channels(node: MultiscaleNode) -> tuple[ChannelEntry, ...]:
    """Return the channels of a position with their colours and windows."""
    document = node._parsed_document()
    omero = document.omero if document is not None else None
    entries = []
    for index, name in enumerate(node._last_channel_names()):
        channel = omero.channels[index] if omero and index < len(omero.channels) else None
        window = channel.window if channel is not None else None
        entries.append(
            ChannelEntry(
                name=name,
                color=channel.color if channel is not None else None,
                window=(window["start"], window["end"]) if window else None,
                limits=(window["min"], window["max"]) if window else None,
                active=channel is None or channel.active is not False,
            )
        )
    return tuple(entries)


def _arrays(node: MultiscaleNode, document: Any) -> tuple[LevelEntry, ...]:
    paths = [dataset.path for dataset in document.multiscales[0].datasets]
    if node._session.closed:
        return tuple(LevelEntry(path=path) for path in paths)
    entries = []
    for path, array in zip(paths, node._group.load_arrays(paths), strict=True):
        if isinstance(array, IohubError):
            entries.append(LevelEntry(path=path, problem=str(array)))
            continue
        spec = array.spec
        entries.append(
            LevelEntry(
                path=path,
                shape=spec.shape,
                dtype=str(spec.dtype),
                chunks=spec.chunks,
                shards=spec.shards,
                nbytes=spec.nbytes,
                scale=tuple(node._effective(document, path)[0]),
            )
        )
    return tuple(entries)


def _axes(node: MultiscaleNode, document: Any, shape: tuple[int, ...]) -> tuple[AxisEntry, ...]:
    multiscale = document.multiscales[0]
    scale, translation = node._effective(document, multiscale.datasets[0].path)
    sized = len(shape) == len(multiscale.axes)
    return tuple(
        AxisEntry(
            name=axis.name,
            type=axis.type or "",
            unit=axis.unit or "",
            size=shape[i] if sized else None,
            scale=scale[i] if axis.type != "channel" else None,
            translation=translation[i] if axis.type != "channel" else None,
        )
        for i, axis in enumerate(multiscale.axes)
    )


def position(node: MultiscaleNode, *, brief: bool = False) -> Summary:
    """Describe a position: axes, channels, levels."""
    try:
        document = node._parsed_document()
        if document is None:
            return PositionSummary(**head(node), channels=channels(node))
        arrays = _arrays(node, document)
        shape = next((array.shape for array in arrays if array.shape), ())
        shapes = [array.shape if array.dtype else None for array in arrays]
        paths = node._level_paths(document, shapes)
        return PositionSummary(
            **head(node),
            axes=_axes(node, document, shape),
            channels=channels(node),
            levels=tuple(array for array in arrays if array.path in paths),
            images=tuple(array for array in arrays if array.path not in paths),
            labels=() if brief or node._session.closed else node._label_names(),
            problems=tuple(array.problem for array in arrays if array.problem),
        )
    except IohubError as error:
        return _broken(node, error)


def _well_entries(plate: Plate, paths: list[str]) -> tuple[WellEntry, ...]:
    """Say of each well how many fields it lists, from one batch of documents."""
    if plate._session.closed:
        return tuple(WellEntry(row=p.split("/")[0], column=p.split("/")[1]) for p in paths)
    entries = []
    for path, group in zip(paths, plate._group.load_groups(paths), strict=True):
        row, column = path.split("/")
        entry: dict[str, Any] = {"row": row, "column": column}
        if isinstance(group, NotFoundError):
            entries.append(WellEntry(**entry, problem="listed but missing"))
            continue
        try:
            if isinstance(group, IohubError):
                raise group
            well = plate._well(path)
            well._group = group
            names = well._names()
            missing = sum(isinstance(found, IohubError) for found in group.load_groups(names))
            entries.append(WellEntry(**entry, fields=len(names), missing=missing))
        except IohubError as error:
            entries.append(WellEntry(**entry, problem=str(error)))
    return tuple(entries)


def plate(node: Plate, *, brief: bool = False) -> Summary:
    """Describe a plate: its wells as a map, acquisitions, channels."""
    try:
        document = node._parsed_document()
        paths = [well.path for well in document.wells]
        known = {
            **head(node),
            "rows": tuple(row.name for row in document.rows),
            "columns": tuple(column.name for column in document.columns),
        }
        if brief:
            wells = tuple(WellEntry(row=p.split("/")[0], column=p.split("/")[1]) for p in paths)
            return PlateSummary(**known, wells=wells)
        return PlateSummary(
            **known,
            wells=_well_entries(node, paths),
            acquisitions=tuple(
                AcquisitionEntry(
                    id=entry.id,
                    name=entry.name or "",
                    description=entry.description or "",
                    max_fields=entry.maximum_field_count,
                )
                for entry in document.acquisitions or ()
            ),
            **_field_facts(node),
        )
    except IohubError as error:
        return _broken(node, error)


def _field_facts(node: Plate) -> dict[str, Any]:
    """Describe what the fields of a plate have in common, by the first one."""
    from iohub.nodes.plate_reading import first_position

    first = None if node._session.closed else first_position(node)
    if first is None:
        return {"channels": tuple(ChannelEntry(name=name) for name in node._last_channel_names())}
    summary = position(first, brief=True)
    if not isinstance(summary, PositionSummary) or not summary.levels:
        return {}
    return {
        "axes": summary.axes,
        "channels": summary.channels,
        "dtype": summary.levels[0].dtype,
    }


def row(node: Row, *, brief: bool = False) -> Summary:
    """Describe a row: its wells."""
    try:
        if node._plate is None:
            return PageSummary(**head(node))
        paths = [f"{node.name}/{name}" for name in node._names()]
        if brief:
            wells = tuple(WellEntry(row=node.name, column=p.split("/")[1]) for p in paths)
        else:
            wells = _well_entries(node._plate, paths)
        document = node._plate._parsed_document()
        columns = tuple(column.name for column in document.columns)
        return RowSummary(**head(node), wells=wells, columns=columns)
    except IohubError as error:
        return _broken(node, error)


def well(node: Well, *, brief: bool = False) -> Summary:
    """Describe a well: its fields."""
    try:
        document = node._parsed_document()
        images = document.images if document is not None else ()
        if brief or node._session.closed:
            fields = tuple(FieldEntry(name=i.path, acquisition=i.acquisition) for i in images)
            return WellSummary(**head(node), positions=fields)
        found = [position(node._position(entry.path), brief=True) for entry in images]
        axes = {
            tuple(axis.name for axis in summary.axes)
            for summary in found
            if isinstance(summary, PositionSummary) and summary.levels
        }
        return WellSummary(
            **head(node),
            positions=tuple(map(_field, images, found)),
            axes=axes.pop() if len(axes) == 1 else (),
        )
    except IohubError as error:
        return _broken(node, error)


def _field(entry: Any, summary: Summary) -> FieldEntry:
    """Return a line of a well's table: what its document and the position say of a field."""
    known = {"name": entry.path, "acquisition": entry.acquisition}
    if not isinstance(summary, PositionSummary):
        return FieldEntry(**known, problem="; ".join(summary.problems))
    if not summary.levels:
        return FieldEntry(**known)
    return FieldEntry(
        **known,
        shape=summary.levels[0].shape,
        dtype=summary.levels[0].dtype,
        problem="; ".join(summary.problems),
    )


# ---- trees ------------------------------------------------------------------------------------


def image_tree(node: ImageArray) -> TreeSummary:
    """Return an array, which has nothing below it."""
    names = [axis.name for axis in node.axes]
    return TreeSummary(node.basename, detail=f"({human_shape(node.shape, names)}) {node.dtype}")


def position_tree(node: MultiscaleNode, level: int | None, label: str = "") -> TreeSummary:
    """Return a position with its arrays."""
    name = label or node.name or "/"
    if level == 0:
        return TreeSummary(name)
    summary = position(node, brief=True)
    if not isinstance(summary, PositionSummary):
        return TreeSummary(name, detail="; ".join(summary.problems))
    names = [axis.name for axis in summary.axes]
    children = [
        TreeSummary(
            entry.path,
            detail=entry.problem or f"({human_shape(entry.shape, names)}) {entry.dtype}",
        )
        for entry in (*summary.levels, *summary.images)
    ]
    children += [TreeSummary(f"labels/{name}") for name in node._label_names()]
    return TreeSummary(name, children=tuple(children))


def _less(level: int | None) -> int | None:
    return None if level is None else level - 1


def well_tree(node: Well, level: int | None) -> TreeSummary:
    """Return a well with its positions."""
    if level == 0:
        return TreeSummary(node.name or "/")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CorruptNodeWarning)
        found = dict(node.positions())
    children = tuple(
        position_tree(found[name], _less(level))
        if name in found
        else TreeSummary(name, detail="missing or unreadable")
        for name in node._names()
    )
    del caught  # what could not be read is in the tree
    return TreeSummary(node.name or "/", children=children)


def row_tree(node: Row, level: int | None) -> TreeSummary:
    """Return a row with its wells."""
    if level == 0:
        return TreeSummary(node.name or "/")
    children = []
    for name, child in node.wells():
        try:
            children.append(well_tree(child, _less(level)))
        except NotFoundError:
            children.append(TreeSummary(name, detail="listed but missing"))
        except IohubError as error:
            children.append(TreeSummary(name, detail=str(error)))
    return TreeSummary(node.name or "/", children=tuple(children))


def plate_tree(node: Plate, level: int | None) -> TreeSummary:
    """Return a plate with its rows."""
    name = title_of(node.name, node.url)
    if level == 0:
        return TreeSummary(name)
    rows = tuple(row_tree(child, _less(level)) for _, child in node.rows())
    return TreeSummary(name, children=rows)
