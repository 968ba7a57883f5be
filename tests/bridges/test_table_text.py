"""Tables as CSV and JSON columns: what is written is what is read, and text stays text."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.bridges import table_text
from iohub.bridges.table_columns import columns_of, typed_series
from iohub.errors import DocumentError, DTypeError

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), TEXT), min_size=3, max_size=3),
    st.lists(st.integers(-(2**62), 2**62), min_size=3, max_size=3),
    st.lists(st.floats(allow_nan=True), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)


def plain(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Cells as Python has them, None for what is missing."""
    return {column.name: column.cells() for column in columns_of(frame)}


@given(st.dictionaries(TEXT, COLUMNS, min_size=1, max_size=3))
def test_csv_round_trip(columns: dict[str, list[object]]) -> None:
    for values in columns.values():
        if all(value is None for value in values):
            values[0] = "x"  # a column of nothing has no type
    frame = pd.DataFrame({name: typed_series(values) for name, values in columns.items()})
    found = table_text.from_csv(table_text.to_csv(frame))
    assert plain(found) == plain(frame)


def test_csv_of_many_rows() -> None:
    """The fast reader tells the same as the exact one."""
    count = 1000
    frame = pd.DataFrame(
        {
            "n": range(count),
            "x": np.random.default_rng(0).random(count),
            "code": [f"{i:03}" for i in range(count)],
            "ok": [i % 2 == 0 for i in range(count)],
        }
    )
    frame.loc[500, "code"] = None
    frame.loc[700, "x"] = math.nan
    assert plain(table_text.from_csv(table_text.to_csv(frame))) == plain(frame)
    frame.loc[501, "code"] = ""
    assert plain(table_text.from_csv(table_text.to_csv(frame))) == plain(frame)
    with pytest.raises(DocumentError, match="row 1002 has 1 field"):
        table_text.from_csv(table_text.to_csv(frame) + b"1\n")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a,b\n1,x\n", {"a": [1], "b": ["x"]}),
        (b'"a","b"\r\n"03",1.5\r\n', {"a": ["03"], "b": [1.5]}),
        (b"\xef\xbb\xbfa\n1\n", {"a": [1]}),
        (b"a,b\n1,\n,2\n", {"a": [1.0, None], "b": [None, 2.0]}),
        (b"a\nTrue\nFalse\n", {"a": [True, False]}),
        (b"a\n1_000\n", {"a": ["1_000"]}),
        (b'a,b\n"",\n', {"a": [""], "b": [None]}),
        (b"a,b", {"a": [], "b": []}),
        (b"", {}),
    ],
)
def test_csv_of_others(raw: bytes, expected: dict[str, list[object]]) -> None:
    assert plain(table_text.from_csv(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (b"a,b\n1\n", "row 2 has 1 fields"),
        (b"a,a\n1,2\n", "two columns are called 'a'"),
        (b"a\n\xff\n", "not UTF-8"),
        (b'a\n"x"y\n', "stray quote"),
    ],
)
def test_csv_that_is_wrong(raw: bytes, match: str) -> None:
    with pytest.raises(DocumentError, match=match):
        table_text.from_csv(raw, "t.csv")


def test_json_columns() -> None:
    frame = pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": ["x", None], "c": [1.5, math.nan]}
    )
    columns = table_text.to_columns(frame)
    assert columns == {"a": [1, None], "b": ["x", None], "c": [1.5, None]}
    assert plain(table_text.from_columns(columns)) == plain(frame)
    for wrong in ({"a": 1}, {"a": [1], "b": []}):
        with pytest.raises(DocumentError):
            table_text.from_columns(wrong)


def test_two_columns_of_one_name() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DTypeError, match="two columns are called 'a'"):
        table_text.to_csv(frame)
