"""Units of axes: the names that OME-Zarr recommends, what people write for them, and their size.

The lists are those of the OME-Zarr specification, section "axes metadata" (UDUNITS-2 names).
"""

from __future__ import annotations

_PREFIXES = {
    "yotta": 1e24,
    "zetta": 1e21,
    "exa": 1e18,
    "peta": 1e15,
    "tera": 1e12,
    "giga": 1e9,
    "mega": 1e6,
    "kilo": 1e3,
    "hecto": 1e2,
    "": 1.0,
    "deci": 1e-1,
    "centi": 1e-2,
    "milli": 1e-3,
    "micro": 1e-6,
    "nano": 1e-9,
    "pico": 1e-12,
    "femto": 1e-15,
    "atto": 1e-18,
    "zepto": 1e-21,
    "yocto": 1e-24,
}

_METERS: dict[str, float] = {f"{prefix}meter": factor for prefix, factor in _PREFIXES.items()} | {
    "angstrom": 1e-10,
    "foot": 0.3048,
    "inch": 0.0254,
    "mile": 1609.344,
    "parsec": 3.0856775814913673e16,
    "yard": 0.9144,
}
_SECONDS: dict[str, float] = {f"{prefix}second": factor for prefix, factor in _PREFIXES.items()} | {
    "day": 86400.0,
    "hour": 3600.0,
    "minute": 60.0,
}

SPACE_UNITS: frozenset[str] = frozenset(_METERS)
"""The 26 units that the specification recommends for axes of type ``space``."""

TIME_UNITS: frozenset[str] = frozenset(_SECONDS)
"""The 23 units that the specification recommends for axes of type ``time``."""

# Symbols are case-sensitive (Mm is no mm), names are not.
_SYMBOLS = {
    "Ym": "yottameter",
    "Zm": "zettameter",
    "Em": "exameter",
    "Pm": "petameter",
    "Tm": "terameter",
    "Gm": "gigameter",
    "Mm": "megameter",
    "km": "kilometer",
    "hm": "hectometer",
    "m": "meter",
    "dm": "decimeter",
    "cm": "centimeter",
    "mm": "millimeter",
    "um": "micrometer",
    "\u00b5m": "micrometer",  # micro sign
    "\u03bcm": "micrometer",  # Greek mu
    "nm": "nanometer",
    "pm": "picometer",
    "fm": "femtometer",
    "am": "attometer",
    "A": "angstrom",
    "\u00c5": "angstrom",  # A with ring
    "\u212b": "angstrom",  # angstrom sign
    "ft": "foot",
    "in": "inch",
    "mi": "mile",
    "pc": "parsec",
    "yd": "yard",
    "d": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "ms": "millisecond",
    "us": "microsecond",
    "\u00b5s": "microsecond",
    "\u03bcs": "microsecond",
    "ns": "nanosecond",
    "ps": "picosecond",
    "fs": "femtosecond",
    "as": "attosecond",
}
_NAMES = {
    "micron": "micrometer",
    "sec": "second",
    "msec": "millisecond",
    "usec": "microsecond",
    "hr": "hour",
    "feet": "foot",
    "inches": "inch",
    "\u00e5ngstr\u00f6m": "angstrom",
}


def canonical(unit: str) -> str:
    """Return the recommended name of a unit.

    Parameters
    ----------
    unit : str
        A name, a plural, a British spelling or a symbol: ``"µm"``, ``"um"``, ``"microns"`` and
        ``"micrometre"`` all are ``"micrometer"``.

    Returns
    -------
    str
        The name in the specification's list; `unit` unchanged if it is not known.
    """
    text = unit.strip()
    if text in _SYMBOLS:
        return _SYMBOLS[text]
    name = text.lower()
    for candidate in (name, name.removesuffix("s")):
        spelled = _NAMES.get(candidate, candidate)
        if spelled.endswith("metre"):
            spelled = spelled.removesuffix("metre") + "meter"
        if spelled in _METERS or spelled in _SECONDS:
            return spelled
    return unit


def si_factor(unit: str) -> float | None:
    """Return the size of a unit in metres or seconds.

    Parameters
    ----------
    unit : str
        Any spelling that :func:`canonical` knows.

    Returns
    -------
    float or None
        None if the unit is not known.
    """
    name = canonical(unit)
    return _METERS.get(name, _SECONDS.get(name))


def convert(value: float, source: str, target: str) -> float:
    """Convert a length or a duration to another unit.

    Parameters
    ----------
    value : float
        In `source` units.
    source, target : str
        Any spelling that :func:`canonical` knows.

    Raises
    ------
    ValueError
        If a unit is not known, or one is a length and the other a duration.
    """
    names = canonical(source), canonical(target)
    for table in (_METERS, _SECONDS):
        if names[0] in table and names[1] in table:
            return value if names[0] == names[1] else value * table[names[0]] / table[names[1]]
    raise ValueError(f"cannot convert {source!r} to {target!r}: not two lengths or two durations")
