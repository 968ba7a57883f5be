"""OME-Arrow in a directory: written in parts, read in regions, and never half there."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from iohub.arrow import OMEArrow, from_numpy, to_ome_arrow
from iohub.errors import ArgumentError, ExistsError, FormatError, MissingNodeError, ShapeError
from iohub.formats.ome_arrow import dataset_write
from iohub.formats.ome_arrow.dataset import Dataset
from iohub.formats.ome_arrow.dataset_write import write_dataset
from iohub.formats.ome_arrow.records import Description, channel
from iohub.formats.ome_arrow.rows_to_write import Row
from iohub.storage import locks
from iohub.storage.keys import DRAFT_PREFIX
from iohub.storage.leftovers import own_name

PIXELS = np.random.default_rng(1).normal(size=(2, 2, 20, 40, 50)).astype("f4")
SMALL = np.arange(60, dtype=np.uint16).reshape(1, 1, 3, 4, 5)


def row(values, name, **said):
    channels = tuple(channel(index, f"c{index}") for index in range(values.shape[1]))
    told = Description(values.shape, values.dtype.name, name, name, channels=channels, **said)
    return Row(told, lambda: values.reshape(-1, *values.shape[3:]))


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_write, "GROUP_BYTES", 20_000)
    path = str(tmp_path / "x.dataset")
    rows = [
        row(
            SMALL,
            "A",
            size=(0.1, 0.2, 3.0),
            units=("nm", "nm", "µm"),
            acquired=datetime(2020, 1, 2),
        ),
        row(PIXELS, "B", image_type="label"),
    ]
    assert write_dataset(path, iter(rows), chunk=(8, 16, 16)) == 2
    return path


def test_images_come_back_wholly_and_in_regions(path):
    found = Dataset(path)
    assert np.array_equal(found.read("B"), PIXELS)
    assert np.array_equal(found.read(0), SMALL)
    region = (slice(1, 2), slice(0, 2), slice(7, 17), slice(15, 33), slice(0, 49))
    assert np.array_equal(found.read(1, region), PIXELS[region])
    first, second = found.images
    assert (first.size, first.units) == ((0.1, 0.2, 3.0), ("nm", "nm", "µm"))
    assert first.acquired == datetime(2020, 1, 2)
    assert (second.image_type, second.channels[1]["name"]) == ("label", "c1")
    with pytest.raises(MissingNodeError, match="'C'"):
        found.read("C")
    with pytest.raises(ShapeError, match="no row 2"):
        found.read(2)


def test_only_row_groups_of_a_region_are_read(path, monkeypatch):
    read = []
    before = parquet.ParquetFile.read_row_group

    def read_row_group(self, number, **options):
        read.append((number, options["columns"]))
        return before(self, number, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", read_row_group)
    groups = parquet.read_metadata(f"{path}/chunks.parquet").num_row_groups
    Dataset(path).read("B", tuple(slice(0, 1) for _ in range(5)))
    assert len(read) == 1 < groups
    assert read[0][1] == ["dtype", "pixel_bytes"]


def test_without_an_index_and_with_a_stale_one(path, tmp_path):
    index = tmp_path / "x.dataset/index.parquet"
    table = parquet.read_table(index)
    parquet.write_table(table.slice(1), index)
    assert np.array_equal(Dataset(path).read("B"), PIXELS)
    index.unlink()
    assert np.array_equal(Dataset(path).read("B"), PIXELS)


def test_other_columns_of_images_are_kept(tmp_path):
    path = str(tmp_path / "x")
    one = Row(row(SMALL, "A").said, row(SMALL, "A").planes, {"plate": "P", "well": 7})
    fields = pa.schema([("plate", pa.string()), ("well", pa.int8())])
    write_dataset(path, [one], siblings=fields, metadata={"who": "me"})
    table = Dataset(path).table
    assert (table["plate"].to_pylist(), table["well"].to_pylist()) == (["P"], [7])
    assert table.schema.metadata[b"who"] == b"me"


def test_planes_that_are_missing_stay_so(tmp_path):
    planes = [{"t": 0, "c": 0, "z": z, "pixels": [z, 1]} for z in (0, 1, 3)]
    record = to_ome_arrow(size_z=5, size_x=2, planes=planes, build_chunks=False)
    path = str(tmp_path / "x")
    OMEArrow(record).export("ome-arrow-dataset", out=path)
    assert Dataset(path).read()[0, 0, :, 0].tolist() == [[0, 1], [1, 1], [0, 0], [3, 1], [0, 0]]
    places = parquet.read_table(f"{path}/chunks.parquet", columns=["z", "shape_z"]).to_pylist()
    assert places == [{"z": 0, "shape_z": 2}, {"z": 3, "shape_z": 1}]


def test_what_is_there_is_replaced_only_if_it_is_a_dataset_or_a_file(tmp_path):
    path = tmp_path / "x"
    path.write_text("a file")
    for value in (SMALL, SMALL + 1):
        write_dataset(str(path), [row(value, "A")])
        assert np.array_equal(Dataset(str(path)).read(), value)
    with pytest.raises(ExistsError):
        write_dataset(str(path), [row(SMALL, "A")], overwrite=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/precious").write_text("do not touch")
    with pytest.raises(ExistsError, match="something else"):
        write_dataset(str(tmp_path / "other"), [row(SMALL, "A")])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other", "x"]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = str(tmp_path / "x")
    write_dataset(path, [row(SMALL, "A")])
    few = Row(row(SMALL, "B").said, lambda: SMALL[0, 0, :2])
    for rows, error in (
        ([row(PIXELS, "A"), row(SMALL, "A")], ArgumentError),
        ([row(SMALL, "")], ArgumentError),
        ([few], ShapeError),
        ([], ArgumentError),
    ):
        with pytest.raises(error):
            write_dataset(path, rows)
    with pytest.raises(ShapeError):
        write_dataset(path, [row(SMALL, "A")], chunk=(0, 1, 1))
    assert np.array_equal(Dataset(path).read(), SMALL)
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_what_a_killed_writer_left_is_swept_by_the_next_one(tmp_path):
    dead, living = (tmp_path / own_name(DRAFT_PREFIX) for _ in range(2))
    dead.mkdir()
    (dead / "chunks.parquet").write_text("half")
    with locks.claimed_directory(str(living)):
        write_dataset(str(tmp_path / "x"), [row(SMALL, "A")])
        assert {each.name for each in tmp_path.iterdir()} == {"x", living.name}


def test_by_the_doors_of_the_image(path):
    image = OMEArrow(path, row_index=1, image_type="mask")
    assert image.data["image_type"].as_py() == "mask"
    assert np.array_equal(image.export(dtype=np.float32), PIXELS)
    plan = OMEArrow.scan(path, row_index=1)
    view = plan.tensor_view(t=[1, 0], z=-1, roi=(3, 5, 20, 10))
    assert np.array_equal(view.to_numpy()[:, 0], PIXELS[::-1, :, -1, 5:15, 3:23])
    assert np.array_equal(
        plan.slice_lazy(3, 23, 5, 15).collect().export(dtype=np.float32), PIXELS[..., 5:15, 3:23]
    )
    assert plan.is_lazy
    nothing = plan.tensor_view(c=[])
    assert nothing.to_numpy().size == 0


def test_files_that_are_damaged_are_named(path, tmp_path):
    folder = tmp_path / "x.dataset"
    chunks = parquet.read_table(folder / "chunks.parquet")

    def written(**columns):
        table = chunks
        for name, values in columns.items():
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(values, table.column(at).type))
        parquet.write_table(table, folder / "chunks.parquet")
        (folder / "index.parquet").unlink(missing_ok=True)
        return Dataset(path)

    count = len(chunks)
    with pytest.raises(FormatError, match="not within the image"):
        written(z=[99] * count).read()
    with pytest.raises(FormatError, match=r"chunks\.parquet.*row 0 of row group 0"):
        written(pixel_bytes=[b"123"] * count).read()
    with pytest.raises(FormatError, match="uint64"):
        written(dtype=["uint64"] * count).read()
    with pytest.raises(FormatError, match="missing or no integers"):
        written(t=[None] * count).read()
    (folder / "chunks.parquet").write_bytes(b"PAR1")
    with pytest.raises(FormatError, match=r"chunks\.parquet"):
        Dataset(path).read()
    images = parquet.read_table(folder / "images.parquet")
    for name, value in (("size_x", -1), ("channels_json", "{"), ("dtype", "object")):
        at = images.column_names.index(name)
        wrong = images.set_column(at, name, pa.array([value] * 2, images.column(at).type))
        parquet.write_table(wrong, folder / "images.parquet")
        with pytest.raises(FormatError, match=r"images\.parquet"):
            Dataset(path).read()
    (folder / "images.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        _ = Dataset(path).images
    with pytest.raises(FileNotFoundError, match="no OME-Arrow dataset"):
        Dataset(str(tmp_path))


def test_both_ways_with_the_public_package(tmp_path):
    peer = pytest.importorskip("ome_arrow.dataset")
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    write_dataset(ours, [row(SMALL, "A"), row(PIXELS, "B")], chunk=(8, 16, 16))
    read = peer.OMEArrowDataset(ours)
    assert list(read.image_ids) == ["A", "B"]
    assert np.array_equal(read.read_image("A"), SMALL)
    assert np.array_equal(read.read_image("B"), PIXELS)
    assert json.loads((tmp_path / "ours/_ome_arrow_dataset.json").read_text())["image_count"] == 2
    record = from_numpy(SMALL, image_id="C")
    peer.write_ome_arrow_dataset([record], theirs)
    assert np.array_equal(Dataset(theirs).read("C"), SMALL)
