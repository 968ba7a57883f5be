"""What is made in a directory, where everything can be changed, and written elsewhere later.

For stores in which nothing can be changed or removed, such as zarr's ``ZipStore``: each key is
written there once. Archives that are opened by their path are in ``ozx_draft.py``.
"""

from __future__ import annotations

import os
import tempfile
import warnings
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from iohub.errors import IohubWarning, ReadOnlyError
from iohub.storage import files
from iohub.storage.keys import DOCUMENTS, join
from iohub.storage.local import LocalBytes

if TYPE_CHECKING:
    from iohub.storage.zarr_bytes import ZarrBytes

_BATCH = 64  # keys that are written, and in memory, at a time


class PackedBytes(LocalBytes, ABC):
    """A directory whose content goes elsewhere when it is finished."""

    @abstractmethod
    def finish(self) -> None:
        """Write everything to where it belongs; a second call does nothing."""

    def __reduce__(self) -> tuple[object, ...]:
        # Another process writes to the same directory; this one finishes.
        return LocalBytes, (self.root, self.read_only)


class StoreDraft(PackedBytes):
    """A temporary directory whose content goes to a store, documents last.

    Parameters
    ----------
    target : ZarrBytes
        Where it goes.
    prefix : str
        What is to be written there lies below it.

    Raises
    ------
    ReadOnlyError
        If there is something at `prefix`: it could not be changed.
    """

    def __init__(self, target: ZarrBytes, prefix: str = ""):
        self._target, self._prefix = target, prefix
        self._check_vacant()
        self._folder = tempfile.mkdtemp(prefix="iohub-")
        super().__init__(os.path.join(self._folder, "store"))
        # The directory lives as long as its arrays are held, be they on their way to dask.
        self._finalizer = weakref.finalize(self, _drop, self._folder, target.url, os.getpid())
        self._finished = False

    @property
    def url(self) -> str:
        """What the target calls itself."""
        return self._target.url

    def finish(self) -> None:
        """Write everything to the target; a second call does nothing.

        Raises
        ------
        ReadOnlyError
            If someone else has written there meanwhile.
        OSError, ValueError
            As the target raises them; what was to be written stays where the error says.
        """
        if self._finished:
            return
        try:
            self._check_vacant()
            # Documents last, those of the root after all: what looks whole is whole.
            keys = sorted(
                _keys(self, ""), key=lambda key: (_is_document(key), -key.count("/"), key)
            )
            for start in range(0, len(keys), _BATCH):
                batch = [(key, self.get(key) or b"") for key in keys[start : start + _BATCH]]
                self._target.set_many(batch)
        except BaseException as error:
            self._finalizer.detach()
            error.add_note(f"What was to be written to {self.url} is kept in {self.root}.")
            raise
        self._finished = True
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _drop, self._folder, "", os.getpid())

    def _check_vacant(self) -> None:
        if self._target.exists(self._prefix):
            kind = type(self._target.store).__name__
            raise ReadOnlyError(
                f"{join(self._target.url, self._prefix)}: what is in a {kind} can be neither "
                "changed nor removed, and it is not empty: open it with mode='r', or write a "
                "directory and make an archive of that (shutil.make_archive)"
            )


def _is_document(key: str) -> bool:
    return key.rpartition("/")[2] in DOCUMENTS


def _keys(store: LocalBytes, prefix: str) -> Iterator[str]:
    """Return all keys; what is only iohub's own is none."""
    folders, names = store.list_dir(prefix)
    yield from (join(prefix, name) for name in names)
    for folder in folders:
        yield from _keys(store, join(prefix, folder))


def _drop(folder: str, unwritten: str, owner: int) -> None:
    """Remove the directory, saying so if its content went nowhere."""
    if os.getpid() != owner:
        return  # a forked child ends before its parent does
    lost = bool(unwritten) and os.path.isdir(os.path.join(folder, "store"))
    files.remove(folder)
    if lost:
        warnings.warn(
            f"{unwritten} was never closed, so nothing was written to it; call close(), or use "
            "'with open_ome_zarr(...) as node:'",
            IohubWarning,
            stacklevel=2,
        )
