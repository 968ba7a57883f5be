"""Numbers with units as people read them; not what a unit is allowed to be (that is metadata)."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# SI prefixes as UDUNITS spells them: name → (symbol, power of ten).
_SI_PREFIXES = {
    "yocto": ("y", -24),
    "zepto": ("z", -21),
    "atto": ("a", -18),
    "femto": ("f", -15),
    "pico": ("p", -12),
    "nano": ("n", -9),
    "micro": ("µ", -6),
    "milli": ("m", -3),
    "centi": ("c", -2),
    "deci": ("d", -1),
    "": ("", 0),
    "deca": ("da", 1),
    "hecto": ("h", 2),
    "kilo": ("k", 3),
    "mega": ("M", 6),
    "giga": ("G", 9),
    "tera": ("T", 12),
    "peta": ("P", 15),
    "exa": ("E", 18),
    "zetta": ("Z", 21),
    "yotta": ("Y", 24),
}
# What is chosen climbs by thousands up to kilo; the other prefixes are only read.
_CHOSEN = {
    power: symbol for symbol, power in _SI_PREFIXES.values() if power % 3 == 0 and power <= 3
}
_SYMBOLS = {
    "angstrom": "Å",
    "foot": "ft",
    "inch": "in",
    "mile": "mi",
    "yard": "yd",
    "parsec": "pc",
    "minute": "min",
    "hour": "h",
    "day": "d",
    "degree": "°",
    "radian": "rad",
}
_LENGTH_POWERS = {f"{name}meter": power for name, (_, power) in _SI_PREFIXES.items()} | {
    f"{symbol}m": power for symbol, power in _SI_PREFIXES.values()
}
_LENGTH_POWERS |= {"um": -6, "μm": -6, "micron": -6}  # the second is a Greek mu, not µ
_TIME_POWERS = {f"{name}second": power for name, (_, power) in _SI_PREFIXES.items()} | {
    f"{symbol}s": power for symbol, power in _SI_PREFIXES.values()
}
_TIME_POWERS |= {"us": -6, "μs": -6, "sec": 0}
_CLOCK = {"min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0}


def human_bytes(count: int) -> str:
    """Write a number of bytes with a binary unit and three significant digits.

    Parameters
    ----------
    count : int
        Number of bytes, not negative.

    Returns
    -------
    str
        Such as ``"512 B"``, ``"1.5 KiB"`` or ``"256 MiB"``.

    Raises
    ------
    ValueError
        If `count` is negative.
    """
    if count < 0:
        raise ValueError(f"a number of bytes cannot be negative: {count}")
    if count < 1024:
        return f"{count} B"
    power = min((int(count).bit_length() - 1) // 10, len(_BYTE_UNITS) - 1)
    # 1023.9 KiB would be written as 1024 KiB: what rounds up to the next unit is in that unit.
    if round(count / 1024**power) >= 1024 and power + 1 < len(_BYTE_UNITS):
        power += 1
    return f"{_three_digits(count / 1024**power)} {_BYTE_UNITS[power]}"


def _three_digits(value: float) -> str:
    """Three significant digits, or all that stand before the point; no trailing zeros."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def human_number(value: float, digits: int = 6) -> str:
    """Write a number with up to `digits` significant digits and no trailing zeros.

    Parameters
    ----------
    value : float
        Any number; integers keep all their digits.
    digits : int
        Significant digits of what is not an integer.

    Returns
    -------
    str
        Such as ``"0.325"``, ``"65535"`` or ``"1e-09"``.
    """
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{digits}g}"


def human_count(count: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun.

    Parameters
    ----------
    count : int
        How many.
    noun : str
        The singular.
    plural : str
        The plural, `noun` + "s" if empty.

    Returns
    -------
    str
        Such as ``"1 well"`` or ``"1,536 wells"``.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def unit_symbol(unit: str | None) -> str:
    """Short form of a unit name; a name that is not known is returned as it is.

    Parameters
    ----------
    unit : str or None
        A UDUNITS name such as ``"micrometer"``, or any other text.

    Returns
    -------
    str
        Such as ``"µm"``; ``""`` for no unit.
    """
    if not unit:
        return ""
    for suffix, letter in (("meter", "m"), ("second", "s")):
        prefix = _SI_PREFIXES.get(unit.removesuffix(suffix)) if unit.endswith(suffix) else None
        if prefix:
            return prefix[0] + letter
    if unit in {"um", "μm", "micron"}:
        return "µm"
    return _SYMBOLS.get(unit, unit)


def human_length(value: float, unit: str | None) -> str:
    """Write a length with the prefix that reads best.

    Parameters
    ----------
    value : float
        The length in `unit`.
    unit : str or None
        A UDUNITS name or a common symbol. Metric lengths are rescaled to between 1 and 1000;
        everything else keeps its unit.

    Returns
    -------
    str
        Such as ``"332.8 µm"`` for 0.3328 millimeter, or ``"12"`` without a unit.
    """
    power = _LENGTH_POWERS.get(unit or "")
    if power is None or value == 0 or not math.isfinite(value):
        return _with_unit(value, unit_symbol(unit))
    # The decimal exponent of the rounded figure, so that 999.99996 µm becomes 1 mm.
    exponent = int(f"{abs(value):.3e}".partition("e")[2]) + power
    target = max(min(exponent // 3 * 3, max(_CHOSEN)), min(_CHOSEN))
    return _with_unit(_shifted(value, power - target), _CHOSEN[target] + "m")


def human_duration(value: float, unit: str | None) -> str:
    """Write a duration so that it reads well: ``ms`` below a second, clock units above a minute.

    Parameters
    ----------
    value : float
        The duration in `unit`.
    unit : str or None
        A UDUNITS name or a common symbol; one that is not known is kept.

    Returns
    -------
    str
        Such as ``"50 ms"``, ``"30 s"``, ``"2 min 30 s"`` or ``"3 d 4 h"``.
    """
    if unit in _CLOCK:
        seconds = value * _CLOCK[unit]
    elif unit in _TIME_POWERS:
        seconds = _shifted(value, _TIME_POWERS[unit])
    else:
        return _with_unit(value, unit_symbol(unit))
    if seconds == 0 or not math.isfinite(seconds):
        return _with_unit(seconds, "s")
    if abs(seconds) < 59.95:
        exponent = int(f"{abs(seconds):.3e}".partition("e")[2])
        target = min(0, max(exponent // 3 * 3, -24))
        return _with_unit(_shifted(seconds, -target), _CHOSEN[target] + "s")
    return _clock(seconds)


def _clock(seconds: float) -> str:
    """Write the two largest clock units of a duration of a minute or more."""
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    # Round to the smaller of the two units that are shown, before they are split.
    step = 1 if seconds < 3600 else 60 if seconds < 86400 else 3600
    whole = round(seconds / step) * step
    parts = []
    for symbol, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count:,} {symbol}")
    return sign + " ".join(parts[:2])


def human_quantity(value: float, unit: str | None) -> str:
    """Write a length, a duration or anything else, by what its unit is.

    Parameters
    ----------
    value : float
        The quantity in `unit`.
    unit : str or None
        Name of a unit.
    """
    if unit in _TIME_POWERS or unit in _CLOCK:
        return human_duration(value, unit)
    return human_length(value, unit)


def human_shape(shape: Sequence[int], axes: Sequence[str] = ()) -> str:
    """Write a shape, each size with the letter of its axis if there are as many letters.

    Parameters
    ----------
    shape : sequence of int
        Sizes.
    axes : sequence of str
        Axis names in the same order, or nothing.

    Returns
    -------
    str
        Such as ``"t 1, c 3, y 512, x 512"`` or ``"1, 3, 512, 512"``.
    """
    if axes and len(axes) == len(shape):
        return ", ".join(f"{name} {size}" for name, size in zip(axes, shape, strict=True))
    return ", ".join(map(str, shape)) if shape else "scalar"


def _with_unit(value: float, symbol: str) -> str:
    text = human_number(value, 4) if abs(value) < 1000 else human_number(value)
    return f"{text} {symbol}" if symbol else text


def _shifted(value: float, power: int) -> float:
    """Return ``value · 10**power``; dividing by 10**3 rounds once, multiplying by 1e-3 twice."""
    return value * 10.0**power if power >= 0 else value / 10.0**-power
