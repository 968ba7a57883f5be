"""Attributes of a node as a mapping that writes through; no cache of its own.

Every change, at any depth, is applied to the document as it is on disk at that moment, under the
group's lock, so nothing another handle wrote is lost and no nested edit is dropped. Members of
objects are found by name; an object in a list by its label, path or name, if one alone has it. Any
other item of a list that is no longer as it was read is an error.
"""

from __future__ import annotations

import copy
import json
import reprlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex

import numpy as np

from iohub.errors import ConflictError, ReadOnlyError
from iohub.storage.virtual import how_to_write

if TYPE_CHECKING:
    from iohub.storage.protocol import ByteStore
    from iohub.types import JsonObject

    _Edit = Callable[[JsonObject], tuple[Any, Any]]

_NAMING = ("label", "path", "name")


def plain(value: Any) -> Any:
    """Return JSON as plain dicts, lists, and Python's own numbers; a deep copy."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return copy.copy(value)


def _names(item: Any) -> JsonObject:
    """Return the members of an object that tell it from others in a list."""
    if not isinstance(item, dict):
        return {}
    return {name: item[name] for name in _NAMING if isinstance(item.get(name), str)}


class _Live:
    """A container inside the attributes: which one it stands for, and how it is changed.

    An item of a list has no name of its own. So that nothing is changed that was never looked at,
    it must be in the file as it was read; what is changed by its place in a list likewise.
    """

    _parent: _Live | Attributes
    _key: Any

    def _find(self, document: JsonObject) -> Any:
        """Return the container in a document that this one stands for."""
        try:
            node = self._parent._find(document)[self._key]
        except (LookupError, TypeError) as error:
            raise self._changed() from error
        if not isinstance(node, dict if isinstance(self, dict) else list):
            raise self._changed()
        if isinstance(self._key, int) and not self._is_named(node, document):
            self._check_same(node)
        return node

    def _is_named(self, node: Any, document: JsonObject) -> bool:
        """Whether names tell that an object of a list is the one that was read.

        Its other members may have been changed meanwhile, such as the window of a channel.
        """
        mine = _names(self)
        every = [_names(item) for item in self._parent._find(document)]
        return bool(mine) and _names(node) == mine and every.count(mine) == 1

    def _check_same(self, node: Any) -> None:
        mine = plain(self)
        # As text a NaN equals itself.
        if node != mine and json.dumps(node) != json.dumps(mine):
            raise self._changed()

    def _changed(self) -> ConflictError:
        return ConflictError(
            f"{reprlib.repr(plain(self))} is no longer in the attributes where it was read: they "
            "were changed meanwhile, and nothing was written; read it again"
        )

    def _change(self, change: Callable[[Any], Any], *, by_place: bool = False) -> Any:
        def edit(document: JsonObject) -> tuple[Any, Any]:
            node = self._find(document)
            if by_place:
                self._check_same(node)
            return change(node), node

        result, now = self._write(edit)
        self._hold(now)
        self._parent._keep(self._key, self)
        return result

    def _write(self, edit: _Edit) -> tuple[Any, Any]:
        return self._parent._write(edit)

    def _held(self, key: Any, value: Any) -> Any:
        """Wrap an item so that its mutators write through."""
        if isinstance(value, dict):
            return LiveDict(value, self, key)
        if isinstance(value, list):
            return LiveList(value, self, key)
        return value

    @abstractmethod
    def _hold(self, now: Any) -> None:
        """Take over what is in the file now."""

    @abstractmethod
    def _keep(self, key: Any, child: _Live) -> None:
        """Take over what a child says of itself now."""


class LiveDict(_Live, dict[str, Any]):
    """A JSON object inside the attributes; changing it changes the file."""

    def __init__(self, value: Mapping[str, Any], parent: _Live | Attributes, key: Any):
        super().__init__()
        self._parent, self._key = parent, key
        self._hold(value)

    def _hold(self, now: Mapping[str, Any]) -> None:
        super().clear()
        super().update({key: self._held(key, item) for key, item in now.items()})

    def _keep(self, key: Any, child: _Live) -> None:
        super().__setitem__(key, child)

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


class LiveList(_Live, list[Any]):
    """A JSON array inside the attributes; changing it changes the file."""

    def __init__(self, value: Iterable[Any], parent: _Live | Attributes, key: Any):
        super().__init__()
        self._parent, self._key = parent, key
        self._hold(value)

    def _hold(self, now: Iterable[Any]) -> None:
        super().__setitem__(
            slice(None), [self._held(index, item) for index, item in enumerate(now)]
        )

    def _keep(self, key: Any, child: _Live) -> None:
        if key < len(self):  # an item of before may lie behind the end of what is held now
            super().__setitem__(key, child)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._change(lambda node: node.__setitem__(index, plain(value)), by_place=True)

    def __delitem__(self, index: Any) -> None:
        self._change(lambda node: node.__delitem__(index), by_place=True)

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
        self._change(lambda node: node.insert(index, plain(value)), by_place=True)

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Remove an item and return it."""
        return self._change(lambda node: node.pop(index), by_place=True)

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
    within : tuple of str
        Keys that lead to the object which is meant, if it is not all of them.

    Examples
    --------
    >>> node.zattrs["note"] = {"by": "me"}
    >>> node.zattrs["note"]["by"] = "you"  # saved as well
    """

    def __init__(self, group: HasAttributes, within: tuple[str, ...] = ()):
        self._group, self._within = group, within

    def within(self, key: str) -> Attributes:
        """Return the object under a key; one that is absent is made by the first change in it."""
        return Attributes(self._group, (*self._within, key))

    def _read(self) -> JsonObject:
        found = self._group.attrs()
        for step in self._within:
            found = found.get(step) or {}
        return found

    def _find(self, document: JsonObject) -> Any:
        for step in self._within:
            if not document.get(step):
                document[step] = {}
            document = document[step]
        return document

    def _keep(self, key: Any, child: _Live) -> None:
        """Nothing is held here."""

    def _write(self, edit: _Edit) -> tuple[Any, Any]:
        if self._group.read_only:
            raise ReadOnlyError(
                f"attributes of {self._group.path or '/'!r} in {self._group.store.url} are open "
                f"for reading only; {how_to_write(self._group.store)}"
            )
        found: list[Any] = []

        def write(attrs: JsonObject) -> JsonObject:
            new: JsonObject = plain(attrs)
            found[:] = edit(new)
            return new

        self._group.edit_attrs(write)
        return found[0], found[1]

    def _change(self, change: Callable[[Any], Any]) -> None:
        self._write(lambda document: (change(self._find(document)), None))

    def __getitem__(self, key: str) -> Any:
        value = self._read()[key]
        if isinstance(value, dict):
            return LiveDict(value, self, key)
        return LiveList(value, self, key) if isinstance(value, list) else value

    def __setitem__(self, key: str, value: Any) -> None:
        self._change(lambda node: node.__setitem__(key, plain(value)))

    def __delitem__(self, key: str) -> None:
        self._change(lambda node: node.__delitem__(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __contains__(self, key: object) -> bool:
        return key in self._read()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys with one write."""
        new = plain(dict(*args, **kwargs))
        self._change(lambda node: node.update(new))

    def put(self, value: Mapping[str, Any]) -> None:
        """Replace all attributes by a mapping."""

        def replace(node: dict[str, Any]) -> None:
            node.clear()
            node.update(plain(value))

        self._change(replace)

    def asdict(self) -> JsonObject:
        """Return a plain copy of all attributes."""
        return dict(plain(self._read()))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return repr(self.asdict())
