"""JSON as bytes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from iohub.errors import DocumentError
from iohub.storage.documents import encode_document, parse_document, same_document


@pytest.mark.parametrize(
    ("raw", "what"),
    [(b"", "empty"), (b"{", "not JSON"), (b"[]", "not list"), (b"\xff\xfe\xfa", "not JSON")],
)
def test_broken_documents_name_the_file(raw: bytes, what: str) -> None:
    with pytest.raises(DocumentError, match=what) as caught:
        parse_document(raw, "x.zarr/zarr.json")
    assert "x.zarr/zarr.json" in str(caught.value)


def test_round_trip_keeps_order_and_text() -> None:
    document = {"z": 1, "a": {"unit": "µm", "n": [1, 2.5, None, True]}}
    encoded = encode_document(document, "x")
    assert "µm".encode() in encoded
    assert list(parse_document(encoded, "x")) == ["z", "a"]
    assert parse_document(encoded, "x") == document


def test_numpy_values_become_numbers() -> None:
    document = {"a": np.uint16(3), "b": np.arange(3), "c": np.float32(0.5), "d": np.bool_(True)}
    assert json.loads(encode_document(document, "x")) == {
        "a": 3,
        "b": [0, 1, 2],
        "c": 0.5,
        "d": True,
    }


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", math.nan, math.inf, "\ud800"])
def test_values_that_json_has_not(value: object) -> None:
    with pytest.raises(DocumentError, match="cannot be JSON"):
        encode_document({"a": value}, "x")


def test_a_document_with_nan_can_still_be_edited() -> None:
    assert b"NaN" in encode_document({"a": math.nan, "b": 1}, "x", b'{"a": NaN}')


def test_lists_of_flat_objects_have_one_per_line() -> None:
    texts = ["}\0{", "}, {", '"', "\\", "é", ""]
    members = [{"path": text * 9, "rowIndex": index} for index, text in enumerate(texts)]
    document = {"wells": members, "rows": [{}, {"name": "A"}], "mixed": [{"a": 1}, 2, {"b": []}]}
    text = encode_document(document, "x").decode()
    assert json.loads(text) == document
    lines = text.splitlines()
    for member in members:
        line = json.dumps(member, ensure_ascii=False)
        assert f"    {line}" in [shown.rstrip(",") for shown in lines]
    assert '  "rows": [{}, {"name": "A"}],' in lines
    assert '  "mixed": [{"a": 1}, 2, {"b": []}]' in lines


def test_long_documents_are_compact() -> None:
    assert b"\n" in encode_document({"a": [1]}, "x")
    assert b"\n" not in encode_document({"a": ["x" * 50] * 5000}, "x")


def test_same_document_tells_numbers_apart() -> None:
    assert same_document({"a": [1]}, {"a": [1]})
    assert not same_document({"a": 1}, {"a": 1.0})
    assert not same_document({"a": 1}, {"a": True})
    assert not same_document({"a": 1, "b": 2}, {"b": 2, "a": 1})
