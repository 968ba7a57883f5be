"""Chunks of Blosc read past the engine: every region is NumPy's, and doubt is left to it."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numcodecs.blosc import Blosc as Encoder

from iohub.storage import blosc_chunks, grid
from iohub.storage import settings as limits
from iohub.storage.array import ZarrArray
from iohub.storage.blosc_chunks import BloscReader, NotUnderstoodError
from iohub.storage.codecs import Blosc, Zstd
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small arrays fall into many pieces and threads, as large ones do."""
    monkeypatch.setattr(blosc_chunks, "MIN_CHUNK", 0)
    monkeypatch.setattr(blosc_chunks, "PIECE", 1500)
    monkeypatch.setattr(blosc_chunks, "_GAP", 100)
    monkeypatch.setattr(blosc_chunks, "_THREADED", 4000)


def made(
    folder: Path,
    data: np.ndarray,
    chunks: tuple[int, ...],
    *,
    zarr_format: int = 3,
    encoder: Encoder | None = None,
    **more: Any,
) -> tuple[ZarrArray, BloscReader]:
    """Return an array with these pixels; with an encoder its chunks are written by hand."""
    spec = ArraySpec.create(data.shape, data.dtype, zarr_format=zarr_format, chunks=chunks, **more)
    store = LocalBytes(folder)
    array = ZarrArray.create(store, "0", spec, engine="zarr-python")
    region = grid.full(data.shape)
    if encoder is None:
        array.write(region, data)
    else:
        for index in grid.units_of(region, chunks):
            part = grid.unit_region(index, data.shape, chunks)
            block = np.zeros(chunks, data.dtype)
            block[tuple(slice(0, s.stop - s.start) for s in part)] = data[part]
            array.write_encoded(index, encoder.encode(block))
    return array, BloscReader(store, "0", spec)


def read(reader: BloscReader, region: tuple[slice, ...], dtype: np.dtype[Any]) -> np.ndarray:
    out = np.full(grid.region_shape(region), 7, dtype)
    reader.read(region, out)
    return out


def pixels(shape: tuple[int, ...], dtype: str, noise: bool) -> np.ndarray:
    rng = np.random.default_rng(prod(shape))
    if noise:  # cannot be compressed: Blosc only copies it
        return rng.integers(0, 256, (*shape, np.dtype(dtype).itemsize), "u1").view(dtype)[..., 0]
    return np.arange(prod(shape)).reshape(shape).astype(dtype)


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[slice, ...]]:
    shape = tuple(draw(st.lists(st.integers(1, 24), min_size=1, max_size=4)))
    chunks = tuple(draw(st.integers(1, size + 3)) for size in shape)
    ends = [sorted((draw(st.integers(0, n - 1)), draw(st.integers(1, n)))) for n in shape]
    return shape, chunks, tuple(slice(a, max(b, a + 1)) for a, b in ends)


@given(
    case=cases(),
    dtype=st.sampled_from(["u1", "u2", "f4", "c16", "?"]),
    block=st.sampled_from([0, 16, 64, 1000]),
    how=st.sampled_from(["zstd", "lz4", "blosclz"]),
    shuffle=st.sampled_from([0, 1, 2]),
    level=st.sampled_from([0, 1, 5]),
    zarr_format=st.sampled_from([2, 3]),
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_every_region_is_numpys(
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[tuple[int, ...], tuple[int, ...], tuple[slice, ...]],
    dtype: str,
    block: int,
    how: str,
    shuffle: int,
    level: int,
    zarr_format: int,
) -> None:
    shape, chunks, region = case
    data = pixels(shape, dtype, noise=False)
    encoder = Encoder(how, level, shuffle, blocksize=block)
    _, reader = made(
        tmp_path_factory.mktemp("a"), data, chunks, zarr_format=zarr_format, encoder=encoder
    )
    assert np.array_equal(read(reader, region, data.dtype), data[region])
    assert np.array_equal(read(reader, grid.full(shape), data.dtype), data)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("shape", [(4, 50, 41), (4, 64, 64), (200, 40)])
def test_large_chunks_in_many_blocks(tmp_path: Path, shape: tuple[int, ...], noise: bool) -> None:
    data = pixels(shape, "u2", noise)
    _, reader = made(tmp_path, data, shape, encoder=Encoder("zstd", 1, 2, blocksize=512))
    for axis, size in enumerate(shape):
        for start, stop in ((0, 1), (size // 2, size // 2 + 2), (size - 1, size), (1, size)):
            region = tuple(
                slice(start, stop) if a == axis else slice(0, n) for a, n in enumerate(shape)
            )
            assert np.array_equal(read(reader, region, data.dtype), data[region])


def test_blocks_that_are_stored_out_of_order(tmp_path: Path) -> None:
    data = pixels((64, 64), "u2", noise=False)
    array, reader = made(tmp_path, data, (64, 64), encoder=Encoder("zstd", 1, 2, blocksize=1024))
    raw = array.encoded((0, 0))
    assert raw is not None
    count = data.nbytes // int.from_bytes(raw[8:12], "little")
    assert count == 8
    starts = np.frombuffer(raw, "<i4", count, 16)
    ends = np.append(starts[1:], len(raw))
    blocks = [raw[a:b] for a, b in zip(starts, ends, strict=True)]
    order = np.random.default_rng(0).permutation(count)
    table, at = np.empty(count, "<i4"), 16 + 4 * count
    for i in order:
        table[i], at = at, at + len(blocks[i])
    body = b"".join(blocks[i] for i in order)
    array.write_encoded((0, 0), raw[:16] + table.tobytes() + body)
    for region in (grid.full(data.shape), (slice(3, 9), slice(0, 64)), (slice(9, 33), slice(1, 2))):
        assert np.array_equal(read(reader, region, data.dtype), data[region])


def test_chunks_that_were_never_written(tmp_path: Path) -> None:
    spec = ArraySpec.create((8, 8), "i2", zarr_format=3, chunks=(4, 4), fill_value=-3)
    store = LocalBytes(tmp_path)
    array = ZarrArray.create(store, "0", spec)
    array.write((slice(0, 4), slice(4, 8)), np.ones((4, 4), "i2"))
    expected = np.full((8, 8), -3)
    expected[:4, 4:] = 1
    found = read(BloscReader(store, "0", spec), grid.full((8, 8)), spec.dtype)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_which_arrays_suit(zarr_format: int) -> None:
    def spec(dtype: str = "u2", **more: Any) -> ArraySpec:
        return ArraySpec.create((8, 8), dtype, zarr_format=zarr_format, chunks=(4, 4), **more)

    assert blosc_chunks.suits(spec())
    assert blosc_chunks.suits(spec(compression=Blosc("lz4", 9, "shuffle")))
    assert blosc_chunks.suits(spec("u1"))
    assert not blosc_chunks.suits(spec(">u2"))
    assert not blosc_chunks.suits(spec(compression=Zstd()))
    assert not blosc_chunks.suits(spec(compression=None))
    if zarr_format == 3:
        assert not blosc_chunks.suits(spec(shards=(8, 8)))


def test_small_chunks_are_left_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blosc_chunks, "MIN_CHUNK", 33)
    assert not blosc_chunks.suits(ArraySpec.create((8, 8), "u2", zarr_format=3, chunks=(4, 4)))


def _cut(raw: bytes) -> bytes:
    return raw[:-5]


def _no_header(raw: bytes) -> bytes:
    return raw[:7]


def _other_version(raw: bytes) -> bytes:
    return b"\x05" + raw[1:]


def _other_size(raw: bytes) -> bytes:
    return raw[:4] + b"\x01\x02\x03\x04" + raw[8:]


def _bad_table(raw: bytes) -> bytes:
    return raw[:16] + b"\xff\xff\xff\x7f" + raw[20:]


def _negative_table(raw: bytes) -> bytes:
    return raw[:16] + b"\xff\xff\xff\xff" + raw[20:]


def _tiny_blocks(raw: bytes) -> bytes:
    return raw[:8] + b"\x01\x00\x00\x00" + raw[12:]


@pytest.mark.parametrize(
    "damage",
    [_cut, _no_header, _other_version, _other_size, _bad_table, _negative_table, _tiny_blocks],
)
def test_damaged_chunks_are_left_to_the_engine(tmp_path: Path, damage: Any) -> None:
    data = pixels((64, 64), "u2", noise=False)
    array, reader = made(tmp_path, data, (64, 64), encoder=Encoder("zstd", 1, 2, blocksize=1024))
    raw = array.encoded((0, 0))
    assert raw is not None
    array.write_encoded((0, 0), damage(raw))
    before = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0
    with pytest.raises(NotUnderstoodError):
        read(reader, grid.full(data.shape), data.dtype)
    assert not before or len(os.listdir("/dev/fd")) == before
    # The engine says in its own words what is wrong.
    broken = ZarrArray(LocalBytes(tmp_path), "0", array.spec, engine="tensorstore")
    with pytest.raises(ValueError, match=r"(?i)error"):
        broken[...]


def test_a_chunk_that_is_read_again_and_again_is_kept(tmp_path: Path) -> None:
    data = pixels((8, 64, 64), "u2", noise=False)
    _, reader = made(tmp_path, data, (8, 64, 64))
    window = (slice(3, 4), slice(0, 16), slice(0, 64))
    asked = [reader.prefers(window) for _ in range(200)]
    assert asked[0]
    assert not asked[-1]
    assert asked == sorted(asked, reverse=True)
    assert reader.prefers(grid.full(data.shape))  # whole chunks need no pool
    with limits.set_options(pool_bytes=data.nbytes - 1):
        assert reader.prefers(window)  # the pool could not keep it


def test_a_region_of_too_many_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pixels((8, 64, 64), "u2", noise=False)
    _, reader = made(tmp_path, data, (8, 64, 64))
    monkeypatch.setattr(blosc_chunks, "_MAX_PIECES", 7)
    assert not reader.prefers((slice(0, 8), slice(0, 16), slice(0, 64)))


def test_another_writer_is_seen(tmp_path: Path) -> None:
    data = pixels((8, 64, 64), "u2", noise=False)
    array, _ = made(tmp_path, data, (8, 64, 64))
    reader = ZarrArray(LocalBytes(tmp_path, read_only=True), "0", array.spec)
    region = (slice(2, 3), slice(0, 9), slice(0, 64))
    for value in range(3):
        array.write(region, np.full((1, 9, 64), value, "u2"))
        assert (reader.read(region) == value).all()
