"""Parts of a tensor one after the other, in any order, some of them made before they are needed."""

from __future__ import annotations

import operator
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from typing import TypeVar

from iohub.arrow.selection import Cut
from iohub.errors import ArgumentError
from iohub.storage import settings
from iohub.types import Shape

_T = TypeVar("_T")
_ALL = slice(None)


def in_batches(shape: Shape, batch: int | None, tile: Sequence[int] | None) -> list[Cut]:
    """Return the batches of a tensor along T, or its tiles along Y and X, or tiles of batches.

    Parameters
    ----------
    shape : tuple of int
        Of the tensor (T, C, Z, Y, X).
    batch : int or None
        Times in a batch; by default all.
    tile : sequence of int or None
        Height and width of a tile; by default all.

    Raises
    ------
    ArgumentError
        If a size is not positive; a ValueError.
    """
    times, _, _, height, width = shape
    if batch is not None:
        _check([batch], "batch_size", 1)
    if tile is not None:
        _check(tile, "tile_size", 2)
    steps = (batch or times, *(tile or (height, width)))
    found = product(*map(_cut, (times, height, width), steps))
    return [(t, _ALL, _ALL, y, x) for t, y, x in found]


def in_blocks(shape: Shape, tile: Sequence[int]) -> list[Cut]:
    """Return the blocks of a tensor (T, C, Z, Y, X) along Z, Y and X, time after time.

    Raises
    ------
    ArgumentError
        If a size is not positive; a ValueError.
    """
    _check(tile, "tile_size", 3)
    times, _, *block = shape
    found = product(*map(_cut, (times, *block), (1, *tile)))
    return [(t, _ALL, z, y, x) for t, z, y, x in found]


def ordered(parts: list[Cut], shuffle: bool, seed: int | None) -> list[Cut]:
    """Return parts in a random order if that is wanted; the same for the same seed."""
    if shuffle:
        random.Random(seed).shuffle(parts)
    return parts


def ahead(make: Callable[[Cut], _T], parts: Sequence[Cut], prefetch: int) -> Iterator[_T]:
    """Return what is made of each part; as many as `prefetch` are made ahead, in threads.

    Parameters
    ----------
    make : callable
        Reads a part; its errors come when the part is due.
    parts : sequence of tuple of slice
        The parts, in order.
    prefetch : int
        How many parts may be there before they are asked for.

    Raises
    ------
    ArgumentError
        If `prefetch` is negative; a ValueError.
    """
    if operator.index(prefetch) < 0:
        raise ArgumentError(f"prefetch is 0 or more, not {prefetch}")
    return _prefetched(make, parts, prefetch) if prefetch else map(make, parts)


def _prefetched(make: Callable[[Cut], _T], parts: Sequence[Cut], prefetch: int) -> Iterator[_T]:
    waiting: deque[Future[_T]] = deque()
    left = iter(parts)
    workers = min(prefetch, settings.get_options().workers)
    with ThreadPoolExecutor(workers, thread_name_prefix="iohub-prefetch") as pool:
        try:
            for part in left:
                waiting.append(pool.submit(make, part))
                if len(waiting) > prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _cut(size: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, size)) for start in range(0, size, max(1, step))]


def _check(given: Sequence[int], name: str, count: int) -> None:
    try:
        fine = len(given) == count and all(operator.index(each) > 0 for each in given)
    except TypeError as error:
        raise ArgumentError(f"{name} is {count} positive whole numbers, not {given!r}") from error
    if not fine:
        raise ArgumentError(f"{name} is {count} positive whole numbers, not {given!r}")
