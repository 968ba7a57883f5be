from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.display.quantities import (
    human_bytes,
    human_count,
    human_duration,
    human_length,
    human_number,
    human_quantity,
    human_shape,
    unit_symbol,
)

BYTES = {unit: 1024**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))}
METERS = {"pm": 1e-12, "nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "m": 1.0, "km": 1e3}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1 MiB"),
        (268435456, "256 MiB"),
        (10**12, "931 GiB"),
        (2**70, "1,024 EiB"),
    ],
)
def test_human_bytes(count: int, text: str) -> None:
    assert human_bytes(count) == text


def test_negative_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="negative: -1"):
        human_bytes(-1)


@given(st.integers(0, 2**59))
def test_human_bytes_is_right_to_three_digits(count: int) -> None:
    figure, unit = human_bytes(count).split(" ")
    assert float(figure.replace(",", "")) * BYTES[unit] == pytest.approx(count, rel=5e-3)
    assert float(figure.replace(",", "")) < 1024


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (332.8, "micrometer", "332.8 µm"),
        (0.3328, "millimeter", "332.8 µm"),
        (999.99996, "micrometer", "1 mm"),
        (1000, "µm", "1 mm"),
        (12, "um", "12 µm"),
        (-1500, "nanometer", "-1.5 µm"),
        (3, "centimeter", "30 mm"),
        (0, "micrometer", "0 µm"),
        (5e6, "meter", "5000 km"),
        (2.5, "angstrom", "2.5 Å"),
        (3, "furlong", "3 furlong"),
        (12.0, None, "12"),
        (math.inf, "micrometer", "inf µm"),
        (math.nan, "micrometer", "nan µm"),
    ],
)
def test_human_length(value: float, unit: str | None, text: str) -> None:
    assert human_length(value, unit) == text


@given(st.floats(1e-11, 1e4), st.sampled_from(["meter", "nanometer", "micrometer", "millimeter"]))
def test_human_length_keeps_the_length(value: float, unit: str) -> None:
    factor = {"meter": 1.0, "nanometer": 1e-9, "micrometer": 1e-6, "millimeter": 1e-3}[unit]
    figure, symbol = human_length(value, unit).split(" ")
    if symbol in METERS:
        assert float(figure) * METERS[symbol] == pytest.approx(value * factor, rel=1e-3)
        assert 1 <= float(figure) < 1000 or symbol in {"pm", "km"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (50, "millisecond", "50 ms"),
        (0.25, "second", "250 ms"),
        (30.0, "second", "30 s"),
        (150.0, "s", "2 min 30 s"),
        (3599.7, "second", "1 h"),
        (86399, "second", "1 d"),
        (76, "hour", "3 d 4 h"),
        (1.5, "minute", "1 min 30 s"),
        (-90, "second", "-1 min 30 s"),
        (0, "second", "0 s"),
        (3, "fortnight", "3 fortnight"),
    ],
)
def test_human_duration(value: float, unit: str, text: str) -> None:
    assert human_duration(value, unit) == text


def test_quantity_goes_by_its_unit() -> None:
    assert human_quantity(120, "second") == "2 min"
    assert human_quantity(1200, "micrometer") == "1.2 mm"
    assert human_quantity(3, "") == "3"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (65535, "65535"),
        (65535.0, "65535"),
        (0.1 + 0.2, "0.3"),
        (1e-9, "1e-09"),
        (10**20, "1" + "0" * 20),
    ],
)
def test_human_number(value: float, text: str) -> None:
    assert human_number(value) == text


def test_small_words() -> None:
    assert human_count(1, "well") == "1 well"
    assert human_count(1536, "well") == "1,536 wells"
    assert human_count(2, "axis", "axes") == "2 axes"
    assert [
        unit_symbol(unit) for unit in ("micrometer", "second", "um", "parsec", "odd", None)
    ] == [
        "µm",
        "s",
        "µm",
        "pc",
        "odd",
        "",
    ]
    assert human_shape((1, 2), ("y", "x")) == "y 1, x 2"
    assert human_shape((1, 2), ("x",)) == "1, 2"
    assert human_shape(()) == "scalar"
