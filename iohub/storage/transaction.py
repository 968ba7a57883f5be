"""Several documents and arrays of a group change together, or not at all.

A transaction prepares everything in a stage inside the group, then commits. On a local store it
survives ``kill -9`` at any moment: before the commit is recorded nothing has changed, afterwards
the edit is completed when the group is next opened for writing. On other stores it keeps errors
from leaving half an edit, but not crashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from iohub.errors import ClosedError, ExistsError, MissingNodeError, PathError, ReadOnlyError
from iohub.storage import hierarchy, journal
from iohub.storage.documents import encode_document, parse_document
from iohub.storage.drafts import Draft, wait_for_writers
from iohub.storage.group import ZarrGroup
from iohub.storage.journal import COMMIT, STAGE, JournalStore, Record
from iohub.storage.keys import OWN_PREFIX, check_key, join, parents

if TYPE_CHECKING:
    from iohub.storage.spec import ArraySpec
    from iohub.types import JsonObject

_GRACE = 1.0  # [s] that whoever moves things holds the lock of all while a short edit ends


class Transaction:
    """An edit of what is below a group, as a context manager.

    The group's lock is held from entering to leaving. Leaving without an error commits; leaving
    with one drops what was prepared, and nothing has changed.

    Paths are relative to the group. What is deleted, moved or replaced is named by where it is
    *before* the edit; documents that are put, and targets of moves, by where they are *after* it.

    Parameters
    ----------
    group : ZarrGroup
        A group that exists and is writable.

    Raises
    ------
    ReadOnlyError
        On entering, if the store is read-only.
    ExistsError
        On entering, if the same group is being edited already; on leaving, if a place that
        something is to take is not vacant.
    LockTimeoutError
        On entering, if another writer holds the group all the time.

    Examples
    --------
    >>> with Transaction(group) as edit:  # doctest: +SKIP
    ...     edit.move("A/1", "B/1")
    ...     edit.put_attrs("", plate_attributes)
    """

    def __init__(self, group: ZarrGroup):
        self._group = group
        self._prefix = group.path
        self._stage = journal.stage_path(group.path)
        self._held = ExitStack()
        self._opened: JournalStore | None = None
        self._out: dict[str, str] = {}
        self._above_out: dict[str, str] = {}
        self._into: dict[str, str] = {}
        self._drafts: list[Draft] = []
        self._last: set[str] = set()
        self._put: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        store = hierarchy.writable(self._group.store)
        if not isinstance(store, JournalStore):
            raise ReadOnlyError(f"{store.url}: a {type(store).__name__} cannot be edited in steps")
        journal.recover_above(store, self._prefix)
        with ExitStack() as held:
            held.enter_context(store.lock(self._prefix))
            key = join(store.url, self._prefix)
            if key in journal.active:
                raise ExistsError(f"an edit of {self._group.url} is open already; finish it first")
            journal.recover(store, self._prefix)
            journal.active.add(key)
            held.callback(journal.active.discard, key)
            self._opened = store
            self._held = held.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._held:
            store = self._store
            try:
                if error is None:
                    self._commit(store)
            finally:
                self._opened = None
                # A record means that the edit is decided: it stays until it is completed.
                staged = store.exists(self._stage)
                decided = staged and store.get(join(self._stage, COMMIT)) is not None
                if staged and not decided:
                    store.delete_dir(self._stage)
                for draft in self._drafts:
                    draft.decided = decided

    # what the edit does

    def put(self, key: str, value: bytes) -> None:
        """Write a document, such as ``"0/zarr.json"``; the last one put under a key counts."""
        self._check_open()
        self._put[check_key(key)] = value

    def put_attrs(self, path: str, attrs: JsonObject, *, source: str | None = None) -> None:
        """Give a group new attributes; other members of its document stay.

        Parameters
        ----------
        path : str
            Where the group is after the edit; ``""`` is the transaction's own group.
        attrs : dict
            All its attributes.
        source : str, optional
            Where it is before the edit, if it is moved. A group that does not exist is created.

        Raises
        ------
        DocumentError
            If the attributes cannot be JSON, or the document on disk is broken.
        """
        store, zarr_format = self._store, self._group.zarr_format
        now = join(self._prefix, path if source is None else source)
        key = join(path, hierarchy.attributes_name(zarr_format))
        where = join(store.url, join(self._prefix, key))
        raw = store.get(join(now, hierarchy.group_name(zarr_format)))
        if zarr_format == 3 and raw is not None:
            document = {**parse_document(raw, where), "attributes": attrs}
            document.pop("consolidated_metadata", None)
            self.put(key, encode_document(document, where, raw))
        elif zarr_format == 2 and raw is not None:
            previous = store.get(join(now, hierarchy.attributes_name(zarr_format)))
            self.put(key, encode_document(attrs, where, previous or b""))
        else:
            for name, value in hierarchy.group_documents(path, zarr_format, attrs):
                self.put(name, value)

    def stage(self, path: str) -> str:
        """Prepare something new, of any kind, that will lie at a path.

        Returns
        -------
        str
            Path in the store, below which to write it before the transaction ends.

        Raises
        ------
        ExistsError
            If something else is to take that place in this edit.
        """
        self._check_open()
        if check_key(path) in self._into.values():
            raise ExistsError(f"two things are to be at {path!r} of {self._group.url}")
        name = f"{STAGE}/in{len(self._into)}"
        self._into[name] = path
        return join(self._prefix, name)

    def stage_array(self, path: str, spec: ArraySpec) -> str:
        """Prepare a new array: its documents are written; its pixels can be, before the end.

        Parameters
        ----------
        path : str
            Where the array will be. If something is there, say so with :meth:`replace`.
        spec : ArraySpec
            What the array is like.

        Returns
        -------
        str
            Path of the array in the store until the transaction ends.
        """
        prefix = self.stage(path)
        for name, value in spec.documents().items():
            self._store.set(join(prefix, name), value)
        return prefix

    def take(self, draft: Draft) -> None:
        """Let what was prepared before take its places; what is there is named by `replace`.

        Parameters
        ----------
        draft : Draft
            Of the same group.

        Raises
        ------
        ExistsError
            If something else is to take one of the places in this edit.
        NotFoundError
            If the group was moved or removed since the draft was begun.
        """
        self._check_open()
        draft.check(self._prefix)
        for source, path in draft.places.items():
            if path in self._into.values():
                raise ExistsError(f"two things are to be at {path!r} of {self._group.url}")
            self._into[source] = path
        self._drafts.append(draft)

    def replace(self, path: str) -> None:
        """Let what is staged or moved take the place of what is at a path, which is deleted.

        Raises
        ------
        MissingNodeError
            If nothing is there.
        """
        self._take_out(path)

    def delete(self, path: str, *, last: bool = True) -> None:
        """Delete what is at a path, with everything below it.

        Parameters
        ----------
        path : str
            Where it is.
        last : bool
            Whether it stays until all else is in place, so that documents never name what is
            gone; not if something is put there.

        Raises
        ------
        MissingNodeError
            If nothing is there.
        """
        self._take_out(path)
        if last:
            self._last.add(path)

    def move(self, source: str, target: str) -> None:
        """Move what is at one path to another, vacant once the others have been moved away.

        Raises
        ------
        MissingNodeError
            If nothing is at `source`.
        ExistsError
            If something else is to take the place `target` in this edit.
        """
        if check_key(target) in self._into.values():
            raise ExistsError(f"two things are to be at {target!r} of {self._group.url}")
        self._into[f"{STAGE}/{self._take_out(source)}"] = target

    # steps

    @property
    def _store(self) -> JournalStore:
        if self._opened is None:
            raise ClosedError("a transaction is used inside its with block only")
        return self._opened

    def _check_open(self) -> None:
        _ = self._store

    def _take_out(self, path: str) -> str:
        full = join(self._prefix, check_key(path))
        if path.startswith(OWN_PREFIX):
            raise PathError(f"{path!r} is not part of the data")
        if not self._store.exists(full):
            raise MissingNodeError(path, self._group.url)
        above = parents(path)
        other = next((taken for taken in (path, *above) if taken in self._out), None)
        other = self._above_out.get(path) if other is None else other
        if other is not None:
            raise ExistsError(f"{path!r} and {other!r} cannot both be moved or deleted at once")
        name = f"out{len(self._out)}"
        self._out[path] = name
        self._above_out.update(dict.fromkeys(above, path))
        return name

    def _commit(self, store: JournalStore) -> None:
        for path in (*self._into.values(), *self._put):
            self._last -= {path, *parents(path)}
        for path in self._into.values():
            gone = {path, *parents(path)} & (self._out.keys() - self._last)
            if not gone and store.exists(join(self._prefix, path)):
                raise ExistsError(f"there is something at {path!r} of {self._group.url} already")
        for path in ("", *self._out, *self._into.values()):
            full = join(self._prefix, path)
            hierarchy.drop_consolidated(store, full, self._group.zarr_format)
        if not self._out and not self._into:
            if not self._put:
                return
            if len(self._put) == 1:
                # One document is atomic by itself.
                for key, value in self._put.items():
                    store.set(join(self._prefix, key), value)
                return
        names = {key: f"put{index}" for index, key in enumerate(self._put)}
        for key, value in self._put.items():
            store.set(join(self._stage, names[key]), value)
        record = Record(
            out=tuple(item for item in self._out.items() if item[0] not in self._last),
            into=tuple(self._into.items()),
            put=tuple((name, key) for key, name in names.items()),
            last=tuple(item for item in self._out.items() if item[0] in self._last),
        )
        store.set(join(self._stage, COMMIT), record.encode())
        try:
            journal.apply(store, self._prefix, record)
        except OSError as error:
            error.add_note(
                f"The edit of {self._group.url} is recorded; it is completed when the group is "
                "next changed or opened for writing."
            )
            raise


@contextmanager
def moving(group: ZarrGroup, paths: Iterable[str]) -> Iterator[Transaction]:
    """Edit a group, once nobody writes in what is to be moved or removed.

    It is waited without the lock, so others may change the group meanwhile.

    Parameters
    ----------
    group : ZarrGroup
        As for :class:`Transaction`.
    paths : iterable of str
        What is to be moved or removed, relative to the group.

    Raises
    ------
    LockTimeoutError
        If someone writes there all the time.
    """
    store = hierarchy.writable(group.store)
    full = [join(group.path, path) for path in paths]
    if isinstance(store, JournalStore):
        wait_for_writers(store, full)
    with Transaction(group) as edit:
        wait_for_writers(edit._store, full, _GRACE)
        yield edit


def recover(group: ZarrGroup) -> bool:
    """Complete an edit of a group that was interrupted; drop one that was not yet decided.

    Returns
    -------
    bool
        Whether an edit was completed.

    Raises
    ------
    ReadOnlyError
        If the group is read-only.
    """
    return journal.recover(hierarchy.writable(group.store), group.path)
