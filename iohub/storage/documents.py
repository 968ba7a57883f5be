"""JSON documents as bytes: parsed with an error that names the file, written so that all can read.

It knows JSON, not what the members mean.
"""

from __future__ import annotations

import json
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

from iohub.errors import DocumentError, Problem
from iohub.types import JsonObject

# What is longer than this is written for machines, in one line.
_INDENT_UP_TO = 64 * 1024

AS_READ = b"NaN"
"""Passed as what is there now: every value comes out of a document, so ``NaN`` is kept."""

_FLAT = json.JSONEncoder(ensure_ascii=False)
_PARTED = json.JSONEncoder(ensure_ascii=False, separators=("\0", ": "))
_NESTED = frozenset((dict, list))
_WIDTH = 80


def parse_document(raw: bytes, source: str) -> JsonObject:
    """Parse a JSON object.

    Parameters
    ----------
    raw : bytes
        UTF-8 text.
    source : str
        Where it was read from, for the error.

    Raises
    ------
    DocumentError
        If it is empty, no JSON, or no object.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        what = f"not JSON: {error}" if raw.strip() else "the file is empty"
        raise DocumentError([Problem("", what, "json")], source) from error
    if not isinstance(document, dict):
        what = f"must be a JSON object, not {type(document).__name__}"
        raise DocumentError([Problem("", what, "json")], source)
    return document


def encode_document(document: JsonObject, source: str, previous: bytes = b"") -> bytes:
    """Write a JSON object as UTF-8, indented unless it is long.

    Parameters
    ----------
    document : dict
        JSON values; NumPy scalars and arrays become numbers and lists.
    source : str
        Where it will be written to, for the error.
    previous : bytes
        What is there now. ``NaN`` and infinities are no JSON and are refused, unless the document
        has them already: then refusing would make it impossible to edit.

    Raises
    ------
    DocumentError
        If a value cannot be written as JSON.
    """
    allow_nan = b"NaN" in previous or b"Infinity" in previous
    try:
        text = json.dumps(
            document,
            ensure_ascii=False,
            allow_nan=allow_nan,
            separators=(",", ":"),
            default=_as_json,
        )
        if len(text) <= _INDENT_UP_TO:
            text = _indented(text)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError([Problem("", f"cannot be JSON: {error}", "json")], source) from error


def same_document(one: JsonObject, other: JsonObject) -> bool:
    """Whether two objects are written alike; ``1``, ``1.0`` and ``True`` are not."""
    if one != other:
        return False
    return json.dumps(one, default=_as_json) == json.dumps(other, default=_as_json)


@lru_cache(maxsize=32)  # most documents of a plate are like the one before
def _indented(text: str) -> str:
    return _laid_out(json.loads(text), "\n", whole=True)


def _laid_out(value: Any, margin: str, *, whole: bool = False) -> str:
    """Write plain JSON values with indentation; what fits into a line stays in one."""
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is int:
        return repr(value)
    members = value.values() if kind is dict else value if kind is list else ()
    if _NESTED.isdisjoint(map(type, members)):
        return _FLAT.encode(value)
    inner = margin + "  "
    lines = _flat_lines(value) if kind is list else None
    if lines is None:
        lines = [_laid_out(member, inner) for member in members]
    if kind is dict:
        lines = [f"{_quoted(key)}: {line}" for key, line in zip(value, lines, strict=True)]
    start, end = "{}" if kind is dict else "[]"
    flat = ", ".join(lines)
    if not whole and len(flat) + len(inner) <= _WIDTH and "\n" not in flat:
        return f"{start}{flat}{end}"
    return f"{start}{inner}{(',' + inner).join(lines)}{margin}{end}"


def _flat_lines(values: list[Any]) -> list[str] | None:
    """Write objects without nested ones, such as the wells of a plate, in one go; None for others.

    No string of JSON has a NUL in it, so as a separator it is found again.
    """
    for value in values:
        if type(value) is not dict or not _NESTED.isdisjoint(map(type, value.values())):
            return None
    objects = _PARTED.encode(values)[2:-2].split("}\0{")
    return [f"{{{members}}}".replace("\0", ", ") for members in objects]


def _as_json(value: Any) -> Any:
    """Turn NumPy scalars and arrays into what JSON has, without importing NumPy."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r:.80}")
