"""A new plate from existing positions: encoded chunks are copied, the plate appears when whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast, get_args

from iohub.errors import (
    ArgumentError,
    AxisError,
    ChannelError,
    ExistsError,
    ModeError,
    PathError,
    ShapeError,
)
from iohub.metadata import versions
from iohub.metadata.respelling import respelled
from iohub.nodes import arguments, tables
from iohub.nodes.base import join
from iohub.nodes.outer import check_outside
from iohub.nodes.places import Place
from iohub.nodes.position import Position
from iohub.nodes.session import Session
from iohub.storage import leftovers
from iohub.storage.drafts import draft_path
from iohub.storage.group import ZarrGroup, create_group
from iohub.storage.hierarchy import writable
from iohub.storage.local import LocalBytes
from iohub.storage.location import (
    Location,
    exists,
    has_zarr_document,
    is_empty,
    locate,
    wipe,
)
from iohub.storage.replacement import replace_content
from iohub.storage.tree_copy import copy_tree
from iohub.storage.units import UnitWriter

if TYPE_CHECKING:
    from iohub.metadata.versions import Spelling
    from iohub.nodes.plate import Plate
    from iohub.types import JsonObject, PathLikeStr

How = Literal["copy", "reflink", "hardlink"]


def assemble(
    plate_type: type[Plate],
    store_path: PathLikeStr,
    positions: Mapping[str, Position],
    *,
    how: str,
    version: str | None,
    overwrite: bool,
) -> Plate:
    """Copy positions into a new plate; see :meth:`iohub.nodes.plate.Plate.from_positions`."""
    _check_arguments(positions, how)
    if not positions:
        raise ShapeError("a plate is assembled from at least one position; the mapping is empty")
    overwrite = arguments.flag(overwrite, "overwrite")
    first = next(iter(positions.values()))
    _check_alike(positions)
    spelling = versions.spelling(version or first.version)
    places = {key: _place(key, spelling) for key in positions}
    location = _vacant(store_path, overwrite)
    check_outside(location)
    location.begin(spelling.zarr_format, anew=True)
    partial = _hidden(location)

    def plate_at(where: Location, group: ZarrGroup) -> Plate:
        engine = first._session.engine
        session = Session(
            url=where.url,
            mode="r+",
            engine=engine,
            base=where.path,
            title=location.name,
            on_close=where.finish,
        )
        return plate_type(group, False, version=spelling.version, session=session)

    empty = spelling.empty_group()
    with ExitStack() as claim:
        # By this lock the next one to come tells the living from what a dead one left.
        claim.enter_context(writable(partial.store).lock(partial.path))
        group = create_group(partial.store, partial.path, spelling.zarr_format, empty)
        try:
            plate = plate_at(partial, group)
            with UnitWriter() as writer:
                for key, place in places.items():
                    _copy_position(plate, positions[key], place, writer, cast(How, how))
            with plate._group.lock():
                plate.create_positions(list(places.values()))
            _take_place(partial, location, claim)
        except BaseException:
            _discard(partial)
            raise
    return plate_at(location, ZarrGroup(location.store, location.path, spelling.zarr_format))


def _check_arguments(positions: Mapping[str, Position], how: str) -> None:
    if not isinstance(positions, Mapping):
        raise ArgumentError(
            "positions is a dict of names 'row/column/position' and positions, not "
            + arguments.shown(positions)
        )
    for key, position in positions.items():
        arguments.text(key, "a key of positions")
        arguments.one_of(position, Position, f"positions[{key!r}]")
    if arguments.text(how, "how") not in get_args(How):
        raise ModeError(f"how={how!r}; there are {', '.join(map(repr, get_args(How)))}")


def _place(key: str, spelling: Spelling) -> Place:
    """Return where a position goes.

    Raises
    ------
    PathError
        If it is not three allowed names with slashes between.
    """
    if key.count("/") != 2:
        raise PathError(f"{key!r} is not 'row/column/position', such as 'A/1/0'")
    return Place.of(key.split("/"), spelling.check_field)


def _vacant(store_path: PathLikeStr, overwrite: bool) -> Location:
    """Return the location, if something may be created there."""
    location = locate(store_path, writable=True)
    if exists(location):
        if not overwrite:
            raise ExistsError(
                f"there is something at {location.url}; choose another path, or pass "
                "overwrite=True to replace a Zarr store"
            )
        if not is_empty(location) and not has_zarr_document(location):
            raise ExistsError(f"{location.url} holds no Zarr metadata, so it is not replaced")
    _sweep(location)
    return location


def _sweep(location: Location) -> None:
    """Remove what earlier calls that were killed had prepared for a place on the local disk."""
    local = location.local_path
    if local is None:
        return
    if os.path.isdir(local):
        own = LocalBytes(local)
        with own.lock(""):
            own.sweep("")
    folder, start = _beside(local)
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name.startswith(start):
                leftovers.drop_dead(os.path.join(folder, name))


def _beside(path: str) -> tuple[str, str]:
    """Return the folder that holds a vacant place, and how what is prepared for it is called."""
    folder, name = os.path.split(path)
    return folder, f".{name}.iohub-partial-"


def _hidden(location: Location) -> Location:
    """Return where to prepare the plate: inside what it replaces, or beside its vacant place.

    A vacant place that is not local is written to directly.
    """
    local = location.local_path
    if local is None:
        there = exists(location)
        return replace(location, path=draft_path(location.path)) if there else location
    if exists(location):
        hidden = draft_path(local)
    else:
        folder, start = _beside(local)
        hidden = os.path.join(folder, f"{start}{uuid.uuid4().hex[:8]}")
    return replace(location, store=LocalBytes(hidden), path="", url=hidden)


def _take_place(partial: Location, location: Location, claim: ExitStack) -> None:
    """Move the complete store to its place; its own lock is let go, as the directory moves."""
    if partial is location:
        return
    hidden = partial.local_path
    folder, name = os.path.split(hidden or partial.path)
    if hidden is not None and location.local_path not in (None, folder):
        claim.close()
        LocalBytes(folder).move(name, os.path.basename(location.local_path or ""))
        return
    with writable(location.store).lock(location.path):  # whoever sweeps has it
        claim.close()
        replace_content(location.store, location.path, join(location.path, name))


def _discard(partial: Location) -> None:
    """Remove what was prepared."""
    if partial.local_path is None:
        wipe(partial)
    else:
        folder, name = os.path.split(partial.local_path)
        LocalBytes(folder).delete_dir(name)


def _check_alike(positions: Mapping[str, Position]) -> None:
    """Refuse positions whose channels or axes differ: a plate has one set of them."""
    (first_key, first), *rest = positions.items()
    channels, axes = first.channel_names, [axis.name.lower() for axis in first.axes]
    for key, position in rest:
        if position.channel_names != channels:
            raise ChannelError(
                f"{key!r} has channels {position.channel_names}, {first_key!r} has {channels}; "
                "rename or reorder them first"
            )
        if position.axis_names != axes:
            raise AxisError(f"{key!r} has axes {position.axis_names}, {first_key!r} has {axes}")


def _copy_position(
    plate: Plate, source: Position, place: Place, writer: UnitWriter, how: How
) -> None:
    ours, theirs = source._spelling, plate._spelling
    names: dict[str, list[str]] = {}

    def attrs(found: JsonObject, relative: str) -> JsonObject:
        if ours.version == theirs.version:
            return found
        if relative.split("/", maxsplit=1)[0] == tables.FOLDER:
            return found  # what a table says is no OME metadata
        if ours.has(found, "multiscales"):
            image = ours.parse_image(found).multiscales[0]
            names.update(
                {join(relative, p): image.get_axis_names() for p in image.get_dataset_paths()}
            )
        return respelled(found, ours, theirs)

    same = source._group.zarr_format == plate._group.zarr_format
    rewritten = [] if same else tables.with_text_arrays(source.tables)
    copy_tree(
        source._group,
        plate._group,
        place.path,
        attrs=attrs,
        dimensions=names.get,
        writer=writer,
        how=how,
        skip=[join(tables.FOLDER, name) for name in rewritten],
    )
    copied = plate._position(place.path).tables
    for name in rewritten:
        copied.put(name, source.tables[name], source.tables.info(name))
