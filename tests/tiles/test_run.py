"""Who does the parts: other processes, and a real cluster of dask."""

from __future__ import annotations

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.errors import FormatError
from iohub.tiles.run import executor, in_order
from tests.tiles.loading import Memory, cut, planned
from tests.tiles.test_write import SCENE, TABLE, _write


class Broken(Memory):
    """Pixels that cannot be had, in whatever process."""

    def load_data(self, resource=None):
        raise ValueError("no such page")


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def _check(path, run):
    table, loaders = cut(SCENE, 24, 32)
    _write(path, planned(table), loaders, run=run, workers=1)
    assert not any(loader.loads for loader in loaders)  # others have loaded them
    with open_ome_zarr(path) as image:
        assert (image["0"][...] == SCENE[:, :, :80, :104]).all()
        low, high = np.percentile(SCENE[0, :, :80, :104], (0.1, 99.9))
        window = image.metadata.omero.channels[0].window
        assert (window["start"], window["end"]) == (low, high)


def test_processes(tmp_path):
    _check(tmp_path / "a.zarr", "processes")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_cluster_of_dask(tmp_path, client):
    _check(tmp_path / "a.zarr", client)
    bad = [Broken(SCENE[0, 0, :32, :32], "first.tif")] * len(TABLE)
    with pytest.raises(FormatError, match=r"first\.tif.*no such page"):
        _write(tmp_path / "b.zarr", planned(TABLE), bad, run=client)
    with executor(client) as pool:
        assert list(in_order(pool, abs, [-1, -2, -1])) == [1, 2, 1]
