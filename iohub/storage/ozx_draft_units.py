"""The directory that becomes an archive, with chunks that lie in the archive already."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from iohub.storage.packed import PackedBytes

if TYPE_CHECKING:
    from iohub.storage.local import LocalBytes
    from iohub.storage.ozx_appending import AppendedUnits


class UnitsDraft(PackedBytes):
    """A directory of which whole chunks and shards may be elsewhere, until their file is wanted.

    Parameters
    ----------
    root : str
        The directory.
    units : AppendedUnits
        What lies elsewhere.
    """

    def __init__(self, root: str, units: AppendedUnits):
        super().__init__(root)
        self.units = units
        self._as_it_is = threading.local()

    def path(self, key: str) -> str:
        """Return the file or directory of a key or a prefix; chunks there become files."""
        plain = not len(self.units) or getattr(self._as_it_is, "said", False)
        if not plain and self.units.wants_files(key):
            self.units.settle()
        return super().path(key)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None if there is none."""
        found = self.units.read(key)
        return super().get(key) if found is None else found

    def get_range(self, key: str, start: int, stop: int | None = None) -> bytes | None:
        """Return a part of the value of a key, None if there is none.

        Parameters
        ----------
        key : str
            Which value.
        start, stop : int
            As in a slice; a negative `start` counts from the end.
        """
        value = self.get(key)
        return None if value is None else value[start:stop]

    def exists(self, path: str) -> bool:
        """Whether there is a key or a directory of this name, be it an empty one."""
        with self._without_files():
            return path in self.units or super().exists(path)

    def lock(self, prefix: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the one writer's lock of a group, across threads and processes."""
        with self._without_files():
            return super().lock(prefix, timeout=timeout)

    def delete_dir(self, prefix: str) -> None:
        """Remove everything below a prefix; no error if it is absent."""
        if self.units.any_below(prefix):
            self.units.settle()
        super().delete_dir(prefix)

    def move(self, source: str, target: str) -> None:
        """Move a key, or everything below a prefix, to a place where nothing is."""
        with self._without_files():
            super().move(source, target)
        self.units.rename(source, target)

    def replace(self, source: str, target: str) -> None:
        """Move a key over another one, which is lost; one atomic step."""
        if self.units.any_below(source) or self.units.any_below(target):
            self.units.settle()
        super().replace(source, target)

    def __reduce__(self) -> tuple[object, ...]:
        self.units.settle()  # another process sees files only
        return super().__reduce__()

    @contextmanager
    def _without_files(self) -> Iterator[None]:
        before = getattr(self._as_it_is, "said", False)
        self._as_it_is.said = True
        try:
            yield
        finally:
            self._as_it_is.said = before


def all_files(store: LocalBytes) -> str:
    """Return the directory of a store, in which everything is a file then."""
    if isinstance(store, UnitsDraft):
        store.units.settle()
    return store.root
