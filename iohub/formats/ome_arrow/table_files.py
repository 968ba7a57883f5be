"""The tables beside images, such as measurements, as text in a column of a table of records.

They are held as the keys and values that they have in a Zarr store, so that nothing of them
changes on the way.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from iohub.errors import FormatError, PathError
from iohub.storage.keys import check_key

TABLES: Final = "tables"
"""Name of the column, of the group in a store, and of the member in the metadata of a table."""

MOST: Final = 64 << 20
"""Tables of one position or plate up to this size travel [bytes]."""


def dump_files(files: Mapping[str, bytes]) -> str:
    """Return keys and values as JSON: text as it is, all else as base64."""
    return json.dumps({key: _said(value) for key, value in files.items()}, separators=(",", ":"))


def _said(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def read_files(text: str | bytes) -> dict[str, bytes]:
    """Return keys and values of tables.

    Raises
    ------
    FormatError
        If it is damaged, or a key is none of a table.
    """
    try:
        said = json.loads(text)
        if not isinstance(said, dict):
            raise ValueError(f"{type(said).__name__} is no object")
        made = {check_key(key): _value(value) for key, value in said.items()}
    except (ValueError, RecursionError, PathError) as error:
        raise FormatError(f"the column {TABLES!r} is damaged: {error}") from error
    other = [key for key in made if not key.startswith(f"{TABLES}/")]
    if other:
        raise FormatError(f"the column {TABLES!r} is damaged: {other[0]!r} is no key of a table")
    return made


def _value(said: Any) -> bytes:
    if isinstance(said, str):
        return said.encode()
    if not isinstance(said, dict) or not isinstance(said.get("base64"), str):
        raise ValueError(f"{said!r:.40} is no value")
    return b64decode(said["base64"], validate=True)
