"""Sorting networks: which pairs to compare so that a few values come out in order. Pure.

A network's steps are the same for all cells of a block, so each is one minimum and one maximum of
whole arrays.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple


class Step(NamedTuple):
    """Compare two wires; afterwards the smaller value is on `low`, the larger on `high`.

    Attributes
    ----------
    low, high : int
        Numbers of the wires.
    need_low, need_high : bool
        Whether anything later looks at that wire; at least one is needed.
    """

    low: int
    high: int
    need_low: bool
    need_high: bool


@cache
def sorting(count: int) -> tuple[Step, ...]:
    """Return the steps that sort a number of values.

    Parameters
    ----------
    count : int
        Number of wires.
    """
    return _needed(_odd_even_merge_sort(count), range(count))


@cache
def middles(count: int) -> tuple[Step, ...]:
    """Return the steps that put the middle value, or the two of them, on their wires.

    Parameters
    ----------
    count : int
        Number of wires; the middle is on ``(count - 1) // 2`` and ``count // 2``.
    """
    return _needed(_odd_even_merge_sort(count), {(count - 1) // 2, count // 2})


def _odd_even_merge_sort(count: int) -> list[tuple[int, int]]:
    """Batcher's network (Knuth, The Art of Computer Programming 3, 5.2.2, Algorithm M)."""
    pairs = []
    top = 1 << max(0, (count - 1).bit_length() - 1)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return pairs


def _needed(pairs: list[tuple[int, int]], outputs: Collection[int]) -> tuple[Step, ...]:
    """Leave out what no output depends on, looking from the end."""
    needed = set(outputs)
    steps = []
    for low, high in reversed(pairs):
        if low in needed or high in needed:
            steps.append(Step(low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(steps))
