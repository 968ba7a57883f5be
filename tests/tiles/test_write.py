"""An image of tiles on disk: all ways of writing alike, whole or not at all, and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, ChannelError, ExistsError, FormatError, ShapeError
from iohub.pyramids.reduce import reduce
from iohub.tiles.image_document import Channel
from iohub.tiles.layout import TileTable
from iohub.tiles.roi_tables import FOV_TABLE, MISSING_TABLE, WELL_TABLE, image_tables
from iohub.tiles.write import MODES, write_image
from tests.tiles.loading import Memory, cut, planned

SCENE = np.random.default_rng(0).integers(0, 4000, (2, 3, 80, 112), np.uint16)
TABLE, LOADERS = cut(SCENE, 24, 32)
CHANNELS = [Channel("DAPI", "0000FF", {"wavelength_id": "A01"}), Channel("GFP")]


def _fov(path, version="0.5"):
    return open_ome_zarr(path, layout="fov", mode="a", version=version, channel_names=["a", "b"])


def _write(path, plan, loaders=LOADERS, *, version="0.5", **more):
    with _fov(path, version) as position:
        more = {"channels": CHANNELS, "tables": image_tables(plan)} | more
        return write_image(position, plan, loaders, **more)


def _files(path):
    """Return the bytes of every chunk."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(Path(path).rglob("*"))
        if file.is_file() and "tables" not in file.parts
    }


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_an_image_has_levels_channels_windows_and_tables(tmp_path, version):
    plan = planned(TABLE, pixel_size={"z": 2.0, "y": 0.5, "x": 0.25})
    _write(tmp_path / "a.zarr", plan, version=version)
    with open_ome_zarr(tmp_path / "a.zarr") as image:
        scene = SCENE[:, :, :80, :104]
        assert (image["0"][...] == scene).all()
        for above, below in (("0", "1"), ("1", "2")):
            expected = reduce(image[above][...], (1, 1, 2, 2))
            assert (image[below][...] == expected).all()
        assert image.channel_names == ["DAPI", "GFP"]
        assert image.scale == [1, 2, 0.5, 0.25]
        channel = image.metadata.omero.channels[0]
        assert (channel.color, channel.wavelength_id) == ("0000FF", "A01")
        low, high = np.percentile(scene[0], (0.1, 99.9))
        assert channel.window == {"start": low, "end": high, "min": 0, "max": 65535}
        assert list(image.tables) == [FOV_TABLE, WELL_TABLE]
        regions = image.tables[FOV_TABLE]
        assert regions.loc["F24-48", "x_micrometer"] == 48 * 0.25
        assert regions.loc["F24-48", "len_y_micrometer"] == 32 * 0.5
        assert image.tables[WELL_TABLE].loc["image", "len_x_micrometer"] == 104 * 0.25
        assert "channels" not in image.zattrs.get("iohub", {})


def test_all_modes_and_executors_write_the_same_bytes(tmp_path):
    # One level and small chunks: an image of many parts.
    plan = planned(TABLE, levels=1, shards={"z": 1, "y": 2, "x": 2}, blend="linear")
    with ThreadPoolExecutor(3) as pool:
        ways = [(mode, None) for mode in MODES] + [("By FOV", pool), ("By Tile", pool)]
        found = []
        for number, (mode, run) in enumerate(ways):
            path = tmp_path / f"{number}.zarr"
            _write(path, plan, mode=mode, run=run, memory=1 << 16)
            found.append(_files(path))
    assert len(found[0]) > 10
    names = {name for name in found[0] if "/c/" in name}
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        assert {name: other[name] for name in names} == {name: found[0][name] for name in names}


def test_tiles_are_loaded_once_by_default(tmp_path):
    table, loaders = cut(SCENE, 24, 32)
    _write(tmp_path / "a.zarr", planned(table), loaders)
    assert [loader.loads for loader in loaders] == [1] * len(loaders)


def test_what_is_there_is_not_replaced_unless_that_was_said(tmp_path):
    path, plan = tmp_path / "a.zarr", planned(TABLE)
    assert not _write(path, plan).kept
    before = _files(path)
    with pytest.raises(ExistsError, match=r"a\.zarr.*Overwrite.*Extend"):
        _write(path, plan)
    assert "kept" in str(_write(path, plan, when="extend"))
    assert _files(path) == before
    other = planned(TABLE, levels=2)
    with pytest.raises(ExistsError, match="other tiles or by other options"):
        _write(path, other, when="extend")
    assert _files(path) == before
    _write(path, other, when="overwrite")
    with open_ome_zarr(path) as image:
        assert list(image) == ["0", "1"]
        assert not (path / "2").exists()


def test_a_failing_replacement_leaves_what_was_there(tmp_path):
    path, plan = tmp_path / "a.zarr", planned(TABLE)
    _write(path, plan)
    before = _files(path)
    bad = [*LOADERS[:-1], Memory(np.zeros((3, 3), np.uint16), "last.tif")]
    with pytest.raises(ShapeError, match=r"last\.tif"):
        _write(path, plan, bad, when="overwrite")
    assert _files(path) == before


def test_images_of_others_or_damaged_ones_are_not_taken_for_complete(tmp_path):
    path, plan = tmp_path / "a.zarr", planned(TABLE)
    with _fov(path) as position:
        position.create_image("0", SCENE[None])
    with pytest.raises(ExistsError, match="nothing says that all of it was written"):
        _write(path, plan, when="extend")
    _write(path, plan, when="overwrite")
    (path / "1" / "zarr.json").unlink()
    with pytest.raises(ExistsError, match="level '1'"):
        _write(path, plan, when="extend")
    _write(tmp_path / "b.zarr", plan, tables={})
    with pytest.raises(ExistsError, match="table 'FOV_ROI_table' is missing"):
        _write(tmp_path / "b.zarr", plan, when="extend")


def test_missing_planes_are_recorded(tmp_path):
    starts = [(0, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 0, 32)]
    plan = planned(TileTable.of(["A", "A", "B"], starts, [(1, 1, 1, 32, 32)] * 3), axes="zyx")
    loaders = [Memory(SCENE[0, 0, :32, :32])] * 3
    _write(tmp_path / "a.zarr", plan, loaders, channels=None)
    with open_ome_zarr(tmp_path / "a.zarr") as image:
        missing = image.tables[MISSING_TABLE]
        assert missing[["fov_name", "z"]].to_numpy().tolist() == [["B", 1]]
        assert not image["0"][1, :, 32:].any()


def test_wrong_arguments(tmp_path):
    plan = planned(TABLE)
    with pytest.raises(ChannelError, match="2 channels, but 1 are named: DAPI"):
        _write(tmp_path / "a.zarr", plan, channels=CHANNELS[:1])
    with pytest.raises(ArgumentError, match="no writer mode 'Fast'"):
        _write(tmp_path / "a.zarr", plan, mode="Fast")
    with pytest.raises(ArgumentError, match="run='cluster'"):
        _write(tmp_path / "a.zarr", plan, run="cluster")


def test_every_tile_is_looked_at_before_if_asked_for(tmp_path):
    bad = [*LOADERS[:-1], Memory(np.zeros((32, 32), np.uint8), "last.tif")]
    with pytest.raises(TypeError, match=r"last\.tif.*uint8, expected uint16"):
        _write(tmp_path / "a.zarr", planned(TABLE), bad, probe=None)
    assert {child.name for child in (tmp_path / "a.zarr").iterdir()} == {"zarr.json"}


class _Flat:
    def load_data(self, resource=None):
        return np.full((512, 512), 7, np.uint16)

    def describe_source(self, resource=None):
        return "flat"


def _peak(path, rows: int, workers: int) -> tuple[int, int]:
    """Return what was held at most while a canvas was written, and what one row of it takes."""
    places = [(0, 0, 0, 500 * y, 500 * x) for y in range(rows) for x in range(4)]
    names = [str(place) for place in places]
    plan = planned(TileTable.of(names, places, [(1, 1, 1, 512, 512)] * len(names)), chunks={})
    with _fov(path) as position:
        tracemalloc.start()
        try:
            write_image(
                position,
                plan,
                [_Flat()] * len(names),
                memory=1,
                workers=workers,
                mode="By Tile",
                probe=0,
            )
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    below = [level.shape for level in plan.level_plans[1:]]
    return peak, sum(plan.chunks[-2] * shape[-1] * 2 for shape in below)


def test_memory_is_that_of_the_units_at_work_and_one_row_of_the_levels(tmp_path):
    _peak(tmp_path / "0.zarr", 1, 1)  # what is loaded and kept once
    unit, counts = 512 * 512 * 2, 3 << 20  # bytes; the histogram for the contrast limits
    for workers in (1, 2):
        few, row = _peak(tmp_path / f"{workers}-few.zarr", 4, workers)
        many, _ = _peak(tmp_path / f"{workers}-many.zarr", 12, workers)
        assert many < 1.2 * few  # three times as large
        # A worker holds a unit, the tile that it is made of, and what it is encoded to.
        assert few < 3 * workers * unit + row + counts
        assert few > workers * unit


def test_the_error_of_an_executor_arrives(tmp_path):
    class Broken(Memory):
        def load_data(self, resource=None):
            raise ValueError("no such page")

    bad = [*LOADERS[:-1], Broken(LOADERS[-1].pixels, "last.tif")]
    with (
        ThreadPoolExecutor(2) as pool,
        pytest.raises(FormatError, match=r"last\.tif.*no such page"),
    ):
        _write(tmp_path / "a.zarr", planned(TABLE, levels=1), bad, run=pool)
    with open_ome_zarr(tmp_path / "a.zarr") as image:
        assert image.metadata is None


_CHILD = """
import sys
import numpy as np
from tests.tiles.test_write import SCENE, _write
from tests.tiles.loading import Slow, cut, planned
table, loaders = cut(SCENE, 24, 32, kind=Slow)
plan = planned(table, levels=2)
_write(sys.argv[1], plan, loaders, resource=sys.argv[2], mode=sys.argv[3], when=sys.argv[4])
"""


@pytest.mark.parametrize(
    ("mode", "when"), [("By Tile", "extend"), ("By FOV", "overwrite"), ("In Memory", "extend")]
)
def test_what_a_killed_process_leaves_is_no_image_and_is_written_anew(tmp_path, mode, when):
    path, sign = tmp_path / "a.zarr", tmp_path / "sign"
    old = planned(TABLE, levels=1)
    if when == "overwrite":
        _write(path, old)
    arguments = [sys.executable, "-c", _CHILD, str(path), str(sign), mode, when]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[2]) as child:
        while not sign.exists() and child.poll() is None:
            time.sleep(0.02)
        time.sleep(0.3)
        assert child.poll() is None
        os.kill(child.pid, signal.SIGKILL)
    plan = planned(TABLE, levels=2)
    with open_ome_zarr(path) as image:
        if when == "overwrite":  # what was there is there
            assert (image["0"][...] == SCENE[:, :, :80, :104]).all()
            assert list(image) == ["0"]
        else:
            assert image.metadata is None
    assert not _write(path, plan, when=when).kept
    assert _write(path, plan, when="extend").kept
    with open_ome_zarr(path) as image:
        assert (image["0"][...] == SCENE[:, :, :80, :104]).all()
        assert list(image) == ["0", "1"]


_KILLED_AT = """
import os, signal, sys
from tests.tiles.test_write import LOADERS, TABLE, _write
from tests.tiles.loading import planned
left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
_write(sys.argv[1], planned(TABLE, levels=2), when=sys.argv[3])
"""


@pytest.mark.parametrize("when", ["extend", "overwrite"])
def test_a_process_killed_while_an_image_takes_its_place(tmp_path, when):
    path, plan = tmp_path / "a.zarr", planned(TABLE, levels=2)
    if when == "overwrite":
        _write(path, planned(TABLE, levels=1))
    arguments = [sys.executable, "-c", _KILLED_AT, str(path), "15", when]
    killed = subprocess.run(arguments, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    # The edit was decided: it is completed by whoever opens the image for writing.
    assert _write(path, plan, when="extend").kept
    with open_ome_zarr(path) as image:
        assert (image["0"][...] == SCENE[:, :, :80, :104]).all()
        assert list(image) == ["0", "1"]
        assert list(image.tables) == [FOV_TABLE, WELL_TABLE]
    assert sorted(child.name for child in path.iterdir()) == ["0", "1", "tables", "zarr.json"]
