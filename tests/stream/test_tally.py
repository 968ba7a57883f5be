"""Ranges of numbers against a set."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iohub.stream.tally import Tally, overlap, renumber


@given(st.lists(st.integers(0, 30)), st.integers(0, 40))
def test_a_tally_is_a_set(numbers, stop):
    tally, known = Tally(), set()
    for number in numbers:
        assert tally.add(number) == (number not in known)
        known.add(number)
    assert list(tally) == sorted(known)
    assert len(tally) == len(known)
    assert tally.end == max(known, default=-1) + 1
    assert [n for n in range(40) if n in tally] == sorted(n for n in known if n < 40)
    gaps = [n for a, b in tally.missing(stop) for n in range(a, b)]
    assert gaps == [n for n in range(stop) if n not in known]
    ranges = tally.ranges
    assert all(a < b for a, b in ranges)
    assert all(left[1] < right[0] for left, right in pairwise(ranges))
    assert Tally(ranges).ranges == ranges


def cells_of(ranges):
    return [number for start, stop in ranges for number in range(start, stop)]


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_what_ranges_have_in_common(first, second):
    one, other = Tally((n, n + 1) for n in first), Tally((n, n + 1) for n in second)
    assert cells_of(overlap(one.ranges, other.ranges)) == sorted(first & second)


@given(st.sets(st.integers(0, 23)), st.permutations(range(3)))
def test_numbers_of_a_transposed_array(numbers, order):
    cells = np.zeros(24, bool)
    cells[list(numbers)] = True
    found = renumber(Tally((n, n + 1) for n in numbers).ranges, (2, 3, 4), order)
    moved = cells.reshape(2, 3, 4).transpose(order).ravel()
    assert cells_of(found) == np.flatnonzero(moved).tolist()
