"""Units encoded chunk by chunk are those that every engine reads."""

from __future__ import annotations

import numpy as np
import pytest

from iohub.storage.array import ZarrArray
from iohub.storage.chunk_encoding import chunk_encoder
from iohub.storage.codecs import Blosc, Gzip, Zstd
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec


def _spec(**options):
    given = {"zarr_format": 3, "chunks": (2, 3), "compression": None, **options}
    return ArraySpec.create((4, 6), given.pop("dtype", "u2"), **given)


@pytest.mark.parametrize("engine", ["tensorstore", "zarr-python"])
@pytest.mark.parametrize("compression", [None, Blosc(), Blosc("lz4", 5, "shuffle"), Zstd(), Gzip()])
@pytest.mark.parametrize("shards", [None, (4, 6)])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_engines_read_it(tmp_path, zarr_format, shards, compression, engine):
    if zarr_format == 2 and shards:
        pytest.skip("there are no shards")
    spec = _spec(zarr_format=zarr_format, shards=shards, compression=compression)
    pixels = np.arange(24, dtype="u2").reshape(4, 6) * 1000
    array = ZarrArray.create(LocalBytes(tmp_path), "a", spec, engine)
    encoder = chunk_encoder(spec)
    chunks = np.ascontiguousarray(pixels.reshape(2, 2, 2, 3).swapaxes(1, 2))
    if shards:
        array.write_encoded((0, 0), bytes(encoder.encode(chunks)))
        raw = chunks.tobytes()
        assert encoder.tail is None or encoder.encode(chunks) == raw + encoder.tail
    else:
        for place in np.ndindex(2, 2):
            array.write_encoded(place, bytes(encoder.encode(chunks[place])))
    np.testing.assert_array_equal(array.read((slice(0, 4), slice(0, 6))), pixels)


def test_what_only_an_engine_can_is_left_to_it():
    assert chunk_encoder(_spec(dtype=">u2")) is None
    assert chunk_encoder(_spec(compression={"name": "unheard-of", "configuration": {}})) is None
