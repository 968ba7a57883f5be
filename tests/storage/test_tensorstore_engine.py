"""What only TensorStore needs: that a chunk encoded from the caller's memory is the right one."""

from __future__ import annotations

import itertools
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iohub.storage.array import ZarrArray
from iohub.storage.codecs import Zstd
from iohub.storage.group import open_group
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.tensorstore_engine import ENGINE

_numbers = itertools.count()


@given(
    drawn=st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9)), min_size=3, max_size=5
    ),
    sharded=st.booleans(),
    contiguous=st.booleans(),
    zarr_format=st.sampled_from([2, 3]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_chunk_of_a_large_write_is_right(
    tmp_path: Path,
    drawn: list[tuple[int, int, int]],
    sharded: bool,
    contiguous: bool,
    zarr_format: int,
) -> None:
    chunks = tuple(chunk for chunk, _, _ in drawn)
    shards = tuple(chunk * ratio for chunk, ratio, _ in drawn)
    shape = tuple(size for _, _, size in drawn)
    spec = ArraySpec.create(
        shape,
        "uint16",
        zarr_format=zarr_format,
        chunks=chunks,
        shards=shards if sharded and zarr_format == 3 else None,
    )
    array = ZarrArray.create(
        LocalBytes(tmp_path / f"{next(_numbers)}"), "0", spec, engine="tensorstore"
    )
    value = np.arange(1, 1 + np.prod(shape), dtype="u2").reshape(shape)
    if not contiguous:
        value = np.repeat(value, 2, axis=-1)[..., ::2]
    array.write(tuple(slice(0, size) for size in shape), value)
    assert np.array_equal(array[...], value)
    assert np.array_equal(np.asarray(array.zarr_array()[...]), value)


@pytest.mark.parametrize("shards", [None, (1, 2, 4, 3, 4)])
def test_a_case_that_lost_pixels(tmp_path: Path, shards: tuple[int, ...] | None) -> None:
    """TensorStore 0.1.86, told that it may reference the source, stored other pixels."""
    value = np.arange(720, dtype="u2").reshape(2, 3, 4, 6, 5)
    spec = ArraySpec.create(value.shape, "u2", zarr_format=3, chunks=(1, 2, 2, 3, 2), shards=shards)
    array = ZarrArray.create(LocalBytes(tmp_path / "s"), "0", spec, engine="tensorstore")
    array.write(tuple(slice(0, n) for n in value.shape), value)
    assert np.array_equal(array[...], value)


def test_zstd_of_zarr_v2(tmp_path: Path) -> None:
    """TensorStore refuses documents that speak of checksums; another engine reads such arrays."""
    data = np.arange(64, dtype="u2").reshape(8, 8)
    root = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    for checksum in (False, True):
        codec = numcodecs.Zstd(level=3, checksum=checksum)
        root.create_array("theirs", data=data, chunks=(4, 4), compressors=codec, overwrite=True)
        theirs = open_group(LocalBytes(tmp_path), "").array("theirs")
        assert ("checksum" in theirs.spec.metadata["compressor"]) is checksum
        assert (ENGINE.refuses(theirs.store, theirs.spec) is None) is not checksum
        whole = tuple(slice(0, 8) for _ in range(2))
        assert np.array_equal(theirs.read(whole), data)
        theirs.write(whole, data + 1)
        assert np.array_equal(root["theirs"][:], data + 1)
    # What iohub writes, TensorStore reads, unless there really are checksums.
    for ours in (Zstd(3), Zstd(3, checksum=True)):
        spec = ArraySpec.create((8, 8), "u2", zarr_format=2, chunks=(4, 4), compression=ours)
        array = ZarrArray.create(LocalBytes(tmp_path), f"ours{ours.checksum}", spec)
        assert (ENGINE.refuses(array.store, spec) is None) is not ours.checksum
        array.write(whole, data)
        assert np.array_equal(zarr.open_array(tmp_path / array.path, mode="r")[:], data)
        assert np.array_equal(array.read(whole), data)
