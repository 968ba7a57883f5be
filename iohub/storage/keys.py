"""What a key in a store may look like, and the names that iohub keeps for itself there."""

from __future__ import annotations

import os
import re

from iohub.errors import PathError

OWN_PREFIX = ".__iohub"
"""Start of every name that iohub puts into a store for itself; never listed."""

DRAFT_PREFIX = f"{OWN_PREFIX}-draft-"
"""Start of the names of what is being prepared, by a writer that lives as long as its lock."""

DOCUMENTS = frozenset({"zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata"})
"""Names of Zarr metadata documents, v2 and v3."""

# Empty, "." and ".." segments (so also a slash at either end), backslashes and NUL.
_BAD = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\\\0]" + (r"|:" if os.name == "nt" else ""))


# What zarr calls a store in memory: its address in the process.
_ADDRESS = re.compile(r"memory://\d{9,}$")


def place_name(url: str) -> str:
    """Return the last part of the name of a place, empty for a store in memory without a name.

    Parameters
    ----------
    url : str
        Path, URL, or what a store calls itself, such as ``<FsspecStore(…, /plate.zarr)>``.
    """
    plain = (url.rstrip(")>\"'") if url.endswith(">") else url).rstrip("/\\")
    return "" if _ADDRESS.search(plain) else re.split(r"[/\\]", plain)[-1]


def check_key(key: str) -> str:
    """Return a key as it is if it names something inside the store.

    Parameters
    ----------
    key : str
        Relative, ``/``-separated.

    Raises
    ------
    PathError
        If the key is empty or absolute, has an empty, ``.`` or ``..`` segment, or a backslash.
    """
    if _BAD.search(key):
        raise PathError(
            f"{key!r} is no key: it must be relative and '/'-separated, "
            "without empty, '.' or '..' parts and without backslashes"
        )
    return key


def check_prefix(prefix: str) -> str:
    """Like :func:`check_key`; the empty prefix, which is the whole store, is allowed too."""
    return check_key(prefix) if prefix else prefix


def join(prefix: str, path: str) -> str:
    """Join a prefix and a relative path; either may be empty."""
    return f"{prefix}/{path}" if prefix and path else prefix or path


def parents(path: str) -> list[str]:
    """Every prefix above a path, nearest first, down to ``""``; none for ``""`` itself."""
    found = []
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
