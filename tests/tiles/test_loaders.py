"""Pixels of tiles that are no files."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ArgumentError
from iohub.tiles import ArrayImageLoader, DefaultImageLoader, ImageLoaderInterface
from iohub.tiles.loaders import CallableImageLoader, as_loader

PIXELS = np.arange(12, dtype=np.int16).reshape(3, 4)


def make(resource: int = 1) -> np.ndarray:
    return PIXELS * resource


class Doubled(ImageLoaderInterface):
    """A loader that somebody else wrote, with no more than the one method."""

    name: str

    def load_data(self, resource=None) -> np.ndarray:
        return PIXELS * 2


def test_array() -> None:
    loader = as_loader(PIXELS)
    assert isinstance(loader, ArrayImageLoader)
    np.testing.assert_array_equal(loader.load_data("any"), PIXELS)
    assert loader.probe() == ((3, 4), np.int16)
    assert "ndarray (3, 4)" in loader.describe_source()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loader)).load_data(), PIXELS)


def test_dask_array_is_read_when_needed() -> None:
    da = pytest.importorskip("dask.array")
    loader = as_loader(da.from_array(PIXELS))
    assert loader.probe() == ((3, 4), np.int16)
    np.testing.assert_array_equal(loader.load_data(), PIXELS)


def test_nodes(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    with iohub.open_ome_zarr(path, layout="fov", mode="w", channel_names=["a"]) as position:
        position.create_image("0", PIXELS[None, None, None])
        for node in (position, position["0"]):
            loader = as_loader(node)
            assert loader.probe() == ((1, 1, 1, 3, 4), np.int16)
            np.testing.assert_array_equal(loader.load_data()[0, 0, 0], PIXELS)


def test_function() -> None:
    loader = as_loader(make)
    assert isinstance(loader, CallableImageLoader)
    np.testing.assert_array_equal(loader.load_data(), PIXELS)
    np.testing.assert_array_equal(loader.load_data(3), PIXELS * 3)
    assert loader.find_data_type() == "int16"
    assert "make" in loader.describe_source()


def test_paths_and_mappings() -> None:
    expected = DefaultImageLoader(file_path="a.tif")
    assert as_loader("a.tif") == as_loader(Path("a.tif")) == expected
    assert as_loader({"file_path": "a.tif"}) == expected
    assert as_loader(expected) is expected
    assert as_loader(3) == 3


@pytest.mark.parametrize("source", [PIXELS, make])
def test_what_has_no_json_says_so(source) -> None:
    with pytest.raises(Exception, match="has no JSON") as caught:
        as_loader(source).model_dump_json()
    assert isinstance(caught.value, ArgumentError | ValueError)


def test_a_loader_of_your_own_needs_one_method() -> None:
    loader = Doubled(name="x")
    assert loader.find_data_type() == "int16"
    assert loader.probe() == ((3, 4), np.int16)
    assert "Doubled" in loader.describe_source()
    assert loader.preflight() is None
    with pytest.raises(TypeError, match="abstract"):
        ImageLoaderInterface()
