"""What a complete store remembers of the conversion that made it, so that positions may follow.

One hidden document in the root of the store, beside the metadata and never in them: archives and
copies made by iohub do not have it. It says nothing of a position that was made anew since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from iohub.metadata.edits_labels import FOLDER as LABELS
from iohub.nodes.tables import FOLDER as TABLES
from iohub.storage.keys import OWN_PREFIX, join

if TYPE_CHECKING:
    from iohub.convert.notes import Note
    from iohub.convert.plan import Plan
    from iohub.storage.protocol import ByteStore, WritableByteStore

NAME: Final = f"{OWN_PREFIX}.conversion.json"
_ARRAYS: Final = ("zarr.json", ".zarray")


class Known(NamedTuple):
    """What is known of a position.

    Attributes
    ----------
    identity : str
        Of its part of the plan.
    state : str
        Of the source when it was converted.
    """

    identity: str
    state: str


class Record(NamedTuple):
    """What a store remembers.

    Attributes
    ----------
    id : str
        Identity of the conversion; empty if there was none.
    positions : mapping of str to list of str
        Identity, state and token of every position that was converted, by its place.
    """

    id: str = ""
    positions: Mapping[str, list[str]] = {}

    def known(self, store: ByteStore, root: str, place: str) -> Known | None:
        """Return what is known of a position, None if it was not converted, or made anew since."""
        noted = self.positions.get(place)
        if noted is None or len(noted) != 3 or noted[2] != _token(store, join(root, place)):
            return None
        return Known(noted[0], noted[1])

    def joined(self, plan: Plan, notes: list[Note], store: ByteStore, root: str) -> Record:
        """Return the record with more positions, which are complete below `root` of a store."""
        new = {
            note.place: [note.identity, note.state, _token(store, join(root, note.place))]
            for note in notes
        }
        return Record(plan.identity, {**self.positions, **new})


def read(store: ByteStore, root: str) -> Record:
    """Return what a store remembers; what is damaged counts as nothing."""
    raw = store.get(join(root, NAME))
    try:
        found: Any = json.loads(raw) if raw is not None else {}
    except ValueError:
        return Record()
    if not isinstance(found, dict) or not isinstance(found.get("positions"), dict):
        return Record()
    return Record(str(found.get("id", "")), found["positions"])


def write(store: WritableByteStore, root: str, record: Record) -> None:
    """Write what a store remembers."""
    store.set(join(root, NAME), json.dumps(record._asdict()).encode())


def _token(store: ByteStore, path: str) -> str:
    """Return what changes when an image is made anew: when its first array's document does."""
    if not store.has_tokens:
        return ""
    for folder in sorted({*store.list_dir(path)[0]} - {LABELS, TABLES}):
        for name in _ARRAYS:
            token = store.token(join(path, f"{folder}/{name}"))
            if token is not None:
                # The last member is the inode, which a copy of the folder changes.
                return repr(token[:2] if isinstance(token, tuple) else token)
    return ""
