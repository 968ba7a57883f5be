"""Whether an image of tiles is complete: the mark that is written with its metadata, at the end.

An image is prepared beside its place; arrays, tables, metadata and the mark appear together. So
what has no mark was made by somebody else, and what an interrupted call left is never seen.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from iohub.errors import ExistsError, IohubError
from iohub.metadata import own

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from iohub.nodes.position import Position
    from iohub.storage.spec import ArraySpec
    from iohub.tiles.assemble import AssemblyPlan
    from iohub.tiles.image_document import Channel
    from iohub.types import JsonObject

MARK = "tiles"
"""Member of the key ``iohub`` that says of which tiles an image was made, and that it is whole."""


_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")  # in what Python says of objects


def mark_of(
    plan: AssemblyPlan, loaders: Sequence[Any], channels: Sequence[Channel] | None = None
) -> JsonObject:
    """Return the mark of an image: how it was made, and of what.

    Sources are told apart by what messages call them, such as the paths of files as they were
    given; whether a file of the same path holds other pixels is not looked at.

    Parameters
    ----------
    plan : AssemblyPlan
        The plan.
    loaders : sequence of ImageLoaderInterface
        What the plan's sources are.
    channels : sequence of Channel, optional
        What its metadata say.
    """
    said = hashlib.sha256()
    for source in plan.sources.tolist():
        said.update(_ADDRESS.sub("", loaders[source].describe_source()).encode() + b"\0")
    shown = [[each.label, each.color, dict(each.members)] for each in channels or ()]
    said.update(json.dumps(shown, sort_keys=True, default=str).encode())
    return {
        "plan": plan.digest,
        "sources": said.hexdigest()[:32],
        "tiles": len(plan.fov),
        "complete": True,
    }


def noted_mark(position: Position) -> JsonObject | None:
    """Return the mark of an image that was made of tiles and is whole, else None.

    Parameters
    ----------
    position : Position
        The image.
    """
    attrs = position._attrs()
    if position._parsed_from(attrs) is None:
        return None
    said = own.member(attrs, MARK)
    return said if isinstance(said, dict) and said.get("complete") is True else None


def with_mark(attrs: JsonObject, mark: Mapping[str, Any]) -> JsonObject:
    """Return attributes that say how an image was made.

    Parameters
    ----------
    attrs : dict
        Attributes of the image's group.
    mark : mapping
        See :func:`mark_of`.
    """
    return own.with_member(attrs, MARK, dict(mark))


def is_complete(
    position: Position,
    plan: AssemblyPlan,
    specs: Iterable[ArraySpec],
    tables: Iterable[str],
    mark: Mapping[str, Any],
) -> bool:
    """Whether an image is there, made of this plan, with all its arrays and tables.

    Parameters
    ----------
    position : Position
        The image.
    plan : AssemblyPlan
        What it is to be made of.
    specs : iterable of ArraySpec
        Of its levels.
    tables : iterable of str
        Names of its tables.
    mark : mapping
        What it would be marked with, see :func:`mark_of`.

    Returns
    -------
    bool
        False if there is no image at all.

    Raises
    ------
    ExistsError
        If there is an image of other tiles, or one that iohub did not make of tiles, or one that
        was changed since.
    """
    if position.metadata is None:
        return False
    said = noted_mark(position)
    if said is None:
        raise _refusal(position, "nothing says that all of it was written")
    if said.get("plan") != mark["plan"]:
        raise _refusal(position, "it was made of other tiles or by other options")
    if said.get("sources") != mark["sources"]:
        raise _refusal(position, "it was made of other files, or its channels were named otherwise")
    found = position._group.load_arrays(plan.level_names)
    for name, array, spec in zip(plan.level_names, found, specs, strict=True):
        if isinstance(array, IohubError):
            raise _refusal(position, f"its level {name!r} cannot be read ({array})")
        if (array.spec.shape, array.spec.dtype) != (spec.shape, spec.dtype):
            raise _refusal(position, f"its level {name!r} is {array.spec.shape} {array.spec.dtype}")
    missing = [name for name in tables if name not in position.tables]
    if missing:
        raise _refusal(position, f"its table {missing[0]!r} is missing")
    return True


def _refusal(position: Position, why: str) -> ExistsError:
    return ExistsError(
        f"there is an image at {position.url}, and {why}; write it anew with the mode Overwrite, "
        "or choose another place"
    )
