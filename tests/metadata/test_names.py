from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import NameWarning, PathError
from iohub.metadata.names import (
    check_array_path,
    check_field,
    check_member_path,
    check_row_column,
    split_well,
    warn_case_collisions,
)


@pytest.mark.parametrize("name", ["A", "1", "AA12"])
def test_allowed(name):
    assert check_row_column(name) == name
    assert check_field(name) == name


@pytest.mark.parametrize(
    "name", ["", "A-1", "A/1", "a b", "\ufeffA", "\u0661", "\u00c4", "..", "A\n", 1, None]
)
def test_refused(name):
    with pytest.raises(PathError):
        check_row_column(name)
    with pytest.raises(PathError):
        check_field(name)


def test_invisible_characters_are_shown():
    with pytest.raises(PathError, match="ufeff"):
        check_row_column("\ufeffA")


def test_split_well():
    assert split_well("A/1") == ("A", "1")
    for path in ("A1", "A/1/0", "/A/1", "A/", ""):
        with pytest.raises(PathError):
            split_well(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/0",
        "..",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a/.",
        "a\\b",
        "C:/x",
        "s3://b",
        "a\x00b",
        3,
        ".__iohub-edit/x",
    ],
)
def test_paths_that_lead_out(path):
    with pytest.raises(PathError):
        check_member_path(path)


@given(st.text(alphabet="./\\ab:", max_size=8))
def test_an_accepted_path_stays_inside(path):
    try:
        check_member_path(path)
    except PathError:
        return
    depth = 0
    for part in path.split("/"):
        assert part not in {"", ".", ".."}
        depth += 1
    assert depth == path.count("/") + 1
    assert "\\" not in path


@pytest.mark.parametrize(
    "path", ["zarr.json", "a/.zarray", "labels/0", "labels", "tables", "tables/0", "*"]
)
def test_array_paths_that_are_taken(path):
    with pytest.raises(PathError):
        check_array_path(path)


@pytest.mark.parametrize("path", ["0", "scale/0", "image-1", "a.b", "fluor\u00e9"])
def test_array_paths(path):
    assert check_array_path(path) == path


def test_case_collisions():
    with pytest.warns(NameWarning, match="'a' and 'A'"):
        warn_case_collisions(["A"], ["a", "A"], "row")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_case_collisions(["A"], ["A", "b"], "row")
