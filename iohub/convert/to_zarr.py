"""OME-Zarr as the target of a conversion: every position once, whoever of several calls does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from iohub.convert.report import Report
from iohub.convert.stage import Stage
from iohub.convert.work import convert
from iohub.nodes.outer import check_outside

if TYPE_CHECKING:
    from iohub.convert.plan import ImagePlan, Plan
    from iohub.storage.location import Location

_POLL: Final = 0.2  # [s]; what is waited for takes from seconds to hours


def write(
    plan: Plan,
    location: Location,
    options: Mapping[str, Any],
    tell: Callable[[int], object],
    *,
    pack: Callable[[str, str], object] | None = None,
) -> Report:
    """Write a plan as OME-Zarr.

    Parameters
    ----------
    plan : Plan
        What to write.
    location : Location
        Where to.
    options : mapping
        None is known.
    tell : callable
        Told how many bytes of pixels were read.
    pack : callable, optional
        Turns a complete directory into the file that is wanted.

    Raises
    ------
    ExistsError
        If something else is there.
    """
    check_outside(location)
    began = time.monotonic()
    stage = Stage(plan, location, pack)
    wanted = stage.begin()
    begun = {image.place for image in wanted}
    for image in plan.images:
        if image.place not in begun:
            tell(image.nbytes)
    done, frames = _convert_all(plan, wanted, stage, tell)
    waits_for = stage.finish()
    kept = list(plan.kept)
    if frames:
        kept.append(f"metadata of {frames:,} frames")
    return Report(
        location.url,
        plan.format,
        positions=len(plan.images),
        resumed=len(plan.images) - len(done),
        nbytes=sum(image.nbytes for image in done),
        seconds=time.monotonic() - began,
        complete=not waits_for,
        kept=tuple(kept),
        lost=tuple(plan.lost),
        waits_for=tuple(waits_for),
    )


def _convert_all(
    plan: Plan, wanted: list[ImagePlan], stage: Stage, tell: Callable[[int], object]
) -> tuple[list[ImagePlan], int]:
    """Convert positions that nobody else converts, and wait for the others.

    Returns
    -------
    done : list of ImagePlan
        Those that were not complete before.
    frames : int
        How many frames with metadata they have.
    """
    pending, done, frames = list(wanted), [], 0
    waited = False
    while pending:
        busy = []
        for image in pending:
            with stage.claim(image.place) as mine:
                if not mine:
                    busy.append(image)
                    continue
                note = stage.notes.get(image.place)
                # None: all were complete, and another call has put them in place. What this call
                # has waited for is as it should be; what was there before is looked at.
                if note is None or (note.complete and waited):
                    tell(image.nbytes)
                    continue
                made = convert(plan, image, note, stage, tell)
                frames += made.frames
                if made.parts or not note.complete:
                    done.append(image)
        pending, waited = busy, True
        if pending:
            time.sleep(_POLL)
    return done, frames
