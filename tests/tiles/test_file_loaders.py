"""Pixels of tiles that are files, each kind as its own reader gives them."""

from pathlib import Path

import numpy as np
import pytest

import iohub
from iohub.errors import ArgumentError, FormatError, NotFoundError
from iohub.tiles import DefaultImageLoader

tifffile = pytest.importorskip("tifffile")
pillow = pytest.importorskip("PIL.Image")

PIXELS = np.arange(6 * 5, dtype=np.uint16).reshape(6, 5)


def written(folder: Path, suffix: str) -> np.ndarray:
    path = folder / f"a.{suffix}"
    if suffix in {"tif", "TIFF", "btf"}:
        tifffile.imwrite(path, PIXELS)
        return PIXELS
    if suffix == "npy":
        np.save(path, PIXELS)
        return PIXELS
    pillow.fromarray(PIXELS.astype(np.uint8)).save(path)
    return PIXELS.astype(np.uint8)


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "btf", "npy", "png", "bmp"])
def test_kinds_of_files(tmp_path: Path, suffix: str) -> None:
    pixels = written(tmp_path, suffix)
    loader = DefaultImageLoader(file_path=f"a.{suffix}")
    for resource in (tmp_path, str(tmp_path), f"{tmp_path}/"):
        np.testing.assert_array_equal(loader.load_data(resource), pixels)
    assert loader.load_data(tmp_path).dtype == pixels.dtype
    assert loader.probe(tmp_path) == (pixels.shape, pixels.dtype)
    assert loader.find_data_type(tmp_path) == str(pixels.dtype)
    loader.preflight(tmp_path)


def test_absolute_paths_need_no_directory(tmp_path: Path) -> None:
    written(tmp_path, "npy")
    loader = DefaultImageLoader(file_path=str(tmp_path / "a.npy"))
    assert loader.load_data().shape == loader.load_data("/elsewhere").shape == (6, 5)
    assert loader.describe_source() == str(tmp_path / "a.npy")


def test_stack_in_one_file(tmp_path: Path) -> None:
    stack = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack")
    loader = DefaultImageLoader(file_path="s.tif")
    np.testing.assert_array_equal(loader.load_data(tmp_path), stack)
    assert loader.probe(tmp_path) == ((2, 3, 4), np.float32)


def test_file_by_url() -> None:
    from iohub.tiles.urls import filesystem_for_url

    files = filesystem_for_url("memory://x")
    with files.open("memory://loaders/a.tif", "wb") as file:
        tifffile.imwrite(file, PIXELS)
    with files.open("memory://loaders/a.npy", "wb") as file:
        np.save(file, PIXELS)
    for name in ("a.tif", "a.npy"):
        loader = DefaultImageLoader(file_path=name)
        np.testing.assert_array_equal(loader.load_data("memory://loaders"), PIXELS)
        assert loader.probe("memory://loaders") == (PIXELS.shape, PIXELS.dtype)


def test_an_image_that_iohub_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    with iohub.open_ome_zarr(path, layout="fov", mode="w", channel_names=["a"]) as position:
        position.create_image("0", PIXELS[None, None, None])
    loader = DefaultImageLoader(file_path="a.zarr")
    np.testing.assert_array_equal(loader.load_data(tmp_path), PIXELS[None, None, None])
    assert loader.probe(tmp_path) == ((1, 1, 1, 6, 5), np.uint16)


@pytest.mark.parametrize("name", ["a.xyz", "a", "folder.d/file"])
def test_unknown_kind(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot handle a file of this kind.*\.tif"):
        DefaultImageLoader(file_path=name).load_data(tmp_path)
    with pytest.raises(ValueError, match="cannot handle"):
        DefaultImageLoader(file_path=name).preflight(tmp_path)


@pytest.mark.parametrize("suffix", ["tif", "npy", "png"])
def test_missing_and_damaged_files_are_named(tmp_path: Path, suffix: str) -> None:
    loader = DefaultImageLoader(file_path=f"gone.{suffix}")
    for read in (loader.load_data, loader.probe):
        with pytest.raises(NotFoundError, match=rf"gone\.{suffix}"):
            read(tmp_path)
        (tmp_path / f"bad.{suffix}").write_bytes(b"no picture at all")
        bad = DefaultImageLoader(file_path=f"bad.{suffix}")
        with pytest.raises(FormatError, match=rf"bad\.{suffix}.* cannot be read"):
            getattr(bad, read.__name__)(tmp_path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError, match=r"p.npy"):
        DefaultImageLoader(file_path="p.npy").load_data(tmp_path)


def test_resource_is_a_directory() -> None:
    with pytest.raises(ArgumentError, match="directory"):
        DefaultImageLoader(file_path="a.tif").load_data(3)
