"""What writers that were killed left in a directory: told from what the living still need.

Names of local files and directories only; a store decides when to look.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from contextlib import suppress

from iohub.storage import files, locks
from iohub.storage.keys import DRAFT_PREFIX, OWN_PREFIX

TRASH_PREFIX = f"{OWN_PREFIX}-trash-"
TEMP_PREFIX = f"{OWN_PREFIX}-temp-"

# Unique across the processes and machines that may share a directory, also after a fork.
_SEED = secrets.token_hex(4)
_COUNTER = itertools.count()


def own_name(prefix: str) -> str:
    """Return a name that nobody else uses."""
    return f"{prefix}{_SEED}-{os.getpid():x}-{next(_COUNTER):x}"


def sweep(folder: str, *, older_than: float = 3600.0) -> None:
    """Remove what killed writers left right below a directory.

    Parameters
    ----------
    folder : str
        The directory of a group, whose lock the caller holds.
    older_than : float
        Age [s] from which a temporary file is taken for abandoned. What was being deleted is
        removed at any age, and so is the draft of a writer that is dead.
    """
    limit = time.time() - older_than
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TRASH_PREFIX):
                files.remove(entry.path)
            elif entry.name.startswith(DRAFT_PREFIX):
                drop_dead(entry.path)
            elif entry.name.startswith(TEMP_PREFIX):
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < limit:
                        os.unlink(entry.path)


def has_any(folder: str) -> bool:
    """Whether there is something right below a directory that a killed writer may have left."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return any(name.startswith(f"{OWN_PREFIX}-") for name in names)


def drop_dead(directory: str) -> None:
    """Remove a directory that a writer claimed by its lock, if that writer is dead."""
    with locks.idle_lock(directory) as dead:
        if dead:
            trash = os.path.join(os.path.dirname(directory), own_name(TRASH_PREFIX))
            with suppress(FileNotFoundError):
                os.rename(directory, trash)
                files.remove(trash)


def is_drafted(folder: str) -> bool:
    """Whether a living writer prepares something in the directory of a group."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    for name in names:
        if name.startswith(DRAFT_PREFIX):
            with locks.idle_lock(os.path.join(folder, name)) as dead:
                if not dead:
                    return True
    return False


def drop_strays(path: str, document: str) -> None:
    """Remove what was written at a place after what was there had been moved away.

    Parameters
    ----------
    path : str
        The directory.
    document : str
        Name of the file by which to tell that something is there again; it stays then.
    """
    trash = os.path.join(os.path.dirname(path), own_name(TRASH_PREFIX))
    with suppress(FileNotFoundError, NotADirectoryError):
        os.rename(path, trash)
        if os.path.exists(os.path.join(trash, document)):
            os.rename(trash, path)
        else:
            files.remove(trash)
