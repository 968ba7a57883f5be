"""A local store that counts what is asked of it: speed is tested by operations, not by the clock.

It sees documents, listings and encoded chunks. An engine that opens files itself (TensorStore)
passes it by with pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import NamedTuple

from iohub.storage.keys import DOCUMENTS
from iohub.storage.local import LocalBytes
from iohub.types import PathLikeStr

READS = ("get", "list")
"""Operations that read something; a ``stat`` of a known document is none of them."""

WRITES = ("set", "delete", "delete_dir", "move", "replace", "copy")
"""Operations that change something."""


class Operation(NamedTuple):
    """One thing that was asked of a store.

    Attributes
    ----------
    kind : str
        One of :data:`READS`, :data:`WRITES` or ``"stat"``.
    key : str
        Of what; for two keys the one that is changed.
    """

    kind: str
    key: str

    @property
    def is_document(self) -> bool:
        """Whether it is about a document of a group or an array."""
        return self.key.rpartition("/")[2] in DOCUMENTS


class CountingBytes(LocalBytes):
    """A local store that notes every operation, to be passed to ``open_ome_zarr``.

    Parameters
    ----------
    root : path-like
        The directory.
    read_only : bool
        Refuse every write.
    operations : list of Operation, optional
        Where operations are noted; a list of its own if not given.

    Examples
    --------
    >>> store = CountingBytes("plate.zarr")
    >>> plate = open_ome_zarr(store)
    >>> store.clear()
    >>> plate["A/1/0"].shape
    >>> store.reads
    2
    """

    def __init__(
        self,
        root: PathLikeStr,
        read_only: bool = False,
        operations: list[Operation] | None = None,
    ):
        super().__init__(root, read_only)
        self.operations: list[Operation] = [] if operations is None else operations

    def with_read_only(self, read_only: bool = True) -> CountingBytes:
        """Return the same directory, counted in the same list."""
        return CountingBytes(self.root, read_only, self.operations)

    # ---- what was counted ---------------------------------------------------------------------

    @property
    def reads(self) -> int:
        """Number of values read and directories listed."""
        return sum(operation.kind in READS for operation in self.operations)

    @property
    def writes(self) -> int:
        """Number of changes."""
        return sum(operation.kind in WRITES for operation in self.operations)

    def keys(self, *kinds: str) -> list[str]:
        """Return the keys of some kinds of operations, in order.

        Parameters
        ----------
        *kinds : str
            Such as ``"get"``; all if none is given.
        """
        return [key for kind, key in self.operations if not kinds or kind in kinds]

    def repeated(self, *kinds: str) -> dict[str, int]:
        """Return the keys of some kinds of operations that came more than once, with how often."""
        return {key: count for key, count in Counter(self.keys(*kinds)).items() if count > 1}

    def clear(self) -> None:
        """Forget what was counted."""
        self.operations.clear()

    # ---- what is counted ----------------------------------------------------------------------

    def _note(self, kind: str, key: str) -> None:
        self.operations.append(Operation(kind, key))

    def get_with_token(self, key: str) -> tuple[bytes, Hashable] | None:
        """Count and read a value; every way to read one comes here."""
        self._note("get", key)
        return super().get_with_token(key)

    def token(self, key: str) -> Hashable | None:
        """Count and look at a key."""
        self._note("stat", key)
        return super().token(key)

    def size(self, key: str) -> int | None:
        """Count and look at a key."""
        self._note("stat", key)
        return super().size(key)

    def exists(self, path: str) -> bool:
        """Count and look at a path."""
        self._note("stat", path)
        return super().exists(path)

    def list_dir(self, prefix: str) -> tuple[list[str], list[str]]:
        """Count and list."""
        self._note("list", prefix)
        return super().list_dir(prefix)

    def set_with_token(self, key: str, value: bytes | memoryview) -> Hashable:
        """Count and store; every way to store a value comes here."""
        self._note("set", key)
        return super().set_with_token(key, value)

    def delete(self, key: str) -> None:
        """Count and remove."""
        self._note("delete", key)
        super().delete(key)

    def delete_dir(self, prefix: str) -> None:
        """Count and remove."""
        self._note("delete_dir", prefix)
        super().delete_dir(prefix)

    def move(self, source: str, target: str) -> None:
        """Count and move."""
        self._note("move", target)
        super().move(source, target)

    def replace(self, source: str, target: str) -> None:
        """Count and move over something."""
        self._note("replace", target)
        super().replace(source, target)
