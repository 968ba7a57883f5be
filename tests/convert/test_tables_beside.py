"""Tables, empty wells, byte order and arrays' attributes on the way through other formats."""

import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from iohub import open_ome_zarr
from iohub.convert import tables_beside
from iohub.errors import FormatError
from iohub.ngff import Plate

FRAME = pd.DataFrame({"size": [1.5, np.nan], "name": ["a", "ü"]})
BACKENDS = ("csv", "json", "parquet", "anndata")


@pytest.fixture(scope="module", params=["0.4", "0.5", "0.6"])
def source(request, tmp_path_factory):
    """A plate with tables, an empty well, big-endian pixels and attributes everywhere."""
    path = tmp_path_factory.mktemp("source") / "p.zarr"
    pixels = np.arange(2 * 9 * 10, dtype=">u2").reshape(1, 1, 2, 9, 10)
    with open_ome_zarr(
        path, layout="hcs", mode="w-", channel_names=["a"], version=request.param
    ) as plate:
        for key in ("A/1/0", "B/2/0"):
            position = plate.create_position(*key.split("/"))
            array = position.create_image("0", pixels)
            array.update_attributes({"mine": key})
        for backend in BACKENDS:
            plate["A/1/0"].tables.write(backend, FRAME, backend=backend)
        plate.tables.write("conditions", FRAME)
        plate["A"].zattrs["own"] = 1
        plate.create_well("C", "7")
    return path, request.param


def documents(
    path, without=("chunks", "chunk_grid", "consolidated_metadata", "storage_transformers")
):
    """Return all documents but chunk shapes, and the bytes of all files of tables."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            key = os.path.relpath(os.path.join(folder, name), path)
            with open(os.path.join(folder, name), "rb") as file:
                raw = file.read()
            if name in ("zarr.json", ".zarray", ".zattrs", ".zgroup"):
                found[key] = {k: v for k, v in json.loads(raw).items() if k not in without}
            elif name in ("table.csv", "table.parquet"):
                found[key] = raw
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("x.zarr", {}),
        ("x.zarr", {"chunks": "plane"}),
        ("x.ozx", {}),
        ("x.parquet", {}),
        ("x.parquet", {"encoding": "bytes"}),
        ("x", {"format": "ome-arrow-dataset"}),
    ],
)
def test_all_documents_come_back(source, tmp_path, name, options):
    path, version = source
    with open_ome_zarr(path) as plate:
        report = plate.export(tmp_path / name, progress=False, **options)
        assert report.lost == ()
    with open_ome_zarr(tmp_path / name) as made:
        assert list(made["A/1/0"].tables) == list(BACKENDS)
        for backend in BACKENDS:
            assert_frame_equal(
                made["A/1/0"].tables[backend][FRAME.columns], FRAME, check_dtype=False
            )
        assert list(made["B/2/0"].tables) == []
        assert_frame_equal(made.tables["conditions"], FRAME)
        assert dict(made["A/1/0/0"].attrs) == {"mine": "A/1/0"}
        np.testing.assert_array_equal(made["A/1/0/0"][:], np.arange(180).reshape(1, 1, 2, 9, 10))
        made.export(tmp_path / "back.zarr", version=version, progress=False)
    assert documents(tmp_path / "back.zarr") == documents(path)


def test_tables_follow_their_rows(source):
    with open_ome_zarr(source[0]) as plate:
        table = plate.to_arrow()
    with Plate.from_arrow(table.filter(pc.field("row") == "A")) as kept:
        assert [path for path, _ in kept.positions()] == ["A/1/0"]
        assert len(kept["A/1/0"].tables) == len(BACKENDS)
        assert not {"iohub", "tables"} & set(kept.table_columns)
    with Plate.from_arrow(table.filter(pc.field("row") == "B")) as kept:
        assert len(kept["B/2/0"].tables) == 0


def test_encoded_chunks_have_the_byte_order_of_their_document(source):
    import zarr

    with open_ome_zarr(source[0]) as plate, Plate.from_arrow(plate.to_arrow()) as made:
        array = zarr.open_array(made.zgroup.store, path="A/1/0/0", mode="r")
        np.testing.assert_array_equal(array[:], plate["A/1/0/0"][:])


def test_tables_of_vortex_travel_and_those_of_its_plate_are_said_to_be_lost(source, tmp_path):
    pytest.importorskip("vortex")
    with open_ome_zarr(source[0]) as plate:
        report = plate.export(tmp_path / "x.vortex", progress=False)
    assert report.lost == ("the tables of the plate",)
    with open_ome_zarr(tmp_path / "x.vortex") as made:
        assert_frame_equal(made["A/1/0"].tables["parquet"], FRAME)


def test_what_is_too_large_is_left_out_and_said(source, tmp_path, monkeypatch):
    monkeypatch.setattr(tables_beside, "MOST", 100)
    with open_ome_zarr(source[0]) as plate:
        report = plate.export(tmp_path / "x.parquet", progress=False)
    assert any("tables" in what for what in report.lost)
    with open_ome_zarr(tmp_path / "x.parquet") as made:
        assert list(made["A/1/0"].tables) == []


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"tables/t":3}', '{"tables/../x":""}', '{"/tables":""}', '{"0/zarr.json":"{}"}'],
)
def test_damaged_tables_name_the_file(source, tmp_path, text):
    with open_ome_zarr(source[0]) as plate:
        table = plate["A/1/0"].to_arrow()
    at = table.schema.get_field_index("tables")
    parquet.write_table(
        table.set_column(at, "tables", pa.array([text])), tmp_path / "hostile.parquet"
    )
    with pytest.raises(FormatError, match=r"hostile\.parquet.*tables"):
        open_ome_zarr(tmp_path / "hostile.parquet")


def test_a_column_of_that_name_in_a_foreign_table_is_the_users(source):
    with open_ome_zarr(source[0]) as plate:
        table = plate["B/2/0"].to_arrow().select(["ome_arrow"])
    with open_ome_zarr(table.append_column("tables", pa.array(["mine"]))) as made:
        assert list(made.table_columns["tables"]) == ["mine"]
        assert list(made.tables) == []


def test_an_empty_well_is_not_taken_with_chosen_positions(source, tmp_path):
    with open_ome_zarr(source[0]) as plate:
        plate.export(tmp_path / "x.zarr", positions=["A"], progress=False)
    with open_ome_zarr(tmp_path / "x.zarr") as made:
        assert [well.path for well in made.metadata.wells] == ["A/1"]


def test_columns_of_the_user_are_said_to_be_left(source, tmp_path):
    with open_ome_zarr(source[0]) as plate:
        table = plate.to_arrow()
    mine = {name: pa.array([1.5, 2.5]) for name in ("a", "b", "c", "d", "e")}
    for name, values in mine.items():
        table = table.append_column(name, values)
    with open_ome_zarr(table) as made:
        report = made.export(tmp_path / "x.zarr", progress=False)
    assert report.lost == ("columns of the table, 'a', 'b', 'c' and 2 more",)
