"""Zipped OME-Zarr as the target of a conversion: a directory store first, then one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from iohub.convert.to_zarr import write as write_zarr
from iohub.errors import PathError
from iohub.storage import ozx_writing

if TYPE_CHECKING:
    from iohub.convert.plan import Plan
    from iohub.convert.report import Report
    from iohub.storage.location import Location


def write(
    plan: Plan, location: Location, options: Mapping[str, Any], tell: Callable[[int], object]
) -> Report:
    """Write a plan as one file; an interrupted call goes on from the hidden directory.

    Parameters
    ----------
    plan : Plan
        What to write.
    location : Location
        Where to; on the local disk.
    options : mapping
        None is known.
    tell : callable
        Told how many bytes of pixels were read.

    Raises
    ------
    PathError
        If it is not on the local disk.
    """
    if location.local_path is None:
        raise PathError(f"{location.url}: a zipped store is written to the local disk, then copied")

    return write_zarr(plan, location, options, tell, pack=ozx_writing.pack)
