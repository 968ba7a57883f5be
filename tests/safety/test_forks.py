"""A handle that is used after ``fork``, as by the workers of a data loader."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from iohub import open_ome_zarr

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
ENGINES = ["tensorstore", "zarr-python", "zarrs"]

# In a process of its own: nobody should fork one as busy as a test runner. A child that hangs is
# ended by its own alarm.
LOADER = """
import multiprocessing, signal, sys, warnings
import numpy as np
from iohub import open_ome_zarr

warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
path, engine = sys.argv[1:]
pixels = np.random.default_rng(0).integers(0, 60000, (4, 2, 2, 32, 32)).astype("u2")
plate = open_ome_zarr(path, "hcs", "w-", ["a", "b"], version="0.5", engine=engine)
plain, sharded, other = plate.create_positions([("A", "1", str(i)) for i in range(3)])
images = [
    plain.create_image("0", pixels, chunks=(1, 1, 1, 16, 16)),
    sharded.create_image("0", pixels, chunks=(1, 1, 1, 16, 16), shards_ratio=(1, 1, 2, 2, 2)),
]
other = other.create_zeros("0", pixels.shape, "u2")
lazy = plain.to_xarray()
for image in images:
    assert (image[...] == pixels).all()  # the library's threads are running now
assert (lazy.values == pixels).all()

def item(index):
    signal.alarm(60)
    for image in images:
        assert (image[index] == pixels[index]).all()
        assert (image[index, 0, 0, :5, 3:9] == pixels[index, 0, 0, :5, 3:9]).all()
        assert (image.oindex[[index], [1, 0]] == pixels[[index]][:, [1, 0]]).all()
    assert (plate["A/1/0"]["0"][index, 1] == pixels[index, 1]).all()
    assert (lazy[index].compute(scheduler="synchronous").values == pixels[index]).all()
    other[index] = pixels[index] + 1
    position = plate.create_position("B", str(index), "0")
    position.create_image("0", pixels[[index]])
    position.compute_pyramid(2)
    with open_ome_zarr(path) as fresh:
        assert (fresh["A/1/1/0"][index] == pixels[index]).all()
    return index

with multiprocessing.get_context("fork").Pool(2) as pool:
    assert sorted(pool.imap_unordered(item, range(4), chunksize=1)) == [0, 1, 2, 3]
# The parent goes on, and sees what its children did.
assert (other[...] == pixels + 1).all()
for index in range(4):
    assert (plate[f"B/{index}/0/0"][...] == pixels[[index]]).all()
    assert plate[f"B/{index}/0"].keys() == ["0", "1"]
images[0][0] = 0
assert (images[0][0] == 0).all()
print("done")
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_data_loader_that_forks(tmp_path: Path, engine: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", LOADER, str(tmp_path / "p.zarr"), engine],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout == "done\n"


RAW = """
import os, signal, sys, warnings
import numpy as np
from iohub import open_ome_zarr
from iohub.errors import ForkError

warnings.simplefilter("ignore", DeprecationWarning)
position = open_ome_zarr(sys.argv[1], mode="r+", engine="tensorstore")
assert position["0"].tensorstore()[0].read().result().sum() == 0
child = os.fork()
if child == 0:
    signal.alarm(30)
    try:
        position["0"].tensorstore()
    except ForkError as error:
        os._exit(0 if "spawn" in str(error) else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_what_cannot_work_says_what_to_do(tmp_path: Path) -> None:
    """TensorStore's own object is asked for in a child: it would wait for ever."""
    with open_ome_zarr(tmp_path / "i.zarr", "fov", "w-", ["a"], version="0.5") as position:
        position.create_zeros("0", (1, 1, 1, 2, 2), "u1")
    subprocess.run([sys.executable, "-c", RAW, str(tmp_path / "i.zarr")], check=True, timeout=100)


SPAWNED = """
import pickle, sys
position, image = pickle.load(sys.stdin.buffer)
assert (image[...] == 1).all()
image[0, 0, 0, 0] = 2
position.append_channel("b")
"""


def test_nodes_are_sent_to_processes_that_are_spawned(tmp_path: Path) -> None:
    with open_ome_zarr(tmp_path / "i.zarr", "fov", "w-", ["a"], version="0.5") as position:
        image = position.create_image("0", np.ones((1, 1, 1, 4, 4), "u1"))
        payload = pickle.dumps((position, image))
        subprocess.run([sys.executable, "-c", SPAWNED], input=payload, check=True, timeout=100)
        assert position.channel_names == ["a", "b"]
        assert (image[0, 0, 0, 0] == 2).all()
