"""Which useq sequences are no regular array, and are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iohub.errors import UnsupportedError

if TYPE_CHECKING:
    import useq


def check_sequence(seq: useq.MDASequence) -> None:
    """Refuse a sequence whose images would differ in shape.

    Raises
    ------
    UnsupportedError
        If that is so; the message says why; a :class:`NotImplementedError`.
    """
    for channel in seq.channels:
        if not channel.do_stack and seq.z_plan is not None:
            raise UnsupportedError(
                f"the channel {channel.config!r} has do_stack=False: images would differ in their "
                "number of planes; use a stream of its own for it"
            )
        if channel.acquire_every > 1:
            raise UnsupportedError(
                f"the channel {channel.config!r} has acquire_every={channel.acquire_every}: "
                "channels would differ in their number of time points; use a stream of its own"
            )
    on_plate = hasattr(seq.stage_positions, "plate")
    if on_plate and seq.grid_plan is not None:
        raise UnsupportedError(
            "a WellPlatePlan with a grid_plan is not supported: give the plan well_points_plan"
        )
    axes = [str(getattr(axis, "value", axis)) for axis in seq.axis_order]
    if seq.stage_positions and seq.grid_plan is not None and abs(_apart(axes)) != 1:
        raise UnsupportedError(
            f"axis_order={tuple(axes)} has other axes between positions and grid, which become "
            "one dimension: put p and g next to each other"
        )
    if not on_plate:
        for number, place in enumerate(seq.stage_positions):
            _check_inner(place, number)


def _apart(axes: list[str]) -> int:
    return axes.index("g") - axes.index("p") if {"g", "p"} <= set(axes) else 1


def _check_inner(place: Any, number: int) -> None:
    inner = place.sequence
    if inner is None:
        return
    plans = {"time_plan": inner.time_plan, "channels": inner.channels, "z_plan": inner.z_plan}
    if other := [name for name, plan in plans.items() if plan]:
        raise UnsupportedError(
            f"position {place.name or number!r} has a sequence with {', '.join(other)}: images "
            "would be ragged, they would differ in shape; a sequence of a position may only have "
            "a grid_plan"
        )
