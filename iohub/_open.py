"""The door: a path, a layout and a mode become a node; what may be created and deleted is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from iohub.errors import (
    ChannelError,
    EngineError,
    ExistsError,
    LayoutError,
    ModeError,
    NotFoundError,
    PathError,
)
from iohub.formats import registry
from iohub.metadata import own, series, versions
from iohub.metadata.axes import AxisMeta, default_axes, require_axes
from iohub.metadata.edits_channels import check_channel_names
from iohub.nodes.detect import layout_class, node_class
from iohub.nodes.session import Session
from iohub.storage import location as place
from iohub.storage.engines import engine_names
from iohub.storage.group import create_group
from iohub.storage.journal import attend
from iohub.storage.transaction import recover
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
        File path to the Zarr store to open; "memory://name" is a store in memory.
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
        ``overwriting_creation``: whether creating a child that exists replaces it.
        ``parse_meta``: whether to read and check the metadata at once.

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
        If ``mode="w"`` would delete what is not recognisably a Zarr store.
    ModeError, VersionError, EngineError
        If there is no such mode, version or engine.
    """
    _check_arguments(layout, mode, kwargs)
    spelling = versions.spelling(str(version))
    engine = kwargs.get("engine")
    location = place.locate(store_path, writable=mode != "r")
    session = Session(
        url=location.url,
        mode=mode,
        engine=engine,
        strict=bool(kwargs.get("strict", False)),
        overwriting=bool(kwargs.get("overwriting_creation", False)),
        base=location.path,
    )
    existing = mode in ("r", "r+")
    there = existing or (place.exists(location) and not place.is_empty(location))
    if existing or (mode == "a" and there):
        return _open(location, layout, session, channel_names, axes, kwargs)
    attrs = _new_attributes(layout, channel_names, axes, spelling)
    if there:
        _make_room(location, mode, disable_path_checking)
    group = create_group(location.store, location.path, spelling.zarr_format, attrs, engine=engine)
    return layout_class(layout)(
        group,
        parse_meta=False,
        channel_names=channel_names,
        axes=axes,
        version=spelling.version,
        session=session,
    )


def _check_arguments(layout: str, mode: str, kwargs: dict[str, Any]) -> None:
    if mode not in get_args(Mode):
        raise ModeError(f"mode={mode!r}; there are {', '.join(map(repr, get_args(Mode)))}")
    if layout not in get_args(Layout):
        raise LayoutError(f"layout={layout!r}; there are {', '.join(map(repr, get_args(Layout)))}")
    known = {"engine", "strict", "overwriting_creation", "parse_meta"}
    if unknown := kwargs.keys() - known:
        raise TypeError(
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
    if not place.exists(location):
        raise NotFoundError(
            f"nothing at {location.url}; check the path, or create a store there with mode='w-' "
            "and a layout"
        )
    if not session.read_only and location.store.has_tokens:
        attend(location.store, location.path)
    group = registry.open_group(location, engine=session.engine)
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
    if not disable_path_checking and location.local_path is not None:
        if ".zarr" not in location.local_path:
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
