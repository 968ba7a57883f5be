"""Documents of one Zarr format over the chunks of the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iohub.errors import EngineError
from iohub.storage.codecs import Blosc, Gzip, Zstd
from iohub.storage.same_chunks import documents_over_chunks
from iohub.storage.spec import ArraySpec


def spec(zarr_format: int, **kwargs: Any) -> ArraySpec:
    settings = {"dtype": "u2", "chunks": (4, 4), "attributes": {"a": 1}, **kwargs}
    return ArraySpec.create((8, 10), zarr_format=zarr_format, **settings)


def parsed(documents: dict[str, Any]) -> ArraySpec:
    return ArraySpec.parse({name: json.dumps(doc).encode() for name, doc in documents.items()})


@pytest.mark.parametrize(
    "compression",
    [None, Blosc(), Blosc("lz4", 5, "shuffle"), Blosc(shuffle="noshuffle"), Zstd(3), Gzip(1)],
)
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", "bool"])
@pytest.mark.parametrize("separator", ["/", "."])
def test_there_and_back(compression: Any, dtype: str, separator: str) -> None:
    old = spec(2, compression=compression, dtype=dtype, separator=separator)
    new = parsed(documents_over_chunks(old, 3, ["y", "x"]))
    assert new.dimension_names == ("y", "x")
    assert new.same_encoding(old)
    assert new.unit_key((1, 2)) == old.unit_key((1, 2))
    assert new.attributes == {"a": 1}
    back = parsed(documents_over_chunks(new, 2))
    assert back == old
    assert back.attributes == old.attributes


def test_names_of_dimensions_move() -> None:
    old = spec(2, dimension_names=["y", "x"])
    new = documents_over_chunks(old, 3)["zarr.json"]
    assert new["dimension_names"] == ["y", "x"]
    assert new["attributes"] == {"a": 1}
    assert documents_over_chunks(old, 2)[".zarray"] == old.metadata


def test_what_the_other_format_cannot_read() -> None:
    with pytest.raises(EngineError, match="shards"):
        documents_over_chunks(spec(3, shards=(8, 8)), 2)
    checked = spec(3)
    checked.metadata["codecs"].append({"name": "crc32c"})
    with pytest.raises(EngineError, match="crc32c"):
        documents_over_chunks(checked, 2)
    for member, value in (
        ("order", "F"),
        ("filters", [{"id": "delta", "dtype": "<u2"}]),
        ("compressor", {"id": "lz4", "acceleration": 1}),
    ):
        odd = spec(2)
        odd.metadata[member] = value
        with pytest.raises(EngineError, match="cannot be read as Zarr v3"):
            documents_over_chunks(odd, 3)
