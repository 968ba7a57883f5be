"""Sources that change between, or during, the calls that convert them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.convert import plan, states, work
from iohub.convert.views import view
from iohub.errors import ConflictError, ExistsError, IohubError
from iohub.storage import grid
from tests.convert.sources import image_source, stack
from tests.convert.test_resume import hidden, interrupted, small_parts


def edit(path: Path, place: str, value: int) -> None:
    """Change a pixel in the last time point, and nothing else."""
    with open_ome_zarr(path, mode="r+") as node:
        node[place]["0"][-1, 0, 0, 0, 0] = value


def same(path: Path, place: str, other: Path) -> None:
    with open_ome_zarr(path) as one, open_ome_zarr(other) as two:
        for level in ("0", "1"):
            np.testing.assert_array_equal(one[place][level][:], two[place][level][:])


@pytest.mark.parametrize("options", [{"levels": 2}, {}, {"channels": ["DAPI"]}])
def test_pixels_of_before_and_after_a_change_are_never_mixed(plate, tmp_path, monkeypatch, options):
    done = small_parts(monkeypatch, stack(0)[0].nbytes)
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            interrupted(patch, 2)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(tmp_path / "out.zarr", positions="A/1/0", version="0.5", **options)
        first = len(done)
        with open_ome_zarr(plate, mode="r+") as node:
            node["A/1/0"]["0"][0] = 7  # in the part that was done
        source.export(tmp_path / "out.zarr", positions="A/1/0", version="0.5", **options)
        assert done[0] in done[first:]
        source.export(tmp_path / "new.zarr", positions="A/1/0", version="0.5", **options)
    same(tmp_path / "out.zarr", "A/1/0", tmp_path / "new.zarr")


def test_a_change_elsewhere_redoes_nothing(plate, tmp_path, monkeypatch):
    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            interrupted(patch, 3)
            with pytest.raises(IohubError, match="interrupted"):
                source.export(tmp_path / "out.zarr", version="0.5", levels=2)
        array = hidden(tmp_path) / "store" / "A" / "1" / "0" / "0" / "c"
        before = {path: path.stat().st_mtime_ns for path in array.rglob("*") if path.is_file()}
        edit(plate, "B/3/0", 9)
        assert source.export(tmp_path / "out.zarr", version="0.5", levels=2).complete
    moved = tmp_path / "out.zarr" / "A" / "1" / "0" / "0" / "c"
    assert before == {
        array / path.relative_to(moved): path.stat().st_mtime_ns
        for path in moved.rglob("*")
        if path.is_file()
    }


def test_a_change_while_it_is_read_is_an_error_and_the_next_call_is_right(
    plate, tmp_path, monkeypatch
):
    small_parts(monkeypatch, stack(0)[0].nbytes)
    real, count = work._convert_part, [0]

    def part(*arguments: Any) -> None:
        real(*arguments)
        count[0] += 1
        if count[0] == 1:
            with open_ome_zarr(plate, mode="r+") as node:
                node["A/1/0"]["0"][0] = 11

    with open_ome_zarr(plate) as source:
        with monkeypatch.context() as patch:
            patch.setattr(work, "_convert_part", part)
            with pytest.raises(ConflictError, match="repeat the call"):
                source.export(tmp_path / "out.zarr", version="0.5", levels=2)
        assert not (tmp_path / "out.zarr").exists()
        source.export(tmp_path / "out.zarr", version="0.5", levels=2)
        source.export(tmp_path / "new.zarr", version="0.5", levels=2)
    same(tmp_path / "out.zarr", "A/1/0", tmp_path / "new.zarr")


@pytest.mark.parametrize("what", ["pixels", "metadata"])
def test_a_store_made_of_an_earlier_state_is_not_called_complete(plate, tmp_path, what):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        source.export(out, positions="A", version="0.5")
        assert source.export(out, positions="A", version="0.5").resumed == 2
        if what == "pixels":
            edit(plate, "A/1/1", 3)
        else:
            with open_ome_zarr(plate, mode="r+") as node:
                node["A/1/1"].set_scale("0", "z", 3.0)
        with pytest.raises(ExistsError, match="before it was changed"):
            source.export(out, version="0.5")
        assert sorted(os.listdir(tmp_path)) == ["out.zarr", "plate.zarr"]
        assert source.export(out, version="0.5", overwrite=True).complete
        assert source.export(out, version="0.5").resumed == 3


def test_an_image_that_was_made_anew_in_the_destination_is_not_taken_for_ours(plate, tmp_path):
    out = tmp_path / "out.zarr"
    with open_ome_zarr(plate) as source:
        source.export(out, version="0.5")
        with open_ome_zarr(out, mode="r+") as made:
            del made["A/1/0"]
            made.create_position("A", "1", "0").create_image("0", stack(9))
        with pytest.raises(ExistsError, match="other pixels"):
            source.export(out, version="0.5")


def test_files_of_a_set_tell_that_it_changed(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "set", "ome-tiff", split=True)
    path = tmp_path / "set" / "set.companion.ome"
    with open_ome_zarr(path) as node:
        before = states.identity(node)
        assert states.identity(node) == before
    name = next(tmp_path.joinpath("set").glob("B-3*.tif"))
    os.utime(name, ns=(1, 1))
    with open_ome_zarr(path) as node:
        assert states.identity(node) != before


def test_files_of_a_pattern_tell_that_they_changed(tmp_path):
    for number in range(2):
        tifffile.imwrite(tmp_path / f"a{number}.tif", np.zeros((8, 8), "u1"))
    with open_ome_zarr(tmp_path / "a<0-1>.tif") as node:
        before = states.identity(node)
        os.utime(tmp_path / "a1.tif", ns=(1, 1))
        assert states.identity(node) != before


@pytest.mark.parametrize("name", ["out.zarr", "fov.zarr", "out.ozx", "old.zarr"])
def test_nothing_of_the_conversion_is_in_published_documents(plate, tmp_path, name):
    with open_ome_zarr(plate) as source:
        node = source["A/1/0"] if name == "fov.zarr" else source
        version = "0.4" if name == "old.zarr" else "0.5"
        planned = plan(node, tmp_path / name, version=version)
        node.export(tmp_path / name, version=version)
    if name.endswith(".ozx"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            texts = [archive.read(n) for n in archive.namelist() if n.endswith(".json")]
            assert not [n for n in archive.namelist() if "conversion" in n]
            texts.append(archive.comment)
    else:
        paths = (tmp_path / name).rglob("*")
        texts = [p.read_bytes() for p in paths if p.name in ("zarr.json", ".zattrs")]
    assert texts
    for text in texts:
        assert b"conversion" not in text
        for said in (planned, *planned.images):
            assert said.identity.encode() not in text


def test_a_refused_call_leaves_nothing(plate, tmp_path):
    with open_ome_zarr(plate) as source:
        source.export(tmp_path / "out.zarr")
        source.export(tmp_path / "out.ozx")
        source.export(tmp_path / "out.ome.tif")
        before = sorted(os.listdir(tmp_path))
        for name in ("out.zarr", "out.ozx", "out.ome.tif"):
            with pytest.raises(ExistsError, match="overwrite"):
                source.export(tmp_path / name, levels=1)
            assert sorted(os.listdir(tmp_path)) == before


def test_what_is_read_for_a_region_of_a_view(plate):
    with open_ome_zarr(plate) as source:
        array = source["A/1/0"]._group.load_arrays(["0"])[0]
        whole = [range(size) for size in array.spec.shape]
        picked = view(array, ((2, 0), *whole[1:]))
        region = grid.full(picked.spec.shape)
        one = states.source_stamp(picked, region)
        edit_at = source["A/1/0"].url
        with open_ome_zarr(edit_at, mode="r+") as node:
            node["0"][1] = 5  # not taken
        assert states.source_stamp(picked, region) == one
        with open_ome_zarr(edit_at, mode="r+") as node:
            node["0"][2] = 5
        assert states.source_stamp(picked, region) != one


def test_a_virtual_source_needs_no_stamps(show):
    node = show(image_source("Pos0", stack(1), (0, 0)))
    array = node._group.load_arrays(["0"])[0]
    stamp = states.source_stamp(array, grid.full(array.spec.shape))
    assert stamp == states.source_stamp(array, (slice(0, 1),) * 5)  # the file itself tells
