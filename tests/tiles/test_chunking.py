"""Sizes of chunks and shards that options ask for."""

import pytest
from pydantic import ValidationError

from iohub.tiles import ChunkMultipleSharding, FixedSizeChunking, FovBasedChunking, Scalings


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [("0.25", 25), ("0.5", 50), (1, 101), (2.0, 202), (Scalings.QUADRUPLE, 404)],
)
def test_chunks_by_field_of_view(scaling, expected: int) -> None:
    chunks = FovBasedChunking(xy_scaling=scaling)
    assert chunks.get_xy_chunk(101) == expected
    assert [chunks.size(axis, 101) for axis in "tczyx"] == [1, 1, 10, expected, expected]


def test_chunks_are_never_empty() -> None:
    assert FovBasedChunking(xy_scaling="0.25").get_xy_chunk(3) == 1


def test_fixed_chunks() -> None:
    assert FixedSizeChunking().get_xy_chunk(fov_shape=7) == 4096
    assert [FixedSizeChunking(xy_chunk=64, z_chunk=2).size(a, 7) for a in "zyx"] == [2, 64, 64]


def test_shards_count_chunks() -> None:
    assert [ChunkMultipleSharding(z_factor=3).get_factor(a) for a in "tczyx"] == [1, 1, 3, 4, 4]


@pytest.mark.parametrize("scaling", [3, 0, True, "x"])
def test_unknown_scaling_is_refused(scaling) -> None:
    with pytest.raises(ValidationError):
        FovBasedChunking(xy_scaling=scaling)
