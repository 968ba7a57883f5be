from __future__ import annotations

import pytest

from iohub.metadata.units import SPACE_UNITS, TIME_UNITS, canonical, convert, si_factor


def test_the_lists_have_the_sizes_of_the_specification():
    assert (len(SPACE_UNITS), len(TIME_UNITS)) == (26, 23)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\u00b5m", "micrometer"),
        ("\u03bcm", "micrometer"),
        ("um", "micrometer"),
        ("micron", "micrometer"),
        ("Microns", "micrometer"),
        ("micrometre", "micrometer"),
        ("micrometers", "micrometer"),
        (" nm ", "nanometer"),
        ("s", "second"),
        ("sec", "second"),
        ("ms", "millisecond"),
        ("mm", "millimeter"),
        ("Mm", "megameter"),
        ("min", "minute"),
        ("hours", "hour"),
        ("\u00c5", "angstrom"),
        ("pixel", "pixel"),
        ("", ""),
    ],
)
def test_canonical(text, name):
    assert canonical(text) == name


@pytest.mark.parametrize("unit", sorted(SPACE_UNITS | TIME_UNITS))
def test_every_unit_is_its_own_name_and_has_a_size(unit):
    assert canonical(unit) == unit
    assert si_factor(unit) > 0


def test_sizes():
    assert si_factor("um") == 1e-6
    assert si_factor("pixel") is None
    assert convert(250, "nm", "um") == pytest.approx(0.25)
    assert convert(0.1, "um", "micron") == 0.1
    with pytest.raises(ValueError, match="cannot convert"):
        convert(1, "um", "s")
