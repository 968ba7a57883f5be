"""Stores that tests of nodes open: both versions, on disk and in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iohub import open_ome_zarr

VERSIONS = ["0.4", "0.5", "0.6"]
_names = itertools.count()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    """Make noise of a shape: no two planes are alike."""

    def make(shape: tuple[int, ...] = (2, 2, 3, 9, 7), dtype: Any = "uint16") -> np.ndarray:
        return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)

    return make


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Any]:
    """Name places for stores: directories, and stores in memory."""

    def at(name: str) -> Any:
        if request.param == "local":
            return tmp_path / name
        return f"memory://nodes{next(_names)}/{name}"

    return at


@pytest.fixture
def fov(tmp_path: Path, version: str, pixels: Callable[..., np.ndarray]) -> Iterator[Any]:
    """Open a position with one image, "0"."""
    with open_ome_zarr(
        tmp_path / "fov.zarr",
        layout="fov",
        mode="w-",
        channel_names=["DAPI", "GFP"],
        version=version,
    ) as position:
        position.create_image("0", pixels())
        yield position


@pytest.fixture
def empty_plate(tmp_path: Path, version: str) -> Iterator[Any]:
    with open_ome_zarr(
        tmp_path / "plate.zarr",
        layout="hcs",
        mode="w-",
        channel_names=["DAPI", "GFP"],
        version=version,
    ) as plate:
        yield plate


@pytest.fixture
def plate(empty_plate: Any, pixels: Callable[..., np.ndarray]) -> Any:
    """Open a plate with A/1/0, A/1/1, A/2/0 and B/2/0; each image is other than the others."""
    places = [("A", "1", "0"), ("A", "1", "1"), ("A", "2", "0"), ("B", "2", "0")]
    for i, position in enumerate(empty_plate.create_positions(places)):
        position.create_image("0", pixels((1, 2, 2, 5, 4)) + i)
    return empty_plate
