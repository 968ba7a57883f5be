"""Label images of tiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, DTypeError, ExistsError, ShapeError
from iohub.ngff import Position
from iohub.tiles.labels import add_labels
from iohub.tiles.layout import TileTable
from iohub.tiles.write import write_image
from tests.tiles.loading import Memory, cut, planned
from tests.tiles.making import acquired, tile

SCENE = np.random.default_rng(0).integers(0, 4000, (2, 1, 64, 64), np.uint16)


def _image(path, plan, loaders):
    image = open_ome_zarr(path, layout="fov", mode="w-", version="0.5", channel_names=["a", "b"])
    write_image(image, plan, loaders)
    return image


def test_labels_lie_on_their_image(tmp_path):
    ids = np.kron(np.arange(1, 65, dtype=np.uint16).reshape(8, 8), np.ones((8, 8), np.uint16))
    table, loaders = cut(SCENE, 32, 32)
    plan = planned(table, levels=2)
    (_, whole) = cut(np.stack([ids[None], ids[None]]), 32, 32)
    with _image(tmp_path / "a.zarr", plan, loaders) as image:
        same = add_labels(image, plan, "same", whole, unique=False)
        assert (same["0"][0, 0] == ids).all()
        assert (same["1"][0, 0] == ids[::2, ::2]).all()
        assert [level.shape[2:] for level in same.values()] == [(64, 64), (32, 32)]
        with pytest.raises(ArgumentError, match="3 loaders"):
            add_labels(image, plan, "few", whole[:3])
        with pytest.raises(DTypeError, match="integers"):
            add_labels(image, plan, "real", [Memory(np.ones((32, 32)))] * len(whole))


def test_two_fields_of_view_share_no_label(tmp_path):
    starts = [(0, 0, 0, 0, x) for x in (0, 16)]
    table = TileTable.of(["A", "B"], starts, [(1, 1, 1, 16, 16)] * 2)
    plan = planned(table, axes="yx", levels=1)
    labels = np.zeros((16, 16), np.uint8)
    labels[2:5, 2:5], labels[8:12, 8:12] = 1, 3
    pixels = [Memory(SCENE[0, 0, :16, :16])] * 2
    with open_ome_zarr(
        tmp_path / "a.zarr", layout="fov", mode="w-", version="0.5", channel_names=["a"]
    ) as image:
        write_image(image, plan, pixels)
        made = add_labels(image, plan, "cells", [Memory(labels), Memory(labels)])
        assert np.unique(made["0"][:, :16]).tolist() == [0, 1, 3]
        assert np.unique(made["0"][:, 16:]).tolist() == [0, 4, 6]
        with pytest.raises(DTypeError, match="counted from 0"):
            add_labels(image, plan, "bad", [Memory(labels), Memory(-labels.astype("i4"))])


def _tiles(tmp_path, name):
    """Two overlapping fields of view in two channels; the labels of the first channel's files."""
    rows = []
    for x in (0, 24):
        for c in (0, 1):
            np.save(tmp_path / f"{x}-{c}.npy", SCENE[c, 0, :32, x : x + 32])
            ids = np.zeros((32, 32), np.uint8)
            ids[2:6, 2:6] = 7
            np.save(tmp_path / f"{x}-ids.npy", ids)
            rows.append(
                {"file_path": f"{x}-{c}.npy", "fov_name": f"F{x}", "start_x": x, "start_y": 0}
                | {"start_c": c, "length_x": 32, "length_y": 32, "row": "A", "column": 1}
                | {name: f"{x}-ids.npy" if c == 1 else None, "drug": "taxol"}
            )
    return pd.DataFrame(rows)


DETAILS = {"axes": ["c", "y", "x"], "channels": [{"channel_label": c} for c in "ab"]}


def test_labels_of_a_column_lie_on_the_images_of_a_plate(tmp_path):
    table = _tiles(tmp_path, "mask")
    more = {"acquisition_details": DETAILS, "resource": str(tmp_path)}
    with open_ome_zarr(
        tmp_path / "p.zarr", layout="hcs", mode="w-", version="0.5", channel_names=["a", "b"]
    ) as plate:

        def add(frame=table, labels=None, **how):
            labels = {"cells": "mask"} if labels is None else labels
            tiling = {"tiling_mode": "Inplace"}
            return plate.add_tiles(frame, tiling, labels=labels, **more, **how)[0]

        with pytest.raises(ArgumentError, match="'nuclei', the name of a column, but there is the"):
            add(labels={"cells": "nuclei"})
        with pytest.raises(ArgumentError, match="has 1 sources for 4 tiles"):
            add(labels={"cells": [None]})
        np.save(tmp_path / "24-ids.npy", np.zeros((30, 32), np.uint8))
        with pytest.raises(ShapeError, match=r"'F24'.*24-ids\.npy.*\(30, 32\), expected"):
            add()
        assert not list(plate.positions())
        _tiles(tmp_path, "mask")
        image = add()
        found = image.labels["cells"]["0"][0]
        assert found.shape == (32, 56)
        assert (found[2:6, 2:6] == 7).all()
        assert (found[2:6, 26:30] == 14).all()
        assert set(np.unique(found)) == {0, 7, 14}
        assert set(plate.tables["condition_table"]) >= {"drug"}
        assert "mask" not in plate.tables["condition_table"]
        # Complete: kept. Lost in an interruption: made. Of other files: refused, or replaced.
        document = tmp_path / "p.zarr/A/01/0/labels/cells/zarr.json"
        before = document.stat().st_mtime_ns
        add(when="extend")
        assert document.stat().st_mtime_ns == before
        del image.labels["cells"]
        assert (add(when="extend").labels["cells"]["0"][0] == found).all()
        np.save(tmp_path / "none.npy", np.zeros((32, 32), np.uint8))
        other = table.assign(mask="none.npy")
        with pytest.raises(ExistsError, match="label image 'cells'"):
            add(other, when="extend")
        assert not add(other, when="overwrite").labels["cells"]["0"][...].any()
        # An image of another size takes no labels of the old one along.
        smaller = table[table["fov_name"] == "F0"]
        with pytest.raises(ShapeError, match=r"label images \(cells\) do not fit; delete them"):
            add(smaller, {}, when="overwrite")
        assert image["0"].shape == (2, 32, 56)
        assert add(smaller, when="overwrite").labels["cells"]["0"].shape == (1, 32, 32)


def test_labels_of_tile_models_are_given_in_their_order(tmp_path):
    labels = np.full((32, 32), 3, np.uint16)
    tiles = [tile("F0", details=acquired(axes=["y", "x"])), tile("F1", 32, details=None)]
    tiles[1] = tiles[1].model_copy(update={"acquisition_details": tiles[0].acquisition_details})
    with Position.from_tiles(
        tmp_path / "a.zarr", tiles, labels={"cells": [None, labels]}, unique_labels=False
    ) as image:
        found = image.labels["cells"]["0"][...]
        assert found.dtype == np.uint16
        assert not found[:, :32].any()
        assert (found[:, 32:] == 3).all()
    shared = [each.model_copy(update={"image_loader": tiles[0].image_loader}) for each in tiles]
    with pytest.raises(ArgumentError, match="one and the same loader"):
        Position.from_tiles(tmp_path / "b.zarr", shared, labels={"cells": [None, labels]})
    assert not (tmp_path / "b.zarr").exists()
