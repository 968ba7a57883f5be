"""Acquisition settings of a useq sequence, as pymmcore-plus runs them."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict

from iohub.errors import IohubWarning, MissingDependencyError
from iohub.metadata.edits_plate import column_label, row_label
from iohub.optional import need
from iohub.stream.dimensions import Channel, Dimension
from iohub.stream.plates import Plate, Position
from iohub.stream.useq_checks import check_sequence

if TYPE_CHECKING:
    import useq

Units: TypeAlias = Mapping[str, tuple[float, str] | None]
"""Scale and unit by the letter of an axis."""

_OLDEST = (0, 9, 2)
_UNITS = {"t": "second", "z": "micrometer"}


class AcquisitionSettingsDict(TypedDict):
    """Members of :class:`AcquisitionSettings` that a sequence tells."""

    dimensions: list[Dimension]
    plate: Plate | None


class Spot(NamedTuple):
    """A place that frames are taken at, as the sequence numbers it.

    Attributes
    ----------
    p, g : int or None
        Index of the position, and of the field in its grid.
    position : Position
        The same as we call it.
    """

    p: int | None
    g: int | None
    position: Position


def useq_to_acquisition_settings(
    seq: useq.MDASequence,
    image_width: int,
    image_height: int,
    *,
    units: Units | None = None,
    pixel_size_um: float | None = None,
    chunk_shapes: Mapping[str, int] | None = None,
    shard_shapes: Mapping[str, int] | None = None,
) -> AcquisitionSettingsDict:
    """Return dimensions and plate of a sequence, for :class:`AcquisitionSettings`.

    Positions and the fields of their grids become one dimension, ``p``. A time plan that has no
    interval and ends after a while has no known count.

    Parameters
    ----------
    seq : useq.MDASequence
        The sequence.
    image_width, image_height : int
        Size of a frame [pixels].
    units : mapping of str to (float, str) or None, optional
        Scale and unit by the letter of an axis, in place of what the sequence says.
    pixel_size_um : float, optional
        Size of a pixel [micrometer].
    chunk_shapes, shard_shapes : mapping of str to int, optional
        Chunk sizes, and chunks per shard, by the letter of an axis.

    Returns
    -------
    dict
        ``dimensions`` and ``plate``.

    Raises
    ------
    UnsupportedError
        If images would differ in shape, or positions and grids are not next to each other in the
        order of axes; a :class:`NotImplementedError`.
    MissingDependencyError
        If useq-schema is not installed, or is too old; an :class:`ImportError`.

    Warns
    -----
    IohubWarning
        If the sequence takes frames in another order than dimensions can have; see
        :func:`useq_indexer`.

    Examples
    --------
    >>> settings = AcquisitionSettings(
    ...     root_path="run.ome.zarr", dtype="uint16",
    ...     **useq_to_acquisition_settings(sequence, 2048, 2048, pixel_size_um=0.1),
    ... )
    """
    _need_useq()
    check_sequence(seq)
    spots = _spots(seq)
    dims: list[dict[str, Any]] = []
    placed = False
    for axis in map(str, map(_letter, seq.axis_order)):
        if axis in {"p", "g"}:
            if spots and not placed:
                coords = [spot.position for spot in spots]
                dims.append({"name": "p", "type": "position", "coords": coords})
            placed = True
        elif (made := _dimension(seq, axis)) is not None:
            dims.append(made)
    frame: dict[str, Any] = {"type": "space", "unit": "micrometer", "scale": pixel_size_um}
    dims += [
        {"name": "y", "count": image_height, **frame},
        {"name": "x", "count": image_width, **frame},
    ]
    _warn_of_order(seq, spots)
    for made in dims:
        name = made["name"]
        if units is not None and name in units:
            made["scale"], made["unit"] = units[name] or (None, None)
        made["chunk_size"] = (chunk_shapes or {}).get(name)
        made["shard_size_chunks"] = (shard_shapes or {}).get(name)
    return {
        "dimensions": [Dimension.model_validate(made) for made in dims],
        "plate": _plate(seq),
    }


def dims_from_useq(
    seq: useq.MDASequence,
    image_width: int,
    image_height: int,
    *,
    units: Units | None = None,
    pixel_size_um: float | None = None,
    chunk_shapes: Mapping[str, int] | None = None,
    shard_shapes: Mapping[str, int] | None = None,
) -> list[Dimension]:
    """Return the dimensions of a sequence; use :func:`useq_to_acquisition_settings`."""
    warnings.warn(
        "dims_from_useq is deprecated; use useq_to_acquisition_settings(...)['dimensions']",
        DeprecationWarning,
        stacklevel=2,
    )
    return useq_to_acquisition_settings(
        seq,
        image_width,
        image_height,
        units=units,
        pixel_size_um=pixel_size_um,
        chunk_shapes=chunk_shapes,
        shard_shapes=shard_shapes,
    )["dimensions"]


def useq_indexer(seq: useq.MDASequence) -> Callable[[useq.MDAEvent], dict[str, int]]:
    """Return what tells where the frame of an event goes, in whatever order events come.

    Parameters
    ----------
    seq : useq.MDASequence
        Whose settings the stream has.

    Returns
    -------
    callable
        Takes an event; gives indexes by dimension for ``stream.append(frame, at=...)``.

    Examples
    --------
    >>> at = useq_indexer(sequence)
    >>> for event in sequence:
    ...     stream.append(snap(event), at=at(event))
    """
    _need_useq()
    numbers = {(spot.p, spot.g): i for i, spot in enumerate(_spots(seq))}

    def indices(event: useq.MDAEvent) -> dict[str, int]:
        index = {str(_letter(axis)): int(i) for axis, i in event.index.items()}
        found = {axis: i for axis, i in index.items() if axis in {"t", "c", "z"}}
        if numbers:
            found["p"] = numbers[index.get("p"), index.get("g")]
        return found

    return indices


def _need_useq() -> None:
    need("useq", extra="useq", why="useq sequences")
    found = importlib.metadata.version("useq-schema")
    parts = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if parts < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise MissingDependencyError(
            f"useq-schema {found} is too old, {oldest} is needed: pip install 'iohub[useq]'"
        )


def _letter(axis: Any) -> str:
    return str(getattr(axis, "value", axis))


def _dimension(seq: useq.MDASequence, axis: str) -> dict[str, Any] | None:
    """Return the members of a dimension of time, channels or z; None if there is no such plan."""
    if axis == "c" and seq.channels:
        return {"name": "c", "type": "channel", "coords": _channels(seq), "scale": 1.0}
    if axis == "t" and seq.time_plan is not None:
        plan: Any = seq.time_plan
        phase = plan.phases[0] if hasattr(plan, "phases") else plan
        seconds = phase.interval.total_seconds()
        count = None if _is_endless(plan) else plan.num_timepoints()
        return {"name": "t", "type": "time", "unit": _UNITS["t"], "scale": seconds, "count": count}
    if axis == "z" and seq.z_plan is not None:
        heights = list(seq.z_plan)
        step = getattr(seq.z_plan, "step", None) or 1.0
        return (
            {
                "name": "z",
                "type": "space",
                "unit": _UNITS["z"],
                "scale": step,
                "count": len(heights),
            }
            if heights
            else None
        )
    return None


def _is_endless(plan: Any) -> bool:
    """Whether it is not known how many time points there are: as many as fit, or until stopped."""
    phases = plan.phases if hasattr(plan, "phases") else [plan]
    for phase in phases:
        # Fields, since a plan without end fails to work its other attributes out.
        fields = type(phase).model_fields
        if "loops" in fields or "interval" not in fields:
            continue
        if phase.duration is None or phase.interval.total_seconds() == 0:
            return True
    return False


def _channels(seq: useq.MDASequence) -> list[Channel]:
    """Return the channels; with their group where two have one name."""
    configs = [channel.config for channel in seq.channels]
    return [
        Channel(name=c.config if configs.count(c.config) == 1 else f"{c.group}-{c.config}")
        for c in seq.channels
    ]


def _plate(seq: useq.MDASequence) -> Plate | None:
    plan: Any = seq.stage_positions
    if not hasattr(plan, "plate"):
        return None
    return Plate(
        row_names=[row_label(i) for i in range(plan.plate.rows)],
        column_names=[column_label(i) for i in range(plan.plate.columns)],
        name=plan.plate.name or None,
    )


def _spots(seq: useq.MDASequence) -> list[Spot]:
    """Return all places that frames are taken at, as the sequence goes through them."""
    if hasattr(seq.stage_positions, "plate"):
        return list(_spots_of_plate(seq.stage_positions))
    if not seq.stage_positions and seq.grid_plan is None:
        return []
    # The sequence itself knows best where its grids lie: it is asked without anything else.
    bare = seq.replace(time_plan=None, channels=(), z_plan=None, autofocus_plan=None)
    return [_spot(seq, event) for event in bare]


def _spot(seq: useq.MDASequence, event: useq.MDAEvent) -> Spot:
    index = {_letter(axis): i for axis, i in event.index.items()}
    p, g = index.get("p"), index.get("g")
    place = seq.stage_positions[p] if p is not None and len(seq.stage_positions) else None
    inner = getattr(place, "sequence", None)
    plan = inner.grid_plan if inner is not None and inner.grid_plan is not None else seq.grid_plan
    field: Any = None
    if g is not None and plan is not None:
        field = list(plan)[g]
    owner = place if field is None else field
    row, column = getattr(owner, "grid_row", None), getattr(owner, "grid_col", None)
    if place is None:
        name = getattr(field, "name", None) or f"{g:04d}"
    else:
        name = place.name or str(p)
        if field is not None and row is None:
            name += f"_p{p:04d}_g{g:04d}"
    return Spot(
        p,
        g,
        Position(
            name=name,
            grid_row=row,
            grid_column=column,
            x_coord=event.x_pos,
            y_coord=event.y_pos,
            z_coord=event.z_pos,
        ),
    )


def _spots_of_plate(plan: Any) -> Iterator[Spot]:
    points = plan.well_points_plan
    # One point is a position and no plan of them.
    fields = [points] if hasattr(points, "x") else list(points)
    per_well = plan.num_points_per_well
    for number, place in enumerate(plan.image_positions):
        field = fields[number % per_well]
        yield Spot(
            number,
            None,
            Position(
                name=f"fov{number % per_well}",
                plate_row=row_label(place.plate_row),
                plate_column=column_label(place.plate_col),
                grid_row=getattr(field, "grid_row", None),
                grid_column=getattr(field, "grid_col", None),
                x_coord=place.x,
                y_coord=place.y,
            ),
        )


def _warn_of_order(seq: useq.MDASequence, spots: list[Spot]) -> None:
    """Warn where a grid of a single position is gone through for each channel and plane anew."""
    if hasattr(seq.stage_positions, "plate"):
        return
    axes = [_letter(axis) for axis in seq.axis_order]
    of_one = [
        place
        for place in seq.stage_positions
        if place.sequence is not None and place.sequence.grid_plan is not None
    ]
    faster = axes[axes.index("p") + 1 :] if "p" in axes else []
    frames = 1
    if "c" in faster:
        frames *= max(1, len(seq.channels))
    if "z" in faster and seq.z_plan is not None:
        frames *= max(1, len(list(seq.z_plan)))
    if of_one and frames > 1:
        warnings.warn(
            "positions with a grid of their own go through it anew for each channel and plane, "
            "which no order of dimensions says: append frames with at=useq_indexer(seq)(event)",
            IohubWarning,
            stacklevel=3,
        )
