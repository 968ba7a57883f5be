"""Which libraries with threads of their own were used before a fork, and so cannot be used after.

A forked child has only the forking thread: TensorStore's and Rayon's thread pools are gone there
and a call that needs them would wait for ever.
"""

from __future__ import annotations

import os

from iohub.errors import ForkError

_used_in: dict[str, int] = {}


def mark_used(library: str) -> None:
    """Note that a library has started its threads in this process.

    Parameters
    ----------
    library : str
        Its name.

    Raises
    ------
    ForkError
        If they were started in a parent of this process.
    """
    if lost(library):
        raise ForkError(
            f"{library} was used before this process was forked, and its threads do not survive "
            "that: start processes with 'spawn' or 'forkserver', or use it only in the child"
        )
    _used_in[library] = os.getpid()


def lost(library: str) -> bool:
    """Whether a library's threads were lost in a fork.

    Parameters
    ----------
    library : str
        Its name.
    """
    return _used_in.get(library, os.getpid()) != os.getpid()
