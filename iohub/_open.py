"""The door: a path, a layout and a mode become a node; what may be created and deleted is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from iohub.errors import (
    ArgumentError,
    ChannelError,
    EngineError,
    ExistsError,
    LayoutError,
    ModeError,
    NotFoundError,
    PathError,
    ReadOnlyError,
)
from iohub.formats import image_sequence, registry
from iohub.formats.opening import is_file_on_server
from iohub.metadata import own, series, versions
from iohub.metadata.axes import AxisMeta, default_axes, require_axes
from iohub.metadata.edits_channels import check_channel_names
from iohub.nodes.detect import layout_class, node_class
from iohub.nodes.outer import check_outside
from iohub.nodes.session import Session
from iohub.storage import location as place
from iohub.storage.engines import engine_names
from iohub.storage.group import create_group
from iohub.storage.journal import attend, recover_above, remedy
from iohub.storage.transaction import recover
from iohub.storage.virtual import VirtualBytes, how_to_write
from iohub.types import Layout, Mode

if TYPE_CHECKING:
    from iohub.nodes.plate import Plate
    from iohub.nodes.position import Position
    from iohub.nodes.scene import Scene
    from iohub.nodes.series import Series
    from iohub.nodes.tiled import TiledPosition
    from iohub.storage.location import Location, StoreLike
    from iohub.types import JsonObject


@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["fov"],
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> Position: ...
@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["hcs"],
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> Plate: ...
@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["tiled"],
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> TiledPosition: ...
@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["series"],
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> Series: ...
@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["scene"],
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> Scene: ...
@overload
def open_ome_zarr(
    store_path: StoreLike,
    layout: Literal["auto"] = ...,
    mode: Mode = ...,
    channel_names: Sequence[str] | None = ...,
    axes: Sequence[AxisMeta] | None = ...,
    version: str = ...,
    disable_path_checking: bool = ...,
    **kwargs: Any,
) -> Any: ...
def open_ome_zarr(
    store_path: StoreLike,
    layout: Layout = "auto",
    mode: Mode = "r",
    channel_names: Sequence[str] | None = None,
    axes: Sequence[AxisMeta] | None = None,
    version: str = versions.DEFAULT_VERSION,
    disable_path_checking: bool = False,
    **kwargs: Any,
) -> Any:
    """Open OME-Zarr stores.

    Parameters
    ----------
    store_path : str, Path, zarr Store or StorePath
        File path to the Zarr store to open, or its URL: s3://, gs://, az://, http(s):// and what
        fsspec knows; "memory://name" is a store in memory. Files of other formats are read too,
        and so are tables of Arrow with OME-Arrow records, such as results of queries.
    layout : {"auto", "fov", "hcs", "tiled", "series", "scene"}
        NGFF store layout: "auto" will infer layout from existing metadata (cannot be used for
        creation); "fov" opens a single position/FOV node; "hcs" opens the high-content-screening
        multi-fov hierarchy; "tiled" opens a "fov" layout with tiled image array (cannot be
        automatically inferred since this not NGFF-specified); "series" several images in one group
        (the layout of bioformats2raw); "scene" opens images with transformations between them;
        by default "auto".
    mode : {"r", "r+", "a", "w", "w-"}
        Persistence mode: 'r' means read only (must exist); 'r+' means read/write (must exist);
        'a' means read/write (create if doesn't exist); 'w' means create (overwrite if exists);
        'w-' means create (fail if exists), by default "r".
    channel_names : list of str, optional
        Channel names used to create a new data store, ignored for existing stores, by default
        None.
    axes : list of AxisMeta, optional
        OME axes metadata, by default None: t (second), c, z, y and x (micrometer).
    version : {"0.4", "0.5", "0.6"}
        OME-NGFF version of a new store, by default "0.4"; ignored for existing stores.
    disable_path_checking : bool
        Whether to allow overwriting a path that does not contain '.zarr' or does not look like a
        Zarr store, by default False.

        .. warning::
            This can lead to severe data loss if the input path is not checked carefully.
    **kwargs
        ``engine``: storage engine by name, "tensorstore", "zarr-python" or "zarrs".
        ``strict``: whether metadata that break a SHOULD of the specification are refused.
        ``overwriting_creation``: whether creating a child that exists replaces it, and with an
        image the pyramid that was made of it.
        ``parse_meta``: whether to read and check the metadata at once.
        ``storage_options``: for a URL of a server, by the names of obstore or of fsspec, such as
        ``{"anon": True}``; credentials are found in the environment otherwise.

    Returns
    -------
    Plate, Position, TiledPosition, Well, Label, Labels or Series
        NGFF node object.

    Raises
    ------
    NotFoundError
        If there is nothing to open; a :class:`FileNotFoundError`.
    ExistsError
        If there is something where a store is to be created; a :class:`FileExistsError`.
    LayoutError
        If the store has another layout, or none was named to create one; a :class:`ValueError`.
    ChannelError
        If a store is created without channel names although its axes have channels.
    PathError
        If ``mode="w"`` would delete what is not recognisably a Zarr store, or a new store would
        lie inside a plate, a well or a position.
    ModeError, VersionError, EngineError
        If there is no such mode, version or engine.
    AccessError, UnreachableError
        If a server refuses, or cannot be reached.
    """
    _check_arguments(layout, mode, kwargs)
    spelling = versions.spelling(str(version))
    engine = kwargs.get("engine")
    options = kwargs.get("storage_options")
    if hasattr(store_path, "__arrow_c_stream__") or hasattr(store_path, "__arrow_c_array__"):
        from iohub.formats.ome_arrow.tables import open_table

        store_path = open_table(store_path)
    location = place.locate(store_path, writable=mode != "r", options=options)
    session = Session(
        url=location.url,
        mode=mode,
        engine=engine,
        strict=bool(kwargs.get("strict", False)),
        overwriting=bool(kwargs.get("overwriting_creation", False)),
        base=location.path,
        on_close=location.finish,
    )
    if mode != "r":
        recover_above(location.store, location.path)
    existing = mode in ("r", "r+")
    there = existing or (mode == "a" and _names_files(location))
    there = there or (place.exists(location) and not place.is_empty(location))
    if existing or (mode == "a" and there):
        return _open(location, layout, session, channel_names, axes, kwargs)
    attrs = _new_attributes(layout, channel_names, axes, spelling)
    check_outside(location, as_position=there and layout in ("fov", "tiled"))
    if there:
        _make_room(location, mode, disable_path_checking)
    location.begin(spelling.zarr_format, anew=True)
    group = create_group(location.store, location.path, spelling.zarr_format, attrs, engine=engine)
    return layout_class(layout)(
        group,
        parse_meta=False,
        channel_names=channel_names,
        axes=axes,
        version=spelling.version,
        session=session,
    )


def _names_files(location: Location) -> bool:
    """Whether it is a file on a server, or its name is a pattern of files, and no store."""
    if is_file_on_server(location):
        return True
    found = image_sequence.first_file(location.local_path)
    return found is not None and not place.exists(location)


def _check_arguments(layout: str, mode: str, kwargs: dict[str, Any]) -> None:
    if mode not in get_args(Mode):
        raise ModeError(f"mode={mode!r}; there are {', '.join(map(repr, get_args(Mode)))}")
    if layout not in get_args(Layout):
        raise LayoutError(f"layout={layout!r}; there are {', '.join(map(repr, get_args(Layout)))}")
    known = {"engine", "strict", "overwriting_creation", "parse_meta", "storage_options"}
    if unknown := kwargs.keys() - known:
        raise ArgumentError(
            f"open_ome_zarr() got unexpected arguments {sorted(unknown)}; beside the named ones "
            f"there are {sorted(known)}"
        )
    engine = kwargs.get("engine")
    if engine is not None and engine not in engine_names():
        raise EngineError(f"engine={engine!r}; there are {', '.join(engine_names())}")


def _open(
    location: Location,
    layout: str,
    session: Session,
    channel_names: Sequence[str] | None,
    axes: Sequence[AxisMeta] | None,
    kwargs: dict[str, Any],
) -> Any:
    """Open what exists."""
    if not place.exists(location) and not _names_files(location):
        hint = "check the path, or create a store there with mode='w-' and a layout"
        if place.as_remote(location.store) is not None:
            hint = (
                "Zarr stores, .ozx and .zip archives, Parquet and TIFF files are read from "
                "servers; files of other formats are to be downloaded first"
            )
        hint = remedy(location.store, location.path) or hint
        raise NotFoundError(f"nothing at {location.url}; {hint}")
    if not session.read_only:
        location.begin()
    if not session.read_only and location.store.has_tokens:
        attend(location.store, location.path)
    group = registry.open_group(location, engine=session.engine)
    if not session.read_only and group.read_only:
        raise ReadOnlyError(
            f"{location.url} cannot be opened with mode={session.mode!r}; open it with mode='r': "
            f"{how_to_write(group.store)}"
        )
    if isinstance(group.store, VirtualBytes):
        session.on_close, session.remedy = group.store.close, how_to_write(group.store)
    if not session.read_only:
        recover(group)
    kind = node_class(group, layout)
    return kind(
        group,
        parse_meta=bool(kwargs.get("parse_meta", True)),
        channel_names=channel_names,
        axes=axes,
        session=session,
    )


def _new_attributes(
    layout: str,
    channel_names: Sequence[str] | None,
    axes: Sequence[AxisMeta] | None,
    spelling: versions.Spelling,
) -> JsonObject:
    """Attributes of a new root, everything checked before anything is deleted or written."""
    if layout == "auto":
        raise LayoutError(
            "layout='auto' cannot create a store: say layout='fov', 'hcs', 'tiled', 'series' or "
            "'scene'"
        )
    if layout == "scene":
        return own.write_layout(versions.scene_spelling(spelling.version).empty_group(), layout)
    given = require_axes(axes) if axes is not None else default_axes()
    has_channels = any(axis.type == "channel" for axis in given)
    if channel_names is None and has_channels and layout != "series":
        raise ChannelError(
            "channel_names=[...] is needed to create a store whose axes have channels "
            f"({', '.join(axis.name for axis in given)})"
        )
    names = None if channel_names is None else check_channel_names(channel_names)
    if layout == "series":
        attrs = series.write_layout(spelling, spelling.empty_group())
        return own.write_defaults(attrs, names, given if axes is not None else None)
    attrs = own.write_layout(spelling.empty_group(), "hcs" if layout == "hcs" else "fov")
    return own.write_defaults(attrs, names, given)


def _make_room(location: Location, mode: str, disable_path_checking: bool) -> None:
    """Delete what is there, if that was asked for and is recognisably a Zarr store."""
    if mode == "w-":
        raise ExistsError(
            f"there is something at {location.url}; open it with mode='r+' or 'a', or replace it "
            "with mode='w'"
        )
    path = place.wiped_path(location)
    if not disable_path_checking and path is not None:
        if ".zarr" not in path and not place.is_archive(location):
            raise PathError(
                f"refusing to delete {location.url}: its path does not contain '.zarr'; pass "
                "disable_path_checking=True if you are sure"
            )
        if not place.has_zarr_document(location):
            raise PathError(
                f"refusing to delete {location.url}: it holds files but no Zarr metadata; pass "
                "disable_path_checking=True if you are sure"
            )
    place.wipe(location)
