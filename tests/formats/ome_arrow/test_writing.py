"""Tables written page by page: read by pyarrow and by our own pages alike; what is not written."""

import os

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from iohub.errors import ArgumentError, ExistsError, FormatError, ShapeError
from iohub.formats.ome_arrow import filed, pages, records, rows_to_write, writing
from iohub.formats.ome_arrow.records import Description
from iohub.formats.ome_arrow.rows import from_file, from_table
from iohub.formats.ome_arrow.rows_to_write import Row
from iohub.formats.ome_arrow.schema import OME_ARROW_BYTE_STRUCT, OME_ARROW_STRUCT

DTYPES = ("uint8", "uint16", "int8", "int32", "int64", "float16", "float32", "complex64", "bool")


def row(values, image_id="a", *, keep=None, **siblings):
    planes = values.reshape(-1, *values.shape[3:]) if keep is None else values[keep]
    said = Description(values.shape, values.dtype.name, image_id=image_id)
    return Row(said, lambda: planes, siblings, keep)


def image(shape, dtype, seed=0):
    values = np.random.default_rng(seed).integers(0, 200, shape)
    return values.astype(dtype)


def read(record, values):
    return records.native(records.stored(record, values.shape).read(), values.dtype.name)


@given(
    shape=st.tuples(*[st.integers(1, 3)] * 3, *[st.integers(1, 9)] * 2),
    dtype=st.sampled_from(DTYPES),
    codec=st.sampled_from(["zstd", "none", "lz4", "snappy"]),
    lines=st.integers(1, 9),
    count=st.integers(1, 4),
)
def test_rows_are_read_by_pyarrow_and_page_by_page(
    tmp_path_factory, shape, dtype, codec, lines, count
):
    path = str(tmp_path_factory.mktemp("t") / "x.parquet")
    images = [image(shape, dtype, seed) for seed in range(count)]
    listed = rows_to_write.is_listable(np.dtype(dtype))
    size = shape[4] * np.dtype(dtype).itemsize
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_to_write, "PART_BYTES", lines * size)
        writing.write_table(
            path, map(row, images), listed=listed, codec=codec, group_rows=1 + count // 2
        )
    table = parquet.read_table(path)
    table.validate(full=True)
    assert table.schema.field(0).type == (OME_ARROW_STRUCT if listed else OME_ARROW_BYTE_STRUCT)
    mine = from_file(path)
    for number, values in enumerate(images):
        np.testing.assert_array_equal(read(table.column(0)[number], values), values)
        found = mine.stored("ome_arrow", number)
        assert type(found.pixels).__name__ in ("_Paged", "_Ranges")  # not the detour by pyarrow
        np.testing.assert_array_equal(found.read().astype(dtype), values)
    mine.close()


@pytest.mark.parametrize("listed", [True, False])
def test_planes_that_are_missing_stay_missing(tmp_path, listed):
    path = str(tmp_path / "x.parquet")
    values, keep = image((2, 1, 3, 4, 5), "uint16"), np.zeros((2, 1, 3), bool)
    keep[0, 0, 2] = keep[1, 0, 0] = True
    none = np.zeros_like(keep)
    writing.write_table(
        path, [row(values, keep=keep), row(values, keep=none), row(values)], listed=listed
    )
    mine, table = from_file(path), parquet.read_table(path)
    for source in (
        lambda n: mine.stored("ome_arrow", n),
        lambda n: records.stored(table.column(0)[n], values.shape),
    ):
        first = source(0)
        np.testing.assert_array_equal(first.present(), keep)
        np.testing.assert_array_equal(first.read()[keep], values[keep])
        assert not source(1).present().any()
        assert not source(1).read().any()
        np.testing.assert_array_equal(source(2).read(), values)
    mine.close()


def test_other_columns_have_statistics_and_the_footer_says_who_wrote_pixels(tmp_path):
    path = str(tmp_path / "x.parquet")
    siblings = pa.schema([("row", pa.string())])
    values = image((1, 1, 1, 4, 5), "uint16")
    made = [row(values, row=letter) for letter in "ABC"]
    writing.write_table(path, made, listed=True, siblings=siblings, metadata={"who": "me"})
    file = parquet.ParquetFile(path)
    assert file.schema_arrow.metadata == {b"ome.arrow.type": b"ome.arrow", b"who": b"me"}
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["row"].statistics.max == "C"
    pixels = columns["ome_arrow.planes.list.element.pixels.list.element"]
    assert pixels.num_values == 3 * values.size
    assert sum(int(size) for size in pixels.metadata[b"iohub.pages"].split(b",")) == (
        pixels.total_compressed_size
    )
    found = parquet.read_table(path, filters=[("row", "=", "B")])
    np.testing.assert_array_equal(read(found.column(0)[0], values), values)


def test_a_region_reads_only_the_bytes_that_it_needs(tmp_path, monkeypatch):
    values = image((1, 1, 4, 512, 600), "int16")
    path = str(tmp_path / "x.parquet")
    writing.write_table(path, [row(values)], listed=False, codec="none")
    mine = from_file(path)
    found = mine.stored("ome_arrow", 0)
    taken = []
    whole = filed.Opened.read
    monkeypatch.setattr(
        filed.Opened, "read", lambda self, at, size: taken.append(size) or whole(self, at, size)
    )
    lines = found.pixels.lines(2, 600, 100, 110)
    np.testing.assert_array_equal(lines, values[0, 0, 2, 100:110])
    assert sum(taken) <= lines.nbytes + 2 * pages.HEADER  # of one page of four
    mine.close()


def test_files_of_pyarrow_are_read_without_a_detour_where_pages_are_plain(tmp_path):
    values = image((1, 2, 2, 30, 40), "int32")
    built = records.build(Description(values.shape, "int32"), values)
    table = pa.table({"ome_arrow": records.as_array(built)})
    for name, options, kind in (
        ("plain", {"compression": "none", "use_dictionary": False}, "_Ranges"),
        ("zstd", {"compression": "zstd"}, "Bytes"),
    ):
        path = str(tmp_path / f"{name}.parquet")
        parquet.write_table(table, path, **options)
        mine = from_file(path)
        found = mine.stored("ome_arrow", 0)
        assert type(found.pixels).__name__ == kind
        np.testing.assert_array_equal(found.read(), values)
        mine.close()


def test_tables_in_memory_give_views(tmp_path):
    values = image((1, 2, 2, 30, 40), "uint16")
    built = records.build(Description(values.shape, "uint16"), values)
    found = from_table(pa.table({"x": records.as_array(built)})).stored("x", 0)
    assert np.shares_memory(found.read(), values)


def test_what_is_too_large_is_refused_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_to_write, "MOST", 100)
    path = str(tmp_path / "x.parquet")
    with pytest.raises(ShapeError, match="ome-arrow-dataset"):
        writing.write_table(path, [row(image((1, 1, 1, 11, 11), "uint16"))], listed=True)
    assert os.listdir(tmp_path) == []


def test_nothing_to_write_and_unknown_codecs_are_refused(tmp_path):
    path = str(tmp_path / "x.parquet")
    with pytest.raises(ArgumentError, match="no image"):
        writing.write_table(path, [], listed=True)
    with pytest.raises(ArgumentError, match="zip"):
        writing.write_table(path, [], listed=True, codec="zip")
    assert os.listdir(tmp_path) == []


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"before")
    values = image((1, 1, 1, 4, 5), "uint16")

    def failing():
        yield row(values)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        writing.write_table(str(path), failing(), listed=True)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["x.parquet"]
    with pytest.raises(ExistsError):
        writing.write_table(str(path), [row(values)], listed=True, replace=False)


def test_a_page_that_was_changed_is_an_error(tmp_path):
    values = image((1, 1, 2, 64, 64), "uint16")
    path = tmp_path / "x.parquet"
    writing.write_table(str(path), [row(values)], listed=True)
    raw = bytearray(path.read_bytes())
    raw[60:70] = bytes(byte ^ 1 for byte in raw[60:70])
    path.write_bytes(raw)
    mine = from_file(str(path))
    with pytest.raises(FormatError, match="checksum"):
        mine.stored("ome_arrow", 0).read()
    mine.close()
