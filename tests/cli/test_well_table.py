"""Tables of well names as people and spreadsheets write them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.cli.well_table import checked_names, read_table
from iohub.errors import DocumentError

PAIRS = [("A/1", "B/2"), ("A/2", "B/3")]


@pytest.mark.parametrize(
    "text",
    [
        "A/1,B/2\nA/2,B/3",
        "A/1,B/2\r\nA/2,B/3\r\n",
        "\ufeffA/1,B/2\nA/2,B/3\n",
        "\ufeffold,new\nA/1,B/2\nA/2,B/3\n",
        "old name;new name\nA/1;B/2\nA/2;B/3\n",
        "Well\tTarget\nA/1\tB/2\nA/2\tB/3\n",
        '\n,,\nold,new\n\n  A/1 , B/2 ,\n\n"A/2","B/3"\n\n',
        "names\nA/1,B/2\nA/2,B/3\n",
    ],
)
def test_spellings(text):
    assert [(line.old, line.new) for line in read_table(text.encode(), "t.csv")] == PAIRS


@given(
    st.lists(st.tuples(*[st.from_regex(r"[A-Z]{1,2}/[0-9]{1,2}", fullmatch=True)] * 2), min_size=1)
)
def test_what_csv_writes_is_read(pairs):
    file = io.StringIO()
    csv.writer(file).writerows(pairs)
    assert [(line.old, line.new) for line in read_table(file.getvalue().encode(), "")] == pairs


def test_numbers_of_lines():
    lines = read_table(b"old,new\n\nA/1,B/1\n\nA/2,B/2\n", "")
    assert [line.number for line in lines] == [3, 5]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "names no wells"),
        (b"old,new\n", "names no wells"),
        (b"A/1,B/1\nA/2\nA/3,B/3,C/3\nold,new\n,A/4\n", "line 2: "),
        ("A/1,B/1\n".encode("utf-16"), "CSV UTF-8"),
        (b"A/1 B/1\n", "line 1: 'A/1 B/1' is not an old and a new name"),
    ],
)
def test_refusals(raw, says):
    with pytest.raises(DocumentError, match=r"t\.csv") as caught:
        read_table(raw, "t.csv")
    assert says in str(caught.value)


def test_every_line_that_is_wrong_is_named():
    with pytest.raises(DocumentError) as caught:
        read_table(b"A/1,B/1\nA/2\nA/3,B/3,C/3\nold,new\n,A/4\n", "t.csv")
    assert [problem.where for problem in caught.value.problems] == ["line 2", "line 3", "line 5"]


def test_a_line_of_headings_further_down_is_no_well():
    lines = read_table(b"A/1,B/1\nold,new\n", "")
    with pytest.raises(DocumentError, match="line 2: there is no well 'old'"):
        checked_names(lines, ["A/1"], "")


def test_a_name_that_becomes_free():
    lines = read_table(b"A/1,A/2\nA/2,A/3\n", "")
    assert checked_names(lines, ["A/1", "A/2"], "") == {"A/1": "A/2", "A/2": "A/3"}
    with pytest.raises(DocumentError, match="keeps its name"):
        checked_names(lines[:1], ["A/1", "A/2"], "")
    stays = read_table(b"A/1,A/2\nA/2,A/2\n", "")
    with pytest.raises(DocumentError, match="keeps its name"):
        checked_names(stays, ["A/1", "A/2"], "")
