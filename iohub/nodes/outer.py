"""Whether a new store would lie inside a plate, a well or an image, where nothing would find it."""

from __future__ import annotations

from iohub.errors import IohubError, PathError
from iohub.metadata import own, versions
from iohub.storage.group import open_group
from iohub.storage.location import Location, above

_SAID = {
    "hcs": "plate",
    "plate": "plate",
    "well": "well",
    "fov": "position",
    "image": "position",
    "labels": "group of labels",
}


def check_outside(location: Location, *, as_position: bool = False) -> None:
    """Refuse a place for a new store that is inside of another one.

    A plain Zarr group, a series and a scene may hold other stores.

    Parameters
    ----------
    location : Location
        Where the store is to be.
    as_position : bool
        Whether it takes the place of what is there as an image, which a well may hold.

    Raises
    ------
    PathError
        If the place is below a plate, a well, a position or its labels.
    """
    for outer in above(location):
        try:
            group = open_group(outer.store, outer.path)
            attrs = group.attrs()
        except IohubError:
            continue
        kind = versions.kind(attrs, group.zarr_format) or own.layout(attrs) or ""
        if kind == "well" and as_position:
            return
        if kind in _SAID:
            raise PathError(
                f"{location.url} lies inside the {_SAID[kind]} {outer.url}, whose metadata would "
                "not name it: choose a place outside, or open that one with mode='r+' and create "
                "positions, images and labels in it"
            )
