"""Images as dask arrays and dask arrays into images: each chunk or shard is written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iohub.bridges import dask as bridge
from iohub.errors import DTypeError
from iohub.storage.array import ZarrArray
from iohub.storage.local import LocalBytes
from iohub.storage.spec import ArraySpec

SHAPE = (5, 7, 9)
DATA = np.arange(np.prod(SHAPE), dtype="u2").reshape(SHAPE)


def new(path: Path, shards: tuple[int, ...] | None = None) -> ZarrArray:
    spec = ArraySpec.create(SHAPE, "u2", zarr_format=3, chunks=(2, 3, 4), shards=shards)
    return ZarrArray.create(LocalBytes(path), "0", spec)


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> ZarrArray:
    return new(tmp_path_factory.mktemp("dask") / "s")


class Recorded:
    """An array that notes which regions are written."""

    def __init__(self, spec: ArraySpec):
        self.spec, self.regions = spec, []

    def write(self, region: Any, value: Any) -> None:
        self.regions.append(region)


def test_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = new(tmp_path / "s", (4, 6, 4))
    array[...] = DATA
    lazy = bridge.as_dask(array, array.spec.chunks, array.spec.shards)
    assert lazy.chunksize == (4, 6, 4)
    assert np.array_equal(lazy.compute(), DATA)
    monkeypatch.setattr(bridge, "BLOCK_BYTES", 10)
    assert bridge.as_dask(array, array.spec.chunks, array.spec.shards).chunksize == (2, 3, 4)
    assert bridge.is_dask(lazy)
    assert not bridge.is_dask(DATA)


@given(
    cuts=st.tuples(*(st.integers(1, n) for n in SHAPE)),
    region=st.tuples(
        *(
            st.tuples(st.integers(0, n - 1), st.integers(1, n)).filter(lambda r: r[0] < r[1])
            for n in SHAPE
        )
    ),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_blocks_into_any_region(
    array: ZarrArray, cuts: tuple[int, ...], region: tuple[tuple[int, int], ...]
) -> None:
    """Writes that are not aligned with chunks lost pixels elsewhere (ngio 1.0.0)."""
    array[...] = 0
    where = tuple(slice(*each) for each in region)
    bridge.write_dask(da.from_array(DATA[where], chunks=cuts), array, where)
    expected = np.zeros_like(DATA)
    expected[where] = DATA[where]
    assert np.array_equal(array[...], expected)


@pytest.mark.parametrize("shards", [None, (4, 6, 4)])
def test_each_unit_is_written_once(
    shards: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "WRITE_BYTES", 1)
    spec = ArraySpec.create(SHAPE, "u2", zarr_format=3, chunks=(2, 3, 4), shards=shards)
    target: Any = Recorded(spec)
    bridge.write_dask(da.from_array(DATA, chunks=(5, 1, 5)), target)
    units = [
        tuple(part.start // unit for part, unit in zip(region, spec.unit, strict=True))
        for region in target.regions
    ]
    assert len(set(units)) == len(units)
    for region in target.regions:
        for part, unit, size in zip(region, spec.unit, SHAPE, strict=True):
            assert part.start % unit == 0
            assert part.stop - part.start <= unit
            assert part.stop % unit == 0 or part.stop == size


def test_values_are_not_changed_silently(tmp_path: Path) -> None:
    array = new(tmp_path / "s")
    bridge.write_dask(da.from_array(DATA.astype("f8")), array)
    assert np.array_equal(array[...], DATA)
    with pytest.raises(DTypeError):
        bridge.write_dask(da.from_array(DATA - 0.5), array)
    bridge.write_dask(da.zeros((0, 7, 9)), array, (slice(0, 0), slice(0, 7), slice(0, 9)))
    assert np.array_equal(array[...], DATA)


def test_an_error_of_a_block_is_raised(tmp_path: Path) -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    lazy = da.from_array(DATA, chunks=3).map_blocks(
        fail, dtype="u2", meta=np.empty((0, 0, 0), "u2")
    )
    with pytest.raises(ZeroDivisionError):
        bridge.write_dask(lazy, new(tmp_path / "s"))
