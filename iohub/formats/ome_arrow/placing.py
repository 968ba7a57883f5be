"""A file of records that appears when it is complete, and what killed writers of one left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from iohub.storage import files, locks, settings
from iohub.storage.keys import DRAFT_PREFIX
from iohub.storage.leftovers import own_name, sweep
from iohub.storage.ozx_writing import publish


@contextmanager
def placed(path: str | os.PathLike[str], *, replace: bool = True) -> Iterator[str]:
    """Yield the path of a new file, which takes its place at the end.

    It is written in a hidden folder that this process claims, so that the next writer to the same
    folder sees whether this one is dead, and removes what it left.

    Parameters
    ----------
    path : path-like
        The file.
    replace : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ExistsError
        If there is a file at the end that is not to be replaced.
    """
    target = os.path.abspath(path)
    folder, name = os.path.split(target)
    files.make_folder(folder)
    sweep(folder)
    draft = os.path.join(folder, own_name(DRAFT_PREFIX))
    durable = settings.get_options().durability == "power"
    try:
        with locks.claimed_directory(draft):
            made = os.path.join(draft, name)
            yield made
            if durable:
                files.sync(made)
            publish(made, target, replace=replace, durable=durable)
    finally:
        with suppress(FileNotFoundError):
            files.remove(draft)
