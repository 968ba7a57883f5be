"""Attributes of a node as a mapping that writes through; no cache of its own.

Every change, at any depth, is applied to the document as it is on disk at that moment, under the
group's lock, so nothing another handle wrote is lost and no nested edit is dropped.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex

import numpy as np

from iohub.errors import ReadOnlyError

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore
    from iohub.types import JsonObject

_Path = tuple[Any, ...]
_Apply = Callable[[_Path, Callable[[Any], Any]], Any]


def plain(value: Any) -> Any:
    """Return JSON as plain dicts, lists, and Python's own numbers; a deep copy."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return copy.copy(value)


def _live(value: Any, path: _Path, apply: _Apply) -> Any:
    """Wrap containers so that their mutators write through."""
    if isinstance(value, dict):
        return LiveDict(value, path, apply)
    if isinstance(value, list):
        return LiveList(value, path, apply)
    return value


class LiveDict(dict[str, Any]):
    """A JSON object inside the attributes; changing it changes the file."""

    def __init__(self, value: Mapping[str, Any], path: _Path, apply: _Apply):
        super().__init__({k: _live(v, (*path, k), apply) for k, v in value.items()})
        self._path, self._apply = path, apply

    def _change(self, change: Callable[[dict[str, Any]], Any]) -> Any:
        result, now = self._apply(self._path, change)
        super().clear()
        for key, item in now.items():
            super().__setitem__(key, _live(item, (*self._path, key), self._apply))
        return result

    def __setitem__(self, key: str, value: Any) -> None:
        self._change(lambda node: node.__setitem__(key, plain(value)))

    def __delitem__(self, key: str) -> None:
        self._change(lambda node: node.__delitem__(key))

    def __ior__(self, other: Any) -> LiveDict:  # type: ignore[override,misc]  # dict's overloads
        self.update(other)
        return self

    def clear(self) -> None:
        """Remove every item."""
        self._change(lambda node: node.clear())

    def pop(self, *args: Any) -> Any:
        """Remove a key and return its value."""
        return self._change(lambda node: node.pop(*args))

    def popitem(self) -> tuple[str, Any]:
        """Remove the last item and return it."""
        item: tuple[str, Any] = self._change(lambda node: node.popitem())
        return item

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, storing a default first if it is absent."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys with one write."""
        new = plain(dict(*args, **kwargs))
        self._change(lambda node: node.update(new))

    def __copy__(self) -> dict[str, Any]:
        return dict(plain(self))

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        return dict(plain(self))

    def copy(self) -> dict[str, Any]:
        """Return a plain copy, no longer bound to the file."""
        return dict(plain(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (plain(self),)


class LiveList(list[Any]):
    """A JSON array inside the attributes; changing it changes the file."""

    def __init__(self, value: Iterable[Any], path: _Path, apply: _Apply):
        super().__init__(_live(v, (*path, i), apply) for i, v in enumerate(value))
        self._path, self._apply = path, apply

    def _change(self, change: Callable[[list[Any]], Any]) -> Any:
        result, now = self._apply(self._path, change)
        super().__setitem__(
            slice(None), [_live(v, (*self._path, i), self._apply) for i, v in enumerate(now)]
        )
        return result

    def __setitem__(self, index: Any, value: Any) -> None:
        self._change(lambda node: node.__setitem__(index, plain(value)))

    def __delitem__(self, index: Any) -> None:
        self._change(lambda node: node.__delitem__(index))

    def __iadd__(self, other: Iterable[Any]) -> LiveList:  # type: ignore[misc]  # list's overloads
        self.extend(other)
        return self

    def __imul__(self, value: SupportsIndex) -> LiveList:
        self._change(lambda node: node.__imul__(value))
        return self

    def append(self, value: Any) -> None:
        """Add an item at the end."""
        self._change(lambda node: node.append(plain(value)))

    def extend(self, values: Iterable[Any]) -> None:
        """Add items at the end."""
        new = plain(list(values))
        self._change(lambda node: node.extend(new))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Add an item before an index."""
        self._change(lambda node: node.insert(index, plain(value)))

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Remove an item and return it."""
        return self._change(lambda node: node.pop(index))

    def remove(self, value: Any) -> None:
        """Remove the first item equal to a value."""
        self._change(lambda node: node.remove(value))

    def clear(self) -> None:
        """Remove every item."""
        self._change(lambda node: node.clear())

    def reverse(self) -> None:
        """Reverse the order."""
        self._change(lambda node: node.reverse())

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sort the items."""
        self._change(lambda node: node.sort(key=key, reverse=reverse))

    def __copy__(self) -> list[Any]:
        return list(plain(self))

    def __deepcopy__(self, memo: Any) -> list[Any]:
        return list(plain(self))

    def copy(self) -> list[Any]:
        """Return a plain copy, no longer bound to the file."""
        return list(plain(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (plain(self),)


class HasAttributes(Protocol):
    """A group or an array that has attributes."""

    @property
    def path(self) -> str:
        """Path in the store."""

    @property
    def store(self) -> ByteStore:
        """The bytes below."""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""

    def attrs(self) -> JsonObject:
        """Attributes as they are on disk now."""

    def edit_attrs(self, edit: Callable[[JsonObject], JsonObject]) -> JsonObject:
        """Read, change and write the attributes under a lock."""


class Attributes(MutableMapping[str, Any]):
    """Attributes of a group or an array: a mapping that reads what is on disk and writes through.

    Parameters
    ----------
    group : HasAttributes
        The group or array whose attributes they are.

    Examples
    --------
    >>> node.zattrs["note"] = {"by": "me"}
    >>> node.zattrs["note"]["by"] = "you"  # saved as well
    """

    def __init__(self, group: HasAttributes):
        self._group = group

    def within(self, key: str) -> LiveDict:
        """Return the object under a key; one that is absent is made by the first change in it."""
        return LiveDict(self._group.attrs().get(key) or {}, (key,), partial(self._edit, made=key))

    def _edit(
        self, path: _Path, change: Callable[[Any], Any], made: str | None = None
    ) -> tuple[Any, Any]:
        if self._group.read_only:
            raise ReadOnlyError(
                f"attributes of {self._group.path or '/'!r} in {self._group.store.url} are open "
                "for reading only; open with mode='r+' to change them"
            )
        found: list[Any] = []

        def edit(attrs: JsonObject) -> JsonObject:
            new: JsonObject = plain(attrs)
            node: Any = new
            for step in path:
                if step == made and node is new:
                    node.setdefault(step, {})
                node = node[step]
            found[:] = [change(node), node]
            return new

        self._group.edit_attrs(edit)
        return found[0], found[1]

    def __getitem__(self, key: str) -> Any:
        return _live(self._group.attrs()[key], (key,), self._edit)

    def __setitem__(self, key: str, value: Any) -> None:
        self._edit((), lambda node: node.__setitem__(key, plain(value)))

    def __delitem__(self, key: str) -> None:
        self._edit((), lambda node: node.__delitem__(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._group.attrs())

    def __len__(self) -> int:
        return len(self._group.attrs())

    def __contains__(self, key: object) -> bool:
        return key in self._group.attrs()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys with one write."""
        new = plain(dict(*args, **kwargs))
        self._edit((), lambda node: node.update(new))

    def put(self, value: Mapping[str, Any]) -> None:
        """Replace all attributes by a mapping."""

        def replace(node: dict[str, Any]) -> None:
            node.clear()
            node.update(plain(value))

        self._edit((), replace)

    def asdict(self) -> JsonObject:
        """Return a plain copy of all attributes."""
        return dict(plain(self._group.attrs()))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return repr(self.asdict())
