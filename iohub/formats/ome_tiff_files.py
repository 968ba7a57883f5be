"""Files of a set that is being written: which are complete, so that the next call goes on."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from iohub.storage.keys import OWN_PREFIX

_JOURNAL: Final = f"{OWN_PREFIX}.files.json"


class FileJournal:
    """Which files of a directory are complete, and of which images.

    Parameters
    ----------
    folder : str
        The directory; nobody else writes there.
    marks : sequence of str, optional
        For each image a text that changes with its pixels, metadata and encoding. Without them
        nothing is ever known to be complete.
    """

    def __init__(self, folder: str, marks: Sequence[str] | None):
        self._path, self._folder, self._marks = os.path.join(folder, _JOURNAL), folder, marks
        self._known: dict[str, list[object]] = {}
        if marks is not None:
            with suppress(FileNotFoundError, ValueError), open(self._path, "rb") as file:
                found = json.loads(file.read())
                self._known = found if isinstance(found, dict) else {}

    def urn(self, number: int) -> str:
        """Return the identifier of the file of an image; the same in the call that goes on."""
        made = uuid.uuid4()
        if self._marks is not None:
            made = uuid.uuid5(uuid.NAMESPACE_OID, f"iohub {self._marks[number]}")
        return f"urn:uuid:{made}"

    def drop_others(self, names: Sequence[str]) -> None:
        """Remove files that are not of the set, and such that were not completed."""
        for name in os.listdir(self._folder):
            if name != _JOURNAL and not (name in names and self.is_complete(name, names)):
                os.unlink(os.path.join(self._folder, name))

    def is_complete(self, name: str, names: Sequence[str]) -> bool:
        """Whether a file is complete, of the image as it is now, and as it was left."""
        if self._marks is None or name not in self._known:
            return False
        mark = self._marks[names.index(name)]
        return self._known[name] == [mark, *_state(os.path.join(self._folder, name))]

    def note(self, number: int, name: str) -> None:
        """Note that a file is complete."""
        if self._marks is None:
            return
        state = _state(os.path.join(self._folder, name))
        self._known[name] = [self._marks[number], *state]
        _replace(self._path, self._known)

    def end(self) -> None:
        """Remove the journal: the set is complete."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)


def _state(path: str) -> list[int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _replace(path: str, value: Mapping[str, object]) -> None:
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(f"{path}.new", path)
