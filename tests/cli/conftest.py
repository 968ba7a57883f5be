"""Stores to give to commands, and a way to run them in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from iohub import open_ome_zarr
from iohub.cli import main

PLACES = [("A", "1", "0"), ("A", "1", "1"), ("A", "2", "0"), ("B", "10", "0")]


@pytest.fixture(params=["0.4", "0.5", "0.6"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (1, 2, 4, 16, 16)).astype("u2")


@pytest.fixture
def plate(
    tmp_path: Path, version: str, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A plate of four positions, ``plate.zarr`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    names = ["DAPI", "GFP"]
    with open_ome_zarr(
        "plate.zarr", layout="hcs", mode="w-", channel_names=names, version=version
    ) as node:
        for index, position in enumerate(node.create_positions(PLACES)):
            position["0"] = pixels + index
    return Path("plate.zarr")


@pytest.fixture
def fov(tmp_path: Path, version: str, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image that is no part of a plate, ``fov.zarr`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    names = ["DAPI", "GFP"]
    with open_ome_zarr(
        "fov.zarr", layout="fov", mode="w-", channel_names=names, version=version
    ) as node:
        node["0"] = pixels
    return Path("fov.zarr")


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command line, given as its words; an unexpected exception is raised."""

    def call(*words: object, stdin: str | bytes | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def break_position() -> Callable[[Path, str], None]:
    """Make the document of a position unreadable."""

    def damage(plate: Path, path: str) -> None:
        folder = plate / path
        name = "zarr.json" if (folder / "zarr.json").exists() else ".zattrs"
        (folder / name).write_text("{ no JSON", encoding="utf-8")

    return damage
