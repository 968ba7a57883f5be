"""Importing iohub is cheap and silent, and every public name is where ``__all__`` says."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import iohub

ROOT = Path(__file__).parent.parent
HEAVY = {
    "dask",
    "matplotlib",
    "numpy",
    "pandas",
    "pydantic",
    "rich",
    "skimage",
    "tensorstore",
    "tifffile",
    "xarray",
    "zarr",
    "zarrs",
}


def modules() -> Iterator[str]:
    """Name every module of the package, importing none."""
    for path in sorted((ROOT / "iohub").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python(code: str) -> str:
    """Run code in a fresh interpreter, at the top of the source tree; what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("statement", ["import iohub", "import iohub; dir(iohub)"])
def test_import_is_cheap(statement: str) -> None:
    loaded = json.loads(python(f"import sys, json; {statement}; print(json.dumps([*sys.modules]))"))
    assert HEAVY.isdisjoint(loaded)
    assert len(loaded) <= 350


@pytest.mark.parametrize("name", list(modules()))
def test_public_names_resolve(name: str) -> None:
    module = importlib.import_module(name)
    public = getattr(module, "__all__", ())
    assert len(set(public)) == len(public)
    missing = [each for each in public if not hasattr(module, each)]
    assert missing == []


def test_imports_are_silent() -> None:
    names = [name for name in modules() if not name.startswith("iohub.testing")]
    assert python(f"import importlib\nfor name in {names}: importlib.import_module(name)") == ""


def test_every_folder_is_a_package() -> None:
    found = {"iohub", *(each.name for each in pkgutil.walk_packages(iohub.__path__, "iohub."))}
    assert set(modules()) <= found


def test_public_names() -> None:
    assert iohub.__all__ == [
        "__version__",
        "get_options",
        "ngff",
        "open_ome_zarr",
        "read_images",
        "set_options",
    ]
    assert dir(iohub) == sorted(iohub.__all__)


def test_names_are_resolved_once() -> None:
    look = "iohub.ngff.__name__, iohub.ngff is first, 'ngff' in vars(iohub)"
    printed = python(f"import iohub; first = iohub.ngff; print({look})")
    assert printed == "iohub.ngff True True\n"


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'iohub' has no attribute 'open_zarr'"):
        _ = iohub.open_zarr  # type: ignore[attr-defined]  # that is what is tested
