"""Chunks and shards encoded here: engines read them, and what is the fill value is not stored."""

from __future__ import annotations

import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from iohub.errors import ReadOnlyError
from iohub.storage.array import ZarrArray
from iohub.storage.group import create_group
from iohub.storage.keys import DRAFT_PREFIX
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec
from iohub.storage.unit_encoding import unit_encoder

COMPRESSIONS: list[Any] = [
    None,
    {"name": "gzip", "configuration": {"level": 1}},
    {"name": "zstd", "configuration": {"level": 1, "checksum": True}},
    {
        "name": "blosc",
        "configuration": {
            "cname": "lz4",
            "clevel": 3,
            "shuffle": "shuffle",
            "typesize": 2,
            "blocksize": 0,
        },
    },
]


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
@pytest.mark.parametrize("shards", [None, (8, 10)], ids=["chunks", "shards"])
@given(
    dtype=st.sampled_from(["bool", "u1", ">u2", "<i4", "f4", "c8"]),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    empty=st.booleans(),
)
def test_what_is_encoded_here_is_read_by_engines(
    tmp_path_factory: pytest.TempPathFactory,
    compression: Any,
    shards: Any,
    dtype: str,
    shape: tuple[int, int],
    empty: bool,
) -> None:
    spec = ArraySpec.create(
        shape, dtype, zarr_format=3, chunks=(4, 5), shards=shards, compression=compression
    )
    pixels = np.random.default_rng(3).integers(0, 2, shape).astype(dtype)
    if empty:
        pixels[:4, :5] = 0
    array = create_group(LocalBytes(tmp_path_factory.mktemp("a")), "", 3).create_array("0", spec)
    encode = unit_encoder(spec)
    assert encode is not None
    for index in np.ndindex(*(-(-n // u) for n, u in zip(shape, spec.unit, strict=True))):
        part = tuple(slice(i * u, (i + 1) * u) for i, u in zip(index, spec.unit, strict=True))
        value = encode(pixels[part])
        assert (value is None) == (not pixels[part].any())
        if value is not None:
            array.write_encoded(index, value)
    assert np.array_equal(array.read((slice(0, shape[0]), slice(0, shape[1]))), pixels)


def test_negative_zero_is_not_the_fill_value() -> None:
    spec = ArraySpec.create((2,), "f4", zarr_format=3, chunks=(2,))
    encode = unit_encoder(spec)
    assert encode is not None
    assert encode(np.array([-0.0, 0.0], "f4")) is not None
    assert encode(np.zeros(2, "f4")) is None
    assert (
        unit_encoder(ArraySpec.create((2,), "f4", zarr_format=3, chunks=(2,), fill_value=1)) is None
    )


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_large_chunks_on_disk(tmp_path: Path, zarr_format: int) -> None:
    """Chunks from 8 MiB on are encoded here, be they cut at the border or empty."""
    spec = ArraySpec.create((3, 2048, 3000), "u2", zarr_format=zarr_format, chunks=(1, 2048, 2048))
    group = create_group(LocalBytes(tmp_path), "", zarr_format)
    array = group.create_array("0", spec)
    pixels = np.random.default_rng(1).integers(0, 99, spec.shape, "u2")
    pixels[1, :, :2048] = 0
    everything = tuple(slice(0, n) for n in spec.shape)
    array.write(everything, pixels)
    assert array.encoded((1, 0, 0)) is None
    assert array.encoded((1, 0, 1)) is not None
    assert np.array_equal(zarr.open_array(tmp_path / "0", mode="r")[:], pixels)
    pixels[0, :, :2048] = 0
    array.write((slice(0, 1), slice(0, 2048), slice(0, 2048)), pixels[:1, :, :2048])
    assert array.encoded((0, 0, 0)) is None
    array.write((slice(2, 3), slice(5, 6), slice(7, 9)), np.full((1, 1, 2), 7, "u2"))
    pixels[2, 5, 7:9] = 7
    assert np.array_equal(
        ZarrArray.load(LocalBytes(tmp_path), "0", zarr_format).read(everything), pixels
    )
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if "iohub" in name]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_large_chunks_of_a_draft(tmp_path: Path, zarr_format: int) -> None:
    """They take a shorter way to disk; what is there is the same."""
    spec = ArraySpec.create((2, 2048, 3000), "u2", zarr_format=zarr_format, chunks=(1, 2048, 2048))
    store, everything = LocalBytes(tmp_path), tuple(slice(0, n) for n in spec.shape)
    pixels = np.random.default_rng(1).integers(0, 99, spec.shape, "u2")
    pixels[1, :, :2048] = 0
    found = []
    for path in (f"{DRAFT_PREFIX}1/in0", "0"):
        for name, value in spec.documents().items():
            store.set(f"{path}/{name}", value)
        array = ZarrArray(store, path, spec)
        array.write(everything, pixels)
        array.write(everything, pixels)  # again: over what is there
        files = [file for file in (tmp_path / path).rglob("*") if file.is_file()]
        found.append({str(f.relative_to(tmp_path / path)): f.read_bytes() for f in files})
        assert np.array_equal(ZarrArray.load(store, path, zarr_format).read(everything), pixels)
        if path == "0":
            continue
        array.write(everything, np.zeros_like(pixels))
        assert array.encoded((0, 0, 0)) is None
        assert not array.read(everything).any()
    assert found[0] == found[1]
    assert len(found[0]) == 3 + len(spec.documents())


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is refused to root")
def test_large_chunks_that_may_not_be_written(tmp_path: Path) -> None:
    spec = ArraySpec.create((2048, 2048), "u2", zarr_format=3, chunks=(2048, 2048))
    array = create_group(LocalBytes(tmp_path), "", 3).create_array("0", spec)
    os.chmod(tmp_path / "0", 0o500)
    with pytest.raises(ReadOnlyError):
        array.write((slice(0, 2048), slice(0, 2048)), np.ones((2048, 2048), "u2"))


@pytest.mark.skipif(sys.platform != "linux", reason="locks of open files are Linux's")
@pytest.mark.parametrize("empty", [False, True])
def test_large_chunks_wait_for_who_changes_a_part(tmp_path: Path, empty: bool) -> None:
    """TensorStore reads a chunk, and puts it back with the part: else over what came between."""
    import fcntl  # not on every system

    spec = ArraySpec.create((2048, 2048), "u2", zarr_format=3, chunks=(2048, 2048))
    array = create_group(LocalBytes(tmp_path), "", 3).create_array("0", spec)
    whole = (slice(0, 2048), slice(0, 2048))
    array.write(whole, np.ones((2048, 2048), "u2"))
    with (
        open(f"{tmp_path}/0/{spec.unit_key((0, 0))}.__lock", "wb") as lock,
        ThreadPoolExecutor(1) as pool,
    ):
        everything = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLKW, everything)
        written = pool.submit(array.write, whole, np.full((2048, 2048), 0 if empty else 2, "u2"))
        with pytest.raises(TimeoutError):
            written.result(timeout=0.5)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_UNLCK, 0, 0, 0, 0))
        written.result(timeout=60)
    assert np.all(array.read(whole) == (0 if empty else 2))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_blosc_shuffles_by_pixels(zarr_format: int) -> None:
    """A v2 document does not say how large a pixel is; shuffled by bytes, chunks are larger."""
    spec = ArraySpec.create((64, 64), "u2", zarr_format=zarr_format, chunks=(64, 64))
    encode = unit_encoder(spec)
    assert encode is not None
    encoded = encode(np.arange(64 * 64, dtype="u2").reshape(64, 64))
    assert encoded is not None
    assert encoded[3] == 2  # typesize, in the header of c-blosc 1
