"""Every network is tried on every 0/1 input: by the 0-1 principle it then sorts anything."""

from __future__ import annotations

import itertools

import pytest

from iohub.pyramids.networks import middles, sorting


def run(steps, values):
    wires = list(values)
    for low, high, need_low, need_high in steps:
        small, large = sorted((wires[low], wires[high]))
        # What is said not to be needed must really not be.
        wires[low] = small if need_low else None
        wires[high] = large if need_high else None
    return wires


@pytest.mark.parametrize("count", range(1, 11))
def test_all_inputs_are_sorted(count):
    for values in itertools.product((0, 1), repeat=count):
        assert run(sorting(count), values) == sorted(values)


@pytest.mark.parametrize("count", range(1, 11))
def test_middles_are_where_they_are_said_to_be(count):
    middle = {(count - 1) // 2, count // 2}
    for values in itertools.product((0, 1), repeat=count):
        wires, expected = run(middles(count), values), sorted(values)
        assert [wires[at] for at in middle] == [expected[at] for at in middle]


@pytest.mark.parametrize("count", [16, 27, 64])
def test_larger_networks_sort_descending_and_rotated_input(count):
    for shift in range(count):
        values = [(shift - at) % count for at in range(count)]
        assert run(sorting(count), values) == sorted(values)


def test_a_median_costs_less_than_sorting():
    def cost(steps):
        return sum(step.need_low + step.need_high for step in steps)

    assert cost(middles(8)) == 28
    assert cost(sorting(8)) == 38
