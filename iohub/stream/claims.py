"""Whether a stream may begin: not where another one writes, nor where one was killed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from iohub.errors import ConflictError
from iohub.stream.build import FULL
from iohub.stream.journal import is_alive, journals, journals_in, read_header

_DOCUMENTS = ("zarr.json", ".zgroup")


def check_arrays(positions: Iterable[str], name: str = FULL) -> None:
    """Refuse arrays that another stream has begun and not closed.

    Parameters
    ----------
    positions : iterable of str
        Directories of the positions; journals lie there, or in a group above.
    name : str
        Of their arrays.

    Raises
    ------
    ConflictError
        If that stream still runs, or was killed and has not been recovered: what it left in
        reserve would be taken for frames.
    """
    there = [place for place in positions if os.path.isdir(place)]
    wanted = {os.path.join(place, name) for place in there}
    for folder in sorted({group for place in there for group in _groups(place)}):
        for journal in journals_in(folder):
            header = read_header(journal)
            array = header.get("array", FULL)
            theirs = {
                os.path.join(folder, *entry["path"].split("/"), array)
                for entry in header.get("positions", ())
            }
            if taken := sorted(wanted & theirs):
                raise _conflict(journal, taken[0])


def _groups(place: str) -> Iterator[str]:
    """Yield the directory of a group, and those of the groups above it."""
    yield place
    above = os.path.dirname(place)
    while above != place and any(os.path.exists(os.path.join(above, name)) for name in _DOCUMENTS):
        yield above
        place, above = above, os.path.dirname(above)


def check_idle(path: str) -> None:
    """Refuse to replace a dataset into which a stream writes.

    Parameters
    ----------
    path : str
        Of the dataset, as a user says it; one that is no local directory has no journals.

    Raises
    ------
    ConflictError
        If there is such a stream.
    """
    folder = os.path.abspath(os.path.expanduser(path))
    for journal in journals(folder) if os.path.isdir(folder) else ():
        if is_alive(journal):
            raise _conflict(journal, folder)


def replace_files(folder: str, names: Iterable[str]) -> None:
    """Remove journals of killed streams into files that are to be written anew.

    Raises
    ------
    ConflictError
        If a stream into one of these files still runs.
    """
    wanted = set(names)
    for journal in journals_in(folder):
        taken = sorted(wanted & set(read_header(journal).get("files", ())))
        if taken and is_alive(journal):
            raise _conflict(journal, os.path.join(folder, taken[0]))
        if taken:
            with suppress(FileNotFoundError):
                os.unlink(journal)


def _conflict(journal: str, where: str) -> ConflictError:
    if is_alive(journal):
        return ConflictError(f"another stream writes into {where}; close it first")
    return ConflictError(
        f"a stream into {where} was killed, and what it left is not complete: call "
        f"recover_stream({os.path.dirname(journal)!r}), or iohub recover, first"
    )
