"""What is known of a stream before its first frame: the state of each position, for the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from iohub.stream.ending import PositionState

if TYPE_CHECKING:
    from iohub.stream.plan import StreamPlan
    from iohub.types import JsonObject


def states_of(plan: StreamPlan, shapes: Sequence[tuple[int, ...]]) -> list[PositionState]:
    """Return the state of each position before its first frame.

    Parameters
    ----------
    plan : StreamPlan
        What is to be written.
    shapes : sequence of tuple of int
        Of the arrays as they are now.
    """
    total = plan.num_frames
    each = None if total is None else total // len(plan.arrays)
    return [
        PositionState(array.path, tuple(shape[:-2]), array.unbounded, each)
        for array, shape in zip(plan.arrays, shapes, strict=True)
    ]


def header_of(plan: StreamPlan, states: Sequence[PositionState]) -> JsonObject:
    """Return what a journal says of a stream, so that it can be completed without its program."""
    return {
        "format": plan.backend.format,
        "backend": plan.backend.name,
        "total": plan.num_frames,
        "levels": plan.options.levels,
        "method": plan.options.method,
        "positions": [
            {
                "path": state.path,
                "lead": list(state.lead),
                "growing": state.growing,
                "expected": state.expected,
                "earlier": [list(pair) for pair in state.earlier],
            }
            for state in states
        ],
    }


def channel_axis(plan: StreamPlan) -> int | None:
    """Return which of the stored axes before (Y, X) is that of the channels."""
    kinds = [axis.type for axis in plan.arrays[0].axes[:-2]]
    return kinds.index("channel") if "channel" in kinds else None
