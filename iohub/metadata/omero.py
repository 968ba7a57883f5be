"""The ``omero`` member: channels, their display colours and windows, and rendering defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, cast

from pydantic import AfterValidator

from iohub.errors import ArgumentError, ChannelError
from iohub.metadata.documents import NONE, Bool, Document, FrozenDict, Int, Many, Number, Str

WINDOW_KEYS = ("start", "end", "min", "max")

_WINDOW_KEYS = frozenset(WINDOW_KEYS)
_FLOATS = frozenset((float,))


class WindowDict(TypedDict):
    """Contrast limits of a channel, in pixel values.

    Attributes
    ----------
    start, end : float
        Values that are shown darkest and brightest.
    min, max : float
        Ends of the range in which the limits can be moved.
    """

    start: float
    end: float
    min: float
    max: float


def _window(value: Any) -> FrozenDict | None:
    """Check the types of a stored window, and complete a bound by its partner."""
    if not value and (value is None or value == {}):
        return None
    if (
        type(value) is dict
        and value.keys() == _WINDOW_KEYS
        and _FLOATS.issuperset(map(type, value.values()))
    ):
        return FrozenDict(value)
    if not isinstance(value, dict):
        raise ValueError("a window must be an object with start, end, min and max")
    window = {name: limit for name, limit in value.items() if limit is not None}
    for name in WINDOW_KEYS:
        limit: Any = window.get(name)
        if hasattr(limit, "item"):
            limit = limit.item()
        if limit is None:
            continue
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise ValueError(f"{name!r} of a window must be a number")
        window[name] = float(limit)
    for one, other in (("start", "min"), ("end", "max")):
        if one not in window and other not in window:
            raise ValueError(f"a window needs {one!r} and {other!r}")
        window.setdefault(one, window.get(other))
        window.setdefault(other, window[one])
    return FrozenDict(window)


if TYPE_CHECKING:
    _Window = WindowDict
else:  # a TypedDict of the standard library is no pydantic type before Python 3.12
    _Window = Annotated[Any, AfterValidator(_window)]


class ChannelMeta(Document):
    """How a channel is called and shown.

    Attributes
    ----------
    active : bool or None
        Whether it is shown at first.
    coefficient : float or None
        Of the transfer function.
    color : str or None
        Six hexadecimal digits, red green blue.
    family : str or None
        Of the transfer function, such as ``"linear"``.
    inverted : bool or None
        Whether bright is shown dark.
    label : str or None
        Name of the channel.
    window : WindowDict or None
        Contrast limits, in pixel values. A bound that a file lacks is taken from its partner
        (start and min, end and max).
    """

    active: Bool | None = None
    coefficient: Number | None = None
    color: Str | None = None
    family: Str | None = None
    inverted: Bool | None = None
    label: Str | None = None
    window: _Window | None = None


class RDefsMeta(Document):
    """Rendering defaults.

    Attributes
    ----------
    default_t, default_z : int or None
        Index of the time point and of the plane that are shown first.
    model : str or None
        ``"color"`` or ``"greyscale"``.
    projection : str or None
        Such as ``"normal"`` or ``"maximum"``.
    """

    default_t: Int | None = None
    default_z: Int | None = None
    model: Str | None = None
    projection: Str | None = None


class OMEROMeta(Document):
    """The transitional ``omero`` metadata of an image.

    Attributes
    ----------
    version : str or None
        As read from OME-Zarr 0.4.
    id : int or str or None
        Of the image in OMERO.
    name : str or None
        Of the image.
    channels : tuple of ChannelMeta
        One per index of the channel axis.
    rdefs : RDefsMeta or None
        Rendering defaults.
    """

    version: Str | None = None
    id: Int | Str | None = None
    name: Str | None = None
    channels: Many[ChannelMeta] = NONE
    rdefs: RDefsMeta | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is written; channels are there even if there are none."""
        return {"channels": [], **super().to_json()}


_HEX = re.compile(r"[0-9A-Fa-f]{6}")
_NAMED_COLORS = {
    "white": "FFFFFF",
    "grey": "FFFFFF",
    "gray": "FFFFFF",
    "red": "FF0000",
    "green": "00FF00",
    "blue": "0000FF",
    "cyan": "00FFFF",
    "magenta": "FF00FF",
    "yellow": "FFFF00",
}

# Searched in order, from the start of a word; far red before red, "Cy5.5" before "Cy5".
_COLOR_WORDS = (
    (
        r"phase|ph\d?\b|bf\b|bright ?field|dic\b|trans|tl\b|label[- ]?free|retardance|"
        r"orientation|polari[sz]|birefringence|density|state ?\d",
        "FFFFFF",
    ),
    (r"dapi|hoechst|m?tag ?bfp|e?bfp|dna\b|nucle|violet|blue", "0000FF"),
    (r"e?cfp|cerulean|m?turquoise|cyan", "00FFFF"),
    (r"e?yfp|venus|citrine|yellow", "FFFF00"),
    (r"e?gfp|s[fg]gfp|fitc|m?neon ?green|alexa ?(fluor ?)?488|af ?488|calcein|green", "00FF00"),
    (r"cy ?5\.5|cy ?7|alexa ?(fluor ?)?7\d\d|irfp|near[- ]?infra ?red|nir\b", "FF0080"),
    (r"cy ?5|alexa ?(fluor ?)?6[345]\d|atto ?6\d\d|far ?red|sir\b|mirfp|draq ?5", "FF00FF"),
    (
        r"t?rfp|tritc|m?cherry|m?scarlet|td ?tomato|ds ?red|m?kate|texas ?red|cy ?3|rhodamine|"
        r"alexa ?(fluor ?)?5[4-9]\d|mito ?tracker|propidium|red\b",
        "FF0000",
    ),
)
_COLOR_PATTERNS = tuple(
    (re.compile(rf"(?<![a-z])(?:{words})"), color) for words, color in _COLOR_WORDS
)
_CYCLE = ("00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
# Excitation lines in nanometers: below the limit the emission is seen as the colour.
_WAVELENGTHS = ((430, "0000FF"), (470, "00FFFF"), (520, "00FF00"), (600, "FF0000"), (900, "FF00FF"))


def parse_color(color: str) -> str:
    """Return a colour as it is written.

    Parameters
    ----------
    color : str
        Six hexadecimal digits, with or without ``#`` before, or the name of a basic colour.

    Raises
    ------
    ChannelError
        If it is neither.
    """
    text = str(color).strip().removeprefix("#")
    text = _NAMED_COLORS.get(text.lower(), text)
    if not _HEX.fullmatch(text):
        raise ChannelError(
            f"{color!r} is not a colour: give six hexadecimal digits such as 'FF0000', or one of "
            f"{', '.join(_NAMED_COLORS)}"
        )
    return text.upper()


def is_color(color: str) -> bool:
    """Whether a stored colour is six hexadecimal digits.

    Parameters
    ----------
    color : str
        As read.
    """
    return _HEX.fullmatch(color) is not None


def default_color(name: str, index: int = 0) -> str:
    """Return a display colour for a channel, by what its name says.

    Parameters
    ----------
    name : str
        A fluorophore, a laser line in nanometers or a contrast method is recognised.
    index : int
        Place among the channels; chooses from a cycle if the name says nothing.

    Returns
    -------
    str
        Six hexadecimal digits.
    """
    text = name.casefold().replace("_", " ").strip()
    for pattern, color in _COLOR_PATTERNS:
        if pattern.search(text):
            return color
    line = re.search(r"(?<!\d)([3-8]\d\d)(?!\d)", text)
    if line:
        for limit, color in _WAVELENGTHS:
            if int(line[1]) < limit:
                return color
    return _CYCLE[index % len(_CYCLE)]


def default_window(dtype: Any = None) -> WindowDict:
    """Return contrast limits that show every value of a data type.

    Parameters
    ----------
    dtype : numpy data type or str or None
        Integers give the limits of the type, booleans and floats 0 to 1; None is taken as uint16.
    """
    import numpy as np  # only images with a data type need it

    kind = np.dtype("uint16" if dtype is None else dtype)
    low, high = 0.0, 1.0
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        low, high = float(limits.min), float(limits.max)
    return WindowDict(start=low, end=high, min=low, max=high)


def default_channel(name: str, index: int = 0, dtype: Any = None) -> ChannelMeta:
    """Return how a new channel is shown.

    Parameters
    ----------
    name : str
        Its label.
    index : int
        Place among the channels.
    dtype : numpy data type or str or None
        Of the image; see :func:`default_window`.
    """
    return ChannelMeta(
        active=True,
        coefficient=1.0,
        color=default_color(name, index),
        family="linear",
        inverted=False,
        label=name,
        window=default_window(dtype),
    )


def require_window(
    window: WindowDict | dict[str, Any], existing: WindowDict | None = None
) -> WindowDict:
    """Return contrast limits that may be written.

    Parameters
    ----------
    window : WindowDict or dict
        ``start`` and ``end``, and ``min`` and ``max`` unless they are known already.
    existing : WindowDict or None
        Limits of before; supplies what `window` leaves out.

    Raises
    ------
    ChannelError
        If a limit is missing, unknown, no finite number, or ``start >= end`` or ``min > max``.
    ArgumentError
        If it is no mapping.
    """
    if not isinstance(window, Mapping):
        raise ArgumentError(
            f"contrast limits are a dict such as {{'start': 0, 'end': 4095}}, not {window!r:.60}"
        )
    given = dict(window)
    if not given:
        raise ChannelError(f"no contrast limit is given; there are {', '.join(WINDOW_KEYS)}")
    unknown = sorted(set(given) - set(WINDOW_KEYS) - set(existing or ()))
    if unknown:
        raise ChannelError(
            f"contrast limits are {', '.join(WINDOW_KEYS)}, not {', '.join(unknown)}"
        )
    merged = {**(existing or {}), **given}
    missing = [name for name in WINDOW_KEYS if name not in merged]
    if missing:
        raise ChannelError(f"contrast limits lack {', '.join(missing)}")
    for name in WINDOW_KEYS:
        limit = merged[name]
        limit = limit.item() if hasattr(limit, "item") else limit
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not isfinite(limit):
            raise ChannelError(f"the contrast limit {name} must be a finite number, not {limit!r}")
        merged[name] = float(limit)
    if merged["start"] >= merged["end"]:
        raise ChannelError(f"start must be below end: {merged['start']} >= {merged['end']}")
    if merged["min"] > merged["max"]:
        raise ChannelError(f"min must not exceed max: {merged['min']} > {merged['max']}")
    return cast(WindowDict, merged)
