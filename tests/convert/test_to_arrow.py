"""Exports to OME-Arrow: pixels and documents there and back, selections, what is refused."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from iohub import open_ome_zarr
from iohub.errors import ArgumentError, DTypeError, ExistsError, LayoutError, VersionError
from iohub.metadata.acquisition import AcquisitionRecord, StagePosition
from iohub.ngff import Plate, Position

RNG = np.random.default_rng(0)


def make_plate(path, version="0.5", dtype="uint16"):
    """Write a plate with pyramids, a label image, odd scales, attributes and a record."""
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=["DAPI", "GFP"], version=version
    ) as plate:
        for key in ("A/1/0", "A/1/1", "B/3/0"):
            position = plate.create_position(*key.split("/"))
            position.create_image("0", RNG.integers(0, 250, (2, 2, 3, 32, 40)).astype(dtype))
            position.set_scale("0", "x", 0.1)
            position.compute_pyramid(levels=2)
            position.zattrs["mine"] = {"a": [1, 2.5]}
            position.acquisition = AcquisitionRecord(name=key, stage=StagePosition(x=1.5, y=2))
        labels = RNG.integers(0, 9, (2, 1, 3, 32, 40)).astype("uint32")
        plate["A/1/0"].labels.create("cells", labels)
    return path


def documents(path):
    """Return the attributes of all groups that have some, and pixels of all arrays."""
    found, pixels = {}, {}
    for folder, _, names in os.walk(path):
        inner = os.path.relpath(folder, path)
        for name in names:
            if name in ("zarr.json", ".zattrs"):
                with open(os.path.join(folder, name)) as file:
                    said = json.load(file)
                if said.get("node_type") == "array":
                    pixels[inner] = said["data_type"]
                    continue
                attrs = said.get("attributes", said)
                if attrs and attrs.get("ome", attrs) != {
                    "version": attrs.get("ome", {}).get("version")
                }:
                    found[inner] = attrs
    return found, pixels


FORMS = [
    ("x.parquet", {}),
    ("x.parquet", {"encoding": "bytes"}),
    ("x.ds", {"format": "ome-arrow-dataset"}),
]


@pytest.mark.parametrize(("name", "options"), FORMS)
@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_a_plate_goes_there_and_back(tmp_path, name, options, version):
    source = make_plate(tmp_path / "p.zarr", version)
    with open_ome_zarr(source) as plate:
        report = plate.export(tmp_path / name, progress=False, **options)
        assert report.positions == 3
        assert not report.lost
    with open_ome_zarr(tmp_path / name) as table, open_ome_zarr(source) as plate:
        for path, position in plate.positions():
            for array in position:
                assert table[path][array].dtype == position[array].dtype
                np.testing.assert_array_equal(table[path][array][:], position[array][:])
        table.export(tmp_path / "back.zarr", version=version, progress=False)
    before, after = documents(source), documents(tmp_path / "back.zarr")
    assert after == before


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "bool"])
def test_every_data_type_stays(tmp_path, dtype):
    with open_ome_zarr(
        tmp_path / "x.zarr", layout="fov", mode="w-", channel_names=["a"], version="0.5"
    ) as position:
        position.create_image("0", RNG.normal(0, 9, (1, 1, 2, 9, 10)).astype(dtype))
        position.export(tmp_path / "x.parquet", progress=False)
        with open_ome_zarr(tmp_path / "x.parquet") as back:
            assert back["0"].dtype == np.dtype(dtype)
            np.testing.assert_array_equal(back["0"][:], position["0"][:])


def test_axes_other_than_five_stay(tmp_path):
    from iohub.ngff.models import AxisMeta

    axes = [AxisMeta(name=n, type="space", unit="nanometer") for n in ("v", "u")]
    with open_ome_zarr(
        tmp_path / "x.zarr", layout="fov", mode="w-", axes=axes, version="0.5"
    ) as position:
        position.create_image("0", RNG.integers(0, 9, (40, 30)).astype("u2"))
        position.export(tmp_path / "x.parquet", progress=False)
        record = parquet.read_table(tmp_path / "x.parquet")["ome_arrow"][0]["pixels_meta"].as_py()
        assert (record["size_y"], record["size_x"], record["size_z"]) == (40, 30, 1)
        assert record["physical_size_x"] == pytest.approx(0.001)
        with open_ome_zarr(tmp_path / "x.parquet") as back:
            assert back.axis_names == ["v", "u"]
            assert (
                back.zattrs.asdict() == position.zattrs.asdict()
                if hasattr(back.zattrs, "asdict")
                else dict(back.zattrs) == dict(position.zattrs)
            )
            np.testing.assert_array_equal(back["0"][:], position["0"][:])


def test_some_of_it(tmp_path):
    source = make_plate(tmp_path / "p.zarr")
    with open_ome_zarr(source) as plate:
        options = {"positions": ["A"], "channels": ["GFP"], "t": "1:2", "progress": False}
        plate.export(tmp_path / "x.parquet", levels=3, **options)
        with open_ome_zarr(tmp_path / "x.parquet") as back:
            assert [path for path, _ in back.positions()] == ["A/1/0", "A/1/1"]
            assert back.channel_names == ["GFP"]
            taken = plate["A/1/1"]["0"][1:2, 1:2]
            np.testing.assert_array_equal(back["A/1/1"]["0"][:], taken)
            assert [back["A/1/1"][str(n)].shape[-1] for n in range(3)] == [40, 20, 10]


def test_a_large_image_is_read_in_blocks(tmp_path, monkeypatch):
    from iohub.convert import arrow_rows

    monkeypatch.setattr(arrow_rows, "BLOCK_BYTES", 2 * 32 * 40 * 2)
    source = make_plate(tmp_path / "p.zarr")
    with open_ome_zarr(source) as plate, open_ome_zarr(plate["B/3/0"].to_arrow()) as back:
        np.testing.assert_array_equal(back["0"][:], plate["B/3/0/0"][:])


def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path):
    with open_ome_zarr(
        tmp_path / "x.zarr", layout="fov", mode="w-", channel_names=["a"], version="0.5"
    ) as position:
        position.create_image("0", np.zeros((1, 1, 1, 9, 10), "float32"))
        for options, error in (
            ({"encoding": "planes"}, DTypeError),
            ({"encoding": "half"}, ArgumentError),
            ({"tile": 3}, ArgumentError),
            ({"chunks": "plane"}, ArgumentError),
            ({"version": "0.4"}, VersionError),
            ({"compression": "zip"}, ArgumentError),
        ):
            with pytest.raises(error):
                position.export(tmp_path / "x.parquet", progress=False, **options)
        (tmp_path / "there.parquet").write_bytes(b"x")
        with pytest.raises(ExistsError):
            position.export(tmp_path / "there.parquet", progress=False)
    assert sorted(os.listdir(tmp_path)) == ["there.parquet", "x.zarr"]


def test_nodes_are_tables_for_arrow(tmp_path):
    source = make_plate(tmp_path / "p.zarr")
    with open_ome_zarr(source) as plate:
        made = plate.to_arrow()
        assert made.num_rows == 3 + 3 + 2
        assert made["level"].to_pylist()[:3] == [0, 0, 0]
        assert pa.table(plate["B/3/0"]).num_rows == 2
        assert pa.record_batch(plate["B/3/0"]).num_rows == 2
        with pytest.raises(LayoutError, match="Plate"):
            Position.from_arrow(made)
        first = made.filter((pc.field("level") == 0) & (pc.field("image_type") == "image"))
        with Plate.from_arrow(first) as back:
            position = back["A/1/0"]
            assert list(position) == ["0"]
            assert list(position.labels) == []
            np.testing.assert_array_equal(position["0"][:], plate["A/1/0/0"][:])
