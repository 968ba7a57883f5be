"""What every node has in common with a mapping; which children there are, a node says itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from iohub.errors import ArgumentError, MissingNodeError, PathError

if TYPE_CHECKING:
    from iohub.nodes.session import Session


class Children:
    """A mapping of names to children: rows of a plate, wells of a row, images of a position."""

    _session: Session

    @abstractmethod
    def _names(self) -> list[str]:
        """Keys of the children, from the metadata."""

    @abstractmethod
    def __getitem__(self, key: Any) -> Any:
        """Get a child."""

    def __contains__(self, key: object) -> bool:
        try:
            self[key]
        except (MissingNodeError, PathError, ArgumentError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __bool__(self) -> bool:
        return True

    def keys(self) -> list[str]:
        """Names of the children, as the metadata have them."""
        return self._names()

    def values(self) -> Iterator[Any]:
        """Return a generator over the children.

        One that is listed but missing or unreadable is an error, as it is by its name; where
        there is a generator of their kind, such as ``positions()``, that one passes it over with
        a warning.
        """
        return (child for _, child in self.items())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return a generator over name and value of the children; see :meth:`values`."""
        for name in self._names():
            yield name, self[name]

    def get(self, key: Any, default: Any = None) -> Any:
        """Get what a key names, as in ``node[key]``, or `default` if there is none.

        Parameters
        ----------
        key : str, int or tuple
            A name, a path, or its parts.
        default : optional
            What to return for a key that names nothing.
        """
        try:
            return self[key]
        except (MissingNodeError, PathError):
            return default

    def _ipython_key_completions_(self) -> list[str]:
        return [] if self._session.closed else self._names()
