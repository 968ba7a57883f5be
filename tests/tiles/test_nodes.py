"""Verbs of nodes for tiles: into a plate, as an image, and positions stitched back to one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from iohub import open_ome_zarr
from iohub.errors import (
    ArgumentError,
    DTypeError,
    ExistsError,
    NotFoundError,
    ShapeError,
    TilingError,
)
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition
from iohub.models import validate
from iohub.ngff import Position
from iohub.tiles import nodes
from iohub.tiles.acquisition import AcquisitionDetails
from iohub.tiles.collections import SingleImage
from iohub.tiles.tile import Tile
from tests.tiles.loading import Memory

RNG = np.random.default_rng(0)
SCENE = RNG.integers(0, 4000, (3, 100, 120), np.uint16)
DETAILS = {
    "pixelsize": 0.5,
    "z_spacing": 2.0,
    "channels": [{"channel_label": "DAPI"}],
    "axes": ["c", "z", "y", "x"],
}
INPLACE = {"tiling_mode": "Inplace"}


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Two wells of 2 × 2 overlapping tiles, three planes each, as TIFF files."""
    rows = []
    for row, column, drug in (("A", 1, "DMSO"), ("B", 3, "taxol")):
        for y in (0, 45):
            for x in (0, 50):
                for z in range(3):
                    name = f"{row}{column}-{y}-{x}-{z}.tif"
                    tifffile.imwrite(tmp_path / name, SCENE[z, y : y + 55, x : x + 70])
                    place = {"row": row, "column": column, "fov_name": f"F{y}x{x}"}
                    start = {"start_x": x * 0.5, "start_y": y * 0.5, "start_z": z * 2.0}
                    size = {"length_x": 70, "length_y": 55}
                    rows.append({"file_path": name, **place, **start, **size, "drug": drug})
    return pd.DataFrame(rows)


def _plate(path, version="0.5"):
    return open_ome_zarr(path, layout="hcs", mode="a", version=version, channel_names=["DAPI"])


def _add(plate, table, tmp_path, options=INPLACE, **more):
    return plate.add_tiles(
        table, options, acquisition_details=DETAILS, resource=str(tmp_path), **more
    )


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_an_image_cut_to_tiles_is_that_image_again(tmp_path, table, version):
    with _plate(tmp_path / "p.zarr", version) as plate:
        made = _add(plate, table, tmp_path)
        assert [position.path for position in made] == ["A/01/0", "B/03/0"]
        for position in made:
            assert (position["0"][0] == SCENE).all()
            assert position.scale == [1, 2, 0.5, 0.5]
        conditions = plate.tables["condition_table"]
        assert conditions[["row", "drug"]].to_numpy().tolist() == [["A", "DMSO"], ["B", "taxol"]]
        assert made[1].tables["condition_table"]["drug"].tolist() == ["taxol"]
    assert validate(tmp_path / "p.zarr").valid


def test_more_tiles_join_a_plate_and_complete_images_are_kept(tmp_path, table):
    first = table[table["row"] == "A"]
    with _plate(tmp_path / "p.zarr") as plate:
        _add(plate, first, tmp_path)
        mark = (tmp_path / "p.zarr" / "A" / "01" / "0" / "zarr.json").stat().st_mtime_ns
        with pytest.raises(ExistsError, match=r"an image at A/01/0; pass when='extend'"):
            _add(plate, table, tmp_path)
        assert [name for name, _ in plate.positions()] == ["A/01/0"]
        _add(plate, table, tmp_path, when="extend")
        assert [name for name, _ in plate.positions()] == ["A/01/0", "B/03/0"]
        assert (tmp_path / "p.zarr/A/01/0/zarr.json").stat().st_mtime_ns == mark
        assert plate.tables["condition_table"]["drug"].tolist() == ["DMSO", "taxol"]
        # The same places, but other files or names of channels: not the same image.
        other = table["file_path"] + "f"
        for name, same in zip(table["file_path"], other, strict=True):
            (tmp_path / same).write_bytes((tmp_path / name).read_bytes())
        with pytest.raises(ExistsError, match="made of other files"):
            _add(plate, table.assign(file_path=other), tmp_path, when="extend")
        with pytest.raises(ExistsError, match="channels were named otherwise"):
            plate.add_tiles(
                table,
                INPLACE,
                acquisition_details={**DETAILS, "channels": [{"channel_label": "GFP"}]},
                resource=str(tmp_path),
                when="extend",
            )


def test_nothing_is_written_where_a_tile_cannot_be_had(tmp_path, table):
    (tmp_path / table["file_path"][12]).unlink()
    with _plate(tmp_path / "p.zarr") as plate:
        with pytest.raises(NotFoundError, match=r"B3-0-0-0\.tif"):
            _add(plate, table, tmp_path)
        assert not list(plate.positions())
        tifffile.imwrite(tmp_path / table["file_path"][12], SCENE[0, :55, :70].astype("f4"))
        with pytest.raises(DTypeError, match=r"B3-0-0-1\.tif.*uint16, expected float32"):
            _add(plate, table, tmp_path)
        assert not list(plate.positions())
        # Also the last tile of the last image, of which only the start is read.
        tifffile.imwrite(tmp_path / table["file_path"][12], SCENE[0, :55, :70])
        tifffile.imwrite(tmp_path / table["file_path"][23], SCENE[0, :55, :69])
        with pytest.raises(
            ShapeError,
            match=r"'F45x50' .*image 'p\.zarr/B/03/0', from .*B3-45-50-2\.tif.*"
            r"\(55, 69\), expected \(1, 1, 55, 70\)",
        ):
            _add(plate, table, tmp_path)
        assert not list(plate.positions())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"run": "thread"}, "run='thread' is neither"),
        ({"workers": 0}, "workers is at least 1, not 0"),
        ({"memory": -1}, "memory is at least 1, not -1"),
    ],
)
def test_a_call_that_is_refused_leaves_nothing(tmp_path, table, wrong, message):
    with _plate(tmp_path / "p.zarr") as plate:
        with pytest.raises(ArgumentError, match=message):
            _add(plate, table, tmp_path, **wrong)
        assert not list(plate.positions())
        (tmp_path / "a.txt").write_text("no image")
        name = pd.Series("a.txt", index=table.index[-1:])
        with pytest.raises(
            ArgumentError, match=r"'F45x50' .*image 'p\.zarr/B/03/0', from .*a\.txt"
        ):
            _add(plate, table.assign(file_path=name.combine_first(table["file_path"])), tmp_path)
        far = table.assign(start_x=table["start_x"] * 1e6)  # nanometers, it seems
        with pytest.raises(TilingError, match=r"fill only .*Check the units of starts"):
            _add(plate, far, tmp_path)
        assert not list(plate.positions())


@pytest.mark.parametrize(("given", "expected"), [({}, 3), ({"workers": 2}, 2)])
def test_options_say_who_works_unless_the_call_does(tmp_path, table, monkeypatch, given, expected):
    told = []
    write = nodes.write_tiled_image

    def writing(*arguments, **more):
        told.append((more["run"], more["workers"]))
        return write(*arguments, **more)

    monkeypatch.setattr(nodes, "write_tiled_image", writing)
    threads = {"dask_scheduler": {"mode": "Threads", "num_workers": 3}}
    options = INPLACE | {"runtime_settings": threads}
    with _plate(tmp_path / "p.zarr") as plate:
        _add(plate, table, tmp_path, options, **given)
    assert told == [(None, expected)] * 2


def test_progress_and_common_limits(tmp_path, table):
    told: list[tuple[int, int]] = []
    for name in table["file_path"][12:]:
        path = tmp_path / name
        tifffile.imwrite(path, tifffile.imread(path) * 3)
    with _plate(tmp_path / "p.zarr") as plate:
        made = _add(
            plate,
            table,
            tmp_path,
            share_limits=True,
            progress=lambda done, total: told.append((done, total)),
        )
        low, high = (position.metadata.omero.channels[0].window for position in made)
        assert low == high
        assert low["end"] > 3 * 3900
        assert low["start"] < 10
    assert told[-1] == (2 * SCENE.size, 2 * SCENE.size)
    assert sorted(told) == told


def test_positions_are_stitched_by_translation_or_stage(tmp_path, table):
    with _plate(tmp_path / "p.zarr", "0.6") as plate:
        _add(plate, table, tmp_path, {"tiling_mode": "No Tiling"})
        ids = (SCENE > 2000).astype(np.uint8)
        for y in (0, 45):
            for x in (0, 50):
                part = ids[:, y : y + 55, x : x + 70]
                if (y, x) != (45, 50):  # one position has no labels
                    plate[f"A/01/0_F{y}x{x}"].labels.create("high", part, axes=["z", "y", "x"])
        with pytest.raises(ArgumentError, match="'low'; there are high"):
            plate.stitch(well="A/01", labels=["low"])
        whole = plate.stitch(well="A/01", unique_labels=False)
        assert (whole["0"][0] == SCENE).all()
        seen = ids.copy()
        seen[:, 55:, 70:] = 0
        assert (whole.labels["high"]["0"][0] == seen).all()
        assert len(whole.tables["FOV_ROI_table"]) == 4
        with pytest.raises(ArgumentError, match="2 wells"):
            plate.stitch(["A/01/0_F0x0", "B/03/0_F0x0"])
        with pytest.raises(ExistsError, match="A/01/stitched"):
            plate.stitch(well="A/01")
        assert (plate.stitch(well="A/01", when="overwrite")["0"][0] == SCENE).all()
    # From files of their own, whose stage ran the other way along y.
    nodes = []
    for y in (0, 45):
        path = tmp_path / f"{y}.zarr"
        node = open_ome_zarr(path, layout="fov", mode="w-", version="0.5", channel_names=["DAPI"])
        node.create_image("0", SCENE[None, None, :, y : y + 55])
        node.set_scale("0", "y", 0.5)
        node.acquisition = AcquisitionRecord(stage=StagePosition(x=7.0, y=-y * 0.5))
        nodes.append(node)
    with open_ome_zarr(
        tmp_path / "q.zarr", layout="hcs", mode="w-", version="0.5", channel_names=["DAPI"]
    ) as plate:
        whole = plate.stitch(nodes, "all", well="A/1", orientation={"flip_y": True})
        assert (whole["0"][0, 0] == SCENE).all()
        assert whole.channel_names == ["DAPI"]
    for node in nodes:
        node.close()


def test_an_image_of_tile_models_whose_sources_are_of_any_kind(tmp_path):
    details = AcquisitionDetails(pixelsize=1, axes=["y", "x"])
    np.save(tmp_path / "b.npy", SCENE[0, :40, 30:70])
    with open_ome_zarr(
        tmp_path / "c.zarr", layout="fov", mode="w-", version="0.5", channel_names=["a"]
    ) as node:
        node.create_image("0", SCENE[None, None, :1, 30:70, :40])
        sources = [SCENE[0, :40, :40], tmp_path / "b.npy", lambda: SCENE[0, 30:70, 30:70]]
        sources.append(node["0"][0, 0, 0])
        corners = [(0, 0), (0, 30), (30, 30), (30, 0)]
        tiles = [
            Tile(
                fov_name=f"F{n}",
                start_y=y,
                start_x=x,
                length_y=40,
                length_x=40,
                collection=SingleImage(image_path="scan"),
                image_loader=source,
                acquisition_details=details,
            )
            for n, (source, (y, x)) in enumerate(zip(sources, corners, strict=True))
        ]
        path = tmp_path / "scan.zarr"
        with Position.from_tiles(path, tiles, INPLACE, version="0.5") as image:
            assert (image["0"][...] == SCENE[0, :70, :70]).all()
    with pytest.raises(ExistsError):
        Position.from_tiles(path, tiles, INPLACE, version="0.5")
    with pytest.raises(ArgumentError, match="tiles is a list of Tile"):
        Position.from_tiles(tmp_path / "x.zarr", [Memory(SCENE)])
    with pytest.raises(TilingError, match="2 images"):
        Position.from_tiles(
            tmp_path / "x.zarr",
            [*tiles, tiles[0].model_copy(update={"collection": SingleImage(image_path="b")})],
        )
    assert not (tmp_path / "x.zarr").exists()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("backend", ["csv", "json", "parquet", "anndata"])
@pytest.mark.filterwarnings("ignore")
def test_ngio_opens_images_and_tables(tmp_path, table, version, backend):
    ngio = pytest.importorskip("ngio")
    options = {**INPLACE, "omezarr_options": {"table_backend": backend}}
    with _plate(tmp_path / "p.zarr", version) as plate:
        _add(plate, table, tmp_path, options)
    plate = ngio.open_ome_zarr_plate(str(tmp_path / "p.zarr"))
    assert plate.get_table("condition_table").dataframe["drug"].tolist() == ["DMSO", "taxol"]
    image = plate.get_image("B", 3, "0")
    assert set(image.list_tables()) == {"FOV_ROI_table", "well_ROI_table", "condition_table"}
    regions = {roi.name: roi for roi in image.get_table("FOV_ROI_table").rois()}
    pixels = image.get_image().get_roi(regions["F45x50"])
    assert (np.squeeze(pixels) == SCENE[:, 45:, 50:]).all()
    (whole,) = image.get_table("well_ROI_table").rois()
    assert (np.squeeze(image.get_image().get_roi(whole)) == SCENE).all()
    assert image.get_image().pixel_size.z == 2
