"""What the verbs of nodes do: a plan for nodes that are there, and the stream into them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, AxisError, PyramidError, ReadOnlyError
from iohub.metadata.axes import axis_index
from iohub.nodes import arguments
from iohub.nodes.position import Position as PositionNode
from iohub.storage.group import ZarrGroup
from iohub.storage.virtual import how_to_write
from iohub.stream.build import FULL, build_image, build_positions
from iohub.stream.claims import check_arrays
from iohub.stream.dimensions import Dimension
from iohub.stream.formats import OmeZarrFormat
from iohub.stream.opening import open_zarr
from iohub.stream.options import StreamOptions
from iohub.stream.plan import plan_stream
from iohub.stream.plates import Plate, Position
from iohub.stream.settings import AcquisitionSettings
from iohub.stream.standard_axes import dims_from_standard_axes
from iohub.stream.target import ZarrTarget, folder_of, make_levels

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from iohub.nodes.base import NGFFNode
    from iohub.nodes.image_array import ImageArray
    from iohub.nodes.plate import Plate as PlateNode
    from iohub.stream.stream import OMEStream

Dims = Sequence[Dimension] | Mapping[str, Any]


def stream_position(
    node: PositionNode, dims: Dims, dtype: DTypeLike, *, options: Mapping[str, Any], **more: Any
) -> OMEStream:
    """Do what :meth:`Position.create_stream` says."""
    node._session.check_writable()
    given = _dimensions(dims)
    if any(dim.type == "position" for dim in given):
        raise ArgumentError(
            "one position takes no dimension of positions; see create_stream of the plate"
        )
    plan = plan_stream(_settings(node, given, dtype, **more), StreamOptions(**options))
    _check_idle(node, [""])
    build_image(node, plan.arrays[0])
    make_levels([node], plan.options.levels, plan.options.method)
    return open_zarr(plan, ZarrTarget([node], node))


def stream_plate(
    node: PlateNode,
    dims: Dims,
    dtype: DTypeLike,
    *,
    positions: Sequence[str | Position] | None,
    options: Mapping[str, Any],
    **more: Any,
) -> OMEStream:
    """Do what :meth:`Plate.create_stream` says."""
    node._session.check_writable()
    given = _with_positions(_dimensions(dims), positions)
    spots = [p for dim in given for p in dim.coords or () if isinstance(p, Position)]
    if not spots:
        raise ArgumentError("a plate needs positions=['A/1/0', …], or a dimension of them")
    # The plate's own rows and columns come first, so that they keep their places.
    layout = Plate(
        row_names=_names(node.metadata.get_row_names(), [p.plate_row for p in spots]),
        column_names=_names(node.metadata.get_column_names(), [p.plate_column for p in spots]),
    )
    settings = _settings(node, given, dtype, plate=layout, **more)
    plan = plan_stream(settings, StreamOptions(**options))
    _check_idle(node, [array.path for array in plan.arrays])
    nodes = build_positions(node, plan)
    for position, array in zip(nodes, plan.arrays, strict=True):
        build_image(position, array)
    make_levels(nodes, plan.options.levels, plan.options.method)
    return open_zarr(plan, ZarrTarget(nodes, node))


def stream_array(array: ImageArray, axis: str, options: Mapping[str, Any]) -> OMEStream:
    """Do what :meth:`ImageArray.stream` says."""
    opened = array._opened()
    if array.read_only:
        raise ReadOnlyError(
            f"image {opened.url} is open for reading only; {how_to_write(opened.store)}"
        )
    growing = axis_index(array.axes, axis)
    if growing >= array.ndim - 2:
        raise AxisError(f"{axis!r} is an axis of a frame; an image grows along the others")
    if "levels" in options:
        raise ArgumentError("an array that grows keeps the resolutions it has: leave levels= out")
    if array.axes[growing].type == "channel":
        raise AxisError(
            f"{axis!r} is the axis of the channels, which have names: "
            "position.append_channel(name) makes room for one more"
        )
    path, _, name = opened.path.rpartition("/")
    group = ZarrGroup(opened.store, path, opened.spec.zarr_format)
    node = PositionNode(group, parse_meta=False, session=array._session)
    _check_idle(node, [""], name)
    levels = _growing_levels(node, name, array)
    plan = plan_stream(_settings_of(array, growing), StreamOptions(**{**options, "levels": levels}))
    plan = replace(plan, start=array.shape[growing])
    return open_zarr(plan, ZarrTarget([node], node, name))


def _settings_of(array: ImageArray, growing: int) -> AcquisitionSettings:
    """Return the settings that frames at the end of an array have."""
    unit = array.shards or array.chunks
    dims = [
        Dimension.model_validate(
            {
                "name": meta.name,
                "type": meta.type if meta.type in {"space", "time", "channel"} else "other",
                "count": None if place == growing else size,
                "chunk_size": chunk,
                "unit": meta.unit,
            }
        )
        for place, (meta, size, chunk) in enumerate(zip(array.axes, array.shape, unit, strict=True))
    ]
    return AcquisitionSettings(
        root_path=array._array.url,
        dimensions=(dims[growing], *(dim for dim in dims if dim is not dims[growing])),
        dtype=array.dtype.name,
        format=OmeZarrFormat(suffix=""),
        storage_order=[dim.name for dim in dims],
    )


def _growing_levels(node: PositionNode, name: str, array: ImageArray) -> int:
    """Return how many resolutions grow with an array; those of y and x do."""
    if node.metadata is None or name not in (
        names := node.metadata.multiscales[0].get_dataset_paths()
    ):
        return 1
    lead = array.shape[:-2]
    if name == names[0] and all(node[other].shape[:-2] == lead for other in names):
        return len(names)
    raise PyramidError(
        f"{array.path!r} has resolutions that cannot be made while it grows: "
        "delete_pyramid() first, and compute_pyramid() at the end"
    )


def _check_idle(node: NGFFNode, paths: Sequence[str], name: str = FULL) -> None:
    """Refuse positions below a node into which another stream writes, or was killed."""
    folder = folder_of(node)
    if folder is not None:
        check_arrays([os.path.join(folder, *path.split("/")).rstrip("/") for path in paths], name)


def _dimensions(dims: Dims) -> tuple[Dimension, ...]:
    if isinstance(dims, Mapping):
        with arguments.checked("dims"):
            found: Sequence[Dimension] = dims_from_standard_axes(dims)
    else:
        found = arguments.all_of(dims, Dimension, "dims")
    if not found:
        raise ArgumentError("dims are the dimensions of the stream, such as {'y': 512, 'x': 512}")
    return tuple(found)


def _with_positions(
    dims: tuple[Dimension, ...], positions: Sequence[str | Position] | None
) -> tuple[Dimension, ...]:
    """Put the positions after the first dimension but those of a frame, unless they are there."""
    if positions is None:
        return dims
    if any(dim.type == "position" for dim in dims):
        raise ArgumentError("positions are given twice: by positions= and by a dimension")
    taken = {dim.name for dim in dims}
    name = next(name for name in ("p", "position", "positions") if name not in taken)
    given = arguments.all_of(positions, (str, Position), "positions")
    coords = [_spot(position) for position in given]
    made = Dimension.model_validate({"name": name, "type": "position", "coords": coords})
    place = min(1, len(dims) - 2)
    return (*dims[:place], made, *dims[place:])


def _spot(position: str | Position) -> Position:
    if isinstance(position, Position):
        return position
    parts = str(position).split("/")
    if len(parts) != 3:
        raise ArgumentError(
            f"a position of a plate is row/column/name, such as 'A/1/0': {position!r}"
        )
    return Position(name=parts[2], plate_row=parts[0], plate_column=parts[1])


def _names(known: list[str], more: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys([*known, *(name for name in more if name is not None)]))


def _settings(
    node: NGFFNode,
    dims: tuple[Dimension, ...],
    dtype: DTypeLike,
    *,
    backend: str,
    plate: Plate | None = None,
    **more: Any,
) -> AcquisitionSettings:
    pixels = arguments.pixel_type(dtype)
    with arguments.checked("create_stream"):
        form = OmeZarrFormat.model_validate(
            {"backend": backend, "version": node.version, "suffix": ""}
        )
        return AcquisitionSettings(
            root_path=node.url,
            dimensions=dims,
            dtype=pixels.name,
            format=form,
            plate=plate,
            **more,
        )
