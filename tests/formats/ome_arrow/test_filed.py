"""Pages that cannot be read alone are decoded once, and kept within the pool of chunks."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from iohub import open_ome_zarr
from iohub.arrow import OMEArrow, from_numpy
from iohub.formats.ome_arrow.filed import ColumnPixels
from iohub.formats.ome_arrow.records import as_array
from iohub.storage import chunk_pool, settings

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
PIXELS = np.random.default_rng(3).integers(0, 4000, (1, 2, 3, 64, 64), "u2")


@pytest.fixture
def foreign(tmp_path):
    """A file whose pixels are compressed together, as other programs write them."""
    rows = [from_numpy(PIXELS + n, dim_order="TCZYX", image_id=f"i{n}") for n in range(2)]
    column = pa.chunked_array([as_array(row) for row in rows])
    path = tmp_path / "foreign.parquet"
    parquet.write_table(pa.table({"ome_arrow": column}), path, row_group_size=1)
    return path


@pytest.fixture
def decoded(monkeypatch):
    """Which columns were decoded."""
    found = []
    decode = ColumnPixels.decode

    def counted(self, index):
        found.append(index)
        return decode(self, index)

    monkeypatch.setattr(ColumnPixels, "decode", counted)
    return found


def held():
    return [key for key, (source, _) in chunk_pool._held.items() if "_Columns" in repr(source)]


def test_they_are_decoded_once(foreign, decoded):
    with open_ome_zarr(foreign) as node:
        for _ in range(2):
            for n in range(2):
                for z in range(3):
                    found = node[f"i{n}"]["0"][0, 1, z, 10:20, 5:9]
                    np.testing.assert_array_equal(found, (PIXELS + n)[0, 1, z, 10:20, 5:9])
        assert len(decoded) == 2
        assert len(held()) == 2
    assert not held()


def test_what_is_larger_than_the_pool_is_kept_one_at_a_time(foreign, decoded):
    with settings.set_options(pool_bytes=1000), open_ome_zarr(foreign) as node:
        for z in range(3):
            np.testing.assert_array_equal(node["i1"]["0"][0, 1, z], (PIXELS + 1)[0, 1, z])
        assert len(set(decoded)) == 1
        assert not held()


def test_who_is_gone_leaves_nothing(foreign):
    def read(row):
        view = OMEArrow.scan(str(foreign), row_index=row).tensor_view(t=0, c=1, z=2, layout="YX")
        np.testing.assert_array_equal(view.to_numpy(), (PIXELS + row)[0, 1, 2])

    read(0)
    gc.collect()
    read(1)
    assert len(held()) <= 1
