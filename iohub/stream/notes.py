"""Metadata of frames and of whole acquisitions as JSON, and where they lie in attributes.

The layout is that of the public writers of camera streams: the member ``ome_writers`` has
``frame_metadata``, one mapping per frame with its ``storage_index``; a namespace is a member beside
``ome``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from iohub.errors import ArgumentError, MetadataWarning
from iohub.metadata.acquisition import streamed_frames
from iohub.metadata.documents import thaw
from iohub.metadata.own import KEY as OWN
from iohub.metadata.versions import MEMBERS
from iohub.types import JsonMapping, JsonObject

KEY = "ome_writers"
FRAMES = "frame_metadata"
INDEX = "storage_index"
RESERVED = frozenset({KEY, OWN, *MEMBERS})
"""Names that no namespace of a user may have."""


def plain(value: Any, where: str = "") -> Any:
    """Return a value as JSON has it; what cannot be said is text, with a warning.

    Parameters
    ----------
    value : object
        NumPy scalars and arrays, sets, dates and the like are taken as well.
    where : str
        What it is part of, for the warning.

    Warns
    -----
    MetadataWarning
        If a value had to be turned into text.
    """
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else _NOT_FINITE[str(float(value))]
    if isinstance(value, np.generic):
        return plain(value.item(), where) if not isinstance(value, np.void) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), where)
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain(item, where) for item in value]
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"), where)
    warnings.warn(
        f"the metadata {where or 'value'} is a {type(value).__name__}, which JSON cannot say; its "
        "text is written",
        MetadataWarning,
        stacklevel=3,
    )
    return str(value)


# As Zarr spells them, since JSON has no number for them.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def frame_note(metadata: Mapping[str, Any] | None, index: Sequence[int]) -> JsonObject:
    """Return the metadata of a frame as they are written, with the place of the frame.

    Raises
    ------
    ArgumentError
        If they are no mapping.
    """
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ArgumentError(f"frame_metadata is a dict, not {metadata!r:.80}")
    noted = plain(metadata or {}, "of a frame")
    return {**noted, INDEX: [int(i) for i in index]}


def with_frames(attrs: JsonMapping, frames: Sequence[JsonMapping]) -> JsonObject:
    """Return new attributes of a position with the metadata of its frames; none takes them away."""
    own = dict(attrs.get(KEY) or {})
    own.pop(FRAMES, None)
    if frames:
        own[FRAMES] = [dict(frame) for frame in frames]
    rest = {name: value for name, value in attrs.items() if name != KEY}
    return {**rest, KEY: own} if own else rest


def read_frames(attrs: JsonMapping) -> list[JsonObject]:
    """Return the metadata of frames that attributes hold; empty if there are none."""
    return streamed_frames(attrs)


def check_namespace(namespace: object) -> str:
    """Return the name under which a user's metadata lie, if it is allowed.

    Raises
    ------
    ArgumentError
        If it is empty, no text, or kept for others; a :class:`ValueError`.
    """
    if not isinstance(namespace, str) or not namespace:
        raise ArgumentError(f"a namespace must be a text that is not empty, not {namespace!r}")
    if namespace in RESERVED:
        raise ArgumentError(
            f"the namespace {namespace!r} is reserved; there are also {', '.join(sorted(RESERVED))}"
        )
    return namespace


def with_namespace(attrs: JsonMapping, namespace: str, metadata: Mapping[str, Any]) -> JsonObject:
    """Return new attributes with a user's metadata, in place of those of the same namespace.

    Raises
    ------
    ArgumentError
        If the namespace is not allowed, or the metadata are no mapping.
    """
    if not isinstance(metadata, Mapping):
        raise ArgumentError(f"metadata is a dict, not {metadata!r:.80}")
    return {**attrs, check_namespace(namespace): plain(metadata, namespace)}


def shown_attributes(attrs: JsonMapping) -> JsonObject:
    """Return attributes as a copy that may be changed, without what iohub notes for itself."""
    return {name: thaw(value) for name, value in attrs.items() if name != OWN}
