"""Which names are allowed for rows, columns, fields, arrays and paths; no store is asked."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from iohub.errors import NameWarning, PathError

ALPHANUMERIC = r"^[A-Za-z0-9]+$"
"""Names of rows and columns, and of fields up to OME-Zarr 0.5."""

FIELD_READ = r"^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$"
"""Names of fields that are read: those of OME-Zarr 0.6, never periods only."""

_ALPHANUMERIC = re.compile(ALPHANUMERIC[1:-1])
_FIELD = re.compile(FIELD_READ[1:-1])
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OURS = ".__iohub"


def check_row_column(name: str) -> str:
    """Return the name of a row or a column if it is allowed.

    Parameters
    ----------
    name : str
        Letters A-Z, a-z and digits only.

    Raises
    ------
    PathError
        If it is empty or has another character.
    """
    return _alphanumeric(name, "row or column")


def check_field(name: str) -> str:
    """Return the name of a field of view if it is allowed.

    Parameters
    ----------
    name : str
        Letters A-Z, a-z and digits only.

    Raises
    ------
    PathError
        If it is empty or has another character.
    """
    return _alphanumeric(name, "field of view")


def check_free_field(name: str) -> str:
    """Return the name of a field of view if it is allowed from OME-Zarr 0.6 on.

    Parameters
    ----------
    name : str
        Letters A-Z, a-z, digits, ``-``, ``_`` and ``.``; not periods only, no ``__`` to begin.

    Raises
    ------
    PathError
        If it is something else.
    """
    if not _is_string(name):
        raise PathError(f"the name of a field of view must be a string, not {name!r}")
    if not _FIELD.fullmatch(name) or name.startswith(("__", _OURS)):
        raise PathError(
            f"{name!r} cannot name a field of view: only letters A-Z, a-z, digits, '-', '_' and "
            "'.' are allowed, not periods only, and no '__' to begin with"
        )
    return name


def _alphanumeric(name: Any, what: str) -> str:
    if not isinstance(name, str):
        raise PathError(f"the name of a {what} must be a string, not {name!r}")
    if not _ALPHANUMERIC.fullmatch(name):
        odd = sorted(set(_ALPHANUMERIC.sub("", name)))
        found = f"it has {', '.join(ascii(char) for char in odd)}" if odd else "it is empty"
        raise PathError(
            f"{name!r} cannot name a {what}: only letters A-Z, a-z and digits are allowed, {found}"
        )
    return str(name)


def split_well(path: str) -> tuple[str, str]:
    """Return the row and the column of a well's path.

    Parameters
    ----------
    path : str
        Such as ``"A/1"``.

    Raises
    ------
    PathError
        If it is not two allowed names with one slash between.
    """
    parts = str(path).split("/")
    if len(parts) != 2:
        raise PathError(f"{path!r} is not the path of a well: give row/column, such as 'A/1'")
    return check_row_column(parts[0]), check_row_column(parts[1])


def path_problem(path: str) -> str | None:
    """Return why a path may lead out of its group, None if it cannot.

    Parameters
    ----------
    path : str
        Relative path, ``/`` between names.
    """
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if _CONTROL.search(path):
        return "has a control character"
    for part in path.split("/"):
        if part in {"", ".", ".."}:
            return f"has a part {part!r}"
        if part.startswith(_OURS):
            return f"has a part that starts with {_OURS!r}, which iohub keeps for itself"
    if ":" in path.split("/", maxsplit=1)[0]:
        return "starts like a drive or a URL"
    return None


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def check_member_path(path: str) -> str:
    """Return a path that stays inside its group.

    Parameters
    ----------
    path : str
        Relative path, ``/`` between names.

    Raises
    ------
    PathError
        If it is empty or absolute, or has an empty part, ``.``, ``..``, a backslash or a control
        character.
    """
    problem = path_problem(path) if _is_string(path) else "is no string"
    if problem:
        raise PathError(
            f"the path {path!r} {problem}: give names below the group, with '/' between"
        )
    return path


_RESERVED = {"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"}
_HOLDERS = {"labels": "label images", "tables": "tables"}


def check_array_path(path: str) -> str:
    """Return the path of an array below an image's group if it is allowed.

    Parameters
    ----------
    path : str
        Relative path, such as ``"0"`` or ``"scale/0"``.

    Raises
    ------
    PathError
        If it leads out of the group (see :func:`check_member_path`), or a part is a file name of
        Zarr itself, or it lies in the group of the labels or of the tables.
    """
    parts = check_member_path(path).split("/")
    taken = _RESERVED.intersection(parts)
    if taken:
        raise PathError(f"{path!r} cannot name an array: {taken.pop()!r} is a file of Zarr")
    if held := _HOLDERS.get(parts[0]):
        raise PathError(f"{path!r} cannot name an array: {parts[0]!r} holds the {held}")
    if path == "*":
        raise PathError("'*' cannot name an array: it stands for the whole image")
    return path


def check_image_path(path: str) -> str:
    """Return the path of an image below a scene if it is allowed.

    Parameters
    ----------
    path : str
        Relative path, such as ``"light"`` or ``"raw/light"``.

    Raises
    ------
    PathError
        If it leads out of the group (see :func:`check_member_path`), or a part is a file name of
        Zarr itself, or the name of what holds something else than images.
    """
    taken = (*_RESERVED, *_HOLDERS, "OME")
    for part in check_member_path(path).split("/"):
        if part in taken:
            held = _HOLDERS.get(part, "a file of OME-XML" if part == "OME" else "")
            why = f"{part!r} holds {held}" if held else f"{part!r} is a file of Zarr"
            raise PathError(f"{path!r} cannot name an image: {why}")
    return path


def warn_case_collisions(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Warn of new names that differ from others by case only.

    Such names are one directory on Windows and macOS, and two on Linux.

    Parameters
    ----------
    names : iterable of str
        New names.
    known : iterable of str
        All names, which may include the new ones.
    what : str
        What they name, such as ``"row"``.

    Warns
    -----
    NameWarning
        For each such pair.
    """
    folded: dict[str, set[str]] = {}
    for name in known:
        folded.setdefault(name.casefold(), set()).add(name)
    for name in dict.fromkeys(names):
        for other in sorted(folded.get(name.casefold(), set()) - {name}):
            warnings.warn(
                f"the {what} names {other!r} and {name!r} differ by case only and collide on "
                "Windows and macOS",
                NameWarning,
                stacklevel=3,
            )
