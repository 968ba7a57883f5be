"""The suite for adapters, run over a small adapter of another, installed package."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from iohub.errors import FormatError
from iohub.formats import registry
from iohub.storage.virtual_pixels import VirtualPixels
from iohub.testing.adapters import AdapterSuite
from iohub.testing.examples import Example, Image

HERE = Path(__file__).parent


def install(folder: Path) -> None:
    """Lay a package out as an installer does; it has the adapter and its entry point."""
    shutil.copy(HERE / "npz_format.py", folder / "iohub_npz_format.py")
    (folder / "iohub_npz_reader.py").write_text("from numpy import load\n")
    about = folder / "iohub_npz-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: iohub-npz\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[iohub.formats]\nnpz = iohub_npz_format\n")


@pytest.fixture(scope="module", autouse=True)
def npz(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site-packages")
    install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(HERE.parent.parent)]))
        registry._others.cache_clear()
        import iohub_npz_format

        TestNpz.adapter = iohub_npz_format
        yield iohub_npz_format
    registry._others.cache_clear()
    sys.modules.pop("iohub_npz_format", None)


def pixels(*shape: int, dtype: str = "u2") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


def described(array: np.ndarray, *levels: np.ndarray) -> Image:
    names = [f"ch{i}" for i in range(array.shape[1])]
    scale = (1, 1, 1, 0.5, 0.25)
    return Image(array, "tczyx", levels, names, scale, {}, (1, 2, None), len(array))


def write_one(folder: Path) -> Example:
    whole = pixels(2, 3, 4, 20, 31)
    np.savez(folder / "one.npz", image=whole)
    return Example(folder / "one.npz", {"": described(whole)})


def write_pyramid(folder: Path) -> Example:
    whole = pixels(1, 2, 3, 20, 30, dtype="f4")
    half = np.ascontiguousarray(whole[..., ::2, ::2])
    np.savez_compressed(folder / "two.npz", **{"image": whole, "image@1": half})
    return Example(folder / "two.npz", {"": described(whole, half)})


def write_series(folder: Path) -> Example:
    first, second = pixels(1, 1, 1, 9, 8), pixels(2, 2, 1, 5, 4, dtype="u1")
    np.savez(folder / "series.npz", first=first, second=second)
    images = {"first": described(first), "second": described(second)}
    return Example(folder / "series.npz", images, "Series")


def write_plate(folder: Path) -> Example:
    fields = {f"{well}-{i}": pixels(1, 2, 1, 6, 7) + i for well in ("A1", "B3") for i in range(2)}
    np.savez(folder / "plate.npz", **fields)
    images = {f"{k[0]}/{k[1]}/{k[3]}": described(v) for k, v in fields.items()}
    return Example(folder / "plate.npz", images, "Plate")


class TestNpz(AdapterSuite):
    examples: ClassVar = {
        "one": write_one,
        "pyramid": write_pyramid,
        "series": write_series,
        "plate": write_plate,
    }


# ---- the suite finds what is wrong --------------------------------------------------------------


@pytest.fixture
def example(tmp_path: Path) -> Example:
    return write_one(tmp_path)


@pytest.mark.parametrize("name", ["test_pixels", "test_regions", "test_threads", "test_pickles",
                                  "test_dask_and_xarray", "test_zarr_and_tensorstore"])  # fmt: skip
def test_wrong_pixels(example: Example, name: str) -> None:
    wrong = dataclasses.replace(example, images={"": described(example.images[""].pixels ^ 1)})
    with pytest.raises(AssertionError):
        getattr(TestNpz(), name)(wrong)


@pytest.mark.parametrize(
    "changed",
    [
        {"axes": "tczxy"}, {"channel_names": ["a", "b", "c"]}, {"scale": (1, 1, 1, 0.5, 0.3)},
        {"stage": (1, 3, None)}, {"frames": 3}, {"units": {"y": "nanometer"}},
        {"levels": [pixels(2, 3, 4, 10, 15)]}, {"pixels": pixels(2, 3, 4, 20, 31, dtype="i2")},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_wrong_metadata(example: Example, changed: dict) -> None:
    wrong = dataclasses.replace(example.images[""], **changed)
    with pytest.raises(AssertionError):
        TestNpz().test_metadata(dataclasses.replace(example, images={"": wrong}))


def sabotage(npz, monkeypatch: pytest.MonkeyPatch, change) -> None:
    """Change the store that the adapter makes."""
    right = npz.store_of

    def wrong(path):
        store = right(path)
        change(store)
        return store

    monkeypatch.setattr(npz, "store_of", wrong)


def test_pixels_read_on_opening(npz, monkeypatch, example: Example) -> None:
    sabotage(npz, monkeypatch, lambda store: store.get("0/c/0/0/0/0/0"))
    with pytest.raises(AssertionError):
        TestNpz().test_opening_reads_no_pixel(example)


def test_a_file_left_open(npz, monkeypatch, example: Example) -> None:
    sabotage(npz, monkeypatch, lambda store: setattr(store, "_close", None))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        TestNpz().test_closes(example)


def test_errors_that_name_no_file(npz, monkeypatch, example: Example) -> None:
    def broken(location, *, engine=None):
        raise FormatError("something is wrong")

    monkeypatch.setattr(npz, "open_group", broken)
    with pytest.raises(AssertionError, match="something is wrong"):
        TestNpz().test_truncated(example, 0.5)


def test_an_adapter_that_takes_everything(npz, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(npz, "sniff", lambda location: True)
    with pytest.raises(AssertionError):
        TestNpz().test_other_things_are_not(tmp_path)


def test_more_decoded_than_asked_for(npz, monkeypatch, example: Example) -> None:
    right = VirtualPixels._read

    def careless(opened, region, out):
        opened._reader.chunk((0,) * 5)
        return right(opened, region, out)

    monkeypatch.setattr(VirtualPixels, "_read", careless)
    with pytest.raises(AssertionError):
        TestNpz().test_a_frame_is_read_alone(example)
