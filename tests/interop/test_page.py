"""A script written against the page of the public API runs, alone and with warnings as errors."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("public_api_script.py")


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_the_script_of_a_user_of_the_public_api(tmp_path, version, check_store):
    command = [sys.executable, "-W", "error", str(SCRIPT), str(tmp_path), version]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.stderr == ""
    assert run.returncode == 0
    assert run.stdout.endswith("done\n")
    expected = {
        "fov": {"image": 1},
        "copy": {"image": 1},
        "cyx": {"image": 1},
        "tiled": {"image": 1},
        "plate": {"plate": 1, "well": 4, "image": 5},
        "combined": {"plate": 1, "well": 2, "image": 2},
    }
    assert {path.stem for path in tmp_path.iterdir()} == set(expected)
    for name, kinds in expected.items():
        assert Counter(check_store(tmp_path / f"{name}.zarr", version)) == kinds
