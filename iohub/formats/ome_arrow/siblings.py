"""The columns beside the records in a table of positions, and the note in one of them; no I/O.

Records say of an image what OME-Arrow's struct has fields for. Its place in a plate is in columns
of its own, by which tables are filtered; what neither has a place for is a note in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from iohub.errors import FormatError
from iohub.formats.ome_arrow.image import AXES
from iohub.formats.ome_arrow.table_files import TABLES, dump_files, read_files
from iohub.types import JsonObject

NOTE: Final = "iohub"
"""The column with the notes."""

GROUPS_KEY: Final = b"iohub.plate"
"""Key of the table's metadata with the documents of the groups above the positions."""

SIBLINGS: Final = pa.schema(
    [
        ("plate", pa.string()),
        ("row", pa.string()),
        ("column", pa.string()),
        ("fov", pa.string()),
        ("array", pa.string()),
        ("level", pa.int32()),
        ("image_type", pa.string()),
        ("label_of", pa.string()),
        (NOTE, pa.string()),
    ]
)
"""The columns: plate, row, column and field; path of the array below the position; resolution
level; "image" or "label"; of a label image the id of its image; the note."""

_BIG: Final = "big"

WITH_TABLES: Final = SIBLINGS.append(pa.field(TABLES, pa.string()))
"""The columns where positions have tables, which are in one more."""


def own_names(schema: pa.Schema) -> list[str]:
    """Return the names that such columns have in a table, whose others are the user's."""
    mine = WITH_TABLES if NOTE in schema.names else SIBLINGS
    return [name for name in schema.names if name in mine.names]


@dataclass(frozen=True)
class Note:
    """What is noted of an array beside its record.

    Attributes
    ----------
    axes : str
        Its axes as letters of ``tczyx``, in its own order.
    names : tuple of str
        What the axes are called.
    arrays : tuple of str
        Paths of all arrays of its image below the position, if it is the first of them.
    groups : mapping of str to dict
        Attributes of groups below the position, by path.
    above : mapping of str to dict
        Those of groups above all positions, in the first row of a file that has no place for them.
    attributes : mapping
        The array's own.
    big_endian : bool
        Whether its pixels were stored so.
    """

    axes: str = AXES
    names: tuple[str, ...] = tuple(AXES)
    arrays: tuple[str, ...] = ()
    groups: Mapping[str, JsonObject] = field(default_factory=dict)
    above: Mapping[str, JsonObject] = field(default_factory=dict)
    attributes: JsonObject = field(default_factory=dict)
    big_endian: bool = False

    def dump(self) -> str:
        """Return the note as JSON."""
        said: JsonObject = {"axes": self.axes, "names": list(self.names)}
        if self.groups:
            said |= {"arrays": list(self.arrays), "groups": dict(self.groups)}
        if self.above:
            said["above"] = dict(self.above)
        if self.attributes:
            said["attributes"] = dict(self.attributes)
        if self.big_endian:
            said["endian"] = _BIG
        return json.dumps(said, separators=(",", ":"))


def read_note(text: str | None) -> Note:
    """Return a note; the usual one if there is none.

    Raises
    ------
    FormatError
        If it is damaged.
    """
    said = _object(text or "{}", f"column {NOTE!r}")
    axes, groups, above = said.get("axes", AXES), said.get("groups", {}), said.get("above", {})
    letters = isinstance(axes, str) and len(set(axes)) == len(axes) and set(axes) <= set(AXES)
    names = said.get("names", list(axes) if letters else [])
    arrays = said.get("arrays", [])
    known = letters and _texts(names) and len(names) == len(axes) and _texts(arrays)
    attributes, endian = said.get("attributes", {}), said.get("endian", "little")
    known = known and isinstance(attributes, dict) and isinstance(endian, str)
    if not known or not _objects(groups) or not _objects(above):
        raise FormatError(f"column {NOTE!r} is damaged: {text!r:.80}")
    big = endian == _BIG
    return Note(axes, tuple(names), tuple(arrays), groups, above, attributes, big)


def dump_groups(groups: Mapping[str, JsonObject], tables: Mapping[str, bytes]) -> str:
    """Return the documents of groups above the positions, and a plate's tables, as text."""
    said: JsonObject = {"groups": dict(groups)}
    return json.dumps(
        said | ({TABLES: dump_files(tables)} if tables else {}), separators=(",", ":")
    )


def read_groups(metadata: Mapping[bytes, bytes]) -> dict[str, JsonObject]:
    """Return the documents of groups above the positions; empty if the table has none.

    Raises
    ------
    FormatError
        If they are damaged.
    """
    raw = metadata.get(GROUPS_KEY)
    groups: dict[str, JsonObject]
    groups = _object(raw or b"{}", f"the key {GROUPS_KEY.decode()!r}").get("groups", {})
    if not _objects(groups):
        raise FormatError(f"the key {GROUPS_KEY.decode()!r} of the table is damaged")
    return groups


def read_tables(metadata: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """Return the keys and values of the tables of a plate; empty if it has none.

    Raises
    ------
    FormatError
        If they are damaged.
    """
    raw = metadata.get(GROUPS_KEY) or b"{}"
    if f'"{TABLES}"'.encode() not in raw:
        return {}  # sooner seen than the documents of thousands of wells are parsed
    text = _object(raw, f"the key {GROUPS_KEY.decode()!r}").get(TABLES, "{}")
    if not isinstance(text, str):
        raise FormatError(f"the key {GROUPS_KEY.decode()!r} of the table is damaged")
    return read_files(text)


def _object(raw: str | bytes, what: str) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is no JSON: {raw!r:.80}") from error
    if not isinstance(said, dict):
        raise FormatError(f"{what} is no JSON object: {raw!r:.80}")
    return said


def _texts(values: Any) -> bool:
    return isinstance(values, Sequence) and all(isinstance(value, str) for value in values)


def _objects(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(each, dict) for each in values.values())
