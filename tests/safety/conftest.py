"""The edits that the tests of safety interrupt; a module of their own, as a child runs it too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PATH = Path(__file__).with_name("edits.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("iohub_safety_edits", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_EDITS = _load()


@pytest.fixture(scope="session")
def edits() -> Any:
    return _EDITS


@pytest.fixture(params=_EDITS.EDITS, ids=lambda edit: edit.name)
def edit(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def template(edit: Any, tmp_path: Path) -> Path:
    """Return the plate that the edit starts from."""
    path = tmp_path / "template.zarr"
    _EDITS.prepare(path, edit.version)
    return path
