"""What nodes look like: reads no pixel, works after close, and never raises for a broken store."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from iohub import open_ome_zarr
from iohub.testing.untouchable import open_untouchable


def all_views(node: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(node)
    page = node._repr_html_()
    assert page.startswith("<div")
    line = repr(node)
    assert "\n" not in line
    return line + console.file.getvalue() + page


def nodes_of(plate: Any) -> list[Any]:
    return [plate, plate["A"], plate["A/1"], plate["A/1/0"], plate["A/1/0/0"]]


@pytest.fixture
def full(plate: Any) -> Any:
    for _, position in plate.positions():
        position.compute_pyramid(2)
    plate.create_position("B", "2", "empty")
    return plate


def test_no_pixel_is_read(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plate = open_untouchable(full.url)
    for node in nodes_of(plate):
        assert all_views(node)
    plate.print_tree()
    plate.to_dataframe()
    position = plate["A/1/0"]
    assert repr(position.to_xarray())
    assert position.to_xarray()._repr_html_()
    assert repr(position.data.dask_array())
    dir(plate)
    plate._ipython_key_completions_()
    assert capsys.readouterr().out


def test_after_close(full: Any) -> None:
    nodes = nodes_of(full)
    fresh = open_ome_zarr(full.url)
    untouched = nodes_of(fresh)[1:4]
    full.close()
    fresh.close()
    for node in (*nodes, fresh, *untouched):
        assert all_views(node)


def test_what_they_say(full: Any, version: str) -> None:
    assert repr(full) == f"<Plate 'plate.zarr' 3 wells, OME-Zarr {version}>"
    assert repr(full["A/1/0"]) == (
        "<Position 'A/1/0' (t 1, c 2, z 2, y 5, x 4), uint16, channels [DAPI, GFP], 2 levels, "
        f"OME-Zarr {version}>"
    )
    assert "A/1" in repr(full["A/1"])
    assert repr(full["A"]).startswith("<Row 'A'")
    page = full._repr_html_()
    for text in ("DAPI", "GFP", "plate.zarr"):
        assert text in page
    page = full["A/1/0"]._repr_html_()
    for text in ("micrometer", "uint16", "DAPI"):
        assert text in page or (text == "micrometer" and "µm" in page)


def test_everything_is_escaped(tmp_path: Path, version: str) -> None:
    bad = "<script>alert(1)</script>"
    with open_ome_zarr(
        tmp_path / "s.zarr", layout="fov", mode="w-", channel_names=[bad], version=version
    ) as node:
        node["0"] = np.zeros((1, 1, 1, 2, 2), "u1")
        assert bad not in node._repr_html_()
        assert all_views(node)


@pytest.mark.parametrize("broken", ["level", "document", "array", "well", "field", "root"])
def test_a_broken_store_is_shown(full: Any, version: str, broken: str) -> None:
    root = Path(full.url)
    name, array = (".zattrs", ".zarray") if version == "0.4" else ("zarr.json",) * 2
    plate = open_ome_zarr(root)
    nodes = nodes_of(plate)
    if broken == "level":
        shutil.rmtree(root / "A/1/0/0")
    elif broken == "document":
        (root / "A/1/0" / name).write_text("{")
    elif broken == "array":
        (root / "A/1/0/0" / array).write_text("[]")
    elif broken == "well":
        (root / "A/1" / name).write_text("")
    elif broken == "field":
        shutil.rmtree(root / "A/1/0")
    else:
        (root / name).write_text("nothing")
    for node in nodes:
        assert all_views(node)
    if broken != "root":
        plate.print_tree()
        for each in ("A/1", "A/1/0"):
            try:
                node = plate[each]
            except KeyError:
                assert broken == "field"
            else:
                assert all_views(node)


def test_a_missing_field_is_marked(full: Any) -> None:
    before = full._repr_html_()
    shutil.rmtree(Path(full.url) / "A/1/1")
    after = full._repr_html_()
    assert after != before
    assert "missing" in after


@pytest.mark.parametrize("wells", [96, 384, 1536])
def test_large_plates_are_shown(tmp_path: Path, version: str, wells: int) -> None:
    rows, columns = {96: (8, 12), 384: (16, 24), 1536: (32, 48)}[wells]
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", channel_names=["a"], version=version
    ) as plate:
        plate.create_positions(
            [(f"R{r}", str(c), "0") for r in range(rows) for c in range(1, columns + 1)]
        )
        assert repr(plate) == f"<Plate 'p.zarr' {wells:,} wells, OME-Zarr {version}>"
        assert len(plate._repr_html_()) < 400 * wells + 20_000


def test_a_tree_on_a_screen_with_few_signs(full: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("ascii", "latin-1", "cp437", "utf-8"):
        screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr("sys.stdout", screen)
        full.print_tree()
        screen.flush()
        lines = screen.buffer.getvalue().decode(encoding).splitlines()
        assert lines[1] == ("├── A" if encoding in ("cp437", "utf-8") else "|-- A")
