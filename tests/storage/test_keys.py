"""Keys: nothing leads out of a store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import PathError
from iohub.storage.keys import check_key, check_prefix, join, parents, place_name


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/..",
        "a/../b",
        ".",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "a\0",
    ],
)
def test_bad_keys(key: str) -> None:
    with pytest.raises(PathError, match="is no key"):
        check_key(key)


@pytest.mark.parametrize("key", ["a", "a/b", ".zattrs", "..a", "a..", "...", "c/0/0", "µ/ü 1"])
def test_good_keys(key: str) -> None:
    assert check_key(key) == key


def test_prefix_may_be_empty() -> None:
    assert check_prefix("") == ""


def test_join_and_parents() -> None:
    assert join("", "a") == "a"
    assert join("a", "") == "a"
    assert join("a", "b/c") == "a/b/c"
    assert parents("a/b/c") == ["a/b", "a", ""]
    assert parents("") == []


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "c.d", "\\"]), min_size=1, max_size=5))
def test_accepted_keys_stay_inside(parts: list[str]) -> None:
    key = "/".join(parts)
    allowed = not {"..", ".", "", "\\"} & set(parts)
    try:
        assert check_key(key) == key
    except PathError:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/plate.zarr/", "plate.zarr"),
        ("/data/plate (copy)", "plate (copy)"),
        (r"C:\data\plate.zarr", "plate.zarr"),
        ("plate.zarr", "plate.zarr"),
        ("/data/20260102", "20260102"),
        ("memory://plate", "plate"),
        ("memory://2", "2"),
        ("memory://140063221764288", ""),
        ("logging-memory://140063221764288", ""),
        ("memory://140063221764288/A/1", "1"),
        ("zip:///data/plate.zip", "plate.zip"),
        ("<FsspecStore(AsyncFileSystemWrapper, /data/plate.zarr)>", "plate.zarr"),
    ],
)
def test_the_name_of_a_place(url: str, name: str) -> None:
    assert place_name(url) == name
