"""Keys of nodes: what stands in the brackets of ``plate["A/1/0"]``; it knows no node."""

from __future__ import annotations

from numbers import Integral

from iohub.errors import ArgumentError
from iohub.nodes.arguments import shown


def split_key(key: object) -> list[str]:
    """Split "A/1/0" or ("A", 1, 0) or 0 into names.

    Parameters
    ----------
    key : str, int or tuple of them
        A name, a path or a number; or several.

    Raises
    ------
    ArgumentError
        If it is anything else; a :class:`TypeError`.
    """
    parts = key if isinstance(key, tuple) else (key,)
    names: list[str] = []
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, str | Integral):
            raise ArgumentError(f"keys are names, paths or integers, not {shown(key)}")
        names += [name for name in str(part).split("/") if name]
    return names
