"""Thrift's compact protocol: what is written is read, what is damaged is refused."""

import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from iohub.errors import FormatError
from iohub.formats.ome_arrow import thrift
from iohub.formats.ome_arrow.thrift import BINARY, DOUBLE, FALSE, I32, I64, LIST, STRUCT, TRUE

VALUES = st.one_of(
    st.tuples(st.sampled_from([I32, I64]), st.integers(-(2**62), 2**62)),
    st.tuples(st.just(BINARY), st.binary(max_size=20)),
    st.tuples(st.just(DOUBLE), st.binary(min_size=8, max_size=8)),
    st.sampled_from([(TRUE, True), (FALSE, False)]),
    st.tuples(st.just(LIST), st.tuples(st.just(I32), st.lists(st.integers(-9, 9), max_size=20))),
)
STRUCTS = st.recursive(
    st.dictionaries(st.integers(1, 300), VALUES, max_size=5),
    lambda inner: st.dictionaries(
        st.integers(1, 40), st.tuples(st.just(STRUCT), inner), max_size=3
    ),
    max_leaves=4,
)


@given(STRUCTS)
def test_what_is_written_is_read(struct):
    raw = thrift.write(struct)
    reader = thrift.Reader(raw)
    assert reader.struct() == struct
    assert reader.at == len(raw)


def test_a_footer_of_pyarrow_is_written_back_as_it_was():
    held = io.BytesIO()
    parquet.write_table(pa.table({"a": [1, None], "b": [["x"], []]}), held)
    raw = held.getvalue()
    size = int.from_bytes(raw[-8:-4], "little")
    footer = raw[-8 - size : -8]
    assert thrift.write(thrift.Reader(footer).struct()) == footer


@given(STRUCTS, st.data())
def test_what_is_cut_short_is_refused(struct, data):
    raw = thrift.write(struct)
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(FormatError):
        thrift.Reader(raw[:cut]).struct()


@pytest.mark.parametrize(
    "raw",
    [
        b"\x1f\x00",  # a type that there is not
        b"\x15" + b"\xff" * 11,  # a number without end
        b"\x18\xff\xff\xff\x7f",  # a text longer than the file
        b"\x19\xf5\xff\xff\xff\xff\x0f",  # a list longer than the file
        b"\x1c" * 100,  # nested without end
    ],
)
def test_garbage_is_refused(raw):
    with pytest.raises(FormatError):
        thrift.Reader(raw).struct()
