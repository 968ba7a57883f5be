"""Where an OME-TIFF is written before it takes its place: a hidden folder beside the destination.

One call at a time writes there. What a killed one has left is used by the next, file by file of a
set, or removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from iohub.errors import ExistsError
from iohub.storage import files, locks, settings
from iohub.storage.ozx_writing import publish


@contextmanager
def prepared(target: str, *, split: bool, replace: bool) -> Iterator[str]:
    """Yield a path to write to; what is there at the end takes its place.

    Parameters
    ----------
    target : str
        The destination; absolute.
    split : bool
        Whether it is a directory, which goes on from what a killed call has left.
    replace : bool
        Whether a file at the destination is replaced.

    Raises
    ------
    ExistsError
        If another process writes to the same destination, or has made it meanwhile.
    """
    folder, name = os.path.split(target)
    hidden = os.path.join(folder, f".{name}.iohub-convert")
    files.make_folder(folder)
    with locks.idle_lock(hidden) as mine:
        if not mine:
            raise ExistsError(f"another process writes to {target}; wait until it is done")
        made = os.path.join(hidden, name)
        for other in os.listdir(hidden):
            if not (split and os.path.join(hidden, other) in (made, f"{made}.part")):
                files.remove(os.path.join(hidden, other))
        if os.path.isdir(made):  # complete, but its source may have changed
            files.remove(made)
        try:
            yield made
            _take_place(made, target, split=split, replace=replace)
            files.remove(f"{made}.part")
        finally:
            files.remove(made)
            # Not empty: files of a set that are complete.
            with suppress(OSError):
                os.rmdir(hidden)


def _take_place(made: str, target: str, *, split: bool, replace: bool) -> None:
    if not split:
        durable = settings.get_options().durability == "power"
        publish(made, target, replace=replace, durable=durable)
        return
    try:
        os.rename(made, target)
    except OSError as error:
        if os.path.lexists(target):
            raise ExistsError(f"someone else has made {target} meanwhile") from error
        raise
