"""Makes the nodes that a plan names: store, plate, wells, positions, and arrays without pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub._open import open_ome_zarr
from iohub.errors import ExistsError
from iohub.metadata import own
from iohub.metadata.acquisition import write_acquisition
from iohub.metadata.edits_plate import set_field_count
from iohub.metadata.plate import PlateAxisMeta, PlateMeta
from iohub.metadata.transforms import scale_translation
from iohub.nodes.plate import Plate
from iohub.nodes.position import Position
from iohub.nodes.series import Series
from iohub.stream.describe import channel_names
from iohub.stream.plan import ArrayPlan, StreamPlan

if TYPE_CHECKING:
    from iohub.nodes.base import NGFFNode
    from iohub.nodes.image_array import ImageArray
    from iohub.types import JsonObject

FULL = "0"
"""Name of the array with the full resolution."""

_ACQUISITION = 0


def build_nodes(plan: StreamPlan) -> tuple[Position, ...]:
    """Make the store of a plan, with one position for each that frames are taken at.

    Parameters
    ----------
    plan : StreamPlan
        Of an acquisition in OME-Zarr.

    Returns
    -------
    tuple of Position
        In the order of the plan's arrays, open for writing. They share one store; closing one
        closes it.

    Raises
    ------
    ExistsError
        If something is there and is not to be overwritten; a :class:`FileExistsError`.
    PathError
        If what is there is to be overwritten, and is no Zarr store.
    """
    root = build_root(plan)
    positions = build_positions(root, plan)
    for position, array in zip(positions, plan.arrays, strict=True):
        build_image(position, array)
    return positions


def build_root(plan: StreamPlan) -> NGFFNode:
    """Make the store: an image, a plate, or a series of images."""
    first = plan.arrays[0]
    layout = "series" if first.path else "fov"
    if plan.settings.plate is not None:
        layout = "hcs"
    names = channel_names(plan.settings.array_storage_dimensions)
    open_any: Any = open_ome_zarr  # whose overloads take one layout each
    try:
        root: NGFFNode = open_any(
            plan.output_path,
            layout=layout,
            mode="w" if plan.settings.overwrite else "w-",
            channel_names=names or None,
            axes=first.axes,
            version=plan.version,
        )
    except ExistsError as error:
        raise ExistsError(
            f"there is something at {plan.output_path}; choose another root_path, or pass "
            "overwrite=True to replace it"
        ) from error
    return root


def build_positions(root: NGFFNode, plan: StreamPlan) -> tuple[Position, ...]:
    """Make the positions of a plan below a root, empty ones."""
    if isinstance(root, Plate):
        return _positions_of_plate(root, plan)
    if isinstance(root, Series):
        return tuple(root.create_positions([array.path for array in plan.arrays]))
    if not isinstance(root, Position):
        raise TypeError(f"no positions can be made in {root!r}")
    return (root,)


def _positions_of_plate(plate: Plate, plan: StreamPlan) -> tuple[Position, ...]:
    declared = plan.settings.plate
    if declared is not None:
        rows, columns = declared.row_names, declared.column_names

        def with_names(document: PlateMeta) -> PlateMeta:
            return document.replace(
                name=declared.name or document.name,
                rows=_lengthened(document.rows, rows),
                columns=_lengthened(document.columns, columns),
            )

        plate._commit(with_names)
    if _ACQUISITION not in [entry.id for entry in plate.acquisitions]:
        plate.add_acquisition(_ACQUISITION)
    names = channel_names(plan.settings.array_storage_dimensions)
    places = [array.place for array in plan.arrays]
    there = {place.path: plate[place.path] for place in places if place.path in plate}
    if full := [path for path, position in there.items() if position.metadata is not None]:
        raise ExistsError(f"positions have an image already: {', '.join(full[:8])}")
    new = [place for place in places if place.path not in there]
    created = plate.create_positions(
        [(place.row, place.column, place.field) for place in new], channel_names=names or None
    )
    there |= {place.path: position for place, position in zip(new, created, strict=True)}
    fields: dict[tuple[str, str], int] = {}
    for place in places:
        well = place.row, place.column
        fields[well] = fields.get(well, 0) + 1
    most = max(fields.values())
    plate._commit(lambda document: set_field_count(document, max(document.field_count or 0, most)))
    return tuple(there[place.path] for place in places)


def _lengthened(there: tuple[PlateAxisMeta, ...], names: list[str]) -> tuple[PlateAxisMeta, ...]:
    known = {entry.name for entry in there}
    return there + tuple(PlateAxisMeta(name=name) for name in names if name not in known)


def build_image(position: Position, array: ArrayPlan) -> ImageArray:
    """Make the array of a position, without pixels, and what is said of it.

    An axis whose size is not known has the size 0 until frames come.
    """
    names = [channel.label or "" for channel in array.channels] or _numbered(array)

    def described(attrs: JsonObject) -> JsonObject:
        noted = own.write_defaults(attrs, names, array.axes, array.channels)
        return write_acquisition(noted, array.acquisition)

    position._group.edit_attrs(described)
    shape, ratio = list(array.shape), None
    if array.shards is not None:
        ratio = [s // c for s, c in zip(array.shards, array.chunks, strict=True)]
        if array.unbounded is not None:
            # A shard is no larger than the array that it is made for.
            shape[array.unbounded] = array.shards[array.unbounded]
    image = position.create_zeros(
        FULL,
        shape,
        array.dtype,
        chunks=array.chunks,
        shards_ratio=ratio,
        transform=scale_translation(
            array.scale, array.translation if any(array.translation) else None
        ),
        compression=array.compression,
    )
    if tuple(shape) != array.shape:
        image.resize(array.shape)
    return image


def _numbered(array: ArrayPlan) -> list[str]:
    """Return names for channels that have none."""
    sizes = zip(array.axes, array.shape, strict=True)
    counts = [size for axis, size in sizes if axis.type == "channel"]
    return [str(i) for i in range(counts[0])] if counts else []
