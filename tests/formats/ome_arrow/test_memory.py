"""How much memory 64 MiB of pixels take on their way into and out of tables, in a process."""

import json
import os
import subprocess
import sys

import pytest

MEASURED = """
import gc, json
import numpy as np
import pyarrow as pa
from iohub import open_ome_zarr
from iohub.arrow import OMEArrow

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(key))

def peak(run):
    gc.collect()
    pa.default_memory_pool().release_unused()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    run()
    return status("VmHWM") - before

def export(name, **options):
    with open_ome_zarr("x.zarr") as position:
        position.export(name, overwrite=True, progress=False, **options)

def read(name):
    with open_ome_zarr(name) as position:
        assert position["0"][:].any()

def measure(shape):
    pixels = np.random.default_rng(0).integers(0, 4096, shape, np.uint16)
    with open_ome_zarr(
        "x.zarr", layout="fov", mode="w", channel_names=["a"], version="0.5"
    ) as position:
        position.create_image("0", pixels, chunks=(1, 1, 16, *shape[3:]))
    found = {
        "planes written": peak(lambda: export("planes.parquet")),
        "bytes written": peak(lambda: export("bytes.parquet", encoding="bytes")),
        "dataset written": peak(lambda: export("x", format="ome-arrow-dataset")),
        "planes read": peak(lambda: read("planes.parquet")),
        "bytes read": peak(lambda: read("bytes.parquet")),
        "dataset read": peak(lambda: read("x")),
        "planes as record": peak(lambda: OMEArrow("planes.parquet").export("numpy")),
        "bytes as record": peak(lambda: OMEArrow("bytes.parquet").export("numpy")),
    }
    return {name: value / pixels.nbytes for name, value in found.items()}

measure((1, 1, 16, 64, 64))
print(json.dumps(measure((1, 1, 64, 1024, 512))))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the system does not tell")
def test_lists_take_three_times_their_pixels_at_most_and_bytes_one_and_a_half(tmp_path):
    command = [sys.executable, "-c", MEASURED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    too_much = {
        name: value for name, value in found.items() if value > (3 if "planes" in name else 1.5)
    }
    assert too_much == {}
    assert found["bytes read"] > 0.9  # what was measured is the memory of the pixels
