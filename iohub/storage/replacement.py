"""Everything in a group replaced by another group that was prepared inside it, all at once."""

from __future__ import annotations

from iohub.errors import ReadOnlyError
from iohub.storage import hierarchy, journal
from iohub.storage.journal import COMMIT, STAGE, JournalStore, Record
from iohub.storage.keys import DOCUMENTS, check_key, join
from iohub.storage.protocol import ByteStore


def replace_content(store: ByteStore, prefix: str, partial: str) -> None:
    """Let what was prepared take the place of everything in a group.

    On a local store this survives a kill at any moment: what was there stays until all is decided,
    and then the rest happens when the group is next opened for writing.

    Parameters
    ----------
    store : ByteStore
        The bytes.
    prefix : str
        The group.
    partial : str
        What :func:`~iohub.storage.drafts.draft_path` gave.

    Raises
    ------
    ReadOnlyError
        If the store cannot be edited.
    PathError
        If a name of what is there is none that a store can have; nothing has changed then.
    LockTimeoutError
        If another writer holds the group all the time.
    """
    target = hierarchy.writable(store)
    if not isinstance(target, JournalStore):
        raise ReadOnlyError(f"{store.url}: a {type(store).__name__} cannot be edited in steps")
    stage = journal.stage_path(prefix)
    with target.lock(prefix):
        journal.recover(target, prefix, sweep=False)  # nobody holds what was prepared
        folders, names = target.list_dir(partial)
        # Documents replace those of the same name: at no moment is there none.
        put = [name for name in names if name in DOCUMENTS]
        into = [name for name in (*folders, *names) if name not in put]
        old = [name for part in target.list_dir(prefix) for name in part if name not in put]
        record = Record(
            out=tuple((check_key(name), f"out{index}") for index, name in enumerate(old)),
            into=tuple((f"{STAGE}/in/{name}", name) for name in into),
            put=tuple((f"in/{name}", name) for name in put),
        )
        target.move(partial, join(stage, "in"))
        target.set(join(stage, COMMIT), record.encode())
        journal.apply(target, prefix, record)
