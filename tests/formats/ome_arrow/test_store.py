"""Tables opened as nodes: foreign ones, filtered ones, damaged ones; by file and in memory."""

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from iohub import open_ome_zarr
from iohub.errors import FormatError, IohubError, LayoutError, MissingFramesWarning
from iohub.formats.ome_arrow import records
from iohub.formats.ome_arrow.records import Description
from iohub.ngff import Plate, Position

SHAPE = (1, 2, 3, 20, 30)


def values(seed=0, dtype="uint16", shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def record(seed=0, dtype="uint16", **said):
    return records.as_array(records.build(Description(SHAPE, dtype, **said), values(seed, dtype)))


def alphabetical(array):
    """Return records as CytoDataFrame writes them: fields by alphabet, all numbers wide."""
    struct = array.type
    kept = [f.name for f in struct if f.name not in ("image_type", "chunks", "chunk_grid")]
    columns = {}
    for name in sorted(kept):
        column = array.field(name)
        if name == "planes":
            parts = column.values
            pixels = parts.field("pixels")
            wide = pa.ListArray.from_arrays(pixels.offsets, pixels.values.cast(pa.int64()))
            fields = {k: parts.field(k).cast(pa.int64()) for k in "ctz"} | {"pixels": wide}
            items = pa.StructArray.from_arrays([fields[k] for k in sorted(fields)], sorted(fields))
            column = pa.ListArray.from_arrays(column.offsets, items)
        columns[name] = column
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))


def table(count=6, **more):
    rows = [record(n, image_id=f"i{n}", name=f"n{n}") for n in range(count)]
    return pa.table({"ome_arrow": pa.chunked_array(rows), **more})


def both(tmp_path, made, **options):
    """Open a table from a file and from memory."""
    path = tmp_path / "x.parquet"
    parquet.write_table(made, path, **options)
    for place in (path, made):
        with open_ome_zarr(place) as node:
            yield node


def test_one_row_is_a_position_with_what_the_record_says(tmp_path):
    said = record(
        3,
        image_id="cell",
        size=(0.5, 0.25, 2.0),
        units=("µm", "µm", "nm"),
        channels=(
            {**records.channel(0, "DAPI", 0x0000FFFF), "emission_um": 0.461},
            records.channel(1, "GFP"),
        ),
    )
    for node in both(tmp_path, pa.table({"image": said})):
        assert isinstance(node, Position)
        assert node.channel_names == ["DAPI", "GFP"]
        assert node.scale == [1.0, 1.0, 2.0, 0.25, 0.5]
        assert [axis.unit for axis in node.axes][2:] == ["nanometer", "micrometer", "micrometer"]
        assert node.acquisition.channels[0].emission == 461.0
        np.testing.assert_array_equal(node["0"][:], values(3))
        np.testing.assert_array_equal(node["0"][0, 1, 1:, 5:9, ::7], values(3)[0, 1, 1:, 5:9, ::7])


def test_rows_with_row_column_and_fov_are_a_plate(tmp_path):
    made = table(
        row=["A", "A", "B", "B", "B", "A"],
        column=["1", "1", "2", "2", "10", "2"],
        fov=["0", "1", "0", "1", "0", "0"],
        score=[0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
    )
    for node in both(tmp_path, made, row_group_size=4):
        assert isinstance(node, Plate)
        assert [path for path, _ in node.positions()] == [
            "A/1/0",
            "A/1/1",
            "A/2/0",
            "B/2/0",
            "B/2/1",
            "B/10/0",
        ]
        np.testing.assert_array_equal(node["B/2/1"]["0"][:], values(3))
        frame = node.to_dataframe().set_index("path")
        assert frame.loc["A/2/0", "score"] == 5.5
        assert node["B/2"].table_columns["score"].tolist() == [2.5, 3.5]


def test_a_filtered_table_opens_without_copying_pixels():
    made = table(row=list("AABBCC"), column=["1"] * 6, fov=list("010101"), score=range(6))
    chosen = made.filter(pc.greater(made["score"], 3))
    with Plate.from_arrow(chosen) as plate:
        assert [path for path, _ in plate.positions()] == ["C/1/0", "C/1/1"]
        before = pa.total_allocated_bytes()
        array = plate["C/1/1"]["0"]
        np.testing.assert_array_equal(array[:], values(5))
        assert pa.total_allocated_bytes() - before < values(5).nbytes


def test_foreign_tables_are_read_by_the_names_of_fields(tmp_path):
    made = pa.table(
        {
            "area": [1.0, 2.0],
            "raw": pa.chunked_array([alphabetical(record(n, image_id=f"{n}")) for n in range(2)]),
            "mask": pa.chunked_array([alphabetical(record(n + 2)) for n in range(2)]),
        }
    )
    for node in both(tmp_path, made):
        found = [position["0"][:] for _, position in node.positions()]
        assert len(found) == 4
        for index, seed in enumerate((0, 2, 1, 3)):
            np.testing.assert_array_equal(found[index], values(seed))
            assert found[index].dtype == np.uint16
        assert node.table_columns["area"].tolist() == [1.0, 1.0, 2.0, 2.0]


def test_missing_records_are_told_of(tmp_path):
    kind = record().type
    made = pa.table({"x": pa.chunked_array([record(1), pa.nulls(2, kind)])})
    path = tmp_path / "x.parquet"
    parquet.write_table(made, path)
    with pytest.warns(MissingFramesWarning, match="2 of its records"), open_ome_zarr(path) as node:
        assert isinstance(node, Position)


def test_two_rows_of_one_place_are_refused(tmp_path):
    made = table(2, row=["A", "A"], column=["1", "1"], fov=["0", "0"])
    with pytest.raises(LayoutError, match="rows 0 and 1"):
        open_ome_zarr(made)


@pytest.mark.parametrize(
    "more",
    [
        {"row": [".."], "column": ["1"], "fov": ["0"]},
        {"row": ["A"], "column": ["1"], "fov": ["0"], "array": ["../../x"]},
        {"row": ["A"], "column": ["/etc"], "fov": ["0"]},
    ],
)
def test_names_that_lead_elsewhere_are_refused(more):
    with pytest.raises(FormatError, match="no path"):
        open_ome_zarr(table(1, **more))


@pytest.mark.parametrize(
    "note",
    [
        "no json",
        "[1]",
        '{"axes": "qq"}',
        '{"axes": "yx"}',
        '{"groups": {"": 3}}',
    ],
)
def test_damaged_notes_are_errors_that_name_the_file(note):
    with pytest.raises(IohubError, match="table"), open_ome_zarr(table(1, iohub=[note])) as node:
        node["0"][:]


def test_pixels_that_do_not_fit_what_the_record_says_are_errors(tmp_path):
    wrong = records.as_array(records.build(Description(SHAPE, "uint8"), values() * 100))
    for node in both(tmp_path, pa.table({"x": wrong})):
        with pytest.raises(FormatError, match=r"column 'x', row 0.*uint8"):
            node["0"][:]


def test_a_truncated_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "x.parquet"
    parquet.write_table(table(2), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match=r"x\.parquet"):
        open_ome_zarr(path)
    parquet.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(LayoutError, match="'a'"):
        open_ome_zarr(path)


def test_the_store_goes_to_another_process(tmp_path):
    path = tmp_path / "x.parquet"
    made = table(2)
    parquet.write_table(made, path)
    for place in (path, made):
        with open_ome_zarr(place) as node:
            store = pickle.loads(pickle.dumps(node._group.store))
            again = node._group.__class__(store, "", 3)
            assert again.array("i1/0").read((slice(0, 1),) * 5).tolist() == [
                [[[[int(values(1)[0, 0, 0, 0, 0])]]]]
            ]
            store.close()
