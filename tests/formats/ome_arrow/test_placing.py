"""Exports that are killed: what was there stays, and the next one removes what they left."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from iohub import open_ome_zarr

KILLED = """
import os, signal, sys
from iohub.formats.ome_arrow import dataset_write, writing
from iohub import open_ome_zarr
def killed(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
with open_ome_zarr("plate.zarr") as node:
    left, real = [3], writing._Writer.add
    def add(self, row):
        left[0] -= 1
        killed() if left[0] == 0 else real(self, row)
    if sys.argv[3] == "pixels":
        writing._Writer.add = add
        dataset_write._Writer._end_group = killed
    else:
        writing._Writer.finish = killed
        dataset_write._Writer._tables = killed
    node.export(sys.argv[1], format=sys.argv[2], overwrite=True, progress=False)
"""


def write(path, value):
    with open_ome_zarr(path, layout="hcs", mode="w", channel_names=["a"], version="0.5") as plate:
        for column in "1234":
            position = plate.create_position("A", column, "0")
            position.create_image("0", np.full((1, 1, 1, 16, 17), value, "u2"))


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize("step", ["pixels", "end"])
@pytest.mark.parametrize(
    ("name", "kind"), [("x.parquet", "ome-parquet"), ("x", "ome-arrow-dataset")]
)
def test_a_killed_export_keeps_what_was_there(tmp_path, step, name, kind):
    write(tmp_path / "plate.zarr", 1)
    with open_ome_zarr(tmp_path / "plate.zarr") as plate:
        plate.export(tmp_path / name, format=kind, progress=False)
    write(tmp_path / "plate.zarr", 2)
    command = [sys.executable, "-c", KILLED, name, kind, step]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(os.listdir(tmp_path)) == 3  # with its draft
    with open_ome_zarr(tmp_path / name) as table:
        assert [(position["0"][:] == 1).all() for _, position in table.positions()] == [True] * 4
    with open_ome_zarr(tmp_path / "plate.zarr") as plate:
        plate.export(tmp_path / name, format=kind, overwrite=True, progress=False)
    assert sorted(os.listdir(tmp_path)) == ["plate.zarr", name]
    with open_ome_zarr(tmp_path / name) as table:
        assert [(position["0"][:] == 2).all() for _, position in table.positions()] == [True] * 4
