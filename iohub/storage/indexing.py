"""NumPy's indexing, turned into what an engine can do: a region, an outer product, or points.

A key becomes a :class:`Selection`: one engine call and the reshaping around it, so that every
engine has NumPy's semantics; :func:`get` and :func:`put` call the array that is given. Rules: https://numpy.org/doc/stable/user/basics.indexing.html
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from iohub.errors import BoundsError
from iohub.storage import index_keys
from iohub.storage.index_keys import Gap, Int, Item, Many, New, Span, item_of
from iohub.storage.index_values import broadcast, last_point_wins, last_wins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iohub.storage.protocol import Array, Pixels, WritableArray
    from iohub.types import NDArray, Shape

Kind: TypeAlias = Literal["region", "orthogonal", "points", "scattered"]


@dataclass(frozen=True, eq=False)
class Selection:
    """What a key selects, ready for an engine.

    Attributes
    ----------
    kind : str
        ``"region"``: `index` are unit-step slices. ``"orthogonal"``: slices (ascending, any step)
        and integer vectors, to be taken as an outer product. ``"points"``: integer arrays of one
        shape. ``"scattered"``: few points that each select a large block; see :meth:`blocks`.
    index : tuple
        For the engine; one entry per axis of the array.
    shape : tuple of int
        Shape of what the user gets.
    """

    kind: Kind
    index: tuple[Any, ...]
    shape: Shape
    _items: tuple[Item, ...]
    _front: bool  # advanced indexes are parted, so that their axes come first

    def finish(self, block: NDArray) -> Any:
        """Turn what the engine read into what NumPy would return.

        Parameters
        ----------
        block : numpy.ndarray
            The engine's answer, one axis per axis of the array (or the shape of the points).
        """
        if self.kind == "points":
            return self._points_out(block)
        key: list[Any] = []
        for item in self._items:
            if isinstance(item, Int):
                key.append(0)
            elif isinstance(item, New):
                key.append(None)
            elif isinstance(item, Span):
                key.append(slice(None, None, -1 if item.reverse else None))
            elif isinstance(item, Many):
                key.append(slice(None))
        result = block[(*key, ...)]  # the dots keep an array without axes an array
        at = None if self.kind == "region" else self._advanced_at()
        if at is not None:
            position, many = at
            target = 0 if self._front else position
            result = np.moveaxis(result, position, target)
            result = result.reshape(
                *result.shape[:target], *many.shape, *result.shape[target + 1 :]
            )
        return self._scalar(result)

    def prepare(self, value: NDArray) -> NDArray:
        """Turn a user's value into what the engine writes; the inverse of :meth:`finish`.

        Parameters
        ----------
        value : numpy.ndarray
            Anything that broadcasts to :attr:`shape`.

        Raises
        ------
        ValueError
            If it does not broadcast.
        """
        value = broadcast(value, self.shape)
        if self.kind == "points":
            return self._points_in(value)
        at = self._advanced_at()
        if at is not None:
            position, many = at
            target = 0 if self._front else position
            tail = value.shape[target + many.ndim :]
            value = value.reshape(*value.shape[:target], many.size, *tail)
            value = np.moveaxis(value, target, position)
        key: list[Any] = []
        for item in self._items:
            if isinstance(item, Int):
                key.append(None)
            elif isinstance(item, New):
                key.append(0)
            elif isinstance(item, Span):
                key.append(slice(None, None, -1 if item.reverse else None))
            elif isinstance(item, Many):
                key.append(slice(None))
        prepared: NDArray = value[tuple(key)]
        return prepared

    def blocks(self) -> Iterator[tuple[tuple[Any, ...], Shape]]:
        """Engine calls of a scattered selection, and where each goes among the points.

        Yields
        ------
        index : tuple of slice
            For an orthogonal call; an axis of points has a slice of length 1.
        where : tuple of int
            Position among the points.
        """
        points = np.broadcast_arrays(*_advanced(self._items))
        for where in np.ndindex(points[0].shape):
            index, rest = [], iter(points)
            for item in self._items:
                if isinstance(item, Int | Many):
                    start = int(next(rest)[where])
                    index.append(slice(start, start + 1, 1))
                elif isinstance(item, Span):
                    index.append(item.part)
            yield tuple(index), where

    def _scalar(self, result: NDArray) -> Any:
        """Return a scalar for a result without axes, unless there were dots: as NumPy does."""
        dots = bool(result.ndim) or any(isinstance(item, Gap) for item in self._items)
        return result if dots else result[()]

    def _advanced_at(self) -> tuple[int, NDArray] | None:
        """Position of the one integer array among the axes left by basic indexing."""
        position = 0
        for item in self._items:
            if isinstance(item, Many):
                return position, item.at
            position += isinstance(item, Span | New)
        return None

    # Points: the engine's axes are those of the points first, then the spans.

    def _layout(self) -> tuple[int, int]:
        """Count the axes of the points, and the axes before the first advanced index."""
        many = np.broadcast_shapes(*(a.shape for a in _advanced(self._items)))
        first = 0
        for item in self._items:
            if isinstance(item, Int | Many):
                break
            first += isinstance(item, Span | New)
        return len(many), 0 if self._front else first

    def _points_out(self, block: NDArray) -> Any:
        count, first = self._layout()
        new, flips, axis = [], [], count
        for item in self._items:
            if isinstance(item, Span | New):
                if isinstance(item, New):
                    new.append(axis)
                elif item.reverse:
                    flips.append(axis)
                axis += 1
        result = np.flip(np.expand_dims(block, tuple(new)), tuple(flips))
        result = np.moveaxis(result, range(count), range(first, first + count))
        return self._scalar(result)

    def _points_in(self, value: NDArray) -> NDArray:
        count, first = self._layout()
        value = np.moveaxis(value, range(first, first + count), range(count))
        key: list[Any] = [slice(None)] * count
        for item in self._items:
            if isinstance(item, New):
                key.append(0)
            elif isinstance(item, Span):
                key.append(slice(None, None, -1 if item.reverse else None))
        prepared: NDArray = value[tuple(key)]
        return prepared


def basic(key: Any, shape: Shape) -> Selection:
    """Select ``a[key]`` as NumPy defines it.

    Parameters
    ----------
    key : int, slice, Ellipsis, None, sequence of int, array of int or bool, or a tuple of these
        What stands in the brackets.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    IndexError
        If the key does not fit the shape, or is of another type.
    """
    if (found := index_keys.plain(key, shape)) is not None:
        return Selection("region", *found, _front=False)
    items, front = index_keys.normalise(key, shape)
    many = [item for item in items if isinstance(item, Many)]
    spans = [item for item in items if isinstance(item, Span)]
    if len(many) > 1 or any(item.at.ndim == 0 for item in many):
        return _pointwise(items, front, spans)
    index: list[Any] = []
    result: list[int] = []
    for item in items:
        if isinstance(item, Int):
            index.append(slice(item.at, item.at + 1, 1))
        elif isinstance(item, Span):
            index.append(item.part)
            result.append(item.count)
        elif isinstance(item, New):
            result.append(1)
        elif isinstance(item, Many):
            index.append(item.at.ravel())
            at = 0 if front else len(result)
            result[at:at] = item.at.shape
    plain = not many and all(part.step == 1 for part in index)
    kind: Kind = "region" if plain else "orthogonal"
    return Selection(kind, tuple(index), tuple(result), items, front)


def orthogonal(key: Any, shape: Shape) -> Selection:
    """Select ``a.oindex[key]``: the outer product of what is chosen along each axis.

    Parameters
    ----------
    key : int, slice, Ellipsis, vector of int or bool, or a tuple of these
        What stands in the brackets; an integer drops its axis.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    BoundsError
        If the key does not fit the shape, or an array has more than one axis.
    """
    parts, _ = index_keys.expand(key, shape, masks_consume_axes=False)
    items: list[Item] = []
    index: list[Any] = []
    result: list[int] = []
    axis = 0
    for part in parts:
        if isinstance(part, Gap):
            continue
        if part is None:
            raise BoundsError("new axes are not possible in orthogonal indexing")
        items.append(item := item_of(part, axis, shape))
        axis += 1
        if isinstance(item, Int):
            index.append(slice(item.at, item.at + 1, 1))
        elif isinstance(item, Span):
            index.append(item.part)
            result.append(item.count)
        elif isinstance(item, Many):
            if (vector := item.at).ndim != 1:
                raise BoundsError(f"axis {axis - 1}: orthogonal indexes have one axis each")
            index.append(vector)
            result.append(vector.size)
    # Several vectors are as good as spans for what happens around the engine call.
    shown = tuple(Span(0, 1, i.at.size, reverse=False) if isinstance(i, Many) else i for i in items)
    return Selection("orthogonal", tuple(index), tuple(result), shown, _front=False)


def vectorised(key: Any, shape: Shape) -> Selection:
    """Select ``a.vindex[key]``: points, one integer (array) per axis, or one mask.

    Parameters
    ----------
    key : tuple of int or array of int, or an array of bool
        Coordinates that broadcast together, or a mask of the array's shape.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    IndexError
        If there is not one coordinate per axis, one is out of bounds, or there is a slice.
    """
    parts, _ = index_keys.expand(key, shape, masks_consume_axes=True)
    if any(isinstance(p, slice | Gap) or p is None for p in parts):
        raise BoundsError(f"give one integer array per axis ({len(shape)}), or a mask")
    items = tuple(
        Many(np.asarray(i.at)) if isinstance(i, Int) else i
        for i in (item_of(part, axis, shape) for axis, part in enumerate(parts))
    )
    return _pointwise(items, front=False, spans=[])


def get(array: Array | Pixels, selection: Selection, dtype: np.dtype[Any]) -> Any:
    """Read a selection, as NumPy would: a scalar if every axis is dropped.

    Parameters
    ----------
    array : Array or Pixels
        Where from.
    selection : Selection
        What.
    dtype : numpy.dtype
        Type of the pixels.
    """
    if selection.kind == "region":
        return selection.finish(array.read(selection.index))
    if selection.kind == "orthogonal":
        return selection.finish(array.read_orthogonal(selection.index))
    if selection.kind == "points":
        return selection.finish(array.read_points(selection.index))
    count, _ = selection._layout()
    spans = [i for i in selection._items if isinstance(i, Span)]
    points = np.broadcast_shapes(*(a.shape for a in _advanced(selection._items)))
    block = np.empty((*points, *(s.count for s in spans)), dtype)
    for index, where in selection.blocks():
        block[where] = array.read_orthogonal(index).reshape(block.shape[count:])
    return selection._points_out(block)


def put(array: WritableArray, selection: Selection, value: Any) -> None:
    """Write a selection.

    Where an index occurs twice, the last value stays, as in NumPy.

    Parameters
    ----------
    array : WritableArray
        Where to.
    selection : Selection
        Which pixels.
    value : numpy.ndarray
        Of the array's data type; broadcasts to the shape of the selection.

    Raises
    ------
    ValueError
        If the value does not broadcast.
    """
    value = np.asarray(value)
    if not prod(selection.shape):
        broadcast(value, selection.shape)
        return
    if selection.kind == "region":
        array.write(selection.index, selection.prepare(value))
    elif selection.kind == "orthogonal":
        array.write_orthogonal(*last_wins(selection.index, selection.prepare(value)))
    elif selection.kind == "points":
        array.write_points(*last_point_wins(selection.index, selection.prepare(value)))
    else:
        block = selection._points_in(broadcast(value, selection.shape))
        for index, where in selection.blocks():
            sizes = tuple(len(range(s.start, s.stop, s.step)) for s in index)
            array.write_orthogonal(index, block[where].reshape(sizes))


def _advanced(items: tuple[Item, ...]) -> list[NDArray]:
    return [np.asarray(item.at) for item in items if isinstance(item, Int | Many)]


def _pointwise(items: tuple[Item, ...], front: bool, spans: list[Span]) -> Selection:
    """Select with several integer arrays, which NumPy pairs up."""
    arrays = _advanced(items)
    try:
        points = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as error:
        shapes = " ".join(str(a.shape) for a in arrays)
        raise BoundsError(
            f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}"
        ) from error
    result: list[int] = []
    first = -1
    for item in items:
        if isinstance(item, Int | Many):
            first = len(result) if first < 0 else first
        elif isinstance(item, Span | New):
            result.append(item.count if isinstance(item, Span) else 1)
    at = 0 if front else max(first, 0)
    result[at:at] = points
    volume = prod(span.count for span in spans)
    if volume > 1 and volume >= prod(points):
        return Selection("scattered", (), tuple(result), items, front)
    ndim = len(points) + len(spans)
    index: list[NDArray] = []
    span_axis = len(points)
    for item in items:
        if isinstance(item, Span):
            line = np.arange(item.count, dtype=np.intp) * item.step + item.start
            index.append(line.reshape(-1, *(1,) * (ndim - span_axis - 1)))
            span_axis += 1
        elif isinstance(item, Int | Many):
            vector = np.broadcast_to(np.asarray(item.at), points)
            index.append(vector.reshape((*points, *(1,) * len(spans))))
    return Selection("points", tuple(np.broadcast_arrays(*index)), tuple(result), items, front)
