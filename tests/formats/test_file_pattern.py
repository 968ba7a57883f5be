from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iohub.errors import FormatError
from iohub.formats.file_pattern import find_files, is_pattern, natural


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def shown(pattern: str | Path) -> tuple[str, list[list[str]], int]:
    found = find_files(str(pattern))
    return "".join(found.axes), [list(each) for each in found.values], len(found.paths)


def test_what_is_a_pattern() -> None:
    assert all(map(is_pattern, ["a<0-9>.tif", "a{t}.tif", "*.tif", "a?.tif", "a<x,y>"]))
    assert not any(map(is_pattern, ["a.tif", "a[0].tif", "a<b", "{name}.tif", ""]))


def test_order_of_names() -> None:
    names = ["a10", "a9", "a", "b1", "a9b2", "10", "9"]
    assert sorted(names, key=natural) == ["9", "10", "a", "a9", "a9b2", "a10", "b1"]


@pytest.mark.parametrize(
    ("pattern", "axes", "values"),
    [
        ("i_<0-2>.tif", "z", [["0", "1", "2"]]),
        ("i_t<08-11>.tif", "t", [["08", "09", "10", "11"]]),
        ("i_<0-6:3>.tif", "z", [["0", "3", "6"]]),
        ("i_<a-c>.tif", "c", [["a", "b", "c"]]),
        ("i_<DAPI,GFP>_<1-2>.tif", "cz", [["DAPI", "GFP"], ["1", "2"]]),
        ("i_<1-2>_<1-2>_<1-2>.tif", "ctz", [["1", "2"]] * 3),
        ("E99_C<111,222>_ZS<000-001>.tif", "cz", [["111", "222"], ["000", "001"]]),
        ("well_<A-B><1-2>_w<1-2>.tif", "ppc", [["A", "B"], ["1", "2"], ["1", "2"]]),
        ("Pos<0-1>/i_<0-1>.tif", "pz", [["0", "1"], ["0", "1"]]),
        ("i_<1,3-4>.tif", "z", [["1", "3", "4"]]),
    ],
)
def test_lists(pattern: str, axes: str, values: Any, tmp_path: Path) -> None:
    found = find_files(str(tmp_path / pattern))
    assert found.paths == {}
    if values is not None:
        assert "".join(found.axes) == axes
        assert [list(each) for each in found.values] == values


def test_files_that_are_there(tmp_path: Path) -> None:
    touch(tmp_path, "i_0_a.tif", "i_1_b.tif", "i_2_a.tif")
    found = find_files(str(tmp_path / "i_t<0-1>_<a-b>.tif".replace("t<", "<")))
    assert {at: Path(path).name for at, path in found.paths.items()} == {
        (0, 0): "i_0_a.tif",
        (1, 1): "i_1_b.tif",
    }


def test_letters_in_braces(tmp_path: Path) -> None:
    touch(tmp_path, *(f"x{t}_{c}.tif" for t in (1, 2, 10) for c in ("GFP", "BF")), "other.tif")
    found = find_files(str(tmp_path / "x{t}_{c}.tif"))
    assert list(found.axes) == ["t", "c"]
    assert [list(each) for each in found.values] == [["1", "2", "10"], ["BF", "GFP"]]
    assert Path(found.paths[2, 1]).name == "x10_GFP.tif"
    assert len(found.paths) == 6


def test_braces_and_lists(tmp_path: Path) -> None:
    """A list says which, and in which order."""
    touch(tmp_path, *(f"x{t}_{c}.tif" for t in (1, 2) for c in ("GFP", "BF", "no")))
    axes, values, count = shown(tmp_path / "x{t}_<GFP,BF>.tif")
    assert (axes, values, count) == ("tc", [["1", "2"], ["GFP", "BF"]], 4)


def test_stars_take_names_apart_at_numbers(tmp_path: Path) -> None:
    touch(tmp_path, *(f"E99_C{c}_ZS{z:03}.tif" for c in (111, 222) for z in range(3)))
    touch(tmp_path, "E99.txt")
    axes, values, count = shown(tmp_path / "*.tif")
    assert (axes, values, count) == ("cz", [["111", "222"], ["000", "001", "002"]], 6)


def test_stars_over_names_that_differ_in_more(tmp_path: Path) -> None:
    touch(tmp_path, "one.tif", "two2.tif", "two10.tif")
    found = find_files(str(tmp_path / "*.tif"))
    assert list(found.axes) == ["z"]
    assert [Path(found.paths[n,]).name for n in range(3)] == ["one.tif", "two2.tif", "two10.tif"]


def test_stars_in_folders(tmp_path: Path) -> None:
    touch(tmp_path, *(f"Pos{p}/i_{t}.tif" for p in (0, 1) for t in (0, 1, 2)))
    assert shown(tmp_path / "Pos*" / "i_*.tif")[2] == 6
    assert shown(tmp_path / "Pos*" / "i_?.tif")[0] == "pz"
    assert shown(tmp_path / "Pos{p}" / "i_{t}.tif")[0] == "pt"


def test_names_along_an_axis(tmp_path: Path) -> None:
    found = find_files(str(tmp_path / "well_<A-B><01-02>_w<1-2>_<DAPI,GFP>.tif"))
    assert found.names("p") == ["A_01", "A_02", "B_01", "B_02"]
    assert found.sizes("p") == 4
    assert found.index((1, 0, 1, 0), "p") == 2


@pytest.mark.parametrize("pattern", ["x<5-1>", "x<>", "x<a,,b>", "x<0-99999999>"])
def test_lists_that_are_none(pattern: str) -> None:
    with pytest.raises(FormatError, match="x<"):
        find_files(f"{pattern}.tif")


def test_too_many_files() -> None:
    with pytest.raises(FormatError, match="too many"):
        find_files("x<0-9999>_<0-9999>.tif")
