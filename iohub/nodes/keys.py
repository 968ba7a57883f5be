"""Keys of nodes: what stands in the brackets of ``plate["A/1/0"]``; it knows no node."""

from __future__ import annotations


def split_key(key: object) -> list[str]:
    """Split "A/1/0" or ("A", 1, 0) or 0 into names.

    Parameters
    ----------
    key : str, int or tuple of them
        A name, a path or a number; or several.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    parts = key if isinstance(key, tuple) else (key,)
    names: list[str] = []
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, str | int):
            raise TypeError(f"keys are names, paths or integers, not {key!r}")
        names += [name for name in str(part).split("/") if name]
    return names
