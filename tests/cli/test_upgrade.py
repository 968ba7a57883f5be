"""``iohub upgrade``."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr


@pytest.mark.parametrize("to", ["0.4", "0.5", "0.6"])
def test_upgrade(run, plate, version, pixels, to):
    files = sorted(p for p in plate.rglob("*") if p.is_file())
    said = run("upgrade", plate, "--to", to, "--dry-run").stdout
    assert "nothing was written (dry run)" in said
    assert sorted(p for p in plate.rglob("*") if p.is_file()) == files
    if version == to:
        assert f"plate.zarr: OME-Zarr {to} already" in said
        return
    assert "+++ b/A/1/0/" in said
    said = run("upgrade", plate, "--to", to).stdout
    assert f"plate.zarr: OME-Zarr {version} → {to}: " in said
    with open_ome_zarr(plate) as node:
        assert node.version == to
        assert np.array_equal(node["B/10/0/0"][:], pixels + 3)
