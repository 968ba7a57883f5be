"""Tiled images: one chunk per tile, read and written by row and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from iohub import open_ome_zarr
from iohub.errors import DTypeError, ExistsError, ShapeError
from iohub.ngff import TiledImageArray, TiledPosition, TransformationMeta


@pytest.fixture
def node(tmp_path: Path, version: str) -> Any:
    with open_ome_zarr(
        tmp_path / "t.zarr", layout="tiled", mode="w-", channel_names=["a", "b"], version=version
    ) as position:
        yield position


@pytest.fixture
def image(node: Any) -> Any:
    """Make 2 × 3 tiles of 4 × 5 pixels."""
    return node.make_tiles("tiles", (2, 3), (2, 2, 3, 4, 5), "uint16")


def tile(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 999, (2, 2, 3, 4, 5)).astype("u2")


def test_make_tiles(node: Any, image: Any) -> None:
    assert isinstance(image, TiledImageArray)
    assert isinstance(image, zarr.Array)
    assert image.shape == (2, 2, 3, 8, 15)
    assert image.chunks == (1, 1, 1, 4, 5)
    assert (image.rows, image.columns) == (2, 3)
    assert image.tile_shape[-2:] == (4, 5)
    assert isinstance(node["tiles"], TiledImageArray)
    assert not image[...].any()
    again = open_ome_zarr(node.url, layout="tiled")
    assert isinstance(again, TiledPosition)
    assert isinstance(again["tiles"], TiledImageArray)
    assert type(open_ome_zarr(node.url)["tiles"]) is not TiledImageArray
    assert dict(again.images())["tiles"].rows == 2


@pytest.mark.parametrize(("dims", "chunks"), [(2, (1, 1, 1)), (3, (1, 1, 3)), (5, (2, 2, 3))])
def test_chunk_dims(node: Any, dims: int, chunks: tuple[int, ...]) -> None:
    image = node.make_tiles("x", (2, 2), (2, 2, 3, 4, 5), "u1", chunk_dims=dims)
    assert image.chunks == (*chunks, 4, 5)


def test_transform_and_short_tiles(node: Any) -> None:
    image = node.make_tiles(
        "x",
        (1, 2),
        (2, 1, 4, 5),
        "u1",
        transform=[TransformationMeta(type="scale", scale=[1, 1, 1, 0.5, 0.5])],
    )
    assert image.shape == (1, 2, 1, 4, 10)
    assert node.get_effective_scale("x")[-1] == 0.5


def test_read_and_write(image: Any) -> None:
    for row in range(2):
        for column in range(3):
            image.write_tile(tile(row * 3 + column), row, column)
    for row in range(2):
        for column in range(3):
            assert np.array_equal(image.get_tile(row, column), tile(row * 3 + column))
    assert np.array_equal(image[..., 4:8, 10:15], tile(5))
    assert np.array_equal(image.get_tile(-1, -1), tile(5))
    assert np.array_equal(image.get_tile(0, 1, pre_dims=(1, 0, 2)), tile(1)[1:2, 0:1, 2:3])
    assert np.array_equal(
        image.get_tile(0, 1, pre_dims=(None, 1, slice(0, 2))), tile(1)[:, 1:2, :2]
    )
    image.write_tile(np.full((4, 5), 7), 1, 0, pre_dims=(0, 1, 2))
    assert (image[0, 1, 2, 4:8, 0:5] == 7).all()
    assert np.array_equal(image[0, 1, 1, 4:8, 0:5], tile(3)[0, 1, 1])


def test_slices(image: Any) -> None:
    assert image.get_tile_slice(1, 2) == (
        *(slice(0, 2), slice(0, 2), slice(0, 3)),
        *(slice(4, 8), slice(10, 15)),
    ) or image[image.get_tile_slice(1, 2)].shape == (2, 2, 3, 4, 5)
    assert image[image.get_tile_slice(0, 0, (1, -1, slice(1, None)))].shape == (1, 1, 2, 4, 5)


def test_refusals(image: Any) -> None:
    for row, column in ((2, 0), (0, 3), (-3, 0), (0, -4)):
        with pytest.raises(IndexError, match="out of bounds"):
            image.get_tile(row, column)
        with pytest.raises(IndexError, match="out of bounds"):
            image.write_tile(tile(0), row, column)
    with pytest.raises(ShapeError, match="pre_dims"):
        image.get_tile(0, 0, pre_dims=(0, 0))
    with pytest.raises(IndexError):
        image.get_tile(0, 0, pre_dims=(5, 0, 0))
    with pytest.raises(ShapeError):
        image.write_tile(np.zeros((3, 3)), 0, 0)
    with pytest.raises(DTypeError):
        image.write_tile(np.full((2, 2, 3, 4, 5), -1), 0, 0)
    assert not image[...].any()


@pytest.mark.parametrize(
    ("grid", "shape", "dims"),
    [
        ((0, 1), (4, 5), 2),
        ((1,), (4, 5), 2),
        ((1, 1), (0, 5), 2),
        ((1, 1), (1,) * 6, 2),
        ((1, 1), (1, 2, 1, 4, 5), 1),
        ((1, 1), (1, 2, 1, 4, 5), 6),
        ((1, 1), (1, 3, 1, 4, 5), 2),
    ],
)
def test_tiles_that_cannot_be(node: Any, grid: Any, shape: Any, dims: int) -> None:
    with pytest.raises(ShapeError):
        node.make_tiles("x", grid, shape, "u1", chunk_dims=dims)
    assert list(node) == []


def test_nothing_is_overwritten(node: Any, image: Any) -> None:
    with pytest.raises(ExistsError):
        node.make_tiles("tiles", (1, 1), (1, 2, 1, 4, 5), "u1")


def test_pickle_and_repr(image: Any) -> None:
    import pickle

    twin = pickle.loads(pickle.dumps(image))
    assert type(twin) is TiledImageArray
    assert twin.rows == 2
    assert repr(image).startswith("<TiledImageArray 'tiles'")
