"""Colours and properties of labels as pandas DataFrames and back; nothing is stored here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.bridges.table_columns import typed_series
from iohub.errors import ArgumentError, DocumentError, Problem
from iohub.metadata.labels import LabelColorMeta, LabelPropertyMeta
from iohub.metadata.omero import parse_color

if TYPE_CHECKING:
    import pandas as pd

INDEX = "label-value"
"""Name of the index: the member of the specification that says which label is meant."""

_NAMES = (INDEX, "label", "label_value")
_RGBA = ("r", "g", "b", "a")


def colors_frame(colors: Iterable[LabelColorMeta]) -> pd.DataFrame:
    """Return colours as a table.

    Parameters
    ----------
    colors : iterable of LabelColorMeta
        As a document has them.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``label-value``; columns ``r``, ``g``, ``b`` and ``a`` (0 to 255, missing if the
        document gives no colour), then whatever else the document says.
    """
    import pandas as pd

    rows = []
    for color in colors:
        members = color.to_json()
        rgba = members.pop("rgba", None) or (pd.NA,) * 4
        rows.append({INDEX: color.label_value, **dict(zip(_RGBA, rgba, strict=True)), **members})
    frame = pd.DataFrame(rows, columns=None if rows else [INDEX, *_RGBA]).set_index(INDEX)
    return frame.astype(dict.fromkeys(_RGBA, "UInt8"))


def properties_frame(properties: Iterable[LabelPropertyMeta]) -> pd.DataFrame:
    """Return properties as a table.

    Parameters
    ----------
    properties : iterable of LabelPropertyMeta
        As a document has them.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``label-value``, with a column for each member that any label has.
    """
    import pandas as pd

    rows = [entry.to_json() for entry in properties]
    names = dict.fromkeys([INDEX, *(name for row in rows for name in row)])
    columns = {name: typed_series([row.get(name) for row in rows]) for name in names}
    return pd.DataFrame(columns).set_index(INDEX)


def colors_from(given: Any) -> tuple[LabelColorMeta, ...]:
    """Return colours as a document has them.

    Parameters
    ----------
    given : pandas.DataFrame or mapping
        A table as :func:`colors_frame` makes it (``a`` may be missing, for opaque colours), or
        for each label a colour: six hexadecimal digits, the name of a basic colour, or 3 or 4
        numbers from 0 to 255.

    Raises
    ------
    ChannelError
        If a text is no colour.
    ArgumentError
        If it is neither table nor mapping.
    DocumentError
        If numbers are out of range, or a label has no number; all such are listed.
    """
    _check_table(given, "colors", Mapping)
    items: list[tuple[Any, tuple[Any, ...] | None, dict[str, Any]]]
    if isinstance(given, Mapping):
        items = [(label, _rgba(color), {}) for label, color in given.items()]
    else:
        items = [(label, *_split_rgba(row)) for label, row in _rows(given)]
    made: list[LabelColorMeta] = []
    problems = []
    for label, rgba, rest in items:
        if rgba is not None and not (len(rgba) == 4 and all(_is_byte(v) for v in rgba)):
            text = f"label {label} has colour {rgba}, not 3 or 4 numbers from 0 to 255"
            problems.append(Problem(f"/colors/{len(made)}/rgba", text, "label-color"))
            continue
        numbers = None if rgba is None else tuple(int(v) for v in rgba)
        entry = {**rest, INDEX: _label(label), "rgba": numbers}
        made.append(LabelColorMeta.model_validate(entry))
    if problems:
        raise DocumentError(problems)
    return tuple(made)


def properties_from(frame: pd.DataFrame) -> tuple[LabelPropertyMeta, ...]:
    """Return properties as a document has them.

    Parameters
    ----------
    frame : pandas.DataFrame
        Indexed by label, or with a column ``label-value``, ``label`` or ``label_value``. What is
        missing in a row (NaN, None, NA) is left out of that label's members.

    Raises
    ------
    ArgumentError
        If it is no table.
    DocumentError
        If nothing says which label a row is of, or a value is not finite.
    """
    _check_table(frame, "properties")
    return tuple(
        LabelPropertyMeta.model_validate({INDEX: _label(label), **_members(row)})
        for label, row in _rows(frame)
    )


def _check_table(given: object, what: str, *others: type[Any]) -> None:
    import pandas as pd

    if not isinstance(given, (pd.DataFrame, *others)):
        wanted = "a pandas.DataFrame" + (" or a mapping of labels to colours" if others else "")
        raise ArgumentError(
            f"{what} are {wanted}, not {given!r:.60} ({type(given).__name__}); "
            "an empty one removes them"
        )


def _rows(frame: pd.DataFrame) -> list[tuple[Any, dict[str, Any]]]:
    """Return the label and the other members of each row."""
    columns = [str(name) for name in frame.columns]
    key = next((name for name in _NAMES if name in columns), None)
    if key is None and frame.index.name is None and len(frame) and _counts(frame.index):
        # Numbers that pandas made up itself are no labels.
        text = "no column or index says which label a row is of; set_index('label-value')"
        raise DocumentError([Problem("/properties", text, "label-value")])
    labels = list(frame.index if key is None else frame[key])
    rest = frame.drop(columns=[key] if key else [])
    # pandas gives no records where there are no columns.
    records = rest.to_dict(orient="records") if len(rest.columns) else [{}] * len(labels)
    return [
        (label, {str(name): value for name, value in record.items()})
        for label, record in zip(labels, records, strict=True)
    ]


def _counts(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.start == 0


def _label(value: Any) -> int:
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise DocumentError(
            [Problem("/label-value", f"must be an integer, found {value!r}", "label-value")]
        )
    return number


def _members(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in row.items():
        plain = _plain(value)
        if isinstance(plain, float) and math.isinf(plain):
            text = f"{name!r} is {plain}, which JSON cannot say"
            raise DocumentError([Problem(f"/properties/{name}", text, "json")])
        if plain is not None:
            found[name] = plain
    return found


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it; None for what is missing."""
    import pandas as pd

    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping | list | tuple | str):
        return value
    return None if value is None or pd.isna(value) else value


def _split_rgba(row: dict[str, Any]) -> tuple[tuple[Any, ...] | None, dict[str, Any]]:
    rest = {name: value for name, value in _members(row).items() if name not in _RGBA}
    values = tuple(_plain(row.get(name)) for name in _RGBA[:3])
    if all(value is None for value in values):
        return None, rest
    alpha = _plain(row.get("a"))
    return (*values, 255 if alpha is None else alpha), rest


def _rgba(color: Any) -> tuple[Any, ...]:
    if isinstance(color, str):
        digits = parse_color(color)
        return (*(int(digits[i : i + 2], 16) for i in (0, 2, 4)), 255)
    if not isinstance(color, Iterable):
        return (color,)  # refused with all others that are no colours
    values = tuple(_plain(value) for value in color)
    return (*values, 255) if len(values) == 3 else values


def _is_byte(value: Any) -> bool:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    return whole and 0 <= value <= 255
