"""Which frames there are, as ranges of numbers; only data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np


class Tally:
    """A set of integers from 0 on, kept as ranges: a run of a million numbers is one pair.

    Parameters
    ----------
    ranges : iterable of (start, stop), optional
        What is in it to begin with.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add(0), tally.add(1), tally.add(3)
    (True, True, True)
    >>> tally.ranges, len(tally), tally.missing(5)
    ([(0, 2), (3, 4)], 3, [(2, 3), (4, 5)])
    """

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()):
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._count = 0
        for start, stop in ranges:
            for number in range(start, stop):
                self.add(number)

    def add(self, number: int) -> bool:
        """Put a number in; return whether it was not in before."""
        if self._stops and number == self._stops[-1]:  # as frames come
            self._stops[-1] = number + 1
            self._count += 1
            return True
        place = bisect_right(self._starts, number)
        before = self._stops[place - 1] if place else -1
        if number < before:
            return False
        joins = place < len(self._starts) and self._starts[place] == number + 1
        if before == number and place:
            self._stops[place - 1] = self._stops.pop(place) if joins else number + 1
            if joins:
                del self._starts[place]
        elif joins:
            self._starts[place] = number
        else:
            self._starts.insert(place, number)
            self._stops.insert(place, number + 1)
        self._count += 1
        return True

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._starts, number)
        return bool(place) and number < self._stops[place - 1]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.ranges:
            yield from range(start, stop)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The numbers, as (start, stop)."""
        return list(zip(self._starts, self._stops, strict=True))

    @property
    def end(self) -> int:
        """One more than the largest number; 0 if there is none."""
        return self._stops[-1] if self._stops else 0

    def missing(self, stop: int) -> list[tuple[int, int]]:
        """Return the numbers below a limit that are not in it, as (start, stop)."""
        edges = [0]
        for start, end in self.ranges:
            edges += [start, end]
        edges.append(max(stop, edges[-1]))
        return [
            (a, min(b, stop))
            for a, b in zip(edges[::2], edges[1::2], strict=True)
            if a < min(b, stop)
        ]


def overlap(
    first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return what two lists of ranges, each ascending and disjoint, have in common."""
    found = []
    one, other = iter(first), iter(second)
    a, b = next(one, None), next(other, None)
    while a is not None and b is not None:
        start, stop = max(a[0], b[0]), min(a[1], b[1])
        if start < stop:
            found.append((start, stop))
        if a[1] < b[1]:
            a = next(one, None)
        else:
            b = next(other, None)
    return found


def renumber(
    ranges: Sequence[tuple[int, int]], shape: Sequence[int], order: Sequence[int]
) -> list[tuple[int, int]]:
    """Return numbers of the cells of an array, in C order, as those of the array transposed.

    Parameters
    ----------
    ranges : sequence of (start, stop)
        Numbers below the product of `shape`.
    shape : sequence of int
        Of the array before.
    order : sequence of int
        Which of its axes comes where afterwards.
    """
    if list(order) == sorted(order) or not ranges:
        return list(ranges)
    numbers = np.concatenate([np.arange(start, stop) for start, stop in ranges])
    cells = np.unravel_index(numbers, tuple(shape))
    moved = np.ravel_multi_index(
        tuple(cells[axis] for axis in order), tuple(shape[axis] for axis in order)
    )
    parts = np.split(np.sort(moved), np.flatnonzero(np.diff(np.sort(moved)) != 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts]
