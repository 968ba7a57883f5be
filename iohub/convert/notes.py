"""The journal of a conversion: what it is to make, and which parts of it are done.

One small document for each position, replaced as a whole; no pixel and no metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from iohub.storage.keys import join

if TYPE_CHECKING:
    from iohub.storage.protocol import WritableByteStore

_SETTINGS = "settings.json"
_ROOT = "root"


@dataclass(frozen=True)
class Note:
    """What is known of one position.

    Attributes
    ----------
    place : str
        Path in the destination.
    identity : str
        Of the plan that it was begun by.
    order : int
        Its number among all positions of the source.
    acquisition : int or None
        Of the plate that it belongs to.
    done : mapping of str to str
        Stamps of the parts that are done, by job and part.
    complete : bool
        Whether all parts and the metadata are written.
    state : str
        Of the source when it was converted, once that is complete.
    """

    place: str
    identity: str
    order: int
    acquisition: int | None = None
    done: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    state: str = ""

    def with_part(self, key: str, stamp: str) -> Note:
        """Return the note with one more part done."""
        return replace(self, done={**self.done, key: stamp})

    def finished(self, state: str) -> Note:
        """Return the note of a position that is complete, made of a source in some state."""
        return replace(self, complete=True, state=state)


class Notes:
    """The journal.

    Parameters
    ----------
    store : WritableByteStore
        Where it lies.
    prefix : str
        Path in it.
    """

    def __init__(self, store: WritableByteStore, prefix: str):
        self._store, self._prefix = store, prefix

    def settings(self) -> dict[str, Any]:
        """Return what holds for all positions; empty if nothing was begun."""
        return self._read(_SETTINGS)

    def put_settings(self, settings: Mapping[str, Any]) -> None:
        """Write what holds for all positions."""
        self._write(_SETTINGS, dict(settings))

    def get(self, place: str) -> Note | None:
        """Return what is known of a position, None if it was not begun."""
        found = self._read(self._name(place))
        return Note(**found) if found else None

    def put(self, note: Note) -> None:
        """Write what is known of a position."""
        self._write(self._name(note.place), vars(note))

    def all(self) -> list[Note]:
        """Return what is known of all positions, in the order of the source."""
        _, names = self._store.list_dir(join(self._prefix, "positions"))
        found = [
            self.get("" if name == f"{_ROOT}.json" else unquote(name[: -len(".json")])[1:])
            for name in names
            if name.endswith(".json")
        ]
        return sorted((note for note in found if note is not None), key=lambda note: note.order)

    @staticmethod
    def _name(place: str) -> str:
        # The sign in front keeps every name apart from that of the root, and from hidden ones.
        return f"positions/{quote(f'={place}', safe='=') if place else _ROOT}.json"

    def claim(self, place: str) -> str:
        """Return a path in the store whose lock stands for a position."""
        return join(self._prefix, f"claims/{quote(f'={place}', safe='=') if place else _ROOT}")

    def _read(self, name: str) -> dict[str, Any]:
        raw = self._store.get(join(self._prefix, name))
        try:
            found = json.loads(raw) if raw is not None else {}
        except ValueError:
            return {}  # cut short by a failing disk: as if it had not been begun
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        self._store.set(join(self._prefix, name), json.dumps(value).encode())
