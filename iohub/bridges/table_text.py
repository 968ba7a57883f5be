"""Tables as CSV and as JSON columns; written so that text stays text, whatever it looks like."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iohub.bridges.table_columns import Column, columns_of, typed_series
from iohub.errors import DocumentError, DTypeError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from iohub.types import JsonObject

# One field and what ends it; group 1 is quoted, group 2 is not.
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|\Z)')
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# So many rows are looked at to see which columns are text.
_LOOKED_AT = 200


def to_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV: text is quoted, missing values are empty, booleans in lower case.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table; its index is not written.

    Raises
    ------
    DTypeError
        If a column holds what is neither number, boolean nor text.
    """
    columns = columns_of(frame)
    lines = [",".join(_quoted(column.name) for column in columns)]
    lines += map(",".join, zip(*map(_fields, columns), strict=True))
    return ("\n".join(lines) + "\n").encode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _fields(column: Column) -> list[str]:
    if column.kind == "text":
        return ["" if value is None else _quoted(value) for value in column.cells()]
    if column.kind == "bool":
        return ["" if value is None else str(value).lower() for value in column.cells()]
    return ["" if value is None else repr(value) for value in column.cells()]


def from_csv(raw: bytes, source: str = "") -> pd.DataFrame:
    """Read a table from CSV; a column whose values are quoted is text, also if they are digits.

    Parameters
    ----------
    raw : bytes
        As :func:`to_csv` or any other tool wrote it.
    source : str
        Where it is from, for messages.

    Raises
    ------
    DocumentError
        If rows have different lengths, two columns have one name, or it is no UTF-8.
    """
    import pandas as pd

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError([Problem("", f"is not UTF-8: {error}", "csv")], source) from error
    found = _plain_rows(text, source)
    if found is None:
        marked = list(_rows(text, source))
        rows = [[value for value, _ in row] for row in marked]
        _check_rows(rows, source)
        marks = [list(column) for column in zip(*([m for _, m in r] for r in marked), strict=True)]
    else:
        rows, quoted = found
        _check_rows(rows, source)
        marks = [
            [value != "" for value in column] if mark else [False] * len(column)
            for mark, column in zip(quoted, zip(*rows, strict=True), strict=True)
        ]
    columns = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            name: _typed(values, mark[1:])
            for (name, *values), mark in zip(columns, marks, strict=True)
        }
    )


def _plain_rows(text: str, source: str) -> tuple[list[list[str]], list[bool]] | None:
    """Rows and which columns are text, by a fast reader; None where that cannot tell all.

    It does not tell an empty text from a missing one, and needs a value to see what is quoted.
    """
    first = list(_rows(text, source, _LOOKED_AT))
    if len(first) < _LOOKED_AT or '""' in text:
        return None
    width = len(first[0])
    body = [row for row in first[1:] if len(row) == width]
    if not all(any(row[i][0] for row in body) for i in range(width)):
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise DocumentError([Problem("", str(error), "csv")], source) from error
    return rows, [any(row[i][1] for row in body) for i in range(width)]


def _check_rows(rows: list[list[str]], source: str) -> None:
    names = rows[0] if rows else []
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DocumentError([Problem("", f"two columns are called {twice[0]!r}", "csv")], source)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            what = f"row {number} has {len(row)} fields and the first row {len(names)}"
            raise DocumentError([Problem("", what, "csv")], source)


def _rows(text: str, source: str, most: int | None = None) -> Iterator[list[tuple[str, bool]]]:
    """Fields of each line, with whether they are quoted."""
    row: list[tuple[str, bool]] = []
    place, count = 0, 0
    while place < len(text) and (most is None or count < most):
        match = _FIELD.match(text, place)
        if match is None:
            line = text.count("\n", 0, place) + 1
            raise DocumentError([Problem("", f"line {line} has a stray quote", "csv")], source)
        quoted = match[1] is not None
        row.append((match[1].replace('""', '"') if quoted else match[2], quoted))
        place = match.end()
        if match[3] != ",":
            yield row
            row, count = [], count + 1
        elif place == len(text):
            yield [*row, ("", False)]


def _typed(values: Sequence[str], quoted: Sequence[bool]) -> pd.Series[Any]:
    """Return a column as what all its fields can be: integers, numbers, booleans, else text."""
    import pandas as pd

    if not any(quoted):
        plain = [value or None for value in values]
        there = [value for value in plain if value is not None]
        if there and there[0] in _WORDS and all(value in _WORDS for value in there):
            return typed_series([None if value is None else _WORDS[value] for value in plain])
        # Python would take underscores for part of a number.
        for kind in (int, float) if not any("_" in value for value in there) else ():
            try:
                numbers = [None if value is None else kind(value) for value in plain]
            except ValueError:
                continue
            return pd.Series(numbers, dtype="float64" if None in plain else None)
    fields = zip(values, quoted, strict=True)
    # An empty field that is not quoted is a missing one.
    texts = [value if value or mark else None for value, mark in fields]
    return pd.Series(texts, dtype="str")


def to_columns(frame: pd.DataFrame) -> JsonObject:
    """Return a table as JSON: a list for each column, null for what is missing.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table; its index is not written.

    Raises
    ------
    DTypeError
        If a column holds what is neither number, boolean nor text, or a number is infinite.
    """
    columns = columns_of(frame)
    for column in columns:
        if column.kind == "float" and np.isinf(column.values).any():
            row = int(np.isinf(column.values).argmax())
            raise DTypeError(
                f"column {column.name!r} is {column.values[row]} in row {row}, which JSON cannot "
                "say; use the backend 'csv', 'anndata' or 'parquet'"
            )
    return {column.name: column.cells() for column in columns}


def from_columns(columns: Mapping[str, Any], source: str = "") -> pd.DataFrame:
    """Read a table from JSON columns.

    Parameters
    ----------
    columns : mapping of str to list
        As :func:`to_columns` or any other tool wrote it.
    source : str
        Where it is from, for messages.

    Raises
    ------
    DocumentError
        If a column is no list, or they differ in length.
    """
    import pandas as pd

    wrong = [name for name, values in columns.items() if not isinstance(values, list)]
    lengths = {len(values) for values in columns.values() if isinstance(values, list)}
    if wrong or len(lengths) > 1:
        what = f"column {wrong[0]!r} is no array" if wrong else "columns differ in length"
        raise DocumentError([Problem("", what, "table")], source)
    return pd.DataFrame({name: typed_series(values) for name, values in columns.items()})
