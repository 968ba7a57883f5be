"""Positions whose stage coordinates are known, put together to one image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.errors import ArgumentError, AxisError, ExistsError, ShapeError, TilingError
from iohub.metadata import units
from iohub.nodes import arguments
from iohub.nodes.position import Position
from iohub.tiles.acquisition import StageOrientation
from iohub.tiles.axes import CANONICAL_AXES
from iohub.tiles.image_document import Channel
from iohub.tiles.labels import check_fit, check_labels, write_labels
from iohub.tiles.layout import C, TileTable
from iohub.tiles.planning import plan_assembly
from iohub.tiles.refine import refine
from iohub.tiles.register import Tiling, register
from iohub.tiles.roi_tables import image_tables
from iohub.tiles.write import MEMORY, When, write_image

if TYPE_CHECKING:
    from iohub.nodes.image_array import ImageArray
    from iohub.nodes.plate import Plate
    from iohub.tiles.assemble import Blend
    from iohub.tiles.compose import TileLoader
    from iohub.types import NDArray


@dataclass(frozen=True)
class Stack:
    """A loader: one time point and channel of a position's full resolution.

    Attributes
    ----------
    image : ImageArray
        The image.
    index : tuple of int or slice
        Which part of it.
    """

    image: ImageArray
    index: tuple[int | slice, ...]

    def load_data(self, resource: Any = None) -> NDArray:
        """Return the pixels."""
        return np.asarray(self.image[self.index])

    def probe(self, resource: Any = None) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type; no pixel is read."""
        sliced = zip(self.index, self.image.shape, strict=True)
        return tuple(n for part, n in sliced if isinstance(part, slice)), self.image.dtype

    def describe_source(self, resource: Any = None) -> str:
        """Return what messages call it."""
        return f"{self.image!r} {self.index}"


def stitch(
    plate: Plate,
    positions: Sequence[Position | str] | None = None,
    name: str = "stitched",
    *,
    well: str | None = None,
    tiling: Tiling = "inplace",
    tolerance: float = 1.0,
    orientation: Mapping[str, bool] | None = None,
    refined: bool | Mapping[str, Any] = False,
    blend: Blend = "last",
    levels: int = 5,
    labels: bool | Sequence[str] = True,
    unique_labels: bool = True,
    when: When = "no",
    memory: int = MEMORY,
    workers: int | None = None,
    run: object = None,
    progress: Callable[[int, int], None] | None = None,
) -> Position:
    """Do what :meth:`Plate.stitch` says."""
    plate._session.check_writable()
    name = arguments.text(name, "name")
    nodes = _nodes(plate, positions, well, name)
    target = _target(plate, nodes, well)
    first = nodes[0][1]
    axes = [axis.name.lower() for axis in first.axes]
    scale = dict(zip(axes, first.scale, strict=True))
    stage, loaders = _tiles(nodes, axes, scale, orientation)
    table = register(stage, tiling=tiling, tolerance=tolerance)
    if refined is not False:
        table = refine(table, loaders, **({} if refined is True else dict(refined))).table
    plan = plan_assembly(
        table,
        axes=axes,
        dtype=first["0"].dtype,
        name=f"{target}/{name}",
        pixel_size=scale,
        chunks=dict(zip(axes, first["0"].chunks, strict=True)),
        levels=levels,
        blend=blend,
    )
    masks = _label_stacks(nodes, axes, labels)
    check_labels(plan, masks)
    position = _destination(plate, target, name, when)
    if when == "overwrite":
        check_fit(position, plan, masks)
    write_image(
        position,
        plan,
        loaders,
        channels=[Channel(label) for label in first.channel_names] if "c" in axes else None,
        tables=image_tables(plan, originals=_origins(stage, scale)),
        when=when,
        memory=memory,
        workers=workers,
        run=run,
        progress=progress,
    )
    write_labels(position, plan, masks, when=when, unique=unique_labels)
    return position


def _nodes(
    plate: Plate, positions: Sequence[Position | str] | None, well: str | None, name: str
) -> list[tuple[str, Position]]:
    """Return the positions with what to call them."""
    well = None if well is None else arguments.text(well, "well")
    if positions is None:
        found = [
            (path, node)
            for path, node in plate.positions()
            if path.rpartition("/")[2] != name and well in (None, path.rpartition("/")[0])
        ]
    else:
        found = [
            (each, plate[each]) if isinstance(each, str) else (each.path or each.url, each)
            for each in arguments.all_of(positions, (str, Position), "positions")
        ]
    if not found:
        raise ArgumentError(f"there are no positions to stitch in {plate.url}")
    return found


def _target(plate: Plate, nodes: Sequence[tuple[str, Position]], well: str | None) -> str:
    """Return the well that the new image goes to."""
    if well is not None:
        return well
    wells = {path.rpartition("/")[0] for path, _ in nodes}
    if len(wells) > 1 or wells == {""} or any("/" not in each for each in wells):
        raise ArgumentError(
            f"the positions are of {len(wells)} wells ({', '.join(sorted(wells))}): stitch those "
            "of one, or say well='A/1', where the image is to be"
        )
    return wells.pop()


def _destination(plate: Plate, well: str, name: str, when: When) -> Position:
    path = f"{well}/{name}"
    there = {known for known, _ in plate.positions()}
    if path in there:
        position: Position = plate[path]
        if when == "no" and position.metadata is not None:
            raise ExistsError(
                f"there is an image at {position.url}; give another name, or when='overwrite'"
            )
        return position
    row, column, _ = path.split("/")
    return plate.create_position(row, column, name)


def _tiles(
    nodes: Sequence[tuple[str, Position]],
    axes: Sequence[str],
    scale: Mapping[str, float],
    orientation: Mapping[str, bool] | None,
) -> tuple[TileTable, list[Stack]]:
    """Return a tile for each time point and channel of each position, and its loader."""
    names: list[str] = []
    starts: list[NDArray] = []
    lengths: list[NDArray] = []
    loaders: list[Stack] = []
    for path, node in nodes:
        _check_like(nodes[0][1], node, path)
        corner = _corner(node, axes, scale, orientation)
        for part, start, length in _stacks(node["0"].shape, axes):
            names.append(path)
            starts.append(start + corner)
            lengths.append(length)
            loaders.append(Stack(node["0"], part))
    return TileTable.of(names, np.array(starts), np.array(lengths)), loaders


def _label_stacks(
    nodes: Sequence[tuple[str, Position]], axes: Sequence[str], wanted: bool | Sequence[str]
) -> dict[str, list[TileLoader | None]]:
    """Return by name who gives the labels of each tile of :func:`_tiles`."""
    if wanted is False:
        return {}
    there = dict.fromkeys(name for _, node in nodes for name in node.labels)
    names = list(there) if wanted is True else list(wanted)
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ArgumentError(
            f"none of the positions has labels {unknown[0]!r}; there are {', '.join(there)}"
        )
    found: dict[str, list[TileLoader | None]] = {name: [] for name in names}
    for path, node in nodes:
        for name in names:
            label = node.labels.get(name)
            stacks = _stacks(node["0"].shape, axes)
            if label is None:
                found[name] += [None] * len(stacks)
                continue
            own = [axis.name.lower() for axis in label.axes]
            _check_label(node, path, name, own, axes)
            for part, start, _ in stacks:
                at = {a: p for a, p in zip(axes, part, strict=True) if a in own}
                if "c" in own:
                    at["c"] = 0
                index = tuple(at[axis] for axis in own)
                # One label image serves all channels.
                found[name].append(Stack(label["0"], index) if start[C] == 0 else None)
    return found


def _check_label(
    node: Position, path: str, name: str, own: Sequence[str], axes: Sequence[str]
) -> None:
    sizes = dict(zip(axes, node["0"].shape, strict=True))
    shape = node.labels[name]["0"].shape
    wrong = [a for a, n in zip(own, shape, strict=True) if n != (1 if a == "c" else sizes.get(a))]
    if wrong or not {axis for axis in axes if sizes[axis] > 1 and axis != "c"} <= set(own):
        raise ShapeError(
            f"label image {name!r} of {path} is {shape} along {', '.join(own)}, its image "
            f"{node['0'].shape} along {', '.join(axes)}: it cannot be stitched; pass labels=False, "
            "or the names of others"
        )


def _check_like(first: Position, node: Position, path: str) -> None:
    """Refuse a position whose pixels are not of the same kind."""
    for what, one, other in (
        ("axes", [a.name for a in first.axes], [a.name for a in node.axes]),
        ("data type", first["0"].dtype, node["0"].dtype),
        ("channels", first.channel_names, node.channel_names),
    ):
        if one != other:
            raise TilingError(f"{what} of {path} are {other}, those of {first.path} are {one}")
    if not np.allclose(first.scale, node.scale, rtol=1e-6):
        raise ShapeError(
            f"pixels of {path} are {node.scale} large, those of {first.path} {first.scale}"
        )


def _corner(
    node: Position,
    axes: Sequence[str],
    scale: Mapping[str, float],
    orientation: Mapping[str, bool] | None,
) -> NDArray:
    """Return where the stage had a position, along t, c, z, y, x [pixels]."""
    stage = node.stage_position
    turned = StageOrientation.model_validate(orientation or {})
    if stage is not None and stage.x is not None and stage.y is not None:
        to = {axis.name.lower(): axis.unit or stage.unit for axis in node.axes}
        found = {
            axis: units.convert(float(value or 0.0), stage.unit, to.get(axis, stage.unit))
            for axis, value in (("z", stage.z), ("y", stage.y), ("x", stage.x))
        }
    else:
        found = dict(zip(axes, node.translation, strict=True))
    y, x = found.get("y", 0.0), found.get("x", 0.0)
    if turned.swap_xy:
        y, x = x, y
    found |= {"y": -y if turned.flip_y else y, "x": -x if turned.flip_x else x}
    return np.array(
        [
            found.get(axis, 0.0) / scale[axis] if axis in "zyx" and axis in axes else 0.0
            for axis in CANONICAL_AXES
        ]
    )


def _stacks(
    shape: Sequence[int], axes: Sequence[str]
) -> list[tuple[tuple[int | slice, ...], NDArray, NDArray]]:
    """Cut an image into time points and channels: which part, where it starts, how long it is."""
    unknown = [axis for axis in axes if axis not in CANONICAL_AXES]
    if unknown:
        raise AxisError(f"positions with the axes {list(axes)} cannot be stitched: {unknown[0]!r}")
    loose = [number for number, axis in enumerate(axes) if axis in "tc"]
    found = []
    for index in np.ndindex(*(shape[number] for number in loose)):
        at = dict(zip((axes[number] for number in loose), index, strict=True))
        part = tuple(at.get(axis, slice(None)) for axis in axes)
        start = np.array([float(at.get(axis, 0)) for axis in CANONICAL_AXES])
        sizes = dict(zip(axes, shape, strict=True)) | dict.fromkeys(at, 1)
        found.append((part, start, np.array([float(sizes.get(a, 1)) for a in CANONICAL_AXES])))
    return found


def _origins(stage: TileTable, scale: Mapping[str, float]) -> dict[str, NDArray]:
    """Return by axis where the stage had each position [micrometer]."""
    starts = stage.starts[stage.first_of_fov()]
    found: dict[str, NDArray] = {}
    for number, axis in enumerate(CANONICAL_AXES):
        if axis in "zyx" and axis in scale:
            found[axis] = starts[:, number] * scale[axis]
    return found
