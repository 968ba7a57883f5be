"""What attributes of OME-Zarr groups say beyond those that can be made of a file again.

A format that can hold JSON keeps this beside its own metadata; what its own metadata say holds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from iohub.metadata import own, versions

if TYPE_CHECKING:
    from iohub.metadata.versions import Spelling
    from iohub.types import JsonMapping, JsonObject

# Members of OME-Zarr that describe pixels, which the file does itself. Of axes only that is kept
# which it does not say, such as the unit of a time step that nobody knows.
_AXES: Final = "axes"
_PIXELS: Final = ("datasets", "coordinateTransformations", "coordinateSystems", "version")
_RECORD: Final = "acquisition"


def further(attrs: JsonMapping, made: JsonMapping, spelling: Spelling) -> JsonObject:
    """Return what attributes say and those that were made of a file do not.

    Parameters
    ----------
    attrs, made : mapping
        Attributes of a group, as they are and as a file gives them.
    spelling : Spelling
        The version of both.
    """
    rest: JsonObject = _beside(attrs, made)
    mine = {name: value for name, value in _mapping(attrs, own.KEY).items() if name != _RECORD}
    if noted := _missing(mine, _mapping(made, own.KEY)):
        rest[own.KEY] = noted
    ome, theirs = spelling.ome(attrs), spelling.ome(made)
    if said := _missing({n: v for n, v in ome.items() if _may_add(n, theirs)}, theirs, _PIXELS):
        rest = spelling.with_ome(rest, said)
    return rest


def completed(made: JsonMapping, more: JsonMapping, spelling: Spelling) -> JsonObject:
    """Return attributes that were made of a file, with what was kept beside them.

    Parameters
    ----------
    made : mapping
        As the file gives them; none of it is replaced.
    more : mapping
        What :func:`further` gave, as it was read; of members of OME-Zarr only those are added that
        do not change what a group is.
    spelling : Spelling
        The version of both.
    """
    attrs: JsonObject = {**made, **_beside(more, made)}
    mine = {name: value for name, value in _mapping(more, own.KEY).items() if name != _RECORD}
    if mine:
        attrs[own.KEY] = _added(_mapping(made, own.KEY), mine)
    ome = spelling.ome(made)
    noted = spelling.ome(more) if isinstance(more.get(_key(spelling)), dict) else {}
    said = {name: value for name, value in noted.items() if _may_add(name, ome)}
    return spelling.with_ome(attrs, _added(ome, said, _PIXELS)) if said else attrs


def _key(spelling: Spelling) -> str:
    return spelling.root[0] if spelling.root else ""


def _may_add(name: str, ome: JsonMapping) -> bool:
    return name in ome or name not in versions.MEMBERS


def _beside(attrs: JsonMapping, made: JsonMapping) -> JsonObject:
    known = {own.KEY, *versions.MEMBERS, *made}
    return {name: value for name, value in attrs.items() if name not in known}


def _mapping(attrs: JsonMapping, name: str) -> JsonObject:
    found = attrs.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _missing(value: JsonMapping, made: JsonMapping, skip: Collection[str] = ()) -> JsonObject:
    """Return members that are missing, also of objects, and of lists of as many of them."""
    found: JsonObject = {}
    for name, mine in value.items():
        if name in skip:
            continue
        if name not in made:
            found[name] = mine
            continue
        theirs = made[name]
        if isinstance(mine, dict) and isinstance(theirs, dict):
            below: Any = _missing(mine, theirs, skip)
        elif _alike(mine, theirs) and (name != _AXES or _names(mine) == _names(theirs)):
            below = [_missing(a, b, skip) for a, b in zip(mine, theirs, strict=True)]
            if name == _AXES and any(below):  # by their names they are found again
                below = [{"name": a.get("name"), **b} for a, b in zip(mine, below, strict=True)]
            below = below if any(below) else None
        else:
            continue
        if below:
            found[name] = below
    return found


def _added(made: JsonMapping, more: JsonMapping, skip: Collection[str] = ()) -> JsonObject:
    """Return an object with further members; none is replaced."""
    whole = dict(made)
    for name, value in more.items():
        if name in skip:
            continue
        if name not in made:
            whole[name] = value
            continue
        theirs = made[name]
        if isinstance(value, dict) and isinstance(theirs, dict):
            whole[name] = _added(theirs, value, skip)
        elif _alike(value, theirs) and (name != _AXES or _names(value) == _names(theirs)):
            whole[name] = [_added(b, a, skip) for a, b in zip(value, theirs, strict=True)]
    return whole


def _names(axes: list[JsonObject]) -> list[Any]:
    return [axis.get("name") for axis in axes]


def _alike(one: Any, other: Any) -> bool:
    """Whether both are lists of as many objects."""
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return False
    return all(isinstance(each, dict) for each in (*one, *other))
