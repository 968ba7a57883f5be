"""What tests of every room share: where the data is, copies to write to, hypothesis settings."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
DATA = Path(__file__).parent / "data"

# Nothing depends on how fast the machine is; on CI the examples are the same in every run.
# A full run is to stay below 15 minutes on 2 cores: IOHUB_EXAMPLES=1000 searches longer.
settings.register_profile(
    "iohub",
    max_examples=int(os.environ.get("IOHUB_EXAMPLES", "40")),
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("iohub")


@pytest.fixture(autouse=True, scope="module")
def _quick_collections() -> None:
    """Leave what is there out of later collections: many tests call for one."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """Top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """``tests/data``; not to be written to."""
    return DATA


@pytest.fixture(scope="session")
def human_tiffs() -> list[Path]:
    """One field of human cells: DNA, phospho-histone H3, cell body; 512 × 512 uint8 each."""
    return sorted((DATA / "examplehuman").glob("*.tif"))


@pytest.fixture
def copied_store(tmp_path: Path) -> Callable[[str], Path]:
    """Copy a store of ``tests/data/ome-zarr-examples``, such as ``plate-01.zarr``, to write to."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(DATA / "ome-zarr-examples" / name, tmp_path / name))

    return copy
